//! The simulation report: false-positive rates, coverage, error over continuous peeking, and power, on worlds whose truth is
//! known. Seeded; prints the tables of `docs/guide/simulations.md`:
//!
//!     cargo run --release -p steward-stats --example simulate
//!     cargo run --release -p steward-stats --example simulate Power

mod bandits;
mod designs;

use steward_stats::bayes::{self, Beta, Better, NormalPrior, beta_binomial};
use steward_stats::cluster::{Correction, clustered};
use steward_stats::confidence_sequence::confidence_sequence;
use steward_stats::design::{Clusters, Looks, Metric, Plan, Test};
use steward_stats::fieller::fieller;
use steward_stats::group_sequential::{self, Design, Shape, Sides, Spending};
use steward_stats::lin::{Variance, interacted};
use steward_stats::meta::{Between, combine};
use steward_stats::msprt::msprt;
use steward_stats::novelty::{Fading, fading};
use steward_stats::one_sided::{non_inferiority, one_sided};
use steward_stats::quantile::{self, Events};
use steward_stats::rule::{Deciding, Rule};
use steward_stats::sequential_srm::sequential_sample_ratio;
use steward_stats::{
    Comparison, Estimate, Moments, Rng, Slopes, Statistic, adjustment, bayes_ratio, dunnett, lift, lift_with,
    multiplicity, pooled, srm,
};

const SEED: u64 = 20_260_101;
const RUNS: u64 = 4_000;
/// Of the methods that integrate in each run.
const FEW: u64 = 240;

/// What a run of a world says: whether the event that is counted happened.
type Run<'a> = &'a dyn Fn(&mut Rng) -> Option<bool>;

/// How a share is held against its nominal value.
#[derive(Clone, Copy)]
enum Held {
    /// Within four binomial standard errors.
    At(f64),
    /// At most that.
    AtMost(f64),
    /// At least that.
    AtLeast(f64),
}

struct Report {
    rows: u64,
    missed: u64,
    /// Sections that are made; all, if none is named. The others keep their random numbers.
    only: Vec<String>,
    shown: bool,
}

impl Report {
    fn row(&mut self, method: &str, world: &str, held: Held, run: Run) {
        self.rows_of(RUNS, method, world, held, run);
    }

    fn rows_of(&mut self, runs: u64, method: &str, world: &str, held: Held, run: Run) {
        self.rows += 1;
        if !self.shown {
            return;
        }
        let (mut yes, mut all) = (0u64, 0u64);
        for i in 0..runs {
            if let Some(hit) = run(&mut Rng::keyed(SEED, &[self.rows, i])) {
                all += 1;
                yes += u64::from(hit);
            }
        }
        let share = yes as f64 / all.max(1) as f64;
        let slack = |p: f64| 4.0 * (p * (1.0 - p) / all.max(1) as f64).sqrt();
        let (wanted, fits) = match held {
            Held::At(p) => (format!("{p:.3} ± {:.3}", slack(p)), (share - p).abs() <= slack(p)),
            Held::AtMost(p) => (format!("≤ {p:.3} + {:.3}", slack(p)), share <= p + slack(p)),
            Held::AtLeast(p) => (format!("≥ {p:.3} − {:.3}", slack(p)), share >= p - slack(p)),
        };
        self.missed += u64::from(!fits || all < runs);
        let mark = if fits { "yes" } else { "**no**" };
        println!("| `{method}` | {world} | {share:.4} | {wanted} | {all} | {mark} |");
    }

    fn head(&mut self, title: &str, share: &str) {
        self.shown = self.only.is_empty() || self.only.iter().any(|o| title.contains(o.as_str()));
        if !self.shown {
            return;
        }
        println!("\n## {title}\n\n| method | world | {share} | nominal | runs | held |\n|---|---|---|---|---|---|");
    }
}

fn sample(n: u64, rng: &mut Rng, mut unit: impl FnMut(&mut Rng) -> Vec<f64>) -> Moments {
    let first = unit(rng);
    let mut m = Moments::empty(first.len());
    m.push(&first);
    (1..n).for_each(|_| m.push(&unit(rng)));
    m
}

fn comparison(statistic: Statistic, covariates: &[usize]) -> Comparison {
    Comparison {
        statistic,
        covariates: covariates.to_vec(),
        level: 0.95,
    }
}

const MEAN: Statistic = Statistic::Mean { y: 0 };
const SHARE: Statistic = Statistic::Proportion { y: 0 };
const RATIO: Statistic = Statistic::Ratio {
    numerator: 0,
    denominator: 1,
};

fn covers(e: &Estimate, truth: f64) -> bool {
    e.low <= truth && truth <= e.high
}

fn significant(e: &Estimate) -> bool {
    e.p.is_some_and(|p| p <= 1.0 - e.level)
}

