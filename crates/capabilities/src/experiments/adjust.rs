//! Lifts adjusted for several covariates and strata: regression with interactions, from two queries of sums.
//!
//! The first brings the moments of each metric with all covariates, by arm and stratum; from them come the lines. The
//! second sums the squares of what the lines leave, weighted as HC2 or HC3 ask. No unit's row comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use steward_compute::{Query, Rows, Value};
use steward_definitions::{Adjustment, Covariate, Experiment, MetricShape, Project, RobustVariance};
use steward_stats::lin::{DECIDES, Interacted, Score, Variance, interacted, with_strata};
use steward_stats::{Lift, Moments, NotEstimable};

use super::analyse::{Asked, statistic};
use super::builder::{Builder, filters, find, logical};
use super::compute::{Prepared, Runner};
use super::designs::Lifts;
use super::dimensions::{UnitDimension, unit_dimension};
use super::measures::{Compared, Fold, UnitMetric};
use super::period::Period;
use super::query::{Bucket, Layout};
use super::readout::{AdjustmentReadout, Limits};
use super::writer::{ONE, Writer, ZERO, arguments};
use crate::CapabilityError;

/// Units of each arm that a stratum needs to stand by itself; smaller ones are one.
const LEAST: u64 = 10;

/// What lifts are adjusted for, found in the tables.
pub struct UnitAdjustment {
    /// Metrics over the time before exposure.
    past: Vec<UnitMetric>,
    /// The strata's dimensions, then the numeric attributes.
    dimensions: Vec<UnitDimension>,
    /// How many of those are strata.
    strata: usize,
    variance: Variance,
    /// Definitions used.
    pub uses: BTreeSet<String>,
}

impl UnitAdjustment {
    /// Datasets that the covariates are read from.
    pub fn past(&self) -> &[UnitMetric] {
        &self.past
    }

    /// Dimensions read.
    pub fn dimensions(&self) -> &[UnitDimension] {
        &self.dimensions
    }

    fn names(&self) -> Vec<String> {
        let numbers = self.dimensions.iter().skip(self.strata).map(|d| d.name.clone());
        self.past.iter().map(|m| m.name.clone()).chain(numbers).collect()
    }
}

/// Finds the covariates and strata, or says why one cannot be had.
pub fn unit_adjustment(project: &Project, experiment: &Experiment) -> Result<Option<UnitAdjustment>, String> {
    let Some(Adjustment {
        covariates,
        strata,
        variance,
    }) = &experiment.adjust
    else {
        return Ok(None);
    };
    let mut found = UnitAdjustment {
        past: Vec::new(),
        dimensions: Vec::new(),
        strata: strata.len(),
        variance: match variance {
            RobustVariance::Hc2 => Variance::Hc2,
            RobustVariance::Hc3 => Variance::Hc3,
        },
        uses: BTreeSet::new(),
    };
    for name in strata {
        found.dimensions.push(unit_dimension(project, experiment, name)?);
    }
    for covariate in covariates {
        match covariate {
            Covariate::Attribute { dimension } => {
                let of = unit_dimension(project, experiment, dimension)?;
                if logical(project, experiment, &of) == Some("string") {
                    return Err(format!("the covariate {dimension} is text: name it under `strata`"));
                }
                found.dimensions.push(of);
            }
            Covariate::Metric { metric, before_seconds } => {
                let past = past(project, experiment, metric, *before_seconds)
                    .map_err(|e| format!("the covariate {metric}: {}; {}", e.detail, e.fix))?;
                found.uses.extend(past.uses.iter().cloned());
                found.past.push(past);
            }
        }
    }
    found
        .uses
        .extend(found.dimensions.iter().flat_map(|d| d.uses.iter().cloned()));
    Ok(Some(found))
}

/// A simple metric of one sum, over the time before exposure.
fn past(project: &Project, experiment: &Experiment, name: &str, seconds: u64) -> Result<UnitMetric, NotEstimable> {
    let metric = find(project, name)?;
    let mut builder = Builder::new(project, experiment);
    builder.uses.insert(format!("metric/{name}"));
    let variables = match &metric.shape {
        MetricShape::Simple { measure } => builder.measure(measure, &filters(&[&metric.filter, &measure.filter]))?,
        _ => Vec::new(),
    };
    let timed = variables.iter().all(|v| v.time.is_some());
    if variables.len() != 1 || !timed {
        return Err(super::measures::refuse(
            format!("{name} is no sum or count of facts with a time"),
            "name a simple metric of a sum or a count",
        ));
    }
    let binary = variables.iter().any(|v| v.fold == Fold::Any) || metric.experiment.binary;
    Ok(UnitMetric {
        name: format!(
            "{name} over {} days before",
            (seconds as f64 / 86_400.0 * 10.0).round() / 10.0
        ),
        compared: if binary { Compared::Proportion } else { Compared::Mean },
        caps: vec![None; variables.len()],
        variables,
        period: Period::Before { seconds },
        cuped_days: 0,
        uses: builder.uses,
        order: None,
        quantile: None,
    })
}

