//! What the tests share.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use steward_ledger::{Clock, Ledger, NewEvent};

/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000_000;

/// A clock that goes one second further at each look.
pub fn clock() -> Clock {
    let now = AtomicI64::new(START);
    Arc::new(move || now.fetch_add(1_000_000, Ordering::SeqCst))
}

pub async fn open(folder: &Path) -> Ledger {
    Ledger::open(folder, clock()).await.unwrap()
}

pub fn event(kind: &str, subject: &str, payload: Value) -> NewEvent {
    NewEvent {
        kind: kind.to_string(),
        subject: subject.to_string(),
        actor: "ada".to_string(),
        payload,
        private: None,
    }
}

pub fn decision(n: u64) -> NewEvent {
    event(
        "decision.made",
        &format!("experiment/{}", n % 3),
        json!({ "n": n, "lift": 0.1 * n as f64 }),
    )
}

pub fn personal(n: u64, secret: &str) -> NewEvent {
    NewEvent {
        private: Some(json!({ "reason": secret })),
        ..decision(n)
    }
}

/// Runs SQL on the file behind the ledger's back, its guards removed.
pub async fn tamper(folder: &Path, sql: &str) {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("ledger.db"));
    let mut connection = options.connect().await.unwrap();
    let script = format!("DROP TRIGGER IF EXISTS events_stay; DROP TRIGGER IF EXISTS events_remain; {sql}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(script))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
