//! Readouts of a fixture's raw rows, against scipy, statsmodels, gbstats and numpy on the same rows: `golden/readout.py`.

use std::path::Path;

use serde_json::Value;
use steward_capabilities::experiments::*;
use steward_definitions::*;

use crate::places::Place;
use crate::shop::*;

/// The references print 16 digits; sums of squares and the incomplete beta function cost some.
const DIGITS: f64 = 1e-8;

fn close(what: &str, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    let off = (found - expected).abs() / (1e-9 + expected.abs());
    assert!(off < DIGITS, "{what}: {found} is not {expected}");
}

fn same(what: &str, found: &Answer, expected: &Value) {
    let e = found.estimate().unwrap_or_else(|| panic!("{what}: {found:?}"));
    for (value, key) in [(e.point, "point"), (e.se, "se"), (e.low, "low"), (e.high, "high")] {
        close(&format!("{what} {key}"), value, &expected[key]);
    }
    if let Some(p) = e.p {
        close(&format!("{what} p"), p, &expected["p"]);
    }
}

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/readout.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn read(place: Place, change: impl FnOnce(&mut Experiment)) -> Readout {
    let mut p = project();
    let mut back = simple("back", "sessions");
    back.experiment.retention = Some(Retention {
        from_seconds: 2 * 86_400,
        to_seconds: 5 * 86_400,
    });
    let mut p90 = simple("p90", "revenue");
    p90.experiment.quantile = Some(Quantile {
        at: 0.9,
        ignore_zeros: false,
    });
    let mut large = simple("large", "orders");
    large.filter = Some("amount_cents >= 3000".into());
    let step = |metric: &str, within: Option<u64>| steward_definitions::FunnelStep {
        metric: metric.into(),
        within_seconds: within,
    };
    large.experiment.funnel = Some(Funnel {
        steps: vec![
            step("sessions", None),
            step("orders", Some(86_400)),
            step("large", Some(2 * 86_400)),
        ],
        window_seconds: None,
    });
    for metric in [back, p90, large] {
        p.metrics.insert(metric.meta.name.clone(), metric);
    }
    edit(&mut p, |e| {
        e.primary = ["revenue", "buyers", "back", "order_value", "p90", "large"]
            .map(String::from)
            .to_vec();
        e.secondary.clear();
        e.guardrails.clear();
        e.breakdowns.clear();
        e.correction = "none".into();
        e.cuped_days = 0;
        change(e);
    });
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/readout");
    for table in ["users", "exposures", "orders", "sessions"] {
        std::fs::copy(from.join(format!("{table}.csv")), data.join(format!("{table}.csv"))).unwrap();
    }
    let ground = place.over(folder, p).await;
    readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap()
}

async fn a_readout_says_what_the_references_say(place: Place) {
    let expected = &golden()["expected"];
    let found = read(place, |_| {}).await;
    for (metric, name) in [
        ("revenue", "mean"),
        ("buyers", "proportion"),
        ("back", "retention"),
        ("order_value", "ratio"),
        ("p90", "quantile"),
    ] {
        same(name, &of(&found, metric).absolute, &expected[name]);
    }
    let p90 = of(&found, "p90").absolute.estimate().unwrap();
    close("gbstats", p90.se, &expected["quantile"]["gbstats_se"]);
    let funnel = of(&found, "large");
    for (i, step) in funnel.funnel.iter().enumerate() {
        let expected = &expected["funnel"]["steps"][i];
        same(&format!("step {i}"), &step.of_units.absolute, expected);
        assert_eq!(serde_json::json!(step.units), expected["units"]);
    }
    same("funnel", &funnel.absolute, &expected["funnel"]["steps"][2]);

    let found = read(place, |e| e.cuped_days = 14).await;
    for (metric, name) in [("revenue", "cuped_mean"), ("order_value", "cuped_ratio")] {
        same(name, &of(&found, metric).absolute, &expected[name]);
    }
    // The lift without it stands beside.
    let raw = of(&found, "revenue").raw.clone().unwrap();
    same("raw", &raw.absolute, &expected["mean"]);
}

