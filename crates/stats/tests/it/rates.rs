//! Rates, exact intervals, missing days, power of shares, best arms and the wild bootstrap, against `tests/golden/rates.py`.

use steward_stats::bayes::Better;
use steward_stats::best_arm::{Arm, Rewards, Threshold, best_arm};
use steward_stats::design::{Metric, Plan, Test};
use steward_stats::group_sequential::Sides;
use steward_stats::missing_days::missing_days;
use steward_stats::rates::{Events, clopper_pearson, rates};
use steward_stats::rule::Rule;
use steward_stats::several_variants::several_variants;
use steward_stats::trigger::dilute;
use steward_stats::wild_bootstrap::{self, Weights, wild_cluster_bootstrap};
use steward_stats::{Estimate, Reason, Rng};

use crate::numbers::{agrees, cases, close, ids, load, num, nums, rows};

#[test]
fn rates_of_events() {
    for case in cases(&load("rates")["rates"]) {
        let arm = |name: &str| {
            let v = nums(&case[name]);
            Events {
                count: v[0] as u64,
                exposure: v[1],
            }
        };
        let (c, t) = (arm("control"), arm("treatment"));
        let found = rates(c, t, 0.95, Sides::Two).unwrap();
        let label = format!("{c:?} {t:?}");
        close(&label, found.exact.p, num(&case["exact"]["p"]), 1e-9);
        close(&label, found.exact.low, num(&case["exact"]["low"]), 1e-9);
        match case["exact"]["high"].as_f64() {
            Some(high) => close(&label, found.exact.high, high, 1e-9),
            None => assert!(found.exact.high.is_infinite()),
        }
        agrees(&label, &found.difference.unwrap(), &case["difference"], 1e-9);
        match case.get("ratio") {
            Some(ratio) => agrees(&label, &found.ratio.unwrap(), ratio, 1e-9),
            None => assert!(found.ratio.is_err()),
        }
        for (sides, name) in [(Sides::Greater, "greater"), (Sides::Less, "less")] {
            let p = rates(c, t, 0.95, sides).unwrap().exact.p;
            close(name, p, num(&case[name]), 1e-9);
        }
    }
    let none = Events {
        count: 0,
        exposure: 10.0,
    };
    assert_eq!(rates(none, none, 0.95, Sides::Two).unwrap_err().reason, Reason::TooFew);
    let zero = Events {
        count: 3,
        exposure: 0.0,
    };
    assert!(rates(zero, none, 0.95, Sides::Two).is_err());
}

#[test]
fn exact_intervals_of_shares() {
    for case in cases(&load("rates")["clopper"]) {
        let (low, high) = clopper_pearson(case["k"].as_u64().unwrap(), case["n"].as_u64().unwrap(), 0.9).unwrap();
        let wanted = nums(&case["interval"]);
        close("low", low, wanted[0], 1e-9);
        close("high", high, wanted[1], 1e-9);
    }
}

#[test]
fn units_that_saw_several_variants() {
    for case in cases(&load("rates")["several"]) {
        let (k, n) = (case["several"].as_u64().unwrap(), case["units"].as_u64().unwrap());
        let found = several_variants(k, n, 0.01, 0.01, 0.95).unwrap();
        close("p", found.p, num(&case["p"]), 1e-9);
        assert!((found.share.low - num(&case["low"])).abs() < 1e-12);
        close("high", found.share.high, num(&case["high"]), 1e-9);
        assert_eq!(found.broken, num(&case["p"]) <= 0.01);
        assert_eq!(found.left, n - k);
    }
}

#[test]
fn days_that_are_missing() {
    // Two variants, even, three weeks of about 60 a day; day 9 fell out, day 15 is half of itself, the treatment lost day 4.
    let mut units = vec![vec![30u64; 21], vec![30u64; 21]];
    units[0][9] = 0;
    units[1][9] = 0;
    units[0][15] = 2;
    units[1][15] = 1;
    units[1][4] = 0;
    let found = missing_days(&units, &[1.0, 1.0], 0.01).unwrap();
    assert_eq!((found.empty.as_slice(), found.longest), ([9].as_slice(), 1));
    let low: Vec<usize> = found.low.iter().map(|l| l.day).collect();
    assert_eq!(low, [4, 9, 15]);
    assert_eq!(found.variants.len(), 1);
    assert_eq!((found.variants[0].day, found.variants[0].variant), (4, 1));
    close("none of 30 by chance", found.variants[0].p, 0.5f64.powi(30), 1e-9);
    // scipy's Poisson tails, at one median.
    for case in cases(&load("rates")["poisson"]) {
        let (k, mean) = (case["k"].as_u64().unwrap(), num(&case["mean"]) as u64);
        let mut days = vec![mean; 9];
        days[3] = k;
        let low = missing_days(&[days], &[1.0], 0.01).unwrap().low;
        close("poisson tail", low[0].p, num(&case["p"]), 1e-9);
    }
    // Nothing is missing in noise.
    let mut rng = Rng::keyed(4, &[1]);
    let noise = vec![(0..28).map(|_| rng.poisson(12.0)).collect::<Vec<u64>>(); 2];
    let found = missing_days(&noise, &[1.0, 1.0], 0.01).unwrap();
    assert!(found.low.is_empty() && found.variants.is_empty() && found.empty.is_empty());
}

