//! From cells to lifts: comparisons of each treatment with the control, in total, by day and by dimension.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use steward_definitions::{Direction, Experiment, Project};
use steward_stats::fieller::{fieller, of_arms};
use steward_stats::group_sequential::Sides;
use steward_stats::{Comparison, Estimate, Lift, Moments, NotEstimable, Reason, Statistic, lift};

use super::cells::{Cell, Cells};
use super::concluding::Clock;
use super::designs::Lifts;
use super::measures::{Compared, UnitMetric, refuse};
use super::readout::{
    AdjustmentReadout, Answer, Breakdown, DailyPath, DailyPoint, GuardrailState, Limits, MetricInference,
    MetricReadout, PreExposure, RawLift, Role, Segment, SegmentLift,
};
use super::{funnels, quantiles};

/// Most values of a dimension shown; the largest by units.
pub const MOST_SEGMENTS: usize = 50;

/// A metric with its part in the experiment, and how it is measured or why it cannot be.
pub struct Asked {
    /// Metric.
    pub name: String,
    /// Its part.
    pub role: Role,
    /// Accepted harm, for a guardrail.
    pub margin: Option<f64>,
    /// Position among the measured metrics, or the refusal.
    pub measured: Result<usize, NotEstimable>,
}

/// Everything an analysis needs.
pub struct Analysis<'a> {
    /// Definitions.
    pub project: &'a Project,
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Metrics measured, by position.
    pub metrics: &'a [UnitMetric],
    /// Limits at which each is capped, by variable.
    pub caps: &'a [Vec<Limits>],
    /// What the experiment asks for, in order.
    pub asked: &'a [Asked],
    /// What came back.
    pub cells: &'a Cells,
    /// Time as the method sees it.
    pub clock: Clock<'a>,
    /// Lifts that are not made from the cells: quantiles, and what is adjusted for several covariates.
    pub apart: &'a Lifts,
    /// What those are adjusted for.
    pub described: &'a BTreeMap<(usize, usize), AdjustmentReadout>,
    /// Lifts of a design, in place of those of single units.
    pub designed: Option<&'a Lifts>,
}

pub(super) fn statistic(compared: Compared) -> Statistic {
    match compared {
        Compared::Mean | Compared::Quantile => Statistic::Mean { y: 0 },
        Compared::Proportion => Statistic::Proportion { y: 0 },
        Compared::Ratio => Statistic::Ratio {
            numerator: 0,
            denominator: 1,
        },
    }
}

pub(super) fn comparison(metric: &UnitMetric, adjusted: bool, alpha: f64) -> Comparison {
    let own = metric.variables.len();
    let covariates = if adjusted && metric.cuped_days > 0 {
        (own..2 * own).collect()
    } else {
        Vec::new()
    };
    Comparison {
        statistic: statistic(metric.compared),
        covariates,
        level: 1.0 - alpha,
    }
}

/// Above this relative standard error of the control the delta method's interval of a relative lift is no longer to be
/// relied on.
pub(super) const NOISY: f64 = 0.05;

/// The lift, its relative part by Fieller's theorem where the control is noisy, or where the delta method's interval and the
/// absolute lift disagree about 0: what is said in per cent must not contradict the p-value beside it.
pub(super) fn with_relative(control: &Moments, treatment: &Moments, comparison: &Comparison) -> Lift {
    let mut found = lift(control, treatment, comparison);
    let excludes_zero = |e: &Estimate| e.low > 0.0 || e.high < 0.0;
    let (Ok(absolute), Ok(delta)) = (&found.absolute, &found.relative) else {
        return found;
    };
    let agree = excludes_zero(absolute) == excludes_zero(delta);
    let noisy = found.control.as_ref().is_ok_and(|c| c.se > NOISY * c.point.abs());
    if noisy || !agree {
        match fieller(control, treatment, comparison, Sides::Two) {
            Ok(relative) => found.relative = Ok(relative),
            Err(refusal) if !agree => found.relative = Err(refusal),
            Err(_) => {}
        }
    }
    found
}

