//! A project at work: definitions read, engine picked, ledger opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use steward_artifacts::{ArtifactStore, Place};
use steward_capabilities::tracking::SCHEMA;
use steward_capabilities::{Context, Facts, Tracking};
use steward_compute::{Engine, RunControl};
use steward_definitions::{Diagnostic, Project, Severity, Source};
use steward_engines::{DataFusionEngine, Options, PostgresEngine, PostgresOptions};
use steward_ledger::Ledger;
use steward_server::Loader;
use steward_server::state::Loaded;

use crate::failure::Failure;
use crate::{folder, output, secrets};

/// The program's own folder inside a project: ledger and caches.
pub const STATE: &str = ".steward";

/// A project as read from its folder.
pub struct Definitions {
    /// Texts.
    pub sources: Vec<Source>,
    /// What they say.
    pub project: Project,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
}

impl Definitions {
    /// Reads and checks a project folder.
    pub fn read(folder: &Path) -> Result<Definitions, Failure> {
        let sources = folder::sources(folder)?;
        let (project, diagnostics) = Project::parse(&sources);
        Ok(Definitions {
            sources,
            project,
            diagnostics,
        })
    }

    /// Problems that keep the project from being used.
    pub fn errors(&self) -> Vec<Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .cloned()
            .collect()
    }

    /// Shows the errors on standard error.
    pub fn show_errors(&self) {
        eprint!(
            "{}",
            steward_definitions::diagnostic::render(&self.errors(), &self.sources, output::colour())
        );
    }

    /// Shows the errors, and says that they keep the project from being used.
    pub fn refused(&self) -> Failure {
        self.show_errors();
        Failure::no(format!(
            "{} problem(s) in the definitions; nothing was done",
            self.errors().len()
        ))
    }
}

/// Microseconds since 1970 UTC.
pub fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|d| d.as_micros() as i64)
        .unwrap_or(0)
}

/// Opens a project for work; definitions with errors are refused.
pub async fn open(folder: &Path) -> Result<Context, Failure> {
    let definitions = Definitions::read(folder)?;
    if !definitions.errors().is_empty() {
        return Err(definitions.refused());
    }
    let context = context(folder, definitions.project).await?;
    for (dataset, e) in context.register().await {
        eprintln!("{} dataset {dataset} cannot be read: {e}", output::yellow("warning:"));
    }
    Ok(context)
}

/// A context over definitions; datasets are not registered yet.
pub async fn context(folder: &Path, project: Project) -> Result<Context, Failure> {
    let state = folder.join(STATE);
    folder::make(&state)?;
    let now = match &project.settings.as_of {
        Some(text) => text
            .parse::<jiff::Timestamp>()
            .map_err(|e| Failure::no(format!("steward.yaml: as_of {text:?} is no time: {e}")))?
            .as_microsecond(),
        None => now_us(),
    };
    let engine = engine(&state, &project)?;
    let ledger = Ledger::open(&state, Arc::new(now_us)).await?;
    let artifacts = artifacts(folder, &project)?;
    let tracking = match &project.settings.tracking {
        None => Tracking::of(&state),
        Some(url) if url.starts_with("postgres") => Tracking::postgres(url, SCHEMA),
        Some(reference) => Tracking::postgres(&secrets::resolve(reference)?, SCHEMA),
    };
    Ok(Context {
        project: Arc::new(project),
        engine,
        ledger,
        facts: Facts::of(folder, Arc::new(now_us)),
        tracking,
        artifacts,
        folder: folder.to_path_buf(),
        now_us: now,
        control: RunControl::default(),
    })
}

/// Where files of runs and models are kept.
fn artifacts(folder: &Path, project: &Project) -> Result<ArtifactStore, Failure> {
    let place = match &project.settings.artifacts {
        Some(line) => Place::parse(line, folder),
        None => Ok(Place::Folder(folder.join(STATE).join("artifacts"))),
    };
    let opened = place.and_then(|place| ArtifactStore::open(&place));
    opened.map_err(|e| Failure::call(format!("steward.yaml: {e}")))
}

