//! `model`: what is registered, what its aliases pointed at when, and who approves moves of what is protected.

use std::path::Path;
use std::sync::Arc;

use steward_capabilities::registry::{self, Guard, Model, Move, Registered, Registry, Request};
use steward_capabilities::{CapabilityError, Context, governance};
use steward_server::format::minute;

use super::{actor, moment};
use crate::cli::{ModelCommand, Who};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace::{self, Definitions, now_us};

/// `steward model …`.
pub async fn model(folder: &Path, command: ModelCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::context(folder, Definitions::read(folder)?.project).await?;
    let registry = Registry::new(context.ledger.clone(), Arc::new(now_us));
    match command {
        ModelCommand::List { as_of } => {
            let state = state(&context, &registry, as_of.as_deref()).await?;
            list(&state, json)
        }
        ModelCommand::Show { name, as_of } => {
            let state = state(&context, &registry, as_of.as_deref()).await?;
            show(&state, &name, json)
        }
        ModelCommand::History { name, alias, as_of } => {
            let state = state(&context, &registry, as_of.as_deref()).await?;
            history(&state, &name, alias.as_deref(), json)
        }
        ModelCommand::Alias {
            name,
            alias,
            version,
            evidence,
            who,
        } => point(&context, &registry, (&name, &alias, version), &evidence, &who, json).await,
        ModelCommand::Approve { request, comment, who } => {
            answer(&context, &registry, &request, true, comment, &who, json).await
        }
        ModelCommand::Reject { request, comment, who } => {
            answer(&context, &registry, &request, false, comment, &who, json).await
        }
        ModelCommand::Requests => requests(&registry, json).await,
    }
}

async fn state(context: &Context, registry: &Registry, as_of: Option<&str>) -> Result<Arc<Registered>, Failure> {
    Ok(match moment(as_of)? {
        Some(at) => Arc::new(Registry::as_of(&context.ledger, at).await?),
        None => registry.now().await?,
    })
}

fn list(state: &Registered, json: bool) -> Result<Outcome, Failure> {
    let models: Vec<&Arc<Model>> = state.models.values().filter(|m| !m.is_prompt()).collect();
    if json {
        output::json(&models)?;
        return Ok(Outcome::Done);
    }
    let row = |m: &&Arc<Model>| {
        let aliases: Vec<String> = m.aliases.iter().map(|(alias, v)| format!("{alias} → {v}")).collect();
        let latest = m.versions.keys().next_back().map_or("none".to_owned(), u64::to_string);
        vec![
            m.name.clone(),
            latest,
            aliases.join(", "),
            m.author.clone(),
            minute(m.updated_us),
        ]
    };
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    output::text_line(&output::table(
        &["model", "latest version", "aliases", "registered by", "changed"],
        &rows,
    ))?;
    Ok(Outcome::Done)
}

fn show(state: &Registered, name: &str, json: bool) -> Result<Outcome, Failure> {
    let model = state.model(name)?;
    if json {
        output::json(model.as_ref())?;
        return Ok(Outcome::Done);
    }
    output::text_line(&format!(
        "{} registered {} by {}",
        bold(&model.name),
        minute(model.created_us),
        model.author
    ))?;
    if let Some(description) = model.description.as_ref().filter(|d| !d.is_empty()) {
        output::text_line(description)?;
    }
    for (alias, version) in &model.aliases {
        let moved = model
            .moves
            .iter()
            .rev()
            .find(|m| m.pointer == registry::Pointer::Alias(alias.clone()));
        let by = moved.map(|m| {
            format!(
                ", moved {} by {} (event {}){}",
                minute(m.at_us),
                m.actor,
                m.sequence,
                cited(m)
            )
        });
        output::text_line(&format!(
            "  {} → version {version}{}",
            bold(alias),
            by.unwrap_or_default()
        ))?;
    }
    let rows: Vec<Vec<String>> = model
        .versions
        .values()
        .rev()
        .map(|v| {
            vec![
                v.version.to_string(),
                v.stage.word().to_owned(),
                v.author.clone(),
                minute(v.created_us),
                v.run_id.clone().unwrap_or_default(),
                v.source.clone(),
                v.digest
                    .as_ref()
                    .map_or(String::new(), |d| d.chars().take(12).collect()),
            ]
        })
        .collect();
    output::text_line(&output::table(
        &["version", "stage", "by", "made", "run", "source", "digest"],
        &rows,
    ))?;
    Ok(Outcome::Done)
}

fn cited(m: &Move) -> String {
    let ids: Vec<String> = m
        .evidence
        .iter()
        .filter_map(|e| e.get("id")?.as_str().map(|id| id.chars().take(12).collect()))
        .collect();
    match ids.is_empty() {
        true => String::new(),
        false => format!(" on evidence {}", ids.join(", ")),
    }
}

