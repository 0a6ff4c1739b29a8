//! Who rests on what, down to the column.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Affected, text};
use crate::project::{Kind, Project, Reference};
use crate::sql::{Expression, Statement};
use crate::{BlockContent, Covariate, MeasureInput, Metric, MetricInput, MetricShape, Rule, SemanticModel, Trigger};

/// Something that others rest on: a definition or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// A whole dataset: its rows, its place.
    Dataset(String),
    /// A column of a dataset.
    Column(String, String),
    /// A dimension of a semantic model.
    Dimension(String, String),
    /// An entity of a semantic model.
    Entity(String, String),
    /// A measure.
    Measure(String, String),
    /// A metric.
    Metric(String),
    /// A key result of an objective.
    KeyResult(String, String),
    /// Any other definition.
    Other(Reference),
}

impl Node {
    pub fn reference(&self) -> Reference {
        let (kind, name) = match self {
            Node::Dataset(name) | Node::Column(name, _) => (Kind::Dataset, name),
            Node::Dimension(model, _) | Node::Entity(model, _) | Node::Measure(model, _) => {
                (Kind::SemanticModel, model)
            }
            Node::Metric(name) => (Kind::Metric, name),
            Node::KeyResult(objective, _) => (Kind::Objective, objective),
            Node::Other(reference) => return reference.clone(),
        };
        let name = name.clone();
        Reference { kind, name }
    }

    fn part(&self) -> Option<String> {
        match self {
            Node::KeyResult(_, key_result) => Some(format!("key result `{key_result}`")),
            _ => None,
        }
    }
}

/// Uses of both projects: who rests on a node.
pub(super) struct Graph<'p> {
    applied: &'p Project,
    current: &'p Project,
    users: BTreeMap<Node, BTreeSet<Node>>,
}

