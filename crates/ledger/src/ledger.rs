//! Append, read, project.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::projection::{Cached, freeze, thaw};
use crate::store::{Condition, EvidenceRow, PAGE, Prepared, PreparedPrivate, Select, Store};
use crate::{Event, Evidence, EvidenceKey, LedgerError, NewEvent, Projection, canonical, export, verify};

/// Fewest digits of an evidence id that are looked up.
const SHORTEST_PREFIX: usize = 8;
/// A cached state is written again only after so many new events: applying them is cheaper than a commit.
const STALE: u64 = 64;

/// Which events to read; all conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// This kind, or kinds with this prefix when it ends in `.`.
    pub kind: Option<String>,
    /// This subject.
    pub subject: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// At or after, microseconds since 1970 UTC.
    pub since_us: Option<i64>,
    /// At or before, microseconds since 1970 UTC.
    pub as_of_us: Option<i64>,
    /// After this sequence number.
    pub after: Option<u64>,
    /// Before this sequence number.
    pub before: Option<u64>,
    /// The last so many, still oldest first.
    pub last: Option<u64>,
}

/// Outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Events verified.
    pub events: u64,
    /// Hash of the last event; what to save elsewhere.
    pub head: String,
    /// Private payloads that were erased.
    pub erased: u64,
}

/// Tells the time, microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// An open ledger; cheap to clone, safe to share between tasks and processes.
///
/// It writes on the tokio runtime that opened it and works as long as that runtime does.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<Store>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("path", &self.store.path).finish()
    }
}

