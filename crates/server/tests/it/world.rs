//! A corner shop in a folder of its own, served in-process: 80 customers, 350 orders, one experiment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures::future::BoxFuture;
use steward_capabilities::{Context, Facts, pipelines};
use steward_compute::RunControl;
use steward_definitions::{Project, Source};
use steward_engines::{DataFusionEngine, Options};
use steward_ledger::Ledger;
use steward_server::state::Loaded;
use steward_server::{Loader, State, router};
use tower::ServiceExt;

/// 2025-06-20T00:00:00Z: what the ledger's clock says until a test moves it.
pub const CLOCK: i64 = 1_750_377_600_000_000;
/// One day.
pub const DAY: i64 = 86_400_000_000;

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub location: Option<String>,
    pub text: String,
}

/// The shop, served.
pub struct World {
    pub context: Context,
    pub clock: Arc<AtomicI64>,
    /// What counts as now for schedules, microseconds since 1970 UTC; the wall clock while it is 0.
    pub serving: Arc<AtomicI64>,
    router: Router,
    state: State,
    _folder: tempfile::TempDir,
}

/// What was loaded once stays; texts are read and written in the folder.
struct Still(Loaded, Arc<AtomicI64>);

impl Loader for Still {
    fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    fn load(&self) -> BoxFuture<'_, Result<Loaded, String>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn now_us(&self) -> i64 {
        match self.1.load(Ordering::Relaxed) {
            0 => jiff::Timestamp::now().as_microsecond(),
            told => told,
        }
    }

    fn sources(&self) -> Result<Vec<Source>, String> {
        let folder = &self.0.context.folder;
        let mut paths = Vec::new();
        files(folder, Path::new(""), &mut paths);
        let paths = paths.into_iter().map(|p| p.to_string_lossy().into_owned());
        Ok(paths
            .filter(|p| !p.starts_with("data/") && !p.starts_with('.'))
            .map(|path| Source {
                text: std::fs::read_to_string(folder.join(&path)).unwrap(),
                path,
            })
            .collect())
    }

    fn keep(&self, path: &str, before: &str, after: &str) -> Result<(), String> {
        let path = self.0.context.folder.join(path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
        std::fs::write(path, after).map_err(|e| e.to_string())
    }

    fn key(&self, _: &str) -> Result<[u8; 32], String> {
        Ok([7; 32])
    }

    /// Sixteen bytes in base64.
    fn secret(&self, reference: &str) -> Result<String, String> {
        match reference {
            "env:FLAG_KEY" => Ok("AAECAwQFBgcICQoLDA0ODw==".into()),
            other => Err(format!("{other} is not set")),
        }
    }
}

fn files(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder.join(below))
        .unwrap()
        .map(|e| below.join(e.unwrap().file_name()))
        .collect();
    all.sort();
    for path in all {
        if folder.join(&path).is_dir() {
            files(folder, &path, found);
        } else {
            found.push(path);
        }
    }
}

impl World {
    /// The shop as it lies in the folder.
    pub async fn new() -> World {
        World::changed(|_, text| text).await
    }

