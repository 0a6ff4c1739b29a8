//! What handlers share: the project as loaded last, and how to load it again when its files change.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use steward_capabilities::flags::{self, Live};
use steward_capabilities::governance;
use steward_capabilities::registry::{self, Registry, Rule};
use steward_capabilities::{CapabilityError, Context, Tracking};
use steward_definitions::{Diagnostic, Source};
use tokio::sync::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

use crate::ofrep::Limit;

use crate::mlflow::Courier;

/// How long what is live is served without a look at the ledger, which other processes append to as well.
const LOOK: Duration = Duration::from_millis(200);
/// How often those who wait for changes look.
const WAIT: Duration = Duration::from_millis(500);

/// The project as it was read last.
#[derive(Clone)]
pub struct Loaded {
    /// Ready for rooms.
    pub context: Context,
    /// Problems found by `check`.
    pub diagnostics: Arc<Vec<Diagnostic>>,
    /// Datasets that could not be registered, with the reason.
    pub unreadable: Arc<Vec<(String, String)>>,
    /// Changes when a definition file does.
    pub fingerprint: u64,
}

/// Reads the project folder; the roof provides it, since doors know no files.
pub trait Loader: Send + Sync {
    /// Changes when a definition file does; cheap.
    fn fingerprint(&self) -> u64;
    /// Reads everything anew.
    fn load(&self) -> BoxFuture<'_, Result<Loaded, String>>;
    /// "Now" for schedules and ramps, microseconds since 1970 UTC: the wall clock, or `as_of` of `steward.yaml`.
    fn now_us(&self) -> i64 {
        self.clock_us()
    }
    /// The wall clock, microseconds since 1970 UTC.
    fn clock_us(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
    }
    /// Every definition text of the folder, as it is now.
    fn sources(&self) -> Result<Vec<Source>, String> {
        Err("nobody reads the folder here".to_owned())
    }
    /// Writes a definition text whole, if it still says what it said before.
    fn keep(&self, path: &str, before: &str, after: &str) -> Result<(), String> {
        let _ = (before, after);
        Err(format!("nobody writes {path} here"))
    }

    /// A key of the project's own for a purpose, made when it is first asked for; it never leaves the state folder.
    fn key(&self, purpose: &str) -> Result<[u8; 32], String> {
        Err(format!("nobody keeps a key for {purpose} here"))
    }
    /// The value of a secret given by reference (`env:NAME`, `file:PATH`).
    fn secret(&self, reference: &str) -> Result<String, String> {
        Err(format!("nobody resolves the secret {reference:?} here"))
    }
}

/// What is live, and when the ledger was looked at for it.
#[derive(Default)]
struct Seen {
    live: Option<Arc<Live>>,
    /// The ledger's last event at that moment.
    head: Option<u64>,
    at: Option<Instant>,
}

/// Shared by all handlers.
#[derive(Clone)]
pub struct State {
    loaded: Arc<RwLock<Loaded>>,
    tracking: Tracking,
    loader: Arc<dyn Loader>,
    hosts: Arc<[String]>,
    allow_reset: bool,
    seen: Arc<std::sync::RwLock<Seen>>,
    /// One looks at the ledger at a time.
    looking: Arc<Mutex<()>>,
    closing: CancellationToken,
    registry: Registry,
    courier: Arc<Courier>,
    protections: Arc<Mutex<Option<(u64, Vec<Rule>)>>>,
    /// Tokens for OFREP requests.
    limit: Arc<Limit>,
}

impl State {
    /// Starts from a project that is loaded already.
    pub fn new(loaded: Loaded, loader: Arc<dyn Loader>) -> State {
        let told = loader.clone();
        let wall = Arc::new(move || told.clock_us());
        State {
            tracking: loaded.context.tracking.clone(),
            registry: Registry::new(loaded.context.ledger.clone(), wall),
            courier: Arc::new(Courier::default()),
            protections: Arc::default(),
            loaded: Arc::new(RwLock::new(loaded)),
            loader,
            hosts: Arc::new([]),
            allow_reset: false,
            seen: Arc::default(),
            looking: Arc::default(),
            limit: Arc::default(),
            closing: CancellationToken::new(),
        }
    }

    /// Also answers to these host names; addresses and `localhost` are always answered.
    #[must_use]
    pub fn with_hosts(mut self, hosts: &[String]) -> State {
        self.hosts = hosts.into();
        self
    }

    /// Also empties the stores when a test asks for it.
    #[must_use]
    pub fn with_reset(mut self, allow: bool) -> State {
        self.allow_reset = allow;
        self
    }

    /// Whether a test may empty the stores.
    pub fn allows_reset(&self) -> bool {
        self.allow_reset
    }

