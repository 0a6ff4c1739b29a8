//! The method of an experiment brought to one metric of one treatment: intervals, p-values and boundaries that say what
//! the method says, at any level, so that a corrected decision and its interval agree.

use steward_definitions::{
    Alternative, Direction, EffectPrior, EffectScale, Inference, InferenceMethod, Spending as Planned,
};
use steward_stats::bayes::{self, Better, NormalPrior};
use steward_stats::confidence_sequence::confidence_sequence;
use steward_stats::group_sequential::{self, Design, Sides, Spending};
use steward_stats::msprt::msprt;
use steward_stats::one_sided::one_sided;
use steward_stats::{Estimate, NotEstimable, Reason};

/// Units at which always-valid intervals are tightest when nothing is planned.
const USUAL_TUNING: u64 = 5_000;

/// A look of a group sequential test at one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Information fraction.
    pub fraction: f64,
    /// Treatment − control as it stood then.
    pub point: f64,
    /// Its standard error.
    pub se: f64,
}

/// What a method needs to know about one metric of one treatment.
pub struct Method<'a> {
    /// As defined.
    pub inference: &'a Inference,
    /// Error of the experiment: what always-valid intervals are tuned at.
    pub alpha: f64,
    /// On which side an effect counts, in the metric's own sign.
    pub sides: Sides,
    /// Size of the control's value: what relative quantities are multiplied by.
    pub baseline: f64,
    /// Looks reached, oldest first (group sequential).
    pub seen: &'a [Seen],
    /// Information fraction of this moment, if it is no look.
    pub now: Option<f64>,
}

/// The side on which effects count, in the sign of the metric.
pub fn sides(alternative: Alternative, direction: Direction) -> Sides {
    match (alternative, direction) {
        (Alternative::TwoSided, _) => Sides::Two,
        (Alternative::Greater, Direction::Increase) | (Alternative::Less, Direction::Decrease) => Sides::Greater,
        (Alternative::Less, Direction::Increase) | (Alternative::Greater, Direction::Decrease) => Sides::Less,
    }
}

/// Which way is good.
pub fn better(direction: Direction) -> Better {
    match direction {
        Direction::Increase => Better::Higher,
        Direction::Decrease => Better::Lower,
    }
}

pub(super) fn spending(planned: Planned) -> Spending {
    match planned {
        Planned::ObrienFleming => Spending::ObrienFleming,
        Planned::Pocock => Spending::Pocock,
        Planned::KimDemets { rho } => Spending::KimDemets { power: rho },
    }
}