/// Revenue per order: units of their own taste, and the same before the experiment.
fn buyer(r: &mut Rng, price: f64) -> Vec<f64> {
    let taste = 1.0 + 0.2 * r.normal();
    let (orders, before) = (1.0 + r.poisson(3.0) as f64, 1.0 + r.poisson(3.0) as f64);
    vec![
        orders * price * taste + r.normal(),
        orders,
        before * 10.0 * taste + r.normal(),
        before,
    ]
}

fn skewed(r: &mut Rng, effect: f64) -> Vec<f64> {
    let x = r.gamma(2.0);
    vec![5.0 + 2.0 * x + r.normal() + effect, x]
}

fn fixed(report: &mut Report) {
    report.head("False positives of fixed tests at 5%, no effect", "rejected");
    let normal = |sd: f64, mean: f64| move |r: &mut Rng| vec![mean + sd * r.normal()];
    let welch = |r: &mut Rng, effect: f64| {
        let (c, t) = (
            sample(60, r, normal(1.0, 9.0)),
            sample(25, r, normal(3.0, 9.0 + effect)),
        );
        lift(&c, &t, &comparison(MEAN, &[]))
    };
    let coin = |p: f64| move |r: &mut Rng| vec![f64::from(u8::from(r.bernoulli(p)))];
    let shares = |r: &mut Rng, p: f64| (sample(400, r, coin(0.3)), sample(500, r, coin(p)));
    let ratio = |r: &mut Rng, lifted: f64, covariates: &[usize]| {
        let (c, t) = (
            sample(120, r, |r| buyer(r, 10.0)),
            sample(120, r, |r| buyer(r, 10.0 * (1.0 + lifted))),
        );
        lift(&c, &t, &comparison(RATIO, covariates))
    };
    let cuped = |r: &mut Rng, effect: f64, slopes: Slopes| {
        let (c, t) = (sample(120, r, |r| skewed(r, 0.0)), sample(80, r, |r| skewed(r, effect)));
        lift_with(&c, &t, &comparison(MEAN, &[1]), &slopes)
    };
    report.row("welch_t", "variances 1 and 9, 60 and 25 units", Held::At(0.05), &|r| {
        welch(r, 0.0).absolute.ok().map(|e| significant(&e))
    });
    report.row("welch_t", "the same, one-sided", Held::At(0.05), &|r| {
        one_sided(&welch(r, 0.0).absolute.ok()?, Sides::Greater)
            .ok()
            .map(|e| significant(&e))
    });
    report.row(
        "welch_t, pooled",
        "equal variances, 8 and 12 units",
        Held::At(0.05),
        &|r| {
            let (c, t) = (sample(8, r, normal(1.0, 9.0)), sample(12, r, normal(1.0, 9.0)));
            pooled::pooled(&c, &t, 0, false, 0.95)
                .absolute
                .ok()
                .map(|e| significant(&e))
        },
    );
    report.row("proportions_z", "30% of 400 and 500 units", Held::At(0.05), &|r| {
        let (c, t) = shares(r, 0.3);
        lift(&c, &t, &comparison(SHARE, &[]))
            .absolute
            .ok()
            .map(|e| significant(&e))
    });
    report.row("proportions_z, pooled", "the same", Held::At(0.05), &|r| {
        let (c, t) = shares(r, 0.3);
        pooled::pooled(&c, &t, 0, true, 0.95)
            .absolute
            .ok()
            .map(|e| significant(&e))
    });
    report.row(
        "ratio_delta",
        "revenue per order, 120 buyers an arm",
        Held::At(0.05),
        &|r| ratio(r, 0.0, &[]).absolute.ok().map(|e| significant(&e)),
    );
    report.row("cuped_ratio", "the same, with the ratio before", Held::At(0.05), &|r| {
        ratio(r, 0.0, &[2, 3]).absolute.ok().map(|e| significant(&e))
    });
    report.row("cuped", "skewed covariate, 120 and 80 units", Held::At(0.05), &|r| {
        cuped(r, 0.0, Slopes::Within)
            .ok()?
            .lift
            .absolute
            .ok()
            .map(|e| significant(&e))
    });
    report.row("cuped, pooled coefficient", "the same", Held::At(0.05), &|r| {
        cuped(r, 0.0, Slopes::Pooled)
            .ok()?
            .lift
            .absolute
            .ok()
            .map(|e| significant(&e))
    });
    report.row("regression_adjustment", "the same", Held::At(0.05), &|r| {
        let (c, t) = (sample(120, r, |r| skewed(r, 0.0)), sample(80, r, |r| skewed(r, 0.0)));
        adjustment::interacted(&c, &t, 0, &[1], 0.95)
            .ok()
            .map(|e| significant(&e.adjusted))
    });
    report.row(
        "non_inferiority",
        "harm exactly at the margin, one-sided 5%",
        Held::At(0.05),
        &|r| {
            let e = welch(r, -1.0).absolute.ok()?;
            non_inferiority(&e, 1.0, Better::Higher).ok().map(|n| n.non_inferior)
        },
    );
    report.row(
        "cluster_robust, cr2",
        "six clusters an arm of 5 to 20 rows, ICC 0.2",
        Held::AtMost(0.05),
        &|r| {
            let (mut y, mut x, mut g) = (Vec::new(), Vec::new(), Vec::new());
            for cluster in 0..12u64 {
                let luck = 0.5 * r.normal();
                for _ in 0..5 + r.below(16) {
                    y.push(luck + r.normal());
                    x.push(vec![(cluster % 2) as f64]);
                    g.push(cluster);
                }
            }
            let fit = clustered(&y, &x, true, &g, Correction::Cr2, 0.95).ok()?;
            fit.coefficients[1].as_ref().ok().map(significant)
        },
    );
    report.row("srm", "weights 5:3:2, 300 units, alarm at 5%", Held::At(0.05), &|r| {
        let mut counts = [0u64; 3];
        (0..300).for_each(|_| counts[r.weighted(&[0.5, 0.3, 0.2])] += 1);
        srm::sample_ratio(&counts, &[0.5, 0.3, 0.2]).ok().map(|s| s.p <= 0.05)
    });

    report.head("Coverage of 95% intervals, with an effect", "covered");
    report.row("welch_t", "variances 1 and 9, effect 20%", Held::At(0.95), &|r| {
        welch(r, 1.8).absolute.ok().map(|e| covers(&e, 1.8))
    });
    report.row("welch_t, relative", "the same", Held::At(0.95), &|r| {
        welch(r, 1.8).relative.ok().map(|e| covers(&e, 0.2))
    });
    report.row("proportions_z", "30% to 36%", Held::At(0.95), &|r| {
        let (c, t) = shares(r, 0.36);
        lift(&c, &t, &comparison(SHARE, &[]))
            .absolute
            .ok()
            .map(|e| covers(&e, 0.06))
    });
    report.row(
        "ratio_delta, relative",
        "revenue per order + 10%",
        Held::At(0.95),
        &|r| ratio(r, 0.1, &[]).relative.ok().map(|e| covers(&e, 0.1)),
    );
    report.row("cuped_ratio, relative", "the same", Held::At(0.95), &|r| {
        ratio(r, 0.1, &[2, 3]).relative.ok().map(|e| covers(&e, 0.1))
    });
    report.row("cuped, relative", "9 to 12", Held::At(0.95), &|r| {
        cuped(r, 3.0, Slopes::Within)
            .ok()?
            .lift
            .relative
            .ok()
            .map(|e| covers(&e, 1.0 / 3.0))
    });
    report.row("cuped, relative to the raw control", "the same", Held::At(0.95), &|r| {
        cuped(r, 3.0, Slopes::Within)
            .ok()?
            .relative_to_raw
            .ok()
            .map(|e| covers(&e, 1.0 / 3.0))
    });
    report.row(
        "fieller",
        "a baseline four standard errors from 0, + 50%; refused: all numbers, so covered",
        Held::At(0.95),
        &|r| {
            let (c, t) = (sample(64, r, normal(2.0, 1.0)), sample(64, r, normal(2.0, 1.5)));
            fieller(&c, &t, &comparison(MEAN, &[]), Sides::Two)
                .ok()
                .map(|e| covers(&e, 0.5))
                .or(Some(true))
        },
    );
    report.row("bayes_ratio, flat", "revenue per order + 10%", Held::At(0.95), &|r| {
        let (c, t) = (sample(120, r, |r| buyer(r, 10.0)), sample(120, r, |r| buyer(r, 11.0)));
        let found = bayes_ratio::ratio((&c, &t), (0, 1), false, None, 0.95, Better::Higher).ok()?;
        Some(covers(&found.estimate, 1.0))
    });
    report.rows_of(
        FEW,
        "beta_binomial",
        "shares drawn from the prior, 50 units an arm",
        Held::At(0.95),
        &|r| {
            let (a, b) = (r.beta(2.0, 3.0), r.beta(2.0, 3.0));
            let count = |r: &mut Rng, p: f64| (0..50).filter(|_| r.bernoulli(p)).count() as u64;
            let (x, y) = (count(r, a), count(r, b));
            let prior = Beta { alpha: 2.0, beta: 3.0 };
            let found = beta_binomial((x, 50), (y, 50), prior, 0.95, Better::Higher).ok()?;
            Some(covers(&found.absolute.estimate, b - a))
        },
    );
    report.row(
        "quantile_difference",
        "medians of 300 exponential values, 0.3 apart",
        Held::At(0.95),
        &|r| {
            let arm = |r: &mut Rng, shift: f64| (0..300).map(|_| shift + r.exponential()).collect::<Vec<_>>();
            let (c, t) = (arm(r, 0.0), arm(r, 0.3));
            let found = quantile::difference(&c, &t, 0.5, 0.95, quantile::Error::Woodruff);
            found.absolute.ok().map(|e| covers(&e, 0.3))
        },
    );
    report.row(
        "event_quantile_difference",
        "medians of events of 200 units, correlated",
        Held::At(0.95),
        &|r| {
            let arm = |r: &mut Rng, shift: f64| {
                let (mut values, mut units) = (Vec::new(), Vec::new());
                for unit in 0..200u64 {
                    let own = r.normal();
                    for _ in 0..1 + r.poisson(2.0) {
                        values.push(10.0 + shift + own + r.normal());
                        units.push(unit);
                    }
                }
                (values, units)
            };
            let (c, t) = (arm(r, 0.0), arm(r, 0.5));
            let of = |(values, units): &'_ (Vec<f64>, Vec<u64>)| {
                quantile::difference_of_events(
                    Events {
                        values: &c.0,
                        units: &c.1,
                    },
                    Events { values, units },
                    0.5,
                    0.95,
                )
            };
            of(&t).absolute.ok().map(|e| covers(&e, 0.5))
        },
    );
    report.row(
        "meta_analysis, reml, hartung_knapp",
        "eight effects, spread 1, errors 0.5 to 2",
        Held::AtLeast(0.94),
        &|r| {
            let (mut effects, mut errors) = (Vec::new(), Vec::new());
            for _ in 0..8 {
                let s = 0.5 + 1.5 * r.uniform();
                effects.push(3.0 + r.normal() + s * r.normal());
                errors.push(s);
            }
            combine(&effects, &errors, Between::Reml, true, 0.95)
                .ok()
                .map(|m| covers(&m.effect, 3.0))
        },
    );
}

