//! What applying the folder would change, and what would break, as the room answers it.

use std::collections::BTreeMap;

use serde_json::Value;
use steward_definitions::Project;
use steward_definitions::plan::{self, Action, Plan};
use steward_ledger::canonical;

use super::types::{Break, Change, FieldChange, PlanView};

/// Digest over all definitions and the settings.
pub fn digest(project: &Project) -> String {
    let of = |r| Some((r, Value::from(project.meta(r)?.digest.clone())));
    let definitions = project.definitions();
    let mut all: BTreeMap<String, Value> = definitions
        .iter()
        .filter_map(of)
        .map(|(r, digest)| (r.to_string(), digest))
        .collect();
    all.insert(
        "settings".into(),
        serde_json::to_value(&project.settings).unwrap_or(Value::Null),
    );
    canonical::digest(canonical::text(&Value::from_iter(all)).as_bytes())
}

/// Compares what is in force with what the folder says.
pub fn compare(before: Option<&Project>, after: &Project) -> PlanView {
    let nothing = Project::default();
    let plan = Plan::between(before.unwrap_or(&nothing), after);
    let mut view = PlanView {
        first: before.is_none(),
        empty: before.is_some() && plan.is_empty(),
        changes: plan.changes.iter().map(change).collect(),
        breaks: plan.changes.iter().flat_map(breaks).collect(),
        refusals: Vec::new(),
        applied_at_us: None,
        applied_by: None,
    };
    if before.is_some() && !plan.settings.is_empty() {
        view.changes.push(Change {
            reference: "settings/steward.yaml".into(),
            action: "changed".into(),
            fields: plan.settings.into_iter().map(field).collect(),
            breaking: Vec::new(),
            owner: after.settings.owner.clone().unwrap_or_default(),
        });
    }
    view
}

fn field(change: plan::FieldChange) -> FieldChange {
    FieldChange {
        field: change.path,
        before: change.before,
        after: change.after,
    }
}

fn change(change: &plan::Change) -> Change {
    Change {
        reference: change.reference.to_string(),
        action: match change.action {
            Action::Added => "added".into(),
            Action::Changed => "changed".into(),
            Action::Removed => "removed".into(),
        },
        fields: change.fields.iter().cloned().map(field).collect(),
        breaking: change.breaking.iter().map(because).collect(),
        owner: change.owner.clone(),
    }
}

fn because(breakage: &plan::Breakage) -> String {
    match &breakage.hint {
        Some(hint) => format!("{} ({hint})", breakage.what),
        None => breakage.what.clone(),
    }
}

/// Everything downstream that a change breaks; a key result is named after its objective.
fn breaks(change: &plan::Change) -> Vec<Break> {
    let of = |breakage: &plan::Breakage| {
        let because = format!("{}: {}", change.reference, because(breakage));
        let all = breakage.affected.iter().map(|a| Break {
            reference: a.reference.to_string(),
            owner: a.owner.clone(),
            because: match &a.part {
                Some(part) => format!("{because} (key result {part})"),
                None => because.clone(),
            },
            path: a.path.clone(),
        });
        all.collect::<Vec<_>>()
    };
    change.breaking.iter().flat_map(of).collect()
}
