//! Some markets were treated: their outcome against a mixture of the others that followed it before.

use std::collections::BTreeMap;

use steward_compute::{Query, Value};
use steward_definitions::GeoDesign;
use steward_stats::geo::{Interval, placebo_interval, placebo_power};
use steward_stats::synthetic_control::{Match, Panel, Placebo, placebo_test};
use steward_stats::{Estimate, Lift, NotEstimable, Reason};

use super::{DesignReadout, Designed, GeoGap, GeoMetric, GeoReadout, GeoWeight, Ground, Lifts};
use crate::CapabilityError;
use crate::experiments::expression::quote;
use crate::experiments::measures::{Compared, Fold, UnitMetric, Variable, refuse};
use crate::experiments::readout::Answer;
use crate::experiments::window::SECOND;
use crate::experiments::writer::Writer;

/// Fewest periods before the treatment.
const FEWEST_BEFORE: usize = 8;

/// Outcome by market and period, counted from the start: negative before it.
type Series = BTreeMap<String, (i64, BTreeMap<i64, f64>)>;

/// Which periods are whole.
struct Span {
    before: usize,
    after: usize,
    origin: i64,
    period: i64,
}

pub(super) async fn analyse(ground: &mut Ground<'_, '_>, design: &GeoDesign) -> Result<Designed, CapabilityError> {
    let period = i64::try_from(design.period_seconds).unwrap_or(i64::MAX / SECOND) * SECOND;
    let window = ground.layout.window;
    let origin = window.from.unwrap_or(0);
    let end = [window.before, window.cut]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(origin);
    let span = Span {
        before: usize::try_from(design.before_seconds / design.period_seconds.max(1)).unwrap_or(0),
        after: usize::try_from((end - origin).div_euclid(period.max(1))).unwrap_or(0),
        origin,
        period,
    };
    let mut lifts = Lifts::new();
    let mut found = Vec::new();
    let (treatments, control, level) = (ground.treatments(), ground.control(), ground.level());
    for metric in ground.all_measured() {
        let Some(measured) = ground.metrics.get(metric) else {
            continue;
        };
        let series = match readable(measured, &span) {
            Ok(()) => Ok(series(ground, measured, &span).await?),
            Err(e) => Err(e),
        };
        for &arm in &treatments {
            let result = match &series {
                Ok(all) => judge(all, measured, &span, (control as i64, arm as i64), level),
                Err(e) => Err(e.clone()),
            };
            let variant = ground.experiment.variants[arm].name.clone();
            let lift = match result {
                Ok((lift, geo)) => {
                    found.push(GeoMetric {
                        metric: measured.name.clone(),
                        variant,
                        ..geo
                    });
                    lift
                }
                Err(e) => Err(e),
            };
            lifts.insert((metric, arm), lift);
        }
    }
    Ok(Designed {
        lifts,
        split: None,
        problems: Vec::new(),
        units: false,
        readout: DesignReadout {
            kind: "geo".into(),
            method: "treated markets less a mixture of the others that followed them before; p and interval from placebos".into(),
            why: "markets differ in size and season, and few were chosen rather than drawn: their plain difference says little"
                .into(),
            geo: Some(GeoReadout {
                period_seconds: design.period_seconds,
                periods_before: span.before as u64,
                periods_after: span.after as u64,
                metrics: found,
            }),
            ..DesignReadout::default()
        },
    })
}

fn readable(metric: &UnitMetric, span: &Span) -> Result<(), NotEstimable> {
    if span.before < FEWEST_BEFORE || span.after == 0 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!(
                "{} periods before and {} whole ones after the start",
                span.before, span.after
            ),
            format!("give at least {FEWEST_BEFORE} periods `before`, and wait until one after has passed"),
        ));
    }
    let sums = metric
        .variables
        .iter()
        .all(|v| v.time.is_some() && v.fold != Fold::Any && !v.key.is_empty());
    if metric.order.is_some() || metric.quantile.is_some() || !sums {
        return Err(refuse(
            format!("{} is no sum of facts with a time of their own", metric.name),
            "measure markets by sums, counts or ratios of them",
        ));
    }
    Ok(())
}