fn many(report: &mut Report) {
    report.head("Any false positive among several at 5%", "any rejected");
    let p = |r: &mut Rng, k: usize, mean: f64| -> Vec<f64> {
        (0..k)
            .map(|_| steward_stats::dist::normal_two_sided(mean + r.normal()))
            .collect()
    };
    report.row("holm", "five true nulls", Held::AtMost(0.05), &|r| {
        multiplicity::holm(&p(r, 5, 0.0))
            .ok()
            .map(|a| a.iter().any(|p| *p <= 0.05))
    });
    report.row("bonferroni", "five true nulls", Held::AtMost(0.05), &|r| {
        multiplicity::bonferroni(&p(r, 5, 0.0))
            .ok()
            .map(|a| a.iter().any(|p| *p <= 0.05))
    });
    report.row("benjamini_hochberg", "twenty true nulls", Held::At(0.05), &|r| {
        multiplicity::benjamini_hochberg(&p(r, 20, 0.0))
            .ok()
            .map(|a| a.iter().any(|p| *p <= 0.05))
    });
    report.rows_of(
        FEW,
        "dunnett",
        "four treatments of 15 units, one control",
        Held::At(0.05),
        &|r| {
            let unit = |r: &mut Rng| vec![r.normal()];
            let control = sample(15, r, unit);
            let arms: Vec<Moments> = (0..4).map(|_| sample(15, r, unit)).collect();
            let found = dunnett::dunnett(&control, &arms, true, 0.95, Sides::Two).ok()?;
            Some(found.iter().any(significant))
        },
    );
}

