//! Append and read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use steward_ledger::{Filter, Ledger, LedgerError};

use crate::common::{START, clock, decision, event, open, personal};

#[tokio::test]
async fn what_is_appended_is_read_again_in_order_and_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    assert_eq!(ledger.head().await.unwrap(), None);
    let first = ledger
        .append(vec![decision(1), personal(2, "asked by Grace")])
        .await
        .unwrap();
    let second = ledger.append(vec![decision(3)]).await.unwrap();
    let appended: Vec<_> = first.into_iter().chain(second).collect();
    assert_eq!(appended.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(appended[1].private, Some(json!({ "reason": "asked by Grace" })));
    assert_eq!(appended[0].id.get_version_num(), 7);
    assert_eq!(ledger.read(&Filter::default()).await.unwrap(), appended);
    assert_eq!(ledger.head().await.unwrap(), Some((3, appended[2].hash.clone())));
    ledger.close().await;
    let again = open(folder.path()).await;
    assert_eq!(again.read(&Filter::default()).await.unwrap(), appended);
    assert_eq!(again.count().await.unwrap(), 3);
    assert_eq!(again.verify(None).await.unwrap().head, appended[2].hash);
}

#[tokio::test]
async fn every_number_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let numbers = json!([
        0,
        -1,
        u64::MAX,
        i64::MIN,
        0.1,
        1.0,
        -0.0,
        1e16,
        1e-7,
        5e-324,
        f64::MAX,
        0.30000000000000004,
        1.2345678901234567,
        122.41629403378659,
        2.2250738585072014e-308,
        9007199254740993.0,
        8.41e21
    ]);
    let payload = json!({ "numbers": numbers, "text": "\u{0}\u{1f}\u{7f}\"\\/\n é 😀", "é": null, "a": [true, {}] });
    ledger
        .append(vec![event("test.numbers", "numbers", payload.clone())])
        .await
        .unwrap();
    let read = ledger.read(&Filter::default()).await.unwrap();
    assert_eq!(read[0].payload, payload);
    assert_eq!(read[0].payload.to_string(), payload.to_string());
}

#[tokio::test]
async fn filters_hold_together() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    for n in 0..12 {
        ledger.append(vec![decision(n)]).await.unwrap();
    }
    ledger
        .append(vec![event("decisions.listed", "project", json!({}))])
        .await
        .unwrap();
    ledger
        .append(vec![event("decision", "project", json!({}))])
        .await
        .unwrap();
    let read = async |filter: Filter| -> Vec<u64> {
        ledger
            .read(&filter)
            .await
            .unwrap()
            .into_iter()
            .map(|e| e.sequence)
            .collect()
    };
    let kind = |kind: &str| Filter {
        kind: Some(kind.to_string()),
        ..Filter::default()
    };
    assert_eq!(read(kind("decision.")).await, (1..=12).collect::<Vec<_>>());
    assert_eq!(read(kind("decision")).await, [14]);
    assert_eq!(read(kind("decision.made")).await.len(), 12);
    assert_eq!(read(kind("decision.mad")).await, [] as [u64; 0]);
    let about = Filter {
        subject: Some("experiment/1".to_string()),
        ..Filter::default()
    };
    assert_eq!(read(about.clone()).await, [2, 5, 8, 11]);
    assert_eq!(
        read(Filter {
            last: Some(2),
            ..about.clone()
        })
        .await,
        [8, 11]
    );
    assert_eq!(
        read(Filter {
            after: Some(5),
            ..about.clone()
        })
        .await,
        [8, 11]
    );
    assert_eq!(
        read(Filter {
            before: Some(8),
            last: Some(2),
            ..about.clone()
        })
        .await,
        [2, 5]
    );
    let by = |actor: &str| Filter {
        actor: Some(actor.to_string()),
        ..about.clone()
    };
    assert_eq!(read(by("ada")).await, [2, 5, 8, 11]);
    assert_eq!(read(by("bob")).await, [] as [u64; 0]);
    let eighth = ledger
        .read(&Filter {
            after: Some(7),
            last: None,
            ..about.clone()
        })
        .await
        .unwrap()[0]
        .at_us;
    assert_eq!(
        read(Filter {
            as_of_us: Some(eighth),
            ..about.clone()
        })
        .await,
        [2, 5, 8]
    );
    assert_eq!(
        read(Filter {
            since_us: Some(eighth),
            ..about.clone()
        })
        .await,
        [8, 11]
    );
    assert_eq!(
        read(Filter {
            as_of_us: Some(eighth - 1),
            last: Some(1),
            ..about
        })
        .await,
        [5]
    );
    assert_eq!(
        read(Filter {
            last: Some(0),
            ..Filter::default()
        })
        .await,
        [] as [u64; 0]
    );
}

