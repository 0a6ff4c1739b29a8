//! Does a lift fade or grow with the days since exposure? The effects by time since exposure are those of one panel of
//! units that could be followed all the time. Whether a mean's lift fades is asked of all units, by the one contrast of a
//! lift that decays within a quarter of the follow-up; whether a share's does, by the slope over the panel.

use steward_compute::{Query, Value};
use steward_stats::novelty::{self, Pattern};
use steward_stats::{Estimate, Moments, NotEstimable, Reason, multiplicity};

use super::analyse::Asked;
use super::compute::{Prepared, Runner};
use super::health::problem;
use super::measures::{Compared, Fold, ROW_UNIT, UnitMetric};
use super::period::Period;
use super::query::Layout;
use super::readout::{Novelty, Problem, Role};
use super::units::Reach;
use super::window::{DAY, SECOND};
use super::writer::Writer;
use crate::CapabilityError;

/// A fading lift is supposed to fall to 1/e within so much of the follow-up, and no faster than in a day.
const DECAY: f64 = 0.25;
/// Stretches in which what is left of it is taken as constant, of at least a day each.
const STEPS: i64 = 28;
/// Stretches of time that the follow-up is cut into.
const STRETCHES: i64 = 7;

/// How long units are followed, in whole stretches, microseconds: their window, or half of the time since the start, so
/// that those exposed in the first half could be followed all the time.
fn stretch(layout: &Layout) -> Option<i64> {
    let window = layout.window;
    if layout.experiment.exposures.unit == ROW_UNIT {
        return None;
    }
    let followed = match window.seconds {
        Some(seconds) => i64::try_from(seconds).ok()?.checked_mul(SECOND)?,
        None => (window.cut? - window.from?) / 2,
    };
    // Less than a day a stretch shows the time of day, not wear.
    Some(followed / STRETCHES).filter(|s| *s >= DAY)
}

/// Whether a metric can be followed: one sum per unit over facts with a time, from the exposure on.
pub(super) fn follows(metric: &UnitMetric) -> bool {
    let [only] = metric.variables.as_slice() else {
        return false;
    };
    let from_exposure = matches!(metric.period, Period::After { delay: 0, .. });
    from_exposure
        && metric.order.is_none()
        && matches!(metric.compared, Compared::Mean | Compared::Proportion)
        && only.fold != Fold::Distinct
        && only.time.as_ref().is_some_and(|t| !t.is_date)
}

/// How long any unit can have been followed, microseconds.
fn followed(layout: &Layout) -> Option<i64> {
    let window = layout.window;
    match window.seconds {
        Some(seconds) => i64::try_from(seconds).ok()?.checked_mul(SECOND),
        None => window.cut?.checked_sub(window.from?),
    }
    .filter(|f| *f >= DAY)
}

/// What is left of a fading lift by time since exposure: seconds at which each step ends, and the share in it.
fn left(followed: i64) -> Vec<(i64, f64)> {
    let width = (followed / STEPS).max(DAY);
    let decay = (DECAY * followed as f64).max(DAY as f64);
    let steps = (0..)
        .map(|k| (k * width, (k + 1) * width))
        .take_while(|(from, _)| *from < followed);
    steps
        .map(|(from, to)| (to / SECOND, (-((from + to) as f64 / 2.0) / decay).exp()))
        .collect()
}