impl<'p> Graph<'p> {
    pub fn new(applied: &'p Project, current: &'p Project) -> Graph<'p> {
        let mut graph = Graph {
            applied,
            current,
            users: BTreeMap::new(),
        };
        for project in [applied, current] {
            graph.add(project);
        }
        graph
    }

    /// Everything that rests on some nodes, by kind and name, each with the shortest way to it. Definitions that are
    /// removed as well are left out: they cannot break any more.
    pub fn downstream(&self, origin: &Reference, seeds: &[Node]) -> Vec<Affected> {
        let mut seen: BTreeSet<&Node> = seeds.iter().collect();
        let mut open: VecDeque<(&Node, Vec<String>)> = seeds.iter().map(|s| (s, vec![text(origin)])).collect();
        let mut found: BTreeMap<(Reference, Option<String>), Affected> = BTreeMap::new();
        while let Some((node, path)) = open.pop_front() {
            for user in self.users.get(node).into_iter().flatten() {
                if !seen.insert(user) {
                    continue;
                }
                let reference = user.reference();
                let mut path = path.clone();
                if path.last() != Some(&text(&reference)) {
                    path.push(text(&reference));
                }
                if reference != *origin
                    && let Some(meta) = self.current.meta(&reference)
                {
                    let part = user.part();
                    found
                        .entry((reference.clone(), part.clone()))
                        .or_insert_with(|| Affected {
                            reference,
                            part,
                            owner: meta.owner.clone(),
                            path: path.clone(),
                        });
                }
                open.push_back((user, path));
            }
        }
        found.into_values().collect()
    }

    /// The nodes of a semantic model: all that others can rest on.
    pub fn elements(&self, model: &str) -> Vec<Node> {
        let mut all = BTreeSet::new();
        for model in [self.applied, self.current]
            .iter()
            .filter_map(|p| p.semantic_models.get(model))
        {
            all.extend(elements(model));
        }
        all.into_iter().collect()
    }

    fn uses(&mut self, used: Node, user: Node) {
        self.users.entry(used).or_default().insert(user);
    }

    fn add(&mut self, project: &Project) {
        for model in project.semantic_models.values() {
            self.model(model);
        }
        let names = Names::new(project);
        for metric in project.metrics.values() {
            self.metric(project, metric, &names);
        }
        for (name, dataset) in &project.datasets {
            let user = Node::Other(reference(Kind::Dataset, name));
            let checks = dataset
                .checks
                .iter()
                .chain(dataset.columns.iter().flat_map(|c| &c.checks));
            for check in checks {
                match &check.rule {
                    Rule::References { dataset, target, .. } if dataset != name => {
                        self.uses(Node::Dataset(dataset.clone()), user.clone());
                        self.uses(Node::Column(dataset.clone(), target.clone()), user.clone());
                    }
                    Rule::Sql { query, .. } => self.sql(query, &user, project),
                    _ => {}
                }
            }
        }
        for (name, experiment) in &project.experiments {
            let user = Node::Other(reference(Kind::Experiment, name));
            let exposures = &experiment.exposures;
            self.uses(Node::Dataset(exposures.dataset.clone()), user.clone());
            let mut columns: BTreeSet<String> = [&exposures.unit, &exposures.variant].into_iter().cloned().collect();
            columns.extend(exposures.time.clone());
            columns.extend(columns_of(exposures.filter.as_deref()));
            for column in columns {
                self.uses(Node::Column(exposures.dataset.clone(), column), user.clone());
            }
            let guardrails = experiment.guardrails.iter().map(|g| &g.metric);
            for metric in experiment.primary.iter().chain(&experiment.secondary).chain(guardrails) {
                self.uses(Node::Metric(metric.clone()), user.clone());
                // Facts are joined to units through the entity.
                for (model, _) in names.measures_of(project, metric) {
                    self.uses(Node::Entity(model, exposures.entity.clone()), user.clone());
                }
            }
            match &experiment.trigger {
                Some(Trigger::Metric { metric }) => self.uses(Node::Metric(metric.clone()), user.clone()),
                Some(Trigger::Rows {
                    dataset,
                    unit,
                    time,
                    filter,
                }) => {
                    self.uses(Node::Dataset(dataset.clone()), user.clone());
                    let columns = [unit.clone(), time.clone()].into_iter();
                    for column in columns.chain(columns_of(filter.as_deref())) {
                        self.uses(Node::Column(dataset.clone(), column), user.clone());
                    }
                }
                None => {}
            }
            let design = experiment.design.dimensions();
            let mut adjusted: Vec<&str> = Vec::new();
            if let Some(adjust) = &experiment.adjust {
                adjusted.extend(adjust.strata.iter().map(String::as_str));
                for covariate in &adjust.covariates {
                    match covariate {
                        Covariate::Attribute { dimension } => adjusted.push(dimension),
                        Covariate::Metric { metric, .. } => self.uses(Node::Metric(metric.clone()), user.clone()),
                    }
                }
            }
            let breakdowns = experiment.breakdowns.iter().map(String::as_str);
            for breakdown in breakdowns.chain(design).chain(adjusted) {
                for node in names.dimension(breakdown, &BTreeSet::new()) {
                    self.uses(node, user.clone());
                }
            }
            if let Some(initiative) = &experiment.initiative {
                self.uses(Node::Other(reference(Kind::Initiative, initiative)), user.clone());
            }
        }
        for (name, objective) in &project.objectives {
            let user = Node::Other(reference(Kind::Objective, name));
            for key_result in &objective.key_results {
                let part = Node::KeyResult(name.clone(), key_result.name.clone());
                self.uses(Node::Metric(key_result.metric.clone()), part.clone());
                let own = names.models_of(project, &key_result.metric);
                self.filter(key_result.filter.as_deref(), &part, &names, &own);
            }
            if let Some(parent) = &objective.parent {
                self.uses(Node::Other(reference(Kind::Objective, parent)), user.clone());
            }
        }
        for (name, initiative) in &project.initiatives {
            let user = Node::Other(reference(Kind::Initiative, name));
            for objective in &initiative.objectives {
                self.uses(Node::Other(reference(Kind::Objective, objective)), user.clone());
            }
            for before in &initiative.depends_on {
                self.uses(Node::Other(reference(Kind::Initiative, before)), user.clone());
            }
        }
        for (name, bet) in &project.bets {
            let user = Node::Other(reference(Kind::Bet, name));
            self.uses(Node::Metric(bet.metric.clone()), user.clone());
            self.uses(Node::Other(reference(Kind::Initiative, &bet.initiative)), user.clone());
            if let Some(experiment) = &bet.experiment {
                self.uses(Node::Other(reference(Kind::Experiment, experiment)), user.clone());
            }
            for table in bet
                .resolve
                .as_deref()
                .map(crate::references::tables)
                .unwrap_or_default()
            {
                self.uses(Node::Dataset(table), user.clone());
            }
        }
        for user in project.definitions() {
            if matches!(
                user.kind,
                Kind::Segment
                    | Kind::Layer
                    | Kind::Flag
                    | Kind::Holdout
                    | Kind::Bill
                    | Kind::Budget
                    | Kind::Contract
                    | Kind::Team
                    | Kind::Question
            ) {
                for used in project.references(&user) {
                    let used = match used.kind {
                        Kind::Dataset => Node::Dataset(used.name),
                        _ => Node::Other(used),
                    };
                    self.uses(used, Node::Other(user.clone()));
                }
            }
        }
        for (name, bandit) in &project.bandits {
            let user = Node::Other(reference(Kind::Bandit, name));
            let plays = &bandit.plays;
            self.uses(Node::Dataset(plays.dataset.clone()), user.clone());
            let columns = [
                Some(&plays.arm),
                Some(&plays.time),
                plays.unit.as_ref(),
                plays.propensity.as_ref(),
            ];
            let features = bandit.context.iter().map(|f| &f.column);
            let named = columns.into_iter().flatten().chain(features).cloned();
            for column in named.chain(columns_of(Some(&plays.reward))) {
                self.uses(Node::Column(plays.dataset.clone(), column), user.clone());
            }
        }
        for (name, report) in &project.reports {
            let user = Node::Other(reference(Kind::Report, name));
            for block in &report.blocks {
                match &block.content {
                    BlockContent::Metric { metric, filter, .. } => {
                        self.uses(Node::Metric(metric.clone()), user.clone());
                        let own = names.models_of(project, metric);
                        self.filter(filter.as_deref(), &user, &names, &own);
                    }
                    BlockContent::Chart {
                        metrics, by, filter, ..
                    } => {
                        let mut own = BTreeSet::new();
                        for metric in metrics {
                            self.uses(Node::Metric(metric.clone()), user.clone());
                            own.extend(names.models_of(project, metric));
                        }
                        for node in by.iter().flat_map(|by| names.dimension(by, &own)) {
                            self.uses(node, user.clone());
                        }
                        self.filter(filter.as_deref(), &user, &names, &own);
                    }
                    BlockContent::Sql { query, .. } => self.sql(query, &user, project),
                    BlockContent::Experiment { name } => {
                        self.uses(Node::Other(reference(Kind::Experiment, name)), user.clone());
                    }
                    BlockContent::Objective { name } => {
                        self.uses(Node::Other(reference(Kind::Objective, name)), user.clone());
                        if let Some(objective) = project.objectives.get(name) {
                            for key_result in &objective.key_results {
                                let part = Node::KeyResult(name.clone(), key_result.name.clone());
                                self.uses(part, user.clone());
                            }
                        }
                    }
                    BlockContent::Money { bill, .. } => {
                        self.uses(Node::Other(reference(Kind::Bill, bill)), user.clone());
                    }
                    BlockContent::Prose { .. } | BlockContent::Decisions { .. } | BlockContent::Summary => {}
                }
            }
        }
    }

    fn model(&mut self, model: &SemanticModel) {
        let name = &model.meta.name;
        let mut parts: Vec<(Node, &str)> = Vec::new();
        parts.extend(
            model
                .entities
                .iter()
                .map(|e| (Node::Entity(name.clone(), e.name.clone()), e.expr.as_str())),
        );
        parts.extend(
            model
                .dimensions
                .iter()
                .map(|d| (Node::Dimension(name.clone(), d.name.clone()), d.expr.as_str())),
        );
        parts.extend(
            model
                .measures
                .iter()
                .map(|m| (Node::Measure(name.clone(), m.name.clone()), m.expr.as_str())),
        );
        for (part, expr) in parts {
            self.uses(Node::Dataset(model.dataset.clone()), part.clone());
            for column in columns_of(Some(expr)) {
                self.uses(Node::Column(model.dataset.clone(), column), part.clone());
            }
        }
        for measure in &model.measures {
            let user = Node::Measure(name.clone(), measure.name.clone());
            if let Some(time) = measure.time_dimension.as_ref().or(model.time_dimension.as_ref()) {
                self.uses(Node::Dimension(name.clone(), time.clone()), user.clone());
            }
            if let Some(non_additive) = &measure.non_additive {
                self.uses(
                    Node::Dimension(name.clone(), non_additive.dimension.clone()),
                    user.clone(),
                );
                for grouping in &non_additive.window_groupings {
                    self.uses(Node::Entity(name.clone(), grouping.clone()), user.clone());
                }
            }
        }
    }

    fn metric(&mut self, project: &Project, metric: &Metric, names: &Names) {
        let user = Node::Metric(metric.meta.name.clone());
        let own = &names.models_of(project, &metric.meta.name);
        self.filter(metric.filter.as_deref(), &user, names, own);
        let (measures, inputs) = parts(&metric.shape);
        for input in measures {
            self.filter(input.filter.as_deref(), &user, names, own);
            for model in names.measures.get(&input.name).into_iter().flatten() {
                self.uses(Node::Measure(model.clone(), input.name.clone()), user.clone());
                if let MetricShape::Conversion { entity, .. } = &metric.shape {
                    self.uses(Node::Entity(model.clone(), entity.clone()), user.clone());
                }
            }
        }
        for input in inputs {
            self.filter(input.filter.as_deref(), &user, names, own);
            self.uses(Node::Metric(input.name.clone()), user.clone());
        }
        for step in metric.experiment.funnel.iter().flat_map(|f| &f.steps) {
            if step.metric != metric.meta.name {
                self.uses(Node::Metric(step.metric.clone()), user.clone());
            }
        }
    }

    fn filter(&mut self, filter: Option<&str>, user: &Node, names: &Names, own: &BTreeSet<String>) {
        let Some(Ok(condition)) = filter.map(Expression::parse) else {
            return;
        };
        for column in condition.columns() {
            for node in names.dimension(&column.parts.join("__"), own) {
                self.uses(node, user.clone());
            }
        }
    }

    /// A query rests on the tables that it reads and on those of their columns that it mentions, or on all with `*`.
    fn sql(&mut self, query: &str, user: &Node, project: &Project) {
        let Ok(statement) = Statement::parse_query(query) else {
            return;
        };
        for table in statement.tables() {
            self.uses(Node::Dataset(table.to_owned()), user.clone());
            for column in project.datasets.get(table).into_iter().flat_map(|d| &d.columns) {
                if statement.mentions(&column.name) {
                    self.uses(Node::Column(table.to_owned(), column.name.clone()), user.clone());
                }
            }
        }
    }
}

