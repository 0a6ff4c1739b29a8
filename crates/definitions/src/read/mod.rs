//! From source texts to a [`Project`]: dispatch by folder, then one module per kind.

mod bandit;
mod bet;
mod dataset;
pub(crate) mod experiment;
mod flag;
mod flag_rule;
mod initiative;
mod meta;
mod money;
mod objective;
mod portfolio;
mod protected;
mod report;
mod settings;
mod targeting;
mod team;

use std::collections::BTreeMap;

/// What contracts may say, for their schema too.
pub(crate) use dataset::{LOGICAL_TYPES, PROPERTY};
pub use meta::{check_name, meta};
pub(crate) use team::{REMEDIES, STAGES};

use crate::decode::{Decoder, Mention};
use crate::nearest::nearest;
use crate::project::{Kind, Meta, Project, Source};
use crate::yaml::{self, Node};
use crate::{Diagnostic, Settings, Span};

const SETTINGS_FILE: &str = "steward.yaml";
const FOLDERS: [&str; 17] = [
    "datasets",
    "metrics",
    "experiments",
    "objectives",
    "initiatives",
    "bets",
    "reports",
    "segments",
    "layers",
    "flags",
    "holdouts",
    "bills",
    "budgets",
    "contracts",
    "teams",
    "questions",
    "bandits",
];

impl Project {
    /// Parses and cross-checks a project. All problems come back at once, in order of file and place; the project
    /// holds what could be read.
    ///
    /// `sources` are all `*.yaml`, `*.yml`, `*.md` and `*.sql` texts below the folder, in any order.
    pub fn parse(sources: &[Source]) -> (Project, Vec<Diagnostic>) {
        let mut sorted: Vec<&Source> = sources.iter().collect();
        sorted.sort_by(|a, b| a.path.cmp(&b.path));
        let mut project = Project::default();
        let (mut problems, mut mentions) = (Vec::new(), Vec::new());
        let own = sorted.iter().copied().find(|s| s.path == SETTINGS_FILE);
        project.settings = settings::read(own, &mut problems, &mut mentions);
        for source in sorted.into_iter().filter(|s| s.path != SETTINGS_FILE) {
            project.add_source(source, &mut problems, &mut mentions);
        }
        crate::semantic::resolve(&mut project, &mut problems);
        crate::check::complete(&mut project, &mut problems);
        crate::check::check(&project, &mentions, &mut problems);
        problems.sort_by(|a, b| (&a.span, &a.code, &a.message).cmp(&(&b.span, &b.code, &b.message)));
        problems.dedup();
        (project, problems)
    }

    fn add_source(&mut self, source: &Source, problems: &mut Vec<Diagnostic>, mentions: &mut Vec<Mention>) {
        let whole = || Span {
            file: source.path.clone(),
            line: 0,
            column: 0,
        };
        let folder = source.path.split_once('/').map(|(folder, _)| folder);
        let extension = source.path.rsplit_once('.').map(|(_, e)| e).unwrap_or_default();
        let text = matches!(extension, "md" | "sql");
        match folder {
            None if text => {}
            None => {
                let problem = Diagnostic::warning("stray-file", whole(), format!("`{}` is not read", source.path));
                let near = nearest(&source.path, [SETTINGS_FILE]);
                let problem = problem.expected(format!("definitions in {}", folders()));
                problems.push(problem.did_you_mean(near));
            }
            Some("reports") => match extension {
                "md" => self.add_report(source, problems, mentions),
                "sql" => {}
                _ => problems.push(
                    Diagnostic::error("wrong-folder", whole(), format!("`{}` is YAML, but reports are Markdown", source.path))
                        .hint("write the report as `reports/NAME.md` with a front matter, or move the file to the folder of its kind"),
                ),
            },
            Some(folder) if FOLDERS.contains(&folder) => {
                if !text {
                    self.add_yaml(folder, source, problems, mentions);
                }
            }
            Some(_) if text => {}
            Some(folder) => {
                let problem = Diagnostic::warning("unknown-folder", whole(), format!("nothing is read from the folder `{folder}`"));
                let near = nearest(folder, FOLDERS);
                problems.push(problem.expected(format!("definitions in {}", folders())).did_you_mean(near));
            }
        }
    }

