//! A plan for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Action, Plan, text};

impl Plan {
    /// The plan as text: a line per change, fields and breakages indented below.
    pub fn render(&self) -> String {
        if self.is_empty() {
            return "Nothing would change.\n".to_owned();
        }
        let mut out = String::new();
        for change in &self.changes {
            let sign = match change.action {
                Action::Added => '+',
                Action::Changed => '~',
                Action::Removed => '-',
            };
            let _ = writeln!(out, "{sign} {}", text(&change.reference));
            for field in &change.fields {
                let (before, after) = (value(field.before.as_ref()), value(field.after.as_ref()));
                let _ = writeln!(out, "    {}: {before} → {after}", field.path);
            }
            for breakage in &change.breaking {
                let hint = breakage.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
                let _ = writeln!(out, "  ! {}{hint}", breakage.what);
                for affected in &breakage.affected {
                    let part = affected.part.as_ref().map(|p| format!(", {p}")).unwrap_or_default();
                    let _ = writeln!(
                        out,
                        "      breaks {}{part} (owner {}), by {}",
                        text(&affected.reference),
                        affected.owner,
                        affected.path.join(" → ")
                    );
                }
            }
        }
        if !self.settings.is_empty() {
            out.push_str("~ steward.yaml\n");
            for field in &self.settings {
                let (before, after) = (value(field.before.as_ref()), value(field.after.as_ref()));
                let _ = writeln!(out, "    {}: {before} → {after}", field.path);
            }
        }
        let (added, changed, removed) = self.counts();
        let _ = writeln!(out, "\n{added} to add, {changed} to change, {removed} to remove.");
        if self.is_breaking() && !self.approvals.is_empty() {
            out.push_str("Who must know:\n");
            for approval in &self.approvals {
                let _ = writeln!(out, "  {}: {}", approval.owner, approval.because.join(", "));
            }
        }
        out
    }
}

fn value(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(value) => {
            let text = value.to_string();
            let mut short: String = text.chars().take(80).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            short
        }
    }
}
