//! Corrects what was concluded for several comparisons, and shows each interval at the level of its decision.

use steward_definitions::Direction;
use steward_stats::Estimate;
use steward_stats::group_sequential::Sides;

use super::analyse::Analysis;
use super::concluding::{Subject, alternative};
use super::correct::{Compared, Corrected, Effect, correct};
use super::methods::{Method, Seen, sides};
use super::readout::*;

impl Analysis<'_> {
    /// Corrects over the families that the correction names, and shows each interval at the level of its decision.
    pub(super) fn correct(&self, all: &mut [MetricReadout], subjects: &[Subject]) {
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
        let control_variance = match self.moments(subject) {
            Some((control, _, comparison)) => {
                let own = steward_stats::lift(&control, &control, &comparison).absolute.ok()?;
                own.se * own.se / 2.0
            }
            None => self.arms(subject)?.0.se.powi(2),
        };
        Some(Effect {
            point: e.point,
            se: e.se,
            df: e.df,
            n: e.n,
            control_variance: control_variance.min(e.se * e.se),
        })
    }
}
