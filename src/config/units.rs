//! Texts with a unit: times, shares, sizes. Pure functions; their errors say what to write instead.

use std::{ops::Range, time::Duration};

/// Units of time, in milliseconds.
const TIMES: &[(&str, f64)] =
    &[("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3), ("d", 86_400e3), ("w", 604_800e3)];

/// What people write for a unit, and what we read.
const SPELLINGS: &[(&str, &str)] = &[
    ("msec", "ms"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("millisecond", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("week", "w"),
    ("weeks", "w"),
];

/// Units of size, in bytes: decimal ones with `B`, binary ones with `iB`.
const SIZES: &[(&str, f64)] = &[
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
];

/// How a time is written, for editors: at least as wide as [`duration`], which decides.
pub(super) const TIME_PATTERN: &str = "^([0-9]+([.][0-9]*)?(ms|s|m|h|d|w))+$";

/// How a share is written, for editors.
pub(super) const PERCENT_PATTERN: &str = "^[0-9+.eE-]+\\s*%$";

/// How a size is written, for editors.
pub(super) const SIZE_PATTERN: &str = "^[0-9]+([.][0-9]*)?\\s*([kKmMgG][iI]?)?[bB]$";

/// How a data rate is written, for editors.
pub(super) const RATE_PATTERN: &str =
    "^[0-9]+([.][0-9]*)?\\s*[kKmMgG]?([iI]?B/[sS]|[bB][iI][tT]/[sS]|[bB][pP][sS])$";

/// Longest time that is read: ten years.
const LONGEST_MS: f64 = 3_652.0 * 86_400e3;

/// Reads a time such as `500ms`, `20s`, `1.5h`, `1h30m`, `30d`.
///
/// # Errors
/// What is wrong with the text, with advice where it is clear what was meant.
pub fn duration(text: &str) -> Result<Duration, String> {
    duration_within(text, &(Duration::ZERO..Duration::MAX))
}

/// The same, where a time within these limits is meant: a unit that is missing is proposed accordingly.
///
/// # Errors
/// As [`duration`]; that the time is within the limits is not checked.
pub fn duration_within(text: &str, limits: &Range<Duration>) -> Result<Duration, String> {
    let not_a_time = |text: &str| not_a_time(text, limits);
    let mut rest = text;
    let mut total = 0.0;
    if text.is_empty() {
        return Err("a time needs a number and a unit, such as `20s`".to_owned());
    }
    while !rest.is_empty() {
        let (number, tail) = leading_number(rest).ok_or_else(|| not_a_time(text))?;
        let word_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(word_end);
        let unit = TIMES.iter().find(|(unit, _)| *unit == word);
        total += number * unit.ok_or_else(|| not_a_time(text))?.1;
        rest = tail;
    }
    if total > LONGEST_MS {
        return Err(format!("`{text}` is longer than ten years"));
    }
    Duration::try_from_secs_f64(total / 1e3)
        // Whole microseconds: a sum of decimal parts leaves dust behind the ninth digit.
        .map(|time| {
            Duration::from_micros(u64::try_from((time.as_nanos() + 500) / 1000).unwrap_or(u64::MAX))
        })
        .map_err(|_| not_a_time(text))
}

/// A number with the two units that it most probably lacks: `30s` or `30ms`, and `30m` where 30 s are too short. Each stands in quotes, and
/// within them in a mark.
pub fn with_units(number: &str, limits: &Range<Duration>, mark: &str) -> String {
    let meant = ["s", "ms", "m", "h", "d"].into_iter().filter_map(|unit| {
        let text = format!("{number}{unit}");
        let time = duration(&text).ok()?;
        (limits.start <= time && time <= limits.end).then(|| format!("`{mark}{text}{mark}`"))
    });
    meant.take(2).collect::<Vec<_>>().join(" or ")
}

fn not_a_time(text: &str, limits: &Range<Duration>) -> String {
    let spaceless: String =
        text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let meant = leading_number(&spaceless).and_then(|(_, tail)| {
        let digits = &spaceless[..spaceless.len() - tail.len()];
        let known = |word: &str| TIMES.iter().any(|(unit, _)| *unit == word);
        let spelled = SPELLINGS.iter().find(|(long, _)| *long == tail).map(|(_, unit)| *unit);
        spelled.or(known(tail).then_some(tail)).map(|unit| format!("{digits}{unit}"))
    });
    match meant {
        Some(meant) => format!("`{text}` is not a time; write `{meant}`"),
        None if leading_number(text).is_some_and(|(_, tail)| tail.is_empty()) => {
            let units = with_units(text, limits, "");
            let advice = if units.is_empty() { String::new() } else { format!("; write {units}") };
            format!("`{text}` has no unit{advice}")
        }
        None => format!("`{text}` is not a time; write a number and one of ms, s, m, h, d, w"),
    }
}

/// A time as a person would write it here: `90s`, `1h`, `1500ms`.
pub fn spell(time: Duration) -> String {
    let ms = time.as_millis();
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")]
        .into_iter()
        .find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit))
        .map_or_else(|| "0s".to_owned(), |(unit, word)| format!("{}{word}", ms / unit))
}

/// Reads a share such as `20%` as 0.2.
///
/// # Errors
/// What is wrong with the text.
pub fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').map(str::trim_end).and_then(|n| n.parse::<f64>().ok());
    number.filter(|n| n.is_finite()).map(|n| n / 100.0).ok_or_else(|| {
        format!("`{text}` is not a percentage; write a number and a percent sign, such as `20%`")
    })
}

/// Reads a size such as `10MB` (decimal) or `512KiB` (binary), in bytes.
///
/// # Errors
/// What is wrong with the text.
pub fn size(text: &str) -> Result<u64, String> {
    let fault = || {
        format!("`{text}` is not a size; write a number and one of B, kB, MB, GB, KiB, MiB, GiB")
    };
    let (number, unit) = leading_number(text).ok_or_else(fault)?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit).ok_or_else(fault)?;
    let bytes = number * factor;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
    if bytes.is_finite() && bytes < 1e15 { Ok(bytes.round() as u64) } else { Err(fault()) }
}

