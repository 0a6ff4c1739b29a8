//! `datasets/`: Open Data Contract Standard (ODCS) 3.0 to 3.2, each schema object one dataset.
//!
//! Keys of the standard that Steward does not act on are accepted; keys that the standard does not know, or not yet in
//! the document's `apiVersion`, are errors, so that its own tools accept whatever is accepted here.

mod column;
mod keys;
mod location;
mod names;
mod operators;
mod quality;
mod relationship;
mod service;
mod shape;
mod steward_rule;
mod team;

use std::collections::BTreeSet;

use crate::decode::{Decoder, MapReader, Target};
use crate::project::{Kind, Meta};
use crate::yaml::{self, Node, Place, Value};
use crate::{Check, Dataset, Diagnostic, Rule, Settings};

pub(crate) use keys::{LOGICAL_TYPES, PROPERTY};
pub(super) use names::quoted;

/// A minor version of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edition {
    V30,
    V31,
    V32,
}

impl Edition {
    fn as_str(self) -> &'static str {
        match self {
            Edition::V30 => "v3.0.2",
            Edition::V31 => "v3.1.0",
            Edition::V32 => "v3.2.0",
        }
    }
}

/// What all parts of a contract share.
struct Contract<'a> {
    decoder: &'a Decoder,
    edition: Edition,
}

impl<'a> Contract<'a> {
    /// Reports keys that came into the standard after the document's edition.
    fn since(&self, map: &MapReader<'_>, edition: Edition, keys: &[&str]) {
        if self.edition >= edition {
            return;
        }
        for entry in map.node().entries().iter().filter(|e| keys.contains(&e.key.as_str())) {
            let message = format!(
                "`{}` in {} came with {} of the standard",
                entry.key,
                map.what(),
                edition.as_str()
            );
            let problem = Diagnostic::error("newer-key", self.decoder.span(entry.place), message);
            self.decoder
                .report(problem.hint(format!("set `apiVersion: {}`", edition.as_str())));
        }
    }

    /// Warns of a promise that is kept in the contract but not tested.
    fn not_checked(&self, node: &Node, message: impl Into<String>, hint: &str) {
        self.decoder
            .report(Diagnostic::warning("not-checked", self.decoder.span(node.place), message).hint(hint));
    }
}

/// Reads a contract; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Vec<Dataset> {
    let Some(mut map) = decoder.map(document, "the contract") else {
        return Vec::new();
    };
    let Some(edition) = read_edition(&mut map) else {
        return Vec::new();
    };
    let contract = Contract { decoder, edition };
    if let Some(node) = map.required("kind") {
        decoder.choice(node, "`kind`", &["DataContract"]);
    }
    let base = Dataset {
        contract_id: map.required_text("id"),
        version: map.required_text("version"),
        status: read_status(&mut map, edition),
        ..Dataset::default()
    };
    map.ignore(keys::CONTRACT);
    texts_of_contract(&map);
    shape::contract(&contract, &mut map);
    contract.since(&map, Edition::V32, &["context"]);
    let owner = team::owner(&contract, &mut map);
    if let Some(owner) = &owner {
        map.mention("team", Target::Owner(owner.clone()));
    }
    let purpose = map
        .get("description")
        .and_then(|d| d.get("purpose"))
        .and_then(Node::as_str)
        .map(str::to_owned);
    let tags = map.texts("tags");
    let servers = location::read_servers(&contract, &mut map);
    let levels = service::read(&contract, &mut map);
    let objects = map.list("schema");
    if map.required("schema").is_some() && objects.is_empty() {
        map.error("missing-key", "schema", "the contract has no schema object");
    }
    let shared = without_schema(document);
    let mut datasets = Vec::new();
    for object in objects {
        let Some(mut reader) = decoder.map(object, "a schema object") else {
            continue;
        };
        let mut dataset = base.clone();
        let meta = Meta {
            tags: tags.clone(),
            description: purpose.clone(),
            ..Meta::default()
        };
        dataset.meta = read_meta(&mut reader, meta);
        dataset.meta.owner = owner.clone().or_else(|| settings.owner.clone()).unwrap_or_default();
        dataset.meta.digest = yaml::digest(&[&shared, object]);
        read_object(&contract, &mut reader, &mut dataset);
        service::apply(&contract, &levels, objects.len() == 1, &mut dataset);
        location::place(
            &contract,
            &map,
            &servers,
            &mut dataset,
            &mut reader,
            objects.len(),
            settings,
        );
        name_checks(&mut dataset);
        mention_columns(&contract, &dataset);
        if dataset.meta.owner.is_empty() {
            let problem = Diagnostic::error(
                "missing-owner",
                dataset.meta.span.clone(),
                format!("{} has no owner", reader.what()),
            );
            decoder.report(problem.expected("a member of `team` with `role: owner`, or `owner:` in `steward.yaml`"));
        }
        reader.finish();
        datasets.push(dataset);
    }
    map.finish();
    datasets
}

/// All but `description`, which is a map here.
fn texts_of_contract(map: &MapReader<'_>) {
    let entries = map
        .node()
        .entries()
        .iter()
        .filter(|e| e.key != "description")
        .cloned()
        .collect();
    let rest = Node {
        value: Value::Map(entries),
        text: String::new(),
        place: map.place(),
    };
    if let Some(reader) = map.decoder().map(&rest, map.what()) {
        shape::texts(&reader);
    }
}

