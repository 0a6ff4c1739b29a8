//! A draft of a semantic model with metrics, in dbt's YAML.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::text::column_expression;
use super::{ColumnProfile, Role, TableProfile, Taken, comment, free, identifier, scalar, thousands};

/// Names given to the drafted metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drafted {
    /// Text for `metrics/NAME.yaml`.
    pub text: String,
    /// Metrics that experiments can compare, likeliest first.
    pub metrics: Vec<String>,
    /// Name of the entity that the table's units are, if it has any.
    pub entity: Option<String>,
    /// The column of the unit, if there is one.
    pub unit: Option<String>,
}

struct Part {
    name: String,
    column: String,
    comment: String,
    lines: Vec<String>,
}

/// A semantic model and metrics over the drafted dataset; `taken` gathers the names of measures and metrics, which are
/// unique in the project.
pub fn metrics(table: &TableProfile, owner: &str, taken: &mut Taken) -> Drafted {
    let name = table.dataset();
    let (entities, unit) = entities(table);
    let mut own: BTreeSet<String> = entities.iter().map(|e| e.name.clone()).collect();
    let dimensions = dimensions(table, &mut own);
    let time = table.first(Role::Time).map(|c| c.name.clone());
    let mut drafted = Drafted {
        entity: unit.as_ref().map(|(entity, _)| entity.clone()),
        unit: unit.map(|(_, column)| column),
        ..Drafted::default()
    };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}\n# Keep what you govern, delete the rest, and say in descriptions what each metric means.\nsemantic_models:\n  - name: {name}\n    model: ref('{name}')\n    config:\n      meta:\n        owner: {}",
        comment(&format!("Drafted from {}: {} rows.", table.path, thousands(table.rows))),
        scalar(owner),
    );
    let first_time = time.and_then(|t| dimensions.iter().find(|d| d.column == t));
    match first_time {
        Some(time) => {
            let _ = writeln!(
                out,
                "    defaults:\n      # guess: the time by which metrics are shown\n      agg_time_dimension: {}",
                time.name
            );
        }
        None => out
            .push_str("    # No column looks like a time: metrics can be compared and grouped, not shown over time.\n"),
    }
    for (key, parts) in [("entities", &entities), ("dimensions", &dimensions)] {
        if !parts.is_empty() {
            let _ = writeln!(out, "    {key}:");
            for part in parts {
                write_part(&mut out, part);
            }
        }
    }
    write_measures(&mut out, table, owner, taken, &mut drafted);
    drafted.text = out;
    drafted
}

fn write_part(out: &mut String, part: &Part) {
    let _ = writeln!(out, "      - name: {}\n        {}", part.name, comment(&part.comment));
    for line in &part.lines {
        let _ = writeln!(out, "        {line}");
    }
}

/// The key as primary entity and units as foreign ones; and which of them is the unit: entity and column.
fn entities(table: &TableProfile) -> (Vec<Part>, Option<(String, String)>) {
    let mut taken = BTreeSet::new();
    let mut all = Vec::new();
    let keys: Vec<&ColumnProfile> = table.with_role(Role::Key).collect();
    let mut unit = None;
    for (index, column) in keys.iter().copied().chain(table.with_role(Role::Unit)).enumerate() {
        let kind = match column.guess.role {
            Role::Key if index == 0 => "primary",
            Role::Key => "unique",
            _ => "foreign",
        };
        let base = identifier(&column.name, "entity");
        let stem = ["_id", "_key", "_uuid", "_code", "id"]
            .iter()
            .find_map(|s| base.strip_suffix(s))
            .map(|s| identifier(s, "entity"))
            .filter(|s| s.len() > 1 && s != "entity");
        let name = free(&mut taken, &stem.unwrap_or(base), &table.dataset());
        if unit.is_none() || (kind == "foreign" && keys.is_empty()) {
            unit.get_or_insert((name.clone(), column.name.clone()));
        }
        all.push(Part {
            name,
            column: column.name.clone(),
            comment: format!("guess: {}", column.guess.reason),
            lines: vec![
                format!("type: {kind}"),
                format!("expr: {}", scalar(&column_expression(&column.name))),
            ],
        });
    }
    (all, unit)
}

