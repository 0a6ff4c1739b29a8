//! Objectives and initiatives must not serve or wait for themselves. (Cycles of metrics are the semantic check's.)

use std::collections::BTreeSet;

use crate::Diagnostic;
use crate::project::{Kind, Project, Reference};

pub(super) fn check(project: &Project, problems: &mut Vec<Diagnostic>) {
    for kind in [Kind::Objective, Kind::Initiative, Kind::Flag, Kind::Segment] {
        let mut reported = BTreeSet::new();
        for name in project.names(kind) {
            let Some(path) = cycle(project, kind, name) else {
                continue;
            };
            // One report per cycle, at its first name.
            let mut members = path.clone();
            members.sort();
            if !reported.insert(members) {
                continue;
            }
            let Some(meta) = project.meta(&Reference::new(kind, name)) else {
                continue;
            };
            let mut shown: Vec<String> = path.iter().map(|n| format!("`{n}`")).collect();
            shown.extend(shown.first().cloned());
            let (verb, key) = match kind {
                Kind::Objective => ("serves", "parent"),
                Kind::Flag => ("is a prerequisite of", "prerequisites"),
                Kind::Segment => ("is part of", "when"),
                _ => ("waits for", "depends_on"),
            };
            let message = format!("the {} `{name}` {verb} itself: {}", kind.noun(), shown.join(" → "));
            problems.push(
                Diagnostic::error("cycle", meta.span.clone(), message)
                    .hint(format!("take one of these out of `{key}`")),
            );
        }
    }
}

/// The names from `start` back to itself.
fn cycle(project: &Project, kind: Kind, start: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![start.to_owned()]];
    while let Some(path) = open.pop() {
        let last = path.last()?;
        for next in project
            .references(&Reference::new(kind, last.as_str()))
            .into_iter()
            .filter(|r| r.kind == kind)
        {
            if next.name == start {
                return Some(path);
            }
            if seen.insert(next.name.clone()) {
                let mut longer = path.clone();
                longer.push(next.name);
                open.push(longer);
            }
        }
    }
    None
}
