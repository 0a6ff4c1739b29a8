//! Rows are kept once, in order, and seen by engines when sealed.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use steward_facts::{Appended, FactError, FactLog, WAITING_ROWS};

use crate::common::{batch, listed, open, rows, schema, sealed_keys};

fn kept(stored: usize, known: usize) -> Appended {
    Appended { stored, known }
}

#[tokio::test]
async fn a_key_is_kept_once_within_a_batch_between_batches_and_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    assert_eq!(log.append(batch(&["a", "b", "a"])).await, Ok(kept(2, 1)));
    assert_eq!(log.append(batch(&["b", "c"])).await, Ok(kept(1, 1)));
    drop(log);
    // Known from the tail …
    let log = open(folder.path());
    assert_eq!(log.append(batch(&["c", "d"])).await, Ok(kept(1, 1)));
    assert_eq!(log.seal().await, Ok(4));
    assert_eq!(log.append(batch(&["a", "e"])).await, Ok(kept(1, 1)));
    drop(log);
    // … and from files and the tail.
    let log = open(folder.path());
    assert_eq!(log.append(batch(&["a", "b", "c", "d", "e", "f"])).await, Ok(kept(1, 5)));
    assert_eq!(sealed_keys(&log, folder.path()).await, ["a", "b", "c", "d", "e", "f"]);
    // The first row of a key is the one that is kept.
    let values: Vec<i64> = rows(folder.path()).into_iter().map(|(_, v)| v).collect();
    assert_eq!(values, [0, 1, 1, 1, 1, 5]);
}

#[tokio::test]
async fn an_empty_log_is_a_table_already() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    assert_eq!(listed(folder.path()).len(), 1);
    assert!(rows(folder.path()).is_empty());
    assert_eq!(log.append(batch::<&str>(&[])).await, Ok(kept(0, 0)));
    assert_eq!(log.seal().await, Ok(0));
}

#[tokio::test]
async fn processes_that_write_in_turn_know_each_others_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()), open(folder.path()));
    for round in 0..6 {
        let key = |name: &str| format!("{name}{round}");
        assert_eq!(one.append(batch(&[key("a"), key("b")])).await, Ok(kept(2, 0)));
        assert_eq!(two.append(batch(&[key("b"), key("c")])).await, Ok(kept(1, 1)));
        match round % 3 {
            0 => assert_ne!(two.seal().await, Ok(0)),
            1 => assert_eq!(one.seal().await, Ok(3)),
            _ => {}
        }
        assert_eq!(one.append(batch(&[key("c"), key("a")])).await, Ok(kept(0, 2)));
    }
    let mut keys = sealed_keys(&one, folder.path()).await;
    assert_eq!(keys.len(), 18);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 18);
}

#[tokio::test]
async fn many_small_seals_leave_few_files_and_no_stray_ones() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    for n in 0..64 {
        log.append(batch(&[format!("k{n}")])).await.unwrap();
        assert_eq!(log.seal().await, Ok(1));
    }
    assert_eq!(rows(folder.path()).len(), 64);
    assert!(listed(folder.path()).len() <= 7, "{:?}", listed(folder.path()));
    // What a merge replaced stays for queries that have begun; what nobody names goes.
    std::fs::write(folder.path().join("facts/000000000999-5.parquet"), "left behind").unwrap();
    std::fs::write(folder.path().join("facts/tail-3.log"), "left behind").unwrap();
    log.append(batch(&["last"])).await.unwrap();
    log.seal().await.unwrap();
    let names: Vec<String> = std::fs::read_dir(folder.path().join("facts"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        !names.iter().any(|n| n.contains("999-5") || n == "tail-3.log"),
        "{names:?}"
    );
    assert!(names.iter().filter(|n| n.ends_with(".parquet")).count() > listed(folder.path()).len());
}

#[tokio::test]
async fn rows_of_another_schema_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let other = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let numbers = RecordBatch::try_new(other.clone(), vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    assert!(matches!(log.append(numbers).await, Err(FactError::Schema { .. })));
    // A log is not opened as another one, and every log has a key.
    let wider = Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("more", DataType::Utf8, true),
    ]);
    let place = folder.path().join("facts");
    assert!(matches!(
        FactLog::open(&place, Arc::new(wider)),
        Err(FactError::Schema { .. })
    ));
    assert!(matches!(FactLog::open(&place, other), Err(FactError::Schema { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_room_batches_are_refused_at_once_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    // Another process writes for a while.
    let lock = std::fs::File::open(folder.path().join("facts/lock")).unwrap();
    lock.lock().unwrap();
    let part = WAITING_ROWS / 4;
    let mut waiting = Vec::new();
    let mut refused = 0;
    for n in 0..6 {
        let keys: Vec<String> = (0..part).map(|i| format!("{n}-{i}")).collect();
        let mut append = Box::pin({
            let log = log.clone();
            let batch = batch(&keys);
            async move { log.append(batch).await }
        });
        // A first look sends it off, or refuses it.
        match futures_now(&mut append).await {
            None => waiting.push(append),
            Some(Err(FactError::Busy { waiting })) => {
                assert_eq!(waiting, WAITING_ROWS);
                refused += 1;
            }
            Some(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((waiting.len(), refused), (4, 2));
    lock.unlock().unwrap();
    for append in waiting {
        assert_eq!(append.await, Ok(kept(part, 0)));
    }
    assert_eq!(log.append(batch(&["later"])).await, Ok(kept(1, 0)));
    assert_eq!(sealed_keys(&log, folder.path()).await.len(), 4 * part + 1);
    assert_eq!(log.schema(), &schema());
}

/// What a future answers at its first poll.
async fn futures_now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
