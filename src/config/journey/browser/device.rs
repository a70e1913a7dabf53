//! `[browser]` of a journey: as what its browser appears.

use std::{ops::Range, time::Duration};

use http::HeaderValue;

use crate::{
    config::{page::Note, reader::Reader, units, value::Entry},
    model::{Device, Schedule, Throttle},
    schedule,
};

/// The window of a phone unless told otherwise, and its pixels for each CSS pixel.
const PHONE: ((u32, u32), f64) = ((412, 915), 2.625);

/// Sides of a window in CSS pixels, both included.
pub(super) const SIDES: std::ops::RangeInclusive<u32> = 100..=7680;

/// Numbers with their limits, both included.
pub(super) const FACTORS: [(&str, f64, f64); 2] =
    [("scale", 0.5, 5.0), ("cpu_slowdown", 1.0, 50.0)];

/// Time added to each request, both included.
const LATENCIES: Range<Duration> = Duration::ZERO..Duration::from_secs(60);

/// What a journey says of its browser.
pub(in crate::config::journey) struct Said {
    pub(in crate::config::journey) device: Device,
    /// Where it says so.
    pub(in crate::config::journey) span: Range<usize>,
}

/// Lowers the table, if there is one.
pub(in crate::config::journey) fn lower(top: &Reader<'_>) -> Option<Said> {
    let table = top.table("browser")?;
    let mobile = table.boolean("mobile").is_some_and(|mobile| mobile.value);
    let usual = Device::default();
    let (size, scale) = if mobile { PHONE } else { (usual.window, usual.scale) };
    let device = Device {
        window: table.take("window").and_then(|entry| window(&entry)).unwrap_or(size),
        mobile,
        scale: factor(&table, FACTORS[0]).unwrap_or(scale),
        user_agent: table.take("user_agent").and_then(|entry| user_agent(&entry)),
        locale: table.take("locale").and_then(|entry| locale(&entry)),
        timezone: table.take("timezone").and_then(|entry| timezone(&entry)),
        network: table.table("network").and_then(|table| network(&table)),
        cpu_slowdown: factor(&table, FACTORS[1]).unwrap_or(usual.cpu_slowdown),
    };
    table.finish();
    Some(Said { device, span: table.span.clone() })
}

/// `window = "1280x800"`: width and height.
fn window(entry: &Entry<'_>) -> Option<(u32, u32)> {
    let help = "write width and height in CSS pixels: \"1280x800\"";
    let Some(text) = entry.value.as_str() else {
        return entry.wrong_type("a size such as \"1280x800\"");
    };
    let side = |text: &str| text.trim().parse::<u32>().ok();
    let sides = text.split_once(['x', 'X', '×']).and_then(|(w, h)| Some((side(w)?, side(h)?)));
    let Some((width, height)) = sides else {
        let note = entry.fault(format!("`window`: `{}` is not a size", text.escape_debug()));
        return entry.refuse(note.label("no width and height").help(help));
    };
    if !SIDES.contains(&width) || !SIDES.contains(&height) {
        let said = format!("a window has from {} to {} pixels a side", SIDES.start(), SIDES.end());
        return entry.refuse(entry.fault(said).label("out of bounds"));
    }
    Some((width, height))
}

fn factor(table: &Reader<'_>, (key, low, high): (&'static str, f64, f64)) -> Option<f64> {
    let number = table.number(key)?;
    if (low..=high).contains(&number.value) {
        return Some(number.value);
    }
    let said = format!("`{key}` must be from {low} to {high}");
    table.note(Note::new(number.span, said).label("out of bounds"));
    None
}

fn user_agent(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?.value;
    if HeaderValue::from_str(&text).is_ok() {
        return Some(text);
    }
    let note = entry.fault("`user_agent` is a value that no header can have");
    entry.refuse(note.label("control characters"))
}

/// A language tag of BCP 47 in the form that browsers take: `de`, `de-DE`, `zh-Hant-TW`.
fn locale(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?.value;
    if is_locale(&text) {
        return Some(text);
    }
    let base = text.split('.').next().unwrap_or_default().replace('_', "-");
    let help = if is_locale(&base) {
        format!("did you mean `{base}`?")
    } else {
        "a language, and a region where it matters: `de`, `en-GB`, `zh-Hant-TW`".to_owned()
    };
    let note = entry.fault(format!("`{}` is not a locale", text.escape_debug()));
    entry.refuse(note.label("not a language tag").help(help))
}

fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let language = parts.next().is_some_and(|part| matches!(part.len(), 2 | 3) && letters(part));
    parts.next_if(|part| part.len() == 4 && letters(part));
    parts.next_if(|part| {
        (part.len() == 2 && letters(part))
            || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
    });
    let variant = |part: &str| {
        (4..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    language && parts.all(variant)
}

/// An IANA name, looked up where schedules look theirs up.
fn timezone(entry: &Entry<'_>) -> Option<String> {
    let timezone = entry.text()?.value;
    let expression = "0 0 * * *".to_owned();
    let asked = Schedule::Cron { expression, timezone: timezone.clone() };
    match schedule::compile(&asked) {
        Ok(_) => Some(timezone),
        Err(fault) => {
            let note = entry.fault(fault.message()).label("not a time zone");
            entry.refuse(note.maybe_help(fault.advice().map(str::to_owned)))
        }
    }
}

fn network(table: &Reader<'_>) -> Option<Throttle> {
    let latency = table.duration("latency", LATENCIES).map(|at| at.value);
    let rate = |key| {
        let entry: Entry<'_> = table.take(key)?;
        let Some(text) = entry.value.as_str() else {
            return entry.wrong_type("a rate such as \"1.5MB/s\"");
        };
        match units::rate(text) {
            Ok(rate) => Some(rate),
            Err(fault) => {
                let (said, help) = fault.split_once("; ").unwrap_or((&fault, ""));
                let note = entry.fault(format!("`{key}`: {said}")).label("cannot be read");
                entry.refuse(note.maybe_help((!help.is_empty()).then(|| help.to_owned())))
            }
        }
    };
    let (down_bytes, up_bytes) = (rate("down"), rate("up"));
    table.finish();
    if table.holds_only(&[]) {
        let note = table.fault("`network` slows nothing").label("nothing in it");
        table.note(note.help("`latency = \"100ms\"`, `down = \"1.5MB/s\"`, `up = \"750kB/s\"`"));
    }
    Some(Throttle { latency: latency.unwrap_or_default(), down_bytes, up_bytes })
}

#[cfg(test)]
mod tests {
    use super::is_locale;

    #[test]
    fn locales_are_language_tags() {
        for (text, good) in [
            ("de", true),
            ("de-DE", true),
            ("zh-Hant-TW", true),
            ("es-419", true),
            ("de-DE-1996", true),
            ("de_DE", false),
            ("german", false),
            ("d", false),
            ("", false),
            ("de-", false),
        ] {
            assert_eq!(is_locale(text), good, "{text}");
        }
    }
}
