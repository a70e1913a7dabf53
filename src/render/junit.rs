//! Runs as a JUnit report, so that a pipeline shows them beside its tests: one suite a run, one case a step.
//!
//! The form is the one that Jenkins and GitLab read (`testsuites` / `testsuite` / `testcase` with `failure`, `error` and
//! `skipped`; times in seconds). A step that failed without failing the run (it is optional, or cleaned up after a failure) is a case that passed,
//! with what failed in its `system-out`.

use super::{Layout, exchanges};
use crate::model::{Evidence, Measured, Outcome, Run, StepOutcome, StepRun};

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
    let skipped = run.steps.iter().filter(|step| step.outcome == StepOutcome::Skipped).count();
    *out += &format!(
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" errors=\"{broken}\" skipped=\"{skipped}\" time=\"{:.3}\" timestamp=\"{}\">\n",
        run.steps.len().max(1),
        run.duration.as_secs_f64(),
        run.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
    );
    let end = run.ended_at().unwrap_or(run.steps.len());
    for (nth, step) in run.steps.iter().enumerate() {
        let round = step.iteration.map_or(String::new(), |round| format!(" ({round})"));
        let head = format!(
            "    <testcase classname=\"{name}\" name=\"{}{round}\" time=\"{:.3}\"",
            escaped(step.name.as_str()),
            step.duration.as_secs_f64()
        );
        let measured = properties(&step.measures);
        match (step.outcome, &run.outcome) {
            (StepOutcome::Skipped, _) => {
                let why = if nth > end { "the run ended before it" } else { "nothing to do" };
                *out += &format!("{head}>\n      <skipped message=\"{why}\"/>\n    </testcase>\n");
            }
            (_, _) if step.failure.is_some() => forgiven_case(out, &head, step),
            (StepOutcome::Failed, Outcome::Failed(failure)) => {
                let text = [
                    Some(failure.message.clone()),
                    failure.expected.as_ref().map(|e| format!("expected: {e}")),
                    failure.actual.as_ref().map(|a| format!("actual: {a}")),
                ];
                let others = step.assertions.iter().filter(|result| {
                    !result.passed && Some(&result.check) != failure.check.as_ref()
                });
                let others = others.map(|result| {
                    let part = |text: &Option<String>| text.clone().unwrap_or_default();
                    Some(format!(
                        "also: {}, expected: {}, actual: {}",
                        result.check,
                        part(&result.expected),
                        part(&result.actual)
                    ))
                });
                let text: Vec<String> = text.into_iter().chain(others).flatten().collect();
                *out += &format!(
                    "{head}>\n{measured}      <failure message=\"{}\">{}</failure>\n{}    </testcase>\n",
                    escaped(&failure.message),
                    escaped(&text.join("\n")),
                    system_out(step, run),
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

/// What the failing step sent and got, and the line that repeats it.
fn system_out(step: &StepRun, run: &Run) -> String {
    let Some(evidence) = &run.evidence else { return String::new() };
    let of_step = evidence.exchanges.iter().filter(|e| e.step.as_ref() == Some(&step.name));
    let own = Evidence { exchanges: of_step.cloned().collect(), ..Evidence::default() };
    let text = exchanges(&own, Layout { width: 160, colour: false });
    format!("      <system-out>{}\n{}</system-out>\n", escaped(&evidence.curl), escaped(&text))
}

fn forgiven_case(out: &mut String, head: &str, step: &StepRun) {
    let message = step.failure.as_ref().map_or("", |failure| &failure.message);
    *out += &format!(
        "{head}>\n      <system-out>failed without failing the run: {}</system-out>\n    </testcase>\n",
        escaped(message)
    );
}

/// What a step measured, as properties of its case; empty where there is nothing.
fn properties(measures: &[Measured]) -> String {
    let mut lines = String::new();
    for measured in measures {
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
    use std::time::Duration;

    use super::*;
    use crate::model::{Failure, FaultKind, RunId, Trigger};

    fn step(name: &str, outcome: StepOutcome) -> StepRun {
        StepRun {
            name: name.into(),
            offset: Duration::ZERO,
            duration: Duration::from_millis(5),
            outcome,
            hops: Vec::new(),
            assertions: Vec::new(),
            captures: Vec::new(),
            iteration: None,
            retries: Vec::new(),
            failure: None,
            measures: Vec::new(),
            traffic: None,
        }
    }

    fn failure(step: &str, message: &str) -> Failure {
        Failure {
            step: step.into(),
            kind: FaultKind::Status,
            message: message.to_owned(),
            check: None,
            expected: None,
            actual: None,
        }
    }

    #[test]
    fn steps_that_were_not_reached_are_skipped_and_a_clean_up_that_failed_is_said() {
        let mut run = Run {
            id: RunId::at(jiff::Timestamp::UNIX_EPOCH),
            journey: "shop".into(),
            environment: "production".into(),
            location: "here".into(),
            revision: "r".into(),
            trigger: Trigger::Manual,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            late_by: Duration::ZERO,
            duration: Duration::from_millis(10),
            outcome: Outcome::Failed(failure("pay", "expected 200, got 500")),
            steps: vec![
                step("plan", StepOutcome::Skipped),
                step("pay", StepOutcome::Failed),
                step("look", StepOutcome::Skipped),
                step("delete", StepOutcome::Failed),
            ],
            deployed: Vec::new(),
            insecure: false,
            traced: false,
            evidence: None,
            unwell: None,
        };
        run.steps[1].iteration = Some(2);
        run.steps[3].failure = Some(Box::new(failure("delete", "got 404")));
        insta::assert_snapshot!(junit(&[run]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="wayfarer" tests="4" failures="1" errors="0">
          <testsuite name="shop in production" tests="4" failures="1" errors="0" skipped="2" time="0.010" timestamp="1970-01-01T00:00:00">
            <testcase classname="shop in production" name="plan" time="0.005">
              <skipped message="nothing to do"/>
            </testcase>
            <testcase classname="shop in production" name="pay (2)" time="0.005">
              <failure message="expected 200, got 500">expected 200, got 500</failure>
            </testcase>
            <testcase classname="shop in production" name="look" time="0.005">
              <skipped message="the run ended before it"/>
            </testcase>
            <testcase classname="shop in production" name="delete" time="0.005">
              <system-out>failed without failing the run: got 404</system-out>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn hostile_text_stays_well_formed() {
        assert_eq!(escaped("a<b>&\"'\u{0}\n"), "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}\n");
    }

    #[test]
    fn what_was_measured_is_a_property() {
        let measured =
            |name: &str, value| Measured { name: name.into(), unit: None, value, note: None };
        let lines = properties(&[measured("a<b", Some(12.5)), measured("none", None)]);
        assert!(lines.contains("<property name=\"measure.a&lt;b\" value=\"12.5\"/>"), "{lines}");
        assert!(!lines.contains("none"));
        assert_eq!(properties(&[measured("none", None)]), "");
    }
}
