//! The methods that an experiment may choose, through its readout, against the statistics called by hand.

use steward_capabilities::experiments::*;
use steward_definitions::*;
use steward_stats::assumptions::assumptions;
use steward_stats::bayes::{self, Better, NormalPrior};
use steward_stats::confidence_sequence::confidence_sequence;
use steward_stats::dunnett::many_to_one;
use steward_stats::group_sequential::{Design, Sides, analyse};
use steward_stats::msprt::msprt;
use steward_stats::novelty::Pattern;
use steward_stats::one_sided::one_sided;
use steward_stats::outliers::influence;
use steward_stats::{Estimate, multiplicity};

use crate::places::Place;
use crate::shop::*;

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())), "{a} is not {b}");
}

fn of<'a>(readout: &'a Readout, metric: &str) -> &'a MetricReadout {
    readout.metrics.iter().find(|m| m.metric == metric).unwrap()
}

fn estimate(answer: &Answer) -> &Estimate {
    answer.estimate().unwrap_or_else(|| panic!("{answer:?}"))
}

fn excludes_zero(e: &Estimate) -> bool {
    e.low > 0.0 || e.high < 0.0
}

/// The shop's experiment with a change.
fn edited(change: impl FnOnce(&mut Experiment)) -> Project {
    let mut project = project();
    edit(&mut project, change);
    project
}

fn method(method: InferenceMethod) -> impl FnOnce(&mut Experiment) {
    move |e| e.inference.method = method
}

/// Every frequentist decision agrees with the interval shown for it.
fn decisions_agree(readout: &Readout) {
    for m in readout.metrics.iter().filter(|m| m.role == Role::Primary) {
        let adjusted = m.adjusted_interval.as_ref().unwrap();
        assert_eq!(
            excludes_zero(estimate(&adjusted.absolute)),
            m.significant,
            "{}",
            m.metric
        );
        assert_eq!(
            excludes_zero(estimate(&adjusted.relative)),
            m.significant,
            "{}",
            m.metric
        );
    }
}

async fn always_valid_methods_are_what_the_formulas_say(place: Place) {
    let ground = place.open(&Shop::new(1500), project()).await;
    let options = ReadoutOptions::default();
    let fixed = readout(&ground.context, "checkout", &options).await.unwrap();
    let one = estimate(&of(&fixed, "revenue").absolute).clone();
    let sequence = ground.with(edited(method(InferenceMethod::AlwaysValid { tuned_for: Some(2000) })));
    let found = readout(&sequence, "checkout", &options).await.unwrap();
    let expected = confidence_sequence(one.point, one.se, one.n, 0.95, 2000.0, Sides::Two).unwrap();
    let revenue = of(&found, "revenue");
    let shown = estimate(&revenue.absolute);
    close(shown.low, expected.low);
    close(shown.high, expected.high);
    close(shown.p.unwrap(), expected.p.unwrap());
    assert_eq!(revenue.inference.method, "always_valid");
    close(
        estimate(&revenue.inference.nominal.as_ref().unwrap().absolute).low,
        one.low,
    );
    decisions_agree(&found);
    // The path is as wide as the method says of each day; its end is the whole.
    let path = found.daily.iter().find(|p| p.metric == "revenue").unwrap();
    let last = path.points.iter().rev().find_map(|p| p.absolute.estimate()).unwrap();
    close(last.low, shown.low);

    let tau = InferenceMethod::Msprt {
        tau: 0.1,
        scale: EffectScale::Relative,
    };
    let mixture = readout(&ground.with(edited(method(tau))), "checkout", &options)
        .await
        .unwrap();
    let baseline = estimate(&of(&fixed, "revenue").control_value).point;
    let expected = msprt(&[(one.point, one.se)], 0.1 * baseline, one.n, 0.95)
        .unwrap()
        .estimate;
    let shown = estimate(&of(&mixture, "revenue").absolute);
    close(shown.high, expected.high);
    close(shown.p.unwrap(), expected.p.unwrap());
    decisions_agree(&mixture);
}

