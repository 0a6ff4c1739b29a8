//! What semantic models and metrics say about each other and about the contracts of their datasets.

use std::collections::{BTreeMap, BTreeSet};

use super::jinja::GRAINS;
use crate::nearest::nearest;
use crate::project::Project;
use crate::sql::Expression;
use crate::{Dataset, Diagnostic, Measure, MeasureInput, Metric, MetricInput, MetricShape, SemanticModel, Span};

/// Checks references of semantic models and metrics across files; `problems` takes what is wrong.
pub fn check(project: &Project, problems: &mut Vec<Diagnostic>) {
    let mut measures: BTreeMap<&str, (&SemanticModel, &Measure)> = BTreeMap::new();
    for model in project.semantic_models.values() {
        check_model(project, model, problems);
        for measure in &model.measures {
            match measures.get(measure.name.as_str()) {
                Some((other, first)) => problems.push(
                    Diagnostic::error(
                        "duplicate-name",
                        measure.span.clone(),
                        format!("measure `{}` is defined twice", measure.name),
                    )
                    .hint(format!(
                        "first defined in semantic model `{}` at {}:{}; measures are unique in the project",
                        other.meta.name, first.span.file, first.span.line
                    )),
                ),
                None => {
                    measures.insert(&measure.name, (model, measure));
                }
            }
        }
    }
    let checker = Checker {
        project,
        measures,
        dimensions: DimensionNames::new(project),
    };
    for metric in project.metrics.values() {
        checker.metric(metric, problems);
    }
    cycles(project, problems);
    super::conditions::check(project, &checker.dimensions, problems);
}

/// Names by which dimensions and entities can be asked for.
#[derive(Debug)]
pub struct DimensionNames<'p> {
    /// Entities, with the dimensions and entities of the models that have them.
    by_entity: BTreeMap<&'p str, BTreeSet<&'p str>>,
    /// Dimensions and entities by their own name.
    bare: BTreeSet<&'p str>,
}

impl<'p> DimensionNames<'p> {
    /// Of a whole project.
    pub fn new(project: &'p Project) -> DimensionNames<'p> {
        let (mut by_entity, mut bare) = (BTreeMap::<&str, BTreeSet<&str>>::new(), BTreeSet::new());
        for model in project.semantic_models.values() {
            let names: BTreeSet<&str> = model
                .dimensions
                .iter()
                .map(|d| d.name.as_str())
                .chain(model.entities.iter().map(|e| e.name.as_str()))
                .collect();
            for entity in &model.entities {
                by_entity.entry(&entity.name).or_default().extend(&names);
            }
            bare.extend(names);
        }
        DimensionNames { by_entity, bare }
    }

    /// Whether a name means something: `country`, `user__country`, `order__user__country`, `order__ts__day`,
    /// `metric_time__week`.
    pub fn knows(&self, name: &str) -> bool {
        let mut parts: Vec<&str> = name.split("__").collect();
        if parts.len() > 1 && parts.last().is_some_and(|last| GRAINS.contains(last)) {
            parts.pop();
        }
        match parts.as_slice() {
            ["time" | "metric_time"] => true,
            [one] => self.bare.contains(one),
            [path @ .., entity, last] => {
                path.iter().all(|e| self.by_entity.contains_key(e))
                    && self.by_entity.get(entity).is_some_and(|names| names.contains(last))
            }
            [] => false,
        }
    }

    /// The nearest known name.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let all: Vec<String> = self
            .by_entity
            .iter()
            .flat_map(|(entity, names)| {
                names
                    .iter()
                    .filter(move |n| *n != entity)
                    .map(move |n| format!("{entity}__{n}"))
            })
            .chain(self.bare.iter().map(|n| (*n).to_owned()))
            .collect();
        nearest(name, all.iter().map(String::as_str)).map(str::to_owned)
    }
}