/// z statistics of a Brownian motion at information fractions, with the mean `drift` at 1.
fn walk(r: &mut Rng, fractions: &[f64], drift: f64) -> Vec<f64> {
    let (mut b, mut before) = (0.0, 0.0);
    fractions
        .iter()
        .map(|t| {
            b += drift * (t - before) + (t - before).sqrt() * r.normal();
            before = *t;
            b / t.sqrt()
        })
        .collect()
}

fn sequential(report: &mut Report) {
    report.head(
        "Error over looks and over continuous peeking at 5%, no effect",
        "ever rejected",
    );
    let even = [0.2, 0.4, 0.6, 0.8, 1.0];
    let uneven = [0.15, 0.5, 0.62, 1.0];
    let design = |fractions: &[f64], spending, sides, alpha| Design {
        fractions: fractions.to_vec(),
        alpha,
        spending,
        sides,
        last_is_final: true,
    };
    let plans = [
        (
            "O'Brien–Fleming, five even looks",
            design(&even, Spending::ObrienFleming, Sides::Two, 0.05),
        ),
        (
            "Pocock, four uneven looks",
            design(&uneven, Spending::Pocock, Sides::Two, 0.05),
        ),
        (
            "Kim–DeMets 2, five even looks",
            design(&even, Spending::KimDemets { power: 2.0 }, Sides::Two, 0.05),
        ),
        (
            "Hwang–Shih–DeCani −4, one-sided",
            design(&even, Spending::HwangShihDecani { gamma: -4.0 }, Sides::Greater, 0.05),
        ),
    ];
    for (world, plan) in &plans {
        let Ok(looks) = group_sequential::boundaries(plan) else {
            continue;
        };
        report.row("group_sequential_boundaries", world, Held::At(0.05), &|r| {
            let z = walk(r, &plan.fractions, 0.0);
            let two = plan.sides == Sides::Two;
            Some(
                z.iter()
                    .zip(&looks)
                    .any(|(z, l)| if two { z.abs() >= l.z } else { *z >= l.z }),
            )
        });
    }
    if let Ok(looks) = group_sequential::classical(&even, 0.05, Shape::WangTsiatis { delta: 0.25 }, Sides::Two) {
        report.row(
            "classical_boundaries",
            "Wang–Tsiatis ¼, five even looks",
            Held::At(0.05),
            &|r| Some(walk(r, &even, 0.0).iter().zip(&looks).any(|(z, l)| z.abs() >= l.z)),
        );
    }
    let plan = design(
        &[1.0 / 3.0, 2.0 / 3.0, 1.0],
        Spending::HwangShihDecani { gamma: -4.0 },
        Sides::Greater,
        0.05,
    );
    if let Ok(found) = group_sequential::futility(&plan, 0.2, Spending::HwangShihDecani { gamma: -2.0 }, false) {
        report.row(
            "futility_boundaries",
            "non-binding, futility overruled",
            Held::At(0.05),
            &|r| {
                Some(
                    walk(r, &plan.fractions, 0.0)
                        .iter()
                        .zip(&found.looks)
                        .any(|(z, l)| *z >= l.efficacy_z),
                )
            },
        );
        report.row(
            "futility_boundaries",
            "power at the planned effect, futility obeyed",
            Held::At(0.8),
            &|r| {
                for (z, l) in walk(r, &plan.fractions, found.drift).iter().zip(&found.looks) {
                    if *z >= l.efficacy_z {
                        return Some(true);
                    }
                    if *z <= l.futility_z {
                        return Some(false);
                    }
                }
                Some(false)
            },
        );
    }
    // Peeking after every unit from the 50th to the 2000th; asymptotic, so that error may reach the level but not pass it.
    let peek = |r: &mut Rng, mut crosses: Box<dyn FnMut(f64, f64, u64) -> bool + '_>| {
        let mut m = Moments::empty(1);
        for n in 1..=2000u64 {
            m.push(&[r.exponential() - 1.0]);
            if n >= 50 {
                let se = (m.variance(0).unwrap_or(0.0) / n as f64).sqrt();
                if crosses(m.mean(0), se, n) {
                    return Some(true);
                }
            }
        }
        Some(false)
    };
    report.row(
        "confidence_sequence",
        "exponential values, every unit from 50 to 2000",
        Held::AtMost(0.05),
        &|r| {
            peek(
                r,
                Box::new(|x, se, n| {
                    confidence_sequence(x, se, n, 0.95, 500.0, Sides::Two).is_ok_and(|e| !covers(&e, 0.0))
                }),
            )
        },
    );
    report.row("msprt", "the same, tau 0.1", Held::AtMost(0.05), &|r| {
        peek(
            r,
            Box::new(|x, se, n| msprt(&[(x, se)], 0.1, n, 0.95).is_ok_and(|m| m.rejected_at.is_some())),
        )
    });
    report.row(
        "confidence_sequence, a fixed 95% interval instead",
        "the same: why peeking needs a method",
        Held::AtLeast(0.2),
        &|r| peek(r, Box::new(|x, se, _| x.abs() > 1.96 * se)),
    );
    report.row(
        "sequential_srm",
        "even split, every tenth unit to 2000",
        Held::AtMost(0.05),
        &|r| {
            let (mut counts, mut looks) = (vec![0u64, 0], Vec::new());
            for n in 1..=2000 {
                counts[usize::from(r.bernoulli(0.5))] += 1;
                if n % 10 == 0 {
                    looks.push(counts.clone());
                }
            }
            sequential_sample_ratio(&looks, &[1.0, 1.0], 100.0)
                .ok()
                .map(|s| s.p <= 0.05)
        },
    );
}