fn engine(state: &Path, project: &Project) -> Result<Arc<dyn Engine>, Failure> {
    let settings = &project.settings.engine;
    match settings.kind.as_str() {
        "postgres" => {
            let reference = settings.url.as_deref().ok_or_else(|| {
                Failure::call(
                    "steward.yaml: engine.kind is postgres, but engine.url is missing; give env:NAME or file:PATH",
                )
            })?;
            let options = PostgresOptions {
                uri: secrets::resolve(reference)?,
                driver_dir: None,
            };
            Ok(Arc::new(PostgresEngine::connect(options)?))
        }
        _ => Ok(Arc::new(embedded(state, settings.memory_mib)?)),
    }
}

/// The embedded engine, its caches in a project's state folder.
pub fn embedded(state: &Path, memory_mib: Option<u64>) -> Result<DataFusionEngine, Failure> {
    let mut options = Options {
        cache_dir: Some(state.join("cache")),
        temp_dir: state.join("tmp"),
        ..Options::default()
    };
    if let Some(mib) = memory_mib {
        options.memory_mib = usize::try_from(mib).unwrap_or(usize::MAX);
    }
    Ok(DataFusionEngine::new(options)?)
}

/// Reads a project folder again for the server.
pub struct FolderLoader {
    folder: PathBuf,
    engine: Arc<dyn Engine>,
    ledger: Ledger,
    facts: Facts,
    tracking: Tracking,
    artifacts: ArtifactStore,
    now_us: Option<i64>,
}

impl FolderLoader {
    /// Loads the folder of a context with its engine and ledger.
    pub fn of(context: &Context) -> FolderLoader {
        FolderLoader {
            folder: context.folder.clone(),
            engine: context.engine.clone(),
            ledger: context.ledger.clone(),
            facts: context.facts.clone(),
            tracking: context.tracking.clone(),
            artifacts: context.artifacts.clone(),
            now_us: context.project.settings.as_of.is_some().then_some(context.now_us),
        }
    }

    async fn read(&self) -> Result<Loaded, String> {
        let fingerprint = folder::fingerprint(&self.folder);
        let definitions = Definitions::read(&self.folder).map_err(|e| format!("{e:?}"))?;
        let context = Context {
            project: Arc::new(definitions.project),
            engine: self.engine.clone(),
            ledger: self.ledger.clone(),
            facts: self.facts.clone(),
            tracking: self.tracking.clone(),
            artifacts: self.artifacts.clone(),
            folder: self.folder.clone(),
            now_us: self.now_us.unwrap_or_else(now_us),
            control: RunControl::default(),
        };
        let unreadable = context
            .register()
            .await
            .into_iter()
            .map(|(name, e)| (name, e.to_string()))
            .collect();
        Ok(Loaded {
            context,
            diagnostics: Arc::new(definitions.diagnostics),
            unreadable: Arc::new(unreadable),
            fingerprint,
        })
    }
}

impl Loader for FolderLoader {
    fn fingerprint(&self) -> u64 {
        folder::fingerprint(&self.folder)
    }

    fn load(&self) -> BoxFuture<'_, Result<Loaded, String>> {
        Box::pin(self.read())
    }

    fn now_us(&self) -> i64 {
        self.now_us.unwrap_or_else(now_us)
    }

    fn sources(&self) -> Result<Vec<Source>, String> {
        folder::sources(&self.folder).map_err(|failure| failure.message().to_owned())
    }

    fn keep(&self, path: &str, before: &str, after: &str) -> Result<(), String> {
        folder::keep(&self.folder, path, before, after)
    }

    fn key(&self, purpose: &str) -> Result<[u8; 32], String> {
        secrets::own_key(&self.folder.join(STATE).join("keys"), purpose)
    }

    fn secret(&self, reference: &str) -> Result<String, String> {
        secrets::resolve(reference).map_err(|failure| failure.message().to_owned())
    }
}
