//! What a definition uses, and what would feel a change of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::*;
use crate::project::{Kind, Project, Reference};
use crate::sql::Statement;

impl Project {
    /// What a definition names directly, in order and without repeats; also names that nothing defines.
    /// Empty for a definition that does not exist.
    pub fn references(&self, reference: &Reference) -> Vec<Reference> {
        let mut found = BTreeSet::new();
        let mut add = |kind: Kind, name: &str| {
            found.insert(Reference::new(kind, name));
        };
        let name = reference.name.as_str();
        match reference.kind {
            Kind::Dataset => {
                for check in self.datasets.get(name).into_iter().flat_map(Dataset::all_checks) {
                    match &check.rule {
                        Rule::References { dataset, .. } if dataset != name => add(Kind::Dataset, dataset),
                        _ => {}
                    }
                }
            }
            Kind::SemanticModel => {
                if let Some(model) = self.semantic_models.get(name) {
                    add(Kind::Dataset, &model.dataset);
                }
            }
            Kind::Metric => {
                if let Some(metric) = self.metrics.get(name) {
                    self.metric_references(metric, &mut add);
                }
            }
            Kind::Experiment => {
                if let Some(experiment) = self.experiments.get(name) {
                    add(Kind::Dataset, &experiment.exposures.dataset);
                    experiment.metrics().for_each(|m| add(Kind::Metric, m));
                    experiment.initiative.iter().for_each(|i| add(Kind::Initiative, i));
                    match &experiment.trigger {
                        Some(Trigger::Metric { metric }) => add(Kind::Metric, metric),
                        Some(Trigger::Rows { dataset, .. }) => add(Kind::Dataset, dataset),
                        None => {}
                    }
                }
            }
            Kind::Objective => {
                if let Some(objective) = self.objectives.get(name) {
                    objective.key_results.iter().for_each(|k| add(Kind::Metric, &k.metric));
                    objective.parent.iter().for_each(|p| add(Kind::Objective, p));
                }
            }
            Kind::Initiative => {
                if let Some(initiative) = self.initiatives.get(name) {
                    initiative.objectives.iter().for_each(|o| add(Kind::Objective, o));
                    initiative.depends_on.iter().for_each(|i| add(Kind::Initiative, i));
                }
            }
            Kind::Bet => {
                if let Some(bet) = self.bets.get(name) {
                    add(Kind::Initiative, &bet.initiative);
                    add(Kind::Metric, &bet.metric);
                    bet.experiment.iter().for_each(|e| add(Kind::Experiment, e));
                    let read = bet.resolve.as_deref().map(tables).unwrap_or_default();
                    read.iter().for_each(|t| add(Kind::Dataset, t));
                }
            }
            Kind::Segment => {
                for segment in self.segments.get(name).into_iter() {
                    groups(segment.when.as_deref(), &mut add);
                }
            }
            Kind::Layer => {}
            Kind::Flag => {
                if let Some(flag) = self.flags.get(name) {
                    flag_references(flag, &mut add);
                }
            }
            Kind::Holdout => {
                if let Some(holdout) = self.holdouts.get(name) {
                    holdout.flags.iter().for_each(|f| add(Kind::Flag, f));
                }
            }
            Kind::Bill => {
                if let Some(bill) = self.bills.get(name) {
                    add(Kind::Dataset, &bill.dataset);
                    bill.meters.iter().for_each(|m| add(Kind::Dataset, &m.dataset));
                    bill.predictions.iter().for_each(|p| add(Kind::Dataset, &p.dataset));
                    let initiatives = bill.models.iter().filter_map(|m| m.initiative.as_deref());
                    initiatives.for_each(|i| add(Kind::Initiative, i));
                }
            }
            Kind::Budget => {
                if let Some(budget) = self.budgets.get(name) {
                    add(Kind::Bill, &budget.bill);
                }
            }
            Kind::Contract => {
                if let Some(contract) = self.contracts.get(name) {
                    contract.bill.iter().for_each(|b| add(Kind::Bill, b));
                    contract.ablation.iter().for_each(|a| add(Kind::Dataset, &a.dataset));
                }
            }
            Kind::Team => {
                if let Some(team) = self.teams.get(name) {
                    add(Kind::Dataset, &team.people.dataset);
                    team.skills.iter().for_each(|s| add(Kind::Dataset, &s.dataset));
                    team.holidays.iter().for_each(|h| add(Kind::Dataset, &h.dataset));
                    team.demand.iter().for_each(|d| add(Kind::Initiative, &d.initiative));
                }
            }
            Kind::Question => {
                let query = self.questions.get(name).and_then(|q| q.query.as_deref());
                tables(query.unwrap_or_default())
                    .iter()
                    .for_each(|t| add(Kind::Dataset, t));
            }
            Kind::Bandit => {
                for bandit in self.bandits.get(name).into_iter() {
                    add(Kind::Dataset, &bandit.plays.dataset);
                }
            }
            Kind::Report => {
                for block in self.reports.get(name).into_iter().flat_map(|r| &r.blocks) {
                    block_references(&block.content, &mut add);
                }
            }
        }
        found.into_iter().filter(|r| !r.name.is_empty()).collect()
    }