fn check_model(project: &Project, model: &SemanticModel, problems: &mut Vec<Diagnostic>) {
    let name = &model.meta.name;
    let dataset = project.datasets.get(&model.dataset);
    if dataset.is_none() && !model.dataset.is_empty() {
        problems.push(
            Diagnostic::error(
                "unknown-dataset",
                model.meta.span.clone(),
                format!("semantic model `{name}` reads the unknown dataset `{}`", model.dataset),
            )
            .did_you_mean(nearest(&model.dataset, project.datasets.keys().map(String::as_str))),
        );
    }
    let mut seen = BTreeSet::new();
    let named = model
        .entities
        .iter()
        .map(|e| (e.name.as_str(), &e.span, "entity", &e.expr))
        .chain(
            model
                .dimensions
                .iter()
                .map(|d| (d.name.as_str(), &d.span, "dimension", &d.expr)),
        );
    for (element, span, what, expr) in named {
        if !seen.insert(element) {
            problems.push(Diagnostic::error(
                "duplicate-name",
                span.clone(),
                format!("{what} `{element}` occurs twice among the entities and dimensions of semantic model `{name}`"),
            ));
        }
        columns(dataset, model, &format!("{what} `{element}`"), expr, span, problems);
    }
    let primaries: Vec<_> = model
        .entities
        .iter()
        .filter(|e| e.entity_type == crate::EntityType::Primary)
        .collect();
    if let [_, second, ..] = primaries.as_slice() {
        problems.push(
            Diagnostic::error(
                "bad-value",
                second.span.clone(),
                format!("semantic model `{name}` has more than one primary entity"),
            )
            .hint("declare further keys of one row as `unique`"),
        );
    }
    let times: Vec<&str> = model
        .dimensions
        .iter()
        .filter(|d| d.time_granularity.is_some())
        .map(|d| d.name.as_str())
        .collect();
    let mut time = |used: &str, by: String, span: &Span| {
        if !times.contains(&used) {
            let problem = Diagnostic::error(
                "unknown-dimension",
                span.clone(),
                format!("{by} names `{used}`, which is no time dimension of semantic model `{name}`"),
            );
            problems.push(problem.did_you_mean(nearest(used, times.iter().copied())));
        }
    };
    if let Some(default) = &model.time_dimension {
        time(default, "`agg_time_dimension`".to_owned(), &model.meta.span);
    }
    for measure in &model.measures {
        if let Some(own) = &measure.time_dimension {
            time(own, format!("measure `{}`", measure.name), &measure.span);
        }
        if let Some(non_additive) = &measure.non_additive {
            time(
                &non_additive.dimension,
                format!("`non_additive_dimension` of `{}`", measure.name),
                &measure.span,
            );
        }
    }
    for measure in &model.measures {
        let what = format!("measure `{}`", measure.name);
        columns(dataset, model, &what, &measure.expr, &measure.span, problems);
        for grouping in measure.non_additive.iter().flat_map(|n| &n.window_groupings) {
            if !model.entities.iter().any(|e| e.name == *grouping) {
                let known = model.entities.iter().map(|e| e.name.as_str());
                let problem = Diagnostic::error(
                    "unknown-entity",
                    measure.span.clone(),
                    format!("{what} is taken per `{grouping}`, which is no entity of semantic model `{name}`"),
                );
                problems.push(problem.did_you_mean(nearest(grouping, known)));
            }
        }
    }
}

/// Columns that the contract does not have. A contract without columns promises none, so that nothing can be said.
fn columns(
    dataset: Option<&Dataset>,
    model: &SemanticModel,
    what: &str,
    expr: &str,
    span: &Span,
    problems: &mut Vec<Diagnostic>,
) {
    let Ok(expression) = Expression::parse(expr) else {
        return;
    };
    if let Some(aggregate) = expression.aggregates().first() {
        problems.push(
            Diagnostic::error(
                "bad-sql",
                span.clone(),
                format!("{what} aggregates in its expression (`{aggregate}`)"),
            )
            .hint("an expression speaks of one row; `agg` says how rows are aggregated"),
        );
    }
    let Some(dataset) = dataset.filter(|d| !d.columns.is_empty()) else {
        return;
    };
    let known = || dataset.columns.iter().map(|c| c.name.as_str());
    let mut reported = BTreeSet::new();
    for column in expression.columns() {
        let own = match column.parts.as_slice() {
            [_] => true,
            [table, _] => *table == dataset.meta.name || *table == model.meta.name,
            _ => false,
        };
        let found = own && known().any(|k| k.eq_ignore_ascii_case(column.name()));
        if found || !reported.insert(column.dotted()) {
            continue;
        }
        let problem = Diagnostic::error(
            "unknown-column",
            span.clone(),
            format!(
                "{what} reads `{}`, which dataset `{}` does not have",
                column.dotted(),
                dataset.meta.name
            ),
        );
        let problem = problem.expected(format!(
            "a column of the contract at {}:{}",
            dataset.meta.span.file, dataset.meta.span.line
        ));
        problems.push(problem.did_you_mean(nearest(column.name(), known())));
    }
}

