//! Where lifts are looked for beyond what was declared: dimensions asked for at the readout, and two crossed to a map.

use std::collections::BTreeMap;

use steward_definitions::{Experiment, Project};

use super::cells::Cell;
use super::designs::{Ground, cross};
use super::dimensions::{UnitDimension, unit_dimension};
use super::query::Bucket;
use super::readout::{Breakdown, EffectMap, MapCell};
use crate::CapabilityError;

/// Stands between two values; no text from a table that people read holds it.
const BETWEEN: char = '\u{1f}';

/// A dimension that a readout was asked for.
pub fn asked(project: &Project, experiment: &Experiment, name: &str) -> Result<UnitDimension, CapabilityError> {
    unit_dimension(project, experiment, name).map_err(|cause| {
        CapabilityError::Invalid(format!(
            "experiment {} cannot be read by {name:?}: {cause}",
            experiment.meta.name
        ))
    })
}

/// Cells of two dimensions crossed, as those of one dimension of paired values.
pub(super) async fn cells(
    ground: &mut Ground<'_, '_>,
    map: &[UnitDimension; 2],
) -> Result<BTreeMap<(String, i64), Cell>, CapabilityError> {
    let grain = ground.layout.grain;
    let crossed = cross::cells(ground, map, Bucket::None, grain).await?;
    let joined = crossed.into_iter().map(|((_, values, arm), cell)| {
        let pair = values.join(&BETWEEN.to_string());
        ((pair, arm), cell)
    });
    Ok(joined.collect())
}

/// Takes the paired values apart again.
pub fn map(dimensions: &[UnitDimension; 2], crossed: [Breakdown; 1]) -> EffectMap {
    let [crossed] = crossed;
    let cells = crossed.segments.into_iter().filter_map(|s| {
        let (a, b) = s.value.split_once(BETWEEN)?;
        Some(MapCell {
            values: [a.to_string(), b.to_string()],
            units: s.units,
            metrics: s.metrics,
        })
    });
    let [a, b] = dimensions;
    EffectMap {
        dimensions: [a.name.clone(), b.name.clone()],
        cells: cells.collect(),
        tests: crossed.tests,
        problem: crossed.problem,
    }
}
