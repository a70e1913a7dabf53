//! Runs as a JUnit report, so that a pipeline shows them beside its tests: one suite a run, one case a step.
//!
//! The form is the one that Jenkins and GitLab read (`testsuites` / `testsuite` / `testcase` with `failure`, `error` and
//! `skipped`; times in seconds). Steps that were not walked after a failure are not in a run, and so not in the report.

use crate::model::{Outcome, Run, StepOutcome, StepRun};

/// The report as XML.
pub fn junit(runs: &[Run]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failures = runs.iter().filter(|r| matches!(r.outcome, Outcome::Failed(_))).count();
    let errors = runs.iter().filter(|r| matches!(r.outcome, Outcome::Broken { .. })).count();
    let cases: usize = runs.iter().map(|r| r.steps.len().max(1)).sum();
    out += &format!(
        "<testsuites name=\"wayfarer\" tests=\"{cases}\" failures=\"{failures}\" errors=\"{errors}\">\n"
    );
    for run in runs {
        suite(&mut out, run);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, run: &Run) {
    let name = escaped(&format!("{} in {}", run.journey, run.environment));
    let (failed, broken) = (
        usize::from(matches!(run.outcome, Outcome::Failed(_))),
        usize::from(matches!(run.outcome, Outcome::Broken { .. })),
    );
    *out += &format!(
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" errors=\"{broken}\" time=\"{:.3}\" timestamp=\"{}\">\n",
        run.steps.len().max(1),
        run.duration.as_secs_f64(),
        run.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
    );
    for step in &run.steps {
        let head = format!(
            "    <testcase classname=\"{name}\" name=\"{}\" time=\"{:.3}\"",
            escaped(step.name.as_str()),
            step.duration.as_secs_f64()
        );
        let measured = properties(step);
        match (step.outcome, &run.outcome) {
            (StepOutcome::Failed, Outcome::Failed(failure)) => {
                let text = [
                    Some(failure.message.clone()),
                    failure.expected.as_ref().map(|e| format!("expected: {e}")),
                    failure.actual.as_ref().map(|a| format!("actual: {a}")),
                ];
                let text: Vec<String> = text.into_iter().flatten().collect();
                *out += &format!(
                    "{head}>\n{measured}      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                    escaped(&failure.message),
                    escaped(&text.join("\n")),
                );
            }
            (StepOutcome::Broken, Outcome::Broken { reason }) => broken_case(out, &head, reason),
            _ if measured.is_empty() => *out += &format!("{head}/>\n"),
            _ => *out += &format!("{head}>\n{measured}    </testcase>\n"),
        }
    }
    if let (true, Outcome::Broken { reason }) = (run.steps.is_empty(), &run.outcome) {
        broken_case(
            out,
            &format!("    <testcase classname=\"{name}\" name=\"start\" time=\"0.000\""),
            reason,
        );
    }
    out.push_str("  </testsuite>\n");
}

/// What a step measured, as properties of its case; empty where there is nothing.
fn properties(step: &StepRun) -> String {
    let mut lines = String::new();
    for measured in &step.measures {
        let Some(value) = measured.value else { continue };
        let name = escaped(measured.name.as_str());
        lines += &format!("        <property name=\"measure.{name}\" value=\"{value}\"/>\n");
    }
    if lines.is_empty() {
        return lines;
    }
    format!("      <properties>\n{lines}      </properties>\n")
}

fn broken_case(out: &mut String, head: &str, reason: &str) {
    let reason = escaped(reason);
    *out += &format!(
        "{head}>\n      <error message=\"{reason}\">our own trouble: {reason}</error>\n    </testcase>\n"
    );
}

/// Text for XML: the five entities, and without the control characters that XML 1.0 forbids.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_well_formed() {
        assert_eq!(escaped("a<b>&\"'\u{0}\n"), "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}\n");
    }
}