fn power(report: &mut Report) {
    report.head("Power at the units that were planned for 80%", "found");
    let plan = Plan::new(Metric::Mean { mean: 10.0, sd: 2.0 }, 0.05);
    if let Ok(size) = plan.required(0.5, 0.8) {
        report.row(
            "sample_size",
            &format!("mean 10 ± 2, effect 0.5: {} an arm", size.control),
            Held::At(0.8),
            &|r| {
                let arm = |r: &mut Rng, mean: f64| sample(size.control, r, |r| vec![mean + 2.0 * r.normal()]);
                let (c, t) = (arm(r, 10.0), arm(r, 10.5));
                lift(&c, &t, &comparison(MEAN, &[]))
                    .absolute
                    .ok()
                    .map(|e| significant(&e))
            },
        );
    }
    let plan = Plan::new(Metric::Proportion { share: 0.2 }, 0.05);
    if let Ok(size) = plan.required(0.05, 0.8) {
        report.row(
            "sample_size",
            &format!("share 20% to 25%: {} an arm", size.control),
            Held::At(0.8),
            &|r| {
                let arm = |r: &mut Rng, p: f64| sample(size.control, r, |r| vec![f64::from(u8::from(r.bernoulli(p)))]);
                let (c, t) = (arm(r, 0.2), arm(r, 0.25));
                lift(&c, &t, &comparison(SHARE, &[]))
                    .absolute
                    .ok()
                    .map(|e| significant(&e))
            },
        );
    }
    let mut plan = Plan::new(
        Metric::Mean {
            mean: 10.0,
            sd: 5f64.sqrt(),
        },
        0.05,
    );
    plan.variance_reduction = 0.8;
    if let Ok(size) = plan.required(0.5, 0.8) {
        report.row(
            "sample_size, cuped",
            &format!("80% of the variance known before: {} an arm", size.control),
            Held::At(0.8),
            &|r| {
                let arm = |r: &mut Rng, mean: f64| {
                    sample(size.control, r, |r| {
                        let x = r.normal();
                        vec![mean + 2.0 * x + r.normal(), x]
                    })
                };
                let (c, t) = (arm(r, 10.0), arm(r, 10.5));
                lift(&c, &t, &comparison(MEAN, &[1]))
                    .absolute
                    .ok()
                    .map(|e| significant(&e))
            },
        );
    }
}

