//! Power from a metric's own history, against the same numbers computed by hand from the rows.

use std::collections::BTreeSet;

use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::{self, MetricPower, PowerOptions, PowerReport, PowerRow};
use steward_definitions::*;
use steward_stats::design::{Metric, Plan};
use steward_stats::{Comparison, Moments, Statistic, lift, power, quantile};

use crate::places::Place;
use crate::shop::*;

/// The shop with a second experiment on the same exposures, from 20 March for four weeks.
fn with_next() -> Project {
    let mut p = project();
    let mut next = p.experiments["checkout"].clone();
    next.meta = meta("next", "experiment");
    next.start = Some("2025-03-20".into());
    next.end = Some("2025-04-17".into());
    p.experiments.insert("next".into(), next);
    p
}

fn wanting(effect: f64) -> PowerOptions {
    PowerOptions {
        effect: Some(effect),
        ..PowerOptions::default()
    }
}

async fn asked(ground: &Ground, name: &str, options: &PowerOptions) -> PowerReport {
    experiments::power(&ground.context, name, options).await.unwrap().value
}

fn of<'a>(report: &'a PowerReport, metric: &str) -> &'a MetricPower {
    report.metrics.iter().find(|m| m.metric == metric).unwrap()
}

fn row(metric: &MetricPower, days: i64) -> &PowerRow {
    metric.rows.iter().find(|r| r.days == days).unwrap()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-6 * (1.0 + a.abs().max(b.abs())), "{a} is not {b}");
}

async fn a_plan_is_what_the_earlier_experiments_rows_say(place: Place) {
    let shop = Shop::new(1500);
    let ground = place.open(&shop, with_next()).await;
    let report = asked(&ground, "next", &wanting(0.05)).await;
    assert_eq!(report.source.reference, "experiment/checkout");
    assert_eq!((report.weeks, report.planned_days), (2, Some(28)));

    let revenue = || shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64));
    let (after, before) = (
        per_user(&shop, revenue(), 0, 3 * DAY),
        per_user(&shop, revenue(), -14 * DAY, 0),
    );
    let mut moments = Moments::empty(2);
    for u in shop.users.iter().filter(|u| u.variant == "control") {
        moments.push(&[after[&u.id], before[&u.id]]);
    }
    let comparison = Comparison {
        statistic: Statistic::Mean { y: 0 },
        covariates: vec![1],
        level: 0.95,
    };
    let reduction = lift(&moments, &moments, &comparison).variance_reduction.unwrap();
    let two_weeks = row(of(&report, "revenue"), 14);
    assert!(!two_weeks.extrapolated);
    close(two_weeks.units, 1500.0);
    close(two_weeks.baseline.estimate().unwrap().point, moments.mean(0));
    close(two_weeks.sd, moments.variance(0).unwrap().sqrt());
    close(two_weeks.variance_reduction.unwrap(), reduction);
    // Two primary metrics share alpha.
    let se = two_weeks.sd * (2.0 / 750.0 * (1.0 - reduction)).sqrt();
    close(
        two_weeks.detectable_absolute,
        power::minimum_detectable(se, 0.025, 0.8).unwrap(),
    );
    let wanted = 0.05 * moments.mean(0);
    close(two_weeks.power.unwrap(), power::power(wanted, se, 0.025).unwrap());
    let mut plan = Plan::new(
        Metric::Mean {
            mean: moments.mean(0),
            sd: two_weeks.sd,
        },
        0.025,
    );
    plan.variance_reduction = reduction;
    let needed = 2.0 * plan.required(wanted, 0.8).unwrap().n_control;
    assert!((two_weeks.units_needed.unwrap() / needed - 1.0).abs() < 1e-4);
    let (low, high) = two_weeks.detectable_relative_range.unwrap();
    let point = two_weeks.detectable_relative.unwrap();
    assert!(
        low < point && point < high && high < 2.0 * point,
        "{low} {point} {high}"
    );

    // Nobody was there for four weeks: arrivals go on as in the second.
    let four_weeks = row(of(&report, "revenue"), 28);
    assert!(four_weeks.extrapolated);
    close(four_weeks.units, 1500.0 + 2.0 * report.traffic.new_units_by_week[1]);

    // A guardrail is planned as the readout judges it: the whole interval within the margin.
    let orders = row(of(&report, "orders"), 14);
    let mean = orders.baseline.estimate().unwrap().point;
    let se = orders.sd * (2.0 / 750.0 * (1.0 - orders.variance_reduction.unwrap())).sqrt();
    let z = 1.959_963_984_540_054;
    close(
        orders.power.unwrap(),
        steward_stats::dist::normal_sf(z - 0.05 * mean / se),
    );
}

