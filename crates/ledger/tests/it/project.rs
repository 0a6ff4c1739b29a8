//! Projections: cached, caught up, rebuilt, always the same bytes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::json;
use steward_ledger::canonical::{digest, text};
use steward_ledger::{Event, Filter, Ledger, NewEvent, Projection};

use crate::common::{decision, event, open, personal, tamper};

/// Events by kind and subject.
#[derive(Default, Serialize, Deserialize)]
struct Counts(BTreeMap<String, BTreeMap<String, u64>>);

impl Projection for Counts {
    const NAME: &'static str = "test.counts";
    const VERSION: u32 = 1;
    const READS_PRIVATE: bool = false;

    fn apply(&mut self, event: &Event) {
        *self
            .0
            .entry(event.kind.clone())
            .or_default()
            .entry(event.subject.clone())
            .or_default() += 1;
    }
}

/// A sum whose digits depend on every number being read exactly.
#[derive(Default, Serialize, Deserialize)]
struct Total {
    sum: f64,
    last: Option<f64>,
}

impl Projection for Total {
    const NAME: &'static str = "test.total";
    const VERSION: u32 = 1;
    const READS_PRIVATE: bool = false;

    fn apply(&mut self, event: &Event) {
        let lift = event.payload["lift"].as_f64().unwrap_or_default();
        self.sum = self.sum * 1.000_000_1 + lift / 3.0;
        self.last = Some(lift);
    }
}

/// Reads what may be erased.
#[derive(Default, Serialize, Deserialize)]
struct Reasons(BTreeMap<u64, Option<String>>);

impl Projection for Reasons {
    const NAME: &'static str = "test.reasons";
    const VERSION: u32 = 1;

    fn apply(&mut self, event: &Event) {
        if event.commitment.is_some() {
            let reason = event
                .private
                .as_ref()
                .and_then(|p| p["reason"].as_str())
                .map(str::to_string);
            self.0.insert(event.sequence, reason);
        }
    }
}

fn bytes<P: Projection>(state: &P) -> String {
    text(&serde_json::to_value(state).unwrap())
}

/// Folded from the events without the ledger's help.
async fn from_nothing<P: Projection>(ledger: &Ledger) -> String {
    let mut state = P::default();
    for mut event in ledger.read(&Filter::default()).await.unwrap() {
        if !P::READS_PRIVATE {
            event.private = None;
        }
        state.apply(&event);
    }
    bytes(&state)
}

async fn agree<P: Projection>(ledger: &Ledger) {
    assert_eq!(
        bytes(&ledger.project::<P>(None).await.unwrap()),
        from_nothing::<P>(ledger).await
    );
}

#[tokio::test]
async fn caught_up_or_rebuilt_the_bytes_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path()).await;
    agree::<Counts>(&ledger).await;
    let mut n = 0;
    for size in [1u64, 70, 3, 150, 64, 2, 200] {
        ledger.append((n..n + size).map(decision).collect()).await.unwrap();
        n += size;
        agree::<Counts>(&ledger).await;
        agree::<Total>(&ledger).await;
        agree::<Reasons>(&ledger).await;
        if size == 150 {
            ledger.append(vec![personal(n, "because")]).await.unwrap();
            ledger.close().await;
            ledger = open(folder.path()).await;
        }
    }
    let cached = bytes(&ledger.project::<Total>(None).await.unwrap());
    ledger.rebuild_projections().await.unwrap();
    assert_eq!(bytes(&ledger.project::<Total>(None).await.unwrap()), cached);
    agree::<Counts>(&ledger).await;
}

