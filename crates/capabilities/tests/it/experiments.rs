//! Readouts against the same numbers computed by hand from the rows.

use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::*;
use steward_definitions::*;
use steward_stats::fieller::fieller;
use steward_stats::group_sequential::Sides;
use steward_stats::meta::heterogeneity;
use steward_stats::shrinkage::{Prior, shrink};
use steward_stats::{Comparison, Lift, Moments, Reason, Statistic, lift};

use crate::places::Place;
use crate::shop::*;

const WINDOW: i64 = 3 * DAY;

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())), "{a} is not {b}");
}

fn same(answer: &Answer, expected: &Result<steward_stats::Estimate, steward_stats::NotEstimable>) {
    let (a, e) = (answer.estimate().unwrap(), expected.as_ref().unwrap());
    close(a.point, e.point);
    close(a.se, e.se);
    close(a.low, e.low);
    close(a.high, e.high);
    assert_eq!(a.n, e.n);
}

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

/// Moments of some values of the users of an arm.
fn moments(shop: &Shop, variant: &str, values: &[&std::collections::BTreeMap<u64, f64>]) -> Moments {
    let mut all = Moments::empty(values.len());
    for u in shop.users.iter().filter(|u| u.variant == variant) {
        all.push(&values.iter().map(|v| v[&u.id]).collect::<Vec<_>>());
    }
    all
}

fn by_hand(
    shop: &Shop,
    values: &[&std::collections::BTreeMap<u64, f64>],
    statistic: Statistic,
    covariates: &[usize],
) -> Lift {
    let comparison = Comparison {
        statistic,
        covariates: covariates.to_vec(),
        level: 0.95,
    };
    let (c, t) = (moments(shop, "control", values), moments(shop, "treatment", values));
    let mut found = lift(&c, &t, &comparison);
    if found.control.as_ref().is_ok_and(|c| c.se > 0.05 * c.point.abs()) && found.relative.is_ok() {
        found.relative = fieller(&c, &t, &comparison, Sides::Two);
    }
    found
}

fn revenue(shop: &Shop) -> impl Iterator<Item = (u64, i64, f64)> + '_ {
    shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64))
}

fn ones(shop: &Shop) -> impl Iterator<Item = (u64, i64, f64)> + '_ {
    shop.orders.iter().map(|o| (o.user, o.at, 1.0))
}

