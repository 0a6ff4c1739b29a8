//! Erasing private payloads.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;
use steward_ledger::{Event, Filter, Ledger, LedgerError, NewEvent};

use crate::common::{decision, open, personal};

fn bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        all.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn an_erased_payload_is_gone_and_the_chain_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger
        .append(vec![
            decision(1),
            personal(2, "Ada Lovelace"),
            personal(3, "Grace Hopper"),
        ])
        .await
        .unwrap();
    let before = ledger.verify(None).await.unwrap();
    assert_eq!(before.erased, 0);
    let record = ledger.erase(2, "privacy-officer", "request 17").await.unwrap();
    assert_eq!(
        (record.sequence, record.kind.as_str(), record.actor.as_str()),
        (4, "private.erased", "privacy-officer")
    );
    let events = ledger.read(&Filter::default()).await.unwrap();
    assert_eq!(events[1].private, None);
    assert_eq!(events[2].private, Some(json!({ "reason": "Grace Hopper" })));
    assert_eq!(
        record.payload,
        json!({ "sequence": 2, "reason": "request 17", "commitment": events[1].commitment })
    );
    let after = ledger.verify(Some(&before.head)).await.unwrap();
    assert_eq!((after.events, after.erased), (4, 1));
    assert!(!holds(&bytes(folder.path()), "Lovelace"));
    // Again: the first record stands.
    assert_eq!(ledger.erase(2, "someone", "again").await.unwrap(), record);
    assert_eq!(ledger.count().await.unwrap(), 4);
}

#[tokio::test]
async fn what_cannot_be_erased_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger.append(vec![decision(1), personal(2, "x")]).await.unwrap();
    for (sequence, actor) in [(1, "ada"), (3, "ada"), (0, "ada"), (u64::MAX, "ada"), (2, "")] {
        let outcome = ledger.erase(sequence, actor, "request").await;
        assert!(
            matches!(outcome, Err(LedgerError::Invalid { .. })),
            "{sequence} {outcome:?}"
        );
    }
    assert_eq!(ledger.count().await.unwrap(), 2);
}

/// Small, large and very large payloads, erased in a scattered order, some while neighbours stay: no byte remains
/// in the file, in unused parts of its pages, or in its log.
#[tokio::test]
async fn no_copy_remains_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let count = 120u64;
    let events = (0..count).map(|n| NewEvent {
        private: Some(json!({ "note": format!("secret-{n:04}-").repeat([1, 12, 150, 900][n as usize % 4]) })),
        ..decision(n)
    });
    let events: Vec<Event> = ledger.append(events.collect()).await.unwrap();
    let mut left: BTreeSet<u64> = (0..count).collect();
    for step in 0..100u64 {
        let n = step * 37 % count;
        ledger
            .erase(events[n as usize].sequence, "ada", "request")
            .await
            .unwrap();
        left.remove(&n);
        if step % 10 == 9 {
            let text = String::from_utf8_lossy(&bytes(folder.path())).into_owned();
            let number = |(at, _): (usize, &str)| text.get(at + 7..at + 11)?.parse().ok();
            let found: BTreeSet<u64> = text.match_indices("secret-").filter_map(number).collect();
            assert_eq!(found, left, "after {step}");
        }
    }
    assert_eq!(ledger.verify(None).await.unwrap().erased, 100);
}

#[tokio::test]
async fn erased_payloads_show_in_the_export() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger
        .append(vec![personal(1, "Ada Lovelace"), personal(2, "Grace Hopper")])
        .await
        .unwrap();
    ledger.erase(1, "ada", "request").await.unwrap();
    let path = folder.path().join("export.jsonl");
    let exported = ledger.export(&path).await.unwrap();
    assert_eq!(exported.erased, 1);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with(",\"private\":\"erased\"}"), "{}", lines[0]);
    assert!(lines[1].contains("Grace Hopper"));
    assert_eq!(Ledger::verify_export(&path, Some(&exported.head)).unwrap(), exported);
    // An erasure nobody recorded.
    let forged = text.lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    fs::write(&path, forged).unwrap();
    assert!(matches!(
        Ledger::verify_export(&path, None),
        Err(LedgerError::Broken { sequence: 1, .. })
    ));
}