struct Checker<'p> {
    project: &'p Project,
    measures: BTreeMap<&'p str, (&'p SemanticModel, &'p Measure)>,
    dimensions: DimensionNames<'p>,
}

impl Checker<'_> {
    fn metric(&self, metric: &Metric, problems: &mut Vec<Diagnostic>) {
        let (name, span) = (metric.meta.name.as_str(), &metric.meta.span);
        self.filter(&metric.filter, name, span, problems);
        self.filter(&metric.experiment.measured.numerator_filter, name, span, problems);
        super::steps::check(self.project, metric, problems);
        match &metric.shape {
            MetricShape::Simple { measure } | MetricShape::Cumulative { measure, .. } => {
                self.measure(measure, name, span, problems);
            }
            MetricShape::Ratio { numerator, denominator } => {
                self.input(numerator, name, span, problems);
                self.input(denominator, name, span, problems);
            }
            MetricShape::Derived { expr, inputs } => {
                for input in inputs {
                    self.input(input, name, span, problems);
                }
                derived(expr, inputs, name, span, problems);
            }
            MetricShape::Conversion {
                entity,
                base,
                conversion,
                ..
            } => {
                for input in [base, conversion] {
                    self.measure(input, name, span, problems);
                    let Some((model, _)) = self.measures.get(input.name.as_str()) else {
                        continue;
                    };
                    if !entity.is_empty() && !model.entities.iter().any(|e| e.name == *entity) {
                        let problem = Diagnostic::error(
                            "unknown-entity",
                            span.clone(),
                            format!(
                                "conversion metric `{name}` follows the entity `{entity}`, which semantic model `{}` of `{}` does not have",
                                model.meta.name, input.name
                            ),
                        );
                        problems.push(
                            problem.did_you_mean(nearest(entity, model.entities.iter().map(|e| e.name.as_str()))),
                        );
                    }
                }
            }
        }
    }

    fn measure(&self, input: &MeasureInput, metric: &str, span: &Span, problems: &mut Vec<Diagnostic>) {
        self.filter(&input.filter, metric, span, problems);
        if input.name.is_empty() || self.measures.contains_key(input.name.as_str()) {
            return;
        }
        problems.push(
            Diagnostic::error(
                "unknown-measure",
                span.clone(),
                format!("metric `{metric}` uses the unknown measure `{}`", input.name),
            )
            .did_you_mean(nearest(&input.name, self.measures.keys().copied())),
        );
    }

    fn input(&self, input: &MetricInput, metric: &str, span: &Span, problems: &mut Vec<Diagnostic>) {
        self.filter(&input.filter, metric, span, problems);
        if input.name.is_empty() || self.project.metrics.contains_key(&input.name) {
            return;
        }
        let problem = Diagnostic::error(
            "unknown-metric",
            span.clone(),
            format!("metric `{metric}` uses the unknown metric `{}`", input.name),
        );
        problems.push(if self.measures.contains_key(input.name.as_str()) {
            problem.hint(format!(
                "`{}` is a measure; make it a metric with `create_metric: true`",
                input.name
            ))
        } else {
            problem.did_you_mean(nearest(&input.name, self.project.metrics.keys().map(String::as_str)))
        });
    }

    fn filter(&self, filter: &Option<String>, metric: &str, span: &Span, problems: &mut Vec<Diagnostic>) {
        let Some(Ok(condition)) = filter.as_deref().map(Expression::parse) else {
            return;
        };
        let mut reported = BTreeSet::new();
        for column in condition.columns() {
            let name = column.parts.join("__");
            if self.dimensions.knows(&name) || !reported.insert(name.clone()) {
                continue;
            }
            let near = self.dimensions.nearest(&name);
            problems.push(
                Diagnostic::error(
                    "unknown-dimension",
                    span.clone(),
                    format!("a filter of metric `{metric}` names the unknown dimension `{name}`"),
                )
                .did_you_mean(near.as_deref()),
            );
        }
    }
}

