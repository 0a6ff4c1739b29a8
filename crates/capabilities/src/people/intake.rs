//! From a business problem to files: an initiative with its bet; and other tools' issues as work items.
//!
//! Nothing here writes: what would be written is answered, so that it can be looked at first.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use serde::{Deserialize, Serialize};
use steward_definitions::{Project, Source};

use crate::CapabilityError;

/// A business problem on one page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Canvas {
    /// Name of the initiative.
    pub name: String,
    /// Title.
    pub title: String,
    /// Accountable.
    pub owner: String,
    /// The problem, in a sentence.
    pub problem: String,
    /// The decision that it changes.
    pub decision: String,
    /// The metric that would move.
    pub metric: String,
    /// Objectives that it serves.
    pub objectives: Vec<String>,
    /// Effort in person-weeks: 10th, 50th and 90th percentile.
    pub effort_weeks: [f64; 3],
    /// Probability that it works.
    pub probability: f64,
    /// Relative effect on the metric if it works: 10th, 50th and 90th percentile.
    pub effect: [f64; 3],
    /// When it is stopped.
    pub kill_criterion: String,
}

/// The files of a canvas; with them the project still has no problem.
///
/// # Errors
/// Every problem that the files would bring, with its place; or if the initiative is there already.
pub fn scope(project: &Project, sources: &[Source], canvas: &Canvas) -> Result<Vec<Source>, CapabilityError> {
    if project.initiatives.contains_key(&canvas.name) {
        return Err(CapabilityError::Invalid(format!(
            "there is an initiative {} already; choose another name",
            canvas.name
        )));
    }
    // JSON text is YAML text.
    let text = |t: &str| serde_json::to_string(t).unwrap_or_default();
    let three = |v: [f64; 3]| format!("[{}, {}, {}]", v[0], v[1], v[2]);
    let objectives: Vec<String> = canvas.objectives.iter().map(|o| text(o)).collect();
    let initiative = format!(
        "initiative: {}\nlabel: {}\nowner: {}\nobjectives: [{}]\nproblem: {}\ndecision: {}\neffort_weeks: {}\nteam: [{}]\n",
        canvas.name,
        text(&canvas.title),
        text(&canvas.owner),
        objectives.join(", "),
        text(&canvas.problem),
        text(&canvas.decision),
        three(canvas.effort_weeks),
        text(&canvas.owner)
    );
    let bet = format!(
        "bet: {}_pays\nlabel: {}\nowner: {}\ninitiative: {}\nmetric: {}\nprobability: {}\neffect: {}\nkill_criterion: {}\n",
        canvas.name,
        text(&format!("{} moves {}", canvas.title, canvas.metric)),
        text(&canvas.owner),
        canvas.name,
        canvas.metric,
        canvas.probability,
        three(canvas.effect),
        text(&canvas.kill_criterion)
    );
    let fresh = [
        Source {
            path: format!("initiatives/{}.yaml", canvas.name),
            text: initiative,
        },
        Source {
            path: format!("bets/{}_pays.yaml", canvas.name),
            text: bet,
        },
    ];
    if let Some(there) = fresh.iter().find(|f| sources.iter().any(|s| s.path == f.path)) {
        return Err(CapabilityError::Invalid(format!("{} is there already", there.path)));
    }
    let mut all = sources.to_vec();
    all.extend(fresh.iter().cloned());
    let (_, problems) = Project::parse(&all);
    let own: Vec<_> = problems
        .into_iter()
        .filter(|p| fresh.iter().any(|f| f.path == p.span.file))
        .collect();
    if own.is_empty() {
        Ok(fresh.into())
    } else {
        Err(CapabilityError::Definitions(own))
    }
}

/// An issue of another tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItem {
    /// Key: `DS-12`, `#12`.
    pub key: String,
    /// Title.
    pub title: String,
    /// State, as the tool calls it.
    pub state: String,
    /// When it was created, as written.
    pub created: String,
    /// When it was closed, as written; empty while it is open.
    pub closed: String,
    /// Initiative, if a mapping names one.
    pub initiative: String,
    /// Where it lives.
    pub link: String,
}

/// What a file of issues would bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Items.
    pub items: Vec<WorkItem>,
    /// Which column each field is read from.
    pub mapping: BTreeMap<String, String>,
    /// Columns that are not read.
    pub unread: Vec<String>,
    /// Rows without a key, which are left out.
    pub without_key: usize,
}

/// Fields with the columns that Jira, Linear and GitHub export them in, in order of preference.
const FIELDS: [(&str, &[&str]); 7] = [
    ("key", &["Issue key", "ID", "number", "key", "identifier", "id"]),
    ("title", &["Summary", "Title", "title", "summary"]),
    ("state", &["Status", "State", "state", "status"]),
    ("created", &["Created", "createdAt", "created_at", "created"]),
    (
        "closed",
        &[
            "Resolved",
            "Completed",
            "completedAt",
            "closedAt",
            "closed_at",
            "closed",
        ],
    ),
    (
        "initiative",
        &["Epic Link", "Parent summary", "Project", "project", "milestone"],
    ),
    ("link", &["Issue url", "URL", "url", "html_url", "link"]),
];

