//! `run`: evaluate what is due.

use std::path::Path;

use steward_capabilities::pipelines::{RunOutcome, RunSummary};
use steward_capabilities::{Context, pipelines};

use crate::failure::{Failure, Outcome};
use crate::output::{self, green, red, yellow};
use crate::{progress, workspace};

/// `steward run [NAME…]`.
pub async fn run(folder: &Path, names: &[String], json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    let summary = evaluate(&context, names).await?;
    if json {
        output::json(&summary)?;
    } else {
        for item in &summary.items {
            let mark = match (item.outcome, item.healthy) {
                (RunOutcome::Failed, _) => red("failed"),
                (_, false) => yellow("look"),
                _ => green("ok"),
            };
            output::text_line(&format!("{mark:<6} {}: {}", item.reference, item.message))?;
        }
        output::text_line(&words(&summary))?;
    }
    Ok(Outcome::of(summary.failed == 0))
}

/// Evaluates under a progress bar; Ctrl-C cancels what runs.
pub async fn evaluate(context: &Context, names: &[String]) -> Result<RunSummary, Failure> {
    let bar = progress::bar(0);
    let cancel = context.control.cancel.clone();
    let watcher = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancel.cancel();
        }
    });
    let tell = |p: pipelines::Progress| {
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        bar.set_message(p.current.unwrap_or_default());
    };
    let summary = pipelines::run(context, names, &tell).await;
    watcher.abort();
    bar.finish_and_clear();
    Ok(summary?)
}

/// The closing line.
pub fn words(summary: &RunSummary) -> String {
    format!(
        "{} evaluated: {} computed, {} known already, {} failed; {} want a look",
        summary.items.len(),
        summary.computed,
        summary.reused,
        summary.failed,
        summary.unhealthy
    )
}