/// The query of one metric: per arm the moments `m0` of the stretches over the units followed all the time, and for a mean
/// `m1` of its sum, of its sum by what is left of a fading lift, and by the square of that, over all units.
fn query(layout: &Layout, metric: &UnitMetric, stretch: i64) -> Result<Option<Query>, CapabilityError> {
    let (Some(variable), Some(cut)) = (metric.variables.first(), layout.window.cut) else {
        return Ok(None);
    };
    let mut w = Writer::new(layout, std::iter::once(metric));
    let exposures = w.exposures()?;
    let facts = w.rows_of(variable, &Reach::from_exposure());
    let seconds = stretch / SECOND;
    let mut sums = Vec::new();
    let mut arguments = Vec::new();
    for i in 0..STRETCHES {
        let after = |k: i64| format!("e.t0 + INTERVAL '{} seconds'", k * seconds);
        let within = format!("f.t0 >= {} AND f.t0 < {}", after(i), after(i + 1));
        let sum = format!("coalesce(sum(CASE WHEN {within} THEN f.x0 END), CAST(0 AS DOUBLE))");
        sums.push(match metric.compared {
            Compared::Proportion => format!("CASE WHEN {sum} > 0 THEN 1 ELSE 0 END AS y{i}"),
            _ => format!("{sum} AS y{i}"),
        });
        arguments.push(format!("CAST(y{i} AS DOUBLE)"));
    }
    let last = w.bind(Value::Timestamp(cut - STRETCHES * seconds * SECOND));
    let (mut until, mut fading) = (STRETCHES * seconds, String::new());
    if let Some(all) = followed(layout).filter(|_| metric.compared == Compared::Mean) {
        until = until.max(all / SECOND);
        let steps = left(all);
        for (i, power) in [0, 1, 2].into_iter().enumerate() {
            let mut weight = String::from("CASE");
            for (end, share) in &steps {
                let share = w.bind(Value::Number(share.powi(power)));
                weight.push_str(&format!(" WHEN f.t0 < e.t0 + INTERVAL '{end} seconds' THEN {share}"));
            }
            sums.push(format!("coalesce(sum(f.x0 * {weight} END), CAST(0 AS DOUBLE)) AS z{i}"));
        }
        fading = ", moments(z0, z1, z2) AS m1".into();
    }
    // One NULL leaves a unit out of the panel.
    if let Some(first) = arguments.first_mut() {
        *first = format!("CASE WHEN t0 <= {last} THEN {first} END");
    }
    let sql = format!(
        "WITH {exposures},\np AS (\nSELECT e.u AS u, max(e.arm) AS arm, max(e.t0) AS t0, {}\nFROM e LEFT JOIN (\n{facts}\n) AS f ON \
         f.u = e.u AND f.t0 >= e.t0 AND f.t0 < e.t0 + INTERVAL '{until} seconds'\nWHERE e.arm >= 0\nGROUP BY e.u\n)\n\
         SELECT arm, moments({}) AS m0{fading}\nFROM p\nGROUP BY arm",
        sums.join(", "),
        arguments.join(", ")
    );
    Ok(Some(w.finish(
        format!(
            "experiment {}: {} by time since exposure",
            layout.experiment.meta.name, metric.name
        ),
        sql,
    )))
}

/// Follows the primary metrics over the time since exposure.
pub async fn follow(
    runner: &mut Runner<'_>,
    prepared: &Prepared<'_>,
    layout: &Layout<'_>,
    asked: &[Asked],
) -> Result<Vec<Novelty>, CapabilityError> {
    let mut found = Vec::new();
    let experiment = prepared.experiment();
    let Some(stretch) = stretch(layout) else {
        return Ok(found);
    };
    let plain = Layout {
        dimensions: &[],
        ..*layout
    };
    let days: Vec<f64> = (0..STRETCHES)
        .map(|i| (i as f64 + 0.5) * stretch as f64 / DAY as f64)
        .collect();
    for asked in asked.iter().filter(|a| a.role == Role::Primary) {
        let metric = asked.measured.as_ref().ok().and_then(|&i| prepared.metrics().get(i));
        let Some(metric) = metric.filter(|m| follows(m)) else {
            continue;
        };
        let Some(query) = query(&plain, metric, stretch)? else {
            continue;
        };
        let rows = runner.run(&query).await?;
        let (arms, moments) = (rows.integers("arm")?, rows.moments("m0"));
        let Ok(moments) = moments else { continue };
        let over_all = rows.moments("m1").unwrap_or_default();
        let position = |arm: usize| arms.iter().position(|a| *a == Some(arm as i64));
        let of = |arm: usize| -> Option<&Moments> { moments.get(position(arm)?) };
        let all = |arm: usize| -> Option<&Moments> { over_all.get(position(arm)?) };
        let control = experiment.variants.iter().position(|v| v.control).unwrap_or(0);
        for (arm, variant) in experiment.variants.iter().enumerate().filter(|(i, _)| *i != control) {
            let (Some(c), Some(t)) = (of(control), of(arm)) else {
                continue;
            };
            let mut one = panel(asked, &variant.name, c, t, &days, stretch, experiment.alpha);
            if let (Some(c), Some(t)) = (all(control), all(arm))
                && let Ok(f) = novelty::fading(c, t, 1.0 - experiment.alpha)
            {
                one.all_units = c.count() + t.count();
                one.adjusted_p = f.fades.p;
                one.pattern = Some(f.pattern);
                one.detectable = Some(f.detectable);
                one.at_exposure = Some(f.first);
                one.long_run = Some(f.last);
                one.fades = Some(f.fades);
            }
            found.push(one);
        }
    }
    Ok(found)
}