async fn adjusted_lifts_are_those_of_the_interacted_regression(place: Place) {
    let expected = &golden()["expected"];
    let past = |metric: &str| Covariate::Metric {
        metric: metric.into(),
        before_seconds: 14 * 86_400,
    };
    for variance in [RobustVariance::Hc2, RobustVariance::Hc3] {
        let found = read(place, |e| {
            e.adjust = Some(Adjustment {
                covariates: vec![past("revenue"), past("sessions")],
                strata: vec!["user__country".into()],
                variance,
            });
        })
        .await;
        let word = if variance == RobustVariance::Hc2 { "hc2" } else { "hc3" };
        for (metric, name) in [("revenue", "mean"), ("order_value", "ratio"), ("buyers", "proportion")] {
            let m = of(&found, metric);
            same(
                &format!("{name} {word}"),
                &m.absolute,
                &expected[format!("adjusted_{name}_{word}")],
            );
            same(
                &format!("{name} raw"),
                &m.raw.as_ref().unwrap().absolute,
                &expected[name],
            );
            let (raw, own) = (
                m.raw.as_ref().unwrap().absolute.estimate().unwrap(),
                m.absolute.estimate().unwrap(),
            );
            let reduction = 1.0 - (own.se / raw.se).powi(2);
            assert!((m.variance_reduction.unwrap() - reduction).abs() < 1e-9);
            let by = m.adjustment.as_ref().unwrap();
            assert_eq!(
                by.covariates,
                ["revenue over 14 days before", "sessions over 14 days before"]
            );
            assert_eq!((by.strata_used, by.variance.as_str()), (3, word));
        }
        // A quantile is none of means: it stands as it is.
        same("quantile", &of(&found, "p90").absolute, &expected["quantile"]);
        assert!(of(&found, "p90").adjustment.is_none());
        // Two queries of sums for all metrics.
        let more = ["covariates", "variance of adjusted lifts"];
        assert_eq!(
            found
                .provenance
                .queries
                .iter()
                .filter(|q| more.iter().any(|m| q.label.ends_with(m)))
                .count(),
            2
        );
    }
}

async fn a_lift_alone_is_corrected_to_itself(place: Place) {
    for metric in ["revenue", "order_value", "p90"] {
        let found = read(place, |e| {
            e.primary = vec![metric.into()];
            e.correction = "holm".into();
            e.adjust = Some(Adjustment {
                strata: vec!["user__country".into()],
                ..Adjustment::default()
            });
        })
        .await;
        let m = of(&found, metric);
        let alone = m.adjusted_interval.as_ref().unwrap();
        for (a, b) in [(&m.absolute, &alone.absolute), (&m.relative, &alone.relative)] {
            let (a, b) = (a.estimate().unwrap(), b.estimate().unwrap());
            let wide = 1e-7 * (a.high - a.low);
            assert!(
                (a.low - b.low).abs() < wide && (a.high - b.high).abs() < wide,
                "{metric}: {a:?} {b:?}"
            );
        }
    }
}

async fn strata_of_few_units_are_put_together_and_a_number_may_be_missing(place: Place) {
    // Users by number: 400 strata of one unit each are one, which leaves nothing to adjust for.
    let mut p = project();
    let users = p.semantic_models.get_mut("users").unwrap();
    for (name, expr) in [
        ("number", "user_id"),
        ("seventh", "case when user_id % 5 <> 0 then user_id % 7 end"),
    ] {
        users.dimensions.push(Dimension {
            expr: expr.into(),
            ..dimension(name, None)
        });
    }
    edit(&mut p, |e| {
        e.primary = vec!["revenue".into()];
        e.secondary.clear();
        e.guardrails.clear();
        e.breakdowns.clear();
        e.cuped_days = 0;
        e.adjust = Some(Adjustment {
            covariates: vec![Covariate::Attribute {
                dimension: "user__seventh".into(),
            }],
            strata: vec!["user__number".into()],
            variance: RobustVariance::Hc2,
        });
    });
    let shop = Shop::new(400);
    let ground = place.open(&shop, p.clone()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let m = of(&found, "revenue");
    assert_eq!(m.adjustment.as_ref().unwrap().strata_used, 1);
    let sums = per_user(
        &shop,
        shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64)),
        0,
        3 * DAY,
    );
    let y: Vec<f64> = shop.users.iter().map(|u| sums[&u.id]).collect();
    let treated: Vec<bool> = shop.users.iter().map(|u| u.variant == "treatment").collect();
    let known = |id: u64| id % 5 != 0;
    let x: Vec<Vec<f64>> = shop
        .users
        .iter()
        .map(|u| {
            if known(u.id) {
                vec![(u.id % 7) as f64, 0.0]
            } else {
                vec![0.0, 1.0]
            }
        })
        .collect();
    let expected = steward_stats::adjustment::lin(&y, &treated, &x, 0.95).unwrap().adjusted;
    let e = m.absolute.estimate().unwrap();
    assert!(
        (e.point / expected.point - 1.0).abs() < 1e-9 && (e.se / expected.se - 1.0).abs() < 1e-9,
        "{e:?} {expected:?}"
    );

    // Text is no number.
    edit(&mut p, |e| {
        e.adjust = Some(Adjustment {
            covariates: vec![Covariate::Attribute {
                dimension: "user__country".into(),
            }],
            ..Adjustment::default()
        });
    });
    let ground = place.open(&shop, p).await;
    let refused = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("is text: name it under `strata`"),
        "{refused}"
    );
}

on_both_engines!(
    a_readout_says_what_the_references_say,
    adjusted_lifts_are_those_of_the_interacted_regression,
    a_lift_alone_is_corrected_to_itself,
    strata_of_few_units_are_put_together_and_a_number_may_be_missing,
);
