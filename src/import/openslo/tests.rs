use super::*;

const FOO: &str = "apiVersion: openslo/v1
kind: SLO
metadata: {name: foo-slo, displayName: Foo}
spec:
  service: foo
  indicatorRef: foo-error
  timeWindow:
    - duration: 4w
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: all
      target: 0.98
    - targetPercent: 99.95
  alertPolicies: [{alertPolicyRef: page}]
---
apiVersion: openslo/v1
kind: Service
metadata: {name: foo}
---
apiVersion: v1
kind: ConfigMap
";

#[test]
fn an_objective_becomes_a_table_and_the_rest_is_named() {
    let found = read(FOO).unwrap();
    let [one] = &found.all[..] else { panic!("{found:?}") };
    assert_eq!(one.name, "foo-slo");
    assert_eq!(one.toml.as_deref(), Some("[slo]\nobjective = 99.95\nwindow = \"28d\"\n"));
    let left: String = one.left_out.join("\n");
    for word in ["1 further", "foo-error", "alertPolicies"] {
        assert!(left.contains(word), "{left}");
    }
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
}

#[test]
fn what_cannot_be_said_is_named_and_never_guessed() {
    let of = |spec: &str| {
        let text =
            format!("apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: x}}\nspec:\n{spec}");
        read(&text).unwrap().all.remove(0)
    };
    let calendar = of(
        "  objectives: [{target: 0.9}]\n  timeWindow: [{duration: 1Q, calendar: {timeZone: UTC}}]\n  budgetingMethod: Timeslices\n",
    );
    assert_eq!(calendar.toml.as_deref(), Some("[slo]\nobjective = 90.0\nwindow = \"90d\"\n"));
    assert!(
        calendar.left_out[0].contains("calendar") && calendar.left_out[1].contains("Timeslices")
    );
    let threshold = of(
        "  objectives: [{op: lte, value: 800, target: 0.99}]\n  indicator: {spec: {thresholdMetric: {}}}\n",
    );
    assert!(!threshold.toml.as_ref().unwrap().contains("latency"));
    assert!(threshold.left_out.iter().any(|l| l.contains("latency")), "{threshold:?}");
    for (spec, why) in [
        ("  objectives: [{target: 1.0}]\n", "below 100"),
        ("  objectives: [{targetPercent: 0}]\n", "above 0"),
    ] {
        let one = of(spec);
        assert!(one.toml.is_none() && one.left_out.iter().any(|l| l.contains(why)), "{one:?}");
    }
    assert!(of("  objectives: []\n").toml.is_none());
    for window in ["99Y", "1m", "-3d", "d", "9999999999999999999d", "3x"] {
        let one = of(&format!(
            "  objectives: [{{target: 0.9}}]\n  timeWindow: [{{duration: \"{window}\"}}]\n"
        ));
        assert_eq!(one.toml.as_deref(), Some("[slo]\nobjective = 90.0\n"), "{window}");
    }
}

#[test]
fn hostile_documents_are_bounded() {
    let bomb: String = (1..12)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")))
        .fold("a0: &a0 [x]\n".to_owned(), |all, line| all + &line);
    for text in [bomb.as_str(), &"[".repeat(50_000), &"---\na: 1\n".repeat(20_000), "", "a: [", "x"]
    {
        read(text).unwrap_err();
    }
    let shouted = format!(
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: \"\\e[31m{}\"}}\nspec: {{objectives: [{{target: 0.9}}]}}\n",
        "n".repeat(1000)
    );
    let name = &read(&shouted).unwrap().all[0].name;
    assert!(name.chars().count() <= SHOWN && !name.contains('\u{1b}'), "{name:?}");
    let wrong = "apiVersion: openslo/v1\nkind: SLO\nmetadata: 7\nspec: [1, {objectives: 3}]\n";
    assert!(read(wrong).unwrap().all[0].toml.is_none());
}
