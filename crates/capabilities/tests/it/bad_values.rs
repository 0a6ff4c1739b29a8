//! Values and arms from which nothing can be estimated, through readouts: each refused with its reason, never a number.

use steward_capabilities::experiments::*;
use steward_definitions::*;
use steward_stats::Reason;

use crate::places::Place;
use crate::shop::*;

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

fn reason(readout: &Readout, metric: &str) -> Option<Reason> {
    let m = of(readout, metric);
    for answer in [&m.absolute, &m.relative] {
        if let Some(e) = answer.estimate() {
            assert!(e.point.is_finite() && e.se > 0.0 && e.low < e.high, "{metric}: {e:?}");
        }
    }
    m.absolute.refusal().map(|e| e.reason)
}

fn quantile(name: &str) -> Metric {
    let mut metric = simple(name, "revenue");
    metric.experiment.quantile = Some(Quantile {
        at: 0.9,
        ignore_zeros: false,
    });
    metric
}

fn through(name: &str) -> Metric {
    let mut metric = simple(name, "orders");
    let steps = ["sessions", name].map(|metric| steward_definitions::FunnelStep {
        metric: metric.into(),
        within_seconds: None,
    });
    metric.experiment.funnel = Some(Funnel {
        steps: steps.to_vec(),
        window_seconds: None,
    });
    metric
}

/// The shop's metrics of every kind, and some over values that are no numbers.
async fn read(place: Place, shop: &Shop, change: impl FnOnce(&mut Experiment)) -> Readout {
    let mut p = project();
    let orders = p.semantic_models.get_mut("orders").unwrap();
    let large =
        |other: &str| format!("case when amount_cents > 5500 then cast('{other}' as double) else amount_cents end");
    orders
        .measures
        .push(measure("not_a_number", Aggregation::Sum, &large("NaN")));
    orders
        .measures
        .push(measure("infinite", Aggregation::Sum, &large("Infinity")));
    let mut wrong_event = measure("wrong_event", Aggregation::Percentile, &large("NaN"));
    wrong_event.percentile = Some(0.5);
    orders.measures.push(wrong_event);
    let mut wrong_quantile = simple("wrong_quantile", "infinite");
    wrong_quantile.experiment.quantile = Some(Quantile {
        at: 0.5,
        ignore_zeros: true,
    });
    for metric in [
        simple("not_a_number", "not_a_number"),
        simple("infinite", "infinite"),
        simple("wrong_event", "wrong_event"),
        wrong_quantile,
        quantile("p90"),
        through("bought"),
    ] {
        p.metrics.insert(metric.meta.name.clone(), metric);
    }
    edit(&mut p, |e| {
        e.primary = ["revenue", "buyers", "order_value", "p90", "bought"]
            .map(String::from)
            .to_vec();
        e.secondary = ["not_a_number", "infinite", "wrong_event", "wrong_quantile"]
            .map(String::from)
            .to_vec();
        e.guardrails.clear();
        e.breakdowns.clear();
        e.cuped_days = 0;
        change(e);
    });
    let ground = place.open(shop, p).await;
    readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap()
}

async fn values_that_are_no_numbers_refuse_their_metric_alone(place: Place) {
    let shop = Shop::new(400);
    assert!(shop.orders.iter().any(|o| o.cents > 5500));
    let found = read(place, &shop, |_| {}).await;
    for metric in ["not_a_number", "infinite", "wrong_event", "wrong_quantile"] {
        let refused = of(&found, metric).not_estimable.as_ref().unwrap();
        assert!(
            refused.fix.contains("infinite or not a number"),
            "{metric}: {refused:?}"
        );
    }
    for metric in ["revenue", "buyers", "order_value", "p90", "bought"] {
        assert_eq!(reason(&found, metric), None, "{metric}");
    }
}

