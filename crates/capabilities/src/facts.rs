//! Fact logs of a project, opened when they are first needed.

use std::path::Path;
use std::sync::Arc;

use steward_definitions::{COLLECTED, COLLECTED_FOLDER};
use steward_facts::FactLog;
use tokio::sync::OnceCell;

use crate::CapabilityError;

/// The time that facts are received at, microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The fact logs of a project. Cheap to clone; all clones share them.
#[derive(Clone)]
pub struct Facts {
    folder: Arc<Path>,
    clock: Clock,
    exposures: Arc<OnceCell<FactLog>>,
}

impl Facts {
    /// The logs of a project folder; nothing is opened yet.
    pub fn of(folder: &Path, clock: Clock) -> Facts {
        Facts {
            folder: folder.into(),
            clock,
            exposures: Arc::default(),
        }
    }

    /// Now, by the wall clock: also where the project looks at data as of another day.
    pub fn now_us(&self) -> i64 {
        (self.clock)()
    }

    /// The log of collected exposures.
    ///
    /// # Errors
    /// If its folder cannot be used.
    pub async fn exposures(&self) -> Result<&FactLog, CapabilityError> {
        let open = || async {
            let folder = self.folder.join(COLLECTED_FOLDER);
            let opened = tokio::task::spawn_blocking(move || FactLog::open(&folder, crate::exposures::schema()));
            opened
                .await
                .map_err(|e| CapabilityError::Invalid(format!("opening collected exposures broke off: {e}")))?
                .map_err(CapabilityError::from)
        };
        self.exposures.get_or_try_init(open).await
    }

    /// Makes what was acknowledged visible in a dataset, if it is one of facts.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub async fn seal(&self, dataset: &str) -> Result<(), CapabilityError> {
        if dataset == COLLECTED {
            self.exposures().await?.seal().await?;
        }
        Ok(())
    }
}
