//! A model's table in a query, with the joins that its names ask for.

use std::collections::{BTreeMap, BTreeSet};

use steward_compute::{Query, arrow::datatypes::DataType};
use steward_definitions::{Dimension, SemanticModel};

use super::graph::{Attribute, Graph, Resolved};
use super::sql::{Expression, ident};
use super::time::{Grain, Zone};
use crate::{CapabilityError, Context};

/// Which time dimensions are dates (and which moments).
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    known: BTreeMap<(String, String), DataType>,
}

impl Times {
    /// Asks the engine for the types of all time dimensions; a table that it cannot read is left to its contract.
    pub async fn load(context: &Context) -> Times {
        let graph = Graph {
            project: &context.project,
        };
        let mut known = BTreeMap::new();
        for model in context.project.semantic_models.values() {
            let times: Vec<&Dimension> = model
                .dimensions
                .iter()
                .filter(|d| d.time_granularity.is_some())
                .collect();
            let expressions: Result<Vec<String>, CapabilityError> = times
                .iter()
                .map(|d| graph.columns_sql(model, "t", &d.expr, &d.name))
                .collect();
            let Ok(expressions) = expressions else { continue };
            if expressions.is_empty() {
                continue;
            }
            let select: Vec<String> = expressions
                .iter()
                .enumerate()
                .map(|(i, e)| format!("{e} AS \"c{i}\""))
                .collect();
            let query = Query {
                label: format!("types of {}", model.meta.name),
                sql: format!("SELECT {} FROM {} AS \"t\"", select.join(", "), ident(&model.dataset)),
                parameters: Vec::new(),
            };
            if let Ok(schema) = context.engine.plan(&query).await {
                for (d, field) in times.iter().zip(schema.fields()) {
                    known.insert((model.meta.name.clone(), d.name.clone()), field.data_type().clone());
                }
            }
        }
        Times { known }
    }

    /// Whether a time dimension is a date. What is neither date nor moment is refused.
    pub fn is_date(
        &self,
        graph: &Graph<'_>,
        model: &SemanticModel,
        dimension: &Dimension,
    ) -> Result<bool, CapabilityError> {
        let refuse = |found: &str| {
            Err(CapabilityError::Invalid(format!(
                "time dimension {} of semantic model {} is {found}, not a date or timestamp; \
                 give its column logicalType timestamp or date in the contract, or cast it in `expr`",
                dimension.name, model.meta.name
            )))
        };
        if let Some(known) = self.known.get(&(model.meta.name.clone(), dimension.name.clone())) {
            return match known {
                DataType::Date32 | DataType::Date64 => Ok(true),
                DataType::Timestamp(..) => Ok(false),
                other => refuse(&other.to_string()),
            };
        }
        let dataset = graph.dataset(model)?;
        let name = Expression::parse(&dimension.expr, &dimension.name)?
            .as_name()
            .and_then(|parts| parts.last().cloned());
        let promised = name.and_then(|n| dataset.columns.iter().find(|c| c.name == n));
        match promised.map(|c| c.logical_type.as_str()) {
            Some("date") => Ok(true),
            Some("timestamp") | None => Ok(false),
            Some(other) => refuse(other),
        }
    }
}

/// A model's table under an alias, with many-to-one joins as they are asked for.
pub(crate) struct Table<'p> {
    graph: Graph<'p>,
    /// The model.
    pub model: &'p SemanticModel,
    alias: String,
    /// Alias → join.
    joins: Vec<(String, String)>,
    /// Models joined.
    pub joined: Vec<&'p SemanticModel>,
    /// Dataset and expression of every key joined to, which must be unique.
    pub keys: BTreeSet<(String, String)>,
}