async fn a_group_sequential_test_reads_each_look_as_of_its_day(place: Place) {
    let looks = InferenceMethod::GroupSequential {
        spending: Spending::Pocock,
        looks: Looks::Moments(vec!["2025-03-07".into(), "2025-03-11".into()]),
    };
    let ground = place.open(&Shop::new(1500), project()).await;
    let sequential = ground.with(edited(method(looks)));
    let found = readout(&sequential, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let revenue = of(&found, "revenue");
    assert_eq!(revenue.inference.looks.len(), 3);
    let mut estimates = Vec::new();
    for (look, day) in revenue.inference.looks.iter().zip([6, 10, 31]) {
        let options = ReadoutOptions {
            as_of: Some(START + day * DAY),
            ..ReadoutOptions::default()
        };
        let then = readout(&ground.context, "checkout", &options).await.unwrap();
        let e = estimate(&of(&then, "revenue").absolute);
        close(look.point.unwrap(), e.point);
        close(look.se.unwrap(), e.se);
        assert!(look.reached);
        estimates.push((e.point, e.se));
    }
    let design = Design {
        fractions: vec![6.0 / 14.0, 10.0 / 14.0, 1.0],
        alpha: 0.05,
        spending: steward_stats::group_sequential::Spending::Pocock,
        sides: Sides::Two,
        last_is_final: true,
    };
    let expected = steward_stats::group_sequential::boundaries(&design).unwrap();
    for (look, bound) in revenue.inference.looks.iter().zip(&expected) {
        assert!((look.boundary_z.unwrap() - bound.z).abs() < 1e-6, "{look:?} {bound:?}");
    }
    let stage = analyse(&design, &estimates, 1500).unwrap();
    let adjusted = estimate(revenue.inference.adjusted_estimate.as_ref().unwrap());
    assert!((adjusted.point - stage.adjusted.point).abs() < 1e-6 * stage.adjusted.point.abs());
    assert_eq!(revenue.inference.boundary_crossed, Some(stage.crossed_at.is_some()));
    assert!(found.inference.may_stop);

    // Before the first look nothing is decided, and the next look is named.
    let early = ReadoutOptions {
        as_of: Some(START + 5 * DAY),
        ..ReadoutOptions::default()
    };
    let early = readout(&sequential, "checkout", &early).await.unwrap();
    let revenue = of(&early, "revenue");
    assert_eq!(estimate(&revenue.absolute).p, None);
    assert!(!revenue.significant && revenue.inference.boundary_crossed.is_none());
    assert_eq!(early.inference.next_look.as_deref(), Some("2025-03-07"));
    assert_eq!(early.decision.recommendation, Recommendation::KeepRunning);
    assert!(early.verdict.contains("2025-03-07"), "{}", early.verdict);
}

async fn a_bayesian_readout_has_chances_risks_and_credible_intervals(place: Place) {
    let ground = place.open(&Shop::new(1500), project()).await;
    let options = ReadoutOptions::default();
    let fixed = readout(&ground.context, "checkout", &options).await.unwrap();
    let one = estimate(&of(&fixed, "revenue").absolute).clone();
    let prior = EffectPrior {
        scale: EffectScale::Relative,
        mean: 0.0,
        sd: 0.05,
    };
    let project = edited(|e| {
        e.inference.method = InferenceMethod::Bayesian { prior };
        e.correction = "none".into();
        e.decide.ship_if.push(ShipCondition {
            metric: "revenue".into(),
            demand: Demand::ChanceToWin(0.999_999),
        });
    });
    let found = readout(&ground.with(project), "checkout", &options).await.unwrap();
    let baseline = estimate(&of(&fixed, "revenue").control_value).point;
    let normal = NormalPrior {
        mean: 0.0,
        sd: 0.05 * baseline,
    };
    let expected = bayes::normal(one.point, one.se, one.n, Some(normal), 0.95, Better::Higher).unwrap();
    let revenue = of(&found, "revenue");
    let posterior = revenue.inference.posterior.as_ref().unwrap();
    close(posterior.chance_to_win, expected.chance_to_win);
    close(posterior.risk_of_shipping, expected.risk_ship);
    close(posterior.risk_of_keeping, expected.risk_keep);
    close(estimate(&revenue.absolute).low, expected.estimate.low);
    assert_eq!(estimate(&revenue.absolute).p, None);
    assert_eq!(revenue.significant, excludes_zero(&expected.estimate));
    let asked = found
        .decision
        .conditions
        .iter()
        .find(|c| c.code == "chance_to_win")
        .unwrap();
    assert_eq!(asked.holds, Some(expected.chance_to_win >= 0.999_999));
}

async fn one_side_many_arms_and_gates(place: Place) {
    let mut shop = Shop::new(3000);
    for u in shop.users.iter_mut().filter(|u| u.id % 3 == 0) {
        u.variant = "other";
    }
    shop.again.clear();
    let arms = |e: &mut Experiment| e.variants.push(arm("other", false));
    let ground = place.open(&shop, edited(arms)).await;
    let options = ReadoutOptions::default();
    let plain = readout(&ground.context, "checkout", &options).await.unwrap();
    decisions_agree(&plain);

    let one = readout(
        &ground.with(edited(|e| {
            arms(e);
            e.inference.alternative = Alternative::Greater;
            e.correction = "bonferroni".into();
        })),
        "checkout",
        &options,
    )
    .await
    .unwrap();
    for (m, before) in one.metrics.iter().zip(&plain.metrics) {
        let expected = match m.role {
            Role::Guardrail => estimate(&before.absolute).clone(),
            _ => one_sided(estimate(&before.absolute), Sides::Greater).unwrap(),
        };
        let shown = estimate(&m.absolute);
        close(shown.low, expected.low);
        close(shown.p.unwrap(), expected.p.unwrap());
        assert_eq!(shown.high.is_finite(), m.role == Role::Guardrail);
    }
    decisions_agree(&one);
    // Stored evidence with unbounded intervals is read back, not computed again.
    let again = readout(
        &ground.with(edited(|e| {
            arms(e);
            e.inference.alternative = Alternative::Greater;
            e.correction = "bonferroni".into();
        })),
        "checkout",
        &options,
    )
    .await
    .unwrap();
    assert_eq!(again, one);

    let dunnett = readout(
        &ground.with(edited(|e| {
            arms(e);
            e.correction = "dunnett".into();
            e.primary.truncate(1);
            e.cuped_days = 0;
        })),
        "checkout",
        &options,
    )
    .await
    .unwrap();
    let mine: Vec<&MetricReadout> = dunnett.metrics.iter().filter(|m| m.metric == "revenue").collect();
    let effects: Vec<(f64, f64, u64)> = mine
        .iter()
        .map(|m| {
            let e = estimate(&m.absolute);
            (e.point, e.se, e.n)
        })
        .collect();
    let control = estimate(&mine[0].control_value).se.powi(2);
    let df = mine.iter().filter_map(|m| estimate(&m.absolute).df).reduce(f64::min);
    let expected = many_to_one(&effects, control, df, 0.95, Sides::Two).unwrap();
    for (m, e) in mine.iter().zip(&expected) {
        assert!((m.adjusted_p.unwrap() - e.p.unwrap()).abs() < 1e-6);
        let shown = estimate(&m.adjusted_interval.as_ref().unwrap().absolute);
        assert!((shown.low - e.low).abs() < 1e-6 * e.se);
    }
    decisions_agree(&dunnett);

    let gates = readout(
        &ground.with(edited(|e| {
            arms(e);
            e.correction = "gatekeeping".into();
        })),
        "checkout",
        &options,
    )
    .await
    .unwrap();
    let p = |role: Role| -> Vec<f64> {
        let all = plain.metrics.iter().filter(move |m| m.role == role);
        all.map(|m| estimate(&m.absolute).p.unwrap()).collect()
    };
    let primary = multiplicity::holm(&p(Role::Primary)).unwrap();
    let gate = primary.iter().copied().fold(0.0, f64::max);
    let secondary: Vec<f64> = multiplicity::holm(&p(Role::Secondary)).unwrap();
    let shown: Vec<f64> = gates
        .metrics
        .iter()
        .filter(|m| m.role == Role::Secondary)
        .map(|m| m.adjusted_p.unwrap())
        .collect();
    for (shown, alone) in shown.iter().zip(secondary) {
        close(*shown, alone.max(gate));
    }
}

async fn a_split_is_watched_while_it_runs(place: Place) {
    let mut shop = Shop::new(1500);
    shop.users
        .retain(|u| u.variant == "control" || uniform(77, u.id) < 0.75);
    let kept: std::collections::BTreeSet<u64> = shop.users.iter().map(|u| u.id).collect();
    shop.again.retain(|(id, ..)| kept.contains(id));
    let ground = place.open(&shop, project()).await;
    let ended = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(
        (ended.health.srm.method.as_str(), ended.health.srm.broken),
        ("fixed", true)
    );
    assert_eq!(ended.decision.recommendation, Recommendation::Redesign);
    let options = ReadoutOptions {
        as_of: Some(START + 12 * DAY),
        ..ReadoutOptions::default()
    };
    let running = readout(&ground.context, "checkout", &options).await.unwrap();
    let srm = &running.health.srm;
    assert_eq!(srm.method, "sequential");
    // Looking may cost: the sequential p is never below that of one look by much, and decides.
    assert_eq!(srm.p, srm.sequential_p);
    assert!(srm.sequential_p.unwrap() > srm.fixed_p.unwrap());
}

async fn many_units_in_several_variants_forbid_reading(place: Place) {
    let mut shop = Shop::new(1200);
    let switched: Vec<u64> = shop.users.iter().filter(|u| u.id % 10 == 0).map(|u| u.id).collect();
    for id in &switched {
        let u = &shop.users[*id as usize];
        let other = if u.variant == "control" { "treatment" } else { "control" };
        shop.again.push((*id, other, u.exposed + HOUR));
    }
    let ground = place.open(&shop, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(found.outcome, Outcome::DoNotTrust, "{}", found.verdict);
    assert!(found.verdict.contains("several variants"), "{}", found.verdict);
}

async fn a_lift_that_fades_is_found_and_one_that_lasts_is_not(place: Place) {
    let week = |e: &mut Experiment| {
        e.window_seconds = Some(7 * 86_400);
        e.primary.truncate(1);
    };
    let lasting = place.open(&Shop::new(3000), edited(week)).await;
    let found = readout(&lasting.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(
        found.health.novelty[0].pattern,
        Some(Pattern::Stable),
        "{:?}",
        found.health.novelty
    );

    let mut shop = Shop::new(3000);
    let exposed: std::collections::BTreeMap<u64, (i64, bool)> = shop
        .users
        .iter()
        .map(|u| (u.id, (u.exposed, u.variant == "treatment")))
        .collect();
    for o in &mut shop.orders {
        let (at, treated) = exposed[&o.user];
        if treated && (0..2 * DAY).contains(&(o.at - at)) {
            o.cents *= 3;
        }
    }
    let fading = place.open(&shop, edited(week)).await;
    let found = readout(&fading.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let novelty = &found.health.novelty[0];
    assert_eq!(novelty.pattern, Some(Pattern::Novelty), "{novelty:?}");
    assert!(novelty.effects[0].point > 3.0 * novelty.effects[6].point);
    assert_eq!(found.outcome, Outcome::Better, "{}", found.verdict);
    assert!(found.verdict.contains("fades with time"), "{}", found.verdict);
    let lasts = found
        .decision
        .conditions
        .iter()
        .find(|c| c.code == "effect_lasts")
        .unwrap();
    assert!(lasts.found.contains("fades"));
}

async fn tails_are_those_of_the_rows(place: Place) {
    let mut shop = Shop::new(1500);
    let values = |shop: &Shop, variant: &str| -> Vec<f64> {
        let facts = shop.orders.iter().map(|o| (o.user, o.at, o.cents as f64));
        let all = per_user(shop, facts, 0, 3 * DAY);
        let mine = shop.users.iter().filter(|u| u.variant == variant);
        mine.map(|u| all[&u.id]).collect()
    };
    let (c, t) = (values(&shop, "control"), values(&shop, "treatment"));
    let ground = place.open(&shop, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    let tails = found.health.tails.iter().find(|t| t.metric == "revenue").unwrap();
    let (shape, pull) = (tails.assumptions.as_ref().unwrap(), tails.influence.as_ref().unwrap());
    let expected = assumptions(&c, &t, 0.95).unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 0.01 * (0.1 + b.abs()), "{a} is not near {b}");
    near(shape.skewness.0, expected.skewness.0);
    near(shape.skewness.1, expected.skewness.1);
    near(shape.zeros.0, expected.zeros.0);
    let expected = influence(&c, &t, &[1, 10], 0.95).unwrap();
    near(pull.top_share, expected.top_share);
    near(pull.all.point / pull.all.se, expected.all.point / expected.all.se);
    assert!(!tails.doubtful());

    // One customer who buys a house.
    let rich = shop.users.iter().find(|u| u.variant == "treatment").unwrap();
    let (user, at) = (rich.id, rich.exposed + HOUR);
    shop.orders.push(Order {
        user,
        at,
        cents: 30_000_000,
    });
    let ground = place.open(&shop, project()).await;
    let found = readout(&ground.context, "checkout", &ReadoutOptions::default())
        .await
        .unwrap();
    assert!(
        found.health.problems.iter().any(|p| p.code == "skewed-metric"),
        "{:?}",
        found.health.problems
    );
}

async fn the_rule_says_what_to_do(place: Place) {
    let ground = place.open(&Shop::new(1500), project()).await;
    let options = ReadoutOptions::default();
    let found = readout(&ground.context, "checkout", &options).await.unwrap();
    assert_eq!(found.outcome, Outcome::Better, "{}", found.verdict);
    assert_eq!(
        found.decision.recommendation,
        Recommendation::Ship,
        "{:?}",
        found.decision
    );
    assert!(found.decision.conditions.iter().all(|c| c.holds == Some(true)));
    // Better, but the interval holds less than is asked, or lies wholly below it.
    let more = |by: f64| {
        edited(|e| {
            e.decide.ship_if.push(ShipCondition {
                metric: "revenue".into(),
                demand: Demand::BetterBy(by),
            });
        })
    };
    for (by, recommendation) in [(0.5, Recommendation::Extend), (0.9, Recommendation::DoNotShip)] {
        let found = readout(&ground.with(more(by)), "checkout", &options).await.unwrap();
        assert_eq!(found.decision.recommendation, recommendation, "{:?}", found.decision);
    }
    // A metric that says nothing yet: what would be worth having decides.
    for (least, recommendation) in [(0.5, Recommendation::DoNotShip), (0.000_1, Recommendation::Redesign)] {
        let null = edited(|e| {
            e.primary = vec!["sessions".into()];
            e.decide.minimum_effect = Some(least);
        });
        let found = readout(&ground.with(null), "checkout", &options).await.unwrap();
        assert_eq!(found.outcome, Outcome::NoDifference, "{}", found.verdict);
        assert_eq!(found.decision.recommendation, recommendation, "{:?}", found.decision);
        let warned = found.health.problems.iter().any(|p| p.code == "underpowered");
        assert_eq!(warned, recommendation == Recommendation::Redesign);
    }
}

on_both_engines!(
    always_valid_methods_are_what_the_formulas_say,
    a_group_sequential_test_reads_each_look_as_of_its_day,
    a_bayesian_readout_has_chances_risks_and_credible_intervals,
    one_side_many_arms_and_gates,
    a_split_is_watched_while_it_runs,
    many_units_in_several_variants_forbid_reading,
    a_lift_that_fades_is_found_and_one_that_lasts_is_not,
    tails_are_those_of_the_rows,
    the_rule_says_what_to_do,
);
