//! Files through the server.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;

use super::ask;
use crate::world::World;

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

async fn send(
    world: &World,
    method: Method,
    path: &str,
    body: &[u8],
    range: Option<&str>,
) -> (StatusCode, header::HeaderMap, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(range) = range {
        request = request.header(header::RANGE, range);
    }
    let response = world.send(request.body(Body::from(body.to_vec())).unwrap()).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, bytes.to_vec())
}

async fn put(world: &World, name: &str, body: &[u8]) -> StatusCode {
    send(world, Method::PUT, &format!("{FILES}/{name}"), body, None).await.0
}

#[tokio::test]
async fn files_are_kept_listed_sent_and_deleted() {
    let world = World::new().await;
    assert_eq!(
        put(&world, "1/r/artifacts/model/MLmodel", b"flavors").await,
        StatusCode::OK
    );
    assert_eq!(
        put(&world, "1/r/artifacts/%C3%BC.txt", b"0123456789").await,
        StatusCode::OK
    );
    let (_, listed) = ask(&world, "GET", &format!("{FILES}?path=1/r/artifacts"), &json!({})).await;
    let files = json!([
        { "path": "model", "is_dir": true },
        { "path": "ü.txt", "is_dir": false, "file_size": 10 },
    ]);
    assert_eq!(listed["files"], files);
    let path = format!("{FILES}/1/r/artifacts/%C3%BC.txt");
    let (status, headers, body) = send(&world, Method::GET, &path, b"", None).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"0123456789".as_slice()));
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename="), "{disposition}");
    let (status, headers, body) = send(&world, Method::GET, &path, b"", Some("bytes=2-4")).await;
    assert_eq!(
        (status, body.as_slice()),
        (StatusCode::PARTIAL_CONTENT, b"234".as_slice())
    );
    assert_eq!(headers["content-range"], "bytes 2-4/10");
    let (status, headers, _) = send(&world, Method::GET, &path, b"", Some("bytes=10-")).await;
    assert_eq!(
        (status, &headers["content-range"]),
        (StatusCode::RANGE_NOT_SATISFIABLE, &"bytes */10".parse().unwrap())
    );
    let (status, error) = ask(&world, "GET", &format!("{FILES}/1/r/artifacts/model"), &json!({})).await;
    assert_eq!((status, &error["error_code"]), (400, &json!("INVALID_PARAMETER_VALUE")));
    let (status, error) = ask(&world, "GET", &format!("{FILES}/1/r/nothing"), &json!({})).await;
    assert_eq!((status, &error["error_code"]), (404, &json!("RESOURCE_DOES_NOT_EXIST")));
    assert_eq!(
        send(
            &world,
            Method::DELETE,
            &format!("{FILES}/1/r/artifacts/model"),
            b"",
            None
        )
        .await
        .0,
        StatusCode::OK
    );
    let (_, listed) = ask(&world, "GET", &format!("{FILES}?path=1/r/artifacts/"), &json!({})).await;
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_name_leads_out_of_the_store() {
    let world = World::new().await;
    for name in [
        "..%2f..%2fetc/passwd",
        "%2e%2e/x",
        "a/%252e%252e/x",
        "C:/x",
        "a%5cb",
        "a%00b",
        "NUL",
        "a//b",
        "/etc/passwd",
        "a%23b",
        ".steward/sha256/x",
    ] {
        let status = put(&world, name, b"x").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}");
    }
    for path in ["..", "%2e%2e", "a/../..", "/etc"] {
        let (status, error) = ask(&world, "GET", &format!("{FILES}?path={path}"), &json!({})).await;
        assert_eq!(
            (status, &error["error_code"]),
            (400, &json!("INVALID_PARAMETER_VALUE")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_sent_to_its_end_is_not_there() {
    let world = World::new().await;
    let pieces = [Ok("half"), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(futures::stream::iter(pieces));
    let answer = world.ask(Request::put(format!("{FILES}/x")).body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(world.answer(&format!("{FILES}/x")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn large_files_are_sent_in_parts() {
    let world = World::new().await;
    let path = "/api/2.0/mlflow-artifacts/mpu/create/1/r/artifacts";
    let (status, created) = ask(
        &world,
        "POST",
        path,
        &json!({ "path": "/home/ada/big.bin", "num_parts": 2 }),
    )
    .await;
    assert_eq!(status, 200, "{created}");
    let mut parts = Vec::new();
    for (credential, text) in created["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["hello ", "world"])
    {
        let url = credential["url"].as_str().unwrap();
        let path = url.split_once("localhost").unwrap().1;
        let (status, headers, _) = send(&world, Method::PUT, path, text.as_bytes(), None).await;
        assert_eq!(status, StatusCode::OK, "{url}");
        let tag = headers["etag"].to_str().unwrap();
        parts.push(json!({ "part_number": credential["part_number"], "etag": tag, "url": url }));
    }
    let complete = json!({ "path": "/home/ada/big.bin", "upload_id": created["upload_id"], "parts": parts });
    let (status, done) = ask(&world, "POST", &path.replace("create", "complete"), &complete).await;
    assert_eq!(status, 200, "{done}");
    let (_, _, body) = send(
        &world,
        Method::GET,
        &format!("{FILES}/1/r/artifacts/big.bin"),
        b"",
        None,
    )
    .await;
    assert_eq!(body, b"hello world");
    let (status, error) = ask(
        &world,
        "GET",
        "/api/2.0/mlflow-artifacts/presigned/1/r/artifacts/big.bin",
        &json!({}),
    )
    .await;
    assert_eq!((status, &error["error_code"]), (501, &json!("NOT_IMPLEMENTED")));
}
