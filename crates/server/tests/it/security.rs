//! No other site's page reads or changes anything through a reader's browser.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use serde_json::json;

use crate::world::World;

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers
        .iter()
        .fold(Request::get(path), |r, (name, value)| r.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_bind_a_browser() {
    let world = World::new().await;
    for path in [
        "/",
        "/k/metric/revenue",
        "/k/metric/revenue.csv",
        "/k/report/monthly.html",
        "/assets/style.css",
        "/assets/none.css",
        "/health",
        "/nowhere",
        "/api/v1/definitions",
        "/api/v1/nowhere",
        "/api/v1/openapi.json",
    ] {
        let response = world.send(get(path, &[])).await;
        let value = |name: &str| {
            let value = response.headers().get(name);
            value
                .unwrap_or_else(|| panic!("{path}: no {name}"))
                .to_str()
                .unwrap()
                .to_string()
        };
        let policy = value("content-security-policy");
        let rules: Vec<&str> = policy.split(';').map(str::trim).collect();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(rules.contains(&rule), "{path}: {rule} in {policy}");
        }
        assert!(!policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(value("x-frame-options"), "DENY", "{path}");
        assert_eq!(value("referrer-policy"), "same-origin", "{path}");
        assert_eq!(value("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(
            response.headers().get("access-control-allow-origin").is_none(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_foreign_name_for_this_address_is_not_answered() {
    let world = World::new().await;
    for path in ["/", "/k/metric/revenue.json", "/health", "/api/v1/ledger/events"] {
        for host in ["evil.example", "evil.example:8111", "127.0.0.1.evil.example:8111"] {
            let response = world.send(get(path, &[("host", host)])).await;
            assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{path} at {host}");
            let text = text(response).await;
            assert!(text.contains("--allow-host"), "says what to do: {text}");
            assert!(!text.contains("revenue"), "{text}");
        }
        for host in ["127.0.0.1:8111", "[::1]:8111", "localhost:8111"] {
            let response = world.send(get(path, &[("host", host)])).await;
            assert_eq!(response.status(), StatusCode::OK, "{path} at {host}");
        }
    }
    let named = world.named("steward.corp");
    let at = |host| get("/", &[("host", host)]);
    assert_eq!(named.send(at("steward.corp")).await.status(), StatusCode::OK);
    assert_eq!(
        named.send(at("evil.example")).await.status(),
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test]
async fn changes_from_other_sites_are_refused_and_programs_are_not() {
    let world = World::new().await;
    let send = async |headers: &[(&str, &str)]| {
        let request = Request::post("/api/v1/apply").header("host", "127.0.0.1:8111");
        let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = json!({ "actor": "ada", "message": "opening" }).to_string();
        world.send(request.body(Body::from(body)).unwrap()).await
    };
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:9999")],
        &[("origin", "http://localhost:8111")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        let response = send(headers).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json",
            "{headers:?}"
        );
    }
    assert_eq!(world.context.ledger.count().await.unwrap(), 0);
    let own = [("origin", "http://127.0.0.1:8111"), ("sec-fetch-site", "same-origin")];
    for headers in [&own[..], &[]] {
        assert_eq!(send(headers).await.status(), StatusCode::OK, "{headers:?}");
    }
    assert_eq!(world.context.ledger.count().await.unwrap(), 1);
    // A link from elsewhere to a page is welcome.
    let link = world.send(get(
        "/",
        &[("host", "127.0.0.1:8111"), ("sec-fetch-site", "cross-site")],
    ));
    assert_eq!(link.await.status(), StatusCode::OK);
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let world = World::new().await;
    let long = "x".repeat(9 << 20);
    for path in ["/api/v1/sql", "/api/v1/stats/welch_t"] {
        let answer = world.post_json(path, &json!({ "sql": long })).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(answer.kind, "application/problem+json", "{path}");
    }
    let answer = world.post("/ledger/verify", &format!("actor={long}")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn no_address_leads_out_of_what_is_served() {
    let world = World::new().await;
    for path in [
        "/assets/../steward.yaml",
        "/assets/..%2fsteward.yaml",
        "/assets/%2e%2e%2fsteward.yaml",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/k/dataset/..%2f..%2fsteward",
        "/k/report/..%2freports%2fmonthly.html",
        "/data/orders.csv",
        "/steward.yaml",
        "/.steward/ledger.db",
    ] {
        let answer = world.answer(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
        assert!(!answer.text.contains("root:"), "{path}");
        assert!(!answer.text.contains("Corner shop"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn sql_reads_the_projects_datasets_and_nothing_else() {
    let world = World::new().await;
    let out = tempfile::tempdir().unwrap();
    let outside = out.path().join("outside.csv");
    std::fs::write(&outside, "column\nhidden\n").unwrap();
    let outside = outside.display();
    let written = out.path().join("written.csv");
    for sql in [
        format!("SELECT * FROM '{outside}'"),
        format!("SELECT * FROM \"{outside}\""),
        format!("SELECT * FROM read_csv('{outside}')"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{outside}'"),
        format!("COPY (SELECT 1) TO '{}'", written.display()),
        format!("COPY orders TO '{}'", written.display()),
        "SET datafusion.execution.batch_size = 1".to_string(),
        "DROP TABLE orders".to_string(),
        "INSERT INTO orders SELECT * FROM orders".to_string(),
        "SELECT 1; DROP TABLE orders".to_string(),
    ] {
        let answer = world.post_json("/api/v1/sql", &json!({ "sql": sql })).await;
        let refused = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::NOT_FOUND];
        assert!(refused.contains(&answer.status), "{sql}: {}", answer.text);
        assert!(!answer.text.contains("hidden"), "{sql}: {}", answer.text);
    }
    assert!(!written.exists());
    let count = world
        .post_json("/api/v1/sql", &json!({ "sql": "SELECT count(*) AS n FROM orders" }))
        .await;
    assert!(count.text.contains("350"), "{}", count.text);
}