/// What the adjustment brought.
#[derive(Default)]
pub struct Adjusted {
    /// By metric and arm.
    pub lifts: Lifts,
    /// What each was adjusted for.
    pub described: BTreeMap<(usize, usize), AdjustmentReadout>,
}

/// A metric as the queries see it.
struct Subject<'a> {
    at: usize,
    metric: &'a UnitMetric,
    limits: Vec<Limits>,
}

impl Subject<'_> {
    /// The metric's own past, as variables of the moments.
    fn own(&self) -> std::ops::Range<usize> {
        let own = self.metric.variables.len();
        if self.metric.cuped_days > 0 {
            own..2 * own
        } else {
            own..own
        }
    }
}

/// Adjusts the lifts of all metrics but quantiles.
pub async fn adjust(
    runner: &mut Runner<'_>,
    prepared: &Prepared<'_>,
    layout: &Layout<'_>,
    asked: &[Asked],
    caps: &[Vec<Limits>],
) -> Result<Adjusted, CapabilityError> {
    let Some(adjustment) = prepared.adjustment() else {
        return Ok(Adjusted::default());
    };
    let experiment = prepared.experiment();
    let measured: BTreeSet<usize> = asked.iter().filter_map(|a| a.measured.as_ref().ok().copied()).collect();
    let subjects: Vec<Subject> = measured
        .into_iter()
        .filter_map(|at| {
            let metric = prepared
                .metrics()
                .get(at)
                .filter(|m| m.compared != Compared::Quantile)?;
            let limits = caps.get(at).cloned().unwrap_or_default();
            Some(Subject { at, metric, limits })
        })
        .collect();
    if subjects.is_empty() {
        return Ok(Adjusted::default());
    }
    let layout = Layout {
        dimensions: &adjustment.dimensions,
        ..*layout
    };
    let rows = runner.run(&first_pass(&layout, adjustment, &subjects)?).await?;
    let strata = Strata::read(&rows, adjustment.strata, subjects.len(), experiment.variants.len())?;
    let control = experiment.variants.iter().position(|v| v.control).unwrap_or(0);
    let mut fits: Vec<(usize, usize, Result<Interacted, NotEstimable>)> = Vec::new();
    for (i, subject) in subjects.iter().enumerate() {
        let own = arguments(subject.metric).len();
        let of = |arm: usize| strata.moments(i, arm);
        let width = own + adjustment.past.len() + 2 * (adjustment.dimensions.len() - adjustment.strata);
        let marks = width..width + strata.kept.len().saturating_sub(1);
        let covariates: Vec<usize> = subject.own().chain(own..width).chain(marks).collect();
        for arm in (0..experiment.variants.len()).filter(|a| *a != control) {
            let fit = interacted(&of(control), &of(arm), statistic(subject.metric.compared), &covariates);
            fits.push((i, arm, fit));
        }
    }
    let query = second_pass(&layout, adjustment, &subjects, &strata, &fits, control)?;
    let rows = runner.run(&query).await?;
    let arms = rows.integers("arm")?;
    let mut found = Adjusted::default();
    for (j, (i, arm, fit)) in fits.into_iter().enumerate() {
        let Some(subject) = subjects.get(i) else { continue };
        let scores = rows.moments(&format!("z{j}"))?;
        let of = |arm: usize| {
            let at = arms.iter().position(|a| *a == Some(arm as i64));
            at.and_then(|at| scores.get(at).cloned())
                .unwrap_or_else(|| Moments::empty(1))
        };
        let lift: Result<Lift, NotEstimable> =
            fit.map(|fit| fit.lift(&of(control), &of(arm), 0, adjustment.variance, 1.0 - experiment.alpha));
        let mut covariates = adjustment.names();
        if !subject.own().is_empty() {
            covariates.insert(
                0,
                format!("{} over {} days before", subject.metric.name, subject.metric.cuped_days),
            );
        }
        found.described.insert(
            (subject.at, arm),
            AdjustmentReadout {
                covariates,
                strata: adjustment
                    .dimensions
                    .iter()
                    .take(adjustment.strata)
                    .map(|d| d.name.clone())
                    .collect(),
                strata_used: if adjustment.strata > 0 {
                    strata.kept.len() as u64
                } else {
                    0
                },
                variance: adjustment.variance.word().into(),
            },
        );
        found.lifts.insert((subject.at, arm), lift);
    }
    Ok(found)
}

