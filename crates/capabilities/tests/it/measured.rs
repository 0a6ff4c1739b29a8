//! What experiments measure, against the same numbers computed by hand from the rows: periods, caps, numerator filters,
//! retention, triggers. The shop's rows lie in memory, so that each answer is a few lines of arithmetic.

use std::collections::BTreeMap;

use steward_capabilities::experiments::*;
use steward_definitions::*;
use steward_stats::{Comparison, Estimate, Lift, Moments, Reason, Statistic, lift};

use crate::places::Place;
use crate::shop::*;

type Values = BTreeMap<u64, f64>;

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())), "{a} is not {b}");
}

fn same(found: &Answer, expected: &Result<Estimate, steward_stats::NotEstimable>) {
    let (a, e) = (found.estimate().unwrap(), expected.as_ref().unwrap());
    close(a.point, e.point);
    close(a.se, e.se);
    close(a.low, e.low);
    close(a.high, e.high);
    assert_eq!(a.n, e.n);
}

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

fn revenue(shop: &Shop) -> impl Iterator<Item = (u64, i64, f64)> + '_ {
    shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64))
}

fn orders(shop: &Shop) -> impl Iterator<Item = (u64, i64, f64)> + '_ {
    shop.orders.iter().map(|o| (o.user, o.at, 1.0))
}

fn mapped(values: Values, f: impl Fn(f64) -> f64) -> Values {
    values.into_iter().map(|(k, v)| (k, f(v))).collect()
}

/// The lift over the users for which `counts` holds.
fn by_hand(
    shop: &Shop,
    values: &[&Values],
    statistic: Statistic,
    covariates: &[usize],
    counts: impl Fn(&User) -> bool,
) -> Lift {
    let arm = |variant: &str| {
        let mut all = Moments::empty(values.len());
        for u in shop.users.iter().filter(|u| u.variant == variant && counts(u)) {
            all.push(&values.iter().map(|v| v[&u.id]).collect::<Vec<_>>());
        }
        all
    };
    let comparison = Comparison {
        statistic,
        covariates: covariates.to_vec(),
        level: 0.95,
    };
    lift(&arm("control"), &arm("treatment"), &comparison)
}

const MEAN: Statistic = Statistic::Mean { y: 0 };
const SHARE: Statistic = Statistic::Proportion { y: 0 };
const RATIO: Statistic = Statistic::Ratio {
    numerator: 0,
    denominator: 1,
};

/// A project whose experiment compares these metrics without covariates.
fn asking(metrics: Vec<Metric>, change: impl FnOnce(&mut Experiment)) -> Project {
    let mut p = project();
    let names: Vec<String> = metrics.iter().map(|m| m.meta.name.clone()).collect();
    for metric in metrics {
        p.metrics.insert(metric.meta.name.clone(), metric);
    }
    edit(&mut p, |e| {
        e.primary = names;
        e.secondary.clear();
        e.guardrails.clear();
        e.cuped_days = 0;
        change(e);
    });
    p
}

fn measured(name: &str, measure: &str, change: impl FnOnce(&mut MetricExperimentSettings)) -> Metric {
    let mut metric = simple(name, measure);
    change(&mut metric.experiment);
    metric
}

async fn read(place: Place, shop: &Shop, p: Project, as_of: Option<i64>) -> Readout {
    let ground = place.open(shop, p).await;
    readout(
        &ground.context,
        "checkout",
        &ReadoutOptions {
            as_of,
            ..ReadoutOptions::default()
        },
    )
    .await
    .unwrap()
}