impl Ledger {
    /// Opens (and creates) the ledger `ledger.db` in a folder.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Ledger, LedgerError> {
        let store = Store::open(folder, clock).await?;
        Ok(Ledger { store })
    }

    /// Waits for the appends under way, then closes the files. Without it nothing is lost either.
    pub async fn close(self) {
        self.store.close().await;
    }

    /// Appends events, all or none; durable when it returns. Concurrent calls share one commit.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, LedgerError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.store.append(None, prepare(events)?).await?.unwrap_or_default())
    }

    /// Appends events only if the last event about `subject` still is `expected` (`None`: there is none).
    /// Answers `None`, having appended nothing, if it is not: read again and decide anew.
    pub async fn append_if(
        &self,
        subject: &str,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Option<Vec<Event>>, LedgerError> {
        let condition = Condition {
            subject: subject.to_string(),
            expected,
        };
        self.store.append(Some(condition), prepare(events)?).await
    }

    /// Reads events in order.
    pub async fn read(&self, filter: &Filter) -> Result<Vec<Event>, LedgerError> {
        let mut snapshot = self.store.snapshot().await?;
        let rows = snapshot.rows(filter, None).await?;
        rows.iter().map(|row| row.event(snapshot.path())).collect()
    }

    /// The last event's sequence number and hash; `None` while there is no event.
    pub async fn head(&self) -> Result<Option<(u64, String)>, LedgerError> {
        self.store.snapshot().await?.head().await
    }

    /// How many events there are.
    pub async fn count(&self) -> Result<u64, LedgerError> {
        Ok(self.head().await?.map_or(0, |(sequence, _)| sequence))
    }

    /// The state of a projection now (from its cache, caught up), or as of a time (folded anew).
    pub async fn project<P: Projection>(&self, as_of_us: Option<i64>) -> Result<P, LedgerError> {
        let mut snapshot = self.store.snapshot().await?;
        let mut state = P::default();
        let mut last = 0;
        let mut hash = None;
        if as_of_us.is_none()
            && let Some(cached) = snapshot.cached(P::NAME, P::VERSION).await?
            && snapshot
                .link(cached.sequence)
                .await?
                .is_some_and(|(hash, _)| hash == cached.hash)
            && let Some(thawed) = thaw(&cached.state)
        {
            (state, last) = (thawed, cached.sequence);
        }
        let from = last;
        // A cached state must never hold what may have to be erased.
        let mut cacheable = as_of_us.is_none();
        loop {
            let filter = Filter {
                as_of_us,
                after: Some(last),
                ..Filter::default()
            };
            let rows = snapshot.rows(&filter, Some(PAGE)).await?;
            for row in &rows {
                let mut event = row.event(snapshot.path())?;
                if P::READS_PRIVATE {
                    cacheable &= event.commitment.is_none();
                } else {
                    event.private = None;
                }
                state.apply(&event);
                last = event.sequence;
                hash = Some(event.hash);
            }
            if (rows.len() as u64) < PAGE {
                break;
            }
        }
        drop(snapshot);
        if let Some(hash) = hash
            && cacheable
            && (from == 0 || last - from >= STALE)
        {
            self.keep(&state, last, hash).await;
        }
        Ok(state)
    }

    /// Caches a state. That it cannot is no reason to withhold the answer.
    async fn keep<P: Projection>(&self, state: &P, sequence: u64, hash: String) {
        let Some(text) = freeze(state) else {
            tracing::warn!(
                projection = P::NAME,
                "its state does not survive being written as JSON, so it is not cached"
            );
            return;
        };
        let cached = Cached {
            name: P::NAME,
            version: P::VERSION,
            sequence,
            hash,
            state: text,
        };
        if let Err(error) = self.store.cache(cached).await {
            tracing::warn!(projection = P::NAME, %error, "its state was not cached");
        }
    }

    /// Drops all cached states, so that every projection is folded from the events when it is next asked for.
    pub async fn rebuild_projections(&self) -> Result<(), LedgerError> {
        self.store.forget().await
    }

    /// Verifies the whole chain and every commitment; with `head`, also that the chain still contains that hash
    /// (nothing was truncated). Then all evidence, and that what events cite is there unchanged.
    pub async fn verify(&self, head: Option<&str>) -> Result<Verification, LedgerError> {
        verify::store(&self.store, head).await
    }

    /// Writes all events, one JSON document a line, whole or not at all. The file holds private payloads that are
    /// not erased: keep it accordingly.
    pub async fn export(&self, path: &Path) -> Result<Verification, LedgerError> {
        export::write(&self.store, path).await
    }

    /// Verifies an exported file without any store.
    pub fn verify_export(path: &Path, head: Option<&str>) -> Result<Verification, LedgerError> {
        export::verify(path, head)
    }

    /// Erases the private payload of an event, and records that as an event. The chain still verifies.
    /// The bytes are gone from the file and its log when it returns; backups and exports are not in its reach.
    /// Erasing again answers the first record.
    pub async fn erase(&self, sequence: u64, actor: &str, reason: &str) -> Result<Event, LedgerError> {
        let probe = NewEvent {
            kind: "erasure".to_string(),
            subject: "event".to_string(),
            actor: actor.to_string(),
            payload: serde_json::Value::Null,
            private: None,
        };
        probe.check()?;
        let recorded = self
            .store
            .erase(sequence, actor.to_string(), reason.to_string())
            .await?;
        let filter = Filter {
            after: Some(recorded.saturating_sub(1)),
            ..Filter::default()
        };
        let mut snapshot = self.store.snapshot().await?;
        match snapshot.rows(&filter, Some(1)).await?.first() {
            Some(row) => row.event(snapshot.path()),
            None => Err(LedgerError::broken(recorded, "the record of an erasure is missing")),
        }
    }

    /// The evidence under a key, if it was computed before.
    pub async fn evidence(&self, key: &EvidenceKey) -> Result<Option<Evidence>, LedgerError> {
        let mut snapshot = self.store.snapshot().await?;
        let rows = snapshot.evidence(Select::Id(&key.id()), 1).await?;
        rows.into_iter().next().map(thaw_evidence).transpose()
    }

    /// The evidence with an id (or a unique prefix of at least eight digits).
    pub async fn evidence_by_id(&self, id: &str) -> Result<Option<Evidence>, LedgerError> {
        let prefix = id.trim().to_ascii_lowercase();
        if !prefix.bytes().all(|b| b.is_ascii_hexdigit()) || !(SHORTEST_PREFIX..=64).contains(&prefix.len()) {
            let cause = format!("expected {SHORTEST_PREFIX} to 64 hex digits");
            return Err(LedgerError::invalid("evidence id", cause));
        }
        let mut snapshot = self.store.snapshot().await?;
        let select = if prefix.len() == 64 {
            Select::Id(&prefix)
        } else {
            Select::Between(&prefix, &format!("{prefix}g"))
        };
        let mut rows = snapshot.evidence(select, 2).await?;
        if rows.len() > 1 {
            return Err(LedgerError::Ambiguous { prefix });
        }
        rows.pop().map(thaw_evidence).transpose()
    }

    /// Stores evidence; a second call with the same key keeps the first.
    pub async fn record_evidence(&self, evidence: &Evidence) -> Result<(), LedgerError> {
        if evidence.id != evidence.key.id() {
            return Err(LedgerError::invalid(
                "evidence id",
                "it is not the digest of its key: use Evidence::new",
            ));
        }
        let parts = [&evidence.key.parameters, &evidence.value, &evidence.provenance];
        if !parts.into_iter().all(canonical::readable) {
            let cause = format!("it nests deeper than {} levels", canonical::DEEPEST);
            return Err(LedgerError::invalid(format!("evidence {}", evidence.id), cause));
        }
        let row = EvidenceRow {
            id: evidence.id.clone(),
            subject: evidence.key.subject.clone(),
            key: evidence.key.text(),
            value: canonical::text(&evidence.value),
            value_digest: evidence.value_digest(),
            provenance: canonical::text(&evidence.provenance),
            provenance_digest: evidence.provenance_digest(),
            computed_us: 0,
        };
        self.store.record(row).await
    }

    /// Keys of the evidence about a subject, oldest first, each with its id and when it was first computed
    /// (microseconds since 1970 UTC): to choose by, before reading what may be large.
    pub async fn evidence_keys(&self, subject: &str) -> Result<Vec<(String, EvidenceKey, i64)>, LedgerError> {
        let rows = self.store.snapshot().await?.evidence_keys(subject).await?;
        rows.into_iter()
            .map(|(id, key, computed_us)| {
                let parsed = canonical::parse(&key)
                    .ok()
                    .and_then(|key| serde_json::from_value(key).ok());
                let cause = || "its key cannot be read".to_string();
                let key = parsed.ok_or_else(|| LedgerError::BrokenEvidence {
                    id: id.clone(),
                    cause: cause(),
                })?;
                Ok((id, key, computed_us))
            })
            .collect()
    }

    /// Evidence about a subject, oldest first; `as_of_us` by time of computation.
    pub async fn evidence_about(&self, subject: &str, as_of_us: Option<i64>) -> Result<Vec<Evidence>, LedgerError> {
        let mut snapshot = self.store.snapshot().await?;
        let rows = snapshot.evidence(Select::About(subject, as_of_us), u64::MAX).await?;
        rows.into_iter().map(thaw_evidence).collect()
    }
}