#[test]
fn power_of_shares() {
    for case in cases(&load("rates")["shares"]) {
        let share = num(&case["share"]);
        let mut plan = Plan::new(Metric::Proportion { share }, num(&case["alpha"]));
        plan.ratio = num(&case["ratio"]);
        let (effect, n) = (num(&case["effect"]), num(&case["n"]));
        for (test, name) in [(Test::Pooled, "pooled"), (Test::Arcsine, "arcsine")] {
            plan.test = test;
            close(name, plan.power(effect, n).unwrap(), num(&case[name]), 1e-9);
            let size = plan.required(effect, 0.8).unwrap();
            close(name, plan.power(effect, size.n_control).unwrap(), 0.8, 1e-8);
        }
    }
    let mut mean = Plan::new(Metric::Mean { mean: 1.0, sd: 1.0 }, 0.05);
    mean.test = Test::Arcsine;
    assert_eq!(mean.power(0.1, 100.0).unwrap_err().reason, Reason::OutOfDomain);
}

#[test]
fn plans_under_rules_that_may_be_looked_at_always() {
    let fixed = Plan::new(Metric::Mean { mean: 10.0, sd: 2.0 }, 0.05);
    let base = fixed.required(0.5, 0.8).unwrap().n_control;
    for rule in [
        Rule::ConfidenceSequence { looks: 8, tuned: 1.0 },
        Rule::Msprt { looks: 8, tau: 0.5 },
    ] {
        let mut plan = fixed.clone();
        plan.rule = Some(rule);
        let n = plan.required(0.5, 0.8).unwrap().n_control;
        assert!((1.2..3.0).contains(&(n / base)), "{:?}: {n} against {base}", plan.rule);
        close("power", plan.power(0.5, n).unwrap(), 0.8, 1e-8);
        close("detectable", plan.minimum_detectable(n, 0.8).unwrap(), 0.5, 1e-6);
        plan.test = Test::T;
        assert!(plan.power(0.5, n).is_err());
    }
}

#[test]
fn the_best_arm_is_known() {
    let g = &load("rates")["arms"];
    let arms: Vec<Arm> = nums(&g["plays"])
        .into_iter()
        .zip(nums(&g["means"]))
        .map(|(plays, mean)| Arm {
            plays: plays as u64,
            mean,
        })
        .collect();
    let delta = num(&g["delta"]);
    let variance = num(&g["variance"]);
    for (rewards, name) in [
        (Rewards::Bernoulli, "bernoulli"),
        (Rewards::Gaussian { variance }, "gaussian"),
    ] {
        for (kind, threshold) in [
            (Threshold::Proved, num(&g[&format!("proved_{name}")])),
            (Threshold::Stylised, num(&g["stylised"])),
        ] {
            let found = best_arm(&arms, rewards, Better::Higher, kind, delta).unwrap();
            assert_eq!((found.leader, found.rival), (1, 0));
            close(name, found.threshold, threshold, 1e-8);
            for (a, b) in found.statistics.iter().zip(nums(&g[name])) {
                close(name, *a, b, 1e-9);
            }
            assert_eq!(found.stop, found.statistic > found.threshold);
        }
        let worst = best_arm(&arms, rewards, Better::Lower, Threshold::Proved, delta).unwrap();
        assert_eq!(worst.leader, 2);
    }
    // A wrong winner is rarer than delta, however long one looks.
    let mut wrong = 0;
    for run in 0..400 {
        let mut rng = Rng::keyed(9, &[run]);
        let mut sums = [0.0; 2];
        for t in 1..=200u64 {
            sums[0] += f64::from(u8::from(rng.bernoulli(0.5)));
            sums[1] += f64::from(u8::from(rng.bernoulli(0.5)));
            let arms = sums.map(|s| Arm {
                plays: t,
                mean: s / t as f64,
            });
            if best_arm(&arms, Rewards::Bernoulli, Better::Higher, Threshold::Proved, 0.1)
                .unwrap()
                .stop
            {
                wrong += 1;
                break;
            }
        }
    }
    assert!(wrong <= 40, "{wrong} of 400 runs of equal arms found a winner");
    let never = [Arm { plays: 0, mean: 0.0 }, Arm { plays: 3, mean: 0.3 }];
    let refused = best_arm(&never, Rewards::Bernoulli, Better::Higher, Threshold::Proved, 0.1);
    assert_eq!(refused.unwrap_err().reason, Reason::TooFew);
}