async fn windows_delays_and_lookbacks_are_each_metrics_own(place: Place) {
    let shop = Shop::new(900);
    let day = 86_400;
    let p = asking(
        vec![
            measured("week", "revenue", |s| s.measured.window_seconds = Some(7 * day)),
            measured("late", "revenue", |s| {
                s.measured.delay_seconds = Some(day);
                s.measured.window_seconds = Some(2 * day);
            }),
            measured("before", "revenue", |s| s.measured.lookback_seconds = Some(5 * day)),
            measured("shifted", "revenue", |s| s.measured.delay_seconds = Some(day)),
            measured("anew", "revenue", |s| s.measured.window_seconds = Some(7 * day)),
            simple("plain", "revenue"),
        ],
        |e| {
            e.uses.insert(
                "anew".into(),
                MetricUse {
                    window_seconds: Some(day),
                    cuped_days: Some(7),
                    ..MetricUse::default()
                },
            );
        },
    );
    let all = |_: &User| true;
    let sums = |from: i64, to: i64| per_user(&shop, revenue(&shop), from * DAY, to * DAY);
    let found = read(place, &shop, p.clone(), None).await;
    for (metric, from, to) in [
        ("week", 0, 7),
        ("late", 1, 3),
        ("before", -5, 0),
        ("shifted", 1, 4),
        ("plain", 0, 3),
    ] {
        same(
            &of(&found, metric).absolute,
            &by_hand(&shop, &[&sums(from, to)], MEAN, &[], all).absolute,
        );
    }
    let expected = by_hand(&shop, &[&sums(0, 1), &sums(-7, 0)], MEAN, &[1], all);
    same(&of(&found, "anew").absolute, &expected.absolute);
    assert_eq!(
        of(&found, "late").period,
        Some(Period::After {
            delay: day,
            window: Some(2 * day)
        })
    );

    // While it runs, each metric counts the units whose own period is over.
    let as_of = START + 9 * DAY + 12 * HOUR;
    let found = read(place, &shop, p, Some(as_of)).await;
    for (metric, from, to) in [("week", 0, 7), ("late", 1, 3), ("plain", 0, 3), ("shifted", 1, 4)] {
        let over = |u: &User| u.exposed + to * DAY <= as_of;
        same(
            &of(&found, metric).absolute,
            &by_hand(&shop, &[&sums(from, to)], MEAN, &[], over).absolute,
        );
    }
    let seen = |u: &User| u.exposed < as_of;
    same(
        &of(&found, "before").absolute,
        &by_hand(&shop, &[&sums(-5, 0)], MEAN, &[], seen).absolute,
    );
}

async fn without_a_window_a_delay_waits_for_its_units(place: Place) {
    let shop = Shop::new(700);
    let p = asking(
        vec![
            measured("late", "revenue", |s| s.measured.delay_seconds = Some(2 * 86_400)),
            measured("week", "revenue", |s| s.measured.window_seconds = Some(7 * 86_400)),
        ],
        |e| e.window_seconds = None,
    );
    let end = START + 14 * DAY;
    let found = read(place, &shop, p, None).await;
    // Open metrics end with the experiment; the week is followed beyond it.
    let mut late: Values = shop.users.iter().map(|u| (u.id, 0.0)).collect();
    let exposed: BTreeMap<u64, i64> = shop.users.iter().map(|u| (u.id, u.exposed)).collect();
    for o in &shop.orders {
        if o.at >= exposed[&o.user] + 2 * DAY && o.at < end {
            *late.get_mut(&o.user).unwrap() += o.cents as f64;
        }
    }
    let begun = |u: &User| u.exposed + 2 * DAY <= end;
    same(
        &of(&found, "late").absolute,
        &by_hand(&shop, &[&late], MEAN, &[], begun).absolute,
    );
    let week = per_user(&shop, revenue(&shop), 0, 7 * DAY);
    same(
        &of(&found, "week").absolute,
        &by_hand(&shop, &[&week], MEAN, &[], |_| true).absolute,
    );
}

