//! Exports verify offline, and nothing else does.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use serde_json::{Value, json};
use steward_ledger::{Filter, Ledger, LedgerError, Verification};

use crate::common::{decision, event, open, personal};

/// A ledger with every kind of line, and its export.
async fn exported(folder: &Path) -> (Ledger, Vec<u8>, Verification) {
    let ledger = open(folder).await;
    let odd =
        json!({ "text": "\u{0}\"\\\u{7f} é 😀,\"hash\":\"", "numbers": [1e-40, -0.0, 1e16, u64::MAX], "deep": [[{}]] });
    ledger
        .append(vec![
            decision(1),
            personal(2, "Ada {[\"]}"),
            event("test.odd", "ö/\\\"", odd),
        ])
        .await
        .unwrap();
    ledger
        .append(vec![personal(3, "Grace"), personal(4, "Edith"), decision(5)])
        .await
        .unwrap();
    ledger.erase(4, "ada", "request").await.unwrap();
    let path = folder.join("export.jsonl");
    let verification = ledger.export(&path).await.unwrap();
    (ledger, fs::read(&path).unwrap(), verification)
}

fn verify(bytes: &[u8], head: Option<&str>) -> Result<Verification, LedgerError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.jsonl");
    fs::write(&path, bytes).unwrap();
    Ledger::verify_export(&path, head)
}

fn broken_at(bytes: &[u8], head: Option<&str>) -> u64 {
    match verify(bytes, head) {
        Err(LedgerError::Broken { sequence, .. }) => sequence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_export_is_one_json_document_a_line_and_verifies_as_the_store_does() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, bytes, verification) = exported(folder.path()).await;
    assert_eq!(ledger.verify(None).await.unwrap(), verification);
    assert_eq!(verify(&bytes, Some(&verification.head)).unwrap(), verification);
    let events = ledger.read(&Filter::default()).await.unwrap();
    for (line, event) in std::str::from_utf8(&bytes).unwrap().lines().zip(&events) {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["hash"], event.hash.as_str());
        assert_eq!(document["event"]["sequence"], event.sequence);
        assert_eq!(document["event"]["subject"], event.subject.as_str());
        assert_eq!(document["event"]["commitment"], json!(event.commitment));
    }
    // Exporting again gives the same bytes; over what was there, and nothing is left beside it.
    ledger.export(&folder.path().join("export.jsonl")).await.unwrap();
    assert_eq!(fs::read(folder.path().join("export.jsonl")).unwrap(), bytes);
    assert!(
        fs::read_dir(folder.path())
            .unwrap()
            .all(|e| !e.unwrap().file_name().to_string_lossy().contains("part"))
    );
}

#[tokio::test]
async fn edited_dropped_reordered_and_truncated_lines_are_found_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes, verification) = exported(folder.path()).await;
    let lines: Vec<_> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let join = |order: &[usize]| order.iter().flat_map(|i| lines[*i].to_vec()).collect::<Vec<u8>>();
    assert_eq!(broken_at(&join(&[0, 2, 3, 4, 5, 6]), None), 2);
    assert_eq!(broken_at(&join(&[1, 2, 3, 4, 5, 6]), None), 1);
    assert_eq!(broken_at(&join(&[0, 1, 3, 2, 4, 5, 6]), None), 3);
    assert_eq!(broken_at(&join(&[0, 1, 1, 2, 3, 4, 5, 6]), None), 3);
    assert_eq!(broken_at(&join(&[0, 1, 2]), Some(&verification.head)), 4);
    assert_eq!(broken_at(&[], Some(&verification.head)), 1);
    assert_eq!(broken_at(&bytes[..bytes.len() - 1], None), 7);
    assert_eq!(broken_at(&[&bytes[..], b"\n"].concat(), None), 8);
    let edited = String::from_utf8(bytes.clone())
        .unwrap()
        .replacen("experiment/2", "experiment/1", 1);
    assert_eq!(broken_at(edited.as_bytes(), None), 2);
    let private = String::from_utf8(bytes).unwrap().replacen("Edith", "Edyth", 1);
    assert_eq!(broken_at(private.as_bytes(), None), 5);
}

#[tokio::test]
async fn no_flipped_bit_and_no_changed_byte_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes, _) = exported(folder.path()).await;
    let size = bytes.len();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let change = (0..size, any::<u8>(), 0..4u8);
    runner
        .run(&change, |(at, byte, how)| {
            let mut changed = bytes.clone();
            match how {
                0 => changed[at] ^= 1 << (byte % 8),
                1 => changed[at] = byte,
                2 => drop(changed.remove(at)),
                _ => changed.insert(at, byte),
            }
            // A removal or insertion beside an equal byte may change nothing.
            prop_assert!(
                changed == bytes || verify(&changed, None).is_err(),
                "{} {} {}",
                at,
                byte,
                how
            );
            Ok(())
        })
        .unwrap();
    // Each byte once.
    for at in 0..size {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert!(verify(&changed, None).is_err(), "{at}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_or_written_are_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, ..) = exported(folder.path()).await;
    let nowhere = folder.path().join("nowhere/export.jsonl");
    for error in [
        Ledger::verify_export(&nowhere, None).unwrap_err(),
        ledger.export(&nowhere).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, LedgerError::Store { location, .. } if location.contains("nowhere")),
            "{error}"
        );
    }
    assert!(verify(b"order,amount\n", None).is_err());
    assert!(verify(&[0xff; 100], None).is_err());
}

#[tokio::test]
async fn a_broken_ledger_is_not_exported() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, before, _) = exported(folder.path()).await;
    ledger.close().await;
    crate::common::tamper(folder.path(), "UPDATE events SET actor = 'bob' WHERE sequence = 3").await;
    let ledger = open(folder.path()).await;
    let path = folder.path().join("export.jsonl");
    assert!(matches!(
        ledger.export(&path).await,
        Err(LedgerError::Broken { sequence: 3, .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), before, "the earlier export stays");
}

/// The verifier of `docs/ledger-format.md`, written in another language from the description alone.
#[tokio::test]
async fn the_independent_verifier_agrees() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify_ledger.py");
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no python3 to run {}", script.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes, verification) = exported(folder.path()).await;
    let run = |bytes: &[u8], head: &str| {
        let path = folder.path().join("candidate.jsonl");
        fs::write(&path, bytes).unwrap();
        Command::new("python3")
            .arg(&script)
            .arg(&path)
            .arg(head)
            .output()
            .unwrap()
    };
    let good = run(&bytes, &verification.head);
    let text = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(good.status.success(), "{text}{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(
        text.trim(),
        format!("{} events, {} erased, head {}", 7, 1, verification.head)
    );
    for at in [20, bytes.len() / 3, bytes.len() / 2, bytes.len() - 10] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let bad = run(&changed, &verification.head);
        assert!(!bad.status.success() && verify(&changed, None).is_err(), "{at}");
    }
    let end = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').unwrap();
    assert!(!run(&bytes[..=end], &verification.head).status.success());
}
