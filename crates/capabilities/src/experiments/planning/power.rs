//! Durations, and what each finds.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value as Json, json};
use steward_definitions::{Design, Direction, Experiment};
use steward_stats::design::{self, Clusters, Plan, Sharing};
use steward_stats::group_sequential::Sides;
use steward_stats::rule::{Deciding, Rule};
use steward_stats::{Moments, NotEstimable};

use super::history::{Past, WEEK, arrivals};
use super::report::*;
use super::spread::{Spread, clusters, of_quantile, spread, without_a_day};
use super::{PowerOptions, rules, too_few};
use crate::evidence::PROGRAM;
use crate::experiments::analyse::Asked;
use crate::experiments::compute::History;
use crate::experiments::readout::{Answer, Provenance, Role};
use crate::experiments::window::{DAY, moment, zone};
use crate::{CapabilityError, Context};

/// Longest duration of the table, in weeks.
const MOST_WEEKS: i64 = 8;
/// Half the width of a 95% range.
const Z: f64 = 1.959_963_984_540_054;

/// What all metrics of one plan have in common.
struct Planned<'a> {
    experiment: &'a Experiment,
    options: &'a PowerOptions,
    effect: Option<f64>,
    spans: &'a [History],
    /// Clusters are randomised, by the options or the design.
    cluster: bool,
    /// New units by week of the longest span.
    weeks: Vec<f64>,
    dispersion: f64,
    /// Share of the units in the control, and units of the smallest treatment per control unit.
    control: f64,
    ratio: f64,
}

/// Reads the history and lays the table out.
pub async fn report(
    context: &Context,
    experiment: &Experiment,
    mut past: Past,
    options: &PowerOptions,
    (effect, effect_from): (Option<f64>, Option<String>),
    definitions: BTreeMap<String, String>,
) -> Result<(PowerReport, Json), CapabilityError> {
    let cluster = clustered(experiment, options);
    past.experiment.breakdowns = cluster.clone().into_iter().collect();
    let longest = past.read(context, past.weeks().min(MOST_WEEKS) * WEEK).await?;
    let whole = whole_weeks(&arrivals(&longest.cells));
    if whole == 0 {
        return Err(CapabilityError::Invalid(format!(
            "experiment {}: {} holds less than a week of units before it; wait for data, or name another source",
            experiment.meta.name, past.source.reference
        )));
    }
    let mut spans = Vec::new();
    for week in 1..=whole {
        spans.push(past.read(context, week * WEEK).await?);
    }
    let zone = zone(&context.project.settings)?;
    let at = |text: &Option<String>| text.as_deref().map(|t| moment(t, &zone)).transpose();
    let planned_days = match (at(&experiment.start)?, at(&experiment.end)?) {
        (Some(from), Some(end)) => Some(((end - from) as f64 / DAY as f64).round() as i64),
        _ => None,
    };
    let days = spans.last().map(|s| arrivals(&s.cells)).unwrap_or_default();
    let (weeks, by_weekday, dispersion) = shape(&days);
    let (control, smallest, all) = weights(experiment);
    let planned = Planned {
        experiment,
        options,
        effect,
        spans: &spans,
        weeks,
        dispersion,
        cluster: cluster.is_some(),
        control: control / all,
        ratio: smallest / control,
    };
    let durations = durations(planned_days);
    let metrics: Vec<MetricPower> = spans
        .last()
        .map(|span| {
            span.asked
                .iter()
                .map(|a| planned.metric(context, a, &durations))
                .collect()
        })
        .unwrap_or_default();
    let recommended = recommended(&metrics, options.power);
    let underpowered = planned_days.and_then(|d| effect.map(|_| d)).and_then(|d| {
        let powers: Vec<f64> = primary(&metrics).filter_map(|m| row(m, d)?.power).collect();
        (!powers.is_empty()).then(|| powers.iter().any(|p| *p < options.power))
    });
    let (from, to) = past.period(context)?;
    let queries: Vec<_> = spans.iter().flat_map(|s| s.queries.iter().cloned()).collect();
    let sql: Vec<&str> = queries.iter().map(|q| q.sql.as_str()).collect();
    let provenance = json!({ "engine": context.engine.name(), "sql": sql, "queries": queries });
    let report = PowerReport {
        experiment: experiment.meta.name.clone(),
        summary: summary(&metrics, planned_days, effect, options.power, recommended),
        underpowered,
        recommended_weeks: recommended,
        planned_days,
        effect,
        effect_from,
        power: options.power,
        source: past.source,
        from,
        to,
        weeks: u32::try_from(whole).unwrap_or(0),
        traffic: Traffic {
            new_units_by_week: planned.weeks.clone(),
            by_weekday,
            dispersion,
            share: options.share,
        },
        method: rules::word(experiment, options).into(),
        sides: if rules::one_sided(experiment, options) {
            "one-sided"
        } else {
            "two-sided"
        }
        .into(),
        alpha: experiment.alpha,
        correction: experiment.correction.clone(),
        metrics,
        provenance: Provenance {
            evidence: String::new(),
            engine: context.engine.name().to_string(),
            queries,
            data: BTreeMap::new(),
            definitions,
            program: PROGRAM.to_string(),
        },
    };
    Ok((report, provenance))
}