async fn caps_pull_in_both_ends_and_both_parts(place: Place) {
    let shop = Shop::new(800);
    let mut value = ratio("capped_value", "revenue", "orders");
    value.experiment.measured.cap = Some(Cap::at(4000.0));
    value.experiment.measured.denominator_cap = Some(Cap::at(1.0));
    let limits = Cap {
        value: Some(5000.0),
        low_value: Some(1500.0),
        ..Cap::default()
    };
    let tail = Cap {
        percentile: Some(0.9),
        low_percentile: Some(0.2),
        ignore_zeros: true,
        ..Cap::default()
    };
    let p = asking(
        vec![
            value,
            measured("both", "revenue", |s| s.measured.cap = Some(limits)),
            measured("tail", "revenue", |s| s.measured.cap = Some(tail)),
        ],
        |_| {},
    );
    let found = read(place, &shop, p, None).await;
    let sums = per_user(&shop, revenue(&shop), 0, 3 * DAY);
    let counts = per_user(&shop, orders(&shop), 0, 3 * DAY);
    let all = |_: &User| true;
    let expected = by_hand(
        &shop,
        &[
            &mapped(sums.clone(), |v| v.min(4000.0)),
            &mapped(counts, |v| v.min(1.0)),
        ],
        RATIO,
        &[],
        all,
    );
    same(&of(&found, "capped_value").absolute, &expected.absolute);
    let expected = by_hand(
        &shop,
        &[&mapped(sums.clone(), |v| v.clamp(1500.0, 5000.0))],
        MEAN,
        &[],
        all,
    );
    same(&of(&found, "both").absolute, &expected.absolute);

    let used = of(&found, "tail").limits[0];
    let (low, high) = (used.low.unwrap(), used.high.unwrap());
    let mut buyers: Vec<f64> = sums.values().copied().filter(|v| *v != 0.0).collect();
    buyers.sort_by(f64::total_cmp);
    for (found, q) in [(low, 0.2), (high, 0.9)] {
        let exact = buyers[(q * (buyers.len() - 1) as f64) as usize];
        assert!((found / exact - 1.0).abs() < 0.002, "{found} against {exact}");
    }
    let expected = by_hand(&shop, &[&mapped(sums, |v| v.clamp(low, high))], MEAN, &[], all);
    same(&of(&found, "tail").absolute, &expected.absolute);
}

async fn a_numerator_filter_leaves_the_denominator_alone(place: Place) {
    let shop = Shop::new(700);
    let mut large = ratio("share_of_large", "orders", "orders");
    large.experiment.measured.numerator_filter = Some("amount_cents >= 2500".into());
    let mut plain = simple("filtered_mean", "revenue");
    plain.experiment.measured.numerator_filter = Some("amount_cents >= 2500".into());
    let p = asking(vec![large, plain], |_| {});
    let found = read(place, &shop, p, None).await;
    let some = shop.orders.iter().filter(|o| o.cents >= 2500);
    let above = per_user(&shop, some.map(|o| (o.user, o.at, 1.0)), 0, 3 * DAY);
    let below = per_user(&shop, orders(&shop), 0, 3 * DAY);
    let expected = by_hand(&shop, &[&above, &below], RATIO, &[], |_| true);
    same(&of(&found, "share_of_large").absolute, &expected.absolute);
    let refused = of(&found, "filtered_mean").not_estimable.as_ref().unwrap();
    assert_eq!(refused.reason, Reason::OutOfDomain);
}

async fn retention_is_the_share_that_came_back_between_two_days(place: Place) {
    let shop = Shop::new(900);
    let back = measured("back", "sessions", |s| {
        s.retention = Some(Retention {
            from_seconds: 2 * 86_400,
            to_seconds: 5 * 86_400,
        });
    });
    let p = asking(vec![back], |_| {});
    let visits = || shop.sessions.iter().map(|s| (s.user, s.at, 1.0));
    let came = mapped(per_user(&shop, visits(), 2 * DAY, 5 * DAY), |v| {
        f64::from(u8::from(v > 0.0))
    });
    let found = read(place, &shop, p.clone(), None).await;
    same(
        &of(&found, "back").absolute,
        &by_hand(&shop, &[&came], SHARE, &[], |_| true).absolute,
    );
    assert_eq!(of(&found, "back").statistic, "proportion");
    // Only units observed through the fifth day count.
    let as_of = START + 8 * DAY;
    let found = read(place, &shop, p, Some(as_of)).await;
    let over = |u: &User| u.exposed + 5 * DAY <= as_of;
    same(
        &of(&found, "back").absolute,
        &by_hand(&shop, &[&came], SHARE, &[], over).absolute,
    );
}