#[tokio::test]
async fn time_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(START));
    let hand = now.clone();
    let ledger = Ledger::open(folder.path(), Arc::new(move || hand.load(Ordering::SeqCst)))
        .await
        .unwrap();
    ledger.append(vec![decision(1)]).await.unwrap();
    now.store(START - 3_600_000_000, Ordering::SeqCst);
    ledger.append(vec![decision(2)]).await.unwrap();
    now.store(START + 7, Ordering::SeqCst);
    ledger.append(vec![decision(3)]).await.unwrap();
    let times: Vec<_> = ledger
        .read(&Filter::default())
        .await
        .unwrap()
        .iter()
        .map(|e| e.at_us - START)
        .collect();
    assert_eq!(times, [0, 0, 7]);
    ledger.verify(None).await.unwrap();
}

#[tokio::test]
async fn a_decision_on_a_stale_view_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let subject = "experiment/0";
    let one = ledger
        .append_if(subject, None, vec![decision(0)])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ledger.append_if(subject, None, vec![decision(0)]).await.unwrap(), None);
    ledger.append(vec![decision(1)]).await.unwrap();
    assert!(
        ledger
            .append_if(subject, Some(one[0].sequence), vec![decision(3)])
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        ledger
            .append_if(subject, Some(one[0].sequence), vec![decision(3)])
            .await
            .unwrap(),
        None
    );
    assert_eq!(ledger.count().await.unwrap(), 3);
    // Of many that saw the same state, one wins.
    let seen = ledger
        .read(&Filter {
            last: Some(1),
            ..Filter::default()
        })
        .await
        .unwrap()[0]
        .sequence;
    let tries = (0..20).map(|_| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            ledger
                .append_if("experiment/0", Some(seen), vec![decision(0)])
                .await
                .unwrap()
                .is_some()
        })
    });
    let mut won = 0;
    for task in tries.collect::<Vec<_>>() {
        won += u32::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn events_that_make_no_sense_are_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    for bad in [
        event("", "project", json!({})),
        event("Decision made", "project", json!({})),
        event("decision.", "project", json!({})),
        event("private.erased", "event/1", json!({ "sequence": 1 })),
        event("decision.made", "", json!({})),
        event("decision.made", "a\nb", json!({})),
        event(
            "decision.made",
            "deep",
            (0..129).fold(json!(1), |inner, _| json!([inner])),
        ),
    ] {
        let outcome = ledger.append(vec![decision(1), bad]).await;
        assert!(matches!(outcome, Err(LedgerError::Invalid { .. })), "{outcome:?}");
    }
    let deepest = event(
        "decision.made",
        "deep",
        (0..128).fold(json!(1), |inner, _| json!([inner])),
    );
    assert_eq!(
        ledger.append(vec![deepest.clone()]).await.unwrap()[0].payload,
        deepest.payload
    );
    assert_eq!(
        ledger.read(&Filter::default()).await.unwrap()[0].payload,
        deepest.payload
    );
    assert_eq!(ledger.append(Vec::new()).await.unwrap(), []);
    assert_eq!(ledger.count().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_share_commits_and_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let other = Ledger::open(folder.path(), clock()).await.unwrap();
    let tasks: Vec<_> = (0..200u64)
        .map(|n| {
            let ledger = if n % 2 == 0 { ledger.clone() } else { other.clone() };
            tokio::spawn(async move { ledger.append(vec![decision(n), decision(n)]).await.unwrap() })
        })
        .collect();
    let mut sequences = Vec::new();
    for task in tasks {
        let events = task.await.unwrap();
        assert_eq!(events[0].sequence + 1, events[1].sequence);
        sequences.extend(events.iter().map(|e| e.sequence));
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=400).collect::<Vec<_>>());
    assert_eq!(ledger.verify(None).await.unwrap().events, 400);
}