/// A derived metric's expression speaks of its inputs only, each under one name.
fn derived(expr: &str, inputs: &[MetricInput], metric: &str, span: &Span, problems: &mut Vec<Diagnostic>) {
    let mut known = BTreeSet::new();
    for input in inputs {
        let name = input.alias.as_deref().unwrap_or(&input.name);
        if !known.insert(name) {
            problems.push(
                Diagnostic::error(
                    "duplicate-name",
                    span.clone(),
                    format!("metric `{metric}` has two inputs called `{name}`"),
                )
                .hint("give one of them an `alias`"),
            );
        }
    }
    let Ok(expression) = Expression::parse(expr) else {
        return;
    };
    let used = expression.column_names();
    for name in used.iter().filter(|n| !known.contains(n.as_str())) {
        problems.push(
            Diagnostic::error(
                "unknown-metric",
                span.clone(),
                format!("the expression of metric `{metric}` uses `{name}`, which is none of its inputs"),
            )
            .did_you_mean(nearest(name, known.iter().copied())),
        );
    }
    for name in known.iter().filter(|n| !used.contains(**n)) {
        problems.push(Diagnostic::warning(
            "unused-input",
            span.clone(),
            format!("metric `{metric}` has the input `{name}`, which its expression does not use"),
        ));
    }
}

/// Metrics that a metric is made of.
fn inputs(shape: &MetricShape) -> Vec<&str> {
    match shape {
        MetricShape::Ratio { numerator, denominator } => vec![&numerator.name, &denominator.name],
        MetricShape::Derived { inputs, .. } => inputs.iter().map(|i| i.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Metrics that are made of themselves, each circle once, starting at its first name.
fn cycles(project: &Project, problems: &mut Vec<Diagnostic>) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut reported: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    for start in project.metrics.keys() {
        // Depth-first with an explicit path: definitions may be nested deeply.
        let mut path: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut next = Some(start.as_str());
        loop {
            if let Some(name) = next.take() {
                if let Some(at) = path.iter().position(|(p, _)| *p == name) {
                    let circle: Vec<&str> = path.iter().skip(at).map(|(p, _)| *p).collect();
                    if reported.insert(circle.iter().copied().collect()) {
                        report_cycle(project, &circle, problems);
                    }
                } else if !done.contains(name) {
                    let children = project.metrics.get(name).map(|m| inputs(&m.shape)).unwrap_or_default();
                    path.push((name, children));
                }
            }
            let Some((name, children)) = path.last_mut() else { break };
            match children.pop() {
                Some(child) => next = Some(child),
                None => {
                    done.insert(name);
                    path.pop();
                }
            }
        }
    }
}

fn report_cycle(project: &Project, circle: &[&str], problems: &mut Vec<Diagnostic>) {
    let first = circle
        .iter()
        .enumerate()
        .min_by_key(|(_, name)| **name)
        .map_or(0, |(at, _)| at);
    let mut names: Vec<&str> = circle.iter().cycle().skip(first).take(circle.len()).copied().collect();
    let Some(start) = names.first().copied() else { return };
    names.push(start);
    if let Some(metric) = project.metrics.get(start) {
        problems.push(Diagnostic::error(
            "metric-cycle",
            metric.meta.span.clone(),
            format!("metric `{start}` is made of itself: {}", names.join(" → ")),
        ));
    }
}