fn history(state: &Registered, name: &str, alias: Option<&str>, json: bool) -> Result<Outcome, Failure> {
    let model = state.model(name)?;
    let wanted = |m: &&Move| alias.is_none_or(|a| m.pointer == registry::Pointer::Alias(a.to_owned()));
    let moves: Vec<&Move> = model.moves.iter().filter(wanted).collect();
    if json {
        output::json(&moves)?;
        return Ok(Outcome::Done);
    }
    let version = |v: Option<u64>| v.map_or("none".to_owned(), |v| v.to_string());
    let row = |m: &&Move| {
        let request = m.request.as_ref().and_then(|id| state.requests.get(id));
        let approved = request
            .map(|r| format!("approved by {}", r.approvers().join(", ")))
            .unwrap_or_default();
        let why = [approved, cited(m).trim_start().to_owned()]
            .into_iter()
            .filter(|t| !t.is_empty());
        vec![
            minute(m.at_us),
            m.pointer.to_string(),
            version(m.from),
            version(m.to),
            m.actor.clone(),
            m.sequence.to_string(),
            why.collect::<Vec<_>>().join("; "),
        ]
    };
    let rows: Vec<Vec<String>> = moves.iter().map(row).collect();
    output::text_line(&output::table(
        &["when", "what", "from", "to", "by", "event", "on"],
        &rows,
    ))?;
    Ok(Outcome::Done)
}

async fn rules(context: &Context) -> Result<Vec<registry::Rule>, Failure> {
    let applied = governance::applied(&context.ledger, None).await?;
    Ok(applied.as_ref().map(registry::rules).unwrap_or_default())
}

async fn point(
    context: &Context,
    registry: &Registry,
    (name, alias, version): (&str, &str, Option<u64>),
    evidence: &[String],
    who: &Who,
    json: bool,
) -> Result<Outcome, Failure> {
    let actor = actor(who)?;
    let mut guard = Guard {
        rules: rules(context).await?,
        ..Guard::default()
    };
    for id in evidence {
        let missing = || {
            CapabilityError::Missing(format!(
                "there is no evidence {id}: cite an id that `steward why` knows"
            ))
        };
        let found = context.ledger.evidence_by_id(id).await?.ok_or_else(missing)?;
        guard.evidence.push(found.citation());
    }
    match version {
        Some(version) => {
            let state = registry.now().await?;
            if let Ok((_, known)) = state.version(name, version) {
                guard.digest = steward_server::version_digest(context, &known.storage).await?;
            }
            registry.set_alias(&actor, name, alias, version, &guard).await?;
        }
        None => registry.remove_alias(&actor, name, alias, &guard).await?,
    }
    let state = registry.now().await?;
    let at = state.model(name)?.aliases.get(alias).copied();
    if json {
        output::json(&serde_json::json!({ "model": name, "alias": alias, "version": at }))?;
    } else {
        let at = at.map_or("nothing".to_owned(), |v| format!("version {v}"));
        output::text_line(&format!("{} {alias} of {name} points at {at}", green("ok")))?;
    }
    Ok(Outcome::Done)
}

async fn answer(
    context: &Context,
    registry: &Registry,
    id: &str,
    approves: bool,
    comment: Option<String>,
    who: &Who,
    json: bool,
) -> Result<Outcome, Failure> {
    let actor = actor(who)?;
    let people: Vec<String> = context.project.settings.people.iter().map(|p| p.name.clone()).collect();
    let rules = rules(context).await?;
    let request = registry
        .answer_request(&actor, id, approves, comment, &people, &rules)
        .await?;
    if json {
        output::json(request.as_ref())?;
    } else {
        output::text_line(&told(&request))?;
    }
    Ok(Outcome::Done)
}

/// A request in a line.
fn told(request: &Request) -> String {
    use registry::Standing as S;
    let standing = match request.standing(now_us()) {
        S::Waiting => yellow("waits"),
        S::Granted => green("granted"),
        S::Used => green("used"),
        S::Rejected => red("rejected"),
        S::Expired => red("expired"),
        S::Void => red("void"),
    };
    let to = request.version.map_or("nothing".to_owned(), |v| format!("version {v}"));
    format!(
        "{standing} {} {} of {} to {to}, asked by {}: {} of {} approval(s), until {}",
        bold(&request.id),
        request.pointer,
        request.model,
        request.by,
        request.approvers().len(),
        request.approvals,
        minute(request.expires_us)
    )
}

async fn requests(registry: &Registry, json: bool) -> Result<Outcome, Failure> {
    let state = registry.now().await?;
    let open: Vec<&Arc<Request>> = state.requests.values().filter(|r| r.is_open()).collect();
    if json {
        output::json(&open)?;
        return Ok(Outcome::Done);
    }
    for request in &open {
        output::text_line(&told(request))?;
    }
    if open.is_empty() {
        output::text_line("no request waits")?;
    }
    Ok(Outcome::Done)
}
