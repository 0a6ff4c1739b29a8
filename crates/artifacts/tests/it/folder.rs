//! What a folder does that a bucket cannot be asked.

use std::path::Path;

use futures::stream;
use steward_artifacts::{ArtifactError, ArtifactStore, Part, Place, Span};

use crate::suite::{bytes, name};

fn store(folder: &Path) -> ArtifactStore {
    ArtifactStore::open(&Place::Folder(folder.to_owned())).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_file_lies_under_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).write(&name("a/b.txt"), "x").await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("a/b.txt")).unwrap(), b"x");
}

#[tokio::test]
async fn a_digest_is_not_believed_of_other_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let first = store.write(&name("a"), "one").await.unwrap().sha256.unwrap();
    std::fs::write(folder.path().join("a"), "two").unwrap();
    let now = store.sha256(&name("a")).await.unwrap();
    assert_ne!(now, first);
    // `printf two | sha256sum`
    assert_eq!(now, "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
}

#[tokio::test]
async fn a_file_and_a_folder_do_not_share_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.write(&name("a/b"), "x").await.unwrap();
    for taken in ["a", "a/b/c"] {
        let refused = store.write(&name(taken), "y").await;
        assert!(
            matches!(refused, Err(ArtifactError::Conflict { .. })),
            "{taken}: {refused:?}"
        );
    }
    assert_eq!(bytes(&store, "a/b", Span::All).await.unwrap(), b"x");
}

#[cfg(unix)]
#[tokio::test]
async fn links_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let store = store(folder.path());
    store.write(&name("a"), "x").await.unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    assert!(store.get(&name("link/secret"), &Span::All).await.is_err());
    assert!(store.write(&name("link/new"), "y").await.is_err());
    assert!(store.list(&name("link")).await.unwrap().is_empty());
    assert_eq!(store.delete(&name("link")).await.unwrap(), 0);
    assert_eq!(store.delete(&name("")).await.unwrap(), 1);
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"s");
}

#[tokio::test]
async fn an_upload_that_is_broken_off_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let gone: [Result<bytes::Bytes, &str>; 2] = [Ok("half".into()), Err("gone")];
    assert!(store.put(&name("x/y"), stream::iter(gone)).await.is_err());
    // A task that is dropped in the middle, as when the client goes away.
    let never = stream::pending::<Result<bytes::Bytes, &str>>();
    let at = name("x/z");
    let put = store.put(&at, never);
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(50), put)
            .await
            .is_err()
    );
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_and_only_for_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (name("a"), name("b"));
    let one = || stream::iter([Ok::<_, String>(bytes::Bytes::from("x"))]);
    let (id, tag) = {
        let store = store(folder.path());
        let id = store.create_upload(&a).await.unwrap();
        let tag = store.put_part(&a, &id, 1, one()).await.unwrap();
        (id, tag)
    };
    let store = store(folder.path());
    assert!(store.put_part(&b, &id, 2, one()).await.is_err());
    assert!(store.put_part(&a, "../../etc", 2, one()).await.is_err());
    let parts = |tag: &str| {
        [Part {
            number: 1,
            tag: tag.to_string(),
        }]
    };
    for wrong in ["", "../name", &"0".repeat(64)] {
        assert!(
            store.complete_upload(&a, &id, &parts(wrong)).await.is_err(),
            "{wrong:?}"
        );
    }
    store.complete_upload(&a, &id, &parts(&tag)).await.unwrap();
    assert_eq!(bytes(&store, "a", Span::All).await.unwrap(), b"x");
}
