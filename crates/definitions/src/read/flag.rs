//! `flags/`: runtime switches.

use super::flag_rule;
use crate::decode::{Decoder, MapReader};
use crate::flags::condition;
use crate::project::Kind;
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Flag, FlagType, ForcedValue, NamedValue, Prerequisite, Settings};

const TYPES: [(&str, FlagType); 5] = [
    ("boolean", FlagType::Boolean),
    ("string", FlagType::String),
    ("integer", FlagType::Integer),
    ("number", FlagType::Number),
    ("json", FlagType::Json),
];

/// Reads a flag; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Flag> {
    let mut map = decoder.map(document, "a flag")?;
    let meta = super::meta(&mut map, Kind::Flag, "flag", settings);
    let named = map.choice("type", &TYPES.map(|(word, _)| word));
    let default = map
        .node()
        .entries()
        .iter()
        .find(|e| e.key == "default")
        .map(|e| &e.value);
    let value_type = named
        .and_then(|word| TYPES.iter().find(|(w, _)| *w == word).map(|(_, t)| *t))
        .or_else(|| default.map(type_of))
        .unwrap_or_default();
    let mut values = Values {
        value_type,
        variants: Vec::new(),
    };
    values.variants = read_variants(&mut map, &values);
    map.ignore(&["default"]);
    let default = match default {
        Some(node) => values.read(decoder, node, &format!("`default` of {}", map.what())),
        None if value_type == FlagType::Boolean => "false".to_owned(),
        None => {
            map.required("default");
            "null".to_owned()
        }
    };
    let stale_after = map
        .get("stale_after")
        .and_then(|node| super::meta::is_day(decoder, node, "`stale_after`"));
    let flag = Flag {
        value_type,
        default,
        enabled: map.boolean("enabled").unwrap_or(true),
        forced: read_forced(&mut map, &values),
        prerequisites: read_prerequisites(&mut map),
        rules: flag_rule::read(&mut map, &values, &meta.name),
        stale_after,
        variants: values.variants,
        meta,
    };
    map.finish();
    Some(flag)
}

/// How a flag's values are read.
pub(super) struct Values {
    pub(super) value_type: FlagType,
    pub(super) variants: Vec<NamedValue>,
}

impl Values {
    /// A value as JSON text; one of the wrong type is reported.
    pub(super) fn read(&self, decoder: &Decoder, node: &Node, what: &str) -> String {
        let text = condition::json(decoder, node);
        let expected = match (self.value_type, &node.value) {
            (FlagType::Boolean, Value::Bool(_))
            | (FlagType::String, Value::Str(_))
            | (FlagType::Number, Value::Int(_) | Value::Float(_))
            | (FlagType::Json, Value::Seq(_) | Value::Map(_)) => return text,
            (FlagType::Integer, Value::Int(i)) if i.unsigned_abs() <= 1 << 53 => return text,
            (FlagType::Boolean, _) => "`true` or `false`",
            (FlagType::String, _) => "text (in quotes, if it looks like a number)",
            (FlagType::Integer, _) => "a whole number within 53 bits",
            (FlagType::Number, _) => "a number",
            (FlagType::Json, _) => "a list or a map",
        };
        decoder.wrong_type(node, what, expected);
        text
    }

