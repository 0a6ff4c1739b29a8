//! Verification of the store: the chain, the commitments, the evidence.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::canonical::hex;
use crate::chain::{self, Chain, Hash, Link};
use crate::evidence::{citations, may_cite};
use crate::store::{EvidenceRow, PAGE, Pages, Select, Snapshot, Store, Stored};
use crate::{LedgerError, Verification, canonical};

/// Digests of value and provenance by id, of all evidence: 96 bytes each.
type Recorded = BTreeMap<Hash, (Hash, Hash)>;

/// Fewest events that are worth another reader.
const STRETCH: u64 = 20_000;
/// Most readers at once, so that others can read, too.
const READERS: u64 = 3;

/// Verifies everything that is stored. The chain is cut into stretches verified at the same time: each starts from
/// the hash that is stored before it, which the stretch before must arrive at.
pub(crate) async fn store(store: &Arc<Store>, head: Option<&str>) -> Result<Verification, LedgerError> {
    let chain = Chain::new(head)?;
    let mut snapshot = store.snapshot().await?;
    let recorded = Arc::new(all_evidence(&mut snapshot).await?);
    if let Some(sequence) = snapshot.orphan().await? {
        let cause = "a private payload is there, but not its event";
        return Err(LedgerError::broken(sequence, cause));
    }
    let last = snapshot.head().await?.map_or(0, |(sequence, _)| sequence);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let stretches = (last / STRETCH).clamp(1, cores.min(READERS));
    let cut = |n: u64| last / stretches * n;
    let mut tasks = Vec::new();
    for n in 1..stretches {
        let cause = "it is missing: events were dropped";
        let before = snapshot.link(cut(n)).await?;
        let stretch = before
            .ok_or_else(|| LedgerError::broken(cut(n), cause))
            .and_then(|(hash, at)| chain.stretch(cut(n), &hash, at));
        let until = if n + 1 == stretches { last } else { cut(n + 1) };
        let (store, recorded) = (store.clone(), recorded.clone());
        tasks.push(tokio::spawn(
            async move { run(&store, stretch?, until, &recorded).await },
        ));
    }
    let sound = tokio::spawn(async move { snapshot.sound().await });
    let until = if stretches == 1 { last } else { cut(1) };
    let first = run(store, chain, until, &recorded).await;
    let stopped = |e| LedgerError::store(store.path.display(), format!("verification was stopped: {e}"));
    let mut parts = vec![first];
    for task in tasks {
        parts.push(task.await.map_err(stopped)?);
    }
    // In order, so that the first fault is the one reported.
    let mut parts = parts.into_iter();
    let mut chain = parts.next().unwrap_or_else(|| Chain::new(head))?;
    for part in parts {
        chain.join(part?)?;
    }
    sound.await.map_err(stopped)??;
    let later = store.snapshot().await?.erasures_after(last).await?;
    chain.finish(&later)
}

/// Verifies one stretch, up to an event that is known to be there.
async fn run(store: &Store, mut chain: Chain, until: u64, recorded: &Recorded) -> Result<Chain, LedgerError> {
    let mut pages = Pages::new(store.snapshot().await?);
    // The first stretch also meets what has no business before the first event.
    let mut after = if chain.next() == 1 {
        i64::MIN
    } else {
        i64::try_from(chain.next() - 1).unwrap_or(i64::MAX)
    };
    let mut canonical = String::new();
    while chain.next() <= until {
        let page = pages.next(after, until).await?;
        if page.is_empty() {
            return Err(LedgerError::broken(chain.next(), "it is missing: events were dropped"));
        }
        for event in page.events() {
            take(&mut chain, event, &mut canonical)?.cites(recorded)?;
        }
        after = i64::try_from(chain.next() - 1).unwrap_or(i64::MAX);
    }
    Ok(chain)
}

/// Takes one event as it is stored; leaves its canonical bytes.
pub(crate) fn take<'a>(
    chain: &mut Chain,
    event: Option<Stored<'a>>,
    canonical: &mut String,
) -> Result<Stored<'a>, LedgerError> {
    let cause = "its columns cannot be told apart or hold no value of their type: it was edited";
    let event = event.ok_or_else(|| LedgerError::broken(chain.next(), cause))?;
    canonical.clear();
    event.text.write(canonical);
    chain.step(&Link {
        sequence: event.text.sequence,
        at_us: event.text.at_us,
        kind: event.text.kind,
        payload: event.text.payload,
        commitment: event.text.commitment,
        canonical: canonical.as_bytes(),
        hash: event.hash,
        private: event.private,
    })?;
    Ok(event)
}

impl Stored<'_> {
    /// Checks that what the event cites is there as it was.
    fn cites(&self, recorded: &Recorded) -> Result<(), LedgerError> {
        if !may_cite(self.text.payload) {
            return Ok(());
        }
        let broken = |cause: String| Err(LedgerError::broken(self.text.sequence, cause));
        let Ok(payload) = canonical::parse(self.text.payload) else {
            return broken("its payload cannot be read as JSON".to_string());
        };
        let mut found = Vec::new();
        citations(&payload, &mut found);
        for cited in found {
            match chain::hash(cited.id).and_then(|id| recorded.get(&id)) {
                Some((value, provenance)) if cited.fits(&hex(value), &hex(provenance)) => {}
                Some(_) => return broken(format!("evidence {}, which it cites, was edited", cited.id)),
                None => return broken(format!("evidence {}, which it cites, is missing", cited.id)),
            }
        }
        Ok(())
    }
}

async fn all_evidence(snapshot: &mut Snapshot) -> Result<Recorded, LedgerError> {
    let mut recorded = Recorded::new();
    let mut last = String::new();
    loop {
        // All ids are lower-case hex; whatever else stands there sorts in between too, and fails.
        let rows = snapshot
            .evidence(Select::Between(&last, "\u{10ffff}"), PAGE / 16)
            .await?;
        for row in &rows {
            let (id, digests) = evidence(row)?;
            recorded.insert(id, digests);
            last.clone_from(&row.id);
        }
        if (rows.len() as u64) < PAGE / 16 {
            break;
        }
    }
    if recorded.len() as u64 != snapshot.evidence_count().await? {
        return Err(LedgerError::BrokenEvidence {
            id: "without digits".to_string(),
            cause: "its id is not 64 lower-case hex digits: it was edited".to_string(),
        });
    }
    Ok(recorded)
}

/// Whether evidence is what was recorded: its id is the digest of its key, its digests those of its content.
/// Answers the digests of value and provenance.
pub(crate) fn evidence(row: &EvidenceRow) -> Result<(Hash, (Hash, Hash)), LedgerError> {
    let broken = |cause: &str| LedgerError::BrokenEvidence {
        id: row.id.clone(),
        cause: cause.to_string(),
    };
    let fits = |text: &str, digest: &str, cause: &str| {
        let hash = chain::hash(digest).filter(|_| canonical::digest(text.as_bytes()) == digest);
        hash.ok_or_else(|| broken(cause))
    };
    let id = fits(&row.key, &row.id, "its key does not give its id: it was edited")?;
    let value = fits(
        &row.value,
        &row.value_digest,
        "its value does not give its digest: it was edited",
    )?;
    let cause = "its provenance does not give its digest: it was edited";
    let provenance = fits(&row.provenance, &row.provenance_digest, cause)?;
    let key = canonical::parse(&row.key).map_err(|_| broken("its key cannot be read"))?;
    if key.get("subject").and_then(serde_json::Value::as_str) != Some(&row.subject) {
        return Err(broken("it is filed under another subject than its key names"));
    }
    Ok((id, (value, provenance)))
}