/// Two passes over the units of both arms, as an experiment reads them.
fn adjusted(arms: &[Vec<Vec<f64>>; 2], variance: Variance) -> Option<Estimate> {
    let moments = |rows: &Vec<Vec<f64>>| {
        let mut all = Moments::empty(2);
        rows.iter().for_each(|row| all.push(row));
        all
    };
    let fitted = interacted(&moments(&arms[0]), &moments(&arms[1]), MEAN, &[1]).ok()?;
    let scores = |arm: usize| {
        let mut all = Moments::empty(1);
        for score in arms[arm]
            .iter()
            .filter_map(|row| fitted.scores()[arm].of(row, variance))
        {
            all.push(&[score]);
        }
        all
    };
    fitted.lift(&scores(0), &scores(1), 0, variance, 0.95).absolute.ok()
}

/// Orders of units that come over 28 days, more on their first; the treatment's are (1 + lasting + fades·e^(−t/6)) as many.
fn over_time(r: &mut Rng, lasting: f64, fades: f64) -> Option<Fading> {
    let mut arms = [Moments::empty(3), Moments::empty(3)];
    for _ in 0..600 {
        let treated = r.bernoulli(0.5);
        let followed = 28.0 * r.uniform();
        let rate = 0.3 * r.normal().exp();
        let mut sums = [0.0; 3];
        let mut t = 0.0;
        let factor = |t: f64| {
            if treated {
                1.0 + lasting + fades * (-t / 6.0f64).exp()
            } else {
                1.0
            }
        };
        let most = 1.0 + lasting + fades;
        while t < followed {
            if r.bernoulli(factor(t) / most) {
                let f = (-(t.floor() + 0.5) / 7.0).exp();
                sums = [sums[0] + 1.0, sums[1] + f, sums[2] + f * f];
            }
            t += r.exponential() / (rate * most);
        }
        arms[usize::from(treated)].push(&sums);
    }
    fading(&arms[0], &arms[1], 0.95).ok()
}