/// Where names of filters and measures are defined.
struct Names {
    /// Models of a measure.
    measures: BTreeMap<String, BTreeSet<String>>,
    /// Dimensions and entities by their own name.
    elements: BTreeMap<String, BTreeSet<Node>>,
}

impl Names {
    fn new(project: &Project) -> Names {
        let (mut measures, mut named) = (
            BTreeMap::<String, BTreeSet<String>>::new(),
            BTreeMap::<String, BTreeSet<Node>>::new(),
        );
        for (name, model) in &project.semantic_models {
            for element in elements(model) {
                match &element {
                    Node::Measure(_, measure) => {
                        measures.entry(measure.clone()).or_default().insert(name.clone());
                    }
                    Node::Dimension(_, own) | Node::Entity(_, own) => {
                        named.entry(own.clone()).or_default().insert(element.clone());
                    }
                    _ => {}
                }
            }
        }
        Names {
            measures,
            elements: named,
        }
    }

    /// What `order__user__country` rests on, asked from the models `own`: the dimension, and on both sides of each join
    /// the entity.
    fn dimension(&self, name: &str, own: &BTreeSet<String>) -> Vec<Node> {
        let parts: Vec<&str> = name.split("__").collect();
        let models = |part: &str| -> BTreeSet<&str> {
            let nodes = self.elements.get(part).into_iter().flatten();
            nodes
                .filter_map(|n| match n {
                    Node::Dimension(model, _) | Node::Entity(model, _) => Some(model.as_str()),
                    _ => None,
                })
                .collect()
        };
        let mut found = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|i| parts.get(i)).map(|p| models(p));
            let after = parts.get(at + 1).map(|p| models(p));
            for node in self.elements.get(*part).into_iter().flatten() {
                let keep = match node {
                    Node::Dimension(model, _) => before.as_ref().is_none_or(|b| b.contains(model.as_str())),
                    Node::Entity(model, _) => {
                        own.contains(model) || after.as_ref().is_some_and(|a| a.contains(model.as_str()))
                    }
                    _ => false,
                };
                if keep {
                    found.push(node.clone());
                }
            }
        }
        found
    }

    /// Models of the measures under a metric.
    fn models_of(&self, project: &Project, metric: &str) -> BTreeSet<String> {
        self.measures_of(project, metric)
            .into_iter()
            .map(|(model, _)| model)
            .collect()
    }

    /// Measures under a metric, with their models.
    fn measures_of(&self, project: &Project, metric: &str) -> BTreeSet<(String, String)> {
        let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![metric]);
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            let Some(metric) = project.metrics.get(name) else {
                continue;
            };
            let (measures, inputs) = parts(&metric.shape);
            for measure in measures {
                for model in self.measures.get(&measure.name).into_iter().flatten() {
                    found.insert((model.clone(), measure.name.clone()));
                }
            }
            open.extend(inputs.iter().map(|i| i.name.as_str()));
        }
        found
    }
}