/// The values of a unit: those of every metric, then the covariates; and for each metric, which of them its moments hold.
fn values(w: &mut Writer, adjustment: &UnitAdjustment, subjects: &[Subject]) -> (Vec<String>, Vec<Vec<usize>>) {
    let mut all: Vec<String> = Vec::new();
    let mut place = |value: String| {
        all.iter().position(|known| *known == value).unwrap_or_else(|| {
            all.push(value);
            all.len() - 1
        })
    };
    let mut covariates = Vec::new();
    for past in &adjustment.past {
        if let Some(argument) = arguments(past).first() {
            covariates.push(place(w.value(argument, past.compared, Limits::default())));
        }
    }
    for j in adjustment.strata..adjustment.dimensions.len() {
        covariates.push(place(format!("coalesce(CAST(s{j} AS DOUBLE), {ZERO})")));
        covariates.push(place(format!("CASE WHEN s{j} IS NULL THEN {ONE} ELSE {ZERO} END")));
    }
    let mut of = Vec::new();
    for subject in subjects {
        let mut mine = Vec::new();
        for (at, argument) in arguments(subject.metric).iter().enumerate() {
            let limits = subject.limits.get(at % subject.metric.variables.len().max(1)).copied();
            let value = w.value(argument, subject.metric.compared, limits.unwrap_or_default());
            let value = if at == 0 {
                w.counted(subject.metric, &value)
            } else {
                value
            };
            mine.push(place(value));
        }
        mine.extend(&covariates);
        of.push(mine);
    }
    (all, of)
}

fn writer<'a>(layout: &'a Layout<'a>, adjustment: &UnitAdjustment, subjects: &[Subject]) -> Writer<'a> {
    Writer::new(layout, subjects.iter().map(|s| s.metric).chain(&adjustment.past))
}

/// By arm and strata: moments `m0` … of each metric with all covariates.
fn first_pass(layout: &Layout, adjustment: &UnitAdjustment, subjects: &[Subject]) -> Result<Query, CapabilityError> {
    let mut w = writer(layout, adjustment, subjects);
    let (inner, of) = values(&mut w, adjustment, subjects);
    let body = w.body(&inner, Bucket::None)?;
    let mut columns = String::from("arm");
    (0..adjustment.strata).for_each(|i| {
        let _ = write!(columns, ", s{i}");
    });
    let mut outer = columns.clone();
    for (i, mine) in of.iter().enumerate() {
        let names: Vec<String> = mine.iter().map(|v| format!("v{v}")).collect();
        let _ = write!(outer, ", moments({}) AS m{i}", names.join(", "));
    }
    let sql = w.assemble(&format!(
        "SELECT {outer}\nFROM (\n{body}\n) AS q WHERE arm >= 0\nGROUP BY {columns}"
    ))?;
    Ok(w.finish(format!("experiment {}: covariates", layout.experiment.meta.name), sql))
}