    fn add_report(&mut self, source: &Source, problems: &mut Vec<Diagnostic>, mentions: &mut Vec<Mention>) {
        let decoder = Decoder::new(&source.path);
        let report = report::read(&decoder, &source.text, &self.settings, problems);
        mentions.extend(decoder.take_mentions());
        problems.extend(decoder.into_diagnostics());
        if let Some(report) = report {
            insert(Kind::Report, &mut self.reports, report, |r| &r.meta, problems);
        }
    }

    fn add_yaml(&mut self, folder: &str, source: &Source, problems: &mut Vec<Diagnostic>, mentions: &mut Vec<Mention>) {
        let (documents, syntax) = yaml::parse(&source.path, &source.text);
        problems.extend(syntax);
        for document in &documents {
            let decoder = Decoder::new(&source.path);
            let mut found = Vec::new();
            if !misplaced(&decoder, document, folder) {
                self.add_document(folder, &decoder, document, &mut found);
            }
            mentions.extend(decoder.take_mentions());
            problems.extend(decoder.into_diagnostics());
            problems.extend(found);
        }
    }

    fn add_document(&mut self, folder: &str, decoder: &Decoder, document: &Node, problems: &mut Vec<Diagnostic>) {
        let settings = &self.settings;
        match folder {
            "datasets" => {
                for dataset in dataset::read(decoder, document, settings) {
                    insert(Kind::Dataset, &mut self.datasets, dataset, |d| &d.meta, problems);
                }
            }
            "metrics" => {
                let (models, metrics) = crate::semantic::read(decoder, document, settings);
                for model in models {
                    insert(
                        Kind::SemanticModel,
                        &mut self.semantic_models,
                        model,
                        |d| &d.meta,
                        problems,
                    );
                }
                for metric in metrics {
                    insert(Kind::Metric, &mut self.metrics, metric, |d| &d.meta, problems);
                }
            }
            "experiments" => {
                if let Some(experiment) = experiment::read(decoder, document, settings) {
                    insert(
                        Kind::Experiment,
                        &mut self.experiments,
                        experiment,
                        |d| &d.meta,
                        problems,
                    );
                }
            }
            "objectives" => {
                if let Some(objective) = objective::read(decoder, document, settings) {
                    insert(Kind::Objective, &mut self.objectives, objective, |d| &d.meta, problems);
                }
            }
            "initiatives" => {
                if let Some(initiative) = initiative::read(decoder, document, settings) {
                    insert(
                        Kind::Initiative,
                        &mut self.initiatives,
                        initiative,
                        |d| &d.meta,
                        problems,
                    );
                }
            }
            "segments" => {
                if let Some(segment) = targeting::segment(decoder, document, settings) {
                    insert(Kind::Segment, &mut self.segments, segment, |d| &d.meta, problems);
                }
            }
            "layers" => {
                if let Some(layer) = targeting::layer(decoder, document, settings) {
                    insert(Kind::Layer, &mut self.layers, layer, |d| &d.meta, problems);
                }
            }
            "flags" => {
                if let Some(flag) = flag::read(decoder, document, settings) {
                    insert(Kind::Flag, &mut self.flags, flag, |d| &d.meta, problems);
                }
            }
            "holdouts" => {
                if let Some(holdout) = targeting::holdout(decoder, document, settings) {
                    insert(Kind::Holdout, &mut self.holdouts, holdout, |d| &d.meta, problems);
                }
            }
            "bills" => {
                if let Some(bill) = money::bill(decoder, document, settings) {
                    insert(Kind::Bill, &mut self.bills, bill, |d| &d.meta, problems);
                }
            }
            "budgets" => {
                if let Some(budget) = money::budget(decoder, document, settings) {
                    insert(Kind::Budget, &mut self.budgets, budget, |d| &d.meta, problems);
                }
            }
            "contracts" => {
                if let Some(contract) = money::contract(decoder, document, settings) {
                    insert(Kind::Contract, &mut self.contracts, contract, |d| &d.meta, problems);
                }
            }
            "teams" => {
                if let Some(team) = team::team(decoder, document, settings) {
                    insert(Kind::Team, &mut self.teams, team, |d| &d.meta, problems);
                }
            }
            "questions" => {
                if let Some(question) = team::question(decoder, document, settings) {
                    insert(Kind::Question, &mut self.questions, question, |d| &d.meta, problems);
                }
            }
            "bandits" => {
                if let Some(bandit) = bandit::read(decoder, document, settings) {
                    insert(Kind::Bandit, &mut self.bandits, bandit, |d| &d.meta, problems);
                }
            }
            _ => {
                if let Some(bet) = bet::read(decoder, document, settings) {
                    insert(Kind::Bet, &mut self.bets, bet, |d| &d.meta, problems);
                }
            }
        }
    }
}