fn elements(model: &SemanticModel) -> Vec<Node> {
    let name = || model.meta.name.clone();
    let entities = model.entities.iter().map(|e| Node::Entity(name(), e.name.clone()));
    let dimensions = model.dimensions.iter().map(|d| Node::Dimension(name(), d.name.clone()));
    let measures = model.measures.iter().map(|m| Node::Measure(name(), m.name.clone()));
    entities.chain(dimensions).chain(measures).collect()
}

fn parts(shape: &MetricShape) -> (Vec<&MeasureInput>, Vec<&MetricInput>) {
    match shape {
        MetricShape::Simple { measure } | MetricShape::Cumulative { measure, .. } => (vec![measure], Vec::new()),
        MetricShape::Ratio { numerator, denominator } => (Vec::new(), vec![numerator, denominator]),
        MetricShape::Derived { inputs, .. } => (Vec::new(), inputs.iter().collect()),
        MetricShape::Conversion { base, conversion, .. } => (vec![base, conversion], Vec::new()),
    }
}

fn columns_of(expression: Option<&str>) -> BTreeSet<String> {
    match expression.map(Expression::parse) {
        Some(Ok(e)) => e.column_names(),
        _ => BTreeSet::new(),
    }
}

pub(super) fn reference(kind: Kind, name: &str) -> Reference {
    let name = name.to_owned();
    Reference { kind, name }
}