/// Units of data rates, in bytes a second: decimal, as networks have them; those of bits are an eighth.
const RATES: &[(&str, f64)] = &[
    ("b/s", 1.0),
    ("kb/s", 1e3),
    ("mb/s", 1e6),
    ("gb/s", 1e9),
    ("kib/s", 1024.0),
    ("mib/s", 1_048_576.0),
    ("bit/s", 0.125),
    ("kbit/s", 125.0),
    ("mbit/s", 125e3),
    ("gbit/s", 125e6),
    ("kbps", 125.0),
    ("mbps", 125e3),
];

/// Reads a data rate such as `1.5MB/s` or `4Mbit/s`, in bytes a second.
///
/// # Errors
/// What is wrong with the text.
pub fn rate(text: &str) -> Result<u64, String> {
    let fault = || match size(text) {
        Ok(_) => format!("`{text}` is a size, not a rate; write `{text}/s`"),
        Err(_) => format!("`{text}` is not a rate; write it as `1.5MB/s` or `4Mbit/s`"),
    };
    let (number, unit) = leading_number(text).ok_or_else(fault)?;
    let unit = unit.trim_start();
    if unit.ends_with("b/s") {
        let bytes = text.replace("b/s", "B/s");
        let bits = text.replace("b/s", "bit/s");
        return Err(format!("`{text}` may mean bytes or bits; write `{bytes}` or `{bits}`"));
    }
    let unit = unit.to_ascii_lowercase();
    let (_, factor) = RATES.iter().find(|(name, _)| *name == unit).ok_or_else(fault)?;
    let bytes = number * factor;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
    if (1.0..1e12).contains(&bytes) {
        Ok(bytes.round() as u64)
    } else {
        Err(format!("`{text}` is out of bounds; from 1 B/s to 1000 GB/s"))
    }
}