/// The dimension whose values are randomised: as asked for, else as the design says.
fn clustered(experiment: &Experiment, options: &PowerOptions) -> Option<String> {
    options.cluster.clone().or_else(|| match &experiment.design {
        Design::Cluster(design) => Some(design.by.clone()),
        _ => None,
    })
}

/// Share of a switchback's time that is left out after switches; as if every period were one.
fn washed_out(experiment: &Experiment) -> f64 {
    match &experiment.design {
        Design::Switchback(d) if d.period_seconds > 0 => {
            (d.washout_seconds as f64 / d.period_seconds as f64).clamp(0.0, 0.99)
        }
        _ => 0.0,
    }
}

/// Trailing whole weeks in which units came: a week that begins before the data do is none.
fn whole_weeks(days: &BTreeMap<Date, f64>) -> i64 {
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value()) else {
        return 0;
    };
    let length = last.duration_since(*first).as_hours() / 24 + 1;
    // A day without units at either end is no gap in the data.
    (length + 1) / WEEK
}

/// New units by week, shares by weekday, and dispersion about the product of both.
fn shape(days: &BTreeMap<Date, f64>) -> (Vec<f64>, Vec<f64>, f64) {
    let Some((first, _)) = days.first_key_value() else {
        return (Vec::new(), vec![0.0; 7], 1.0);
    };
    let mut weeks: Vec<f64> = Vec::new();
    let mut weekdays = vec![0.0; 7];
    let mut cells: Vec<(usize, usize, f64)> = Vec::new();
    for (date, units) in days {
        let week = (date.duration_since(*first).as_hours() / 24 / WEEK).max(0) as usize;
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        if weeks.len() <= week {
            weeks.resize(week + 1, 0.0);
        }
        weeks[week] += units;
        weekdays[weekday] += units;
        cells.push((week, weekday, *units));
    }
    let total: f64 = weekdays.iter().sum();
    let expected = |w: usize, d: usize| weeks[w] * weekdays[d] / total;
    let chi2: f64 = cells
        .iter()
        .map(|(w, d, units)| (units - expected(*w, *d)).powi(2) / expected(*w, *d).max(1e-9))
        .sum();
    let df = (weeks.len().saturating_sub(1) * 6) as f64;
    let dispersion = if df > 0.0 { (chi2 / df).max(1.0) } else { 1.0 };
    let shares = weekdays.iter().map(|u| u / total.max(1.0)).collect();
    (weeks, shares, dispersion)
}

/// Weight of the control, the smallest of the treatments, and all.
fn weights(experiment: &Experiment) -> (f64, f64, f64) {
    let of = |control: bool| {
        let all = experiment.variants.iter().filter(move |v| v.control == control);
        all.map(|v| v.weight)
    };
    let control = of(true).sum::<f64>();
    let smallest = of(false).fold(f64::INFINITY, f64::min);
    (control, smallest, control + of(false).sum::<f64>())
}

