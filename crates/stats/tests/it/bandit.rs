//! Bandits: numbers against `tests/golden/bandit.py`, coverage under adaptive assignment, refusals.

use serde_json::Value;
use steward_stats::adaptive::{Batch, Play, Weighting, readout, readout_batches};
use steward_stats::bandit::{Beliefs, Stopping, thompson};
use steward_stats::bayes::{Beta, Better};
use steward_stats::contextual::{ArmHistory, score};
use steward_stats::off_policy::{Group, Logged, evaluate, evaluate_groups};
use steward_stats::{Moments, Reason, Rng};

use crate::numbers::{agrees, cases, close, load, num, nums, rows};

const ONE: Beta = Beta { alpha: 1.0, beta: 1.0 };
const NEVER: Stopping = Stopping {
    probability: 2.0,
    loss: -1.0,
};

fn bernoulli(arms: &[(u64, u64)]) -> Beliefs {
    Beliefs::bernoulli(arms, ONE).unwrap()
}

#[test]
fn allocations_and_losses() {
    for case in cases(&load("bandit")["allocations"]) {
        let arms = rows(&case["arms"]);
        let beliefs = if case["kind"] == "bernoulli" {
            bernoulli(&arms.iter().map(|a| (a[0] as u64, a[1] as u64)).collect::<Vec<_>>())
        } else {
            let arms: Vec<_> = arms.iter().map(|a| (a[0] as u64, a[1], a[2])).collect();
            Beliefs::gaussian(&arms, None).unwrap()
        };
        let found = thompson(&beliefs, Better::Higher, 0.0, NEVER).unwrap();
        for (i, (b, l)) in nums(&case["best"]).iter().zip(nums(&case["loss"])).enumerate() {
            assert!((found.best[i] - b).abs() < 1e-8, "{case} {i} {}", found.best[i]);
            close("loss", found.loss[i], l, 1e-6);
        }
        close("sum", found.allocation.iter().sum::<f64>(), 1.0, 1e-12);
    }
}

#[test]
fn less_is_better_floors_and_stopping() {
    let more = thompson(&bernoulli(&[(30, 100), (50, 100)]), Better::Higher, 0.1, NEVER).unwrap();
    let less = thompson(&bernoulli(&[(70, 100), (50, 100)]), Better::Lower, 0.1, NEVER).unwrap();
    for i in 0..2 {
        close("mirror", more.best[i], less.best[i], 1e-9);
        close("mirror", more.loss[i], less.loss[i], 1e-9);
        assert!(more.allocation[i] >= 0.05 - 1e-12);
    }
    assert_eq!((more.leader, more.stop), (1, false));
    let rule = Stopping {
        probability: 0.95,
        loss: -1.0,
    };
    assert!(
        thompson(&bernoulli(&[(30, 100), (50, 100)]), Better::Higher, 0.0, rule)
            .unwrap()
            .stop
    );
    assert!(
        !thompson(&bernoulli(&[(48, 100), (50, 100)]), Better::Higher, 0.0, rule)
            .unwrap()
            .stop
    );
    // Two arms that are alike: nothing is lost by either, though neither is likely best.
    let even = Stopping {
        probability: 2.0,
        loss: 0.001,
    };
    let twins = bernoulli(&[(500_000, 1_000_000), (500_000, 1_000_000)]);
    assert!(thompson(&twins, Better::Higher, 0.0, even).unwrap().stop);
    let lower = Beliefs::gaussian(&[(20, 1.0, 1.0), (20, 2.0, 1.0)], Some((0.0, 10.0))).unwrap();
    assert_eq!(thompson(&lower, Better::Lower, 0.0, NEVER).unwrap().leader, 0);
}

