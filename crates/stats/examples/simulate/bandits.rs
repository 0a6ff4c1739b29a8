//! Bandits: readouts of data whose assignment was adapted, regret, errors of stopping, other policies.

use steward_stats::adaptive::{Batch, Weighting, readout_batches};
use steward_stats::bandit::{Beliefs, Stopping, thompson};
use steward_stats::bayes::{Beta, Better};
use steward_stats::best_arm::{Arm, Rewards, Threshold, best_arm};
use steward_stats::off_policy::{Logged, Values, evaluate};
use steward_stats::{Estimate, Moments, Rng, one_sample};

use crate::{Held, Report, covers};

const RUNS: u64 = 1000;
const NEVER: Stopping = Stopping {
    probability: 2.0,
    loss: -1.0,
};

/// A bandit of Bernoulli arms over ten batches of 100 plays, with a floor of 0.1.
struct Played {
    batches: Vec<Batch>,
    totals: Vec<Moments>,
    /// Expected rewards that were given away.
    regret: f64,
}

fn play(r: &mut Rng, rates: &[f64]) -> Option<Played> {
    let k = rates.len();
    let best = rates.iter().copied().fold(0.0, f64::max);
    let mut totals = vec![Moments::empty(1); k];
    let mut weights = vec![1.0 / k as f64; k];
    let (mut batches, mut regret) = (Vec::new(), 0.0);
    for _ in 0..10 {
        let mut own = vec![Moments::empty(1); k];
        for _ in 0..100 {
            let arm = r.weighted(&weights);
            own[arm].push(&[f64::from(u8::from(r.bernoulli(rates[arm])))]);
            regret += best - rates[arm];
        }
        let of = |m: &Moments| {
            (
                m.count(),
                if m.count() > 0 { m.mean(0) } else { 0.0 },
                m.variance(0).unwrap_or(0.0),
            )
        };
        batches.push(Batch {
            propensities: weights.clone(),
            arms: own.iter().map(of).collect(),
        });
        totals.iter_mut().zip(&own).for_each(|(t, o)| t.merge(o));
        let counts: Vec<(u64, u64)> = totals.iter().map(|m| (m.sum(0).round() as u64, m.count())).collect();
        let beliefs = Beliefs::bernoulli(&counts, Beta { alpha: 1.0, beta: 1.0 }).ok()?;
        weights = thompson(&beliefs, Better::Higher, 0.1, NEVER).ok()?.allocation;
    }
    Some(Played {
        batches,
        totals,
        regret,
    })
}

fn logged(r: &mut Rng) -> Option<Values> {
    let rows: Vec<Logged> = (0..400)
        .map(|_| {
            let x = r.uniform();
            let p = 0.2 + 0.6 * x;
            let arm = r.bernoulli(p);
            let reward = x + if arm { 0.5 - 0.6 * x } else { 0.0 } + 0.5 * r.normal();
            let own = if arm { 0.4 } else { 0.5 };
            Logged {
                reward,
                logging: if arm { p } else { 1.0 - p },
                target: if arm { 1.0 - x } else { x },
                // A model that is wrong: doubly robust does not mind.
                model: Some((own, (1.0 - x) * 0.4 + x * 0.5)),
            }
        })
        .collect();
    evaluate(&rows, None, 0.95).ok()
}

pub fn bandits(report: &mut Report) {
    report.head("Bandits: coverage of 95% intervals after Thompson sampling", "covered");
    let equal = [0.3, 0.3];
    let value = |r: &mut Rng, weighting: Weighting| -> Option<Estimate> {
        let found = readout_batches(&play(r, &equal)?.batches, weighting, 0.95).ok()?;
        found.values.into_iter().next()
    };
    report.rows_of(
        RUNS,
        "adaptive_readout",
        "two equal arms, √e weights: value of the first",
        Held::AtLeast(0.95),
        &|r| Some(covers(&value(r, Weighting::Adaptive)?, 0.3)),
    );
    report.rows_of(
        RUNS,
        "adaptive_readout, ipw",
        "the same by inverse propensity alone",
        Held::AtLeast(0.95),
        &|r| Some(covers(&value(r, Weighting::Ipw)?, 0.3)),
    );
    report.rows_of(
        RUNS,
        "adaptive_readout, a plain interval instead",
        "the same: why a readout needs weights",
        Held::AtMost(0.95),
        &|r| {
            Some(covers(
                &one_sample::mean(&play(r, &equal)?.totals[0], 0, 0.95).ok()?,
                0.3,
            ))
        },
    );
    report.rows_of(
        RUNS,
        "adaptive_readout, difference",
        "0.30 and 0.36",
        Held::AtLeast(0.95),
        &|r| {
            let found = readout_batches(&play(r, &[0.3, 0.36])?.batches, Weighting::Adaptive, 0.95).ok()?;
            Some(covers(found.differences.first()?, 0.06))
        },
    );

    report.head("Bandits: means of dropped arms, regret, errors of stopping", "share");
    report.rows_of(
        RUNS,
        "plain mean below the truth",
        "two equal arms: without bias it is a half",
        Held::AtLeast(0.5),
        &|r| Some(play(r, &equal)?.totals[0].mean(0) < 0.3),
    );
    report.rows_of(
        RUNS,
        "thompson_bernoulli",
        "0.2, 0.25, 0.4: at most half the regret of an even split",
        Held::AtLeast(0.95),
        &|r| {
            let even = 1000.0 * (0.2 + 0.15) / 3.0;
            Some(play(r, &[0.2, 0.25, 0.4])?.regret <= even / 2.0)
        },
    );
    report.rows_of(
        RUNS,
        "best_arm_likelihood_ratio",
        "0.30 and 0.35, even split, looked at every tenth play to 4000: a wrong arm, delta 5%",
        Held::AtMost(0.05),
        &|r| {
            let mut wins = [0u64; 2];
            for t in 1..=2000u64 {
                wins[0] += u64::from(r.bernoulli(0.3));
                wins[1] += u64::from(r.bernoulli(0.35));
                if t % 5 > 0 {
                    continue;
                }
                let arms = wins.map(|w| Arm {
                    plays: t,
                    mean: w as f64 / t as f64,
                });
                let found = best_arm(&arms, Rewards::Bernoulli, Better::Higher, Threshold::Proved, 0.05).ok()?;
                if found.stop {
                    return Some(found.leader == 0);
                }
            }
            Some(false)
        },
    );

    report.head("Other policies from a log: coverage of 95% intervals", "covered");
    // ∫ x·x + (1 − x)(0.5 + 0.4x) dx over a uniform context.
    let truth = 1.0 / 3.0 + 0.25 + 0.4 / 6.0;
    for (name, pick) in [
        (
            "off_policy, ips",
            (|v: Values| Some(v.ips)) as fn(Values) -> Option<Estimate>,
        ),
        ("off_policy, snips", |v| Some(v.snips)),
        ("off_policy, doubly robust", |v| v.dr),
    ] {
        report.rows_of(
            4 * RUNS,
            name,
            "400 decisions, the target against the log's choice",
            Held::At(0.95),
            &|r| Some(covers(&pick(logged(r)?)?, truth)),
        );
    }
}