/// First session at or after exposure, by user.
fn activated(shop: &Shop) -> BTreeMap<u64, i64> {
    let mut first: BTreeMap<u64, i64> = BTreeMap::new();
    let exposed: BTreeMap<u64, i64> = shop.users.iter().map(|u| (u.id, u.exposed)).collect();
    for s in &shop.sessions {
        if s.at >= exposed[&s.user] {
            let known = first.entry(s.user).or_insert(s.at);
            *known = (*known).min(s.at);
        }
    }
    first
}

async fn a_trigger_counts_units_from_what_they_did(place: Place) {
    let shop = Shop::new(900);
    let rows = Trigger::Rows {
        dataset: "sessions".into(),
        unit: "user_id".into(),
        time: "ts".into(),
        filter: None,
    };
    let metric = Trigger::Metric {
        metric: "sessions".into(),
    };
    let cut = START + 17 * DAY;
    let mut first = activated(&shop);
    first.retain(|_, at| *at < cut);
    for trigger in [rows, metric] {
        let p = asking(vec![simple("plain", "revenue")], |e| {
            e.trigger = Some(trigger);
            e.cuped_days = 7;
        });
        let found = read(place, &shop, p, None).await;
        let over = |u: &User| first.get(&u.id).is_some_and(|at| at + 3 * DAY <= cut);
        let (mut after, mut before): (Values, Values) = (BTreeMap::new(), BTreeMap::new());
        for u in &shop.users {
            let Some(start) = first.get(&u.id) else { continue };
            let mine = |from: i64, to: i64| {
                let mine = shop
                    .orders
                    .iter()
                    .filter(|o| o.user == u.id && (from..to).contains(&o.at));
                mine.map(|o| o.cents as f64).sum::<f64>()
            };
            after.insert(u.id, mine(*start, start + 3 * DAY));
            // Before exposure, not before the trigger: in between the variants may differ already.
            before.insert(u.id, mine(u.exposed - 7 * DAY, u.exposed));
        }
        let expected = by_hand(&shop, &[&after, &before], MEAN, &[1], over);
        same(&of(&found, "plain").absolute, &expected.absolute);
        assert_eq!(found.health.units, first.len() as u64);
        let exposed = found.health.exposed.as_ref().unwrap();
        assert_eq!(exposed.units.iter().map(|u| u.units).sum::<u64>(), 900);
        assert!(!exposed.srm.broken && !found.health.srm.broken);
    }
}

async fn a_trigger_that_the_treatment_moves_is_not_trusted(place: Place) {
    let mut shop = Shop::new(1500);
    let treated: BTreeMap<u64, bool> = shop.users.iter().map(|u| (u.id, u.variant == "treatment")).collect();
    // The treatment keeps half of its users from having a session.
    shop.sessions.retain(|s| !(treated[&s.user] && s.user % 2 == 0));
    let p = asking(vec![simple("plain", "revenue")], |e| {
        e.trigger = Some(Trigger::Metric {
            metric: "sessions".into(),
        });
    });
    let found = read(place, &shop, p, None).await;
    assert_eq!(found.outcome, Outcome::DoNotTrust);
    assert!(found.health.problems.iter().any(|p| p.code == "trigger-sample-ratio"));
    assert!(!found.health.exposed.as_ref().unwrap().srm.broken);
}

