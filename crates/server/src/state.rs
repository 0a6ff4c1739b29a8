//! What handlers share: the project as loaded last, and how to load it again when its files change.

use std::sync::Arc;

use futures::future::BoxFuture;
use steward_capabilities::Context;
use steward_definitions::Diagnostic;
use tokio::sync::RwLock;

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
}

/// Shared by all handlers.
#[derive(Clone)]
pub struct State {
    loaded: Arc<RwLock<Loaded>>,
    loader: Arc<dyn Loader>,
    hosts: Arc<[String]>,
}

impl State {
    /// Starts from a project that is loaded already.
    pub fn new(loaded: Loaded, loader: Arc<dyn Loader>) -> State {
        State {
            loaded: Arc::new(RwLock::new(loaded)),
            loader,
            hosts: Arc::new([]),
        }
    }

    /// Also answers to these host names; addresses and `localhost` are always answered.
    #[must_use]
    pub fn with_hosts(mut self, hosts: &[String]) -> State {
        self.hosts = hosts.into();
        self
    }

    /// Host names that the server goes by, besides addresses and `localhost`.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
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
}