fn read_edition(map: &mut MapReader<'_>) -> Option<Edition> {
    let node = map.required("apiVersion")?;
    let text = map.decoder().text(node, "`apiVersion`")?;
    match text.as_str() {
        "v3.0.0" | "v3.0.1" | "v3.0.2" => Some(Edition::V30),
        "v3.1.0" => Some(Edition::V31),
        "v3.2.0" => Some(Edition::V32),
        _ => {
            let words = ["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"];
            map.decoder().choice(node, "`apiVersion`", &words);
            None
        }
    }
}

fn read_status(map: &mut MapReader<'_>, edition: Edition) -> String {
    // Obligatory before 3.2; any word is allowed.
    if edition < Edition::V32 {
        map.required_text("status")
    } else {
        map.text("status").unwrap_or_else(|| "active".to_owned())
    }
}

fn read_meta(reader: &mut MapReader<'_>, mut meta: Meta) -> Meta {
    let place = reader.node().get("name").map_or(reader.place(), |n| n.place);
    let name = reader.required_text("name");
    if !name.is_empty() && super::check_name(reader.decoder(), place, Kind::Dataset.noun(), &name) {
        reader.rename(format!("the dataset `{name}`"));
        meta.name = name;
    }
    meta.span = reader.decoder().span(place);
    meta.label = reader.text("businessName");
    meta.description = reader.text("description").or(meta.description);
    for tag in reader.texts("tags") {
        if !meta.tags.contains(&tag) {
            meta.tags.push(tag);
        }
    }
    meta
}

fn read_object(contract: &Contract<'_>, reader: &mut MapReader<'_>, dataset: &mut Dataset) {
    reader.ignore(keys::OBJECT);
    shape::texts(reader);
    shape::custom_properties(contract, reader);
    contract.since(reader, Edition::V31, &["id", "relationships"]);
    contract.since(reader, Edition::V32, &["context", "synonyms", "deprecated"]);
    let mut seen = BTreeSet::new();
    for node in reader.list("properties") {
        let Some(column) = column::read(contract, node, &dataset.meta.name) else {
            continue;
        };
        if seen.insert(column.name.clone()) {
            dataset.columns.push(column);
        } else {
            let message = format!("the column `{}` is listed twice in {}", column.name, reader.what());
            contract.decoder.error("duplicate-name", node.place, message);
        }
    }
    column::number_primary_key(dataset);
    for node in reader.list("quality") {
        dataset
            .checks
            .extend(quality::read(contract, node, &dataset.meta.name, None));
    }
    for node in reader.list("relationships") {
        dataset.checks.extend(relationship::read(contract, node, None));
    }
}

/// Columns that the checks of a dataset name, to be looked up in it.
fn mention_columns(contract: &Contract<'_>, dataset: &Dataset) {
    for check in dataset.all_checks() {
        let columns: Vec<&String> = match &check.rule {
            Rule::Nulls { column, .. } | Rule::Invalid { column, .. } | Rule::Range { column, .. } => vec![column],
            Rule::References { column, .. } | Rule::Freshness { column, .. } => vec![column],
            Rule::Duplicates { columns, .. } => columns.iter().collect(),
            Rule::Volume { by_day, .. } => by_day.iter().collect(),
            Rule::Delay { from, to, .. } => vec![from, to],
            Rule::Shift { column, time, .. } => vec![column, time],
            Rule::Sql { .. } => Vec::new(),
        };
        let place = Place {
            line: check.span.line,
            column: check.span.column,
        };
        let user = format!("the check `{}`", check.name);
        for column in columns.into_iter().filter(|c| !c.is_empty()) {
            let target = Target::Column {
                dataset: dataset.meta.name.clone(),
                column: column.clone(),
            };
            contract.decoder.mention(target, place, &user);
        }
        if let Rule::Sql { query, .. } = &check.rule {
            contract.decoder.mention(Target::Query(query.clone()), place, &user);
        }
    }
}

/// Gives nameless checks the name `column.rule`, numbered where that repeats.
fn name_checks(dataset: &mut Dataset) {
    let mut seen: BTreeSet<String> = dataset
        .all_checks()
        .map(|c| c.name.clone())
        .filter(|n| !n.is_empty())
        .collect();
    let name = |check: &mut Check, seen: &mut BTreeSet<String>| {
        if check.name.is_empty() {
            let base = names::generated(&check.rule);
            let mut name = base.clone();
            let mut number = 2;
            while !seen.insert(name.clone()) {
                name = format!("{base}_{number}");
                number += 1;
            }
            check.name = name;
        }
    };
    dataset.checks.iter_mut().for_each(|c| name(c, &mut seen));
    dataset
        .columns
        .iter_mut()
        .flat_map(|c| &mut c.checks)
        .for_each(|c| name(c, &mut seen));
}

fn without_schema(document: &Node) -> Node {
    let entries = document
        .entries()
        .iter()
        .filter(|e| e.key != "schema")
        .cloned()
        .collect();
    Node {
        value: Value::Map(entries),
        text: String::new(),
        place: document.place,
    }
}
