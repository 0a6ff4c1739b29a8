//! Looks up what a text names.

use crate::decode::{Mention, Target};
use crate::nearest::nearest;
use crate::project::{Kind, Project, Reference};
use crate::sql::Statement;
use crate::{Diagnostic, EntityType};

pub(super) fn check(project: &Project, mention: &Mention, problems: &mut Vec<Diagnostic>) {
    let Mention { target, span, user } = mention;
    match target {
        Target::Definition(reference) => problems.extend(definition(project, reference, mention)),
        Target::Column { dataset, column } => {
            let Some(dataset) = project.datasets.get(dataset) else {
                return;
            };
            if dataset.columns.is_empty() || dataset.columns.iter().any(|c| c.name == *column) {
                return;
            }
            let message = format!(
                "{user} names the column `{column}`, which the dataset `{}` does not have",
                dataset.meta.name
            );
            let problem = Diagnostic::error("unknown-column", span.clone(), message);
            let near = nearest(column, dataset.columns.iter().map(|c| c.name.as_str()));
            let mut problem = problem.did_you_mean(near);
            if near.is_none() && dataset.columns.len() <= 12 {
                let names: Vec<&str> = dataset.columns.iter().map(|c| c.name.as_str()).collect();
                problem = problem.expected(crate::decode::one_of(&names));
            }
            problems.push(problem);
        }
        Target::Attribute(name, operator) => problems.extend(crate::flags::condition::attribute(
            project,
            name,
            operator.as_deref(),
            mention,
        )),
        Target::Owner(owner) => problems.extend(super::unknown_owner(project, owner, span.clone(), user)),
        Target::Breakdown { experiment, dimension } => {
            problems.extend(breakdown(project, experiment, dimension, mention))
        }
        Target::Query(query) => {
            let statement = match Statement::parse_query(query) {
                Ok(statement) => statement,
                Err(error) => {
                    let message = format!(
                        "the SQL of {user} {} (line {} of the query)",
                        error.message,
                        error.line.max(1)
                    );
                    problems.push(Diagnostic::error("sql-syntax", span.clone(), message));
                    return;
                }
            };
            for table in statement.tables() {
                problems.extend(definition(project, &Reference::new(Kind::Dataset, table), mention));
            }
        }
    }
}

fn definition(project: &Project, reference: &Reference, mention: &Mention) -> Option<Diagnostic> {
    if project.contains(reference) {
        return None;
    }
    let noun = reference.kind.noun();
    let message = format!(
        "{} names the {noun} `{}`, which is not defined",
        mention.user, reference.name
    );
    let code = format!("unknown-{}", noun.replace(' ', "-"));
    let near = project.suggest(reference.kind, &reference.name);
    let mut problem = Diagnostic::error(&code, mention.span.clone(), message).did_you_mean(near.as_deref());
    if near.is_none() {
        problem = problem.expected(format!("a {noun} defined in `{}/`", reference.kind.folder()));
    }
    Some(problem)
}

/// A breakdown is a dimension of a model, or a column of the exposures themselves.
fn breakdown(project: &Project, experiment: &str, dimension: &str, mention: &Mention) -> Option<Diagnostic> {
    let exposures = &project.experiments.get(experiment)?.exposures;
    let own = project.datasets.get(&exposures.dataset);
    let columns: Vec<&str> = own.iter().flat_map(|d| &d.columns).map(|c| c.name.as_str()).collect();
    let mut known: Vec<String> = Vec::new();
    for model in project.semantic_models.values() {
        let entities = model
            .entities
            .iter()
            .filter(|e| e.entity_type != EntityType::Foreign || model.dataset == exposures.dataset);
        for entity in entities {
            known.extend(model.dimensions.iter().map(|d| format!("{}__{}", entity.name, d.name)));
        }
    }
    let plain = dimension.rsplit_once("__").map_or(dimension, |(_, plain)| plain);
    let alone = plain == dimension
        && (columns.contains(&dimension) || known.iter().any(|k| k.ends_with(&format!("__{dimension}"))));
    // `entity__column` also reaches a plain column of the exposures through their own entity.
    let through = dimension
        .strip_prefix(&format!("{}__", exposures.entity))
        .is_some_and(|p| columns.contains(&p));
    if alone || through || known.iter().any(|k| k == dimension) {
        return None;
    }
    let message = format!(
        "{} is broken down by `{dimension}`, which is no dimension",
        mention.user
    );
    let candidates = known.iter().map(String::as_str).chain(columns);
    let near = nearest(dimension, candidates).or_else(|| {
        known
            .iter()
            .map(String::as_str)
            .find(|k| k.ends_with(&format!("__{plain}")))
    });
    let problem = Diagnostic::error("unknown-dimension", mention.span.clone(), message).did_you_mean(near);
    Some(if near.is_none() {
        problem.expected("a dimension such as `user__country`, or a column of the exposures")
    } else {
        problem
    })
}