async fn bad_values_refuse_their_metric_alone(place: Place) {
    let shop = Shop::new(300);
    let mut none = simple("none", "revenue");
    none.filter = Some("amount_cents < 0".into());
    let p = asking(
        vec![
            none,
            measured("wrong", "revenue", |s| s.measured.cap = Some(Cap::at(f64::INFINITY))),
            measured("no_ratio", "revenue", |s| {
                s.measured.denominator_cap = Some(Cap::at(1.0))
            }),
            simple("plain", "revenue"),
        ],
        |_| {},
    );
    let found = read(place, &shop, p, None).await;
    let reason = |metric: &str| of(&found, metric).not_estimable.as_ref().map(|e| e.reason);
    assert_eq!(reason("none"), Some(Reason::ZeroVariance));
    assert_eq!(reason("wrong"), Some(Reason::OutOfDomain));
    assert_eq!(reason("no_ratio"), Some(Reason::OutOfDomain));
    assert!(of(&found, "plain").absolute.estimate().is_some());
}

#[tokio::test]
async fn interactions_read_percentile_caps() {
    let shop = Shop::new(900);
    let banner = |id: u64| if uniform(77, id) < 0.5 { "control" } else { "treatment" };
    let effect_with = async |cap: Option<Cap>| {
        let mut p = asking(vec![measured("capped", "revenue", |s| s.measured.cap = cap)], |_| {});
        let columns = [("user_id", "integer"), ("variant", "string"), ("ts", "timestamp")];
        p.datasets.insert("banners".into(), dataset("banners", &columns));
        let mut other = p.experiments["checkout"].clone();
        other.meta.name = "banner".into();
        other.exposures.dataset = "banners".into();
        p.experiments.insert("banner".into(), other);
        let folder = tempfile::tempdir().unwrap();
        shop.write(folder.path());
        let rows = shop
            .users
            .iter()
            .map(|u| format!("{},{},{}\n", u.id, banner(u.id), time(u.exposed)));
        let text: String = std::iter::once("user_id,variant,ts\n".to_string())
            .chain(rows)
            .collect();
        std::fs::write(folder.path().join("data/banners.csv"), text).unwrap();
        let ground = Ground::over(folder, p).await;
        let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
            .await
            .unwrap();
        let pair = interactions(&ground.context, Some(("checkout", "banner")))
            .await
            .unwrap()
            .pairs
            .remove(0);
        let effect = pair.interactions[0].effect.estimate().unwrap().clone();
        (effect, of(&readout, "capped").limits[0].high)
    };
    let (by_percentile, limit) = effect_with(Some(Cap::at_percentile(0.8))).await;
    let (by_value, _) = effect_with(limit.map(Cap::at)).await;
    let (plain, _) = effect_with(None).await;
    close(by_percentile.point, by_value.point);
    close(by_percentile.se, by_value.se);
    assert!(by_percentile.se < 0.95 * plain.se, "{by_percentile:?} {plain:?}");
}

#[tokio::test]
async fn collected_exposures_are_files_that_another_engine_does_not_read() {
    if !Place::postgres_is_here() {
        return;
    }
    let ground = Place::Postgres.open(&Shop::new(20), project()).await;
    let mut p = project();
    p.datasets.insert(
        "steward_exposures".into(),
        dataset("steward_exposures", &[("unit", "string")]),
    );
    edit(&mut p, |e| e.exposures.dataset = "steward_exposures".into());
    let refused = readout(&ground.with(p), "checkout", &ReadoutOptions::default())
        .await
        .unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("collected exposures") && text.contains("engine: datafusion"),
        "{text}"
    );
}

on_both_engines!(
    windows_delays_and_lookbacks_are_each_metrics_own,
    without_a_window_a_delay_waits_for_its_units,
    caps_pull_in_both_ends_and_both_parts,
    a_numerator_filter_leaves_the_denominator_alone,
    retention_is_the_share_that_came_back_between_two_days,
    a_trigger_counts_units_from_what_they_did,
    a_trigger_that_the_treatment_moves_is_not_trusted,
    bad_values_refuse_their_metric_alone,
);