/// By arm: moments `z0` … of the scores of each fit.
fn second_pass(
    layout: &Layout,
    adjustment: &UnitAdjustment,
    subjects: &[Subject],
    strata: &Strata,
    fits: &[(usize, usize, Result<Interacted, NotEstimable>)],
    control: usize,
) -> Result<Query, CapabilityError> {
    let mut w = writer(layout, adjustment, subjects);
    let (inner, of) = values(&mut w, adjustment, subjects);
    let body = w.body(&inner, Bucket::None)?;
    let mut stratum = String::from("CASE");
    for (g, values) in strata.kept.iter().enumerate().skip(1) {
        // Every stratum but the first has one combination of values.
        let equal = values.iter().flatten().enumerate().map(|(j, v)| {
            let value = w.bind(Value::Text(v.clone()));
            format!("s{j} = {value}")
        });
        let _ = write!(stratum, " WHEN {} THEN {g}", equal.collect::<Vec<_>>().join(" AND "));
    }
    let stratum = if stratum == "CASE" {
        "0".into()
    } else {
        format!("{stratum} ELSE 0 END")
    };
    let (mut scores, mut outer) = (String::new(), String::from("arm"));
    for (j, (i, arm, fit)) in fits.iter().enumerate() {
        let mut text = String::from("CAST(NULL AS DOUBLE)");
        if let (Ok(fit), Some(columns)) = (fit, of.get(*i)) {
            let arms = [control, *arm].into_iter().zip(fit.scores());
            let cases: Vec<String> = arms
                .map(|(arm, score)| {
                    let score = w.score(score, columns, strata.kept.len(), adjustment.variance);
                    format!("WHEN arm = {arm} THEN {score}")
                })
                .collect();
            text = format!("CASE {} END", cases.join(" "));
        }
        let _ = write!(scores, ", {text} AS z{j}");
        let _ = write!(outer, ", moments(z{j}) AS z{j}");
    }
    let columns: Vec<String> = (0..inner.len()).map(|i| format!("v{i}")).collect();
    let sql = w.assemble(&format!(
        "SELECT {outer}\nFROM (\nSELECT arm{scores}\nFROM (\nSELECT arm, {stratum} AS g, {}\nFROM (\n{body}\n) AS q WHERE arm >= 0\n) AS \
         r\n) AS z\nGROUP BY arm",
        columns.join(", ")
    ))?;
    Ok(w.finish(
        format!("experiment {}: variance of adjusted lifts", layout.experiment.meta.name),
        sql,
    ))
}

/// Moments by stratum, small ones put together.
struct Strata {
    /// Values of each; the first may be several put together, and has none then.
    kept: Vec<Option<Vec<String>>>,
    /// By metric, arm, stratum.
    moments: Vec<Vec<Vec<Moments>>>,
}

impl Strata {
    fn read(rows: &Rows, dimensions: usize, metrics: usize, arms: usize) -> Result<Strata, CapabilityError> {
        let by = rows.integers("arm")?;
        let values = (0..dimensions)
            .map(|i| rows.strings(&format!("s{i}")))
            .collect::<Result<Vec<_>, _>>()?;
        let moments = (0..metrics)
            .map(|i| rows.moments(&format!("m{i}")))
            .collect::<Result<Vec<_>, _>>()?;
        let mut of: BTreeMap<Vec<String>, BTreeMap<usize, usize>> = BTreeMap::new();
        for (row, arm) in by.iter().enumerate() {
            let key = values
                .iter()
                .map(|v| v.get(row).cloned().flatten().unwrap_or_default())
                .collect();
            if let Some(arm) = arm.and_then(|a| usize::try_from(a).ok()) {
                of.entry(key).or_default().insert(arm, row);
            }
        }
        let least = |rows: &BTreeMap<usize, usize>| -> u64 {
            let in_arm = |arm: usize| {
                let of_metric = |m: &Vec<Moments>| rows.get(&arm).and_then(|r| m.get(*r)).map_or(0, Moments::count);
                moments.iter().map(of_metric).min().unwrap_or(0)
            };
            (0..arms).map(in_arm).min().unwrap_or(0)
        };
        // Largest first, so that what is put together is the smallest.
        let mut all: Vec<(u64, Vec<String>, BTreeMap<usize, usize>)> =
            of.into_iter().map(|(key, rows)| (least(&rows), key, rows)).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut stand = all.iter().take_while(|s| s.0 >= LEAST).count();
        let rest = |stand: usize| all.iter().skip(stand).map(|s| s.0).sum::<u64>();
        if stand < all.len() && stand > 0 && rest(stand) < LEAST {
            stand -= 1;
        }
        let together: Vec<&BTreeMap<usize, usize>> = all.iter().skip(stand).map(|s| &s.2).collect();
        let mut groups: Vec<(Option<Vec<String>>, Vec<&BTreeMap<usize, usize>>)> = all
            .iter()
            .take(stand)
            .map(|(_, key, rows)| (Some(key.clone()), vec![rows]))
            .collect();
        if !together.is_empty() {
            groups.insert(0, (None, together));
        }
        let merged = |metric: &Vec<Moments>, arm: usize, rows: &[&BTreeMap<usize, usize>]| {
            let mut found = Moments::empty(metric.first().map_or(0, Moments::dimension));
            let mine = rows.iter().filter_map(|r| metric.get(*r.get(&arm)?));
            mine.filter(|m| m.count() > 0).for_each(|m| found.merge(m));
            found
        };
        let by_stratum = |metric: &Vec<Moments>, arm: usize| -> Vec<Moments> {
            groups.iter().map(|(_, rows)| merged(metric, arm, rows)).collect()
        };
        let of_metrics = moments
            .iter()
            .map(|m| (0..arms).map(|arm| by_stratum(m, arm)).collect())
            .collect();
        Ok(Strata {
            moments: of_metrics,
            kept: groups.into_iter().map(|(key, _)| key).collect(),
        })
    }

