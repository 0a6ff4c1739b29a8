//! Brings the experiment's method to every metric, then corrects for several comparisons.

use steward_definitions::{Alternative, Direction, Experiment, Inference, InferenceMethod};
use steward_stats::bayes::NormalPrior;
use steward_stats::fieller::{fieller_at, of_arms};
use steward_stats::group_sequential::{self, Sides};
use steward_stats::{Comparison, Estimate, Moments, NotEstimable, bayes};

use super::analyse::{Analysis, Asked, NOISY, comparison, guardrail};
use super::cells::Cell;
use super::looks::{self, Look};
use super::methods::{Method, Seen, better, sides};
use super::readout::*;

/// Time as the method sees it.
pub struct Clock<'a> {
    /// Planned looks (group sequential).
    pub looks: &'a [Look],
    /// Share of the plan at this moment.
    pub fraction: Option<f64>,
}

/// One metric of one treatment, to be concluded.
pub(super) struct Subject<'a> {
    pub asked: &'a Asked,
    pub arm: usize,
    pub direction: Direction,
    pub seen: Vec<Seen>,
    /// Looks that `seen` comes from.
    of: Vec<usize>,
}

fn refused(not_estimable: NotEstimable) -> Answer {
    Answer::Refused { not_estimable }
}

fn excludes_zero(e: &Estimate) -> bool {
    e.low > 0.0 || e.high < 0.0
}

/// How many standard errors an interval reaches from its point.
fn reach(e: &Estimate) -> f64 {
    let width = (e.point - e.low).min(e.high - e.point);
    width / e.se
}

pub(super) fn alternative(experiment: &Experiment, role: Role) -> Alternative {
    // Harm must be seen, whatever is hoped for.
    match role {
        Role::Guardrail => Alternative::TwoSided,
        _ => experiment.inference.alternative,
    }
}

pub(super) fn word(alternative: Alternative) -> &'static str {
    match alternative {
        Alternative::TwoSided => "two_sided",
        Alternative::Greater => "greater",
        Alternative::Less => "less",
    }
}