#[test]
fn adaptive_readouts() {
    let golden = &load("bandit")["adaptive"];
    let plays: Vec<Play> = serde_json::from_value(golden["plays"].clone()).unwrap();
    for (weighting, name) in [
        (Weighting::Ipw, "ipw"),
        (Weighting::Uniform, "uniform"),
        (Weighting::Adaptive, "adaptive"),
    ] {
        let ours = readout(&plays, weighting, 0.95).unwrap();
        let check = |ours: &[steward_stats::Estimate], theirs: &Value| {
            assert_eq!(ours.len(), cases(theirs).len());
            ours.iter()
                .zip(cases(theirs))
                .for_each(|(a, b)| agrees(name, a, b, 1e-9));
        };
        check(&ours.values, &golden[name]["values"]);
        check(&ours.differences, &golden[name]["differences"]);
    }
}

#[test]
fn values_of_another_policy() {
    let golden = &load("bandit")["off_policy"];
    let logged: Vec<Logged> = rows(&golden["rows"])
        .iter()
        .map(|r| Logged {
            reward: r[0],
            logging: r[1],
            target: r[2],
            model: Some((r[3], r[4])),
        })
        .collect();
    let ours = evaluate(&logged, None, 0.95).unwrap();
    agrees("ips", &ours.ips, &golden["ips"], 1e-9);
    agrees("snips", &ours.snips, &golden["snips"], 1e-9);
    agrees("dr", &ours.dr.unwrap(), &golden["dr"], 1e-9);
    close("effective", ours.effective_n, num(&golden["effective_n"]), 1e-9);
    // The logging policy itself: all weights are 1.
    let own: Vec<Logged> = logged
        .iter()
        .map(|l| Logged {
            target: l.logging,
            ..*l
        })
        .collect();
    let ours = evaluate(&own, None, 0.95).unwrap();
    close("own", ours.ips.point, ours.logged.point, 1e-12);
    close("own", ours.snips.se, ours.logged.se, 1e-12);
}

#[test]
fn scores_of_a_context() {
    let golden = &load("bandit")["contextual"];
    let arms: Vec<ArmHistory> = serde_json::from_value(golden["arms"].clone()).unwrap();
    let f = |name: &str| num(&golden[name]);
    let ours = score(&arms, &nums(&golden["x"]), f("lambda"), f("alpha"), f("v")).unwrap();
    let mut largest = (0, f64::NEG_INFINITY);
    for (i, theirs) in cases(&golden["scores"]).iter().enumerate() {
        close("expected", ours.expected[i], num(&theirs["expected"]), 1e-9);
        close("width", ours.width[i], num(&theirs["width"]), 1e-9);
        for (a, b) in ours.coefficients[i].iter().zip(nums(&theirs["theta"])) {
            close("theta", *a, b, 1e-9);
        }
        let upper = num(&theirs["expected"]) + f("alpha") * num(&theirs["width"]);
        if upper > largest.1 {
            largest = (i, upper);
        }
        assert!((ours.thompson[i] - nums(&golden["thompson"])[i]).abs() < 1e-8);
    }
    assert_eq!(ours.linucb, largest.0);
}

#[test]
fn what_is_refused() {
    let refused = |e: steward_stats::NotEstimable| e.reason;
    assert_eq!(
        refused(Beliefs::bernoulli(&[(3, 2)], ONE).unwrap_err()),
        Reason::OutOfDomain
    );
    assert_eq!(
        refused(Beliefs::gaussian(&[(1, 2.0, 0.0)], None).unwrap_err()),
        Reason::TooFew
    );
    assert_eq!(
        refused(Beliefs::gaussian(&[(9, 2.0, 0.0)], None).unwrap_err()),
        Reason::ZeroVariance
    );
    assert_eq!(
        refused(thompson(&bernoulli(&[(1, 2)]), Better::Higher, 0.0, NEVER).unwrap_err()),
        Reason::OutOfDomain
    );
    let play = |arm: usize, e: f64| Play {
        arm,
        reward: 1.0,
        propensities: vec![e, 1.0 - e],
    };
    assert!(readout(&[play(0, 0.5), play(1, 0.0)], Weighting::Ipw, 0.95).is_err());
    assert_eq!(
        refused(readout(&vec![play(0, 0.5); 9], Weighting::Adaptive, 0.95).unwrap_err()),
        Reason::TooFew
    );
    let row = |logging: f64, target: f64| Logged {
        reward: 1.0,
        logging,
        target,
        model: None,
    };
    assert_eq!(
        refused(evaluate(&[row(0.0, 1.0), row(0.5, 1.0)], None, 0.95).unwrap_err()),
        Reason::OutOfDomain
    );
    assert_eq!(
        refused(evaluate(&[row(0.5, 0.0), row(0.5, 0.0)], None, 0.95).unwrap_err()),
        Reason::TooFew
    );
}