async fn active_units_of_a_semantic_model_stand_in_for_exposures(place: Place) {
    let shop = Shop::new(1500);
    let ground = place.open(&shop, project()).await;
    let options = PowerOptions {
        source: Some("semantic_model/sessions".into()),
        ..wanting(0.1)
    };
    let report = asked(&ground, "checkout", &options).await;
    assert_eq!(report.source.reference, "semantic_model/sessions");
    // Three days before the start, so that every window has closed by then.
    let before = START - 3 * DAY;
    let active: BTreeSet<u64> = shop
        .sessions
        .iter()
        .filter(|s| s.at >= before - 7 * DAY && s.at < before)
        .map(|s| s.user)
        .collect();
    close(row(of(&report, "revenue"), 7).units, active.len() as f64);
    // Without a source, the model with most active units is found.
    let found = asked(&ground, "checkout", &wanting(0.1)).await;
    assert!(
        found.source.reference.starts_with("semantic_model/"),
        "{:?}",
        found.source
    );
}

async fn rules_that_may_be_looked_at_find_less(place: Place) {
    let ground = place.open(&Shop::new(1500), with_next()).await;
    let mut found = Vec::new();
    for method in ["fixed", "group-sequential", "confidence-sequence"] {
        let options = PowerOptions {
            method: Some(method.into()),
            ..wanting(0.15)
        };
        let report = asked(&ground, "next", &options).await;
        found.push(row(of(&report, "revenue"), 14).detectable_absolute);
    }
    assert!(found[0] < found[1] && found[1] < found[2], "{found:?}");
    // Clusters cost units.
    let options = PowerOptions {
        cluster: Some("user__country".into()),
        ..wanting(0.15)
    };
    let clustered = asked(&ground, "next", &options).await;
    // Two countries are too few to know how alike units of one are.
    let refused = of(&clustered, "revenue").not_estimable.as_ref().unwrap();
    assert!(refused.detail.contains("2 cluster(s)"), "{refused:?}");
}

async fn a_quantile_is_planned_from_its_own_distribution(place: Place) {
    let shop = Shop::new(1500);
    let mut p = with_next();
    p.metrics.get_mut("revenue").unwrap().experiment.quantile = Some(Quantile {
        at: 0.75,
        ignore_zeros: false,
    });
    let ground = place.open(&shop, p).await;
    let report = asked(&ground, "next", &wanting(0.2)).await;
    let metric = of(&report, "revenue");
    assert_eq!(metric.statistic, "quantile");
    let revenue = || shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64));
    let after = per_user(&shop, revenue(), 0, 3 * DAY);
    let control = shop.users.iter().filter(|u| u.variant == "control");
    let values: Vec<f64> = control.map(|u| after[&u.id]).collect();
    let itself = quantile::difference(&values, &values, 0.75, 0.95, quantile::Error::Woodruff);
    let se = itself.absolute.unwrap().se * (values.len() as f64 / 750.0).sqrt();
    let found = row(metric, 14);
    let point = found.baseline.estimate().unwrap().point;
    close(point, itself.control.unwrap().point);
    close(
        found.detectable_absolute,
        power::minimum_detectable(se, 0.025, 0.8).unwrap(),
    );
    close(found.power.unwrap(), power::power(0.2 * point, se, 0.025).unwrap());
}