#[test]
fn every_sign_of_every_cluster() {
    let g = &load("rates")["wild"];
    let (y, x, clusters) = (nums(&g["y"]), rows(&g["x"]), ids(&g["clusters"]));
    let plan = wild_bootstrap::Plan {
        weights: Weights::Rademacher,
        draws: 999,
        seed: 1,
        level: 0.95,
    };
    let found = wild_cluster_bootstrap(&y, &x, true, &clusters, 0, plan).unwrap();
    assert!(found.enumerated && found.draws == 512);
    close("point", found.estimate.point, num(&g["point"]), 1e-9);
    close("se", found.estimate.se, num(&g["se"]), 1e-9);
    let shifted = |null: f64| -> f64 {
        let moved: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y - null * x[0]).collect();
        let found = wild_cluster_bootstrap(&moved, &x, true, &clusters, 0, plan).unwrap();
        found.estimate.p.unwrap()
    };
    for (null, p) in nums(&g["nulls"]).into_iter().zip(nums(&g["p"])) {
        close("p", shifted(null), p, 1e-12);
    }
    // The interval holds exactly what is not rejected.
    let Estimate { low, high, .. } = found.estimate;
    assert!(shifted(low + 1e-5) > 0.05 && shifted(low - 1e-5) <= 0.05);
    assert!(shifted(high - 1e-5) > 0.05 && shifted(high + 1e-5) <= 0.05);
    // Shift and scale of the outcome and of columns.
    let far: Vec<f64> = y.iter().map(|y| 1e6 + 3.0 * y).collect();
    let again = wild_cluster_bootstrap(&far, &x, true, &clusters, 0, plan)
        .unwrap()
        .estimate;
    close("scaled", again.low, 3.0 * low, 1e-6);
    assert_eq!(again.p, found.estimate.p);
    // Five clusters cannot reject at 5% by signs alone: no end.
    let few: Vec<usize> = (0..y.len()).filter(|i| clusters[*i] < 5).collect();
    let pick = |v: &[f64]| few.iter().map(|i| v[*i]).collect::<Vec<f64>>();
    let rows: Vec<Vec<f64>> = few.iter().map(|i| vec![x[*i][0]]).collect();
    let names: Vec<u64> = few.iter().map(|i| clusters[*i]).collect();
    let found = wild_cluster_bootstrap(&pick(&y), &rows, true, &names, 0, plan).unwrap();
    assert!(found.estimate.low.is_infinite() && found.estimate.high.is_infinite());
}

#[test]
fn few_clusters_keep_their_level() {
    let (mut rejected, runs) = (0, 300);
    for run in 0..runs {
        let mut rng = Rng::keyed(31, &[run]);
        let (mut y, mut x, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..8u64 {
            let own = rng.normal();
            for _ in 0..5 {
                y.push(own + rng.normal());
                x.push(vec![(g % 2) as f64]);
                clusters.push(g);
            }
        }
        let plan = wild_bootstrap::Plan {
            weights: Weights::Rademacher,
            draws: 256,
            seed: run,
            level: 0.9,
        };
        let found = wild_cluster_bootstrap(&y, &x, true, &clusters, 0, plan).unwrap();
        rejected += u64::from(found.estimate.p.unwrap() <= 0.1);
    }
    let error = 4.0 * (0.1 * 0.9 / runs as f64).sqrt();
    let share = rejected as f64 / runs as f64;
    assert!(share <= 0.1 + error, "{share}");
}

#[test]
fn effects_among_the_triggered_are_spread() {
    let triggered = Estimate::new(2.0, 0.5, Some(98.0), 100, 0.95, "welch t").unwrap();
    let found = dilute(&triggered, 100, 400, false, Some(-4.0)).unwrap();
    close("rate", found.rate, 0.25, 1e-12);
    close("absolute", found.absolute.point, 0.5, 1e-12);
    close("se", found.absolute.se, 0.125, 1e-12);
    assert_eq!(found.absolute.p, triggered.p);
    // Over |mean|: the sign of the effect is kept.
    close("relative", found.relative.unwrap().unwrap().point, 0.125, 1e-12);
    let found = dilute(&triggered, 100, 400, true, None).unwrap();
    let own = 4.0 * 0.25 * 0.75 / 400.0;
    close(
        "with the share's error",
        found.absolute.se,
        (0.125f64.powi(2) + own).sqrt(),
        1e-12,
    );
    assert!(dilute(&triggered, 500, 400, false, None).is_err());
}
