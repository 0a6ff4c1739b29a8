//! Cross-checks: whatever one definition names must exist, and must make sense there.

mod cycles;
mod lookup;

use crate::decode::Mention;
use crate::nearest::nearest;
use crate::project::{Meta, Project};
use crate::{Diagnostic, EntityType, Exposures, Span};

/// Fills in what follows from other definitions: the entity of an experiment's unit.
pub(crate) fn complete(project: &mut Project, problems: &mut Vec<Diagnostic>) {
    exposures_left_out(project, problems);
    crate::collected::complete(project, problems);
    crate::billed::complete(project, problems);
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, experiment) in &project.experiments {
        let exposures = &experiment.exposures;
        if exposures.dataset == crate::COLLECTED
            || !exposures.entity.is_empty()
            || exposures.dataset.is_empty()
            || exposures.unit.is_empty()
        {
            continue;
        }
        match entity_of(project, &exposures.dataset, &exposures.unit).as_slice() {
            [one] => found.push((name.clone(), one.clone())),
            [] => {
                // The column's own name serves where no model says more: no join is asked of it then.
                found.push((name.clone(), exposures.unit.clone()));
            }
            several => {
                let message = format!(
                    "the unit `{}` may be {}",
                    exposures.unit,
                    crate::decode::one_of(&several.iter().map(String::as_str).collect::<Vec<_>>())
                );
                problems.push(
                    Diagnostic::error("ambiguous-entity", exposures.span.clone(), message)
                        .hint("say which with `entity:`"),
                );
            }
        }
    }
    for (name, entity) in found {
        if let Some(experiment) = project.experiments.get_mut(&name) {
            experiment.exposures.entity = entity;
        }
    }
}

/// An experiment that a flag drives may leave its exposures out: they are collected.
fn exposures_left_out(project: &mut Project, problems: &mut Vec<Diagnostic>) {
    let left_out = project
        .experiments
        .values()
        .filter(|e| e.exposures == Exposures::default());
    let names: Vec<String> = left_out.map(|e| e.meta.name.clone()).collect();
    for name in names {
        let driven = crate::collected::flag_driven(project, &name);
        let Some(experiment) = project.experiments.get_mut(&name) else {
            continue;
        };
        let span = experiment.meta.span.clone();
        if driven {
            experiment.exposures = crate::collected::exposures(&name, String::new(), None, span);
        } else {
            let message = format!("the experiment `{name}` has no `exposures`, and no flag assigns its units");
            let problem = Diagnostic::error("missing-key", span, message);
            problems.push(
                problem
                    .expected("the key `exposures`, or a rule of a flag with `experiment: ".to_owned() + &name + "`"),
            );
        }
    }
}

/// Entities whose key is this column: in models of the same dataset, else of that column's name elsewhere.
fn entity_of(project: &Project, dataset: &str, unit: &str) -> Vec<String> {
    let entities = |own: bool| {
        let mut names: Vec<String> = project
            .semantic_models
            .values()
            .filter(|m| !own || m.dataset == dataset)
            .flat_map(|m| &m.entities)
            .filter(|e| e.expr == unit && (own || e.entity_type != EntityType::Natural))
            .map(|e| e.name.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let own = entities(true);
    if own.is_empty() { entities(false) } else { own }
}

/// Checks the whole project; `problems` takes what is wrong.
pub(crate) fn check(project: &Project, mentions: &[Mention], problems: &mut Vec<Diagnostic>) {
    for mention in mentions {
        lookup::check(project, mention, problems);
    }
    cycles::check(project, problems);
    crate::flags::check::check(project, problems);
    inherited_owners(project, problems);
    crate::semantic::check(project, problems);
}

/// Owners of semantic models and metrics, whose places are those of their names, and of the project itself.
fn inherited_owners(project: &Project, problems: &mut Vec<Diagnostic>) {
    if let Some(owner) = &project.settings.owner {
        let span = Span {
            file: "steward.yaml".to_owned(),
            line: 0,
            column: 0,
        };
        problems.extend(unknown_owner(project, owner, span, "the project"));
    }
    let models = project.semantic_models.values().map(|m| &m.meta);
    for meta in models.chain(project.metrics.values().map(|m| &m.meta)) {
        let Meta { owner, name, span, .. } = meta;
        if Some(owner) != project.settings.owner.as_ref() && !owner.is_empty() {
            problems.extend(unknown_owner(project, owner, span.clone(), &format!("`{name}`")));
        }
    }
}

/// An owner who is neither a person nor a team of `steward.yaml`, if that lists any.
fn unknown_owner(project: &Project, owner: &str, span: Span, user: &str) -> Option<Diagnostic> {
    let people = &project.settings.people;
    let known = || {
        people
            .iter()
            .flat_map(|p| [Some(p.name.as_str()), p.team.as_deref(), p.email.as_deref()])
            .flatten()
    };
    if people.is_empty() || known().any(|k| k == owner) {
        return None;
    }
    let message = format!("{user} names `{owner}`, who is not among the people and teams of `steward.yaml`");
    Some(Diagnostic::error("unknown-owner", span, message).did_you_mean(nearest(owner, known())))
}