/// Checks events and draws salts, before anything is locked.
fn prepare(events: Vec<NewEvent>) -> Result<Vec<Prepared>, LedgerError> {
    let one = |event: NewEvent| {
        event.check()?;
        let private = event.private.map(|payload| {
            let mut salt = [0; 32];
            let drawn = getrandom::fill(&mut salt);
            let cause = |e| LedgerError::store("salt", format!("the operating system gives no random numbers: {e}"));
            drawn.map_err(cause).map(|()| PreparedPrivate { payload, salt })
        });
        Ok(Prepared {
            kind: event.kind,
            subject: event.subject,
            actor: event.actor,
            payload: event.payload,
            private: private.transpose()?,
        })
    };
    events.into_iter().map(one).collect()
}

/// Evidence from its row, refused if it is not what was recorded.
fn thaw_evidence(row: EvidenceRow) -> Result<Evidence, LedgerError> {
    verify::evidence(&row)?;
    let broken = |cause: &str| LedgerError::BrokenEvidence {
        id: row.id.clone(),
        cause: format!("its {cause} cannot be read"),
    };
    let key = canonical::parse(&row.key).map_err(|_| broken("key"))?;
    Ok(Evidence {
        id: row.id.clone(),
        key: serde_json::from_value(key).map_err(|_| broken("key"))?,
        value: canonical::parse(&row.value).map_err(|_| broken("value"))?,
        provenance: canonical::parse(&row.provenance).map_err(|_| broken("provenance"))?,
        computed_us: row.computed_us,
    })
}
