//! What a crash leaves is mended; anything else is refused and left as it is.

use std::io::Write;

use steward_facts::{Appended, FactError, FactLog};

use crate::common::{batch, open, schema, sealed_keys};

#[tokio::test]
async fn a_group_that_was_cut_off_is_cut_away_at_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let tail = folder.path().join("facts/tail-0.log");
    let log = open(folder.path());
    log.append(batch(&["a", "b"])).await.unwrap();
    let first = std::fs::metadata(&tail).unwrap().len() as usize;
    log.append(batch(&["c"])).await.unwrap();
    drop(log);
    let whole = std::fs::read(&tail).unwrap();
    for cut in (first..whole.len()).step_by(7) {
        std::fs::write(&tail, &whole[..cut]).unwrap();
        let log = open(folder.path());
        let again = log.append(batch(&["a", "b", "c"])).await;
        assert_eq!(again, Ok(Appended { stored: 1, known: 2 }), "cut at {cut}");
    }
    // Zeros to the end: the file grew and its bytes did not arrive.
    let mut grown = whole[..first].to_vec();
    grown.extend([0; 300]);
    std::fs::write(&tail, &grown).unwrap();
    let log = open(folder.path());
    assert_eq!(log.append(batch(&["c"])).await, Ok(Appended { stored: 1, known: 0 }));
    assert_eq!(sealed_keys(&log, folder.path()).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn damage_before_the_end_is_refused_and_nothing_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let tail = folder.path().join("facts/tail-0.log");
    let log = open(folder.path());
    log.append(batch(&["a"])).await.unwrap();
    log.append(batch(&["b"])).await.unwrap();
    drop(log);
    let mut bytes = std::fs::read(&tail).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tail, &bytes).unwrap();
    let log = open(folder.path());
    let Err(FactError::Damaged { path, at, .. }) = log.append(batch(&["c"])).await else {
        panic!("it must be refused");
    };
    assert!(path.ends_with("tail-0.log") && at == 0, "{path} {at}");
    assert!(matches!(log.seal().await, Err(FactError::Damaged { .. })));
    assert_eq!(std::fs::read(&tail).unwrap(), bytes);
}

#[test]
fn a_list_that_cannot_be_right_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let list = folder.path().join("facts/_files");
    let mut file = std::fs::OpenOptions::new().append(true).open(list).unwrap();
    file.write_all(b"000000000007-3.parquet\n").unwrap();
    let opened = FactLog::open(&folder.path().join("facts"), schema());
    assert!(matches!(opened, Err(FactError::Damaged { .. })), "{opened:?}");
}