fn distributions(report: &mut Report) {
    report.head(
        "What experiments measure beside means: coverage of 95% intervals",
        "covered",
    );
    report.row(
        "quantile_difference",
        "p90 of 1,000 exponential values, 0.5 apart",
        Held::At(0.95),
        &|r| {
            let arm = |r: &mut Rng, shift: f64| (0..1000).map(|_| shift + r.exponential()).collect::<Vec<_>>();
            let (c, t) = (arm(r, 0.0), arm(r, 0.5));
            let found = quantile::difference(&c, &t, 0.9, 0.95, quantile::Error::Woodruff);
            found.absolute.ok().map(|e| covers(&e, 0.5))
        },
    );
    report.row(
        "event_quantile_difference",
        "p90 of latencies of 400 units, slow ones always slow",
        Held::At(0.95),
        &|r| {
            let arm = |r: &mut Rng, shift: f64| {
                let (mut values, mut units) = (Vec::new(), Vec::new());
                for unit in 0..400u64 {
                    let own = r.normal();
                    for _ in 0..1 + r.poisson(4.0) {
                        values.push(shift + (0.5 * own + 0.5 * r.normal()).exp());
                        units.push(unit);
                    }
                }
                (values, units)
            };
            let (c, t) = (arm(r, 0.0), arm(r, 0.3));
            let (c, t) = (
                Events {
                    values: &c.0,
                    units: &c.1,
                },
                Events {
                    values: &t.0,
                    units: &t.1,
                },
            );
            let found = quantile::difference_of_events(c, t, 0.9, 0.95);
            found.absolute.ok().map(|e| covers(&e, 0.3))
        },
    );
    for (variance, held) in [(Variance::Hc2, Held::At(0.95)), (Variance::Hc3, Held::AtLeast(0.95))] {
        let world = "150 units, a third treated, effect 1 + 0.3·x, skewed x, residuals that grow with it";
        report.row(
            &format!("interacted regression, {}", variance.word()),
            world,
            held,
            &|r| {
                let mut arms = [Vec::new(), Vec::new()];
                let mut effect = 0.0;
                for _ in 0..150 {
                    let treated = r.bernoulli(1.0 / 3.0);
                    let x = r.exponential();
                    effect += (1.0 + 0.3 * x) / 150.0;
                    let y = 2.0 * x + if treated { 1.0 + 0.3 * x } else { 0.0 } + r.normal() * (0.5 + 0.5 * x);
                    arms[usize::from(treated)].push(vec![y, x]);
                }
                adjusted(&arms, variance).map(|e| covers(&e, effect))
            },
        );
    }
    report.row(
        "fading, the lasting lift",
        "orders of 600 units over 28 days, 20% that lasts and 60%·e^(−t/6) that fades",
        Held::At(0.95),
        &|r| over_time(r, 0.2, 0.6).map(|f| covers(&f.last, 0.2)),
    );
    report.head("Lifts called fading or growing at 5%, where none is", "called so");
    for (world, lasting) in [("no effect", 0.0), ("a lift of 30% that lasts", 0.3)] {
        report.row("fading", world, Held::At(0.05), &|r| {
            over_time(r, lasting, 0.0).map(|f| significant(&f.fades))
        });
    }
}

/// Looks at which a rule that may be looked at always is planned to be evaluated.
const ALWAYS: u32 = 14;

/// As many units as the rule needs to find 0.5 on a mean of 10 ± 2 with 80%, read at its looks by the method itself.
fn planned(report: &mut Report) {
    report.head(
        "Power by the rule that decides, at the units that were planned for 80%",
        "found",
    );
    let (effect, sd, start) = (0.5, 2.0, 252.0f64);
    let even = |looks: u32| -> Vec<f64> { (1..=looks).map(|k| f64::from(k) / f64::from(looks)).collect() };
    let se = sd * (2.0 / start).sqrt();
    let rules = [
        (
            "group_sequential",
            Rule::GroupSequential(Looks {
                fractions: even(4),
                spending: Spending::ObrienFleming,
            }),
        ),
        (
            "confidence_sequence",
            Rule::ConfidenceSequence {
                looks: ALWAYS,
                tuned: 1.0,
            },
        ),
        (
            "msprt",
            Rule::Msprt {
                looks: ALWAYS,
                tau: 0.5,
            },
        ),
        (
            "bayesian",
            Rule::Bayesian {
                chance: 0.95,
                prior_mean: 0.0,
                prior_sd: Some(0.5),
            },
        ),
    ];
    for (name, rule) in rules {
        let deciding = Deciding {
            rule: rule.clone(),
            alpha: 0.05,
            sides: Sides::Two,
        };
        let Ok(factor) = deciding.units_factor(effect, se, 0.8) else {
            continue;
        };
        let n = (start * factor).ceil() as u64;
        let fractions = match &rule {
            Rule::GroupSequential(looks) => looks.fractions.clone(),
            Rule::Bayesian { .. } => vec![1.0],
            _ => even(ALWAYS),
        };
        let bounds: Vec<f64> = match &rule {
            Rule::GroupSequential(looks) => group_sequential::boundaries(&Design {
                fractions: fractions.clone(),
                alpha: 0.05,
                spending: looks.spending,
                sides: Sides::Two,
                last_is_final: true,
            })
            .map(|all| all.into_iter().map(|l| l.z).collect())
            .unwrap_or_default(),
            _ => Vec::new(),
        };
        report.row(
            &format!("power, {name}"),
            &format!("mean 10 ± 2, effect 0.5, {} look(s): {n} an arm", fractions.len()),
            Held::At(0.8),
            &|r| {
                let (mut c, mut t) = (Moments::empty(1), Moments::empty(1));
                for (k, fraction) in fractions.iter().enumerate() {
                    while (c.count() as f64) < fraction * n as f64 {
                        c.push(&[10.0 + sd * r.normal()]);
                        t.push(&[10.0 + effect + sd * r.normal()]);
                    }
                    let e = lift(&c, &t, &comparison(MEAN, &[])).absolute.ok()?;
                    let found = match &rule {
                        Rule::GroupSequential(_) => e.point / e.se >= *bounds.get(k)?,
                        Rule::ConfidenceSequence { .. } => {
                            let tuned = 2.0 * n as f64;
                            confidence_sequence(e.point, e.se, e.n, 0.95, tuned, Sides::Two)
                                .ok()?
                                .low
                                > 0.0
                        }
                        Rule::Msprt { tau, .. } => msprt(&[(e.point, e.se)], *tau, e.n, 0.95).ok()?.estimate.low > 0.0,
                        _ => {
                            let prior = NormalPrior { mean: 0.0, sd: 0.5 };
                            let found = bayes::normal(e.point, e.se, e.n, Some(prior), 0.95, Better::Higher);
                            found.ok()?.chance_to_win >= 0.95
                        }
                    };
                    if found {
                        return Some(true);
                    }
                }
                Some(false)
            },
        );
    }
    clustered_power(report);
    quantile_power(report);
}