/// Whole weeks, and the planned days.
fn durations(planned: Option<i64>) -> Vec<i64> {
    let mut all: Vec<i64> = (1..=MOST_WEEKS).map(|w| w * WEEK).collect();
    if let Some(days) = planned.filter(|d| (1..=366).contains(d)) {
        all.push(days);
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn primary(metrics: &[MetricPower]) -> impl Iterator<Item = &MetricPower> {
    metrics.iter().filter(|m| m.role == Role::Primary)
}

fn row(metric: &MetricPower, days: i64) -> Option<&PowerRow> {
    metric.rows.iter().find(|r| r.days == days)
}

/// Fewest whole weeks in which every primary metric has the wanted power.
fn recommended(metrics: &[MetricPower], power: f64) -> Option<u32> {
    let enough = |week: &i64| {
        let mut all = primary(metrics).map(|m| row(m, week * WEEK).and_then(|r| r.power));
        primary(metrics).next().is_some() && all.all(|p| p.is_some_and(|p| p >= power))
    };
    (1..=MOST_WEEKS).find(enough).and_then(|w| u32::try_from(w).ok())
}

fn percent(x: f64) -> String {
    format!("{:.*}%", if x.abs() < 0.1 { 1 } else { 0 }, x * 100.0)
}

fn summary(
    metrics: &[MetricPower],
    planned: Option<i64>,
    effect: Option<f64>,
    power: f64,
    weeks: Option<u32>,
) -> String {
    let Some(first) = primary(metrics).find(|m| !m.rows.is_empty()) else {
        let why = primary(metrics).find_map(|m| m.not_estimable.as_ref());
        return why.map_or("There is no primary metric to plan for.".into(), |e| {
            format!("No plan: {}; {}.", e.detail, e.fix)
        });
    };
    let days = planned.unwrap_or(4 * WEEK);
    let mut text = String::new();
    if let Some(r) = row(first, days) {
        let found = r.detectable_relative.map_or("no relative change".to_string(), percent);
        match (effect, r.power) {
            (Some(effect), Some(p)) if p < power => {
                text = format!(
                    "Underpowered by design: {days} days find {} on {} with power {}, and a change of {found} with {}.",
                    percent(effect),
                    first.metric,
                    percent(p),
                    percent(power)
                );
            }
            (Some(effect), Some(p)) => {
                text = format!(
                    "{days} days find {} on {} with power {}.",
                    percent(effect),
                    first.metric,
                    percent(p)
                );
            }
            _ => {
                text = format!(
                    "{days} days find a change of {found} on {} with power {}.",
                    first.metric,
                    percent(power)
                )
            }
        }
    }
    let needed = row(first, MOST_WEEKS * WEEK).and_then(|r| r.units_needed);
    match (effect, weeks, needed) {
        (None, ..) => text.push_str(" Say which effect is wanted to have a duration recommended."),
        (_, Some(w), _) => text.push_str(&format!(" {w} week(s) are enough.")),
        (_, None, Some(n)) => text.push_str(&format!(
            " Not even {MOST_WEEKS} weeks are enough: about {n:.0} units would be."
        )),
        _ => {}
    }
    text.trim().to_string()
}

impl Planned<'_> {
    /// Units of all arms after so many days, and whether that is beyond the history.
    fn units(&self, days: i64) -> (f64, bool) {
        let share = self.options.share * (1.0 - washed_out(self.experiment));
        let whole = (days / WEEK) as usize;
        let rest = (days % WEEK) as f64 / WEEK as f64;
        let of = |weeks: usize| -> f64 {
            match self.spans.get(weeks.wrapping_sub(1)) {
                Some(span) => arrivals(&span.cells).values().sum(),
                None => 0.0,
            }
        };
        let known = self.spans.len();
        let last = self.weeks.last().copied().unwrap_or(0.0);
        if whole + usize::from(rest > 0.0) <= known {
            let low = if whole == 0 { 0.0 } else { of(whole) };
            let high = if rest > 0.0 { of(whole + 1) } else { low };
            return ((low + rest * (high - low)) * share, false);
        }
        let beyond = days as f64 / WEEK as f64 - known as f64;
        ((of(known) + beyond * last) * share, true)
    }

    fn metric(&self, context: &Context, asked: &Asked, durations: &[i64]) -> MetricPower {
        let direction = context.project.metrics.get(&asked.name).map(|m| m.experiment.direction);
        let decrease = direction == Some(Direction::Decrease);
        let mut out = MetricPower {
            metric: asked.name.clone(),
            role: asked.role,
            statistic: "none".into(),
            direction: if decrease { "decrease" } else { "increase" }.into(),
            margin: asked.margin,
            alpha: self.experiment.alpha,
            icc: None,
            rows: Vec::new(),
            not_estimable: None,
        };
        for &days in durations {
            match self.row(asked, days, decrease, &mut out) {
                Ok(row) => out.rows.push(row),
                Err(e) => out.not_estimable = Some(e),
            }
        }
        if !out.rows.is_empty() {
            out.not_estimable = None;
        }
        out
    }

    fn row(&self, asked: &Asked, days: i64, decrease: bool, out: &mut MetricPower) -> Result<PowerRow, NotEstimable> {
        let (units, extrapolated) = self.units(days);
        let week = ((days + WEEK - 1) / WEEK).max(1) as usize;
        let Some(span) = self.spans.get(week - 1).or(self.spans.last()) else {
            return Err(too_few("there is no history"));
        };
        let asked = span.asked.iter().find(|a| a.name == asked.name && a.role == asked.role);
        let at = asked.map_or_else(|| Err(too_few("the metric was not read")), |a| a.measured.clone())?;
        let Some(metric) = span.metrics.get(at) else {
            return Err(too_few("the metric was not read"));
        };
        out.statistic = metric.compared.word().into();
        let control = span.cells.total(0);
        let empty = Moments::empty(1);
        let moments = control.moments.get(&at).unwrap_or(&empty);
        let found = match metric.quantile {
            None => spread(moments, metric, self.experiment.alpha)?,
            Some(_) => match span.quantiles.get(&at) {
                Some(lift) => of_quantile(lift, control.ripe)?,
                None => return Err(too_few("the quantile was not read")),
            },
        };
        let clustered = match (&span.blocks, self.cluster, span.cells.segments.first()) {
            (Some(blocks), ..) => Some(clusters(blocks, at, metric)?),
            (None, true, Some(segments)) => Some(clusters(segments, at, metric)?),
            _ => None,
        };
        out.icc = clustered.map(|(c, se)| (c.icc, se));
        let of = |spread: &Spread| self.found(spread, clustered.map(|c| c.0), units, decrease, out.role, out.margin);
        let answer = of(&found)?;
        out.alpha = answer.alpha;
        // Uncertainty of the history: each day of first exposure left out in turn.
        let others: Vec<f64> = without_a_day(&span.cells, at)
            .iter()
            .filter_map(|m| {
                let s = spread(m, metric, self.experiment.alpha).ok()?;
                let sd = s.sd * (1.0 - s.reduction.unwrap_or(0.0)).sqrt();
                (s.baseline.point != 0.0).then(|| (sd / s.baseline.point.abs()).ln())
            })
            .collect();
        let g = others.len() as f64;
        let mean = others.iter().sum::<f64>() / g.max(1.0);
        let jackknife = if let Some(of) = metric.quantile {
            // The width between two ranks is as uncertain as the number of values between them.
            let n = if of.of_events {
                moments.sum(0)
            } else {
                moments.count() as f64
            };
            (2.0 * Z * (n * of.at * (1.0 - of.at)).sqrt()).max(1.0).powf(-0.5)
        } else if g > 1.0 {
            ((g - 1.0) / g * others.iter().map(|x| (x - mean).powi(2)).sum::<f64>()).sqrt()
        } else {
            0.0
        };
        let arriving = (self.dispersion / units.max(1.0)).sqrt();
        let spread_of = |z: f64, s: f64| (z * s).exp();
        let both = (jackknife.powi(2) + (arriving / 2.0).powi(2)).sqrt();
        let range = |x: f64| (x * spread_of(-Z, both), x * spread_of(Z, both));
        let relative = (found.baseline.point != 0.0).then(|| answer.detectable / found.baseline.point.abs());
        let power_range = answer.shift.map(|shift| {
            let at = |factor: f64| answer.deciding.power(shift, answer.se * factor);
            (at(spread_of(Z, both)), at(spread_of(-Z, both)))
        });
        Ok(PowerRow {
            days,
            units,
            units_range: (units * spread_of(-Z, arriving), units * spread_of(Z, arriving)),
            extrapolated,
            sd: found.sd,
            variance_reduction: found.reduction,
            design_effect: answer.design_effect,
            detectable_absolute: answer.detectable,
            detectable_relative: relative,
            detectable_relative_range: relative.map(range),
            power: answer.power,
            power_range: match power_range {
                Some((Ok(low), Ok(high))) => Some((low, high)),
                _ => None,
            },
            units_needed: answer.factor.map(|f| f * units),
            baseline: Answer::Estimate(found.baseline),
        })
    }

    /// What so many units find of a metric with this spread.
    fn found(
        &self,
        found: &Spread,
        clusters: Option<Clusters>,
        units: f64,
        decrease: bool,
        role: Role,
        margin: Option<f64>,
    ) -> Result<Found, NotEstimable> {
        let guardrail = role == Role::Guardrail;
        let treatments = u32::try_from(self.experiment.variants.len().saturating_sub(1))
            .unwrap_or(1)
            .max(1);
        let n = units * self.control;
        if !(n >= 2.0 && n * self.ratio >= 2.0) {
            return Err(too_few(format!("{units:.0} units leave an arm with fewer than two")));
        }
        let alpha = self.experiment.alpha;
        let corrected = role == Role::Primary && self.experiment.correction != "none";
        let primary = self.experiment.primary.len().max(1) as f64;
        let mut plan = Plan::new(found.metric, if corrected { alpha / primary } else { alpha });
        plan.treatments = treatments;
        plan.sharing = match (corrected, self.experiment.correction.as_str()) {
            (false, _) => Sharing::None,
            (true, "dunnett") => Sharing::Dunnett,
            (true, _) => Sharing::Bonferroni,
        };
        plan.ratio = self.ratio;
        plan.variance_reduction = found.reduction.unwrap_or(0.0);
        plan.clusters = clusters;
        let baseline = found.baseline.point.abs();
        let sign = if decrease { -1.0 } else { 1.0 };
        let most = match found.metric {
            design::Metric::Proportion { share } if decrease => share,
            design::Metric::Proportion { share } => 1.0 - share,
            _ => f64::INFINITY,
        };
        let se = |shift: f64| plan.se(n, if guardrail { 0.0 } else { sign * shift.min(most) });
        let own = plan.own_alpha(0.0)?;
        let deciding = if guardrail {
            // Its two-sided interval lies above the accepted harm.
            Deciding {
                rule: Rule::Fixed,
                alpha: own / 2.0,
                sides: Sides::Greater,
            }
        } else {
            Deciding {
                rule: rules::rule(self.experiment, self.options, baseline, n * (1.0 + self.ratio)),
                alpha: own,
                sides: if rules::one_sided(self.experiment, self.options) {
                    Sides::Greater
                } else {
                    Sides::Two
                },
            }
        };
        let shift = match (guardrail, margin, self.effect) {
            (true, Some(margin), _) => Some(margin * baseline).filter(|s| *s > 0.0),
            (true, None, _) => None,
            (false, _, effect) => effect.map(|e| e * baseline).filter(|s| *s > 0.0 && *s <= most),
        };
        let at = shift.map_or(0.0, |s| s);
        Ok(Found {
            detectable: deciding.detectable(&se, if guardrail { f64::INFINITY } else { most }, self.options.power)?,
            power: shift.map(|s| deciding.power(s, se(s))).transpose()?,
            factor: shift
                .map(|s| deciding.units_factor(s, se(s), self.options.power))
                .transpose()?,
            se: se(at),
            alpha: own,
            design_effect: plan.design_effect(),
            shift,
            deciding,
        })
    }
}

/// What a duration finds, absolute.
struct Found {
    detectable: f64,
    power: Option<f64>,
    factor: Option<f64>,
    se: f64,
    alpha: f64,
    design_effect: f64,
    shift: Option<f64>,
    deciding: Deciding,
}
