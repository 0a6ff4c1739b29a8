//! Brings the experiment's method to every metric, then corrects for several comparisons.

use steward_definitions::{Alternative, Direction, Experiment, Inference, InferenceMethod};
use steward_stats::bayes::NormalPrior;
use steward_stats::fieller::fieller_at;
use steward_stats::group_sequential::{self, Sides};
use steward_stats::{Comparison, Estimate, Moments, NotEstimable, bayes};

use super::analyse::{Analysis, Asked, NOISY, comparison, guardrail};
use super::cells::Cell;
use super::correct::{Compared, Corrected, Effect, correct};
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
struct Subject<'a> {
    asked: &'a Asked,
    arm: usize,
    direction: Direction,
    seen: Vec<Seen>,
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

    fn alpha(&self) -> f64 {
        self.experiment.alpha
    }

    fn method<'m>(&'m self, subject: &'m Subject, baseline: f64) -> Method<'m> {
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
    fn at(
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
    fn relative(
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
        let Some((control, treatment, comparison)) = self.moments(subject) else {
            return Ok(delta);
        };
        let noisy = steward_stats::lift(&control, &treatment, &comparison)
            .control
            .is_ok_and(|c| c.se > NOISY * c.point.abs());
        if agree && !noisy {
            return Ok(delta);
        }
        match fieller_at(&control, &treatment, &comparison, q, sides) {
            Ok(found) => Ok(Estimate {
                level: absolute.level,
                p: absolute.p,
                method: format!("{}, relative by fieller", absolute.method),
                ..found
            }),
            Err(refusal) if !agree => Err(refusal),
            Err(_) => Ok(delta),
        }
    }

    /// Moments of control and treatment now; none where the lift does not come from them.
    fn moments(&self, subject: &Subject) -> Option<(Moments, Moments, Comparison)> {
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

    /// Corrects over the families that the correction names, and shows each interval at the level of its decision.
    fn correct(&self, all: &mut [MetricReadout], subjects: &[Subject]) {
        let alpha = self.alpha();
        let mut at = Vec::new();
        let mut compared = Vec::new();
        for (i, (m, subject)) in all.iter().zip(subjects).enumerate() {
            let Some(e) = m.absolute.estimate() else { continue };
            let Some(mut p) = e.p else { continue };
            if m.role == Role::Guardrail {
                let Some(safe) = self.safe_p(m, subject) else { continue };
                p = safe;
            }
            at.push(i);
            compared.push(Compared {
                metric: m.metric.clone(),
                role: m.role,
                p,
                effect: self.effect(e, subject),
            });
        }
        let side = |s: &Subject| sides(alternative(self.experiment, s.asked.role), s.direction);
        let primary = subjects.iter().find(|s| s.asked.role == Role::Primary);
        let found = correct(
            &self.experiment.correction,
            alpha,
            primary.map_or(Sides::Two, side),
            &compared,
        );
        // p-values of estimates are probabilities; were one not, nothing would count as significant.
        let found = found.unwrap_or_else(|_| {
            let nothing = Corrected {
                p: 1.0,
                own_alpha: 0.0,
                critical: None,
            };
            compared
                .iter()
                .map(|c| (c.role == Role::Primary).then_some(nothing))
                .collect()
        });
        for (i, corrected) in at.into_iter().zip(found) {
            let (Some(m), Some(subject), Some(c)) = (all.get_mut(i), subjects.get(i), corrected) else {
                continue;
            };
            m.adjusted_p = Some(c.p);
            if m.role == Role::Guardrail {
                continue;
            }
            m.significant = c.p < alpha;
            if self.experiment.correction != "none" {
                m.adjusted_interval = self.adjusted(m, subject, c);
            }
        }
    }

    /// The interval at the level at which a corrected decision was taken.
    fn adjusted(&self, m: &MetricReadout, subject: &Subject, c: Corrected) -> Option<AdjustedInterval> {
        let shown = m.absolute.estimate()?.clone();
        let one_look = m
            .inference
            .nominal
            .as_ref()
            .map_or(&m.absolute, |n| &n.absolute)
            .estimate()?;
        let relative_look = m.inference.nominal.as_ref().map_or(&m.relative, |n| &n.relative);
        let baseline = m.control_value.estimate().map_or(0.0, |c| c.point.abs());
        let method = self.method(subject, baseline);
        let (absolute, relative) = if c.critical.is_none() && c.own_alpha > 1e-15 {
            self.at(&method, one_look, relative_look, subject, c.own_alpha).ok()?
        } else {
            let width = c.critical.map_or(f64::INFINITY, |q| q * shown.se);
            let absolute = Estimate {
                low: if method.sides == Sides::Less {
                    f64::NEG_INFINITY
                } else {
                    shown.point - width
                },
                high: if method.sides == Sides::Greater {
                    f64::INFINITY
                } else {
                    shown.point + width
                },
                ..shown
            };
            let relative = match relative_look {
                Answer::Estimate(r) => self.relative(method.sides, &absolute, r, subject).into(),
                refusal => refusal.clone(),
            };
            (absolute, relative)
        };
        let mark = |answer: Answer| match answer {
            Answer::Estimate(e) => Answer::Estimate(Estimate { p: Some(c.p), ..e }),
            refusal => refusal,
        };
        Some(AdjustedInterval {
            correction: self.experiment.correction.clone(),
            absolute: mark(Answer::Estimate(absolute)),
            relative: mark(relative),
        })
    }

    /// p of the harm being at least the accepted one; as the two-sided interval judges it, twice the one-sided p.
    fn safe_p(&self, m: &MetricReadout, subject: &Subject) -> Option<f64> {
        let one_look = m
            .inference
            .nominal
            .as_ref()
            .map_or(&m.absolute, |n| &n.absolute)
            .estimate()?;
        let baseline = m.control_value.estimate()?.point.abs();
        let good = match subject.direction {
            Direction::Increase => 1.0,
            Direction::Decrease => -1.0,
        };
        let shift = good * subject.asked.margin.unwrap_or(0.0) * baseline;
        let moved = Estimate {
            point: one_look.point + shift,
            ..one_look.clone()
        };
        if moved.point * good <= 0.0 {
            return Some(1.0);
        }
        let seen: Vec<Seen> = subject
            .seen
            .iter()
            .map(|s| Seen {
                point: s.point + shift,
                ..*s
            })
            .collect();
        let method = self.method(subject, baseline);
        Method { seen: &seen, ..method }.interval(&moved, self.alpha()).ok()?.p
    }

    /// What Dunnett's test needs: the variance of the control's part is half of that of the control against itself.
    fn effect(&self, e: &Estimate, subject: &Subject) -> Option<Effect> {
        if self.experiment.correction != "dunnett" {
            return None;
        }
        let (control, _, comparison) = self.moments(subject)?;
        let own = steward_stats::lift(&control, &control, &comparison).absolute.ok()?;
        Some(Effect {
            point: e.point,
            se: e.se,
            df: e.df,
            n: e.n,
            control_variance: (own.se * own.se / 2.0).min(e.se * e.se),
        })
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