    fn metric_references(&self, metric: &Metric, add: &mut impl FnMut(Kind, &str)) {
        let (measures, inputs) = metric.shape.parts();
        for measure in measures {
            for model in self
                .semantic_models
                .values()
                .filter(|m| m.measures.iter().any(|x| x.name == measure.name))
            {
                add(Kind::SemanticModel, &model.meta.name);
            }
        }
        for input in inputs {
            add(Kind::Metric, &input.name);
        }
    }

    /// Everything that uses a definition, directly or through others, in order of kind and name; never itself.
    pub fn dependents(&self, reference: &Reference) -> Vec<Reference> {
        let mut users: BTreeMap<Reference, Vec<Reference>> = BTreeMap::new();
        for user in self.definitions() {
            for used in self.references(&user) {
                users.entry(used).or_default().push(user.clone());
            }
        }
        let mut found = BTreeSet::new();
        let mut open = vec![reference.clone()];
        while let Some(next) = open.pop() {
            for user in users.get(&next).into_iter().flatten() {
                if user != reference && found.insert(user.clone()) {
                    open.push(user.clone());
                }
            }
        }
        found.into_iter().collect()
    }
}

fn flag_references(flag: &Flag, add: &mut impl FnMut(Kind, &str)) {
    flag.prerequisites.iter().for_each(|p| add(Kind::Flag, &p.flag));
    for rule in &flag.rules {
        rule.prerequisites.iter().for_each(|p| add(Kind::Flag, &p.flag));
        rule.segments
            .iter()
            .chain(&rule.not_segments)
            .for_each(|s| add(Kind::Segment, s));
        rule.layer.iter().for_each(|l| add(Kind::Layer, &l.layer));
        groups(rule.when.as_deref(), add);
        if let Some(guard) = &rule.guarded_by {
            add(Kind::Experiment, &guard.experiment);
            guard.metrics.iter().for_each(|m| add(Kind::Metric, m));
        }
        if let Serve::Split(split) = &rule.serve {
            split.experiment.iter().for_each(|e| add(Kind::Experiment, e));
            split.bandit.iter().for_each(|b| add(Kind::Bandit, b));
        }
    }
}

/// The segments that a condition names.
fn groups(condition: Option<&str>, add: &mut impl FnMut(Kind, &str)) {
    fn walk(value: &serde_json::Value, add: &mut dyn FnMut(&str)) {
        match value {
            serde_json::Value::Array(items) => items.iter().for_each(|i| walk(i, add)),
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(name) if matches!(key.as_str(), "$inGroup" | "$notInGroup") => add(name),
                        _ => walk(value, add),
                    }
                }
            }
            _ => {}
        }
    }
    if let Some(value) = condition.and_then(|c| serde_json::from_str(c).ok()) {
        walk(&value, &mut |name| add(Kind::Segment, name));
    }
}

fn block_references(content: &BlockContent, add: &mut impl FnMut(Kind, &str)) {
    match content {
        BlockContent::Metric { metric, .. } => add(Kind::Metric, metric),
        BlockContent::Chart { metrics, .. } => metrics.iter().for_each(|m| add(Kind::Metric, m)),
        BlockContent::Sql { query, .. } => tables(query).iter().for_each(|t| add(Kind::Dataset, t)),
        BlockContent::Experiment { name } => add(Kind::Experiment, name),
        BlockContent::Objective { name } => add(Kind::Objective, name),
        BlockContent::Money { bill, .. } => add(Kind::Bill, bill),
        BlockContent::Prose { .. } | BlockContent::Decisions { .. } | BlockContent::Summary => {}
    }
}

/// The tables that a SQL query reads; none if it cannot be parsed.
pub(crate) fn tables(sql: &str) -> Vec<String> {
    Statement::parse_query(sql)
        .map(|s| s.tables().into_iter().map(str::to_owned).collect())
        .unwrap_or_default()
}

impl Dataset {
    /// All checks: the table's, then each column's.
    pub fn all_checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().chain(self.columns.iter().flat_map(|c| &c.checks))
    }
}

impl Experiment {
    /// All its metrics: primary, secondary, guardrails.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        let guardrails = self.guardrails.iter().map(|g| &g.metric);
        self.primary
            .iter()
            .chain(&self.secondary)
            .chain(guardrails)
            .map(String::as_str)
    }
}

impl MetricShape {
    /// The measures and the metrics that it is made of.
    pub fn parts(&self) -> (Vec<&MeasureInput>, Vec<&MetricInput>) {
        match self {
            MetricShape::Simple { measure } | MetricShape::Cumulative { measure, .. } => (vec![measure], vec![]),
            MetricShape::Ratio { numerator, denominator } => (vec![], vec![numerator, denominator]),
            MetricShape::Derived { inputs, .. } => (vec![], inputs.iter().collect()),
            MetricShape::Conversion { base, conversion, .. } => (vec![base, conversion], vec![]),
        }
    }
}
