//! The schemas name the keys that the decoders accept, no more and no fewer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use steward_definitions::{Project, Source, schema};

const JUNK: &str = "qqqqqqqqqqqqqqqqqqqq";
/// Words on which it depends which keys a map takes: types of metrics, kinds of designs.
const WORDS: [&str; 10] = [
    "simple",
    "ratio",
    "derived",
    "cumulative",
    "conversion",
    "factorial",
    "cluster",
    "switchback",
    "holdout",
    "geo",
];

/// A document with every key of a schema, one key per line; which place of the schema each line stands for.
struct Sample<'a> {
    /// Word taken wherever a list of words has it.
    word: &'a str,
    text: String,
    lines: BTreeMap<u32, String>,
    /// Keys of each closed map, by its place in the schema.
    maps: BTreeMap<String, BTreeSet<String>>,
}

impl Sample<'_> {
    fn line(&self) -> u32 {
        u32::try_from(self.text.matches('\n').count()).unwrap() + 1
    }

    fn write(&mut self, schema: &Value, place: &str) {
        if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
            let at = options.len() - 1;
            return self.write(&options[at], &format!("{place}/anyOf/{at}"));
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let wanted = words.iter().find(|w| w.as_str() == Some(self.word));
            // The newest version knows most.
            let first = if place.ends_with("apiVersion") {
                words.last()
            } else {
                words.first()
            };
            let _ = write!(self.text, "{}", wanted.or(first).unwrap());
            return;
        }
        match schema.get("type") {
            Some(Value::String(t)) if t == "object" => self.map(schema, place),
            Some(Value::String(t)) if t == "array" => {
                let Some(items) = schema.get("items") else {
                    self.text.push_str("[]");
                    return;
                };
                // Each alternative is an item of its own.
                let options = items.get("anyOf").and_then(Value::as_array).cloned();
                self.text.push('[');
                for (at, item) in options.iter().flatten().enumerate() {
                    self.write(item, &format!("{place}/items/anyOf/{at}"));
                    self.text.push_str(", ");
                }
                if options.is_none() {
                    self.write(items, &format!("{place}/items"));
                }
                self.text.push(']');
            }
            Some(Value::String(t)) if t == "boolean" => self.text.push_str("true"),
            Some(Value::String(t)) if t == "number" || t == "integer" => self.text.push_str("0.5"),
            _ => self.text.push_str("\"x\""),
        }
    }

    fn map(&mut self, schema: &Value, place: &str) {
        self.text.push('{');
        let known: BTreeSet<String> = schema
            .get("properties")
            .and_then(Value::as_object)
            .map(|p| p.keys().cloned().collect())
            .unwrap_or_default();
        for key in &known {
            let below = format!("{place}/properties/{key}");
            self.text.push('\n');
            self.lines.insert(self.line(), below.clone());
            let _ = write!(self.text, "\"{key}\": ");
            self.write(&schema["properties"][key.as_str()], &below);
            self.text.push(',');
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            self.maps.insert(place.to_owned(), known);
            self.text.push('\n');
            self.lines.insert(self.line(), place.to_owned());
            let _ = write!(self.text, "\"{JUNK}\": 1");
        }
        self.text.push('}');
    }
}

/// Runs `check` over a sample of a schema: keys reported as unknown, and for each map the keys said to be known.
fn checked(
    file: &str,
    schema: &Value,
    word: &str,
) -> (
    BTreeSet<String>,
    BTreeMap<String, Option<BTreeSet<String>>>,
    Vec<String>,
) {
    let mut sample = Sample {
        word,
        text: String::new(),
        lines: BTreeMap::new(),
        maps: BTreeMap::new(),
    };
    sample.write(schema, "");
    let source = |path: &str, text: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let mut sources = vec![source(file, &sample.text)];
    if file != "steward.yaml" {
        sources.push(source("steward.yaml", "{project: x, owner: y, currency: EUR}"));
    }
    let (_, problems) = Project::parse(&sources);
    assert!(
        !problems
            .iter()
            .any(|p| p.code.contains("syntax") && p.code != "sql-syntax"),
        "{problems:?}\n{}",
        sample.text
    );
    let (mut unknown, mut known) = (BTreeSet::new(), BTreeMap::new());
    for problem in problems
        .iter()
        .filter(|p| p.code == "unknown-key" && p.span.file == file)
    {
        let place = sample.lines[&problem.span.line].clone();
        if problem.message.contains(JUNK) {
            let listed = problem.expected.as_deref().map(|e| {
                let parts = e.split('`').skip(1).step_by(2);
                parts.map(str::to_owned).collect::<BTreeSet<String>>()
            });
            known.insert(place, listed);
        } else {
            unknown.insert(place);
        }
    }
    let missed = sample
        .maps
        .keys()
        .filter(|m| !known.contains_key(*m))
        .cloned()
        .collect();
    (unknown, known, missed)
}

#[test]
fn schemas_name_the_keys_that_check_accepts() {
    let files: BTreeMap<&str, &str> = schema::FOLDERS.iter().map(|(glob, name)| (*name, *glob)).collect();
    for (name, schema) in schema::all() {
        let file = files[name].replace("**/*", "sample");
        // Metrics and designs accept other keys for each word: what any accepts is right.
        let runs: Vec<_> = WORDS.iter().map(|t| checked(&file, &schema, t)).collect();
        let unknown = runs
            .iter()
            .map(|r| r.0.clone())
            .reduce(|a, b| a.intersection(&b).cloned().collect())
            .unwrap();
        assert!(unknown.is_empty(), "{name} names keys that check refuses: {unknown:?}");
        let missed = runs
            .iter()
            .map(|r| r.2.iter().cloned().collect::<BTreeSet<String>>())
            .reduce(|a, b| a.intersection(&b).cloned().collect())
            .unwrap();
        assert!(
            missed.is_empty(),
            "{name} closes maps that check leaves open or does not read: {missed:?}"
        );
        let mut known: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
        for (place, listed) in runs.into_iter().flat_map(|r| r.1) {
            // Long lists are not printed; the keys named by the schema were all accepted above.
            match (known.get_mut(&place), listed) {
                (Some(Some(all)), Some(more)) => all.extend(more),
                (Some(all), _) => *all = None,
                (None, listed) => {
                    known.insert(place, listed);
                }
            }
        }
        assert!(!known.is_empty());
        for (place, listed) in known {
            let Some(listed) = listed else { continue };
            let own: BTreeSet<String> = schema.pointer(&place).unwrap()["properties"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect();
            assert_eq!(own, listed, "{name} {place}");
        }
    }
}

#[test]
fn every_folder_has_a_schema() {
    let names: Vec<&str> = schema::all().iter().map(|(n, _)| *n).collect();
    assert_eq!(names, schema::FOLDERS.map(|(_, n)| n));
    assert_eq!(
        schema::modeline("../.schemas/", "bet.schema.json"),
        "# yaml-language-server: $schema=../.schemas/bet.schema.json"
    );
}
