//! `demo`: the company Larkspur, made, evaluated and served.

use std::path::{Path, PathBuf};

use steward_capabilities::governance;
use steward_demo::World;

use super::{reports, run, serve};
use crate::cli::DemoArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green};
use crate::{folder, progress, workspace};

/// `steward demo`.
pub async fn demo(arguments: &DemoArgs, json: bool) -> Result<Outcome, Failure> {
    let folder =
        std::path::absolute(&arguments.dir).map_err(|e| Failure::call(format!("{}: {e}", arguments.dir.display())))?;
    // A port in use is said before minutes of work, not after.
    let listener = match arguments.no_serve {
        true => None,
        false => Some(steward_server::bind(arguments.listen).await?),
    };
    let world = World {
        seed: arguments.seed,
        scale: arguments.scale,
        ..World::default()
    };
    let stamp = format!("{} {}\n{}\n", world.seed, world.scale, env!("CARGO_PKG_VERSION"));
    let marker = folder.join(workspace::STATE).join("demo");
    let fresh = std::fs::read_to_string(&marker).is_ok_and(|text| text == stamp);
    if !fresh {
        make(&folder, &world, json).await?;
        reports::write_whole(&marker, stamp.as_bytes())?;
    }
    let context = workspace::open(&folder).await?;
    governance::apply(&context, "steward-demo", "The demo company's definitions", None).await?;
    let summary = run::evaluate(&context, &[]).await?;
    let document = json
        .then(|| serde_json::json!({ "project": folder, "seed": world.seed, "scale": world.scale, "run": summary }));
    if !json {
        let count = |n: usize, what: &str| format!("{n} {what}");
        let p = &context.project;
        output::text_line(&format!("{} in {}", bold("Larkspur"), folder.display()))?;
        output::text_line(
            &[
                count(p.datasets.len(), "datasets"),
                count(p.metrics.len(), "metrics"),
                count(p.experiments.len(), "experiments"),
                count(p.objectives.len(), "objectives"),
                count(p.reports.len(), "reports"),
            ]
            .join(", "),
        )?;
        for item in summary.items.iter().filter(|i| i.reference.starts_with("experiment/")) {
            output::text_line(&format!("  {}: {}", item.reference, item.message))?;
        }
        output::text_line(&run::words(&summary))?;
        let waiting = governance::waiting(&context).await?;
        output::text_line(&format!("{} decision(s) wait for you", waiting.len()))?;
    }
    match (listener, document) {
        (Some(listener), document) => serve::answer(listener, &context, &[], false, document).await,
        (None, Some(document)) => output::json(&document).map(|()| Outcome::Done),
        (None, None) => Ok(Outcome::Done),
    }
}

/// Writes the project and generates its data.
async fn make(folder: &Path, world: &World, quiet: bool) -> Result<(), Failure> {
    let occupied = folder.join("steward.yaml").exists() && !folder.join(workspace::STATE).join("demo").exists();
    if occupied {
        return Err(Failure::call(format!(
            "{} holds a project that is not the demo; choose another folder with --dir",
            folder.display()
        )));
    }
    for (name, text) in steward_demo::project_files() {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            folder::make(parent)?;
        }
        reports::write_whole(&path, text.as_bytes())?;
    }
    let state = folder.join(workspace::STATE);
    folder::make(&state)?;
    let mut truths = folder.as_os_str().to_os_string();
    truths.push("-truth");
    let (data, truths, world) = (folder.join("data"), PathBuf::from(truths), *world);
    let bar = progress::bar(0);
    let inner = bar.clone();
    let made = tokio::task::spawn_blocking(move || {
        steward_demo::generate(&world, &data, &truths, &|p| {
            inner.set_length(p.total);
            inner.set_position(p.done);
            inner.set_message(p.stage);
        })
    })
    .await
    .map_err(|e| Failure::world(format!("the generator stopped: {e}")))?
    .map_err(|e| match e {
        steward_demo::DemoError::Scale(_) => Failure::call(e.to_string()),
        _ => Failure::world(e.to_string()),
    })?;
    bar.finish_and_clear();
    if !quiet {
        let rows: u64 = made.tables.iter().filter(|t| !t.truth).map(|t| t.rows).sum();
        output::text_line(&format!(
            "{} {} tables with {rows} rows (truths beside the project)",
            green("made"),
            made.tables.len()
        ))?;
    }
    Ok(())
}