async fn one_unit_an_arm_estimates_nothing(place: Place) {
    let shop = Shop::new(400);
    let one = |variant: &str| shop.users.iter().find(|u| u.variant == variant).unwrap().id;
    let filter = format!("user_id in ({}, {})", one("control"), one("treatment"));
    for adjust in [
        None,
        Some(Adjustment {
            strata: vec!["user__country".into()],
            ..Adjustment::default()
        }),
    ] {
        let found = read(place, &shop, |e| {
            e.exposures.filter = Some(filter.clone());
            e.cuped_days = 7;
            e.adjust = adjust;
        })
        .await;
        assert_eq!(found.health.units, 2);
        for metric in ["revenue", "buyers", "order_value", "p90", "bought"] {
            let reason = reason(&found, metric);
            let no_denominator = metric == "order_value" && reason == Some(Reason::ZeroBaseline);
            assert!(reason == Some(Reason::TooFew) || no_denominator, "{metric}: {reason:?}");
        }
        assert_eq!(found.outcome, Outcome::NotEstimable);
    }
}

async fn an_arm_of_zeros_and_arms_of_zeros(place: Place) {
    let mut shop = Shop::new(400);
    let treated: std::collections::BTreeMap<u64, bool> =
        shop.users.iter().map(|u| (u.id, u.variant == "treatment")).collect();
    shop.orders.retain(|o| !treated[&o.user]);
    let found = read(place, &shop, |_| {}).await;
    // One arm of zeros has a lift; its ratio has no denominator and its quantile sits on a heap.
    for metric in ["revenue", "buyers", "bought"] {
        assert_eq!(reason(&found, metric), None, "{metric}");
        // −100% of whatever the control is: there is nothing uncertain about it, and no interval.
        assert_eq!(
            of(&found, metric).relative.refusal().map(|e| e.reason),
            Some(Reason::ZeroVariance),
            "{metric}"
        );
    }
    assert_eq!(reason(&found, "order_value"), Some(Reason::ZeroBaseline));
    assert_eq!(reason(&found, "p90"), Some(Reason::ZeroVariance));

    shop.orders.clear();
    let found = read(place, &shop, |_| {}).await;
    for metric in ["revenue", "buyers", "p90", "bought"] {
        assert_eq!(reason(&found, metric), Some(Reason::ZeroVariance), "{metric}");
    }
    assert_eq!(reason(&found, "order_value"), Some(Reason::ZeroBaseline));
    assert_eq!(found.outcome, Outcome::NotEstimable);
}

async fn a_metric_without_variation_and_an_arm_without_units(place: Place) {
    let mut shop = Shop::new(300);
    // Everybody buys once, for the same.
    shop.orders = shop
        .users
        .iter()
        .map(|u| Order {
            user: u.id,
            at: u.exposed + HOUR,
            cents: 1000,
        })
        .collect();
    let found = read(place, &shop, |_| {}).await;
    for metric in ["revenue", "buyers", "order_value", "p90"] {
        assert_eq!(reason(&found, metric), Some(Reason::ZeroVariance), "{metric}");
    }
    shop.users.retain(|u| u.variant == "control");
    shop.again.retain(|a| a.1 == "control");
    let found = read(place, &shop, |_| {}).await;
    assert_eq!(found.outcome, Outcome::DoNotTrust, "{}", found.verdict);
    assert!(
        found.health.problems.iter().any(|p| p.code == "empty-arm"),
        "{:?}",
        found.health.problems
    );
    for metric in ["revenue", "buyers", "order_value", "bought"] {
        assert_eq!(reason(&found, metric), Some(Reason::TooFew), "{metric}");
    }
    // Of the control alone its quantile could be told, were it not one value.
    assert_eq!(reason(&found, "p90"), Some(Reason::ZeroVariance));
}

on_both_engines!(
    values_that_are_no_numbers_refuse_their_metric_alone,
    one_unit_an_arm_estimates_nothing,
    an_arm_of_zeros_and_arms_of_zeros,
    a_metric_without_variation_and_an_arm_without_units,
);