async fn every_metric_is_what_the_rows_say(place: Place) {
    let shop = Shop::new(1500);
    let ground = place.open(&shop, project()).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(readout.status, ExperimentStatus::Ended);
    assert_eq!(readout.health.units, 1500);
    assert_eq!(readout.health.units_immature, 0);

    let after = per_user(&shop, revenue(&shop), 0, WINDOW);
    let before = per_user(&shop, revenue(&shop), -14 * DAY, 0);
    let expected = by_hand(&shop, &[&after, &before], Statistic::Mean { y: 0 }, &[1]);
    let found = of(&readout, "revenue");
    same(&found.absolute, &expected.absolute);
    same(&found.relative, &expected.relative);
    close(found.variance_reduction.unwrap(), expected.variance_reduction.unwrap());
    assert!(found.variance_reduction.unwrap() > 0.0);
    let raw = by_hand(&shop, &[&after], Statistic::Mean { y: 0 }, &[]);
    same(&found.raw.as_ref().unwrap().absolute, &raw.absolute);

    let (count, count_before) = (
        per_user(&shop, ones(&shop), 0, WINDOW),
        per_user(&shop, ones(&shop), -14 * DAY, 0),
    );
    let positive = |m: &std::collections::BTreeMap<u64, f64>| {
        m.iter()
            .map(|(k, v)| (*k, f64::from(u8::from(*v > 0.0))))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let expected = by_hand(
        &shop,
        &[&positive(&count), &positive(&count_before)],
        Statistic::Proportion { y: 0 },
        &[1],
    );
    same(&of(&readout, "buyers").absolute, &expected.absolute);

    // Ratio within a table, the mean as sum over count, and a ratio over two tables.
    let statistic = Statistic::Ratio {
        numerator: 0,
        denominator: 1,
    };
    let expected = by_hand(&shop, &[&after, &count, &before, &count_before], statistic, &[2, 3]);
    same(&of(&readout, "order_value").absolute, &expected.absolute);
    same(&of(&readout, "order_value").relative, &expected.relative);
    same(&of(&readout, "mean_order").absolute, &expected.absolute);
    let facts = || shop.sessions.iter().map(|s| (s.user, s.at, 1.0));
    let (visits, visits_before) = (
        per_user(&shop, facts(), 0, WINDOW),
        per_user(&shop, facts(), -14 * DAY, 0),
    );
    let expected = by_hand(&shop, &[&after, &visits, &before, &visits_before], statistic, &[2, 3]);
    same(&of(&readout, "revenue_per_session").absolute, &expected.absolute);

    // One scan of each fact table: the cross-table ratio joins them, so that all is one query.
    let lifts = readout
        .provenance
        .queries
        .iter()
        .filter(|q| !q.label.contains("tails of"));
    assert_eq!(lifts.count(), 1);
    let sql = readout.provenance.queries[0].sql.to_lowercase();
    for table in ["orders", "sessions"] {
        // By its own name, or by its schema's and its own.
        let names = [
            format!("from \"{table}\""),
            format!("from {table}"),
            format!(".{table} where"),
        ];
        let scans: usize = names.iter().map(|name| sql.matches(name).count()).sum();
        assert_eq!(scans, 1, "{table} in {sql}");
    }
}

async fn breakdowns_and_days_are_cells_of_the_same_scan(place: Place) {
    let shop = Shop::new(1000);
    let ground = place.open(&shop, project()).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let breakdown = &readout.breakdowns[0];
    assert_eq!(breakdown.dimension, "user__country");
    assert_eq!(
        breakdown.segments.iter().map(|s| s.value.as_str()).collect::<Vec<_>>(),
        ["DE", "FR"]
    );
    let after = per_user(&shop, revenue(&shop), 0, WINDOW);
    let before = per_user(&shop, revenue(&shop), -14 * DAY, 0);
    let mut germans = Shop::new(1000);
    germans.users.retain(|u| u.country == "DE");
    let expected = by_hand(&germans, &[&after, &before], Statistic::Mean { y: 0 }, &[1]);
    let lift = breakdown.segments[0]
        .metrics
        .iter()
        .find(|m| m.metric == "revenue")
        .unwrap();
    same(&lift.absolute, &expected.absolute);
    let units: u64 = breakdown.segments.iter().flat_map(|s| s.units.values()).sum();
    assert_eq!(units, 1000);

    let test = breakdown.tests.iter().find(|t| t.metric == "revenue").unwrap();
    let lifts: Vec<_> = breakdown
        .segments
        .iter()
        .map(|s| s.metrics.iter().find(|m| m.metric == "revenue").unwrap())
        .collect();
    assert_eq!((test.scale.as_str(), test.segments), ("relative", 2));
    let of_lifts = |f: fn(&steward_stats::Estimate) -> f64| -> Vec<f64> {
        lifts.iter().map(|l| f(l.relative.estimate().unwrap())).collect()
    };
    let (effects, errors) = (of_lifts(|e| e.point), of_lifts(|e| e.se));
    close(test.p, heterogeneity(&effects, &errors).unwrap().p);
    assert!(test.adjusted_p >= test.p);
    let shrunk = shrink(&effects, &errors, Prior::DuMouchel, 0.95).unwrap();
    for (lift, wanted) in lifts.iter().zip(&shrunk.effects) {
        close(lift.shrunk.unwrap().point, wanted.point);
    }
    // Both segments move towards each other.
    let spread = |a: f64, b: f64| (a - b).abs();
    assert!(spread(shrunk.effects[0].point, shrunk.effects[1].point) < spread(effects[0], effects[1]));

    let path = readout.daily.iter().find(|d| d.metric == "revenue").unwrap();
    assert_eq!(path.points.len(), 14);
    assert_eq!(path.points[0].day, "2025-03-01");
    // The last point holds everybody: it is the lift itself.
    let (last, total) = (path.points.last().unwrap(), of(&readout, "revenue"));
    close(
        last.absolute.estimate().unwrap().point,
        total.absolute.estimate().unwrap().point,
    );
    assert_eq!(last.units, 1000);
    let first: u64 = shop.users.iter().filter(|u| u.exposed < START + DAY).count() as u64;
    assert_eq!(path.points[0].units, first);
}

async fn days_are_those_of_the_projects_time_zone(place: Place) {
    let shop = Shop::new(300);
    for (zone, offset) in [("America/New_York", -5 * HOUR), ("Asia/Kolkata", 11 * HOUR / 2)] {
        let mut p = project();
        p.settings.time_zone = zone.into();
        // The same moments as in UTC, written as times.
        edit(&mut p, |e| {
            e.start = Some("2025-03-01T00:00:00Z".into());
            e.end = Some("2025-03-15T00:00:00Z".into());
        });
        let ground = place.open(&shop, p).await;
        let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
            .await
            .unwrap();
        let path = readout.daily.iter().find(|d| d.metric == "revenue").unwrap();
        // New York's clocks change on 9 March: only days before it are compared.
        for point in path.points.iter().take(6) {
            let day: jiff::civil::Date = point.day.parse().unwrap();
            let end = day
                .to_zoned_datetime(jiff::tz::TimeZone::UTC)
                .unwrap()
                .timestamp()
                .as_microsecond()
                + DAY;
            let expected = shop.users.iter().filter(|u| u.exposed + offset < end).count() as u64;
            assert_eq!(point.units, expected, "{zone} {}", point.day);
        }
    }
}

async fn a_broken_split_is_said_before_any_lift(place: Place) {
    let mut shop = Shop::new(3000);
    // Every fourth treated unit is lost.
    shop.users.retain(|u| u.variant == "control" || u.id % 4 != 0);
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    let ground = place.open(&shop, project()).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(readout.health.srm.broken && readout.health.srm.p.unwrap() < 0.001);
    assert_eq!(readout.outcome, Outcome::DoNotTrust);
    assert!(readout.verdict.starts_with("Do not trust"), "{}", readout.verdict);
    assert!(!readout.health.ok);
    let json = serde_json::to_value(&readout).unwrap();
    assert!(json["health"]["srm"]["p"].as_f64().unwrap() < 0.001);
    assert!(json["metrics"][0]["absolute"]["point"].is_f64());
}

async fn a_broken_split_is_traced_to_its_segment(place: Place) {
    let mut shop = Shop::new(3000);
    // Most of the treated Germans are lost.
    shop.users
        .retain(|u| u.variant == "control" || u.country != "DE" || u.id % 4 == 0);
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    let ground = place.open(&shop, project()).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(readout.health.srm.broken);
    let first = &readout.health.suspects[0];
    assert_eq!(
        (first.dimension.as_str(), first.value.as_str(), first.explains),
        ("user__country", "DE", true)
    );
    assert!(
        readout.verdict.contains("user__country is \"DE\""),
        "{}",
        readout.verdict
    );
    assert!(readout.health.problems.iter().any(|p| p.code == "sample-ratio-segment"));
}

async fn variants_that_differed_before_exposure_are_not_trusted(place: Place) {
    let mut shop = Shop::new(1500);
    let sound = place.open(&shop, project()).await;
    let fine = readout(&sound.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(!fine.health.pre_exposure.is_empty());
    assert!(
        fine.health
            .pre_exposure
            .iter()
            .all(|t| t.adjusted_p.is_none_or(|p| p > 0.001))
    );
    assert_ne!(fine.outcome, Outcome::DoNotTrust);
    // Assignment by behaviour: treated people had spent half as much again.
    let treated: std::collections::BTreeMap<u64, i64> = shop
        .users
        .iter()
        .filter(|u| u.variant == "treatment")
        .map(|u| (u.id, u.exposed))
        .collect();
    for o in &mut shop.orders {
        if treated.get(&o.user).is_some_and(|exposed| o.at < *exposed) {
            o.cents += o.cents / 2;
        }
    }
    let ground = place.open(&shop, project()).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(!readout.health.srm.broken);
    assert_eq!(readout.outcome, Outcome::DoNotTrust);
    assert!(
        readout.verdict.contains("before anyone was exposed"),
        "{}",
        readout.verdict
    );
    let before = per_user(&shop, revenue(&shop), -14 * DAY, 0);
    let expected = by_hand(&shop, &[&before], Statistic::Mean { y: 0 }, &[]);
    let found = readout
        .health
        .pre_exposure
        .iter()
        .find(|t| t.metric == "revenue")
        .unwrap();
    same(&found.difference, &expected.absolute);
}

async fn a_day_that_one_variant_missed_is_not_trusted(place: Place) {
    let mut shop = Shop::new(1500);
    let missed = START + 5 * DAY..START + 6 * DAY;
    shop.users
        .retain(|u| u.variant == "control" || !missed.contains(&u.exposed));
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    let ground = place.open(&shop, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(!found.health.srm.broken);
    let problem = found
        .health
        .problems
        .iter()
        .find(|p| p.code == "arm-missing-day")
        .unwrap();
    assert!(
        problem.message.contains("2025-03-06") && problem.severity == "error",
        "{}",
        problem.message
    );
    assert_eq!(found.outcome, Outcome::DoNotTrust);
    shop.users.retain(|u| !missed.contains(&u.exposed));
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(u, ..)| kept.contains(u));
    let ground = place.open(&shop, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(
        found
            .health
            .problems
            .iter()
            .any(|p| p.code == "missing-days" && p.severity == "warning")
    );
    assert_ne!(found.outcome, Outcome::DoNotTrust);
}

/// Small and noisy: the per cent beside an absolute lift never says otherwise about 0.
async fn relative_lifts_agree_with_their_p_values(place: Place) {
    let (mut disagreed, mut fiellers) = (0, 0);
    for users in [40, 60, 80, 100, 120] {
        let shop = Shop::new(users);
        let ground = place.open(&shop, project()).await;
        let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
            .await
            .unwrap();
        let raw = found
            .metrics
            .iter()
            .filter_map(|m| m.raw.as_ref().map(|r| (&r.absolute, &r.relative)));
        let own = found.metrics.iter().map(|m| (&m.absolute, &m.relative));
        let days = found
            .daily
            .iter()
            .flat_map(|d| d.points.iter().map(|p| (&p.absolute, &p.relative)));
        let segments = found
            .breakdowns
            .iter()
            .flat_map(|b| &b.segments)
            .flat_map(|s| &s.metrics);
        let segments = segments.map(|m| (&m.absolute, &m.relative));
        for (absolute, relative) in own.chain(raw).chain(days).chain(segments) {
            let (Some(a), Some(r)) = (absolute.estimate(), relative.estimate()) else {
                continue;
            };
            let excludes = |e: &steward_stats::Estimate| e.low > 0.0 || e.high < 0.0;
            disagreed += u32::from(excludes(a) != excludes(r));
            fiellers += u32::from(r.method.ends_with("fieller"));
        }
    }
    assert_eq!(disagreed, 0);
    assert!(fiellers > 20, "{fiellers}");
}

async fn units_in_several_or_unknown_variants_are_left_out_and_counted(place: Place) {
    let mut shop = Shop::new(1200);
    let switched: Vec<u64> = shop.users.iter().filter(|u| u.id % 100 == 0).map(|u| u.id).collect();
    for id in &switched {
        let u = &shop.users[*id as usize];
        let other = if u.variant == "control" { "treatment" } else { "control" };
        shop.again.push((*id, other, u.exposed + HOUR));
    }
    for u in shop.users.iter_mut().filter(|u| u.id % 100 == 50) {
        u.variant = "contrl";
    }
    shop.again.retain(|(id, ..)| id % 100 != 50);
    let ground = place.open(&shop, project()).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(readout.health.units_in_several_variants, 12);
    assert_eq!(readout.health.units_in_unknown_variants, 12);
    assert_eq!(readout.health.units, 1200 - 24);
    let unknown = readout
        .health
        .problems
        .iter()
        .find(|p| p.code == "unknown-variant")
        .unwrap();
    assert!(unknown.message.contains("\"contrl\" (12 rows)"), "{}", unknown.message);
    assert!(readout.health.problems.iter().any(|p| p.code == "several-variants"));
    // The lift is that of the others.
    let mut others = Shop::new(1200);
    others.users.retain(|u| u.id % 100 != 0 && u.id % 100 != 50);
    let after = per_user(&shop, revenue(&shop), 0, WINDOW);
    let before = per_user(&shop, revenue(&shop), -14 * DAY, 0);
    let expected = by_hand(&others, &[&after, &before], Statistic::Mean { y: 0 }, &[1]);
    same(&of(&readout, "revenue").absolute, &expected.absolute);
}

async fn caps_at_a_value_and_at_a_percentile(place: Place) {
    let shop = Shop::new(800);
    let mut p = project();
    p.metrics.get_mut("revenue").unwrap().experiment.measured.cap = Some(Cap::at(4000.0));
    let mut tail = simple("tail", "revenue");
    tail.experiment.measured.cap = Some(Cap::at_percentile(0.9));
    p.metrics.insert("tail".into(), tail);
    edit(&mut p, |e| e.secondary = vec!["tail".into()]);
    let ground = place.open(&shop, p).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let capped = |cap: f64| {
        let cut = |m: std::collections::BTreeMap<u64, f64>| {
            m.into_iter()
                .map(|(k, v)| (k, v.min(cap)))
                .collect::<std::collections::BTreeMap<_, _>>()
        };
        let after = cut(per_user(&shop, revenue(&shop), 0, WINDOW));
        let before = cut(per_user(&shop, revenue(&shop), -14 * DAY, 0));
        by_hand(&shop, &[&after, &before], Statistic::Mean { y: 0 }, &[1])
    };
    same(&of(&readout, "revenue").absolute, &capped(4000.0).absolute);
    assert_eq!(of(&readout, "revenue").cap, Some(4000.0));

    let found = of(&readout, "tail").cap.unwrap();
    let mut values: Vec<f64> = per_user(&shop, revenue(&shop), 0, WINDOW).into_values().collect();
    values.sort_by(f64::total_cmp);
    let exact = values[(0.9 * (values.len() - 1) as f64) as usize];
    assert!((found / exact - 1.0).abs() < 0.002, "{found} against {exact}");
    same(&of(&readout, "tail").absolute, &capped(found).absolute);
}

async fn as_of_a_moment_only_what_was_known_then_counts(place: Place) {
    let shop = Shop::new(900);
    let ground = place.open(&shop, project()).await;
    let as_of = START + 7 * DAY;
    let options = ReadoutOptions {
        as_of: Some(as_of),
        ..ReadoutOptions::default()
    };
    let readout = readout(&ground.context, "checkout", &options).await.unwrap();
    assert_eq!(readout.status, ExperimentStatus::Running);
    assert!(
        readout.verdict.starts_with("Still running (day 7 of 14)"),
        "{}",
        readout.verdict
    );
    let exposed = shop.users.iter().filter(|u| u.exposed < as_of).count() as u64;
    let ripe = shop.users.iter().filter(|u| u.exposed + WINDOW <= as_of).count() as u64;
    assert_eq!(readout.health.units, exposed);
    assert_eq!(readout.health.units_immature, exposed - ripe);
    assert_eq!(of(&readout, "revenue").absolute.estimate().unwrap().n, ripe);
    let mut known = Shop::new(900);
    known.users.retain(|u| u.exposed + WINDOW <= as_of);
    let after = per_user(&shop, revenue(&shop), 0, WINDOW);
    let before = per_user(&shop, revenue(&shop), -14 * DAY, 0);
    let expected = by_hand(&known, &[&after, &before], Statistic::Mean { y: 0 }, &[1]);
    same(&of(&readout, "revenue").absolute, &expected.absolute);

    let early = ReadoutOptions {
        as_of: Some(START - DAY),
        ..ReadoutOptions::default()
    };
    let readout = steward_capabilities::experiments::readout(&ground.context, "checkout", &early)
        .await
        .unwrap();
    assert_eq!(
        (readout.status, readout.outcome),
        (ExperimentStatus::NotStarted, Outcome::NotStarted)
    );
}

async fn reading_again_gives_the_same_bytes_and_computes_nothing(place: Place) {
    let shop = Shop::new(400);
    let ground = place.open(&shop, project()).await;
    let options = ReadoutOptions::default();
    let first = conclude(&ground.context, "checkout", &options).await.unwrap();
    let again = conclude(&ground.context, "checkout", &options).await.unwrap();
    assert!(!first.reused && again.reused);
    let bytes = |r: &Readout| serde_json::to_string(r).unwrap();
    assert_eq!(bytes(&first.value), bytes(&again.value));
    assert_eq!(first.value.provenance.evidence, first.evidence.id);

    // Another store computes the same bytes from the same rows.
    if place == Place::Embedded {
        let other = place.open(&shop, project()).await;
        let elsewhere = conclude(&other.context, "checkout", &options).await.unwrap();
        assert!(!elsewhere.reused);
        assert_eq!(bytes(&first.value), bytes(&elsewhere.value));
    }

    // A changed definition is another key.
    let mut p = project();
    edit(&mut p, |e| e.cuped_days = 0);
    let changed = conclude(&ground.with(p), "checkout", &options).await.unwrap();
    assert!(!changed.reused);
    assert_ne!(changed.evidence.id, first.evidence.id);
    assert!(of(&changed.value, "revenue").raw.is_none());
}

async fn a_zero_baseline_has_an_absolute_lift_but_no_relative_one(place: Place) {
    let mut shop = Shop::new(600);
    let treated: std::collections::BTreeSet<u64> = shop
        .users
        .iter()
        .filter(|u| u.variant == "treatment")
        .map(|u| u.id)
        .collect();
    shop.orders.retain(|o| treated.contains(&o.user));
    let mut p = project();
    edit(&mut p, |e| e.cuped_days = 0);
    let ground = place.open(&shop, p).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let revenue = of(&readout, "revenue");
    assert!(revenue.absolute.estimate().unwrap().point > 0.0);
    assert_eq!(revenue.relative.refusal().unwrap().reason, Reason::ZeroBaseline);
    let json = serde_json::to_value(revenue).unwrap();
    assert_eq!(json["relative"]["not_estimable"]["reason"], "zero_baseline");
}

async fn an_arm_without_units_leaves_nothing_to_compare(place: Place) {
    let mut shop = Shop::new(300);
    shop.users.iter_mut().for_each(|u| u.variant = "treatment");
    shop.again.clear();
    let ground = place.open(&shop, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    // All units in one arm is also a broken split; that is said first.
    assert_eq!(found.outcome, Outcome::DoNotTrust);
    assert!(found.health.problems.iter().any(|p| p.code == "empty-arm"));
    assert_eq!(
        of(&found, "revenue").not_estimable.as_ref().unwrap().reason,
        Reason::TooFew
    );

    let empty = Shop {
        users: vec![],
        again: vec![],
        orders: vec![],
        sessions: vec![],
    };
    let ground = place.open(&empty, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(found.outcome, Outcome::NoData);
    assert!(found.health.srm.not_estimable.is_some());
}

async fn metrics_without_a_value_per_unit_are_refused_one_by_one(place: Place) {
    let shop = Shop::new(300);
    let mut p = project();
    let shape = MetricShape::Derived {
        expr: "revenue * 2".into(),
        inputs: vec![],
    };
    p.metrics.insert(
        "twice".into(),
        Metric {
            shape,
            ..simple("twice", "")
        },
    );
    let measure = MeasureInput {
        name: "revenue".into(),
        ..MeasureInput::default()
    };
    let shape = MetricShape::Cumulative {
        measure,
        window: None,
        grain_to_date: None,
    };
    p.metrics.insert(
        "running".into(),
        Metric {
            shape,
            ..simple("running", "")
        },
    );
    let mut wrong = simple("wrong", "revenue");
    wrong.filter = Some("order__colour = 'red'".into());
    p.metrics.insert("wrong".into(), wrong);
    edit(&mut p, |e| {
        e.secondary = ["twice", "running", "wrong", "missing"].map(String::from).to_vec()
    });
    let ground = place.open(&shop, p).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    for (metric, word) in [
        ("twice", "derived"),
        ("running", "cumulative"),
        ("wrong", "colour"),
        ("missing", "missing"),
    ] {
        let refusal = of(&readout, metric).not_estimable.as_ref().unwrap();
        assert!(refusal.detail.contains(word), "{metric}: {}", refusal.detail);
        assert!(!refusal.fix.is_empty());
    }
    assert!(of(&readout, "revenue").absolute.estimate().is_some());
}

async fn a_column_that_the_table_lost_takes_only_its_metrics_with_it(place: Place) {
    let shop = Shop::new(300);
    let mut p = project();
    // The contract still promises the column; the file has none.
    let orders = p.datasets.get_mut("orders").unwrap();
    orders.columns.push(Column {
        name: "margin".into(),
        logical_type: "integer".into(),
        ..Column::default()
    });
    p.semantic_models
        .get_mut("orders")
        .unwrap()
        .measures
        .push(measure("margin", Aggregation::Sum, "margin"));
    p.metrics.insert("margin".into(), simple("margin", "margin"));
    edit(&mut p, |e| e.secondary = vec!["margin".into()]);
    let folder = tempfile::tempdir().unwrap();
    shop.write(folder.path());
    let ground = place.over(folder, p).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(
        of(&readout, "margin")
            .not_estimable
            .as_ref()
            .unwrap()
            .detail
            .contains("margin")
    );
    assert!(of(&readout, "revenue").absolute.estimate().is_some());
}

async fn what_is_no_experiment_is_said(place: Place) {
    let shop = Shop::new(50);
    let ground = place.open(&shop, project()).await;
    let options = ReadoutOptions::default();
    let unknown = readout(&ground.context, "chekout", &options).await.unwrap_err();
    assert!(unknown.to_string().contains("did you mean \"checkout\""), "{unknown}");
    let mut p = project();
    edit(&mut p, |e| e.variants.truncate(1));
    let one = readout(&ground.with(p), "checkout", &options).await.unwrap_err();
    assert!(
        matches!(one, CapabilityError::Invalid(_)) && one.to_string().contains("1 variant"),
        "{one}"
    );
    let mut p = project();
    edit(&mut p, |e| {
        e.exposures.filter = Some("country = 'DE'; DROP TABLE users".into())
    });
    let bad = readout(&ground.with(p), "checkout", &options).await.unwrap_err();
    assert!(
        bad.to_string().contains("cannot read the expression") || bad.to_string().contains("no column"),
        "{bad}"
    );
}

async fn a_wide_metric_wins_with_a_sentence(place: Place) {
    let shop = Shop::new(4000);
    let mut p = project();
    edit(&mut p, |e| e.guardrails[0].margin = 0.15);
    let ground = place.open(&shop, p).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let revenue = of(&readout, "revenue");
    let e = revenue.relative.estimate().unwrap();
    assert!(
        e.low < 0.2 && 0.2 < e.high,
        "the true lift of 20% lies in {} to {}",
        e.low,
        e.high
    );
    assert!(revenue.significant && revenue.adjusted_p.unwrap() >= revenue.absolute.estimate().unwrap().p.unwrap());
    assert_eq!(readout.outcome, Outcome::Better);
    assert_eq!(readout.variant.as_deref(), Some("treatment"));
    assert!(
        readout.verdict.starts_with("treatment is better: revenue +"),
        "{}",
        readout.verdict
    );
    let guardrail = of(&readout, "orders");
    assert_eq!(
        (guardrail.role, guardrail.guardrail),
        (Role::Guardrail, Some(GuardrailState::Safe))
    );
    assert!(revenue.detectable_relative.unwrap() > 0.0);
}

async fn a_fact_known_by_its_day_counts_from_the_day_of_exposure(place: Place) {
    let shop = Shop::new(400);
    let folder = tempfile::tempdir().unwrap();
    shop.write(folder.path());
    let day = |at: i64| at.div_euclid(DAY) * DAY;
    let mut text = String::from("user_id,day,amount_cents\n");
    for o in &shop.orders {
        text.push_str(&format!("{},{},{}\n", o.user, &time(o.at)[..10], o.cents));
    }
    std::fs::write(folder.path().join("data/daily.csv"), text).unwrap();
    let mut p = project();
    let d = dataset(
        "daily",
        &[("user_id", "integer"), ("day", "date"), ("amount_cents", "integer")],
    );
    p.datasets.insert("daily".into(), d);
    let m = model(
        "daily",
        Some("day"),
        vec![entity("user", EntityType::Foreign, "user_id")],
        vec![dimension("day", Some("day"))],
        vec![measure("daily_revenue", Aggregation::Sum, "amount_cents")],
    );
    p.semantic_models.insert("daily".into(), m);
    p.metrics
        .insert("daily_revenue".into(), simple("daily_revenue", "daily_revenue"));
    edit(&mut p, |e| {
        e.secondary = vec!["daily_revenue".into()];
        e.window_seconds = None;
    });
    let ground = place.over(folder, p).await;
    let readout = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let exposed: std::collections::BTreeMap<u64, i64> = shop.users.iter().map(|u| (u.id, u.exposed)).collect();
    let mut after: std::collections::BTreeMap<u64, f64> = shop.users.iter().map(|u| (u.id, 0.0)).collect();
    let mut before = after.clone();
    for o in &shop.orders {
        let (at, start) = (day(o.at), exposed[&o.user]);
        if at >= day(start) && at < START + 14 * DAY {
            *after.get_mut(&o.user).unwrap() += o.cents as f64;
        } else if at < day(start) && at >= start - 14 * DAY {
            *before.get_mut(&o.user).unwrap() += o.cents as f64;
        }
    }
    let expected = by_hand(&shop, &[&after, &before], Statistic::Mean { y: 0 }, &[1]);
    same(&of(&readout, "daily_revenue").absolute, &expected.absolute);
}

on_both_engines!(
    every_metric_is_what_the_rows_say,
    breakdowns_and_days_are_cells_of_the_same_scan,
    days_are_those_of_the_projects_time_zone,
    a_broken_split_is_said_before_any_lift,
    a_broken_split_is_traced_to_its_segment,
    variants_that_differed_before_exposure_are_not_trusted,
    a_day_that_one_variant_missed_is_not_trusted,
    relative_lifts_agree_with_their_p_values,
    units_in_several_or_unknown_variants_are_left_out_and_counted,
    caps_at_a_value_and_at_a_percentile,
    as_of_a_moment_only_what_was_known_then_counts,
    reading_again_gives_the_same_bytes_and_computes_nothing,
    a_zero_baseline_has_an_absolute_lift_but_no_relative_one,
    an_arm_without_units_leaves_nothing_to_compare,
    metrics_without_a_value_per_unit_are_refused_one_by_one,
    a_column_that_the_table_lost_takes_only_its_metrics_with_it,
    what_is_no_experiment_is_said,
    a_wide_metric_wins_with_a_sentence,
    a_fact_known_by_its_day_counts_from_the_day_of_exposure,
);
