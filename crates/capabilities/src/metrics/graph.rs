//! Which models join to which, and what a dimension's name means seen from a model.

use std::collections::{BTreeMap, BTreeSet};

use steward_definitions::{Dataset, Dimension, Entity, EntityType, Project, SemanticModel};

use super::sql::{Expression, column, nearest};
use crate::CapabilityError;

/// Joins followed at most.
const MOST_HOPS: usize = 4;

/// A many-to-one join: every row of the model before it meets at most one row of `model`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'p> {
    /// The entity joined through.
    pub entity: &'p str,
    /// The model that has it as primary or unique entity.
    pub model: &'p SemanticModel,
}

/// What a name means.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<'p> {
    /// Joins from the starting model; empty if it is its own.
    pub path: Vec<Hop<'p>>,
    /// The model that defines it.
    pub model: &'p SemanticModel,
    /// The attribute.
    pub attribute: Attribute<'p>,
}

/// A dimension or an entity's key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attribute<'p> {
    /// A dimension.
    Dimension(&'p Dimension),
    /// An entity's key.
    Entity(&'p Entity),
}

impl Attribute<'_> {
    /// SQL expression over the dataset's columns.
    pub fn expr(&self) -> &str {
        match self {
            Attribute::Dimension(d) => &d.expr,
            Attribute::Entity(e) => &e.expr,
        }
    }
}

/// The semantic models of a project.
#[derive(Clone, Copy)]
pub(crate) struct Graph<'p> {
    /// The project.
    pub project: &'p Project,
}