impl<'p> Table<'p> {
    /// A model's table without joins.
    pub fn new(graph: Graph<'p>, model: &'p SemanticModel, alias: &str) -> Table<'p> {
        Table {
            graph,
            model,
            alias: alias.to_owned(),
            joins: Vec::new(),
            joined: Vec::new(),
            keys: BTreeSet::new(),
        }
    }

    /// SQL of an expression over the model's own columns.
    pub fn own(&self, expr: &str, what: &str) -> Result<String, CapabilityError> {
        self.graph.columns_sql(self.model, &self.alias, expr, what)
    }

    /// SQL of a dimension or entity, joining as needed.
    pub fn attribute(&mut self, name: &str) -> Result<(String, Resolved<'p>), CapabilityError> {
        let resolved = self.graph.resolve(self.model, name)?;
        let mut alias = self.alias.clone();
        let mut model = self.model;
        for hop in &resolved.path {
            let next = format!("{alias}__{}__{}", hop.entity, hop.model.meta.name);
            if !self.joins.iter().any(|(a, _)| *a == next) {
                let here = entity_expr(model, hop.entity);
                let there = entity_expr(hop.model, hop.entity);
                let what = format!("entity {}", hop.entity);
                self.joins.push((
                    next.clone(),
                    format!(
                        "LEFT JOIN {} AS {} ON {} = {}",
                        ident(&hop.model.dataset),
                        ident(&next),
                        self.graph.columns_sql(model, &alias, here, &what)?,
                        self.graph.columns_sql(hop.model, &next, there, &what)?,
                    ),
                ));
                self.joined.push(hop.model);
                self.keys.insert((
                    hop.model.dataset.clone(),
                    self.graph.columns_sql(hop.model, "t", there, &what)?,
                ));
            }
            alias = next;
            model = hop.model;
        }
        let sql = self.graph.columns_sql(model, &alias, resolved.attribute.expr(), name)?;
        Ok((sql, resolved))
    }

    /// SQL of a key: an attribute, or periods of a time dimension.
    pub fn key(
        &mut self,
        name: &str,
        grain: Option<Grain>,
        zone: &Zone,
        times: &Times,
    ) -> Result<String, CapabilityError> {
        let (sql, resolved) = self.attribute(name)?;
        match resolved.attribute {
            Attribute::Dimension(d) if d.time_granularity.is_some() => {
                let date = times.is_date(&self.graph, resolved.model, d)?;
                let own = d.time_granularity.as_deref().and_then(Grain::from_word);
                Ok(match grain.or(own) {
                    Some(Grain::Hour) if date => {
                        return Err(CapabilityError::Invalid(format!(
                            "{name} is a date, which has no hours"
                        )));
                    }
                    Some(grain) => zone.period_sql(&sql, date, grain),
                    None => sql,
                })
            }
            _ => match grain {
                None => Ok(sql),
                Some(grain) => Err(CapabilityError::Invalid(format!(
                    "{name} is no time dimension: it has no periods of a {}",
                    grain.word()
                ))),
            },
        }
    }

    /// SQL of a condition over dimensions. `time` is what `time` and `metric_time` mean.
    pub fn condition(
        &mut self,
        text: &str,
        time: Option<&Dimension>,
        zone: &Zone,
        times: &Times,
    ) -> Result<String, CapabilityError> {
        let condition = Expression::parse(text, "filter")?;
        condition.render(|parts| {
            let name = parts.join("__");
            let (base, grain) = match name.rsplit_once("__") {
                Some((base, last)) if Grain::from_word(last).is_some() => (base.to_owned(), Grain::from_word(last)),
                _ => (name.clone(), None),
            };
            if base == "time" || base == "metric_time" {
                let time = time.ok_or_else(|| {
                    CapabilityError::Invalid(format!(
                        "filter `{text}`: {} has no time dimension",
                        self.model.meta.name
                    ))
                })?;
                let date = times.is_date(&self.graph, self.model, time)?;
                let sql = self.own(&time.expr, &time.name)?;
                return Ok(zone.period_sql(&sql, date, grain.unwrap_or(Grain::Day)));
            }
            self.key(&base, grain, zone, times)
        })
    }

    /// The FROM clause.
    pub fn from_sql(&self) -> String {
        let joins = self.joins_sql();
        let table = format!("{} AS {}", ident(&self.model.dataset), ident(&self.alias));
        if joins.is_empty() {
            table
        } else {
            format!("{table} {joins}")
        }
    }

    /// The joins alone.
    pub fn joins_sql(&self) -> String {
        self.joins
            .iter()
            .map(|(_, sql)| sql.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn entity_expr<'p>(model: &'p SemanticModel, entity: &'p str) -> &'p str {
    model
        .entities
        .iter()
        .find(|e| e.name == entity)
        .map_or(entity, |e| e.expr.as_str())
}

/// Refuses joins to keys that are not unique in the data, whatever the model says: they would repeat rows.
pub(crate) async fn verify_keys(context: &Context, keys: &BTreeSet<(String, String)>) -> Result<(), CapabilityError> {
    for (dataset, key) in keys {
        let query = Query {
            label: format!("key of {dataset}"),
            sql: format!(
                "SELECT COUNT({key}) - COUNT(DISTINCT {key}) AS \"repeated\" FROM {} AS \"t\"",
                ident(dataset)
            ),
            parameters: Vec::new(),
        };
        let rows = context.engine.run(&query, &context.control).await?;
        let repeated = rows.integers("repeated")?.into_iter().flatten().next().unwrap_or(0);
        if repeated > 0 {
            return Err(CapabilityError::Invalid(format!(
                "the join to {dataset} is refused: its key {} repeats in {repeated} row(s), which would count rows twice; \
                 remove the duplicates, or declare the entity as foreign",
                key.rsplit('.').next().unwrap_or(key)
            )));
        }
    }
    Ok(())
}
