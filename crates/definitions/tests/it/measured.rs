//! How experiments measure metrics: what metrics say, what experiments say anew, triggers; each problem with its place.

use steward_definitions::{Adjustment, Cap, Covariate, Kind, MetricUse, Reference, Retention, RobustVariance, Trigger};

use crate::support::{EXPERIMENT, METRICS, lines, one, with};

/// The metrics with these settings under `config.meta.steward`.
fn settings(steward: &str) -> String {
    METRICS.replace(
        "type_params: {measure: visits}}",
        &format!("type_params: {{measure: visits}}, config: {{meta: {{steward: {steward}}}}}}}"),
    )
}

#[test]
fn a_metric_says_how_it_is_measured() {
    let text = settings(
        "{window: 7d, delay: 1 day, cap: {percentile: 0.99, low_percentile: 0.01, ignore_zeros: true}, \
         denominator_cap: 10, numerator_filter: \"{{ Dimension('customer__country') }} = 'DE'\"}",
    );
    let (project, problems) = with("metrics/visits.yaml", &text);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let found = &project.metrics["visit_rate"].experiment.measured;
    assert_eq!(
        (found.window_seconds, found.delay_seconds),
        (Some(604_800), Some(86_400))
    );
    assert_eq!(
        found.cap,
        Some(Cap {
            percentile: Some(0.99),
            low_percentile: Some(0.01),
            ignore_zeros: true,
            ..Cap::default()
        })
    );
    assert_eq!(found.denominator_cap, Some(Cap::at(10.0)));
    assert_eq!(found.numerator_filter.as_deref(), Some("customer__country = 'DE'"));
    let (project, problems) = with("metrics/visits.yaml", &settings("{retention: {from: 7d, to: 14d}}"));
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    assert_eq!(
        project.metrics["visit_rate"].experiment.retention,
        Some(Retention {
            from_seconds: 604_800,
            to_seconds: 1_209_600
        })
    );
}

#[test]
fn what_contradicts_itself_is_said() {
    for (steward, expected) in [
        (
            "{lookback: 7d, window: 7d}",
            "error[bad-value]: `lookback` counts facts before exposure",
        ),
        ("{window: 0d}", "error[bad-value]: a window of no time holds no facts"),
        (
            "{cap: {value: 3, percentile: 0.9}}",
            "error[bad-value]: `cap` has both a value and a percentile",
        ),
        ("{cap: {ignore_zeros: true}}", "error[bad-value]: `cap` has no limit"),
        (
            "{cap: {value: 3, ignore_zeros: true}}",
            "error[bad-value]: `ignore_zeros` of `cap` speaks of percentiles",
        ),
        (
            "{cap: {value: 3, low_value: 4}}",
            "error[bad-value]: the lower limit 4 of `cap` is not below the upper one, 3",
        ),
        (
            "{retention: {from: 7d, to: 7d}}",
            "error[bad-value]: `retention` ends before it begins",
        ),
        (
            "{retention: {from: 7d, to: 14d}, window: 3d}",
            "error[bad-value]: `retention` says by itself which facts count",
        ),
        ("{retention: {from: 7d}}", "error[missing-key]: `retention` has no `to`"),
        (
            "{funnel: {steps: [visit_rate]}}",
            "error[bad-value]: the funnel has a single step",
        ),
        (
            "{funnel: {steps: [{metric: visit_rate, within: 1h}, visit_rate]}}",
            "error[bad-value]: the first step, `visit_rate`, has `within`",
        ),
        (
            "{funnel: {steps: [visit_rate, {metric: visit_rate, witin: 1h}]}}",
            "error[unknown-key]: unknown key `witin` in a step of the funnel",
        ),
        (
            "{quantile: 0.9, binary: true}",
            "error[bad-value]: `binary` and `quantile` each say what is compared",
        ),
        (
            "{quantile: 90}",
            "error[bad-value]: the quantile 90 lies outside (0, 1)",
        ),
        (
            "{quantile: {at: 0.9}, cuped_days: 7}",
            "error[bad-value]: a `quantile` has no covariate of its own",
        ),
        ("{binary: true, cap: 3}", "error[bad-value]: a metric that is `binary`"),
        (
            "{numerator_filter: \"{{ Dimension('customer__land') }} = 1\"}",
            "error[unknown-dimension]: a filter of metric `visit_rate` names the unknown dimension",
        ),
    ] {
        let (_, problems) = with("metrics/visits.yaml", &settings(steward));
        let found = lines(&problems);
        assert!(
            found.len() == 1 && found[0].starts_with("metrics/visits.yaml:") && found[0].contains(expected),
            "{steward}: {found:?}"
        );
    }
}

