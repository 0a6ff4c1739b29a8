//! Conditions and dimensions that experiments, key results and reports name.

use super::check::DimensionNames;
use crate::nearest::nearest;
use crate::project::Project;
use crate::sql::Expression;
use crate::{BlockContent, Diagnostic, Span};

pub(super) fn check(project: &Project, names: &DimensionNames<'_>, problems: &mut Vec<Diagnostic>) {
    for (name, experiment) in &project.experiments {
        for (metric, used) in &experiment.uses {
            let what = format!("metric `{metric}` in experiment `{name}`");
            filter(
                used.numerator_filter.as_deref(),
                &what,
                &experiment.meta.span,
                names,
                problems,
            );
        }
        let exposures = &experiment.exposures;
        let Some(filter) = &exposures.filter else { continue };
        let what = format!("the filter of the exposures of experiment `{name}`");
        let Some(condition) = parsed(filter, &what, &exposures.span, problems) else {
            continue;
        };
        let Some(dataset) = project
            .datasets
            .get(&exposures.dataset)
            .filter(|d| !d.columns.is_empty())
        else {
            continue;
        };
        for column in condition.column_names() {
            let known = || dataset.columns.iter().map(|c| c.name.as_str());
            if !known().any(|k| k.eq_ignore_ascii_case(&column)) {
                let message = format!(
                    "{what} names `{column}`, which dataset `{}` does not have",
                    dataset.meta.name
                );
                let problem = Diagnostic::error("unknown-column", exposures.span.clone(), message);
                problems.push(problem.did_you_mean(nearest(&column, known())));
            }
        }
    }
    for (name, objective) in &project.objectives {
        for key_result in &objective.key_results {
            let what = format!("key result `{}` of objective `{name}`", key_result.name);
            filter(key_result.filter.as_deref(), &what, &key_result.span, names, problems);
        }
    }
    for (name, report) in &project.reports {
        let what = format!("report `{name}`");
        for block in &report.blocks {
            match &block.content {
                BlockContent::Metric { filter: condition, .. } => {
                    filter(condition.as_deref(), &what, &block.span, names, problems);
                }
                BlockContent::Chart {
                    by, filter: condition, ..
                } => {
                    filter(condition.as_deref(), &what, &block.span, names, problems);
                    for by in by {
                        // `time:week` asks for a grain.
                        let plain = by.split_once(':').map_or(by.as_str(), |(plain, _)| plain).trim();
                        known(plain, &format!("a chart of {what} is by"), &block.span, names, problems);
                    }
                }
                _ => {}
            }
        }
    }
}

fn parsed(text: &str, what: &str, span: &Span, problems: &mut Vec<Diagnostic>) -> Option<Expression> {
    let refuse =
        |why: String| Diagnostic::error("bad-filter", span.clone(), format!("{what}, `{}`, {why}", text.trim()));
    if text.contains("{{") {
        let problem = refuse("holds Jinja, which belongs to dbt's files".to_owned());
        problems.push(problem.hint("write the plain name, such as `user__country`"));
        return None;
    }
    match Expression::parse(text) {
        Ok(condition) => match condition.aggregates().first() {
            None => Some(condition),
            Some(aggregate) => {
                problems.push(refuse(format!(
                    "aggregates (`{aggregate}`); a filter speaks of one row"
                )));
                None
            }
        },
        Err(problem) => {
            problems.push(refuse(problem.to_string()));
            None
        }
    }
}

fn filter(text: Option<&str>, what: &str, span: &Span, names: &DimensionNames<'_>, problems: &mut Vec<Diagnostic>) {
    let Some(text) = text else { return };
    let what = format!("a filter of {what}");
    let Some(condition) = parsed(text, &what, span, problems) else {
        return;
    };
    let mut all: Vec<String> = condition.columns().iter().map(|c| c.parts.join("__")).collect();
    all.sort();
    all.dedup();
    for name in all {
        known(&name, &format!("{what} names"), span, names, problems);
    }
}

fn known(name: &str, what: &str, span: &Span, names: &DimensionNames<'_>, problems: &mut Vec<Diagnostic>) {
    if !names.knows(name) {
        let near = names.nearest(name);
        let problem = Diagnostic::error(
            "unknown-dimension",
            span.clone(),
            format!("{what} `{name}`, which is no dimension"),
        );
        problems.push(problem.did_you_mean(near.as_deref()));
    }
}