/// A number without sign or exponent at the beginning of a text, and what follows.
fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number =
        text[..end].parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))?;
    Some((number, &text[end..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        for (text, ms) in [
            ("500ms", 500),
            ("20s", 20_000),
            ("1.5s", 1500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("30d", 2_592_000_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
            ("1m0.5s", 60_500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for (text, fault) in [
            ("20 sec", "`20 sec` is not a time; write `20s`"),
            ("20 s", "`20 s` is not a time; write `20s`"),
            ("5min", "`5min` is not a time; write `5m`"),
            ("5M", "`5M` is not a time; write `5m`"),
            ("60", "`60` has no unit; write `60s` or `60ms`"),
            ("", "a time needs a number and a unit, such as `20s`"),
            ("soon", "`soon` is not a time; write a number and one of ms, s, m, h, d, w"),
            ("-5s", "`-5s` is not a time; write a number and one of ms, s, m, h, d, w"),
            ("1.2.3s", "`1.2.3s` is not a time; write a number and one of ms, s, m, h, d, w"),
            ("99999w", "`99999w` is longer than ten years"),
        ] {
            assert_eq!(duration(text), Err(fault.to_owned()), "{text}");
        }
    }

    #[test]
    fn shares_and_sizes() {
        assert_eq!(percent("20%"), Ok(0.2));
        assert_eq!(percent("0.5 %"), Ok(0.005));
        assert!(percent("20").is_err() && percent("%").is_err() && percent("NaN%").is_err());
        for (text, bytes) in [
            ("10MB", 10_000_000),
            ("1 kB", 1000),
            ("512KiB", 524_288),
            ("1.5MiB", 1_572_864),
            ("7B", 7),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert!(
            size("10").is_err()
                && size("MB").is_err()
                && size("10XB").is_err()
                && size("9999999GB").is_err()
        );
    }

    #[test]
    fn rates() {
        for (text, bytes) in [
            ("1.5MB/s", 1_500_000),
            ("750 kB/s", 750_000),
            ("4Mbit/s", 500_000),
            ("400kbps", 50_000),
            ("1KiB/s", 1024),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
        assert!(rate("5Mb/s").is_err_and(|fault| fault.ends_with("write `5MB/s` or `5Mbit/s`")));
        assert!(rate("0MB/s").is_err() && rate("fast").is_err() && rate("5").is_err());
        assert!(rate("5MB").is_err_and(|fault| fault.ends_with("write `5MB/s`")));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}|[0-9]{1,3}[.]?[0-9]{0,2} ?(ms|s|m|h|kb|KiB|MB|B|%|MB/s|kbit/s|Mbps)") {
            let faults = [duration(&text).err(), percent(&text).err(), size(&text).err()];
            let patterns = [TIME_PATTERN, PERCENT_PATTERN, SIZE_PATTERN, RATE_PATTERN].map(|p| regex::Regex::new(p).unwrap());
            for (fault, pattern) in faults.iter().zip(&patterns) {
                prop_assert!(fault.is_some() || pattern.is_match(&text), "{text} is read");
            }
            prop_assert!(rate(&text).err().iter().all(|fault| !fault.is_empty()));
            prop_assert!(faults.iter().flatten().all(|fault| !fault.is_empty()));
        }

        #[test]
        fn whole_milliseconds_stay_whole(ms in 0_u64..10_000_000_000) {
            prop_assert_eq!(duration(&format!("{ms}ms")), Ok(Duration::from_millis(ms)));
            let seconds = format!("{}.{:03}s", ms / 1000, ms % 1000);
            prop_assert_eq!(duration(&seconds), Ok(Duration::from_millis(ms)));
        }
    }
}