impl Method<'_> {
    /// The estimate of one look with the interval and p-value of the method, at error `alpha`.
    ///
    /// Group sequential: the repeated interval, at the boundary of the last look reached; p is the repeated p-value, the
    /// least error at which any look reached would have crossed, and there is none before the first look.
    pub fn interval(&self, look: &Estimate, alpha: f64) -> Result<Estimate, NotEstimable> {
        let level = 1.0 - alpha;
        match &self.inference.method {
            InferenceMethod::Fixed => {
                let same = Estimate { level, ..look.clone() };
                match self.sides {
                    Sides::Two => Estimate::new(look.point, look.se, look.df, look.n, level, look.method.as_str()),
                    sides => one_sided(&same, sides),
                }
            }
            InferenceMethod::AlwaysValid { tuned_for } => {
                let tuned = tuned_for.or(self.inference.planned_units).unwrap_or(USUAL_TUNING);
                // One mixture for every level, or a corrected decision and its interval would not agree.
                let weight = |alpha: f64| {
                    let alpha = if self.sides == Sides::Two {
                        alpha
                    } else {
                        (2.0 * alpha).min(0.999)
                    };
                    let log = -2.0 * alpha.ln();
                    log + log.ln_1p()
                };
                let tuned = tuned as f64 * weight(alpha) / weight(self.alpha);
                let found = confidence_sequence(look.point, look.se, look.n, level, tuned, self.sides)?;
                let method = format!("{}, confidence sequence", look.method);
                Ok(Estimate { method, ..found })
            }
            InferenceMethod::Msprt { tau, scale } => {
                let tau = tau * self.factor(*scale, "tau")?;
                Ok(msprt(&[(look.point, look.se)], tau, look.n, level)?.estimate)
            }
            InferenceMethod::GroupSequential { spending: planned, .. } => {
                let mut fractions: Vec<f64> = self.seen.iter().map(|s| s.fraction).collect();
                fractions.extend(self.now);
                let bounds = group_sequential::boundaries(&self.design(fractions, *planned, alpha))?;
                let z = bounds.last().map_or(f64::INFINITY, |l| l.z);
                let (low, high) = match self.sides {
                    Sides::Two => (look.point - z * look.se, look.point + z * look.se),
                    Sides::Greater => (look.point - z * look.se, f64::INFINITY),
                    Sides::Less => (f64::NEG_INFINITY, look.point + z * look.se),
                };
                Ok(Estimate {
                    low,
                    high,
                    level,
                    p: self.repeated_p(*planned)?,
                    method: format!("{}, group sequential, repeated interval", look.method),
                    ..look.clone()
                })
            }
            InferenceMethod::Bayesian { prior } => {
                Ok(self.posterior(look, *prior, Direction::Increase, alpha)?.estimate)
            }
        }
    }

    /// What is believed after the data, about an absolute effect.
    pub fn posterior(
        &self,
        look: &Estimate,
        prior: EffectPrior,
        direction: Direction,
        alpha: f64,
    ) -> Result<bayes::Posterior, NotEstimable> {
        let factor = self.factor(prior.scale, "the prior")?;
        let normal = NormalPrior {
            mean: prior.mean,
            sd: prior.sd,
        };
        bayes::normal(
            look.point,
            look.se,
            look.n,
            Some(normal.rescaled(factor)),
            1.0 - alpha,
            better(direction),
        )
    }

    /// From the unit of a setting to that of the absolute effect.
    fn factor(&self, scale: EffectScale, what: &str) -> Result<f64, NotEstimable> {
        match scale {
            EffectScale::Absolute => Ok(1.0),
            EffectScale::Relative if self.baseline > 0.0 && self.baseline.is_finite() => Ok(self.baseline),
            EffectScale::Relative => Err(NotEstimable::new(
                Reason::ZeroBaseline,
                format!("{what} is relative, and the control is {}", self.baseline),
                "give it with `scale: absolute`, or wait until the control is away from 0",
            )),
        }
    }

    /// The design of looks at some fractions. Whoever reaches the plan's end has spent everything.
    pub(super) fn design(&self, fractions: Vec<f64>, planned: Planned, alpha: f64) -> Design {
        Design {
            fractions,
            alpha,
            spending: spending(planned),
            sides: self.sides,
            last_is_final: false,
        }
    }

    /// The first look reached that crosses its boundary at error `alpha`, with all boundaries.
    pub fn crossed(
        &self,
        planned: Planned,
        alpha: f64,
    ) -> Result<(Option<usize>, Vec<group_sequential::Look>), NotEstimable> {
        if self.seen.is_empty() {
            return Ok((None, Vec::new()));
        }
        let fractions = self.seen.iter().map(|s| s.fraction).collect();
        let looks = group_sequential::boundaries(&self.design(fractions, planned, alpha))?;
        let crosses = |seen: &Seen, bound: f64| {
            let z = seen.point / seen.se;
            match self.sides {
                Sides::Two => z.abs() >= bound,
                Sides::Greater => z >= bound,
                Sides::Less => -z >= bound,
            }
        };
        let at = self.seen.iter().zip(&looks).position(|(s, l)| crosses(s, l.z));
        Ok((at, looks))
    }

    /// The least error at which a look reached would have crossed; `None` before the first look.
    fn repeated_p(&self, planned: Planned) -> Result<Option<f64>, NotEstimable> {
        if self.seen.is_empty() {
            return Ok(None);
        }
        let (mut low, mut high) = (1e-12f64.ln(), (1.0f64 - 1e-9).ln());
        if self.crossed(planned, low.exp())?.0.is_some() {
            return Ok(Some(low.exp()));
        }
        if self.crossed(planned, high.exp())?.0.is_none() {
            return Ok(Some(1.0));
        }
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            match self.crossed(planned, middle.exp())?.0 {
                Some(_) => high = middle,
                None => low = middle,
            }
        }
        Ok(Some(high.exp()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use steward_definitions::Looks;
    use steward_stats::Rng;

    fn sequential(spending: Planned) -> Inference {
        Inference {
            method: InferenceMethod::GroupSequential {
                spending,
                looks: Looks::Number(4),
            },
            ..Inference::default()
        }
    }

    fn method<'a>(inference: &'a Inference, seen: &'a [Seen]) -> Method<'a> {
        Method {
            inference,
            alpha: 0.05,
            sides: Sides::Two,
            baseline: 10.0,
            seen,
            now: None,
        }
    }

    fn look(point: f64, se: f64, n: u64) -> Estimate {
        Estimate::new(point, se, None, n, 0.95, "z").unwrap()
    }

    #[test]
    fn interval_and_p_agree_at_every_level() {
        let seen = [
            Seen {
                fraction: 0.25,
                point: 2.0,
                se: 1.0,
            },
            Seen {
                fraction: 0.6,
                point: 1.7,
                se: 0.65,
            },
        ];
        for inference in [
            sequential(Planned::ObrienFleming),
            sequential(Planned::Pocock),
            Inference {
                method: InferenceMethod::AlwaysValid { tuned_for: Some(4000) },
                ..Inference::default()
            },
            Inference {
                method: InferenceMethod::Msprt {
                    tau: 0.1,
                    scale: EffectScale::Relative,
                },
                ..Inference::default()
            },
            Inference::default(),
        ] {
            let m = method(&inference, &seen[1..]);
            let e = look(1.7, 0.65, 3000);
            let p = m.interval(&e, 0.05).unwrap().p.unwrap();
            assert!(p > 0.0 && p < 1.0, "{inference:?}: {p}");
            for (alpha, rejects) in [(p * 1.001, true), (p * 0.999, false)] {
                let i = m.interval(&e, alpha).unwrap();
                assert_eq!(i.low > 0.0 || i.high < 0.0, rejects, "{inference:?} at {alpha}: {i:?}");
            }
        }
        // Two looks: the repeated p is that of the look that would have crossed first.
        let inference = sequential(Planned::ObrienFleming);
        let both = method(&inference, &seen)
            .interval(&look(1.7, 0.65, 3000), 0.05)
            .unwrap();
        let (crossed, looks) = method(&inference, &seen).crossed(Planned::ObrienFleming, 0.05).unwrap();
        assert_eq!(crossed, None);
        assert!(both.p.unwrap() > 0.05 && both.high - 1.7 > 1.96 * 0.65);
        assert!((looks[0].z - 4.332_6).abs() < 1e-3, "{}", looks[0].z);
    }

    /// Under no effect, the chance of ever rejecting while peeking stays below alpha: 2,000 experiments of 40 batches.
    #[test]
    fn peeking_all_the_time_keeps_the_error() {
        const RUNS: u64 = 2000;
        const BATCHES: usize = 40;
        let planned = (BATCHES * 100) as u64;
        let always = Inference {
            method: InferenceMethod::AlwaysValid { tuned_for: None },
            planned_units: Some(planned),
            ..Inference::default()
        };
        let mixture = Inference {
            method: InferenceMethod::Msprt {
                tau: 0.1,
                scale: EffectScale::Relative,
            },
            ..Inference::default()
        };
        let looks = sequential(Planned::Pocock);
        let mut wrong = [0u64; 4];
        for run in 0..RUNS {
            let mut rng = Rng::keyed(20_260_101, &[run]);
            let (mut sum, mut rejected) = (0.0, [false; 4]);
            let mut seen = Vec::new();
            for batch in 1..=BATCHES {
                // Each batch adds 100 units to the comparison; the difference of means has variance 4/n per unit.
                sum += rng.normal() * 10.0;
                let n = (batch * 100) as f64;
                let (point, se) = (2.0 * sum / n, 2.0 / n.sqrt());
                let e = look(point, se, n as u64);
                let out = |i: Estimate| i.low > 0.0 || i.high < 0.0;
                rejected[0] |= out(method(&always, &[]).interval(&e, 0.05).unwrap());
                rejected[1] |= out(method(&mixture, &[]).interval(&e, 0.05).unwrap());
                if batch % 10 == 0 {
                    let fraction = batch as f64 / BATCHES as f64;
                    seen.push(Seen { fraction, point, se });
                    rejected[2] |= method(&looks, &seen)
                        .crossed(Planned::Pocock, 0.05)
                        .unwrap()
                        .0
                        .is_some();
                }
                rejected[3] |= e.p.unwrap() < 0.05;
            }
            (0..4).for_each(|i| wrong[i] += u64::from(rejected[i]));
        }
        // Four binomial standard errors above 5%.
        let most = (0.05 + 4.0 * (0.05f64 * 0.95 / RUNS as f64).sqrt()) * RUNS as f64;
        assert!(wrong[..3].iter().all(|w| (*w as f64) < most), "{wrong:?} of {RUNS}");
        // Group sequential spends all of it; peeking at fixed-horizon p-values is wrong several times as often.
        assert!(
            wrong[2] as f64 > 0.03 * RUNS as f64 && wrong[3] > 4 * wrong[2],
            "{wrong:?}"
        );
    }
}