    /// The value under `value`, or the one named under `variant`.
    pub(super) fn of(&self, map: &mut MapReader<'_>) -> Option<String> {
        let decoder = map.decoder();
        let given = map.node().entries().iter().find(|e| e.key == "value").map(|e| &e.value);
        map.ignore(&["value"]);
        let named = map.text("variant");
        match (given, named) {
            (Some(_), Some(_)) => {
                map.error(
                    "bad-value",
                    "variant",
                    format!("{} gives both `value` and `variant`", map.what()),
                );
                None
            }
            (Some(node), None) => Some(self.read(decoder, node, &format!("`value` of {}", map.what()))),
            (None, Some(name)) => {
                let boolean = (self.value_type == FlagType::Boolean)
                    .then_some([("on", "true"), ("off", "false")])
                    .into_iter()
                    .flatten();
                let own = self.variants.iter().map(|v| (v.name.as_str(), v.value.as_str()));
                let known: Vec<(&str, &str)> = own.chain(boolean).collect();
                if let Some((_, value)) = known.iter().find(|(n, _)| *n == name) {
                    return Some((*value).to_owned());
                }
                let problem = Diagnostic::error(
                    "unknown-variant",
                    map.value_span("variant"),
                    format!(
                        "{} names the variant `{name}`, which the flag does not have",
                        map.what()
                    ),
                );
                let near = crate::nearest::nearest(&name, known.iter().map(|(n, _)| *n));
                decoder.report(problem.did_you_mean(near));
                None
            }
            (None, None) => None,
        }
    }
}

fn type_of(node: &Node) -> FlagType {
    match node.value {
        Value::Str(_) => FlagType::String,
        Value::Int(_) => FlagType::Integer,
        Value::Float(_) => FlagType::Number,
        Value::Seq(_) | Value::Map(_) => FlagType::Json,
        Value::Bool(_) | Value::Null => FlagType::Boolean,
    }
}

fn read_variants(map: &mut MapReader<'_>, values: &Values) -> Vec<NamedValue> {
    let Some(node) = map.get("variants") else {
        return Vec::new();
    };
    let decoder = map.decoder();
    let what = format!("`variants` of {}", map.what());
    if decoder.map(node, &what).is_none() {
        return Vec::new();
    }
    let read = |e: &crate::yaml::Entry| NamedValue {
        value: values.read(decoder, &e.value, &format!("the variant `{}`", e.key)),
        name: e.key.clone(),
    };
    node.entries().iter().map(read).collect()
}

fn read_forced(map: &mut MapReader<'_>, values: &Values) -> Vec<ForcedValue> {
    let mut all = Vec::new();
    for mut inner in map.maps("forced") {
        inner.rename("an item of `forced`");
        let attribute = inner
            .get("attribute")
            .and_then(|n| condition::hashed(inner.decoder(), n, "`attribute`"));
        let forced = ForcedValue {
            attribute: attribute.unwrap_or_else(|| "id".to_owned()),
            units: inner.texts("units"),
            value: values.of(&mut inner).unwrap_or_default(),
        };
        for key in ["units", "value"] {
            let missing = if key == "units" {
                forced.units.is_empty()
            } else {
                forced.value.is_empty()
            };
            if missing && !(key == "value" && inner.has("variant")) {
                inner.required(key);
            }
        }
        inner.finish();
        all.push(forced);
    }
    all
}

/// `prerequisites`: names of flags that must be on, or `{flag, is}` or `{flag, when}`.
pub(super) fn read_prerequisites(map: &mut MapReader<'_>) -> Vec<Prerequisite> {
    let decoder = map.decoder();
    let what = map.what().to_owned();
    let mut all = Vec::new();
    for node in map.list("prerequisites") {
        if matches!(node.value, Value::Str(_)) {
            let flag = node.text.clone();
            let reference = crate::Reference::new(Kind::Flag, flag.as_str());
            decoder.mention(crate::decode::Target::Definition(reference), node.place, &what);
            all.push(Prerequisite {
                flag,
                condition: r#"{"value":true}"#.to_owned(),
            });
            continue;
        }
        let Some(mut inner) = decoder.map(node, &format!("a prerequisite of {what}")) else {
            continue;
        };
        let flag = inner.required_name_of("flag", Kind::Flag);
        let is = inner
            .get("is")
            .map(|n| format!("{{\"value\":{}}}", condition::json(decoder, n)));
        let when = inner
            .get("when")
            .map(|n| condition::read(decoder, n, &format!("`when` of {}", inner.what()), false));
        inner.finish();
        let condition = is.or(when).unwrap_or_else(|| r#"{"value":true}"#.to_owned());
        all.push(Prerequisite { flag, condition });
    }
    all
}
