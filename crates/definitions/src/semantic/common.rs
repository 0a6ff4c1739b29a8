//! What both dialects share: names, meta data, settings, expressions, filters.

use super::jinja;
use crate::decode::MapReader;
use crate::nearest::nearest;
use crate::project::Meta;
use crate::sql::Expression;
use crate::yaml::{Node, digest};
use crate::{Aggregation, Diagnostic, Direction, EntityType, MetricExperimentSettings, Settings, TimeWindow};

/// `agg:`; capitals are accepted.
pub(super) const AGGREGATIONS: [(&str, Aggregation); 9] = [
    ("sum", Aggregation::Sum),
    ("count", Aggregation::Count),
    ("count_distinct", Aggregation::CountDistinct),
    ("average", Aggregation::Average),
    ("min", Aggregation::Min),
    ("max", Aggregation::Max),
    ("median", Aggregation::Median),
    ("percentile", Aggregation::Percentile),
    ("sum_boolean", Aggregation::SumBoolean),
];

/// `type:` of an entity.
pub(super) const ENTITY_TYPES: [(&str, EntityType); 4] = [
    ("primary", EntityType::Primary),
    ("unique", EntityType::Unique),
    ("foreign", EntityType::Foreign),
    ("natural", EntityType::Natural),
];

/// `type:` of a metric.
pub(super) const METRIC_TYPES: [(&str, &str); 5] = [
    ("simple", "simple"),
    ("ratio", "ratio"),
    ("derived", "derived"),
    ("cumulative", "cumulative"),
    ("conversion", "conversion"),
];

/// Conditions that must all hold.
pub(super) fn all_of(conditions: impl IntoIterator<Item = String>) -> Option<String> {
    let all: Vec<String> = conditions.into_iter().collect();
    match all.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(many.iter().map(|c| format!("({c})")).collect::<Vec<_>>().join(" AND ")),
    }
}

/// One of some words, in any case.
pub(super) fn word<T: Copy>(map: &mut MapReader<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
    let node = map.get(key)?;
    word_of(map, node, &format!("`{key}` of {}", map.what()), words)
}

/// One of some words, in any case.
pub(super) fn word_of<T: Copy>(map: &MapReader<'_>, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
    let text = map.decoder().text(node, what)?;
    let lower = text.to_lowercase();
    if let Some((_, value)) = words.iter().find(|(w, _)| *w == lower) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
    let problem = Diagnostic::error(
        "bad-value",
        map.decoder().span(node.place),
        format!("{what} cannot be `{text}`"),
    );
    map.decoder().report(
        problem
            .expected(crate::decode::one_of(&known))
            .did_you_mean(nearest(&lower, known.iter().copied())),
    );
    None
}

/// A grain, lower case.
pub(super) fn grain(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let words: Vec<(&str, &str)> = jinja::GRAINS.iter().map(|g| (*g, *g)).collect();
    word(map, key, &words).map(str::to_owned)
}