    /// Of a metric in an arm, with a column for each stratum but the first.
    fn moments(&self, metric: usize, arm: usize) -> Moments {
        let of = self.moments.get(metric).and_then(|m| m.get(arm));
        of.map_or_else(|| Moments::empty(1), |strata| with_strata(strata))
    }
}

impl Writer<'_> {
    /// A unit's score over `v<columns>` and its stratum `g`, of which there are `strata`.
    fn score(&mut self, score: &Score, columns: &[usize], strata: usize, variance: Variance) -> String {
        let width = columns.len();
        let mark = |i: usize, g: usize| {
            let centre = score.centre.get(i).copied().unwrap_or(0.0);
            f64::from(u8::from(i - width + 1 == g)) - centre
        };
        // What the strata's columns add, by stratum.
        let by_stratum = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..strata.max(1)).map(of).collect() };
        let residual = by_stratum(&|g| {
            score
                .residual
                .iter()
                .filter(|(i, _)| *i >= width)
                .map(|(i, b)| b * mark(*i, g))
                .sum()
        });
        let weight = by_stratum(&|g| {
            score
                .weight
                .iter()
                .filter(|(i, _)| *i >= width)
                .map(|(i, b)| b * mark(*i, g))
                .sum()
        });
        let own = by_stratum(&|g| {
            let marks = score.leverage.iter().filter(|(i, j, _)| *i >= width && *j >= width);
            marks.map(|(i, j, b)| b * mark(*i, g) * mark(*j, g)).sum()
        });
        let mut linear = |form: &[(usize, f64)], constant: f64, by: &[f64]| {
            let mut text = self.of_stratum(&by.iter().map(|x| constant + x).collect::<Vec<_>>());
            for (i, slope) in form.iter().filter(|(i, _)| *i < width) {
                let _ = write!(
                    text,
                    " + {} * {}",
                    self.bind(Value::Number(*slope)),
                    self.centred(score, columns, *i)
                );
            }
            text
        };
        let r = linear(&score.residual, 0.0, &residual);
        let wt = linear(&score.weight, score.base, &weight);
        let mut left = self.of_stratum(&own.iter().map(|x| 1.0 - score.base - x).collect::<Vec<_>>());
        let numbers: BTreeSet<usize> = score.leverage.iter().map(|(i, ..)| *i).filter(|i| *i < width).collect();
        for i in &numbers {
            // −(x_i − c_i)·(Σ_j b_ij (x_j − c_j)), the strata's columns with both halves of their products.
            let with_marks = by_stratum(&|g| {
                let mine = score.leverage.iter().filter(|(a, j, _)| a == i && *j >= width);
                2.0 * mine.map(|(_, j, b)| b * mark(*j, g)).sum::<f64>()
            });
            let mut inside = self.of_stratum(&with_marks);
            for (_, j, b) in score.leverage.iter().filter(|(a, j, _)| a == i && *j < width) {
                let _ = write!(
                    inside,
                    " + {} * {}",
                    self.bind(Value::Number(*b)),
                    self.centred(score, columns, *j)
                );
            }
            let _ = write!(left, " - {} * ({inside})", self.centred(score, columns, *i));
        }
        let by = match variance {
            Variance::Hc2 => format!("sqrt({left})"),
            Variance::Hc3 => format!("({left})"),
        };
        let decides = self.bind(Value::Number(DECIDES));
        format!("CASE WHEN {left} > {decides} THEN ({r}) * ({wt}) / {by} END")
    }

    /// A number by stratum.
    fn of_stratum(&mut self, values: &[f64]) -> String {
        let first = values.first().copied().unwrap_or(0.0);
        if values.iter().all(|v| *v == first) {
            return self.bind(Value::Number(first));
        }
        let mut text = String::from("CASE g");
        for (g, value) in values.iter().enumerate().skip(1) {
            let _ = write!(text, " WHEN {g} THEN {}", self.bind(Value::Number(*value)));
        }
        let _ = write!(text, " ELSE {} END", self.bind(Value::Number(first)));
        text
    }

    fn centred(&mut self, score: &Score, columns: &[usize], i: usize) -> String {
        let centre = self.bind(Value::Number(score.centre.get(i).copied().unwrap_or(0.0)));
        format!("(v{} - {centre})", columns.get(i).copied().unwrap_or_default())
    }
}
