//! What comes back from the queries: units and moments by arm and day, and by arm and dimension.
//! Totals are merges of cells, in a fixed order, so that the same rows give the same bytes.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use steward_compute::{Rows, Sketch};
use steward_stats::Moments;

use super::window::day;
use crate::CapabilityError;

/// Units of an arm in a day or segment.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Exposed.
    pub units: u64,
    /// Whose window has closed.
    pub ripe: u64,
    /// By position of the metric in the experiment's list.
    pub moments: BTreeMap<usize, Moments>,
}

impl Cell {
    /// Adds another cell's units and moments.
    pub fn merge(&mut self, other: &Cell) {
        self.units += other.units;
        self.ripe += other.ripe;
        for (&metric, moments) in &other.moments {
            match self.moments.get_mut(&metric) {
                Some(mine) => mine.merge(moments),
                None => {
                    self.moments.insert(metric, moments.clone());
                }
            }
        }
    }
}

/// All cells of an experiment. The day is `None` when exposures have no time.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// By day of exposure and arm.
    pub days: BTreeMap<(Option<Date>, i64), Cell>,
    /// By dimension: value and arm.
    pub segments: Vec<BTreeMap<(String, i64), Cell>>,
}

impl Cells {
    /// Takes the rows of one query. `metrics` are the positions of its metrics; `count` says whether its counts of
    /// units are taken (every query returns the same). Answers the metrics whose moments
    /// cannot be read (a value is infinite or not a number), with the cause.
    pub fn take(
        &mut self,
        rows: &Rows,
        metrics: &[usize],
        dimensions: usize,
        zone: &TimeZone,
        timed: bool,
        count: bool,
    ) -> Result<Vec<(usize, String)>, CapabilityError> {
        let arms = rows.integers("arm")?;
        let (units, ripe) = (rows.integers("units")?, rows.integers("ripe")?);
        let buckets = if timed {
            rows.timestamps("day")?
        } else {
            vec![None; arms.len()]
        };
        let values = (0..dimensions)
            .map(|i| rows.strings(&format!("s{i}")))
            .collect::<Result<Vec<_>, _>>()?;
        let mut moments = Vec::new();
        let mut refused = Vec::new();
        for (i, &metric) in metrics.iter().enumerate() {
            match rows.moments(&format!("m{i}")) {
                Ok(all) => moments.push((metric, all)),
                Err(cause) => refused.push((metric, cause.to_string())),
            }
        }
        self.segments.resize_with(dimensions, BTreeMap::new);

        let segment_of = |row: usize| {
            let of = |(i, v): (usize, &Vec<Option<String>>)| v.get(row).cloned().flatten().map(|v| (i, v));
            values.iter().enumerate().find_map(of)
        };
        let mut order: Vec<_> = (0..arms.len())
            .map(|row| {
                let arm = arms.get(row).copied().flatten().unwrap_or(super::query::UNKNOWN_ARM);
                (segment_of(row), buckets.get(row).copied().flatten(), arm, row)
            })
            .collect();
        order.sort();
        for (segment, bucket, arm, row) in order {
            let number = |all: &Vec<Option<i64>>| all.get(row).copied().flatten().unwrap_or(0).max(0) as u64;
            let cell = Cell {
                units: if count { number(&units) } else { 0 },
                ripe: if count { number(&ripe) } else { 0 },
                moments: moments
                    .iter()
                    .filter_map(|(metric, all)| all.get(row).map(|m| (*metric, m.clone())))
                    .collect(),
            };
            match segment {
                Some((i, value)) => {
                    if let Some(map) = self.segments.get_mut(i) {
                        map.entry((value, arm)).or_default().merge(&cell);
                    }
                }
                None => {
                    let day = bucket.and_then(|us| day(us, zone));
                    self.days.entry((day, arm)).or_default().merge(&cell);
                }
            }
        }
        Ok(refused)
    }

    /// All days of an arm together.
    pub fn total(&self, arm: i64) -> Cell {
        let mut all = Cell::default();
        for ((_, a), cell) in &self.days {
            if *a == arm {
                all.merge(cell);
            }
        }
        all
    }
}

/// Sketches from the rows of [`super::query::buckets`], one for each of its variables; values of 0 are left out where
/// `without_zeros` says so.
pub fn sketches(rows: &Rows, without_zeros: &[bool], accuracy: f64) -> Result<Vec<Sketch>, CapabilityError> {
    let units = rows.integers("units")?;
    let mut all = Vec::with_capacity(without_zeros.len());
    for (i, without_zeros) in without_zeros.iter().enumerate() {
        let (signs, indices) = (rows.integers(&format!("g{i}"))?, rows.integers(&format!("i{i}"))?);
        let mut sketch = Sketch::new(accuracy);
        for ((sign, index), units) in signs.iter().zip(&indices).zip(&units) {
            let (Some(sign), Some(index), Some(units)) = (sign, index, units) else {
                continue;
            };
            let count = (*units).max(0) as u64;
            match sign {
                0 if *without_zeros => {}
                0 => sketch.add_zeros(count),
                s => sketch.add(i32::try_from(*index).unwrap_or(i32::MAX), *s < 0, count),
            }
        }
        all.push(sketch);
    }
    Ok(all)
}