/// A bandit of two equal arms that drops the one with bad luck: the sample mean is biased, the weighted readout covers.
#[test]
fn readouts_cover_under_thompson_sampling() {
    const RUNS: u64 = 600;
    let (mut missed, mut bias, mut weighted_bias, mut policy_missed) = (0, 0.0, 0.0, 0);
    for run in 0..RUNS {
        let mut rng = Rng::keyed(61, &[run]);
        let mut plays: Vec<Play> = Vec::new();
        let mut sums = [(0u64, 0.0f64); 2];
        let mut first = 0.5;
        for batch in 0..8 {
            if batch > 0 {
                let mean = |i: usize| sums[i].1 / sums[i].0 as f64;
                let arms = [0, 1].map(|i| (mean(i), (1.0 / sums[i].0 as f64).sqrt()));
                let found = thompson(&Beliefs::Gaussian(arms.to_vec()), Better::Higher, 0.2, NEVER).unwrap();
                first = found.allocation[0];
            }
            for _ in 0..25 {
                let arm = usize::from(!rng.bernoulli(first));
                let reward = 1.0 + rng.normal();
                sums[arm] = (sums[arm].0 + 1, sums[arm].1 + reward);
                plays.push(Play {
                    arm,
                    reward,
                    propensities: vec![first, 1.0 - first],
                });
            }
        }
        let found = readout(&plays, Weighting::Adaptive, 0.95).unwrap();
        missed += u32::from(found.values[0].low > 1.0 || found.values[0].high < 1.0);
        bias += sums[0].1 / sums[0].0 as f64 - 1.0;
        weighted_bias += found.values[0].point - 1.0;
        // What always playing arm 0 would have earned.
        let logged: Vec<Logged> = plays
            .iter()
            .map(|p| Logged {
                reward: p.reward,
                logging: p.propensities[p.arm],
                target: f64::from(u8::from(p.arm == 0)),
                model: None,
            })
            .collect();
        let value = evaluate(&logged, None, 0.95).unwrap().snips;
        policy_missed += u32::from(value.low > 1.0 || value.high < 1.0);
    }
    let runs = RUNS as f64;
    let slack = 4.0 * (0.05f64 * 0.95 / runs).sqrt();
    assert!((f64::from(missed) / runs - 0.05).abs() < slack, "{missed}");
    assert!(f64::from(policy_missed) / runs < 0.05 + slack + 0.02, "{policy_missed}");
    assert!(bias / runs < -0.02, "{}", bias / runs);
    assert!((weighted_bias / runs).abs() < 0.02, "{}", weighted_bias / runs);
}

/// Plays in batches of one arm's probabilities each, some arms unplayed in some.
fn batched(seed: u64) -> (Vec<Play>, Vec<Batch>) {
    let mut rng = Rng::keyed(seed, &[3]);
    let (mut plays, mut batches) = (Vec::new(), Vec::new());
    for propensities in [vec![0.4, 0.3, 0.3], vec![0.7, 0.2, 0.1], vec![0.05, 0.05, 0.9]] {
        let mut arms = vec![Moments::empty(1); 3];
        for _ in 0..25 {
            let arm = rng.weighted(&propensities);
            let reward = arm as f64 + rng.normal();
            arms[arm].push(&[reward]);
            plays.push(Play {
                arm,
                reward,
                propensities: propensities.clone(),
            });
        }
        batches.push(Batch {
            propensities,
            arms: arms
                .iter()
                .map(|m| {
                    (
                        m.count(),
                        if m.count() > 0 { m.mean(0) } else { 0.0 },
                        m.variance(0).unwrap_or(0.0),
                    )
                })
                .collect(),
        });
    }
    (plays, batches)
}

