//! What did the runs of data scientists log, and what may be logged?
//!
//! A run group holds runs; a run logs parameters, metric points, tags, inputs and outputs. All of it is facts, kept by the
//! run store; this room opens the store when it is first needed and says what fits into it.

mod limits;
mod names;

use std::path::Path;
use std::sync::Arc;

use steward_runs::RunStore;
use tokio::sync::OnceCell;

pub use limits::{
    address as check_address, batch as check_batch, dataset as check_dataset, group_name as check_group_name,
    group_tag as check_group_tag, model_name as check_model_name, param as check_param, point as check_point,
    run_id as check_run_id, tag as check_tag,
};
pub use names::run_name;
pub use steward_runs::RunsError;

/// The schema of a PostgreSQL database that the run store's tables are in.
pub const SCHEMA: &str = "steward_runs";

/// Where the run store is.
#[derive(Clone, Debug)]
enum Place {
    Folder(Arc<Path>),
    Postgres { url: Arc<str>, schema: Arc<str> },
}

/// The run store of a project, opened when it is first needed. Cheap to clone; all clones share it.
#[derive(Clone)]
pub struct Tracking {
    place: Place,
    store: Arc<OnceCell<RunStore>>,
}

impl Tracking {
    /// A store in the project's state folder.
    pub fn of(state: &Path) -> Tracking {
        Tracking {
            place: Place::Folder(state.into()),
            store: Arc::default(),
        }
    }

    /// A store in a schema of a PostgreSQL database. The URL may hold a password; it is never shown.
    pub fn postgres(url: &str, schema: &str) -> Tracking {
        Tracking {
            place: Place::Postgres {
                url: url.into(),
                schema: schema.into(),
            },
            store: Arc::default(),
        }
    }

    /// The store.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn store(&self) -> Result<&RunStore, RunsError> {
        self.store
            .get_or_try_init(|| async {
                match &self.place {
                    Place::Folder(folder) => RunStore::open(folder).await,
                    Place::Postgres { url, schema } => RunStore::postgres(url, schema).await,
                }
            })
            .await
    }

    /// Waits for the writes under way and closes the store, if it was opened.
    pub async fn close(&self) {
        if let Some(store) = self.store.get() {
            store.close().await;
        }
    }
}
