//! Verification of the store: the chain, the commitments, the evidence.

use std::collections::BTreeMap;

use crate::chain::{self, Chain, Hash, Link};
use crate::evidence::citations;
use crate::store::{EventRow, EvidenceRow, PAGE, Select, Snapshot, Store};
use crate::{Filter, LedgerError, Verification, canonical};

/// Digest by id of all evidence: 64 bytes each.
type Recorded = BTreeMap<Hash, Hash>;

/// Verifies everything that is stored.
pub(crate) async fn store(store: &Store, head: Option<&str>) -> Result<Verification, LedgerError> {
    let mut chain = Chain::new(head)?;
    // One moment for all: what is appended meanwhile is not part of the question.
    let mut snapshot = store.snapshot().await?;
    let recorded = all_evidence(&mut snapshot).await?;
    loop {
        let filter = Filter {
            after: Some(chain.next() - 1),
            ..Filter::default()
        };
        let rows = snapshot.rows(&filter, Some(PAGE)).await?;
        for row in &rows {
            take(&mut chain, &recorded, row)?;
        }
        if (rows.len() as u64) < PAGE {
            break;
        }
    }
    if let Some(sequence) = snapshot.orphan().await? {
        return Err(LedgerError::broken(
            sequence,
            "a private payload is there, but not its event",
        ));
    }
    chain.finish()
}

fn take(chain: &mut Chain, recorded: &Recorded, row: &EventRow) -> Result<(), LedgerError> {
    let sequence = chain.next();
    let damaged = |_| LedgerError::broken(sequence, "a column holds no value of its type: it was edited");
    let text = row.text().map_err(damaged)?;
    let mut canonical = String::with_capacity(512);
    text.write(&mut canonical);
    chain.step(&Link {
        sequence: text.sequence,
        at_us: text.at_us,
        kind: text.kind,
        payload: text.payload,
        commitment: text.commitment,
        canonical: canonical.as_bytes(),
        hash: row.hash().map_err(damaged)?,
        private: row.private().map_err(damaged)?,
    })?;
    if !text.payload.contains("\"evidence\":\"") {
        return Ok(());
    }
    let payload = canonical::parse(text.payload)
        .map_err(|_| LedgerError::broken(sequence, "its payload cannot be read as JSON"))?;
    let mut found = Vec::new();
    citations(&payload, &mut found);
    for (id, digest) in found {
        let stored = chain::hash(id).and_then(|id| recorded.get(&id));
        let cause = match stored {
            Some(stored) if Some(*stored) == chain::hash(digest) => continue,
            Some(_) => format!("evidence {id}, which it cites, was edited"),
            None => format!("evidence {id}, which it cites, is missing"),
        };
        return Err(LedgerError::broken(sequence, cause));
    }
    Ok(())
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
            let (id, digest) = evidence(row)?;
            recorded.insert(id, digest);
            last.clone_from(&row.id);
        }
        if (rows.len() as u64) < PAGE / 16 {
            return Ok(recorded);
        }
    }
}

/// Whether evidence is what was recorded: its id is the digest of its key, its digest that of its content.
pub(crate) fn evidence(row: &EvidenceRow) -> Result<(Hash, Hash), LedgerError> {
    let broken = |cause: &str| {
        Err(LedgerError::BrokenEvidence {
            id: row.id.clone(),
            cause: cause.to_string(),
        })
    };
    if canonical::digest(row.key.as_bytes()) != row.id {
        return broken("its key does not give its id: it was edited");
    }
    if crate::evidence::digest(&row.provenance, &row.value) != row.digest {
        return broken("its value or provenance does not give its digest: it was edited");
    }
    let subject = canonical::parse(&row.key).ok();
    if subject.as_ref().and_then(|key| key.get("subject")?.as_str()) != Some(&row.subject) {
        return broken("it is filed under another subject than its key names");
    }
    match (chain::hash(&row.id), chain::hash(&row.digest)) {
        (Some(id), Some(digest)) => Ok((id, digest)),
        _ => broken("its id or digest is not 64 lower-case hex digits"),
    }
}
