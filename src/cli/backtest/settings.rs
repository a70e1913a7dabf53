//! Settings as `--set NAME=VALUE` alters them.

use std::time::Duration;

use super::BacktestError;
use crate::model::{Detect, Watch};

/// Settings with those of `--set KEY=VALUE` altered.
///
/// # Errors
/// The first argument that makes no sense.
pub(super) fn altered(
    (mut detect, mut watch): (Detect, Watch),
    set: &[String],
) -> Result<(Detect, Watch), BacktestError> {
    for argument in set {
        apply(argument, &mut detect, &mut watch)
            .map_err(|message| BacktestError::Set { argument: argument.clone(), message })?;
    }
    Ok((detect, watch))
}

fn apply(argument: &str, detect: &mut Detect, watch: &mut Watch) -> Result<(), String> {
    let (key, value) = argument.split_once('=').ok_or("write it as KEY=VALUE")?;
    let value = value.trim().trim_matches('"');
    match key.trim() {
        "detect.latency.relative" => detect.latency_relative = share(value, 0.01, 10.0)?,
        "detect.latency.absolute" => detect.latency_absolute = Some(span(value)?),
        "detect.success.drop" => detect.success_drop = share(value, 0.001, 0.9)?,
        "detect.confidence" => detect.confidence = share(value, 0.5, 0.999_999)?,
        "watch.settle" => watch.settle = span(value)?,
        other => {
            return Err(format!(
                "there is no setting `{other}`; one of detect.latency.relative, detect.latency.absolute, \
                 detect.success.drop, detect.confidence, watch.settle"
            ));
        }
    }
    Ok(())
}

/// A share: `20%` or `0.2`.
fn share(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |n| (n, 0.01));
    let value = number.trim().parse::<f64>().map_err(|_| format!("`{text}` is no share"))? * scale;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("`{text}` is not between {:.3}% and {:.4}%", 100.0 * least, 100.0 * most))
    }
}

/// A span of time: `20ms`, `1.5s`, `4m`.
fn span(text: &str) -> Result<Duration, String> {
    let fault = || format!("`{text}` is no span of time such as 20ms, 1.5s or 4m");
    let cut = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(fault)?;
    let (number, unit) = text.split_at(cut);
    let scale = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(fault()),
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| fault())? * scale;
    if !(0.0..=86_400.0 * 30.0).contains(&seconds) {
        return Err(fault());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(arguments: &[&str]) -> Result<(Detect, Watch), BacktestError> {
        altered(
            (Detect::default(), Watch::default()),
            &arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn settings_are_altered_by_name() {
        let (detect, watch) = set(&[
            "detect.latency.relative=10%",
            "detect.latency.absolute = 20ms",
            "detect.success.drop=0.05",
            "detect.confidence=\"99%\"",
            "watch.settle=2m",
        ])
        .unwrap();
        assert!((detect.latency_relative - 0.1).abs() < 1e-12);
        assert_eq!(detect.latency_absolute, Some(Duration::from_millis(20)));
        assert!((detect.success_drop - 0.05).abs() < 1e-12);
        assert!((detect.confidence - 0.99).abs() < 1e-12);
        assert_eq!(watch.settle, Duration::from_secs(120));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for (argument, expected) in [
            ("detect", "KEY=VALUE"),
            ("detect.speed=1", "there is no setting `detect.speed`"),
            ("detect.confidence=2", "is not between"),
            ("detect.latency.relative=NaN", "is not between"),
            ("detect.latency.relative=fast", "is no share"),
            ("watch.settle=4", "is no span"),
            ("watch.settle=-4s", "is no span"),
            ("detect.latency.absolute=1e30s", "is no span"),
        ] {
            let error = set(&[argument]).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(argument), "{error}");
        }
    }
}
