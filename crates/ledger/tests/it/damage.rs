//! Files that are no ledger, damaged, newer, or cannot be written.

use std::fs;
use std::path::Path;

use steward_ledger::{Filter, Ledger, LedgerError};

use crate::common::{clock, decision, open, tamper};

async fn refusal(folder: &Path) -> LedgerError {
    Ledger::open(folder, clock()).await.map(|_| ()).unwrap_err()
}

async fn filled(folder: &Path, events: u64) {
    let ledger = open(folder).await;
    ledger.append((0..events).map(decision).collect()).await.unwrap();
    ledger.close().await;
    assert!(!folder.join("ledger.db-wal").exists());
}

fn says(error: &LedgerError, words: &[&str]) {
    let text = error.to_string();
    assert!(matches!(error, LedgerError::Store { .. }), "{error:?}");
    assert!(
        text.contains("ledger.db") && words.iter().all(|word| text.contains(word)),
        "{text}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    for content in [&b"order,amount\n1,20\n"[..], &[0u8; 8192][..], &[0xa5u8; 70_000][..]] {
        fs::write(&path, content).unwrap();
        says(&refusal(folder.path()).await, &["not a"]);
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::write(&path, b"").unwrap();
    says(&refusal(folder.path()).await, &["empty", "restore"]);
    fs::remove_file(&path).unwrap();
    tamper_create(&path).await;
    says(&refusal(folder.path()).await, &["not a Steward ledger"]);
}

async fn tamper_create(path: &Path) {
    use sqlx::{ConnectOptions, Connection, Executor};
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute("CREATE TABLE orders (id INTEGER)").await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 1).await;
    tamper(folder.path(), "PRAGMA user_version = 7").await;
    let error = refusal(folder.path()).await;
    assert!(
        matches!(error, LedgerError::Newer { found: 7, known: 1, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer steward"), "{error}");
    tamper(folder.path(), "PRAGMA user_version = 0").await;
    says(&refusal(folder.path()).await, &["format 0"]);
}

#[tokio::test]
async fn a_file_gone_from_beside_its_log_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ledger.db-wal"), b"left over").unwrap();
    says(&refusal(folder.path()).await, &["gone", "backup"]);
    assert!(!folder.path().join("ledger.db").exists());
}

#[tokio::test]
async fn a_truncated_file_is_an_error_wherever_it_is_cut() {
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path(), 400).await;
    let bytes = fs::read(whole.path().join("ledger.db")).unwrap();
    for tenth in 1..10 {
        let folder = tempfile::tempdir().unwrap();
        let cut = bytes.len() * tenth / 10;
        fs::write(folder.path().join("ledger.db"), &bytes[..cut]).unwrap();
        let error = match Ledger::open(folder.path(), clock()).await {
            Err(error) => error,
            Ok(ledger) => ledger.verify(None).await.unwrap_err(),
        };
        says(&error, &["backup"]);
    }
}

#[tokio::test]
async fn garbage_anywhere_in_the_file_never_verifies_as_something_else() {
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path(), 400).await;
    let intact = open(whole.path()).await.verify(None).await.unwrap();
    let bytes = fs::read(whole.path().join("ledger.db")).unwrap();
    let mut refused = 0;
    let pages = bytes.len() / 4096;
    for page in (0..pages).step_by(pages / 12) {
        let folder = tempfile::tempdir().unwrap();
        let mut damaged = bytes.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0x5a);
        fs::write(folder.path().join("ledger.db"), &damaged).unwrap();
        let outcome = match Ledger::open(folder.path(), clock()).await {
            Err(error) => Err(error),
            Ok(ledger) => ledger.verify(Some(&intact.head)).await,
        };
        match outcome {
            // A page that nothing uses.
            Ok(verification) => assert_eq!(verification, intact),
            Err(_) => refused += 1,
        }
    }
    assert!(refused >= 10, "{refused}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_so() {
    // Even root cannot make a folder there.
    says(
        &refusal(Path::new("/proc/steward")).await,
        &["folder cannot be created"],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    says(&refusal(&file).await, &["folder cannot be created"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_ledger_is_refused_unless_the_system_lets_us_write_anyway() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3).await;
    let path = folder.path().join("ledger.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        eprintln!("SKIPPED: this user may write read-only files");
        return;
    }
    says(&refusal(folder.path()).await, &["writable"]);
}

#[cfg(unix)]
#[tokio::test]
async fn not_everybody_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger.append(vec![decision(1)]).await.unwrap();
    ledger.export(&folder.path().join("export.jsonl")).await.unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o007,
            0,
            "{:?}",
            entry.file_name()
        );
    }
}

#[tokio::test]
async fn two_that_create_at_once_get_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (0..6)
        .map(|n| {
            let folder = folder.path().to_path_buf();
            tokio::spawn(async move { open(&folder).await.append(vec![decision(n)]).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let ledger = open(folder.path()).await;
    assert_eq!(ledger.verify(None).await.unwrap().events, 6);
    assert_eq!(ledger.read(&Filter::default()).await.unwrap().len(), 6);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| name.to_string_lossy().starts_with("ledger.db")),
        "{left:?}"
    );
}
