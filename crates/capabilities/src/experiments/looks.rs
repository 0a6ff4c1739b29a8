//! The looks of a group sequential experiment: when they are, which lie in the past, and what was known then.

use jiff::tz::TimeZone;
use steward_definitions::{Experiment, InferenceMethod, Looks};

use super::cells::{Cell, Cells};
use super::compute::{Prepared, Runner, group_rows};
use super::query::{self, Layout};
use super::window::{DAY, SECOND, Window, day, micros, moment};
use crate::CapabilityError;

/// A look with what was known at it.
pub struct Look {
    /// Its day in the project's zone; `None` while it waits for units.
    pub day: Option<String>,
    /// Information fraction: as reached, else as planned.
    pub fraction: f64,
    /// Cells of what was known; `None` in the future, and at the end, where they are those of the readout.
    pub cells: Option<Cells>,
    /// Whether it is reached.
    pub reached: bool,
    /// The end of the experiment.
    pub last: bool,
}

/// When the looks are: (moment, planned fraction), the end last. `days` are units by moment at which they count.
fn planned(
    experiment: &Experiment,
    window: &Window,
    zone: &TimeZone,
    days: &[(i64, u64)],
) -> Result<Vec<(Option<i64>, f64)>, CapabilityError> {
    let InferenceMethod::GroupSequential { looks, .. } = &experiment.inference.method else {
        return Ok(Vec::new());
    };
    let (Some(start), Some(end)) = (&experiment.start, &experiment.end) else {
        return Ok(Vec::new());
    };
    let (start, end) = (moment(start, zone)?, moment(end, zone)?);
    let length = (end - start) as f64;
    let share = |at: i64| ((at - start) as f64 / length).clamp(0.0, 1.0);
    let fractions: Vec<f64> = match looks {
        Looks::Number(n) => (1..*n).map(|i| i as f64 / *n as f64).collect(),
        Looks::Fractions(all) => all.iter().copied().filter(|f| *f < 1.0).collect(),
        Looks::Moments(_) => Vec::new(),
    };
    let mut all: Vec<(Option<i64>, f64)> = match (looks, experiment.inference.planned_units) {
        (Looks::Moments(moments), _) => moments
            .iter()
            .map(|text| moment(text, zone).map(|at| (Some(at), share(at))))
            .collect::<Result<_, _>>()?,
        (_, Some(units)) => fractions
            .iter()
            .map(|f| {
                let mut sum = 0;
                let reached = days.iter().find(|(_, n)| {
                    sum += n;
                    sum as f64 >= f * units as f64
                });
                (reached.map(|(at, _)| *at), *f)
            })
            .collect(),
        (_, None) => fractions
            .iter()
            .map(|f| {
                // Whole days from the start.
                let at = start + ((length * f / DAY as f64).round() as i64).max(1) * DAY;
                (Some(at), share(at))
            })
            .collect(),
    };
    let window = i64::try_from(window.seconds.unwrap_or(0))
        .unwrap_or(0)
        .saturating_mul(SECOND);
    let last = end.saturating_add(window);
    all.retain(|(at, _)| at.is_none_or(|at| at < last));
    all.push((Some(last), 1.0));
    Ok(all)
}