#[test]
fn a_funnel_ends_with_its_metric() {
    let of = |last: &str, shape: &str| {
        let metrics = format!(
            "  - {{name: share, type: ratio, type_params: {{numerator: visit_rate, denominator: visit_rate}}}}\n  - {{name: returns, {shape}, \
             config: {{meta: {{steward: {{funnel: {{steps: [visit_rate, {{metric: {last}, within: 1h}}], window: 1d}}}}}}}}}}\n"
        );
        with("metrics/visits.yaml", &format!("{METRICS}{metrics}"))
    };
    let simple = "type: simple, type_params: {measure: visits}";
    let (project, problems) = of("returns", simple);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let funnel = project.metrics["returns"].experiment.funnel.clone().unwrap();
    assert_eq!(funnel.window_seconds, Some(86_400));
    let steps: Vec<(&str, Option<u64>)> = funnel
        .steps
        .iter()
        .map(|s| (s.metric.as_str(), s.within_seconds))
        .collect();
    assert_eq!(steps, [("visit_rate", None), ("returns", Some(3600))]);
    let ratio = "type: ratio, type_params: {numerator: visit_rate, denominator: visit_rate}";
    for (last, shape, expected) in [
        (
            "visit_rate",
            simple,
            "the funnel of metric `returns` ends with `visit_rate`",
        ),
        ("retuns", simple, "retuns"),
        (
            "share",
            simple,
            "step 2 of the funnel of metric `returns`, `share`, is no simple metric",
        ),
        ("returns", ratio, "metric `returns` is a funnel and no simple metric"),
    ] {
        let found = lines(&of(last, shape).1).join("\n");
        assert!(found.contains(expected), "{last}: {found}");
    }
}

#[test]
fn an_experiment_says_it_anew() {
    let text = EXPERIMENT.replace(
        "exposures: {dataset: visits, unit: customer_id, variant: segment}",
        "exposures: {dataset: visits, unit: customer_id, variant: segment, time: ts}\ntrigger: {dataset: visits, time: ts, filter: visit > 0}",
    );
    let text = text.replace(
        "[visit_rate]",
        "[{metric: visit_rate, window: 7d, cap: 100, cuped: false}]",
    );
    let (project, problems) = with("experiments/email.yaml", &text);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let experiment = &project.experiments["email_test"];
    assert_eq!(experiment.primary, ["visit_rate"]);
    let used = MetricUse {
        window_seconds: Some(604_800),
        cap: Some(Cap::at(100.0)),
        cuped_days: Some(0),
        ..MetricUse::default()
    };
    assert_eq!(experiment.uses["visit_rate"], used);
    // A window said anew takes the place of a lookback.
    let back = MetricUse {
        lookback_seconds: Some(60),
        ..MetricUse::default()
    };
    assert_eq!(used.over(&back).lookback_seconds, None);
    assert_eq!(MetricUse::default().over(&back), back);
    assert_eq!(
        experiment.trigger,
        Some(Trigger::Rows {
            dataset: "visits".into(),
            unit: "customer_id".into(),
            time: "ts".into(),
            filter: Some("visit > 0".into())
        })
    );
    // A plain list of metrics takes maps as well.
    let plain = EXPERIMENT.replace(
        "metrics:\n  primary: [visit_rate]\n",
        "metrics: [{metric: visit_rate, delay: 1h}]\n",
    );
    let (project, problems) = with("experiments/email.yaml", &plain);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    assert_eq!(
        project.experiments["email_test"].uses["visit_rate"].delay_seconds,
        Some(3600)
    );
}