async fn clusters_and_blocks_are_those_of_the_design(place: Place) {
    let shop = Shop::new(1500);
    let designed = |design: Design| {
        let mut p = with_next();
        let next = p.experiments.get_mut("next").unwrap();
        next.design = design;
        next.cuped_days = 0;
        p
    };
    let by = "user__country".to_string();
    let ground = place
        .open(&shop, designed(Design::Cluster(ClusterDesign { by: by.clone() })))
        .await;
    let report = asked(&ground, "next", &wanting(0.15)).await;
    let refused = of(&report, "revenue").not_estimable.as_ref().unwrap();
    assert!(refused.detail.contains("2 cluster(s)"), "{refused:?}");

    // A region and a day are a block; blocks are compared within their region.
    let design = SwitchbackDesign {
        by,
        period_seconds: 86_400,
        ..SwitchbackDesign::default()
    };
    let ground = place.open(&shop, designed(Design::Switchback(design.clone()))).await;
    let report = asked(&ground, "next", &wanting(0.15)).await;
    let metric = of(&report, "revenue");
    let revenue = || shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64));
    let after = per_user(&shop, revenue(), 0, 3 * DAY);
    let mut blocks: std::collections::BTreeMap<(&str, i64), Vec<f64>> = Default::default();
    for u in shop.users.iter().filter(|u| u.variant == "control") {
        blocks
            .entry((u.country, (u.exposed - START) / DAY))
            .or_default()
            .push(after[&u.id]);
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (k, n) = (blocks.len() as f64, blocks.values().map(Vec::len).sum::<usize>() as f64);
    let (mut between, mut within, mut squares) = (0.0, 0.0, 0.0);
    for region in ["DE", "FR"] {
        let mine = || blocks.iter().filter(|((r, _), _)| *r == region).map(|(_, v)| v);
        let all: Vec<f64> = mine().flatten().copied().collect();
        between += mine()
            .map(|v| v.len() as f64 * (mean(v) - mean(&all)).powi(2))
            .sum::<f64>();
        squares += mine().map(|v| (v.len() as f64).powi(2)).sum::<f64>() / all.len() as f64;
    }
    for v in blocks.values() {
        within += v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>();
    }
    let (between, within, n0) = (between / (k - 2.0), within / (n - k), (n - squares) / (k - 2.0));
    let icc = ((between - within) / (between + (n0 - 1.0) * within)).clamp(0.0, 1.0);
    let size = n / k;
    let cv2 = blocks.values().map(|v| (v.len() as f64 - size).powi(2)).sum::<f64>() / (k - 1.0) / (size * size);
    // Beyond the history the last block sizes hold: all days were read.
    close(metric.icc.unwrap().0, icc);
    close(row(metric, 14).design_effect, 1.0 + ((1.0 + cv2) * size - 1.0) * icc);
    // Time left out after switches costs units.
    let washed = SwitchbackDesign {
        washout_seconds: 21_600,
        ..design
    };
    let ground = place.open(&shop, designed(Design::Switchback(washed))).await;
    let less = asked(&ground, "next", &wanting(0.15)).await;
    close(row(of(&less, "revenue"), 14).units, 0.75 * row(metric, 14).units);
}

async fn what_cannot_be_planned_is_said(place: Place) {
    let mut long_ago = project();
    edit(&mut long_ago, |e| {
        e.start = Some("2024-01-01".into());
        e.end = Some("2024-02-01".into());
    });
    let ground = place.open(&Shop::new(200), long_ago).await;
    let refused = |result: Result<_, CapabilityError>| match result {
        Err(e) => e.to_string(),
        Ok::<steward_capabilities::evidence::Concluded<PowerReport>, _>(_) => panic!("not refused"),
    };
    let none = refused(experiments::power(&ground.context, "checkout", &wanting(0.1)).await);
    assert!(none.contains("no history"), "{none}");
    let wrong = refused(experiments::power(&ground.context, "checkout", &wanting(-0.1)).await);
    assert!(wrong.contains("above 0"), "{wrong}");
    let options = PowerOptions {
        source: Some("semantic_model/sesions".into()),
        ..wanting(0.1)
    };
    let unknown = refused(experiments::power(&ground.context, "checkout", &options).await);
    assert!(unknown.contains("sessions"), "{unknown}");
}

on_both_engines! {
    a_plan_is_what_the_earlier_experiments_rows_say,
    active_units_of_a_semantic_model_stand_in_for_exposures,
    rules_that_may_be_looked_at_find_less,
    a_quantile_is_planned_from_its_own_distribution,
    clusters_and_blocks_are_those_of_the_design,
    what_cannot_be_planned_is_said,
}
