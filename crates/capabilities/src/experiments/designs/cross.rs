//! Cells of an experiment by several things at once: region and time, cluster, stretch of an allocation.

use std::collections::BTreeMap;

use steward_compute::Rows;
use steward_stats::Moments;

use super::Ground;
use crate::CapabilityError;
use crate::experiments::cells::Cell;
use crate::experiments::dimensions::UnitDimension;
use crate::experiments::query::{self, Bucket, Capped, Layout, UNKNOWN_ARM};

/// What a cell is of: start of its bucket of time, values of the dimensions, arm.
pub type Key = (Option<i64>, Vec<String>, i64);

/// Reads every measured metric by arm, bucket and all dimensions together. `grain` is that of [`Bucket::Grain`].
pub async fn cells(
    ground: &mut Ground<'_, '_>,
    dimensions: &[UnitDimension],
    bucket: Bucket,
    grain: &'static str,
) -> Result<BTreeMap<Key, Cell>, CapabilityError> {
    let layout = Layout {
        dimensions,
        grain,
        ..*ground.layout
    };
    let mut all = BTreeMap::new();
    let mut groups = query::groups(ground.metrics);
    for group in &mut groups {
        group.retain(|m| ground.measured(*m));
    }
    groups.retain(|g| !g.is_empty());
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    for (at, members) in groups.iter().enumerate() {
        let capped: Vec<Capped> = members
            .iter()
            .filter_map(|&i| {
                Some(Capped {
                    metric: ground.metrics.get(i)?,
                    limits: ground.caps.get(i).cloned().unwrap_or_default(),
                })
            })
            .collect();
        let rows = ground.runner.run(&query::crossed(&layout, &capped, bucket)?).await?;
        take(&mut all, &rows, members, dimensions.len(), bucket, at == 0)?;
    }
    Ok(all)
}

fn take(
    all: &mut BTreeMap<Key, Cell>,
    rows: &Rows,
    members: &[usize],
    dimensions: usize,
    bucket: Bucket,
    count: bool,
) -> Result<(), CapabilityError> {
    let arms = rows.integers("arm")?;
    let (units, ripe) = (rows.integers("units")?, rows.integers("ripe")?);
    let buckets = match bucket {
        Bucket::None => vec![None; arms.len()],
        Bucket::Grain => rows.timestamps("day")?,
    };
    let values = (0..dimensions)
        .map(|i| rows.strings(&format!("s{i}")))
        .collect::<Result<Vec<_>, _>>()?;
    let moments: Vec<Vec<Moments>> = (0..members.len())
        .map(|i| rows.moments(&format!("m{i}")))
        .collect::<Result<_, _>>()?;
    // In a fixed order, so that the same rows give the same bytes.
    let mut keyed: Vec<(Key, usize)> = (0..arms.len())
        .map(|row| {
            let of = |v: &Vec<Option<String>>| v.get(row).cloned().flatten().unwrap_or_default();
            let key = (
                buckets.get(row).copied().flatten(),
                values.iter().map(of).collect(),
                arms.get(row).copied().flatten().unwrap_or(UNKNOWN_ARM),
            );
            (key, row)
        })
        .collect();
    keyed.sort();
    for (key, row) in keyed {
        let number = |of: &Vec<Option<i64>>| of.get(row).copied().flatten().unwrap_or(0).max(0) as u64;
        let cell = Cell {
            units: if count { number(&units) } else { 0 },
            ripe: if count { number(&ripe) } else { 0 },
            moments: members
                .iter()
                .zip(&moments)
                .filter_map(|(metric, of)| Some((*metric, of.get(row)?.clone())))
                .collect(),
        };
        all.entry(key).or_default().merge(&cell);
    }
    Ok(())
}
