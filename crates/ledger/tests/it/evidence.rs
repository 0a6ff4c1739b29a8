//! Evidence: once per key, unchanged, bound to what cites it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use steward_ledger::{Evidence, EvidenceKey, LedgerError};

use crate::common::{START, event, open, tamper};

fn key(subject: &str, seed: u64) -> EvidenceKey {
    EvidenceKey {
        subject: subject.to_string(),
        definitions: BTreeMap::from([("metric/revenue".to_string(), "d1".to_string())]),
        data: BTreeMap::from([("orders".to_string(), "s1".to_string())]),
        parameters: json!({ "b": 1, "a": [1.5, null] }),
        seed,
        program: "steward 0.1.0".to_string(),
    }
}

fn evidence(subject: &str, seed: u64, value: Value) -> Evidence {
    Evidence::new(
        key(subject, seed),
        value,
        json!({ "sql": ["SELECT 1"], "engine": "datafusion" }),
    )
}

#[test]
fn the_id_is_the_digest_of_the_canonical_key() {
    let text = r#"{"data":{"orders":"s1"},"definitions":{"metric/revenue":"d1"},"parameters":{"a":[1.5,null],"b":1},"program":"steward 0.1.0","seed":7,"subject":"experiment/checkout"}"#;
    let expected: String = Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(evidence("experiment/checkout", 7, json!(1)).id, expected);
    assert_eq!(key("experiment/checkout", 7).id(), expected);
    assert_ne!(key("experiment/checkout", 8).id(), expected);
}

#[tokio::test]
async fn the_first_under_a_key_stays_and_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let first = evidence(
        "experiment/checkout",
        1,
        json!({ "point": 122.41629403378659, "p": 1e-40, "n": 64_000 }),
    );
    assert_eq!(ledger.evidence(&first.key).await.unwrap(), None);
    ledger.record_evidence(&first).await.unwrap();
    let second = evidence("experiment/checkout", 1, json!({ "point": 3 }));
    ledger.record_evidence(&second).await.unwrap();
    let kept = ledger.evidence(&second.key).await.unwrap().unwrap();
    assert_eq!(kept.value.to_string(), first.value.to_string());
    assert_eq!(kept.provenance, first.provenance);
    assert!(kept.computed_us >= START);
    assert_eq!(ledger.evidence_by_id(&kept.id).await.unwrap().unwrap(), kept);
    assert_eq!(
        ledger
            .evidence_by_id(&kept.id[..8].to_uppercase())
            .await
            .unwrap()
            .unwrap(),
        kept
    );
    let again = open(folder.path()).await;
    assert_eq!(again.evidence(&first.key).await.unwrap().unwrap(), kept);
}

#[tokio::test]
async fn ids_are_found_by_unique_prefixes_only() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let one = evidence("a", 1, json!(1));
    ledger.record_evidence(&one).await.unwrap();
    for bad in ["", "abc", "1234567", "zzzzzzzz", &format!("{}0", one.id), "' OR 1=1 --"] {
        assert!(
            matches!(ledger.evidence_by_id(bad).await, Err(LedgerError::Invalid { .. })),
            "{bad}"
        );
    }
    let absent = if one.id.starts_with('0') {
        "f".repeat(8)
    } else {
        "0".repeat(8)
    };
    assert_eq!(ledger.evidence_by_id(&absent).await.unwrap(), None);
    // Two ids of eight equal digits cannot be found by search; make one by hand.
    let twin = format!("{}{}", &one.id[..10], "0".repeat(54));
    ledger.close().await;
    let sql = format!(
        "INSERT INTO evidence SELECT '{twin}', subject, key, value, value_digest, provenance, provenance_digest, 0 FROM evidence"
    );
    tamper(folder.path(), &sql).await;
    let ledger = open(folder.path()).await;
    let error = ledger.evidence_by_id(&one.id[..9]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Ambiguous { .. }), "{error}");
    assert_eq!(ledger.evidence_by_id(&one.id).await.unwrap().unwrap().id, one.id);
    assert!(matches!(ledger.verify(None).await, Err(LedgerError::BrokenEvidence { id, .. }) if id == twin));
}

#[tokio::test]
async fn evidence_about_a_subject_comes_oldest_first_and_as_of_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    for seed in 0..5 {
        ledger
            .record_evidence(&evidence("experiment/a", seed, json!(seed)))
            .await
            .unwrap();
        ledger
            .record_evidence(&evidence("experiment/ab", seed, json!(seed)))
            .await
            .unwrap();
    }
    let all = ledger.evidence_about("experiment/a", None).await.unwrap();
    assert_eq!(all.iter().map(|e| e.key.seed).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let some = ledger
        .evidence_about("experiment/a", Some(all[2].computed_us))
        .await
        .unwrap();
    assert_eq!(some, all[..3]);
    assert_eq!(ledger.evidence_about("experiment", None).await.unwrap(), []);
}

