//! `decisions`, `waiting`, `why`, `lineage`.

use std::path::Path;

use steward_capabilities::governance::{self, DecisionFilter};
use steward_server::format::minute;

use super::moment;
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace;

/// `steward decisions`.
pub async fn decisions(
    folder: &Path,
    about: Option<String>,
    as_of: Option<&str>,
    json: bool,
) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let filter = DecisionFilter {
        subject: about,
        ..DecisionFilter::default()
    };
    let decisions = governance::decisions(&context, &filter, moment(as_of)?).await?;
    if json {
        output::json(&decisions)?;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = decisions
        .iter()
        .map(|d| {
            vec![
                minute(d.at_us),
                d.subject.clone(),
                d.choice.word().into(),
                d.actor.clone(),
                d.reason.clone().unwrap_or_else(|| "(erased)".into()),
            ]
        })
        .collect();
    output::text_line(&output::table(&["when", "about", "decision", "by", "reason"], &rows))?;
    Ok(Outcome::Done)
}

/// `steward waiting`.
pub async fn waiting(folder: &Path, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let waiting = governance::waiting(&context).await?;
    if json {
        output::json(&waiting)?;
        return Ok(Outcome::Done);
    }
    if waiting.is_empty() {
        output::text_line(&format!("{} nothing waits for you", green("ok")))?;
    }
    for w in &waiting {
        let mark = match w.urgency.as_str() {
            "urgent" => red("urgent"),
            "soon" => yellow("soon  "),
            _ => "note  ".into(),
        };
        let by = w.deadline.as_ref().map(|d| format!(", by {d}")).unwrap_or_default();
        output::text_line(&format!(
            "{mark} {} ({}/{}{by}): {}",
            bold(&w.what),
            w.kind,
            w.name,
            w.why
        ))?;
    }
    Ok(Outcome::Done)
}

/// `steward why EVIDENCE`.
pub async fn why(folder: &Path, evidence: &str, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let why = governance::why(&context, evidence).await?;
    if json {
        output::json(&why)?;
        return Ok(Outcome::Done);
    }
    output::text_line(&format!(
        "{} computed {} by {}",
        bold(&why.subject),
        minute(why.computed_us),
        why.program
    ))?;
    output::text_line(if why.current {
        "definitions, data and program are still the same"
    } else {
        "definitions, data or program have changed since"
    })?;
    let mark = |current: bool| if current { green("same   ") } else { yellow("changed") };
    for d in &why.definitions {
        output::text_line(&format!(
            "  {} {} {} {} ({})",
            mark(d.current),
            d.reference,
            d.digest.chars().take(12).collect::<String>(),
            d.place.as_deref().unwrap_or("gone"),
            d.owner.as_deref().unwrap_or("no owner")
        ))?;
    }
    for d in &why.data {
        output::text_line(&format!(
            "  {} table {} {}",
            mark(d.current),
            d.table,
            d.digest.chars().take(12).collect::<String>()
        ))?;
    }
    for d in &why.decisions {
        output::text_line(&format!(
            "  cited by {} on {} by {} (event {})",
            d.choice.word(),
            d.subject,
            d.actor,
            d.sequence
        ))?;
    }
    for sql in &why.sql {
        output::text_line(&format!("\n{sql}"))?;
    }
    Ok(Outcome::Done)
}

/// `steward lineage [KIND/NAME]`.
pub async fn lineage(
    folder: &Path,
    reference: Option<&str>,
    as_of: Option<&str>,
    json: bool,
) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let graph = governance::lineage(&context, reference, moment(as_of)?).await?;
    if json {
        output::json(&graph)?;
        return Ok(Outcome::Done);
    }
    let mut nodes: Vec<_> = graph.nodes.iter().collect();
    nodes.sort_by_key(|n| (n.distance, &n.id));
    for node in nodes {
        let place = match node.distance {
            0 => "        ".to_string(),
            d if d < 0 => format!("{:>2} above", -d),
            d => format!("{d:>2} below"),
        };
        let from: Vec<&str> = graph
            .edges
            .iter()
            .filter(|e| e.to == node.id)
            .map(|e| e.from.as_str())
            .collect();
        let from = if from.is_empty() {
            String::new()
        } else {
            format!(" ← {}", from.join(", "))
        };
        output::text_line(&format!("{place}  {}{from}", node.id))?;
    }
    Ok(Outcome::Done)
}
