//! `check`, `schema`, `plan`, `apply`, `applied`.

use std::path::Path;

use serde::Serialize;
use serde_json::json;
use steward_capabilities::governance::{self, PlanView};
use steward_definitions::{Diagnostic, Severity, diagnostic, schema};

use super::{actor, moment};
use crate::cli::{CheckFormat, Who};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace::{self, Definitions};

/// `steward check`.
pub fn check(folder: &Path, format: CheckFormat, json: bool) -> Result<Outcome, Failure> {
    let definitions = Definitions::read(folder)?;
    let errors = definitions.errors().len();
    let warnings = definitions.diagnostics.len() - errors;
    if format == CheckFormat::Sarif {
        output::json(&diagnostic::to_sarif(&definitions.diagnostics))?;
    } else if json {
        output::json(&json!({
            "ok": errors == 0, "errors": errors, "warnings": warnings,
            "definitions": definitions.project.definitions().len(), "diagnostics": definitions.diagnostics,
        }))?;
    } else {
        let text = diagnostic::render(&definitions.diagnostics, &definitions.sources, output::colour());
        if !text.is_empty() {
            output::text_line(&text)?;
        }
        let count = definitions.project.definitions().len();
        output::text_line(&match errors {
            0 => format!("{} {count} definitions, {warnings} warning(s)", green("ok")),
            _ => format!(
                "{} {errors} error(s), {warnings} warning(s) in {count} definitions",
                red("failed")
            ),
        })?;
    }
    Ok(Outcome::of(
        !definitions.diagnostics.iter().any(|d| d.severity == Severity::Error),
    ))
}

/// `steward schema`.
pub fn schema(out: Option<&Path>, json: bool) -> Result<Outcome, Failure> {
    let all = schema::all();
    match out {
        None => {
            let document: serde_json::Map<String, serde_json::Value> =
                all.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
            output::json(&document)?;
        }
        Some(folder) => {
            crate::folder::make(folder)?;
            let mut written = Vec::new();
            for (name, value) in all {
                let text = serde_json::to_string_pretty(&value).map_err(|e| Failure::world(e.to_string()))?;
                super::reports::write_whole(&folder.join(name), text.as_bytes())?;
                written.push(folder.join(name).display().to_string());
            }
            if json {
                output::json(&json!({ "written": written }))?;
            } else {
                output::text_line(&written.join("\n"))?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// `steward plan`. A name that nothing defines any more is what a breaking change leaves behind: it is shown beside the
/// plan, which says what else breaks. Any other error would show definitions as removed that are only misspelt.
pub async fn plan(folder: &Path, json: bool) -> Result<Outcome, Failure> {
    let definitions = Definitions::read(folder)?;
    let errors = definitions.errors();
    let dangling = |code: &str| code.starts_with("unknown-") && code != "unknown-key";
    if errors.iter().any(|e| !dangling(&e.code)) {
        return Err(definitions.refused());
    }
    definitions.show_errors();
    let context = workspace::context(folder, definitions.project).await?;
    let plan = governance::plan(&context).await?;
    if json {
        #[derive(Serialize)]
        struct Shown<'a> {
            #[serde(flatten)]
            plan: &'a PlanView,
            problems: &'a [Diagnostic],
        }
        output::json(&Shown {
            plan: &plan,
            problems: &errors,
        })?;
    } else {
        output::text_line(&plan_text(&plan))?;
    }
    Ok(Outcome::of(
        plan.breaks.is_empty() && plan.refusals.is_empty() && errors.is_empty(),
    ))
}

fn plan_text(plan: &PlanView) -> String {
    if plan.empty {
        return format!("{} nothing would change", green("ok"));
    }
    let mut lines = Vec::new();
    for change in &plan.changes {
        let sign = match change.action.as_str() {
            "added" => green("+"),
            "removed" => red("-"),
            _ => yellow("~"),
        };
        lines.push(format!("{sign} {} ({})", bold(&change.reference), change.owner));
        if change.action == "changed" {
            for field in &change.fields {
                let show = |v: &Option<serde_json::Value>| v.as_ref().map_or("(none)".to_string(), short);
                lines.push(format!(
                    "    {}: {} → {}",
                    field.field,
                    show(&field.before),
                    show(&field.after)
                ));
            }
        }
        for reason in &change.breaking {
            lines.push(format!("    {} {reason}", red("breaking:")));
        }
    }
    for broken in &plan.breaks {
        lines.push(format!(
            "{} {} ({}): {} [{}]",
            red("breaks"),
            bold(&broken.reference),
            broken.owner,
            broken.because,
            broken.path.join(" → ")
        ));
    }
    for refusal in &plan.refusals {
        lines.push(format!(
            "{} {} ({}): {}\n    {}",
            red("cannot be applied"),
            bold(&refusal.reference),
            refusal.place,
            refusal.because,
            refusal.remedy
        ));
    }
    let count = |action: &str| plan.changes.iter().filter(|c| c.action == action).count();
    lines.push(format!(
        "{} to add, {} to change, {} to remove, {} break(s)",
        count("added"),
        count("changed"),
        count("removed"),
        plan.breaks.len()
    ));
    lines.join("\n")
}

fn short(value: &serde_json::Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 {
        text
    } else {
        text.chars().take(79).chain(['…']).collect()
    }
}

/// `steward apply`.
pub async fn apply(folder: &Path, who: &Who, message: &str, json: bool) -> Result<Outcome, Failure> {
    let actor = actor(who)?;
    let context = workspace::open(folder).await?;
    let applied = governance::apply(&context, &actor, message, crate::git::commit(folder)).await?;
    if json {
        output::json(&applied)?;
    } else if applied.changed {
        output::text_line(&plan_text(&applied.plan))?;
        output::text_line(&format!(
            "{} applied by {actor} as event {}",
            green("ok"),
            applied.sequence.unwrap_or(0)
        ))?;
    } else {
        output::text_line(&format!("{} these definitions are in force already", green("ok")))?;
    }
    Ok(Outcome::Done)
}

/// `steward applied`.
pub async fn applied(folder: &Path, as_of: Option<&str>, json: bool) -> Result<Outcome, Failure> {
    let definitions = Definitions::read(folder)?;
    let context = workspace::context(folder, definitions.project).await?;
    let at = moment(as_of)?;
    let project = governance::applied(&context.ledger, at).await?;
    let applications = governance::applications(&context.ledger, at).await?;
    if json {
        output::json(&json!({ "project": project, "applications": applications }))?;
        return Ok(Outcome::of(project.is_some()));
    }
    let Some(project) = project else {
        output::text_line("nothing was applied by then")?;
        return Ok(Outcome::No);
    };
    for reference in project.definitions() {
        output::text_line(&reference.to_string())?;
    }
    if let Some(last) = applications.last() {
        output::text_line(&format!("applied by {} as event {}", last.actor, last.sequence))?;
    }
    Ok(Outcome::Done)
}