#[tokio::test]
async fn evidence_must_be_what_its_key_says() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let mut forged = evidence("a", 1, json!(1));
    forged.key.seed = 2;
    assert!(matches!(
        ledger.record_evidence(&forged).await,
        Err(LedgerError::Invalid { .. })
    ));
}

#[tokio::test]
async fn edited_evidence_is_found_and_not_handed_out() {
    for (sql, clue) in [
        ("UPDATE evidence SET value = '2'", "value"),
        (
            "UPDATE evidence SET value_digest = replace(value_digest, '1', '2')",
            "value",
        ),
        ("UPDATE evidence SET provenance = '{}'", "provenance"),
        ("UPDATE evidence SET key = replace(key, 's1', 's2')", "key"),
        ("UPDATE evidence SET subject = 'b'", "subject"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path()).await;
        let one = evidence("a", 1, json!(1));
        ledger.record_evidence(&one).await.unwrap();
        ledger.close().await;
        tamper(folder.path(), sql).await;
        let ledger = open(folder.path()).await;
        for error in [
            ledger.verify(None).await.unwrap_err(),
            ledger.evidence(&one.key).await.unwrap_err(),
        ] {
            let LedgerError::BrokenEvidence { id, cause } = &error else {
                panic!("{error}")
            };
            assert!(*id == one.id && cause.contains(clue), "{error}");
        }
    }
}

#[tokio::test]
async fn evidence_without_an_id_is_found() {
    for id in ["''", "char(1114111) || 'x'"] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path()).await;
        ledger.record_evidence(&evidence("a", 1, json!(1))).await.unwrap();
        ledger.record_evidence(&evidence("a", 2, json!(1))).await.unwrap();
        ledger.close().await;
        tamper(
            folder.path(),
            &format!("UPDATE evidence SET id = {id} WHERE key LIKE '%\"seed\":2%'"),
        )
        .await;
        let error = open(folder.path()).await.verify(None).await.unwrap_err();
        assert!(matches!(error, LedgerError::BrokenEvidence { .. }), "{error}");
    }
}

#[tokio::test]
async fn cited_evidence_is_bound_to_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let one = evidence("experiment/a", 1, json!({ "verdict": "revenue up" }));
    let decide = |citation: Value| {
        vec![event(
            "decision.made",
            "experiment/a",
            json!({ "evidence": [citation] }),
        )]
    };
    let early = ledger.append(decide(one.citation())).await.unwrap_err();
    assert!(early.to_string().contains("record it first"), "{early}");
    ledger.record_evidence(&one).await.unwrap();
    let other = evidence("experiment/a", 1, json!({ "verdict": "revenue down" }));
    assert!(ledger.append(decide(other.citation())).await.is_err());
    ledger
        .append(decide(json!({ "id": one.id, "value_digest": one.value_digest() })))
        .await
        .unwrap();
    ledger.append(decide(one.citation())).await.unwrap();
    ledger.verify(None).await.unwrap();
    ledger.close().await;
    // Value and digest replaced together: the row is consistent in itself, the chain knows better.
    tamper(
        folder.path(),
        &format!(
            "UPDATE evidence SET value = '{}', value_digest = '{}'",
            r#"{"verdict":"revenue down"}"#,
            other.value_digest()
        ),
    )
    .await;
    let error = open(folder.path()).await.verify(None).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Broken { sequence: 1, cause } if cause.contains("was edited")),
        "{error}"
    );
    tamper(folder.path(), "DELETE FROM evidence").await;
    let error = open(folder.path()).await.verify(None).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Broken { sequence: 1, cause } if cause.contains("is missing")),
        "{error}"
    );
}

#[tokio::test]
async fn keys_are_read_without_conclusions() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    for (subject, seed) in [("dataset/orders", 2), ("dataset/users", 1), ("dataset/orders", 1)] {
        ledger
            .record_evidence(&evidence(subject, seed, json!({ "rows": 1 })))
            .await
            .unwrap();
    }
    let keys = ledger.evidence_keys("dataset/orders").await.unwrap();
    let all = ledger.evidence_about("dataset/orders", None).await.unwrap();
    let expected: Vec<_> = all.into_iter().map(|e| (e.id, e.key, e.computed_us)).collect();
    assert_eq!(keys, expected);
    assert_eq!(keys.len(), 2);
    assert_eq!(
        keys.iter()
            .map(|(id, key, _)| (id.clone(), key.id()))
            .filter(|(a, b)| a != b)
            .count(),
        0
    );
    assert!(ledger.evidence_keys("dataset/none").await.unwrap().is_empty());
}