/// The folder in which a document belongs, by its telling key.
fn home(document: &Node) -> Option<&'static str> {
    let keys = [
        ("experiment", "experiments"),
        ("objective", "objectives"),
        ("initiative", "initiatives"),
        ("bet", "bets"),
        ("segment", "segments"),
        ("layer", "layers"),
        ("flag", "flags"),
        ("holdout", "holdouts"),
        ("bandit", "bandits"),
        ("apiVersion", "datasets"),
        ("budget", "budgets"),
        ("contract", "contracts"),
        ("bill", "bills"),
        ("question", "questions"),
        ("team", "teams"),
        ("semantic_models", "metrics"),
        ("metrics", "metrics"),
        ("models", "metrics"),
    ];
    // A bet names its experiment and initiative, an experiment its metrics: the kind's own key comes first.
    let first = document.entries().first()?;
    if let Some((_, folder)) = keys.iter().find(|(key, _)| *key == first.key) {
        return Some(folder);
    }
    let has = |key: &str| document.get(key).is_some();
    if has("bet") {
        return Some("bets");
    }
    keys.iter().find(|(key, _)| has(key)).map(|(_, folder)| *folder)
}

fn misplaced(decoder: &Decoder, document: &Node, folder: &str) -> bool {
    let Some(right) = home(document) else { return false };
    let own = match folder {
        "datasets" => "apiVersion",
        "metrics" => "version",
        other => other.trim_end_matches('s'),
    };
    if right == folder || document.get(own).is_some() {
        return false;
    }
    let problem = Diagnostic::error(
        "wrong-folder",
        decoder.span(document.place),
        format!("this belongs in `{right}/`, not in `{folder}/`"),
    );
    decoder.report(problem.hint(format!("move the file to `{right}/`")));
    true
}

fn folders() -> String {
    FOLDERS.map(|f| format!("`{f}/`")).join(", ")
}

/// Adds a definition, or reports that its name is taken. A definition without a usable name was reported already.
fn insert<T>(kind: Kind, all: &mut BTreeMap<String, T>, one: T, meta: fn(&T) -> &Meta, problems: &mut Vec<Diagnostic>) {
    let name = meta(&one).name.clone();
    if name.is_empty() {
        return;
    }
    match all.get(&name) {
        Some(first) => {
            let other = &meta(first).span;
            let message = format!("the {} `{name}` is defined twice", kind.noun());
            let problem = Diagnostic::error("duplicate-name", meta(&one).span.clone(), message);
            problems.push(problem.hint(format!(
                "it is first defined at {}:{}:{}; rename one of them",
                other.file, other.line, other.column
            )));
        }
        None => {
            all.insert(name, one);
        }
    }
}

/// The settings that hold when `steward.yaml` says nothing.
pub(crate) fn default_settings() -> Settings {
    Settings {
        time_zone: "UTC".to_owned(),
        alpha: 0.05,
        engine: crate::EngineSettings {
            kind: "datafusion".to_owned(),
            ..Default::default()
        },
        ..Default::default()
    }
}
