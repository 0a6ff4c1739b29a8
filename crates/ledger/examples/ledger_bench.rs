//! How many decisions a second the ledger makes durable, and how fast it verifies and exports them.
//!
//! `cargo run --release -p steward-ledger --example ledger_bench -- [EVENTS [FOLDER]]`, see `bench/ledger/README.md`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use steward_ledger::{Ledger, LedgerError, NewEvent};

/// Tasks that decide at the same time, one event each.
const DECIDERS: u64 = 64;
const DECISIONS: u64 = 10_000;
/// Events an append while the ledger is filled.
const BATCH: u64 = 5_000;

fn decision(n: u64) -> NewEvent {
    NewEvent {
        kind: "decision.made".to_string(),
        subject: format!("experiment/e{}", n % 500),
        actor: "ada".to_string(),
        payload: json!({
            "choice": "ship", "variant": "treatment", "verdict": "revenue up 1.2 % (0.4 to 2.0)",
            "lift": 0.012 + n as f64 * 1e-9, "n": n
        }),
        private: n
            .is_multiple_of(10)
            .then(|| json!({ "reason": format!("asked for by person {n}") })),
    }
}

#[tokio::main]
async fn main() -> Result<(), LedgerError> {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let scratch = std::env::temp_dir().join(format!("ledger-bench-{}", std::process::id()));
    let folder = arguments.next().map_or_else(|| scratch.clone(), PathBuf::from);
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_micros() as i64)
    };
    let ledger = Ledger::open(&folder, Arc::new(now)).await?;

    let started = Instant::now();
    let tasks: Vec<_> = (0..DECIDERS)
        .map(|task| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for n in 0..DECISIONS / DECIDERS {
                    ledger.append(vec![decision(task * DECISIONS + n)]).await?;
                }
                Ok::<_, LedgerError>(())
            })
        })
        .collect();
    for task in tasks {
        if let Ok(outcome) = task.await {
            outcome?;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let made = ledger.count().await?;
    println!(
        "{made} durable decisions by {DECIDERS} at once: {:.0} a second",
        made as f64 / seconds
    );

    let started = Instant::now();
    for n in 0..50 {
        ledger.append(vec![decision(n)]).await?;
    }
    println!(
        "one after another: {:.2} ms each",
        started.elapsed().as_secs_f64() * 20.0
    );

    let started = Instant::now();
    let mut count = ledger.count().await?;
    while count < events {
        let batch = BATCH.min(events - count);
        ledger.append((count..count + batch).map(decision).collect()).await?;
        count += batch;
    }
    println!("filled to {count} events in {:.1} s", started.elapsed().as_secs_f64());

    let mut seconds = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let verification = ledger.verify(None).await?;
        seconds.push(started.elapsed().as_secs_f64());
        assert_eq!(verification.events, count);
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "verified {count} events: {:.2} s (median of 3: {seconds:.2?})",
        seconds[1]
    );

    let export = folder.join("export.jsonl");
    let started = Instant::now();
    let exported = ledger.export(&export).await?;
    println!("exported in {:.2} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    assert_eq!(Ledger::verify_export(&export, Some(&exported.head))?, exported);
    println!("verified the export in {:.2} s", started.elapsed().as_secs_f64());

    ledger.close().await;
    if folder == scratch {
        let _ = std::fs::remove_dir_all(&scratch);
    }
    Ok(())
}