/// Reads a file of issues: CSV with a header, or a JSON list of objects. `mapping` names columns for fields, over the
/// known ones. Nothing is written back to the tool.
///
/// # Errors
/// If the file cannot be read, is not UTF-8, or no column holds keys or titles.
pub fn preview(path: &Path, mapping: &BTreeMap<String, String>) -> Result<Preview, CapabilityError> {
    if let Some(field) = mapping.keys().find(|f| !FIELDS.iter().any(|(k, _)| k == f)) {
        let known: Vec<&str> = FIELDS.iter().map(|(f, _)| *f).collect();
        return Err(CapabilityError::Invalid(format!(
            "{field:?} is no field of a work item; the fields are {}",
            known.join(", ")
        )));
    }
    let rows = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        json(path)?
    } else {
        csv(path)?
    };
    let mut columns: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(|r| r.keys()) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    for (field, names) in FIELDS {
        let wanted = mapping.get(field);
        if let Some(wanted) = wanted
            && !columns.contains(&wanted)
        {
            let near = steward_definitions::nearest::nearest(wanted, columns.iter().map(|c| c.as_str()));
            let near = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
            return Err(CapabilityError::Invalid(format!(
                "{}: there is no column {wanted:?}{near}",
                path.display()
            )));
        }
        let found = wanted.cloned().or_else(|| {
            names
                .iter()
                .find(|n| columns.iter().any(|c| c == *n))
                .map(|n| (*n).to_owned())
        });
        if let Some(column) = found {
            used.insert(field.to_owned(), column);
        }
    }
    for field in ["key", "title"] {
        if !used.contains_key(field) {
            return Err(CapabilityError::Invalid(format!(
                "{}: no column holds the {field}; name it with --map {field}=COLUMN",
                path.display()
            )));
        }
    }
    let mut without_key = 0;
    let mut items = Vec::new();
    for row in &rows {
        let of = |field: &str| {
            used.get(field)
                .and_then(|c| row.get(c))
                .map(|t| t.trim().to_owned())
                .unwrap_or_default()
        };
        let item = WorkItem {
            key: of("key"),
            title: of("title"),
            state: of("state"),
            created: of("created"),
            closed: of("closed"),
            initiative: of("initiative"),
            link: of("link"),
        };
        if item.key.is_empty() {
            without_key += 1
        } else {
            items.push(item)
        }
    }
    let unread = columns
        .into_iter()
        .filter(|c| !used.values().any(|u| u == *c))
        .cloned()
        .collect();
    Ok(Preview {
        items,
        mapping: used,
        unread,
        without_key,
    })
}

fn csv(path: &Path) -> Result<Vec<BTreeMap<String, String>>, CapabilityError> {
    let table = steward_facts::read(path)?;
    let mut rows = Vec::new();
    for batch in table.batches {
        let batch = batch?;
        let texts = arrow::compute::cast;
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|c| texts(c, &arrow::datatypes::DataType::Utf8))
            .collect::<Result<_, _>>()
            .map_err(|e| CapabilityError::Invalid(format!("{}: {e}", path.display())))?;
        for row in 0..batch.num_rows() {
            let cells = table
                .schema
                .fields()
                .iter()
                .zip(&columns)
                .filter_map(|(field, column)| {
                    let column = column.as_string::<i32>();
                    (!column.is_null(row)).then(|| (field.name().clone(), column.value(row).to_owned()))
                });
            rows.push(cells.collect());
        }
    }
    Ok(rows)
}

fn json(path: &Path) -> Result<Vec<BTreeMap<String, String>>, CapabilityError> {
    let fail = |cause: String| CapabilityError::Invalid(format!("{}: {cause}", path.display()));
    let bytes = std::fs::read(path).map_err(|e| CapabilityError::File {
        path: path.display().to_string(),
        cause: e.to_string(),
    })?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| fail(format!("not JSON: {e}")))?;
    // Jira wraps its list in `issues` and an issue's fields in `fields`.
    let list = value
        .as_array()
        .or_else(|| value.get("issues").and_then(serde_json::Value::as_array));
    let list = list.ok_or_else(|| fail("expected a list of issues, or an object with `issues`".into()))?;
    let mut rows = Vec::new();
    for item in list {
        let mut row = BTreeMap::new();
        let inner = item.get("fields").and_then(serde_json::Value::as_object);
        for (name, value) in item
            .as_object()
            .into_iter()
            .flatten()
            .chain(inner.into_iter().flatten())
        {
            let text = match value {
                serde_json::Value::String(t) => t.clone(),
                serde_json::Value::Null | serde_json::Value::Array(_) => continue,
                serde_json::Value::Object(o) => match o
                    .get("name")
                    .or_else(|| o.get("title"))
                    .and_then(serde_json::Value::as_str)
                {
                    Some(t) => t.to_owned(),
                    None => continue,
                },
                other => other.to_string(),
            };
            row.insert(name.clone(), text);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Items as CSV in the columns of work items, for a dataset of the project.
pub fn as_csv(items: &[WorkItem]) -> String {
    let quoted = |t: &str| {
        if t.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", t.replace('"', "\"\""))
        } else {
            t.to_owned()
        }
    };
    let mut out = String::from("key,title,state,created,closed,initiative,link\n");
    for i in items {
        let cells = [
            &i.key,
            &i.title,
            &i.state,
            &i.created,
            &i.closed,
            &i.initiative,
            &i.link,
        ]
        .map(|c| quoted(c));
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}
