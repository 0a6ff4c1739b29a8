//! Whatever is changed behind the ledger's back is found, at the first event concerned.

use steward_ledger::{Filter, Ledger, LedgerError};

use crate::common::{decision, event, open, personal, tamper};

async fn filled(folder: &std::path::Path) -> Ledger {
    let ledger = open(folder).await;
    for n in 1..=4 {
        ledger
            .append(vec![decision(n), personal(n, "born in 1815")])
            .await
            .unwrap();
    }
    ledger.erase(4, "ada", "asked to").await.unwrap();
    ledger
}

/// The outcome of verifying after some SQL.
async fn after(sql: &str) -> (u64, String) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = filled(folder.path()).await;
    assert_eq!(ledger.verify(None).await.unwrap().events, 9);
    ledger.close().await;
    tamper(folder.path(), sql).await;
    let error = open(folder.path()).await.verify(None).await.unwrap_err();
    let text = error.to_string();
    assert!(!text.contains("1815"), "{text}");
    let LedgerError::Broken { sequence, cause } = error else {
        panic!("{text}")
    };
    (sequence, cause)
}

#[tokio::test]
async fn every_column_of_every_event_is_guarded() {
    for (column, value) in [
        ("id", "'0198b5a0-0000-7000-8000-000000000000'"),
        ("at_us", "at_us + 1"),
        ("kind", "'decision.made2'"),
        ("subject", "'experiment/9'"),
        ("actor", "'bob'"),
        ("payload", "replace(payload, '\"n\":2', '\"n\":3')"),
        ("payload", "payload || ' '"),
        ("payload", "'not JSON'"),
        ("payload", "payload || char(31)"),
        ("actor", "'a' || char(10) || 'b'"),
        ("kind", "kind || char(0)"),
        ("commitment", "NULL"),
        ("commitment", "substr(commitment, 2) || 'x'"),
        ("hash", "upper(hash)"),
        ("hash", "substr(hash, 2) || 'x'"),
        ("hash", "''"),
    ] {
        let (sequence, cause) = after(&format!("UPDATE events SET {column} = {value} WHERE sequence = 4")).await;
        assert_eq!(sequence, 4, "{column} = {value}: {cause}");
    }
}

#[tokio::test]
async fn a_clever_editor_is_found_one_event_later() {
    // The hash copied from a ledger in which the edit is genuine fits the event but not its successor.
    let folder = tempfile::tempdir().unwrap();
    let ledger = filled(folder.path()).await;
    ledger.close().await;
    let sql = "UPDATE events SET payload = (SELECT payload FROM events WHERE sequence = 7), \
               hash = (SELECT hash FROM events WHERE sequence = 7) WHERE sequence = 5";
    tamper(folder.path(), sql).await;
    let error = open(folder.path()).await.verify(None).await.unwrap_err();
    assert!(matches!(error, LedgerError::Broken { sequence: 5, .. }), "{error}");
}

#[tokio::test]
async fn dropped_and_reordered_events_are_found() {
    let (sequence, cause) = after("DELETE FROM events WHERE sequence = 3; ").await;
    assert_eq!(
        (sequence, cause.contains("event 4 stands in its place")),
        (3, true),
        "{cause}"
    );
    let (sequence, _) = after("DELETE FROM events WHERE sequence = 1").await;
    assert_eq!(sequence, 1);
    let renumber = "DELETE FROM events WHERE sequence = 3; UPDATE events SET sequence = 3 WHERE sequence = 5;";
    assert_eq!(after(renumber).await.0, 3);
    let swap = "UPDATE events SET sequence = 100 WHERE sequence = 5; UPDATE events SET sequence = 5 WHERE sequence = 7; \
                UPDATE events SET sequence = 7 WHERE sequence = 100;";
    assert_eq!(after(swap).await.0, 5);
}

