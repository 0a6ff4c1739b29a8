//! What every store does, wherever it is.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use steward_artifacts::{ArtifactError, ArtifactStore, Name, Part, Place, Span};

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A folder and what stands in for a bucket.
fn stores() -> (tempfile::TempDir, [ArtifactStore; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let local = ArtifactStore::open(&Place::Folder(folder.path().join("store"))).unwrap();
    (folder, [local, ArtifactStore::in_memory()])
}

pub async fn bytes(store: &ArtifactStore, at: &str, span: Span) -> Result<Vec<u8>, ArtifactError> {
    let content = store.get(&name(at), &span).await?;
    let range = content.range.clone();
    let all: Vec<u8> = content
        .chunks
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await?;
    assert_eq!(all.len() as u64, range.end - range.start);
    Ok(all)
}

async fn names(store: &ArtifactStore, folder: &str) -> Vec<String> {
    let found = store.list(&name(folder)).await.unwrap();
    let shown = found.iter().map(|e| match e.folder {
        true => format!("{}/", e.name),
        false => format!("{} {}", e.name, e.size),
    });
    shown.collect()
}

fn pieces(size: usize, of: usize) -> Vec<Result<Bytes, String>> {
    let byte = |at: usize| u8::try_from(at * 31 % 251).unwrap();
    let all: Vec<u8> = (0..size).map(byte).collect();
    all.chunks(of).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

#[tokio::test]
async fn what_is_kept_is_listed_read_and_removed() {
    let (_folder, stores) = stores();
    for store in stores {
        assert!(names(&store, "").await.is_empty(), "a new store is empty");
        // `printf hello | sha256sum`
        let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let stored = store.write(&name("1/run/artifacts/hello.txt"), "hello").await.unwrap();
        assert_eq!((stored.size, stored.sha256.as_deref()), (5, Some(hello)));
        store
            .write(&name("1/run/artifacts/model/ünïcode 文 100%.bin"), "x")
            .await
            .unwrap();
        store.write(&name("1/run/artifacts/model/empty"), "").await.unwrap();
        assert_eq!(names(&store, "").await, ["1/"]);
        assert_eq!(
            names(&store, "1/run/artifacts").await,
            ["1/run/artifacts/hello.txt 5", "1/run/artifacts/model/"]
        );
        assert_eq!(
            names(&store, "1/run/artifacts/model").await,
            [
                "1/run/artifacts/model/empty 0",
                "1/run/artifacts/model/ünïcode 文 100%.bin 1"
            ]
        );
        assert!(names(&store, "1/ru").await.is_empty(), "a prefix is no folder");
        assert!(
            names(&store, "1/run/artifacts/hello.txt").await.is_empty(),
            "nothing lies in a file"
        );
        assert_eq!(
            bytes(&store, "1/run/artifacts/hello.txt", Span::All).await.unwrap(),
            b"hello"
        );
        assert_eq!(
            bytes(&store, "1/run/artifacts/model/empty", Span::All).await.unwrap(),
            b""
        );
        assert_eq!(store.sha256(&name("1/run/artifacts/hello.txt")).await.unwrap(), hello);
        let walked = store.walk(&name("1")).await.unwrap();
        assert_eq!(walked.iter().map(|e| e.size).sum::<u64>(), 6);
        assert_eq!(walked.len(), 3);
        let missing = store.get(&name("1/run/artifacts/model"), &Span::All).await.err();
        assert!(
            matches!(missing, Some(ArtifactError::Missing { .. })),
            "a folder is no file: {missing:?}"
        );
        assert_eq!(store.delete(&name("1/run/artifacts/model")).await.unwrap(), 2);
        assert_eq!(store.delete(&name("1/run/artifacts/model")).await.unwrap(), 0);
        assert_eq!(names(&store, "1/run/artifacts").await, ["1/run/artifacts/hello.txt 5"]);
        assert_eq!(store.delete(&name("1/run/artifacts/hello.txt")).await.unwrap(), 1);
        assert!(bytes(&store, "1/run/artifacts/hello.txt", Span::All).await.is_err());
    }
}

#[tokio::test]
async fn ranges_are_those_of_the_file() {
    let (_folder, stores) = stores();
    for store in stores {
        store.write(&name("a"), "0123456789").await.unwrap();
        for (span, wanted) in [
            (Span::From(7), "789"),
            (Span::Between(2..5), "234"),
            (Span::Between(8..99), "89"),
            (Span::Last(4), "6789"),
            (Span::Last(40), "0123456789"),
        ] {
            assert_eq!(bytes(&store, "a", span).await.unwrap(), wanted.as_bytes());
        }
        for outside in [Span::From(10), Span::Between(10..12), Span::Last(0)] {
            let refused = bytes(&store, "a", outside).await;
            assert!(
                matches!(refused, Err(ArtifactError::Range { size: 10, .. })),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_is_kept_whole_or_not_at_all() {
    let (_folder, stores) = stores();
    for store in stores {
        store.write(&name("kept"), "before").await.unwrap();
        // Larger than what a bucket takes in one request, so that parts are on their way when it ends.
        let mut broken = pieces(9 << 20, 1 << 20);
        broken.push(Err("the client went away".to_string()));
        for at in ["kept", "new/file"] {
            let refused = store.put(&name(at), futures::stream::iter(broken.clone())).await;
            assert!(matches!(refused, Err(ArtifactError::Interrupted { .. })), "{refused:?}");
        }
        assert_eq!(bytes(&store, "kept", Span::All).await.unwrap(), b"before");
        assert_eq!(names(&store, "").await, ["kept 6"]);
    }
}

/// Pieces that must not be asked for after their end, as those of a request's body.
fn ending_once(pieces: Vec<Result<Bytes, String>>) -> impl futures::Stream<Item = Result<Bytes, String>> + Send {
    futures::stream::unfold(pieces.into_iter(), |mut left| async move { Some((left.next()?, left)) })
}

#[tokio::test]
async fn large_files_pass_in_pieces() {
    let (_folder, stores) = stores();
    for store in stores {
        let sent = pieces((17 << 20) + 5, 100_000);
        let all: Vec<u8> = sent.iter().flat_map(|piece| piece.clone().unwrap()).collect();
        let stored = store.put(&name("large"), ending_once(sent)).await.unwrap();
        assert_eq!(stored.size, all.len() as u64);
        assert_eq!(bytes(&store, "large", Span::All).await.unwrap(), all);
        assert_eq!(store.sha256(&name("large")).await.unwrap(), stored.sha256.unwrap());
    }
}

#[tokio::test]
async fn parts_are_put_together_in_their_order() {
    let (_folder, stores) = stores();
    for store in stores {
        let at = name("m/whole");
        let id = store.create_upload(&at).await.unwrap();
        let mut parts = Vec::new();
        for (number, text) in [(1, "hello "), (2, "world"), (3, "!")] {
            let one: [Result<Bytes, String>; 1] = [Ok(text.into())];
            let tag = store
                .put_part(&at, &id, number, futures::stream::iter(one))
                .await
                .unwrap();
            parts.push(Part { number, tag });
        }
        parts.swap(0, 1);
        let unordered = store.complete_upload(&at, &id, &parts).await;
        assert!(matches!(unordered, Err(ArtifactError::Upload { .. })), "{unordered:?}");
        assert!(names(&store, "").await.is_empty());
        parts.swap(0, 1);
        assert_eq!(store.complete_upload(&at, &id, &parts).await.unwrap().size, 12);
        assert_eq!(bytes(&store, "m/whole", Span::All).await.unwrap(), b"hello world!");
        // `printf 'hello world!' | sha256sum`
        let digest = "7509e5bda0c762d2bac7f90d758b5b2263fa01ccbc542ab5e3df163be08e6ca9";
        assert_eq!(store.sha256(&at).await.unwrap(), digest);
        assert!(
            store.complete_upload(&at, &id, &parts).await.is_err(),
            "an upload is completed once"
        );

        let id = store.create_upload(&at).await.unwrap();
        store.abort_upload(&at, &id).await.unwrap();
        let gone = store.put_part(&at, &id, 1, futures::stream::iter(pieces(1, 1))).await;
        assert!(gone.is_err(), "an upload that was given up takes no parts");
    }
}

#[tokio::test]
async fn the_digest_of_a_folder_changes_with_names_and_bytes() {
    let (_folder, stores) = stores();
    for store in stores {
        assert_eq!(store.folder_sha256(&name("m")).await.unwrap(), None);
        store.write(&name("m/MLmodel"), "flavors").await.unwrap();
        store.write(&name("m/data/model.bin"), "weights").await.unwrap();
        // `sha256sum MLmodel data/model.bin | sha256sum`
        let first = store.folder_sha256(&name("m")).await.unwrap();
        assert_eq!(
            first.as_deref(),
            Some("d3f79569ca93ad61d29b24b91c3e1a3f37b704161d65dd372478425597a424db")
        );
        store.write(&name("m/data/model.bin"), "weightz").await.unwrap();
        let second = store.folder_sha256(&name("m")).await.unwrap();
        assert_ne!(first, second);
        store.write(&name("m/data/model.bin"), "weights").await.unwrap();
        assert_eq!(store.folder_sha256(&name("m")).await.unwrap(), first);
    }
}

#[tokio::test]
async fn what_is_written_at_once_is_one_of_both() {
    let (_folder, stores) = stores();
    for store in stores {
        let writes = (0..16_u8).map(|n| {
            let (store, text) = (store.clone(), vec![n; 300_000]);
            async move { store.write(&name("same"), text).await.unwrap() }
        });
        futures::stream::iter(writes)
            .buffer_unordered(16)
            .collect::<Vec<_>>()
            .await;
        let kept = bytes(&store, "same", Span::All).await.unwrap();
        assert_eq!(kept.len(), 300_000);
        assert!(kept.iter().all(|b| *b == kept[0]));
        let noted = store.sha256(&name("same")).await.unwrap();
        let again = store.write(&name("copy"), kept).await.unwrap();
        assert_eq!(Some(noted), again.sha256, "the digest is of the bytes that are there");
    }
}