/// Lays the looks out and reads what was known at those in the past. `metrics` are the positions of those that could be
/// measured.
pub async fn looks(
    runner: &mut Runner<'_>,
    prepared: &Prepared<'_>,
    layout: &Layout<'_>,
    cells: &Cells,
    metrics: &[usize],
) -> Result<Vec<Look>, CapabilityError> {
    let window = prepared.window();
    let seconds = i64::try_from(window.seconds.unwrap_or(0))
        .unwrap_or(0)
        .saturating_mul(SECOND);
    let mut days: std::collections::BTreeMap<i64, u64> = std::collections::BTreeMap::new();
    for ((day, arm), cell) in &cells.days {
        if *arm >= 0
            && let Some(day) = day
            && let Ok(next) = day.tomorrow()
            && let Ok(at) = moment(&next.to_string(), prepared.zone())
        {
            *days.entry(at.saturating_add(seconds)).or_default() += cell.units;
        }
    }
    let days: Vec<(i64, u64)> = days.into_iter().collect();
    let experiment = prepared.experiment();
    let plan = planned(experiment, window, prepared.zone(), &days)?;
    let last = plan.len().saturating_sub(1);
    let mut found: Vec<Look> = Vec::new();
    let mut before = 0.0;
    for (i, (at, fraction)) in plan.into_iter().enumerate() {
        let reached = at.is_some_and(|at| at <= prepared.now());
        let mut look = Look {
            day: at.and_then(|at| day(at, prepared.zone())).map(|d| d.to_string()),
            fraction,
            cells: None,
            reached,
            last: i == last,
        };
        if reached
            && !look.last
            && let Some(at) = at
        {
            let then = Window {
                before: Some(window.before.map_or(at, |b| b.min(at))),
                cut: Some(at),
                data: Some(at),
                ..window.clone()
            };
            let known = at_moment(runner, prepared, layout, &then, metrics).await?;
            if let Some(units) = experiment.inference.planned_units {
                look.fraction = counted(experiment, &known) as f64 / units as f64;
            }
            look.cells = Some(known);
        } else if reached && let Some(units) = experiment.inference.planned_units {
            // Who ends with fewer units than planned spends the rest of the error at the end.
            look.fraction = (counted(experiment, cells) as f64 / units as f64).max(1.0);
        }
        // A look that learned nothing, or came after everything was spent, is none.
        if look.fraction < before + 1e-3 || before >= 1.0 {
            if !look.last || before >= 1.0 {
                continue;
            }
            look.fraction = before + 1e-3;
        }
        before = look.fraction;
        found.push(look);
    }
    Ok(found)
}

/// Units whose window has closed, in all variants.
pub fn counted(experiment: &Experiment, cells: &Cells) -> u64 {
    (0..experiment.variants.len())
        .map(|arm| cells.total(arm as i64).ripe)
        .sum()
}

/// The share of the plan at this moment; `None` if nothing is planned.
pub fn fraction(experiment: &Experiment, window: &Window, zone: &TimeZone, cells: &Cells, now: i64) -> Option<f64> {
    if let Some(units) = experiment.inference.planned_units {
        return Some(counted(experiment, cells) as f64 / units as f64);
    }
    let (start, end) = (experiment.start.as_deref()?, experiment.end.as_deref()?);
    let (start, end) = (moment(start, zone).ok()?, moment(end, zone).ok()?);
    let at = window.cut.unwrap_or(now).min(now.max(start));
    Some(((at - start) as f64 / (end - start) as f64).clamp(0.0, 1.0))
}

/// The share of a fixed horizon's information at this moment: of the planned units, else of the days of exposure whose
/// windows have closed.
pub fn known(experiment: &Experiment, window: &Window, zone: &TimeZone, cells: &Cells) -> Option<f64> {
    if let Some(units) = experiment.inference.planned_units {
        return Some(counted(experiment, cells) as f64 / units as f64);
    }
    let (start, end) = (experiment.start.as_deref()?, experiment.end.as_deref()?);
    let (start, end) = (moment(start, zone).ok()?, moment(end, zone).ok()?);
    let closed = window.cut?.saturating_sub(micros(window.seconds.unwrap_or(0)));
    Some(((closed - start) as f64 / (end - start) as f64).clamp(0.0, 1.0))
}

async fn at_moment(
    runner: &mut Runner<'_>,
    prepared: &Prepared<'_>,
    layout: &Layout<'_>,
    window: &Window,
    metrics: &[usize],
) -> Result<Cells, CapabilityError> {
    let then = Layout {
        window,
        dimensions: &[],
        ..*layout
    };
    let mut cells = Cells::default();
    let mut caps = vec![Vec::new(); prepared.metrics().len()];
    let mut first = true;
    for group in query::groups(prepared.metrics()) {
        let members: Vec<usize> = group.into_iter().filter(|m| metrics.contains(m)).collect();
        if members.is_empty() {
            continue;
        }
        let rows = group_rows(runner, &then, prepared, &members, &mut caps).await?;
        cells.take(&rows, &members, 0, prepared.zone(), true, first)?;
        first = false;
    }
    Ok(cells)
}

/// An arm's cell at a look: what was known then, or the readout's own at the end.
pub fn cell(look: &Look, now: &Cells, arm: usize) -> Cell {
    look.cells.as_ref().unwrap_or(now).total(arm as i64)
}
