//! One version: what it is made of, what it measured, against the champion, and a model card drafted from that.

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use steward_artifacts::Entry;
use steward_capabilities::registry::{Model, Version};
use steward_capabilities::{CapabilityError, Context};
use steward_runs::{Run, RunsError};

use super::super::layout::{badge, page};
use super::super::parts::{self, AsOf};
use super::super::runs::number as logged;
use super::{address, moves, not_json, registered, tags};
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::mlflow::{files_address, files_place};

/// Largest file that is read to be shown, in bytes.
const SHOWN: u64 = 256 << 10;

/// What is known of a version beyond the registry.
struct Facts {
    run: Option<Run>,
    files: Vec<Entry>,
    /// `MLmodel`: flavours, signature.
    mlmodel: Option<String>,
    /// `requirements.txt` or `conda.yaml`.
    environment: Option<(String, String)>,
}

/// The run that made a version, if it is known here.
async fn run_of(context: &Context, version: &Version) -> Result<Option<Run>, CapabilityError> {
    let Some(id) = version.run_id.as_deref().filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    match context.tracking.store().await?.run(id).await {
        Ok(run) => Ok(Some(run)),
        Err(RunsError::Missing { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

async fn facts(context: &Context, version: &Version) -> Result<Facts, CapabilityError> {
    let mut found = Facts {
        run: run_of(context, version).await?,
        files: Vec::new(),
        mlmodel: None,
        environment: None,
    };
    let uri = files_address(context, &version.storage).await?;
    let store = &context.artifacts;
    let Some(folder) = files_place(&uri, &store.place()).filter(|f| !f.is_root()) else {
        return Ok(found);
    };
    let failed = |e: steward_artifacts::ArtifactError| CapabilityError::File {
        path: uri.clone(),
        cause: e.to_string(),
    };
    found.files = store.walk(&folder).await.map_err(failed)?;
    let text = async |last: &str| {
        let wanted = |e: &&Entry| e.name.last() == last && e.size <= SHOWN;
        let Some(entry) = found.files.iter().find(wanted) else {
            return Ok(None);
        };
        let bytes = store.read(&entry.name, SHOWN).await.map_err(failed)?;
        Ok::<_, CapabilityError>(String::from_utf8(bytes).ok())
    };
    found.mlmodel = text("MLmodel").await?;
    for last in ["requirements.txt", "conda.yaml", "python_env.yaml"] {
        if let Some(text) = text(last).await? {
            found.environment = Some((last.to_owned(), text));
            break;
        }
    }
    Ok(found)
}

/// The top-level keys below `flavors:` of an MLmodel file.
fn flavours(mlmodel: &str) -> Vec<&str> {
    let below = mlmodel.lines().skip_while(|line| line.trim_end() != "flavors:").skip(1);
    let inside = below.take_while(|line| line.starts_with(' ') || line.trim().is_empty());
    let key = |line: &'_ str| {
        line.strip_prefix("  ")
            .is_some_and(|rest| !rest.starts_with(' ') && rest.trim_end().ends_with(':'))
    };
    inside
        .filter(|line| key(line))
        .map(|line| line.trim().trim_end_matches(':'))
        .collect()
}

/// Lines of a block of an MLmodel file.
fn block(mlmodel: &str, name: &str) -> Option<String> {
    let head = format!("{name}:");
    let mut lines = mlmodel.lines().skip_while(|line| line.trim_end() != head);
    lines.next()?;
    let inside: Vec<&str> = lines
        .take_while(|line| line.starts_with(' '))
        .map(str::trim_end)
        .collect();
    (!inside.is_empty()).then(|| inside.join("\n"))
}

/// `/k/model/{name}/{version}`.
pub async fn show(
    Shared(state): Shared<State>,
    Path((name, segment)): Path<(String, String)>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let registered = registered(&state, &loaded, &asked).await?;
    let (number, json) = not_json(&segment);
    let number = number.parse().unwrap_or_default();
    let (model, version) = registered.version(&name, number)?;
    if json {
        return Ok(parts::json(version.as_ref())?);
    }
    let context = &loaded.context;
    let known = facts(context, version).await?;
    let champion = model
        .aliases
        .get("champion")
        .filter(|v| **v != number)
        .and_then(|v| model.versions.get(v));
    let other = match champion {
        Some(champion) => Some((champion, run_of(context, champion).await?)),
        None => None,
    };
    let size: u64 = known.files.iter().map(|f| f.size).sum();
    let concerned: Vec<_> = model
        .moves
        .iter()
        .filter(|m| m.from == Some(number) || m.to == Some(number))
        .cloned()
        .collect();
    Ok(page(
        &loaded,
        "/models",
        &format!("{name} {number}"),
        html! {
            p.crumbs { a href="/models" { "Models" } " / " a href={ (address(&name)) (asked.query()) } { (name) } }
            h1 { (name) " version " (number) " " @for alias in model.aliases_of(number) { (badge("good", alias)) " " } }
            @if let Some(description) = version.description.as_deref().filter(|d| !d.is_empty()) { (parts::prose(description)) }
            (parts::as_of_form(asked.text()))
            dl.facts {
                dt { "Made" } dd { (format::minute(version.created_us)) " by " (version.author) }
                dt { "Stage" } dd { (version.stage.word()) }
                dt { "Source" } dd { code { (version.source) } }
                @if let Some(digest) = &version.digest { dt { "Digest of its files" } dd { code { (digest) } } }
                @if !known.files.is_empty() { dt { "Size" } dd { (bytes(size)) " in " (known.files.len()) " file(s)" } }
                @if let Some(mlmodel) = &known.mlmodel { dt { "Flavours" } dd { (flavours(mlmodel).join(", ")) } }
                @if !version.tags.is_empty() { dt { "Tags" } dd { (tags(&version.tags)) } }
                dt { "As data" } dd { a href={ (address(&name)) "/" (number) ".json" } { "JSON" } }
            }
            @if let Some(run) = &known.run { (of_run(run)) }
            h2 { "Metrics" @if let Some((champion, _)) = &other { " beside the champion, version " (champion.version) } }
            (metrics(known.run.as_ref(), other.as_ref().and_then(|(_, run)| run.as_ref())))
            @if let Some(signature) = known.mlmodel.as_deref().and_then(|m| block(m, "signature")) { h2 { "Signature" } pre { code { (signature) } } }
            @if let Some((file, text)) = &known.environment { h2 { "Environment" } p.note { (file) } pre { code { (text) } } }
            @if !known.files.is_empty() {
                h2 { "Files" }
                div.scroll { table { thead { tr { th { "File" } th.num { "Size" } } }
                    tbody { @for f in known.files.iter().take(200) { tr { td { code { (f.name.last()) } } td.num { (bytes(f.size)) } } } }
                } }
            }
            h2 { "What pointed at it" }
            (moves(&registered, &concerned))
            h2 { "Model card, drafted from facts" }
            details { summary { "Markdown to copy and complete" } pre { code { (card(model, version, &known, size)) } } }
        },
    )
    .into_response())
}

fn bytes(size: u64) -> String {
    match size {
        s if s < 1 << 10 => format!("{s} B"),
        s if s < 1 << 20 => format!("{:.1} KiB", s as f64 / 1024.0),
        s if s < 1 << 30 => format!("{:.1} MiB", s as f64 / f64::from(1 << 20)),
        s => format!("{:.1} GiB", s as f64 / f64::from(1 << 30)),
    }
}

fn of_run(run: &Run) -> Markup {
    let tag = |key: &str| run.tags.get(key);
    html! {
        h2 { "Run" }
        dl.facts {
            dt { "Run" } dd { a href={ "/runs/" (run.id) } { (run.name) } " " code { (run.id) } }
            dt { "Started" } dd { (format::minute(run.start_ms.saturating_mul(1000))) @if !run.user.is_empty() { " by " (run.user) } }
            @if let Some(source) = tag("mlflow.source.name") { dt { "Code" } dd { code { (source) } @if let Some(commit) = tag("mlflow.source.git.commit") { " at " code { (commit.chars().take(12).collect::<String>()) } } } }
            @if !run.params.is_empty() { dt { "Parameters" } dd { (tags(&run.params)) } }
        }
    }
}

fn metrics(run: Option<&Run>, champion: Option<&Run>) -> Markup {
    let Some(run) = run.filter(|r| !r.metrics.is_empty()) else {
        return html! { p { "Its run logged no metric, or is not known here." } };
    };
    html! {
        @if champion.is_some() { p.note { "Each is one value, as a run logged it: how far it would vary from run to run is not known, and so no difference has an interval." } }
        div.scroll { table {
            thead { tr { th { "Metric" } th.num { "This version" } @if champion.is_some() { th.num { "Champion" } th.num { "Difference" } } } }
            tbody { @for (key, at) in &run.metrics { tr {
                td { (key) }
                td.num { (logged(at.0)) }
                @if let Some(champion) = champion {
                    @match champion.metrics.get(key) {
                        Some(other) => { td.num { (logged(other.0)) } td.num { (format::signed(at.0 - other.0)) } }
                        None => { td.num { "not logged" } td.num {} }
                    }
                }
            } } }
        } }
    }
}

/// Markdown from what is known; what only people know is left to them.
fn card(model: &Model, version: &Version, known: &Facts, size: u64) -> String {
    let mut text = format!("# Model card: {} version {}\n\n", model.name, version.version);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("- **{name}:** {value}\n"));
        }
    };
    line(
        "Purpose",
        model
            .description
            .as_deref()
            .filter(|d| !d.is_empty())
            .unwrap_or("_to be written_"),
    );
    line("Version", version.description.as_deref().unwrap_or_default());
    line(
        "Made",
        &format!("{} by {}", format::minute(version.created_us), version.author),
    );
    line("Source", &version.source);
    line("Digest of its files", version.digest.as_deref().unwrap_or_default());
    if size > 0 {
        line("Size", &bytes(size));
    }
    if let Some(mlmodel) = &known.mlmodel {
        line("Flavours", &flavours(mlmodel).join(", "));
    }
    let aliases: Vec<&str> = model.aliases_of(version.version).collect();
    line("Aliases", &aliases.join(", "));
    if let Some(run) = &known.run {
        line("Run", &run.id);
        text.push_str("\n## Training\n\n");
        for (key, value) in &run.params {
            text.push_str(&format!("- `{key}`: {value}\n"));
        }
        text.push_str("\n## Evaluation\n\n");
        for (key, at) in &run.metrics {
            text.push_str(&format!("- `{key}`: {}\n", logged(at.0)));
        }
    }
    text.push_str("\n## Intended use, limits, fairness\n\n_to be written_\n");
    text
}

#[cfg(test)]
mod tests {
    use super::{block, flavours};

    #[test]
    fn flavours_and_signature_are_read_from_mlmodel() {
        let text = "artifact_path: model\nflavors:\n  python_function:\n    env: conda.yaml\n  sklearn:\n    code: null\nrun_id: r\nsignature:\n  inputs: '[]'\n  params: null\n";
        assert_eq!(flavours(text), ["python_function", "sklearn"]);
        assert_eq!(
            block(text, "signature").as_deref(),
            Some("  inputs: '[]'\n  params: null")
        );
        assert_eq!(block("a: 1\n", "signature"), None);
    }
}
