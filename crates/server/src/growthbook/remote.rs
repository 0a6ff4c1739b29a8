//! `POST /api/eval/{key}`: features evaluated here, so that rules stay here.
//!
//! Sticky buckets are kept by whoever asks: with `stickyBucketAssignmentDocs` (as the SDKs keep them) splits honour them,
//! and the answer has those that changed.

use axum::extract::rejection::StringRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use steward_capabilities::flags::{Assigned, Live, Observer, Sticky, Subject, Value, parse_json};

use crate::State;
use crate::error::problem;

/// Assignments made, to be tracked by the client.
#[derive(Default)]
struct Tracks(Vec<Value>);

impl<'a> Observer<'a> for Tracks {
    fn viewed(&mut self, assigned: &Assigned<'a>) {
        let track = Value::Map(vec![
            ("experiment".into(), assigned.definition.clone()),
            ("result".into(), result(assigned)),
        ]);
        if !self.0.contains(&track) {
            self.0.push(track);
        }
    }
}

/// An assignment in the SDKs' words.
fn result(assigned: &Assigned<'_>) -> Value {
    #[allow(clippy::cast_precision_loss)]
    let variation = Value::Number(assigned.variation as f64);
    let mut fields = vec![
        ("key".into(), Value::text(assigned.key)),
        ("featureId".into(), Value::text(assigned.feature)),
        ("inExperiment".into(), Value::Bool(assigned.in_experiment)),
        ("hashUsed".into(), Value::Bool(assigned.hash_used)),
        ("variationId".into(), variation),
        ("value".into(), assigned.value.clone()),
        ("hashAttribute".into(), Value::text(assigned.attribute)),
        ("hashValue".into(), assigned.unit.clone()),
        ("stickyBucketUsed".into(), Value::Bool(assigned.sticky)),
    ];
    if let Some(name) = assigned.name {
        fields.push(("name".into(), Value::text(name)));
    }
    if let Some(bucket) = assigned.bucket {
        fields.push(("bucket".into(), Value::Number(bucket)));
    }
    if assigned.passthrough {
        fields.push(("passthrough".into(), Value::Bool(true)));
    }
    Value::Map(fields)
}

/// Every feature with its value for one unit; what was assigned is tracked by the client.
pub async fn evaluate(
    Shared(state): Shared<State>,
    Path(key): Path<String>,
    body: Result<String, StringRejection>,
) -> Response {
    let (live, _) = match super::connection(&state, &key).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!(
                "a context has at most {} bytes: send the attributes that flags ask for",
                super::CONTEXT_LIMIT
            );
            return problem(StatusCode::PAYLOAD_TOO_LARGE, &detail);
        }
        Err(rejection) => return problem(rejection.status(), &rejection.body_text()),
    };
    let asked = match parse_json(&body) {
        Ok(asked @ Value::Map(_)) => asked,
        Ok(_) => {
            return problem(
                StatusCode::BAD_REQUEST,
                "the body is no JSON object; send {\"attributes\": {…}}",
            );
        }
        Err(e) => return problem(StatusCode::BAD_REQUEST, &format!("the body is no JSON: {e}")),
    };
    match answer(&live, &asked) {
        Ok(text) => (
            [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            text,
        )
            .into_response(),
        Err(detail) => problem(StatusCode::BAD_REQUEST, &detail),
    }
}

fn answer(live: &Live, asked: &Value) -> Result<String, String> {
    let nothing = Value::Map(Vec::new());
    let map = |key: &str| match asked.get(key) {
        None | Some(Value::Null) => Ok(nothing.clone()),
        Some(map @ Value::Map(_)) => Ok(map.clone()),
        Some(_) => Err(format!("`{key}` is no JSON object")),
    };
    let (attributes, variations) = (map("attributes")?, map("forcedVariations")?);
    let forced = match asked.get("forcedFeatures") {
        None | Some(Value::Null) => nothing.clone(),
        Some(map @ Value::Map(_)) => map.clone(),
        Some(list) => Value::map(list.items().iter().filter_map(|pair| match pair.items() {
            [Value::Text(name), value] => Some((name.clone(), value.clone())),
            _ => None,
        })),
    };
    let mut sticky = match asked.get("stickyBucketAssignmentDocs") {
        None | Some(Value::Null) => None,
        Some(docs @ Value::Map(_)) => Some(Sticky::from_docs(docs)),
        Some(_) => return Err("`stickyBucketAssignmentDocs` is no JSON object".to_owned()),
    };
    let mut features = Vec::with_capacity(live.flags().len());
    for flag in live.flags() {
        let mut subject = Subject {
            url: asked.get("url").and_then(Value::as_str).unwrap_or(""),
            forced_variations: &variations,
            forced_values: &forced,
            sticky: sticky.as_mut(),
            ..Subject::new(&attributes)
        };
        let mut tracks = Tracks::default();
        let Some(answer) = live.explain(&flag.name, &mut subject, &mut tracks) else {
            continue;
        };
        let mut feature = vec![("defaultValue".into(), answer.value.clone())];
        if !tracks.0.is_empty() {
            let rule = Value::Map(vec![
                ("id".into(), Value::text(answer.rule)),
                ("force".into(), answer.value.clone()),
                ("tracks".into(), Value::List(tracks.0)),
            ]);
            feature.push(("rules".into(), Value::List(vec![rule])));
        }
        features.push((flag.name.clone(), Value::Map(feature)));
    }
    let features = Value::Map(features).to_json();
    Ok(match sticky {
        None => format!(r#"{{"status":200,"features":{features}}}"#),
        Some(sticky) => {
            let changed = sticky.changed().into_iter().map(|(key, doc)| (key.into(), doc));
            let docs = Value::map(changed).to_json();
            format!(r#"{{"status":200,"features":{features},"stickyBucketAssignmentDocs":{docs}}}"#)
        }
    })
}