#[tokio::test]
async fn catching_up_applies_only_what_is_new() {
    static APPLIED: AtomicU64 = AtomicU64::new(0);
    #[derive(Default, Serialize, Deserialize)]
    struct Counting(u64);
    impl Projection for Counting {
        const NAME: &'static str = "test.counting";
        const VERSION: u32 = 1;
        fn apply(&mut self, _: &Event) {
            self.0 += 1;
            APPLIED.fetch_add(1, Ordering::SeqCst);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger.append((0..500).map(decision).collect()).await.unwrap();
    assert_eq!(ledger.project::<Counting>(None).await.unwrap().0, 500);
    assert_eq!(APPLIED.swap(0, Ordering::SeqCst), 500);
    assert_eq!(ledger.project::<Counting>(None).await.unwrap().0, 500);
    assert_eq!(APPLIED.swap(0, Ordering::SeqCst), 0);
    // Another process finds the cache, too.
    let other = open(folder.path()).await;
    other.append((0..100).map(decision).collect()).await.unwrap();
    assert_eq!(other.project::<Counting>(None).await.unwrap().0, 600);
    assert_eq!(APPLIED.swap(0, Ordering::SeqCst), 100);
    ledger.append(vec![decision(1)]).await.unwrap();
    assert_eq!(ledger.project::<Counting>(None).await.unwrap().0, 601);
    assert_eq!(APPLIED.swap(0, Ordering::SeqCst), 1);
}

#[tokio::test]
async fn as_of_a_time_shows_what_was_known_then() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let mut times = Vec::new();
    for n in 0..6 {
        times.push(ledger.append(vec![decision(n)]).await.unwrap()[0].at_us);
    }
    let total = async |at: i64| {
        ledger
            .project::<Counts>(Some(at))
            .await
            .unwrap()
            .0
            .values()
            .flat_map(|m| m.values())
            .sum()
    };
    let now: u64 = total(i64::MAX).await;
    assert_eq!(now, 6);
    for (n, at) in times.iter().enumerate() {
        let (then, before): (u64, u64) = (total(*at).await, total(*at - 1).await);
        assert_eq!((then, before), (n as u64 + 1, n as u64));
    }
    // Asking about the past leaves the present alone.
    agree::<Counts>(&ledger).await;
}

#[tokio::test]
async fn an_edited_cache_does_not_stand_against_the_events() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger.append((0..100).map(decision).collect()).await.unwrap();
    let genuine = bytes(&ledger.project::<Counts>(None).await.unwrap());
    ledger.close().await;
    for sql in [
        r#"UPDATE projections SET state = '{"decision.made":{"experiment/0":7}}'"#,
        "UPDATE projections SET state = 'nonsense'",
        "UPDATE projections SET sequence = sequence - 1",
        "UPDATE projections SET sequence = 1000",
        "UPDATE projections SET hash = 'x'",
        "UPDATE projections SET digest = 'x'",
    ] {
        tamper(folder.path(), sql).await;
        let ledger = open(folder.path()).await;
        assert_eq!(bytes(&ledger.project::<Counts>(None).await.unwrap()), genuine, "{sql}");
        ledger.close().await;
    }
    // Even with its digest made to fit, it goes when projections are rebuilt.
    let ledger = open(folder.path()).await;
    let (sequence, hash) = ledger.head().await.unwrap().unwrap();
    let forged = r#"{"decision.made":{"experiment/0":7}}"#;
    let fitting = digest(format!("test.counts\n1\n{sequence}\n{hash}\n{forged}").as_bytes());
    ledger.close().await;
    tamper(
        folder.path(),
        &format!("UPDATE projections SET state = '{forged}', digest = '{fitting}'"),
    )
    .await;
    let ledger = open(folder.path()).await;
    assert_eq!(
        bytes(&ledger.project::<Counts>(None).await.unwrap()),
        forged,
        "the forgery is a good one"
    );
    ledger.rebuild_projections().await.unwrap();
    assert_eq!(bytes(&ledger.project::<Counts>(None).await.unwrap()), genuine);
}

#[tokio::test]
async fn a_state_that_json_cannot_hold_is_answered_but_not_cached() {
    #[derive(Default, Serialize, Deserialize)]
    struct Worst(f64);
    impl Projection for Worst {
        const NAME: &'static str = "test.worst";
        const VERSION: u32 = 1;
        fn apply(&mut self, event: &Event) {
            self.0 = if event.sequence < 90 { f64::NAN } else { self.0.max(1.0) };
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger.append((0..89).map(decision).collect()).await.unwrap();
    assert!(ledger.project::<Worst>(None).await.unwrap().0.is_nan());
    ledger.append((0..2).map(decision).collect()).await.unwrap();
    assert_eq!(ledger.project::<Worst>(None).await.unwrap().0, 1.0);
}

#[tokio::test]
async fn what_is_erased_leaves_projections_and_never_entered_their_cache() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger
        .append((0..200).map(|n| personal(n, "Ada Lovelace")).collect::<Vec<NewEvent>>())
        .await
        .unwrap();
    let before = ledger.project::<Reasons>(None).await.unwrap();
    assert_eq!(before.0[&7].as_deref(), Some("Ada Lovelace"));
    agree::<Counts>(&ledger).await;
    for sequence in 1..=200 {
        ledger.erase(sequence, "ada", "request").await.unwrap();
    }
    let after = ledger.project::<Reasons>(None).await.unwrap();
    assert!(after.0.values().all(Option::is_none));
    agree::<Reasons>(&ledger).await;
    ledger.close().await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"Lovelace"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projecting_while_others_append_is_always_some_true_state() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let writer = open(folder.path()).await;
    let task = tokio::spawn(async move {
        for n in 0..40 {
            let pair = event("test.pair", "pair", json!({ "n": n }));
            writer.append((0..10).map(|_| pair.clone()).collect()).await.unwrap();
        }
    });
    while !task.is_finished() {
        let counts = ledger.project::<Counts>(None).await.unwrap();
        let seen: u64 = counts.0.values().flat_map(|m| m.values()).sum();
        assert_eq!(seen % 10, 0);
    }
    task.await.unwrap();
    agree::<Counts>(&ledger).await;
}