/// Sums of each market by period; a ratio of them for a ratio.
async fn series(ground: &mut Ground<'_, '_>, metric: &UnitMetric, span: &Span) -> Result<Series, CapabilityError> {
    let mut parts = Vec::new();
    for variable in &metric.variables {
        parts.push(sums(ground, &metric.name, variable, span).await?);
    }
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    if metric.compared == Compared::Ratio
        && let Some(below) = parts.next()
    {
        for (market, (_, values)) in &mut all {
            let under = below.get(market).map(|(_, v)| v);
            for (at, value) in values.iter_mut() {
                *value /= under.and_then(|u| u.get(at)).copied().unwrap_or(0.0);
            }
        }
    }
    Ok(all)
}

async fn sums(
    ground: &mut Ground<'_, '_>,
    metric: &str,
    variable: &Variable,
    span: &Span,
) -> Result<Series, CapabilityError> {
    let mut w = Writer::new(ground.layout, std::iter::empty());
    let unit = w.column(&ground.experiment.exposures.unit)?;
    let arm = w.arm()?;
    let conditions = w.exposure_conditions()?;
    let from = span.origin - span.before as i64 * span.period;
    let to = span.origin + span.after as i64 * span.period;
    let time = variable
        .time
        .as_ref()
        .map_or_else(String::new, |t| format!("CAST({} AS TIMESTAMP)", t.value));
    let (from, to) = (w.bind(Value::Timestamp(from)), w.bind(Value::Timestamp(to)));
    let fold = match variable.fold {
        Fold::Distinct => "CAST(count(DISTINCT f.v) AS DOUBLE)",
        Fold::Sum | Fold::Any => "sum(f.v)",
    };
    let sql = format!(
        "WITH g AS (SELECT CAST({unit} AS VARCHAR) AS u, min({arm}) AS low, max({arm}) AS high FROM {}{conditions} GROUP BY 1),\n\
         f AS (SELECT CAST({} AS VARCHAR) AS k, date_trunc('hour', {time}) AS t, {} AS v FROM {} WHERE {time} >= {from} AND {time} < {to})\n\
         SELECT g.u AS u, g.low AS a, f.t AS t, {fold} AS y FROM g LEFT JOIN f ON f.k = g.u\n\
         WHERE g.low = g.high AND g.low >= 0 GROUP BY g.u, g.low, f.t ORDER BY g.u, f.t",
        quote(&ground.layout.dataset.meta.name),
        variable.key,
        variable.value,
        quote(&variable.dataset),
    );
    let query = Query {
        label: format!("experiment {}: {metric} by market", ground.experiment.meta.name),
        sql,
        parameters: w.parameters(),
    };
    let rows = ground.runner.run(&query).await?;
    let (markets, arms) = (rows.strings("u")?, rows.integers("a")?);
    let (times, values) = (rows.timestamps("t")?, rows.numbers("y")?);
    let mut all = Series::new();
    for row in 0..rows.len() {
        let (Some(Some(market)), Some(Some(arm))) = (markets.get(row), arms.get(row)) else {
            continue;
        };
        let of = all.entry(market.clone()).or_insert_with(|| {
            let whole = -(span.before as i64)..span.after as i64;
            (*arm, whole.map(|at| (at, 0.0)).collect())
        });
        if let (Some(Some(time)), Some(Some(value))) = (times.get(row), values.get(row)) {
            let at = (time - span.origin).div_euclid(span.period);
            if let Some(slot) = of.1.get_mut(&at) {
                *slot += value;
            }
        }
    }
    Ok(all)
}

type Judged = (Result<Lift, NotEstimable>, GeoMetric);