impl<'p> Graph<'p> {
    /// The dataset that a model reads.
    pub fn dataset(&self, model: &SemanticModel) -> Result<&'p Dataset, CapabilityError> {
        self.project
            .datasets
            .get(&model.dataset)
            .ok_or_else(|| CapabilityError::Unknown {
                kind: "dataset".into(),
                name: model.dataset.clone(),
                near: nearest(&model.dataset, self.project.datasets.keys().map(String::as_str)),
            })
    }

    /// The measure of a name, with its model.
    pub fn measure(
        &self,
        name: &str,
    ) -> Result<(&'p SemanticModel, &'p steward_definitions::Measure), CapabilityError> {
        let all = || {
            self.project
                .semantic_models
                .values()
                .flat_map(|m| m.measures.iter().map(move |x| (m, x)))
        };
        all()
            .find(|(_, x)| x.name == name)
            .ok_or_else(|| CapabilityError::Unknown {
                kind: "measure".into(),
                name: name.into(),
                near: nearest(name, all().map(|(_, x)| x.name.as_str())),
            })
    }

    /// SQL of an expression over a model's columns, each qualified with the table's alias.
    pub fn columns_sql(
        &self,
        model: &SemanticModel,
        alias: &str,
        expr: &str,
        what: &str,
    ) -> Result<String, CapabilityError> {
        let dataset = self.dataset(model)?;
        Expression::parse(expr, what)?.render(|parts| {
            let (table, name) = match parts {
                [name] => (None, name),
                [table, name] => (Some(table), name),
                _ => {
                    return Err(CapabilityError::Invalid(format!(
                        "{what}: {} is no column of dataset {}",
                        parts.join("."),
                        dataset.meta.name
                    )));
                }
            };
            if let Some(table) = table
                && *table != dataset.meta.name
                && *table != model.meta.name
            {
                return Err(CapabilityError::Invalid(format!(
                    "{what}: {table}.{name} is no column of dataset {}; an expression reads its own model's table only",
                    dataset.meta.name
                )));
            }
            Ok(column(alias, column_of(dataset, name, what)?))
        })
    }

    /// Models that can be joined through an entity without repeating rows.
    fn targets(&self, entity: &str, except: &SemanticModel) -> Vec<Hop<'p>> {
        self.project
            .semantic_models
            .values()
            .filter(|m| m.meta.name != except.meta.name)
            .filter_map(|model| {
                let e = model.entities.iter().find(|e| e.name == entity && one_row(e))?;
                Some(Hop { entity: &e.name, model })
            })
            .collect()
    }

    /// Ways from a model to models that hold an entity, not passing through one that does.
    fn ways_to_entity(&self, from: &'p SemanticModel, entity: &str) -> Vec<(Vec<Hop<'p>>, &'p SemanticModel)> {
        let mut found = Vec::new();
        let mut open = vec![(Vec::<Hop<'p>>::new(), from)];
        while let Some((path, model)) = open.pop() {
            if model.entities.iter().any(|e| e.name == entity) {
                found.push((path, model));
                continue;
            }
            if path.len() == MOST_HOPS {
                continue;
            }
            for e in &model.entities {
                for hop in self.targets(&e.name, model) {
                    let seen = hop.model.meta.name == from.meta.name
                        || path.iter().any(|h| h.model.meta.name == hop.model.meta.name);
                    if !seen {
                        let mut longer = path.clone();
                        longer.push(hop);
                        open.push((longer, hop.model));
                    }
                }
            }
        }
        found.sort_by_key(|(path, _)| (path.len(), describe(from, path)));
        found
    }

    /// What a name means seen from a model: `country`, `user__country`, `session__user__country`, `user`.
    pub fn resolve(&self, from: &'p SemanticModel, name: &str) -> Result<Resolved<'p>, CapabilityError> {
        let parts: Vec<&str> = name.split("__").collect();
        let found = match parts.as_slice() {
            [single] => self.resolve_single(from, single)?,
            [entity, attribute] => self.resolve_pair(from, entity, attribute),
            _ => self.resolve_path(from, &parts),
        };
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(self.unresolved(from, name, &parts)),
            many => Err(CapabilityError::Invalid(format!(
                "{name} can be reached from {} in {} ways: {}; spell out the one that is meant, e.g. {}",
                from.meta.name,
                many.len(),
                many.iter()
                    .map(|r| describe(from, &r.path))
                    .collect::<Vec<_>>()
                    .join("; "),
                many.iter().map(|r| spelled(r)).collect::<Vec<_>>().join(" or "),
            ))),
        }
    }

    fn resolve_single(&self, from: &'p SemanticModel, name: &str) -> Result<Vec<Resolved<'p>>, CapabilityError> {
        if let Some(attribute) = own(from, name) {
            return Ok(vec![Resolved {
                path: Vec::new(),
                model: from,
                attribute,
            }]);
        }
        let mut found: Vec<Resolved<'p>> = Vec::new();
        let is_entity = self
            .project
            .semantic_models
            .values()
            .any(|m| m.entities.iter().any(|e| e.name == name));
        if is_entity {
            for (path, model) in self.ways_to_entity(from, name) {
                if let Some(e) = model.entities.iter().find(|e| e.name == name) {
                    found.push(Resolved {
                        path,
                        model,
                        attribute: Attribute::Entity(e),
                    });
                }
            }
            return Ok(found);
        }
        // A bare dimension of another model: whichever entity leads there.
        let entities: BTreeSet<&str> = self
            .project
            .semantic_models
            .values()
            .filter(|m| m.dimensions.iter().any(|d| d.name == name))
            .flat_map(|m| m.entities.iter().filter(|e| one_row(e)).map(|e| e.name.as_str()))
            .collect();
        for entity in entities {
            found.extend(self.resolve_pair(from, entity, name));
        }
        Ok(found)
    }

    fn resolve_pair(&self, from: &'p SemanticModel, entity: &str, attribute: &str) -> Vec<Resolved<'p>> {
        if entity == from.meta.name
            && let Some(attribute) = own(from, attribute)
        {
            return vec![Resolved {
                path: Vec::new(),
                model: from,
                attribute,
            }];
        }
        let mut found = Vec::new();
        for (path, model) in self.ways_to_entity(from, entity) {
            let here = model.entities.iter().any(|e| e.name == entity && one_row(e));
            if here && let Some(attribute) = own(model, attribute) {
                found.push(Resolved {
                    path: path.clone(),
                    model,
                    attribute,
                });
            }
            for hop in self.targets(entity, model) {
                let seen = hop.model.meta.name == from.meta.name
                    || path.iter().any(|h| h.model.meta.name == hop.model.meta.name);
                if !seen && let Some(attribute) = own(hop.model, attribute) {
                    let mut path = path.clone();
                    path.push(hop);
                    found.push(Resolved {
                        path,
                        model: hop.model,
                        attribute,
                    });
                }
            }
        }
        // An attribute of the model itself wins over a join to another model of the same entity.
        if found.iter().any(|r| r.path.is_empty()) {
            found.retain(|r| r.path.is_empty());
        }
        found
    }

    fn resolve_path(&self, from: &'p SemanticModel, parts: &[&str]) -> Vec<Resolved<'p>> {
        let Some((attribute, entities)) = parts.split_last() else {
            return Vec::new();
        };
        let mut at: Vec<(Vec<Hop<'p>>, &'p SemanticModel)> = vec![(Vec::new(), from)];
        for entity in entities {
            let mut next = Vec::new();
            for (path, model) in &at {
                if !model.entities.iter().any(|e| e.name == *entity) {
                    continue;
                }
                for hop in self.targets(entity, model) {
                    let mut path = path.clone();
                    path.push(hop);
                    next.push((path, hop.model));
                }
            }
            at = next;
        }
        at.into_iter()
            .filter_map(|(path, model)| {
                let attribute = own(model, attribute)?;
                Some(Resolved { path, model, attribute })
            })
            .collect()
    }

    /// Why a name means nothing: a join that would repeat rows, or a near name.
    fn unresolved(&self, from: &SemanticModel, name: &str, parts: &[&str]) -> CapabilityError {
        if let [.., entity, attribute] = parts {
            for model in self.project.semantic_models.values() {
                let many = model.entities.iter().find(|e| e.name == *entity && !one_row(e));
                if let (Some(_), Some(_)) = (many, own(model, attribute))
                    && from.entities.iter().any(|e| e.name == *entity)
                {
                    return CapabilityError::Invalid(format!(
                        "{name}: the join {} → ({entity}) → {} is refused, since {} has many rows per {entity} and would repeat those of {}; \
                         make {entity} its primary or unique entity, or ask for a metric of {}",
                        from.meta.name, model.meta.name, model.meta.name, from.meta.name, model.meta.name
                    ));
                }
            }
        }
        let known = self.names(from);
        CapabilityError::Invalid(format!(
            "{name} is no dimension of {}{}; it has {}",
            from.meta.name,
            nearest(name, known.keys().map(String::as_str))
                .map(|n| format!("; did you mean {n}?"))
                .unwrap_or_default(),
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.keys().cloned().collect::<Vec<_>>().join(", ")
            }
        ))
    }

    /// Every dimension that can be reached from a model, by the name to ask with.
    pub fn names(&self, from: &'p SemanticModel) -> BTreeMap<String, Resolved<'p>> {
        let mut names = BTreeMap::new();
        let prefix = from
            .entities
            .iter()
            .find(|e| e.entity_type == EntityType::Primary)
            .map_or(from.meta.name.as_str(), |e| e.name.as_str());
        for d in &from.dimensions {
            let resolved = Resolved {
                path: Vec::new(),
                model: from,
                attribute: Attribute::Dimension(d),
            };
            names.insert(format!("{prefix}__{}", d.name), resolved);
        }
        let entities: BTreeSet<&str> = self
            .project
            .semantic_models
            .values()
            .flat_map(|m| m.entities.iter().filter(|e| one_row(e)).map(|e| e.name.as_str()))
            .collect();
        for entity in entities {
            let attributes: BTreeSet<&str> = self
                .project
                .semantic_models
                .values()
                .filter(|m| m.entities.iter().any(|e| e.name == entity && one_row(e)))
                .flat_map(|m| m.dimensions.iter().map(|d| d.name.as_str()))
                .collect();
            for attribute in attributes {
                if let [one] = self.resolve_pair(from, entity, attribute).as_slice()
                    && matches!(one.attribute, Attribute::Dimension(_))
                {
                    names
                        .entry(format!("{entity}__{attribute}"))
                        .or_insert_with(|| one.clone());
                }
            }
        }
        names
    }
}

/// Whether a value of the entity stands in one row at most.
fn one_row(e: &Entity) -> bool {
    matches!(e.entity_type, EntityType::Primary | EntityType::Unique)
}

/// A dimension or entity of a model's own.
fn own<'p>(model: &'p SemanticModel, name: &str) -> Option<Attribute<'p>> {
    let dimension = model
        .dimensions
        .iter()
        .find(|d| d.name == name)
        .map(Attribute::Dimension);
    dimension.or_else(|| model.entities.iter().find(|e| e.name == name).map(Attribute::Entity))
}

/// A path for people: `orders → (user) → users`.
pub(crate) fn describe(from: &SemanticModel, path: &[Hop<'_>]) -> String {
    let mut text = from.meta.name.clone();
    for hop in path {
        text.push_str(&format!(" → ({}) → {}", hop.entity, hop.model.meta.name));
    }
    text
}

fn spelled(r: &Resolved<'_>) -> String {
    let attribute = match r.attribute {
        Attribute::Dimension(d) => d.name.as_str(),
        Attribute::Entity(e) => e.name.as_str(),
    };
    r.path
        .iter()
        .map(|h| h.entity)
        .chain([attribute])
        .collect::<Vec<_>>()
        .join("__")
}

/// The column of a dataset that a name means: as written, else the only one that differs in case.
pub(crate) fn column_of<'d>(dataset: &'d Dataset, name: &'d str, what: &str) -> Result<&'d str, CapabilityError> {
    if dataset.columns.is_empty() || dataset.columns.iter().any(|c| c.name == name) {
        return Ok(name);
    }
    let mut alike = dataset.columns.iter().filter(|c| c.name.eq_ignore_ascii_case(name));
    match (alike.next(), alike.next()) {
        (Some(c), None) => Ok(&c.name),
        _ => Err(CapabilityError::Invalid(format!(
            "{what}: dataset {} has no column {name:?}{}",
            dataset.meta.name,
            nearest(name, dataset.columns.iter().map(|c| c.name.as_str()))
                .map(|n| format!("; did you mean {n:?}?"))
                .unwrap_or_default()
        ))),
    }
}