    /// The shop with its files (by path inside the folder) changed.
    pub async fn changed(change: impl Fn(&str, String) -> String) -> World {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/project");
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        files(&from, Path::new(""), &mut paths);
        let mut sources = Vec::new();
        for path in paths {
            let name = path.to_string_lossy().replace('\\', "/");
            let text = change(&name, std::fs::read_to_string(from.join(&path)).unwrap());
            let to = folder.path().join(&path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, &text).unwrap();
            if !name.starts_with("data/") {
                sources.push(Source { path: name, text });
            }
        }
        let (project, diagnostics) = Project::parse(&sources);
        let now_us = project.settings.as_of.as_deref().unwrap().parse::<jiff::Timestamp>();
        let state = folder.path().join(".steward");
        let options = Options {
            cache_dir: Some(state.join("cache")),
            temp_dir: state.join("tmp"),
            ..Options::default()
        };
        std::fs::create_dir_all(&state).unwrap();
        let clock = Arc::new(AtomicI64::new(CLOCK));
        let told = clock.clone();
        let ledger = Ledger::open(&state, Arc::new(move || told.load(Ordering::Relaxed))).await;
        let context = Context {
            project: Arc::new(project),
            engine: Arc::new(DataFusionEngine::new(options).unwrap()),
            ledger: ledger.unwrap(),
            facts: Facts::of(folder.path(), Arc::new(|| CLOCK)),
            tracking: steward_capabilities::Tracking::of(&state),
            artifacts: steward_artifacts::ArtifactStore::in_memory(),
            folder: folder.path().to_path_buf(),
            now_us: now_us.unwrap().as_microsecond(),
            control: RunControl::default(),
        };
        let unreadable = context.register().await;
        let loaded = Loaded {
            context: context.clone(),
            diagnostics: Arc::new(diagnostics),
            unreadable: Arc::new(unreadable.into_iter().map(|(n, e)| (n, e.to_string())).collect()),
            fingerprint: 1,
        };
        let serving = Arc::new(AtomicI64::new(0));
        let state = State::new(loaded.clone(), Arc::new(Still(loaded, serving.clone())));
        World {
            context,
            clock,
            serving,
            router: router(state.clone()),
            state,
            _folder: folder,
        }
    }

    /// Definitions applied and everything evaluated.
    pub async fn evaluated(self) -> World {
        let applied = steward_capabilities::governance::apply(&self.context, "ada", "opening", None).await;
        assert!(applied.unwrap().changed);
        let summary = pipelines::run(&self.context, &[], &|_| {}).await.unwrap();
        assert_eq!(summary.failed, 0, "{summary:?}");
        self
    }

    /// The shop under another name.
    pub fn named(mut self, host: &str) -> World {
        self.router = router(self.state.clone().with_hosts(&[host.to_string()]));
        self
    }

    /// The answer as it is.
    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a JSON document.
    pub async fn post_json(&self, path: &str, document: &serde_json::Value) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(document.to_string())).unwrap()).await
    }

    /// The answer, read.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.send(request).await;
        let text = |name: header::HeaderName| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_string())
        };
        let (kind, location) = (text(header::CONTENT_TYPE).unwrap_or_default(), text(header::LOCATION));
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer {
            status,
            kind,
            location,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Any answer.
    pub async fn answer(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// The text of a page that is there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.answer(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    /// Sends a form, its body encoded already.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(form.to_string())).unwrap()).await
    }

    /// As a page of another site sends it.
    pub async fn post_from(&self, origin: &str, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::HOST, "127.0.0.1:8377")
            .header(header::ORIGIN, origin);
        self.ask(request.body(Body::from(form.to_string())).unwrap()).await
    }

    /// Ships the treatment of the experiment, by the form on its page.
    pub async fn ship(&self, reason: &str) -> Answer {
        let form = format!("choice=ship&variant=treatment&actor=dora&reason={reason}");
        self.post("/k/experiment/checkout/decide", &form).await
    }
}

/// What a page says, without its marks: tags are cut out, entities put back, blanks folded.
pub fn words(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => {
                inside = true;
                out.push(' ');
            }
            '>' if inside => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let out = out.replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The addresses that a page links, within the site, without their fragments.
pub fn links(html: &str, page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in html.split("href=\"").skip(1) {
        let address = part.split('"').next().unwrap().replace("&amp;", "&");
        let address = address.split('#').next().unwrap().to_string();
        let path = page.split('?').next().unwrap();
        if address == "?" {
            found.push(path.to_string());
        } else if address.starts_with('?') {
            found.push(format!("{path}{address}"));
        } else if address.starts_with('/') && !address.starts_with("//") {
            found.push(address);
        }
    }
    found
}