fn judge(
    all: &Series,
    metric: &UnitMetric,
    span: &Span,
    (control, arm): (i64, i64),
    level: f64,
) -> Result<Judged, NotEstimable> {
    let of = |wanted: i64| -> Vec<(&String, Vec<f64>)> {
        let markets = all.iter().filter(|(_, (a, _))| *a == wanted);
        markets
            .map(|(name, (_, values))| (name, values.values().copied().collect()))
            .collect()
    };
    let (donors, treated) = (of(control), of(arm));
    if treated.is_empty() || donors.len() < 2 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("{} treated markets against {}", treated.len(), donors.len()),
            "expose at least one market to the treatment and, better, twenty to the control",
        ));
    }
    let periods = span.before + span.after;
    let count = treated.len() as f64;
    let mean: Vec<f64> = (0..periods)
        .map(|t| treated.iter().map(|(_, v)| v[t]).sum::<f64>() / count)
        .collect();
    let panel = Panel {
        treated: mean,
        donors: donors.iter().map(|(_, v)| v.clone()).collect(),
        before: span.before,
    };
    let found = placebo_test(&panel, &Match::Outcomes, None)?;
    let duration = span.after.min(span.before / 2);
    let before = |v: &[f64]| v[..span.before].to_vec();
    let pasts: Vec<Vec<f64>> = panel.donors.iter().map(|d| before(d)).collect();
    let power = placebo_power(
        &before(&panel.treated),
        &pasts,
        (duration, span.before - duration.max(1) - span.before / 4),
        None,
        (1.0 - level, 0.8),
    );
    let weights = donors.iter().zip(&found.treated.weights).filter(|(_, w)| **w > 1e-6);
    let geo = GeoMetric {
        metric: metric.name.clone(),
        variant: String::new(),
        treated: treated.iter().map(|(name, _)| (*name).clone()).collect(),
        donors: donors.len() as u64,
        weights: weights
            .map(|((market, _), share)| GeoWeight {
                market: (*market).clone(),
                share: *share,
            })
            .collect(),
        p: found.p,
        ranked: found.ranked,
        fit_before: found.treated.fit_before,
        detectable_relative: power.as_ref().ok().and_then(|p| p.detectable),
        false_positives: power.as_ref().ok().map(|p| p.false_positives),
        gaps: (0..periods)
            .map(|t| GeoGap {
                at_us: span.origin + (t as i64 - span.before as i64) * span.period,
                treated: panel.treated[t],
                synthetic: found.treated.synthetic[t],
            })
            .collect(),
        interval: match placebo_interval(&found, level) {
            Ok(i) => Answer::Estimate(estimate(&found, &i, span)),
            Err(not_estimable) => Answer::Refused { not_estimable },
        },
    };
    Ok((lift(&found, &panel, &geo.interval, span, level), geo))
}

/// Root mean square of what placebos show after the treatment: the error that an effect of none has.
fn error(found: &Placebo) -> f64 {
    let effects: Vec<f64> = found.placebos.iter().flatten().map(|s| s.effect).collect();
    (effects.iter().map(|e| e * e).sum::<f64>() / effects.len().max(1) as f64).sqrt()
}

fn estimate(found: &Placebo, interval: &Interval, span: &Span) -> Estimate {
    Estimate {
        point: interval.effect,
        se: error(found),
        low: interval.low,
        high: interval.high,
        level: interval.level,
        df: None,
        p: Some(interval.p),
        n: found.ranked,
        method: format!(
            "synthetic control, {} placebos, {} periods",
            found.ranked - 1,
            span.after
        ),
    }
}

fn lift(found: &Placebo, panel: &Panel, interval: &Answer, span: &Span, level: f64) -> Result<Lift, NotEstimable> {
    let absolute = match interval {
        Answer::Estimate(e) => Ok(e.clone()),
        Answer::Refused { not_estimable } => Err(not_estimable.clone()),
    };
    if let Err(e) = &absolute {
        return Err(e.clone());
    }
    let after = |v: &[f64]| v[span.before..].iter().sum::<f64>() / span.after as f64;
    let (baseline, treated) = (after(&found.treated.synthetic), after(&panel.treated));
    let level_of =
        |point: f64| Ok(Estimate::new(point, error(found), None, found.ranked, level, "mean a period")?.without_p());
    let relative = match &absolute {
        Ok(e) if baseline != 0.0 => {
            let size = baseline.abs();
            Ok(Estimate {
                point: e.point / size,
                se: e.se / size,
                low: e.low / size,
                high: e.high / size,
                method: format!("{}, over what the mixture had", e.method),
                ..e.clone()
            })
        }
        _ => Err(NotEstimable::new(
            Reason::ZeroBaseline,
            "the mixture has 0 after the start",
            "read the absolute effect",
        )),
    };
    Ok(Lift {
        control: level_of(baseline),
        treatment: level_of(treated),
        absolute,
        relative,
        variance_reduction: None,
    })
}