fn dimensions(table: &TableProfile, own: &mut BTreeSet<String>) -> Vec<Part> {
    let mut all = Vec::new();
    for column in &table.columns {
        if column.guess.personal.is_some() {
            continue;
        }
        let lines = match column.guess.role {
            Role::Time => {
                let grain = if column.logical_type == "date" { "day" } else { "second" };
                vec![
                    "type: time".to_owned(),
                    "type_params:".to_owned(),
                    format!("  time_granularity: {grain}"),
                ]
            }
            Role::Variant | Role::Category | Role::Flag => vec!["type: categorical".to_owned()],
            _ => continue,
        };
        let name = free(own, &identifier(&column.name, &table.dataset()), &table.dataset());
        let mut lines = lines;
        lines.push(format!("expr: {}", scalar(&column_expression(&column.name))));
        all.push(Part {
            name,
            column: column.name.clone(),
            comment: format!("guess: {}", column.guess.reason),
            lines,
        });
    }
    all
}

fn write_measures(out: &mut String, table: &TableProfile, owner: &str, taken: &mut Taken, drafted: &mut Drafted) {
    let name = table.dataset();
    let rows = free(taken, &format!("{name}_rows"), &name);
    let _ = writeln!(
        out,
        "    measures:\n      - name: {rows}\n        agg: count\n        expr: 1"
    );
    let mut metrics = String::new();
    let meta = |unit: &str, steward: &[&str]| {
        let mut text = format!(
            "    config:\n      meta:\n        owner: {}\n        unit: {unit}\n",
            scalar(owner)
        );
        if !steward.is_empty() {
            text.push_str("        steward:\n");
            for line in steward {
                let _ = writeln!(text, "          {line}");
            }
        }
        text
    };
    let _ = write!(
        metrics,
        "metrics:\n  - name: {rows}\n    label: {}\n    type: simple\n    type_params:\n      measure: {rows}\n{}",
        scalar(&format!("Rows of {name}")),
        meta("count", &[]),
    );
    let (mut flags, mut sums) = (Vec::new(), Vec::new());
    // Outcomes usually stand behind the variant in a file, what was known before in front of it.
    let variant = table.variant().map(|c| c.name.as_str());
    let mut before = variant.is_some();
    for column in table.columns.iter().filter(|c| c.guess.personal.is_none()) {
        before &= Some(column.name.as_str()) != variant;
        let (agg, flag) = match column.guess.role {
            Role::Flag if column.logical_type == "boolean" => ("sum_boolean", true),
            Role::Flag => ("sum", true),
            Role::Money | Role::Quantity => ("sum", false),
            _ => continue,
        };
        let metric = free(taken, &identifier(&column.name, &name), &name);
        // dbt wants names of measures and dimensions of one model to differ.
        let measure = free(taken, &format!("{metric}_sum"), &name);
        let _ = writeln!(
            out,
            "      - name: {measure}\n        {}\n        agg: {agg}\n        expr: {}",
            comment(&format!("guess: {}", column.guess.reason)),
            scalar(&column_expression(&column.name)),
        );
        let label = scalar(&column.name);
        let simple = format!(
            "  - name: {metric}\n    label: {label}\n    type: simple\n    type_params:\n      measure: {measure}\n"
        );
        if flag {
            let rate = free(taken, &format!("{metric}_rate"), &name);
            let _ = write!(
                metrics,
                "{simple}{}  - name: {rate}\n    label: {}\n    type: ratio\n    type_params:\n      numerator: {metric}\n      denominator: {rows}\n{}",
                meta(
                    "count",
                    &[
                        "direction: increase # guess: more is better",
                        "binary: true # experiments compare the share of units"
                    ]
                ),
                scalar(&format!("{}, share of rows", column.name)),
                meta("percent", &["direction: increase # guess: more is better"]),
            );
            flags.push((before, metric));
        } else {
            let unit = if column.guess.role == Role::Money {
                "currency"
            } else {
                "count"
            };
            let _ = write!(
                metrics,
                "{simple}{}",
                meta(unit, &["direction: increase # guess: more is better"]),
            );
            sums.push((before, column.guess.role != Role::Money, metric));
        }
    }
    let mut ranked: Vec<(bool, u8, String)> = flags.into_iter().map(|(before, m)| (before, 0, m)).collect();
    ranked.extend(
        sums.into_iter()
            .map(|(before, quantity, m)| (before, 1 + u8::from(quantity), m)),
    );
    ranked.sort_by_key(|(before, rank, _)| (*before, *rank));
    drafted.metrics = ranked.into_iter().map(|(_, _, m)| m).collect();
    out.push_str(&metrics);
}
