//! Where the values of a breakdown are read: on the exposure's row, or in the table that has one row per unit.

use std::collections::BTreeSet;

use steward_definitions::{Dataset, EntityType, Experiment, Project, SemanticModel};

use super::expression::over_columns;
use super::measures::ROW_UNIT;

/// Source of a dimension's values. Expressions are already rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DimensionSource {
    /// On the exposure's row.
    Exposure {
        /// The value.
        value: String,
    },
    /// In a table keyed by the unit.
    Unit {
        /// Dataset.
        dataset: String,
        /// The unit's key.
        key: String,
        /// The value.
        value: String,
        /// The contract promises one row per key; else the smallest value of several is taken.
        keyed: bool,
        /// Several values of a key count as none.
        sole: bool,
    },
}

/// A dimension to break down by.
#[derive(Clone, Debug)]
pub struct UnitDimension {
    /// As the experiment names it.
    pub name: String,
    /// Where it is.
    pub source: DimensionSource,
    /// Definitions used.
    pub uses: BTreeSet<String>,
}

/// Finds a breakdown's source, or says why there is none.
pub fn unit_dimension(project: &Project, experiment: &Experiment, name: &str) -> Result<UnitDimension, String> {
    let exposures = &experiment.exposures;
    let (entity, plain) = match name.split_once("__") {
        Some((entity, plain)) => (Some(entity), plain),
        None => (None, name),
    };
    let models = || {
        project
            .semantic_models
            .values()
            .filter(|m| m.dimensions.iter().any(|d| d.name == plain))
    };
    let uses = |m: &SemanticModel| {
        BTreeSet::from([
            format!("semantic_model/{}", m.meta.name),
            format!("dataset/{}", m.dataset),
        ])
    };

    // On the exposure's own row: a dimension of a model over that dataset (any entity), or a plain column.
    let own = models().find(|m| {
        m.dataset == exposures.dataset && entity.is_none_or(|wanted| m.entities.iter().any(|e| e.name == wanted))
    });
    if let Some(model) = own {
        let dataset = dataset(project, &model.dataset)?;
        let value = dimension_expr(model, plain, dataset)?;
        let source = DimensionSource::Exposure { value };
        return Ok(UnitDimension {
            name: name.to_string(),
            source,
            uses: uses(model),
        });
    }
    if let Some(wanted) = entity {
        if exposures.unit == ROW_UNIT {
            return Err(format!(
                "{name:?} is in another table, and the rows of {} have no key",
                exposures.dataset
            ));
        }
        if wanted != exposures.entity {
            return Err(format!(
                "{name:?} belongs to {wanted:?}, and the unit is {:?}: break down by dimensions of the unit",
                exposures.entity
            ));
        }
        for model in models() {
            let Some(e) = model.entities.iter().find(|e| e.name == wanted) else {
                continue;
            };
            if !matches!(e.entity_type, EntityType::Primary | EntityType::Unique) {
                continue;
            }
            let dataset = dataset(project, &model.dataset)?;
            let key = exposures.as_unit(over_columns(&e.expr, dataset)?, &e.expr, dataset);
            let keyed = dataset.columns.iter().any(|c| {
                c.name == e.expr.trim().trim_matches('"')
                    && (c.unique
                        || (c.primary_key.is_some()
                            && dataset.columns.iter().filter(|o| o.primary_key.is_some()).count() == 1))
            });
            let value = dimension_expr(model, plain, dataset)?;
            let source = DimensionSource::Unit {
                dataset: model.dataset.clone(),
                key,
                value,
                keyed,
                sole: false,
            };
            return Ok(UnitDimension {
                name: name.to_string(),
                source,
                uses: uses(model),
            });
        }
        return Err(format!(
            "no semantic model with the primary entity {wanted:?} has a dimension {plain:?}: define it there"
        ));
    }
    let table = dataset(project, &exposures.dataset)?;
    let source = DimensionSource::Exposure {
        value: over_columns(&super::expression::quote(plain), table)?,
    };
    let uses = BTreeSet::from([format!("dataset/{}", exposures.dataset)]);
    Ok(UnitDimension {
        name: name.to_string(),
        source,
        uses,
    })
}

fn dataset<'a>(project: &'a Project, name: &str) -> Result<&'a Dataset, String> {
    project
        .datasets
        .get(name)
        .ok_or_else(|| format!("dataset {name:?} is not defined"))
}

fn dimension_expr(model: &SemanticModel, name: &str, dataset: &Dataset) -> Result<String, String> {
    match model.dimensions.iter().find(|d| d.name == name) {
        Some(d) => over_columns(&d.expr, dataset),
        None => Err(format!("semantic model {} has no dimension {name:?}", model.meta.name)),
    }
}