/// The relative lift of two independent arms by Fieller's theorem where [`with_relative`] would take it.
pub(super) fn of_independent(mut found: Lift) -> Lift {
    let (Ok(control), Ok(treatment), Ok(absolute), Ok(delta)) =
        (&found.control, &found.treatment, &found.absolute, &found.relative)
    else {
        return found;
    };
    let excludes_zero = |e: &Estimate| e.low > 0.0 || e.high < 0.0;
    let agree = excludes_zero(absolute) == excludes_zero(delta);
    if !agree || control.se > NOISY * control.point.abs() {
        match of_arms(control, treatment, absolute.df, None, Sides::Two) {
            Ok(relative) => found.relative = Ok(relative),
            Err(refusal) if !agree => found.relative = Err(refusal),
            Err(_) => {}
        }
    }
    found
}

fn no_units(what: &str) -> NotEstimable {
    NotEstimable {
        reason: Reason::TooFew,
        detail: format!("{what} has no units with a closed window"),
        fix: "wait for exposures, or check the variant column and the experiment's dates".into(),
    }
}

impl Analysis<'_> {
    pub(super) fn control(&self) -> usize {
        self.experiment.variants.iter().position(|v| v.control).unwrap_or(0)
    }

    pub(super) fn treatments(&self) -> Vec<usize> {
        let control = self.control();
        (0..self.experiment.variants.len()).filter(|&i| i != control).collect()
    }

    fn variant(&self, arm: usize) -> &str {
        self.experiment.variants.get(arm).map_or("", |v| v.name.as_str())
    }

    /// A lift from two cells; `None` covariates give the raw one.
    pub(super) fn compare(
        &self,
        control: &Cell,
        treatment: &Cell,
        metric: usize,
        adjusted: bool,
    ) -> Result<Lift, NotEstimable> {
        let Some(unit_metric) = self.metrics.get(metric) else {
            return Err(refuse("the metric was not measured", "report this as a fault"));
        };
        if unit_metric.compared == Compared::Quantile {
            return Err(quantiles::in_total());
        }
        let moments = |cell: &Cell, what: &str| -> Result<Moments, NotEstimable> {
            match cell.moments.get(&metric) {
                Some(m) if m.count() > 0 => Ok(m.clone()),
                _ => Err(no_units(what)),
            }
        };
        let (c, t) = (moments(control, "the control")?, moments(treatment, "the treatment")?);
        let comparison = comparison(unit_metric, adjusted, self.experiment.alpha);
        Ok(with_relative(&c, &t, &comparison))
    }

    /// Every metric in every treatment, concluded by the experiment's method and corrected.
    pub fn metrics(&self) -> Vec<MetricReadout> {
        let control = self.cells.total(self.control() as i64);
        let totals: BTreeMap<usize, Cell> = self
            .treatments()
            .into_iter()
            .map(|arm| (arm, self.cells.total(arm as i64)))
            .collect();
        let mut all: Vec<MetricReadout> = Vec::new();
        for asked in self.asked {
            for (&arm, treatment) in &totals {
                all.push(self.metric(asked, arm, &control, treatment));
            }
        }
        self.conclude(&mut all);
        all
    }

    fn metric(&self, asked: &Asked, arm: usize, control: &Cell, treatment: &Cell) -> MetricReadout {
        let definition = self.project.metrics.get(&asked.name);
        let direction = definition.map(|m| m.experiment.direction).unwrap_or_default();
        let measured = asked
            .measured
            .as_ref()
            .ok()
            .and_then(|&i| self.metrics.get(i).map(|m| (i, m)));
        let compared = match (&asked.measured, measured) {
            (Ok(_), Some((i, _))) => match self.designed.unwrap_or(self.apart).get(&(i, arm)) {
                Some(found) => found.clone(),
                None => self.compare(control, treatment, i, true),
            },
            (Err(e), _) => Err(e.clone()),
            (Ok(_), None) => Err(refuse("the metric was not measured", "report this as a fault")),
        };
        let mut out = MetricReadout {
            metric: asked.name.clone(),
            label: definition.and_then(|m| m.meta.label.clone()),
            unit: definition.and_then(|m| m.unit.clone()),
            variant: self.variant(arm).to_string(),
            control: self.variant(self.control()).to_string(),
            role: asked.role,
            direction: match direction {
                Direction::Increase => "increase".into(),
                Direction::Decrease => "decrease".into(),
            },
            statistic: measured.map_or("none", |(_, m)| m.compared.word()).to_string(),
            absolute: Answer::Refused {
                not_estimable: no_units("the metric"),
            },
            relative: Answer::Refused {
                not_estimable: no_units("the metric"),
            },
            not_estimable: None,
            variant_value: Answer::Refused {
                not_estimable: no_units("the metric"),
            },
            control_value: Answer::Refused {
                not_estimable: no_units("the metric"),
            },
            adjusted_p: None,
            adjusted_interval: None,
            significant: false,
            inference: MetricInference::default(),
            adjustment: None,
            raw: None,
            variance_reduction: None,
            detectable_relative: None,
            guardrail: None,
            margin: asked.margin,
            cap: measured.and_then(|(i, _)| self.caps.get(i)?.first()?.high),
            limits: measured
                .and_then(|(i, _)| self.caps.get(i).cloned())
                .unwrap_or_default(),
            period: measured.map(|(_, m)| m.period),
            funnel: Vec::new(),
            definition: definition.map(|m| m.meta.digest.clone()).unwrap_or_default(),
        };
        match compared {
            Err(e) => {
                for answer in [
                    &mut out.absolute,
                    &mut out.relative,
                    &mut out.variant_value,
                    &mut out.control_value,
                ] {
                    *answer = Answer::Refused {
                        not_estimable: e.clone(),
                    };
                }
                out.not_estimable = Some(e);
            }
            Ok(l) => {
                out.variance_reduction = l.variance_reduction;
                out.absolute = l.absolute.into();
                out.relative = l.relative.into();
                out.variant_value = l.treatment.into();
                out.control_value = l.control.into();
                out.not_estimable = out.absolute.refusal().cloned();
                out.adjustment = measured
                    .filter(|_| self.designed.is_none())
                    .and_then(|(i, _)| self.described.get(&(i, arm)).cloned());
                if let Some((i, m)) = measured
                    && (m.cuped_days > 0 || out.adjustment.is_some())
                    && self.designed.is_none()
                    && let Ok(raw) = self.compare(control, treatment, i, false)
                {
                    out.raw = Some(RawLift {
                        absolute: raw.absolute.into(),
                        relative: raw.relative.into(),
                    });
                }
            }
        }
        if let Some((i, m)) = measured
            && self.designed.is_none()
            && let (Some(c), Some(t)) = (control.moments.get(&i), treatment.moments.get(&i))
        {
            out.funnel = funnels::steps(m, c, t, 1.0 - self.experiment.alpha);
        }
        out.detectable_relative = detectable(&out, self.experiment.alpha);
        out
    }

    /// Covariates compared between the arms: the metric over the days before exposure.
    pub fn pre_exposure(&self) -> Vec<PreExposure> {
        let control = self.cells.total(self.control() as i64);
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for asked in self.asked {
            let Ok(at) = asked.measured else { continue };
            let Some(metric) = self.metrics.get(at).filter(|m| m.cuped_days > 0) else {
                continue;
            };
            if !seen.insert(at) {
                continue;
            }
            let own = metric.variables.len();
            let covariates: Vec<usize> = (own..2 * own).collect();
            for arm in self.treatments() {
                let treatment = self.cells.total(arm as i64);
                let (Some(c), Some(t)) = (control.moments.get(&at), treatment.moments.get(&at)) else {
                    continue;
                };
                let fits = |m: &Moments| m.count() > 0 && m.dimension() >= 2 * own;
                if !fits(c) || !fits(t) {
                    continue;
                }
                let comparison = Comparison {
                    // What is 0 or 1 in the window may be counted before it.
                    statistic: match metric.compared {
                        Compared::Ratio => statistic(Compared::Ratio),
                        _ => Statistic::Mean { y: 0 },
                    },
                    covariates: Vec::new(),
                    level: 1.0 - self.experiment.alpha,
                };
                let compared = lift(&c.select(&covariates), &t.select(&covariates), &comparison);
                found.push(PreExposure {
                    metric: asked.name.clone(),
                    variant: self.variant(arm).to_string(),
                    difference: compared.absolute.into(),
                    adjusted_p: None,
                });
            }
        }
        found
    }

    /// The lift by day of exposure, cumulative, for every metric and treatment.
    pub fn daily(&self, metrics: &[MetricReadout]) -> Vec<DailyPath> {
        let days: BTreeSet<Date> = self.cells.days.keys().filter_map(|(d, _)| *d).collect();
        if days.is_empty() {
            return Vec::new();
        }
        let empty = Cell::default();
        let mut paths = Vec::new();
        for asked in self.asked {
            let Ok(metric) = asked.measured else { continue };
            for arm in self.treatments() {
                let (mut control, mut treatment) = (Cell::default(), Cell::default());
                let mut points = Vec::new();
                for &day in &days {
                    let of = |arm: usize| self.cells.days.get(&(Some(day), arm as i64)).unwrap_or(&empty);
                    control.merge(of(self.control()));
                    treatment.merge(of(arm));
                    let (absolute, relative) = self.both(&control, &treatment, metric);
                    points.push(DailyPoint {
                        day: day.to_string(),
                        units: control.units + treatment.units,
                        absolute,
                        relative,
                        z: None,
                        boundary_z: None,
                    });
                }
                let mut path = DailyPath {
                    metric: asked.name.clone(),
                    variant: self.variant(arm).to_string(),
                    points,
                };
                let concluded = metrics
                    .iter()
                    .find(|m| m.metric == path.metric && m.variant == path.variant);
                let looks = concluded.map_or(&[][..], |m| &m.inference.looks);
                self.conclude_path(&mut path, asked, arm, looks);
                paths.push(path);
            }
        }
        paths
    }

    fn both(&self, control: &Cell, treatment: &Cell, metric: usize) -> (Answer, Answer) {
        match self.compare(control, treatment, metric, true) {
            Ok(l) => (l.absolute.into(), l.relative.into()),
            Err(e) => (
                Answer::Refused {
                    not_estimable: e.clone(),
                },
                Answer::Refused { not_estimable: e },
            ),
        }
    }

    /// The lifts by the values of dimension `at`, the largest values first up to [`MOST_SEGMENTS`], then by name.
    pub fn breakdown(&self, at: usize, dimension: &str) -> Breakdown {
        let empty = BTreeMap::new();
        let cells = self.cells.segments.get(at).unwrap_or(&empty);
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        for ((value, arm), cell) in cells {
            if *arm >= 0 {
                *sizes.entry(value).or_default() += cell.units.max(cell.ripe);
            }
        }
        let mut values: Vec<(&str, u64)> = sizes.into_iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let found = values.len();
        values.truncate(MOST_SEGMENTS);
        values.sort_by(|a, b| a.0.cmp(b.0));
        let nothing = Cell::default();
        let segments = values
            .into_iter()
            .map(|(value, _)| {
                let of = |arm: usize| cells.get(&(value.to_string(), arm as i64)).unwrap_or(&nothing);
                let mut metrics = Vec::new();
                for asked in self.asked {
                    let Ok(metric) = asked.measured else { continue };
                    for arm in self.treatments() {
                        let (absolute, relative) = self.both(of(self.control()), of(arm), metric);
                        let variant = self.variant(arm).to_string();
                        metrics.push(SegmentLift {
                            metric: asked.name.clone(),
                            variant,
                            absolute,
                            relative,
                            shrunk: None,
                        });
                    }
                }
                let units = (0..self.experiment.variants.len())
                    .map(|arm| (self.variant(arm).to_string(), of(arm).units))
                    .collect();
                Segment {
                    value: value.to_string(),
                    units,
                    metrics,
                }
            })
            .collect();
        let problem = (found > MOST_SEGMENTS)
            .then(|| format!("{found} values; the {MOST_SEGMENTS} with the most units are shown"));
        Breakdown {
            dimension: dimension.to_string(),
            exploratory: false,
            segments,
            tests: Vec::new(),
            problem,
        }
    }
}

/// Smallest relative lift that this precision detects with 80% power: (z₁₋α/₂ + z₀.₈) · se / |control|.
fn detectable(metric: &MetricReadout, alpha: f64) -> Option<f64> {
    let absolute = metric.absolute.estimate()?;
    let control = metric.control_value.estimate()?.point.abs();
    let found = super::inference::detectable(absolute.se, alpha)? / control;
    found.is_finite().then_some(found)
}

/// Where the interval of the relative lift lies against the accepted harm.
pub(super) fn guardrail(metric: &MetricReadout, direction: Direction, margin: f64) -> Option<GuardrailState> {
    // Without a relative lift, a margin of zero can still be judged by the sign of the absolute one.
    let e = match metric.relative.estimate() {
        Some(e) => e,
        None if margin == 0.0 => metric.absolute.estimate()?,
        None => return None,
    };
    let (worst, best) = match direction {
        Direction::Increase => (e.low, e.high),
        Direction::Decrease => (-e.high, -e.low),
    };
    Some(if best < -margin {
        GuardrailState::Harmed
    } else if worst > -margin {
        GuardrailState::Safe
    } else {
        GuardrailState::Unclear
    })
}