fn panel(
    asked: &Asked,
    variant: &str,
    control: &Moments,
    treatment: &Moments,
    days: &[f64],
    stretch: i64,
    alpha: f64,
) -> Novelty {
    let mut out = Novelty {
        metric: asked.name.clone(),
        variant: variant.to_string(),
        units: control.count() + treatment.count(),
        days_per_stretch: stretch as f64 / DAY as f64,
        effects: Vec::new(),
        slope: None,
        late_minus_early: None,
        long_run: None,
        all_units: 0,
        fades: None,
        at_exposure: None,
        detectable: None,
        pattern: None,
        adjusted_p: None,
        not_estimable: None,
    };
    let analysed = relative(control, treatment, days.len())
        .and_then(|(control, treatment)| novelty::panel(&control, &treatment, days, 1.0 - alpha));
    match analysed {
        Ok(n) => {
            out.effects = n.daily;
            out.adjusted_p = n.slope.p;
            out.slope = Some(n.slope);
            out.late_minus_early = Some(n.late_minus_early);
            out.long_run = Some(n.last);
            out.pattern = Some(n.pattern);
        }
        Err(e) => out.not_estimable = Some(e),
    }
    out
}

/// Both arms in units of the control's mean of each stretch. A unit does more on the day it is exposed than later, so that
/// a lasting relative lift would look like one that fades on the absolute scale.
fn relative(control: &Moments, treatment: &Moments, stretches: usize) -> Result<(Moments, Moments), NotEstimable> {
    let refused = |detail: String| {
        NotEstimable::new(
            Reason::ZeroBaseline,
            detail,
            "wait for more facts, or follow a metric that happens more often",
        )
    };
    if control.dimension() != stretches || treatment.dimension() != stretches {
        return Err(refused("an arm has no units that could be followed".into()));
    }
    let by: Vec<f64> = (0..stretches).map(|i| control.mean(i).abs()).collect();
    if let Some(i) = by.iter().position(|c| *c <= 0.0 || !c.is_finite()) {
        return Err(refused(format!("the control is 0 in stretch {} after exposure", i + 1)));
    }
    let scaled = |m: &Moments| {
        let means = by.iter().enumerate().map(|(i, c)| m.mean(i) / c).collect();
        let pairs = (0..stretches).flat_map(|i| (i..stretches).map(move |j| (i, j)));
        let cross = pairs
            .filter_map(|(i, j)| Some(m.cross(i, j) / (by.get(i)? * by.get(j)?)))
            .collect();
        Moments::from_parts(m.count(), means, cross)
            .ok_or_else(|| refused("the moments do not fit the stretches".into()))
    };
    Ok((scaled(control)?, scaled(treatment)?))
}

/// Corrects by Holm over metrics and treatments, and says which lifts fade or grow at the experiment's error.
pub fn examine(found: &mut [Novelty], alpha: f64) -> Vec<Problem> {
    let p: Vec<f64> = found.iter().filter_map(|n| n.adjusted_p).collect();
    // p-values of slopes are probabilities; were one not, no trend would be claimed.
    let adjusted = multiplicity::holm(&p).unwrap_or(vec![1.0; p.len()]);
    let mut problems = Vec::new();
    let mut adjusted = adjusted.into_iter();
    for n in found.iter_mut().filter(|n| n.adjusted_p.is_some()) {
        let Some(p) = adjusted.next() else { break };
        n.adjusted_p = Some(p);
        // A slope says nothing of a lift that shows neither at first nor at last.
        let shows = |e: Option<&Estimate>| e.is_some_and(|e| e.low > 0.0 || e.high < 0.0);
        let speaks = n.fades.is_some() || shows(n.effects.first()) || shows(n.long_run.as_ref());
        if p >= alpha || !speaks {
            n.pattern = Some(Pattern::Stable);
        }
        let (code, what) = match n.pattern {
            Some(Pattern::Novelty) => ("novelty", "fades"),
            Some(Pattern::Primacy) => ("primacy", "grows"),
            _ => continue,
        };
        let long_run = match (&n.at_exposure, &n.long_run) {
            (Some(first), Some(last)) => format!(
                "; from {:+.1}% at exposure to {:+.1}% in the long run",
                first.point * 100.0,
                last.point * 100.0
            ),
            (None, Some(last)) => format!(
                "; on its line it ends at {:+.1}% after {:.0} days",
                last.point * 100.0,
                n.days_per_stretch * STRETCHES as f64
            ),
            _ => String::new(),
        };
        problems.push(problem(
            code,
            "warning",
            format!(
                "the lift of {} in {} {what} with the time since exposure ({}){long_run}; the average over the experiment is \
                 not what will remain",
                n.metric,
                n.variant,
                super::verdict::p_value(p)
            ),
        ));
    }
    problems
}