/// Clusters of 20 units whose ICC is 0.05: as many as the design effect asks for.
fn clustered_power(report: &mut Report) {
    let mut plan = Plan::new(Metric::Mean { mean: 10.0, sd: 2.0 }, 0.05);
    plan.clusters = Some(Clusters {
        size: 20.0,
        icc: 0.05,
        cv: 0.0,
    });
    plan.test = Test::T;
    let Ok(size) = plan.required(0.5, 0.8) else { return };
    let k = size.clusters.unwrap_or(0).div_ceil(2);
    report.row(
        "power, clusters",
        &format!("mean 10 ± 2, ICC 0.05, effect 0.5: {k} clusters of 20 an arm"),
        Held::At(0.8),
        &|r| {
            // Means of clusters of one size: their t test is the cluster-robust one.
            let arm = |r: &mut Rng, mean: f64| {
                let mut all = Moments::empty(1);
                for _ in 0..k {
                    let own = 2.0 * 0.05f64.sqrt() * r.normal();
                    let sum: f64 = (0..20).map(|_| mean + own + 2.0 * 0.95f64.sqrt() * r.normal()).sum();
                    all.push(&[sum / 20.0]);
                }
                all
            };
            let (c, t) = (arm(r, 10.0), arm(r, 10.5));
            let e = lift(&c, &t, &comparison(MEAN, &[])).absolute.ok()?;
            Some(e.low > 0.0)
        },
    );
}

/// A median of exponential values, planned anew in each run from a history of 40,000 compared with itself.
fn quantile_power(report: &mut Report) {
    let draw =
        |r: &mut Rng, n: u64, shift: f64| -> Vec<f64> { (0..n).map(|_| shift - r.uniform_open().ln()).collect() };
    let compare = |c: &[f64], t: &[f64]| {
        quantile::difference(c, t, 0.5, 0.95, quantile::Error::Woodruff)
            .absolute
            .ok()
    };
    report.row(
        "power, quantile",
        "medians of exponential values, 0.2 apart, each planned from a history of 40,000",
        Held::At(0.8),
        &|r| {
            let history = draw(r, 40_000, 0.0);
            let sd = compare(&history, &history)?.se * (history.len() as f64 / 2.0).sqrt();
            let plan = Plan::new(Metric::Mean { mean: 0.69, sd }, 0.05);
            let n = plan.required(0.2, 0.8).ok()?.control;
            Some(compare(&draw(r, n, 0.0), &draw(r, n, 0.2))?.low > 0.0)
        },
    );
}

fn main() {
    println!("# Simulations\n");
    println!("Worlds whose truth is known, {RUNS} runs each (fewer where a run integrates), seed {SEED}. Made by");
    println!("`cargo run --release -p steward-stats --example simulate > docs/guide/simulations.md`.");
    println!(
        "*Held*: within four binomial standard errors of the nominal value, or on the safe side where the method promises a bound."
    );
    println!(
        "Smaller versions run as tests of steward-stats, and there intervals after a sequential stop and readouts of bandits too; on Larkspur, `crates/demo/tests/it/coverage.rs` holds intervals of the"
    );
    println!(
        "experiments to their paired truths, and `crates/steward/tests/it/larkspur/truths.rs` each of E1 to E9, at full scale, to its own."
    );
    let mut report = Report {
        rows: 0,
        missed: 0,
        only: std::env::args().skip(1).collect(),
        shown: true,
    };
    fixed(&mut report);
    many(&mut report);
    sequential(&mut report);
    power(&mut report);
    distributions(&mut report);
    planned(&mut report);
    designs::designs(&mut report);
    bandits::bandits(&mut report);
    println!("\n{} of {} rows not held.", report.missed, report.rows);
    println!(
        "\nNot held: with few effects of unlike standard errors Hartung–Knapp's interval is short where its scale falls below 1"
    );
    println!(
        "(Röver, Knapp & Friede 2015); with fewer than about ten effects read it beside the one without. A quantile's standard error comes from the few dozen order statistics"
    );
    println!("about it: at some hundred units it is itself uncertain, and planned power is about three points short.");
}