#[tokio::test]
async fn private_payloads_are_guarded() {
    for (sql, expected) in [
        (
            "UPDATE private SET payload = replace(payload, '1815', '1816') WHERE sequence = 6",
            6,
        ),
        (
            "UPDATE private SET salt = '00' || substr(salt, 3) WHERE sequence = 6",
            6,
        ),
        ("UPDATE private SET salt = NULL WHERE sequence = 6", 6),
        ("UPDATE private SET salt = NULL, payload = NULL WHERE sequence = 6", 6),
        ("DELETE FROM private WHERE sequence = 6", 6),
        ("DELETE FROM private WHERE sequence = 4", 4),
        ("INSERT INTO private VALUES (5, '00', '1')", 5),
        ("INSERT INTO private VALUES (50, '00', '1')", 50),
        // What was erased is back: the record of its erasure is then untrue.
        (
            "UPDATE private SET salt = (SELECT salt FROM private WHERE sequence = 6), payload = '1' WHERE sequence = 4",
            4,
        ),
        ("DELETE FROM events WHERE sequence = 9", 4),
    ] {
        let (sequence, cause) = after(sql).await;
        assert_eq!(sequence, expected, "{sql}: {cause}");
    }
}

#[tokio::test]
async fn a_truncated_chain_is_found_by_a_saved_head() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let empty = ledger.verify(None).await.unwrap();
    assert_eq!(empty.events, 0);
    ledger.append(vec![decision(1), decision(2)]).await.unwrap();
    let early = ledger.verify(None).await.unwrap().head;
    ledger.append(vec![decision(3), decision(4)]).await.unwrap();
    let late = ledger.verify(Some(&early)).await.unwrap().head;
    assert_eq!(
        ledger
            .verify(Some(&format!(" {}\n", late.to_uppercase())))
            .await
            .unwrap()
            .head,
        late
    );
    ledger.verify(Some(&empty.head)).await.unwrap();
    ledger.close().await;
    tamper(folder.path(), "DELETE FROM events WHERE sequence = 4").await;
    let ledger = open(folder.path()).await;
    // The chain by itself is whole, and still holds the earlier head.
    assert_eq!(ledger.verify(Some(&early)).await.unwrap().events, 3);
    let error = ledger.verify(Some(&late)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Broken { sequence: 4, .. }), "{error}");
    // Going on after the truncation makes another chain.
    ledger.append(vec![decision(4), decision(5)]).await.unwrap();
    assert!(matches!(
        ledger.verify(Some(&late)).await,
        Err(LedgerError::Broken { sequence: 6, .. })
    ));
    for nonsense in ["", "abc", &late[1..], "zz", &format!("{late}0")] {
        assert!(
            matches!(ledger.verify(Some(nonsense)).await, Err(LedgerError::Invalid { .. })),
            "{nonsense}"
        );
    }
}

#[tokio::test]
async fn the_file_guards_events_against_accidents() {
    use sqlx::{ConnectOptions, Executor};
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("ledger.db"));
    let mut connection = options.connect().await.unwrap();
    for sql in ["UPDATE events SET actor = 'bob'", "DELETE FROM events"] {
        let error = connection.execute(sql).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_event_is_refused_by_readers_too() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await.close().await;
    tamper(folder.path(), "UPDATE events SET payload = '{' WHERE sequence = 2").await;
    let ledger = open(folder.path()).await;
    let error = ledger.read(&Default::default()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Broken { sequence: 2, .. }), "{error}");
    // The tail is whole: deciding goes on.
    ledger
        .append(vec![event("decision.made", "experiment/1", serde_json::json!({}))])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_index_that_hides_an_event_is_found() {
    use sqlx::{ConnectOptions, Connection};
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await.close().await;
    // The index is made to skip what it should hold, then told that it never should have.
    let sql = "PRAGMA writable_schema = ON; DROP INDEX events_by_subject; \
               CREATE INDEX events_by_subject ON events (subject, sequence) WHERE sequence <> 5; \
               UPDATE sqlite_schema SET sql = 'CREATE INDEX events_by_subject ON events (subject, sequence)' \
               WHERE name = 'events_by_subject'; PRAGMA writable_schema = OFF;";
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("ledger.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let ledger = open(folder.path()).await;
    let about = |subject: &str| Filter {
        subject: Some(subject.to_string()),
        ..Filter::default()
    };
    let subject = &ledger
        .read(&Filter {
            after: Some(4),
            ..Filter::default()
        })
        .await
        .unwrap()[0]
        .subject;
    let found = ledger.read(&about(subject)).await.unwrap();
    assert!(found.iter().all(|event| event.sequence != 5), "the index hides it");
    let error = ledger.verify(None).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Store { cause, .. } if cause.contains("index events_by_subject")),
        "{error}"
    );
}