impl Analysis<'_> {
    /// Concludes what [`Analysis::metrics`] compared as if it were the only look, in the same order.
    pub(super) fn conclude(&self, all: &mut [MetricReadout]) {
        let mut subjects = Vec::new();
        for asked in self.asked {
            let definition = self.project.metrics.get(&asked.name);
            let direction = definition.map(|m| m.experiment.direction).unwrap_or_default();
            for arm in self.treatments() {
                let (seen, of) = self.seen(asked, arm);
                subjects.push(Subject {
                    asked,
                    arm,
                    direction,
                    seen,
                    of,
                });
            }
        }
        for (m, subject) in all.iter_mut().zip(&subjects) {
            self.conclude_one(m, subject);
        }
        self.correct(all, &subjects);
        for (m, subject) in all.iter_mut().zip(&subjects) {
            if subject.asked.role == Role::Guardrail {
                m.guardrail = guardrail(m, subject.direction, subject.asked.margin.unwrap_or(0.0));
            }
        }
    }

    pub(super) fn alpha(&self) -> f64 {
        self.experiment.alpha
    }

    pub(super) fn method<'m>(&'m self, subject: &'m Subject, baseline: f64) -> Method<'m> {
        let last = subject.seen.last().map_or(0.0, |s| s.fraction);
        let ended = subject
            .of
            .last()
            .and_then(|&i| self.clock.looks.get(i))
            .is_some_and(|l| l.last);
        let now = self.clock.fraction.map(|f| f.min(0.999));
        Method {
            inference: &self.experiment.inference,
            alpha: self.alpha(),
            sides: sides(alternative(self.experiment, subject.asked.role), subject.direction),
            baseline,
            seen: &subject.seen,
            now: now.filter(|f| !ended && last < 1.0 && *f > last + 1e-3),
        }
    }

    /// The effect at every look reached, where it could be estimated.
    fn seen(&self, asked: &Asked, arm: usize) -> (Vec<Seen>, Vec<usize>) {
        let (mut seen, mut of) = (Vec::new(), Vec::new());
        let Ok(metric) = asked.measured else { return (seen, of) };
        for (i, look) in self.clock.looks.iter().enumerate().filter(|(_, l)| l.reached) {
            let control = looks::cell(look, self.cells, self.control());
            let treatment = looks::cell(look, self.cells, arm);
            if let Ok(lift) = self.compare(&control, &treatment, metric, true)
                && let Ok(e) = lift.absolute
            {
                seen.push(Seen {
                    fraction: look.fraction,
                    point: e.point,
                    se: e.se,
                });
                of.push(i);
            }
        }
        (seen, of)
    }

    fn conclude_one(&self, m: &mut MetricReadout, subject: &Subject) {
        let inference = &self.experiment.inference;
        m.inference = MetricInference {
            method: inference.method.word().into(),
            alternative: word(alternative(self.experiment, subject.asked.role)).into(),
            information_fraction: match inference.method {
                InferenceMethod::GroupSequential { .. } => subject.seen.last().map(|s| s.fraction),
                _ => self.clock.fraction,
            },
            ..MetricInference::default()
        };
        let Some(nominal) = m.absolute.estimate().cloned() else {
            return;
        };
        let baseline = m.control_value.estimate().map_or(0.0, |c| c.point.abs());
        let method = self.method(subject, baseline);
        if inference.method != InferenceMethod::Fixed {
            m.inference.nominal = Some(RawLift {
                absolute: m.absolute.clone(),
                relative: m.relative.clone(),
            });
        }
        let plain = inference.method == InferenceMethod::Fixed && method.sides == Sides::Two;
        if !plain {
            match self.at(&method, &nominal, &m.relative, subject, self.alpha()) {
                Ok((absolute, relative)) => {
                    m.absolute = Answer::Estimate(absolute);
                    m.relative = relative;
                }
                Err(e) => {
                    m.absolute = refused(e.clone());
                    m.not_estimable = Some(e);
                    m.significant = false;
                    return;
                }
            }
        }
        let concluded = m.absolute.estimate();
        m.significant = match inference.method {
            InferenceMethod::Bayesian { .. } => concluded.is_some_and(excludes_zero),
            _ => concluded.and_then(|e| e.p).is_some_and(|p| p < self.alpha()),
        };
        match &inference.method {
            InferenceMethod::Fixed => {}
            InferenceMethod::AlwaysValid { .. } | InferenceMethod::Msprt { .. } => {
                m.inference.boundary_crossed = concluded.map(excludes_zero);
            }
            InferenceMethod::GroupSequential { .. } => self.looked(m, &method, subject, nominal.n),
            InferenceMethod::Bayesian { prior } => {
                if let Ok(p) = method.posterior(&nominal, *prior, subject.direction, self.alpha()) {
                    let relative = |x: f64| Some(x / baseline).filter(|x| x.is_finite());
                    let factor = match prior.scale {
                        steward_definitions::EffectScale::Relative => baseline,
                        steward_definitions::EffectScale::Absolute => 1.0,
                    };
                    m.inference.posterior = Some(PosteriorReadout {
                        chance_to_win: p.chance_to_win,
                        risk_of_shipping: p.risk_ship,
                        risk_of_keeping: p.risk_keep,
                        relative_risk_of_shipping: relative(p.risk_ship),
                        relative_risk_of_keeping: relative(p.risk_keep),
                        prior_mean: prior.mean * factor,
                        prior_sd: prior.sd * factor,
                    });
                }
            }
        }
    }

    /// The absolute and the relative lift by the method at error `alpha`. `relative` is that of one look.
    pub(super) fn at(
        &self,
        method: &Method,
        nominal: &Estimate,
        relative: &Answer,
        subject: &Subject,
        alpha: f64,
    ) -> Result<(Estimate, Answer), NotEstimable> {
        let absolute = method.interval(nominal, alpha)?;
        let relative = match relative {
            Answer::Refused { .. } => relative.clone(),
            Answer::Estimate(r) => match &method.inference.method {
                InferenceMethod::Bayesian { prior } => {
                    let factor = match prior.scale {
                        steward_definitions::EffectScale::Relative => 1.0,
                        steward_definitions::EffectScale::Absolute => 1.0 / method.baseline,
                    };
                    let normal = NormalPrior {
                        mean: prior.mean,
                        sd: prior.sd,
                    };
                    bayes::normal(
                        r.point,
                        r.se,
                        r.n,
                        Some(normal.rescaled(factor)),
                        1.0 - alpha,
                        better(subject.direction),
                    )
                    .map(|p| p.estimate)
                    .into()
                }
                _ => self.relative(method.sides, &absolute, r, subject).into(),
            },
        };
        Ok((absolute, relative))
    }

    /// The relative lift as many standard errors wide as the absolute one; by Fieller's theorem where the control is
    /// noisy, or where the two would disagree about 0.
    pub(super) fn relative(
        &self,
        sides: Sides,
        absolute: &Estimate,
        one_look: &Estimate,
        subject: &Subject,
    ) -> Result<Estimate, NotEstimable> {
        let q = reach(absolute);
        let width = if q.is_finite() { q * one_look.se } else { f64::INFINITY };
        let delta = Estimate {
            low: if sides == Sides::Less {
                f64::NEG_INFINITY
            } else {
                one_look.point - width
            },
            high: if sides == Sides::Greater {
                f64::INFINITY
            } else {
                one_look.point + width
            },
            level: absolute.level,
            p: absolute.p,
            method: format!("{}, relative", absolute.method),
            ..one_look.clone()
        };
        let agree = excludes_zero(absolute) == excludes_zero(&delta);
        if !q.is_finite() || q < 0.0 {
            return Ok(delta);
        }
        let labelled = |found: Estimate| Estimate {
            level: absolute.level,
            p: absolute.p,
            method: format!("{}, relative by fieller", absolute.method),
            ..found
        };
        let Some((control, treatment, comparison)) = self.moments(subject) else {
            let Some((control, treatment)) = self.arms(subject) else {
                return Ok(delta);
            };
            if agree && control.se <= NOISY * control.point.abs() {
                return Ok(delta);
            }
            return match of_arms(control, treatment, absolute.df, Some(q), sides) {
                Ok(found) => Ok(labelled(found)),
                Err(refusal) if !agree => Err(refusal),
                Err(_) => Ok(delta),
            };
        };
        let noisy = steward_stats::lift(&control, &treatment, &comparison)
            .control
            .is_ok_and(|c| c.se > NOISY * c.point.abs());
        if agree && !noisy {
            return Ok(delta);
        }
        match fieller_at(&control, &treatment, &comparison, q, sides) {
            Ok(found) => Ok(labelled(found)),
            Err(refusal) if !agree => Err(refusal),
            Err(_) => Ok(delta),
        }
    }

    /// Both arms of a lift that does not come from the moments, independent of each other.
    pub(super) fn arms(&self, subject: &Subject) -> Option<(&Estimate, &Estimate)> {
        if self.designed.is_some() {
            return None;
        }
        let at = *subject.asked.measured.as_ref().ok()?;
        let lift = self.apart.get(&(at, subject.arm))?.as_ref().ok()?;
        Some((lift.control.as_ref().ok()?, lift.treatment.as_ref().ok()?))
    }

    /// Moments of control and treatment now; none where the lift does not come from them.
    pub(super) fn moments(&self, subject: &Subject) -> Option<(Moments, Moments, Comparison)> {
        if self.designed.is_some() {
            return None;
        }
        let at = *subject.asked.measured.as_ref().ok()?;
        let metric = self.metrics.get(at)?;
        if self.apart.contains_key(&(at, subject.arm)) {
            return None;
        }
        let of = |arm: usize| -> Option<Moments> {
            let cell: Cell = self.cells.total(arm as i64);
            cell.moments.get(&at).filter(|m| m.count() > 0).cloned()
        };
        let control = of(self.control())?;
        let treatment = of(subject.arm)?;
        Some((control, treatment, comparison(metric, true, self.alpha())))
    }

    /// The looks of a group sequential test, past and to come.
    fn looked(&self, m: &mut MetricReadout, method: &Method, subject: &Subject, n: u64) {
        let InferenceMethod::GroupSequential { spending, .. } = self.experiment.inference.method else {
            return;
        };
        let crossed = method
            .crossed(spending, self.alpha())
            .ok()
            .and_then(|(at, _)| at)
            .and_then(|at| subject.of.get(at).copied());
        // Boundaries of the looks to come, should they come as planned.
        let mut fractions: Vec<f64> = subject.seen.iter().map(|s| s.fraction).collect();
        let mut index: Vec<usize> = subject.of.clone();
        for (i, look) in self.clock.looks.iter().enumerate().filter(|(_, l)| !l.reached) {
            if look.fraction > fractions.last().copied().unwrap_or(0.0) + 1e-3 {
                fractions.push(look.fraction);
                index.push(i);
            }
        }
        let bounds =
            group_sequential::boundaries(&method.design(fractions, spending, self.alpha())).unwrap_or_default();
        for (i, look) in self.clock.looks.iter().enumerate() {
            let bound = index.iter().position(|at| *at == i).and_then(|k| bounds.get(k));
            let seen = subject
                .of
                .iter()
                .position(|at| *at == i)
                .and_then(|k| subject.seen.get(k));
            let units = look.reached.then(|| {
                let of = |arm: usize| looks::cell(look, self.cells, arm).ripe;
                of(self.control()) + of(subject.arm)
            });
            let finite = |z: f64| Some(z).filter(|z| z.is_finite());
            m.inference.looks.push(LookReadout {
                day: look.day.clone(),
                information_fraction: look.fraction,
                reached: look.reached,
                units,
                point: seen.map(|s| s.point),
                se: seen.map(|s| s.se),
                z: seen.and_then(|s| finite(s.point / s.se)),
                boundary_z: bound.and_then(|b| finite(b.z)),
                boundary_p: bound.map(|b| b.nominal_p),
                alpha_spent: bound.map(|b| b.spent),
                crossed: seen.map(|_| Some(i) == crossed),
            });
        }
        m.inference.boundary_crossed = (!subject.seen.is_empty()).then_some(crossed.is_some());
        m.inference.crossed_on = crossed.and_then(|i| self.clock.looks.get(i)?.day.clone());
        m.significant = crossed.is_some();
        let ended = subject
            .of
            .last()
            .and_then(|&i| self.clock.looks.get(i))
            .is_some_and(|l| l.last);
        if crossed.is_some() || ended {
            let used = subject
                .of
                .iter()
                .position(|i| Some(*i) == crossed)
                .map_or(subject.seen.len(), |k| k + 1);
            let seen = subject.seen.get(..used).unwrap_or_default();
            let design = method.design(seen.iter().map(|s| s.fraction).collect(), spending, self.alpha());
            let estimates: Vec<(f64, f64)> = seen.iter().map(|s| (s.point, s.se)).collect();
            let found = group_sequential::analyse(&design, &estimates, n).map(|s| s.adjusted);
            m.inference.adjusted_estimate = Some(found.into());
        }
    }

    /// The daily path by the method: always-valid and credible intervals of each day; for group sequential tests the
    /// boundary on the days of the looks.
    pub(super) fn conclude_path(&self, path: &mut DailyPath, asked: &Asked, arm: usize, looks: &[LookReadout]) {
        let definition = self.project.metrics.get(&asked.name);
        let direction = definition.map(|m| m.experiment.direction).unwrap_or_default();
        let subject = Subject {
            asked,
            arm,
            direction,
            seen: Vec::new(),
            of: Vec::new(),
        };
        for point in &mut path.points {
            let Some(nominal) = point.absolute.estimate().cloned() else {
                continue;
            };
            point.z = Some(nominal.point / nominal.se).filter(|z| z.is_finite());
            match self.experiment.inference.method {
                InferenceMethod::GroupSequential { .. } => {
                    let next = point
                        .day
                        .parse::<jiff::civil::Date>()
                        .ok()
                        .and_then(|d| d.tomorrow().ok());
                    let next = next.map(|d| d.to_string());
                    let here = looks.iter().find(|l| next.is_some() && l.day == next);
                    point.boundary_z = here.and_then(|l| l.boundary_z);
                }
                InferenceMethod::Fixed => {}
                _ => {
                    let baseline = match point.relative.estimate() {
                        Some(r) if r.point != 0.0 => (nominal.point / r.point).abs(),
                        _ => 0.0,
                    };
                    let method = self.method(&subject, baseline);
                    match method.interval(&nominal, self.alpha()) {
                        Ok(absolute) => {
                            if let Answer::Estimate(r) = &point.relative {
                                let q = reach(&absolute) * r.se;
                                let shift = match method.inference.method {
                                    // A posterior's centre is pulled towards the prior, on either scale alike.
                                    InferenceMethod::Bayesian { .. } => absolute.point / baseline,
                                    _ => r.point,
                                };
                                let q = match method.inference.method {
                                    InferenceMethod::Bayesian { .. } => reach(&absolute) * absolute.se / baseline,
                                    _ => q,
                                };
                                point.relative = Answer::Estimate(Estimate {
                                    point: shift,
                                    low: if absolute.low.is_finite() {
                                        shift - q
                                    } else {
                                        absolute.low
                                    },
                                    high: if absolute.high.is_finite() {
                                        shift + q
                                    } else {
                                        absolute.high
                                    },
                                    p: absolute.p,
                                    method: absolute.method.clone(),
                                    ..r.clone()
                                });
                            }
                            point.absolute = Answer::Estimate(absolute);
                        }
                        Err(e) => {
                            point.absolute = refused(e.clone());
                            point.relative = refused(e);
                        }
                    }
                }
            }
        }
    }
}

/// What the readout says of its method as a whole.
pub fn overall(
    experiment: &Experiment,
    metrics: &[MetricReadout],
    looks: &[Look],
    status: ExperimentStatus,
    counted_units: u64,
) -> ExperimentInference {
    let Inference {
        method,
        alternative,
        planned_units,
    } = &experiment.inference;
    let ended = status == ExperimentStatus::Ended;
    let crossed = metrics
        .iter()
        .any(|m| m.role == Role::Primary && m.significant && m.inference.boundary_crossed == Some(true));
    ExperimentInference {
        method: method.word().into(),
        alternative: word(*alternative).into(),
        planned_units: *planned_units,
        counted_units,
        may_stop: ended
            || match method {
                InferenceMethod::AlwaysValid { .. } | InferenceMethod::Msprt { .. } => true,
                InferenceMethod::GroupSequential { .. } => crossed,
                InferenceMethod::Fixed | InferenceMethod::Bayesian { .. } => false,
            },
        early_look: status == ExperimentStatus::Running && *method == InferenceMethod::Fixed,
        next_look: looks.iter().find(|l| !l.reached).and_then(|l| l.day.clone()),
    }
}