#[test]
fn batches_of_sums_say_what_their_plays_say() {
    let (plays, batches) = batched(5);
    // Without a model of the arm nothing depends on the order inside a batch.
    let (one, all) = (
        readout(&plays, Weighting::Ipw, 0.9).unwrap(),
        readout_batches(&batches, Weighting::Ipw, 0.9).unwrap(),
    );
    for (a, b) in one
        .values
        .iter()
        .zip(&all.values)
        .chain(one.differences.iter().zip(&all.differences))
    {
        close("point", b.point, a.point, 1e-10);
        close("se", b.se, a.se, 1e-10);
    }
    // A batch for every play is the running mean.
    let single: Vec<Batch> = plays
        .iter()
        .map(|p| Batch {
            propensities: p.propensities.clone(),
            arms: (0..3)
                .map(|w| if w == p.arm { (1, p.reward, 0.0) } else { (0, 0.0, 0.0) })
                .collect(),
        })
        .collect();
    for weighting in [Weighting::Uniform, Weighting::Adaptive] {
        let (one, all) = (
            readout(&plays, weighting, 0.9).unwrap(),
            readout_batches(&single, weighting, 0.9).unwrap(),
        );
        for (a, b) in one
            .values
            .iter()
            .zip(&all.values)
            .chain(one.differences.iter().zip(&all.differences))
        {
            close("point", b.point, a.point, 1e-10);
            close("se", b.se, a.se, 1e-10);
        }
    }
    let mut zero = batches;
    zero[1].propensities = vec![1.0, 0.0, 0.0];
    assert_eq!(
        readout_batches(&zero, Weighting::Adaptive, 0.9).unwrap_err().reason,
        Reason::OutOfDomain
    );
}

#[test]
fn policies_are_evaluated_from_sums_as_from_rows() {
    let mut rng = Rng::keyed(6, &[1]);
    let target = [[0.1, 0.9], [0.6, 0.4]];
    let model = [[0.5, 1.2], [0.9, 0.4]];
    let mut rows = Vec::new();
    let mut groups: Vec<Vec<(f64, f64)>> = vec![Vec::new(); 4];
    for _ in 0..300 {
        let context = rng.below(2) as usize;
        let p = 0.2 + 0.6 * rng.uniform();
        let arm = usize::from(rng.bernoulli(p));
        let logging = if arm == 1 { p } else { 1.0 - p };
        let reward = arm as f64 * 0.5 + context as f64 + rng.normal();
        let all: f64 = (0..2).map(|a| target[context][a] * model[context][a]).sum();
        rows.push(Logged {
            reward,
            logging,
            target: target[context][arm],
            model: Some((model[context][arm], all)),
        });
        groups[context * 2 + arm].push((reward, logging));
    }
    let groups: Vec<Group> = groups
        .iter()
        .enumerate()
        .map(|(i, seen)| {
            let (mut sums, mut rewards) = (Moments::empty(2), Moments::empty(1));
            for (r, p) in seen {
                sums.push(&[r / p, 1.0 / p]);
                rewards.push(&[*r]);
            }
            let (context, arm) = (i / 2, i % 2);
            Group {
                sums,
                reward: rewards.mean(0),
                variance: rewards.variance(0).unwrap(),
                target: target[context][arm],
                model: Some((
                    model[context][arm],
                    (0..2).map(|a| target[context][a] * model[context][a]).sum(),
                )),
            }
        })
        .collect();
    let (one, all) = (
        evaluate(&rows, None, 0.95).unwrap(),
        evaluate_groups(&groups, 0.95).unwrap(),
    );
    for (a, b) in [
        (&one.ips, &all.ips),
        (&one.snips, &all.snips),
        (one.dr.as_ref().unwrap(), all.dr.as_ref().unwrap()),
        (&one.logged, &all.logged),
    ] {
        close(&a.method, b.point, a.point, 1e-9);
        close(&a.method, b.se, a.se, 1e-9);
    }
    close("effective", all.effective_n, one.effective_n, 1e-9);
}
