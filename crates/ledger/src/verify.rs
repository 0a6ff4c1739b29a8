//! Verification of the store: the chain, the commitments, the evidence.

use std::collections::BTreeMap;

use crate::canonical::hex;
use crate::chain::{self, Chain, Hash, Link};
use crate::evidence::{citations, may_cite};
use crate::store::{EventRow, EvidenceRow, PAGE, Select, Snapshot, Store};
use crate::{Filter, LedgerError, Verification, canonical};

/// Digests of value and provenance by id, of all evidence: 96 bytes each.
type Recorded = BTreeMap<Hash, (Hash, Hash)>;

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
    if !may_cite(text.payload) {
        return Ok(());
    }
    let unreadable = |_| LedgerError::broken(sequence, "its payload cannot be read as JSON");
    let payload = canonical::parse(text.payload).map_err(unreadable)?;
    let mut found = Vec::new();
    citations(&payload, &mut found);
    for cited in found {
        let cause = match chain::hash(cited.id).and_then(|id| recorded.get(&id)) {
            Some((value, provenance)) if cited.fits(&hex(value), &hex(provenance)) => continue,
            Some(_) => format!("evidence {}, which it cites, was edited", cited.id),
            None => format!("evidence {}, which it cites, is missing", cited.id),
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
            let (id, digests) = evidence(row)?;
            recorded.insert(id, digests);
            last.clone_from(&row.id);
        }
        if (rows.len() as u64) < PAGE / 16 {
            return Ok(recorded);
        }
    }
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