/// Whether a name can be used in filters and SQL: letters, digits and `_`, no `__`.
fn valid(name: &str) -> bool {
    name.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

/// The `name` of something. Empty if it was reported.
pub(super) fn name(map: &mut MapReader<'_>) -> String {
    let name = map.required_text("name");
    let clash = jinja::GRAINS.contains(&name.as_str()) || name == "metric_time";
    if !name.is_empty() && (!valid(&name) || clash) {
        let message = format!("the name `{name}` of {} cannot be used", map.what());
        let problem = Diagnostic::error("bad-name", map.value_span("name"), message);
        map.decoder().report(problem.expected(
            "letters, digits and single `_`, starting with a letter; no name of a grain such as `day`, not `metric_time`",
        ));
    }
    name
}

/// What `config` (and `meta` beside it) says.
#[derive(Default)]
pub(super) struct Config {
    pub enabled: bool,
    pub owner: Option<String>,
    pub unit: Option<String>,
    pub tags: Vec<String>,
    pub experiment: MetricExperimentSettings,
}

/// Reads `config`, `meta` and `tags`. dbt lets anyone put anything there, so that only `meta.steward` is strict.
pub(super) fn config(map: &mut MapReader<'_>) -> Config {
    let mut found = Config {
        enabled: true,
        tags: map.texts("tags"),
        ..Config::default()
    };
    if let Some(mut config) = map.map("config") {
        found.enabled = config.boolean("enabled").unwrap_or(true);
        found.tags.extend(config.texts("tags"));
        if let Some(meta) = config.map("meta") {
            read_meta(meta, &mut found);
        }
    }
    if let Some(meta) = map.map("meta") {
        read_meta(meta, &mut found);
    }
    found
}

fn read_meta(mut meta: MapReader<'_>, found: &mut Config) {
    found.owner = meta.text("owner").or(found.owner.take());
    found.unit = meta.text("unit").or(found.unit.take());
    let Some(mut own) = meta.map("steward") else { return };
    found.owner = own.text("owner").or(found.owner.take());
    found.unit = own.text("unit").or(found.unit.take());
    if let Some(direction) = own.choice("direction", &["increase", "decrease"]) {
        found.experiment.direction = match direction.as_str() {
            "decrease" => Direction::Decrease,
            _ => Direction::Increase,
        };
    }
    super::measured::settings(&mut own, &mut found.experiment);
    own.finish();
}

/// Name, owner, place and digest of the definition that `map` holds.
pub(super) fn meta(
    map: &mut MapReader<'_>,
    settings: &Settings,
    name: &str,
    description: Option<String>,
    label: Option<String>,
    config: &Config,
) -> Meta {
    let owner = config.owner.clone().or_else(|| settings.owner.clone());
    if owner.is_none() {
        let problem = Diagnostic::error("missing-owner", map.span(), format!("{} has no owner", map.what()));
        map.decoder().report(
            problem.expected("`owner` under `config.meta`, or for the whole project `owner:` in `steward.yaml`"),
        );
    }
    Meta {
        name: name.to_owned(),
        owner: owner.unwrap_or_default(),
        label,
        description,
        tags: config.tags.clone(),
        span: map.value_span("name"),
        digest: digest(&[map.node()]),
    }
}

/// A SQL expression over columns, as text written from its tree; `None` if absent or reported.
pub(super) fn expression(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let text = map.text(key)?;
    match Expression::parse(&text) {
        Ok(e) => Some(e.to_string()),
        Err(problem) => {
            map.error(
                "bad-sql",
                key,
                format!("`{key}` of {}, `{text}`, {problem}", map.what()),
            );
            None
        }
    }
}

/// `filter`: one text or a list; Jinja resolved.
pub(super) fn filter(map: &mut MapReader<'_>) -> Option<String> {
    filter_at(map, "filter")
}

/// A condition over dimensions under any key: one text or a list; Jinja resolved.
pub(super) fn filter_at(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let mut all = Vec::new();
    for (text, place) in map.placed_texts(key) {
        let resolved = jinja::resolve(&text)
            .and_then(|plain| Expression::parse(&plain).map_err(|problem| problem.to_string()))
            .and_then(|e| match e.aggregates().first() {
                Some(f) => Err(format!("aggregates (`{f}`); a filter speaks of one row")),
                None => Ok(e),
            });
        match resolved {
            Ok(e) => all.push(e.to_string()),
            Err(why) => map.decoder().error(
                "bad-filter",
                place,
                format!(
                    "the {} of {}, `{}`, {why}",
                    key.replace('_', " "),
                    map.what(),
                    text.trim()
                ),
            ),
        }
    }
    all_of(all)
}

/// `14 days`, `1 month`.
pub(super) fn window(map: &mut MapReader<'_>, key: &str) -> Option<TimeWindow> {
    let text = map.text(key)?;
    let parsed = text.split_once(' ').and_then(|(count, unit)| {
        let unit = unit.trim().to_lowercase();
        let unit = unit.strip_suffix('s').unwrap_or(&unit);
        let count: u32 = count.trim().parse().ok().filter(|c| *c > 0)?;
        jinja::GRAINS.contains(&unit).then(|| TimeWindow {
            count,
            granularity: unit.to_owned(),
        })
    });
    if parsed.is_none() {
        let message = format!("`{key}` of {} is `{text}`", map.what());
        let problem = Diagnostic::error("bad-value", map.value_span(key), message);
        map.decoder()
            .report(problem.expected("a number and a unit, such as `14 days` or `1 month`"));
    }
    parsed
}

/// The dataset that `ref('orders')` names.
pub(super) fn reference(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text
        .strip_prefix("{{")
        .and_then(|t| t.strip_suffix("}}"))
        .map_or(text, str::trim);
    let inner = ["ref", "source"].into_iter().find_map(|f| {
        text.strip_prefix(f)?
            .trim_start()
            .strip_prefix('(')?
            .trim_end()
            .strip_suffix(')')
    });
    let name = match inner {
        Some(arguments) => {
            let last = arguments
                .split(',')
                .map(str::trim)
                .rfind(|a| !a.starts_with("v=") && !a.starts_with("version="))?;
            ['\'', '"']
                .into_iter()
                .find_map(|q| last.strip_prefix(q)?.strip_suffix(q))?
        }
        None => text,
    };
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    plain.then(|| name.to_owned())
}

/// A setting that dbt knows and Steward does not follow: said, not swallowed.
pub(super) fn not_followed(map: &mut MapReader<'_>, key: &str, why: &str) {
    if map.get(key).is_some() {
        let message = format!("`{key}` of {} is not followed: {why}", map.what());
        map.decoder()
            .report(Diagnostic::warning("not-followed", map.value_span(key), message));
    }
}