    /// Host names that the server goes by, besides addresses and `localhost`.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// What runs logged: the same whatever the project's files say meanwhile.
    pub fn tracking(&self) -> &Tracking {
        &self.tracking
    }

    /// The project now: read again first if a definition file changed. A project that cannot be read keeps the last
    /// one that could.
    pub async fn loaded(&self) -> Loaded {
        let fingerprint = self.loader.fingerprint();
        {
            let loaded = self.loaded.read().await;
            if loaded.fingerprint == fingerprint {
                return loaded.clone();
            }
        }
        let mut loaded = self.loaded.write().await;
        if loaded.fingerprint != fingerprint {
            match self.loader.load().await {
                Ok(fresh) => *loaded = fresh,
                Err(cause) => {
                    tracing::warn!("keeping the project as it was read last: {cause}");
                    loaded.fingerprint = fingerprint;
                }
            }
        }
        loaded.clone()
    }

    /// The flags that are served now: the applied definitions as of this moment. Compiled once for each state of the
    /// ledger and each step of a schedule.
    ///
    /// # Errors
    /// [`CapabilityError::NotApplied`] while nothing was applied.
    pub async fn live(&self) -> Result<Arc<Live>, CapabilityError> {
        let now_us = self.loader.now_us();
        if let Some(live) = self.fresh(now_us) {
            return Ok(live);
        }
        let _one = self.looking.lock().await;
        if let Some(live) = self.fresh(now_us) {
            return Ok(live);
        }
        let ledger = self.loaded.read().await.context.ledger.clone();
        let at = Some(Instant::now());
        let head = ledger.head().await?.map(|(sequence, _)| sequence);
        let (known, known_head) = {
            let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
            (seen.live.clone(), seen.head)
        };
        let current = |live: &Arc<Live>| head == known_head && live.holds_at(now_us);
        let live = match known {
            Some(live) if current(&live) => live,
            known => match (flags::live(&ledger, now_us, None).await, known) {
                (Ok(live), _) => Arc::new(live),
                (Err(cause), Some(known)) => {
                    tracing::warn!("keeping the flags that were live last: {cause}");
                    known
                }
                (Err(cause), None) => return Err(cause),
            },
        };
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        *seen = Seen {
            live: Some(live.clone()),
            head,
            at,
        };
        Ok(live)
    }

    /// What is live, if that is known well enough not to look at the ledger.
    fn fresh(&self, now_us: i64) -> Option<Arc<Live>> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let live = seen.live.as_ref()?;
        let recent = seen.at.is_some_and(|at| at.elapsed() < LOOK);
        (recent && live.holds_at(now_us)).then(|| live.clone())
    }

    /// Something was appended to the ledger: what is live is looked at anew when it is next asked for.
    pub fn appended(&self) {
        self.seen.write().unwrap_or_else(PoisonError::into_inner).at = None;
    }

    /// Waits until something else is live than what has this digest.
    pub async fn live_after(&self, digest: &str) -> Arc<Live> {
        loop {
            tokio::time::sleep(WAIT).await;
            if let Ok(live) = self.live().await
                && live.digest != digest
            {
                return live;
            }
        }
    }

    /// Registered models.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Tells webhooks.
    pub fn courier(&self) -> &Courier {
        &self.courier
    }

    /// The rules in force that protect aliases and stages; none while nothing was applied.
    pub async fn protections(&self) -> Result<Vec<Rule>, CapabilityError> {
        let ledger = self.loaded.read().await.context.ledger.clone();
        let head = ledger.head().await?.map_or(0, |(sequence, _)| sequence);
        let mut known = self.protections.lock().await;
        if let Some((seen, rules)) = &*known
            && *seen == head
        {
            return Ok(rules.clone());
        }
        let applied = governance::applied(&ledger, None).await?;
        let rules = applied.as_ref().map(registry::rules).unwrap_or_default();
        *known = Some((head, rules.clone()));
        Ok(rules)
    }

    /// A key of the project's own.
    pub fn key(&self, purpose: &str) -> Result<[u8; 32], String> {
        self.loader.key(purpose)
    }

    /// Tokens for OFREP requests.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Cancelled when the server stops: answers without an end must end then.
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// The project folder's texts.
    pub fn loader(&self) -> &dyn Loader {
        self.loader.as_ref()
    }

    /// The value of a secret given by reference.
    pub fn secret(&self, reference: &str) -> Result<String, String> {
        self.loader.secret(reference)
    }

    /// "Now" for schedules and ramps, microseconds since 1970 UTC.
    pub fn now_us(&self) -> i64 {
        self.loader.now_us()
    }
}