#[test]
fn wrong_uses_and_triggers_are_said_at_their_place() {
    let with_metrics = |list: &str| EXPERIMENT.replace("[visit_rate]", list);
    one(
        "experiments/email.yaml",
        &with_metrics("[{metric: visit_rate, windw: 7d}]"),
        "experiments/email.yaml:6:34: error[unknown-key]: unknown key `windw` in the metric `visit_rate`; did you mean `window`?",
    );
    one(
        "experiments/email.yaml",
        &with_metrics("[visit_rate, {metric: visit_rate}]"),
        "experiments/email.yaml:6:34: error[listed-twice]",
    );
    let triggered = |trigger: &str| {
        EXPERIMENT.replace(
            "variant: segment}",
            &format!("variant: segment, time: ts}}\ntrigger: {trigger}"),
        )
    };
    one(
        "experiments/email.yaml",
        &triggered("{metric: visits_rate}"),
        "experiments/email.yaml:4:19: error[unknown-metric]",
    );
    one(
        "experiments/email.yaml",
        &triggered("{metric: visit_rate, time: ts}"),
        "experiments/email.yaml:4:37: error[bad-value]: `metric` says where the trigger is read",
    );
    one(
        "experiments/email.yaml",
        &triggered("{dataset: visits, time: tss}"),
        "experiments/email.yaml:4:34: error[unknown-column]",
    );
    one(
        "experiments/email.yaml",
        &EXPERIMENT.replace("variants:", "trigger: {metric: visit_rate}\nvariants:"),
        "experiments/email.yaml:4:10: error[needs-time]: `trigger` needs the time of exposure",
    );
}

#[test]
fn a_trigger_is_a_reference() {
    let text = EXPERIMENT.replace(
        "variant: segment}",
        "variant: segment, time: ts}\ntrigger: {metric: visit_rate}",
    );
    let (project, _) = with("experiments/email.yaml", &text.replace("[visit_rate]", "[other]"));
    let used = project.references(&Reference::new(Kind::Experiment, "email_test"));
    assert!(used.contains(&Reference::new(Kind::Metric, "visit_rate")));
}

#[test]
fn an_experiment_is_adjusted_for_covariates_and_strata() {
    let of = |adjust: &str, more: &str| {
        let exposures = "exposures: {dataset: visits, unit: customer_id, variant: segment, time: ts}";
        let text = EXPERIMENT.replace(
            "exposures: {dataset: visits, unit: customer_id, variant: segment}",
            exposures,
        );
        with("experiments/email.yaml", &format!("{text}{more}adjust: {adjust}\n"))
    };
    let (project, problems) = of(
        "{covariates: [{metric: visit_rate, before: 28d}, customer__country], strata: [customer__country], variance: hc3}",
        "",
    );
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let expected = Adjustment {
        covariates: vec![
            Covariate::Metric {
                metric: "visit_rate".into(),
                before_seconds: 28 * 86_400,
            },
            Covariate::Attribute {
                dimension: "customer__country".into(),
            },
        ],
        strata: vec!["customer__country".into()],
        variance: RobustVariance::Hc3,
    };
    assert_eq!(project.experiments["email_test"].adjust, Some(expected));
    let sequential = "start: 2025-01-01\nend: 2025-02-01\ninference: {method: group_sequential}\n";
    for (adjust, more, expected) in [
        ("{}", "", "`adjust` names neither `covariates` nor `strata`"),
        ("{covariates: [{metric: visit_rate}]}", "", "has no `before`"),
        ("{covariates: [{metric: vist_rate, before: 7d}]}", "", "vist_rate"),
        ("{strata: [customer__county]}", "", "customer__county"),
        ("{strata: [customer__country, customer__country]}", "", "listed twice"),
        (
            "{strata: [customer__country], varience: hc2}",
            "",
            "unknown key `varience`",
        ),
        ("{strata: [customer__country], variance: hc9}", "", "hc9"),
        (
            "{strata: [customer__country]}",
            sequential,
            "a group sequential test looks several times",
        ),
    ] {
        let found = lines(&of(adjust, more).1).join("\n");
        assert!(found.contains(expected), "{adjust}: {found}");
    }
}
