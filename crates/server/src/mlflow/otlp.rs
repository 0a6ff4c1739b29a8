//! `POST /v1/traces`: spans as OpenTelemetry's exporters send them, protobuf or JSON.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde_json::{Map, Value, json};
use steward_runs::grammar::TRACE_NAME;
use steward_runs::{Span, Trace};

use super::experiments::{number, store};
use super::{Code, MlflowError};
use crate::State;

/// The run group that spans go to, and the run.
const GROUP: &str = "x-mlflow-experiment-id";
const RUN: &str = "x-mlflow-run-id";

/// Messages of `opentelemetry.proto`, the fields that are kept.
mod message {
    use prost::{Message, Oneof};

    #[derive(Clone, PartialEq, Message)]
    pub struct Export {
        #[prost(message, repeated, tag = "1")]
        pub resource_spans: Vec<ResourceSpans>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct ResourceSpans {
        #[prost(message, optional, tag = "1")]
        pub resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub scope_spans: Vec<ScopeSpans>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct ScopeSpans {
        #[prost(message, repeated, tag = "2")]
        pub spans: Vec<Span>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Span {
        #[prost(bytes = "vec", tag = "1")]
        pub trace_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")]
        pub span_id: Vec<u8>,
        #[prost(string, tag = "3")]
        pub trace_state: String,
        #[prost(bytes = "vec", tag = "4")]
        pub parent_span_id: Vec<u8>,
        #[prost(string, tag = "5")]
        pub name: String,
        #[prost(int32, tag = "6")]
        pub kind: i32,
        #[prost(fixed64, tag = "7")]
        pub start_time_unix_nano: u64,
        #[prost(fixed64, tag = "8")]
        pub end_time_unix_nano: u64,
        #[prost(message, repeated, tag = "9")]
        pub attributes: Vec<KeyValue>,
        #[prost(message, repeated, tag = "11")]
        pub events: Vec<Event>,
        #[prost(message, repeated, tag = "13")]
        pub links: Vec<Link>,
        #[prost(message, optional, tag = "15")]
        pub status: Option<Status>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Event {
        #[prost(fixed64, tag = "1")]
        pub time_unix_nano: u64,
        #[prost(string, tag = "2")]
        pub name: String,
        #[prost(message, repeated, tag = "3")]
        pub attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Link {
        #[prost(bytes = "vec", tag = "1")]
        pub trace_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")]
        pub span_id: Vec<u8>,
        #[prost(message, repeated, tag = "4")]
        pub attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Status {
        #[prost(string, tag = "2")]
        pub message: String,
        #[prost(int32, tag = "3")]
        pub code: i32,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct KeyValue {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(message, optional, tag = "2")]
        pub value: Option<AnyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct AnyValue {
        #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 6, 7")]
        pub value: Option<Any>,
    }

    #[derive(Clone, PartialEq, Oneof)]
    pub enum Any {
        #[prost(string, tag = "1")]
        Text(String),
        #[prost(bool, tag = "2")]
        Flag(bool),
        #[prost(int64, tag = "3")]
        Int(i64),
        #[prost(double, tag = "4")]
        Float(f64),
        #[prost(message, tag = "5")]
        List(Values),
        #[prost(message, tag = "6")]
        Map(Pairs),
        #[prost(bytes, tag = "7")]
        Bytes(Vec<u8>),
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Values {
        #[prost(message, repeated, tag = "1")]
        pub values: Vec<AnyValue>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub struct Pairs {
        #[prost(message, repeated, tag = "1")]
        pub values: Vec<KeyValue>,
    }
}

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const STATUSES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |i: usize| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).filter_map(digit).collect()
}

fn any(value: Option<&message::AnyValue>) -> Value {
    use message::Any;
    match value.and_then(|v| v.value.as_ref()) {
        None => Value::Null,
        Some(Any::Text(text)) => json!(text),
        Some(Any::Flag(flag)) => json!(flag),
        Some(Any::Int(int)) => json!(int),
        Some(Any::Float(float)) => json!(float),
        Some(Any::List(all)) => all.values.iter().map(|v| any(Some(v))).collect(),
        Some(Any::Map(all)) => Value::Object(pairs(&all.values)),
        Some(Any::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
    }
}

fn pairs(all: &[message::KeyValue]) -> Map<String, Value> {
    all.iter().map(|kv| (kv.key.clone(), any(kv.value.as_ref()))).collect()
}

/// A span as it is kept.
fn kept(span: &message::Span, resource: &Map<String, Value>) -> Value {
    let status = span.status.clone().unwrap_or_default();
    let of = |names: &[&'static str], at: i32| {
        usize::try_from(at)
            .ok()
            .and_then(|i| names.get(i).copied())
            .unwrap_or(names[0])
    };
    json!({
        "trace_id": hex(&span.trace_id),
        "span_id": hex(&span.span_id),
        "parent_span_id": hex(&span.parent_span_id),
        "trace_state": span.trace_state,
        "name": span.name,
        "kind": of(&KINDS, span.kind),
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "attributes": pairs(&span.attributes),
        "events": span.events.iter().map(|e| json!({
            "name": e.name, "time_unix_nano": e.time_unix_nano, "attributes": pairs(&e.attributes),
        })).collect::<Vec<_>>(),
        "links": span.links.iter().map(|l| json!({
            "trace_id": hex(&l.trace_id), "span_id": hex(&l.span_id), "attributes": pairs(&l.attributes),
        })).collect::<Vec<_>>(),
        "status": { "code": of(&STATUSES, status.code), "message": status.message },
        "resource": resource,
    })
}

/// A span in the shape of OpenTelemetry's message, in JSON.
pub fn span_shape(span: &Span) -> Value {
    let doc = &span.doc;
    let id = |name: &str| json!(STANDARD.encode(unhex(doc[name].as_str().unwrap_or_default())));
    let mut shape = json!({
        "trace_id": id("trace_id"),
        "span_id": id("span_id"),
        "name": doc["name"],
        "kind": doc["kind"],
        "start_time_unix_nano": doc["start_time_unix_nano"],
        "end_time_unix_nano": doc["end_time_unix_nano"],
        "attributes": attributes_shape(&doc["attributes"]),
        "status": doc["status"],
    });
    if doc["parent_span_id"].as_str().is_some_and(|p| !p.is_empty()) {
        shape["parent_span_id"] = id("parent_span_id");
    }
    if let Some(events) = doc["events"].as_array().filter(|e| !e.is_empty()) {
        let all = events.iter().map(|e| {
            json!({ "name": e["name"], "time_unix_nano": e["time_unix_nano"],
                    "attributes": attributes_shape(&e["attributes"]) })
        });
        shape["events"] = all.collect();
    }
    shape
}

fn attributes_shape(all: &Value) -> Value {
    let all = all.as_object().into_iter().flatten();
    all.map(|(key, value)| json!({ "key": key, "value": any_shape(value) }))
        .collect()
}

fn any_shape(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(flag) => json!({ "bool_value": flag }),
        Value::Number(n) if n.is_f64() => json!({ "double_value": n }),
        Value::Number(n) => json!({ "int_value": n }),
        Value::String(text) => json!({ "string_value": text }),
        Value::Array(all) => json!({ "array_value": { "values": all.iter().map(any_shape).collect::<Vec<_>>() } }),
        Value::Object(_) => json!({ "kvlist_value": { "values": attributes_shape(value) } }),
    }
}

/// Reads the JSON form of an export: the same message with ids in hexadecimal digits.
fn from_json(body: &[u8]) -> Option<message::Export> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let nanos = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let enumerated = |value: &Value, names: &[&str]| -> i32 {
        let by_name = || {
            names
                .iter()
                .position(|n| value.as_str() == Some(n))
                .and_then(|i| i32::try_from(i).ok())
        };
        value
            .as_i64()
            .and_then(|n| i32::try_from(n).ok())
            .or_else(by_name)
            .unwrap_or(0)
    };
    let span = |s: &Value| message::Span {
        trace_id: unhex(s["traceId"].as_str().unwrap_or_default()),
        span_id: unhex(s["spanId"].as_str().unwrap_or_default()),
        trace_state: text(&s["traceState"]),
        parent_span_id: unhex(s["parentSpanId"].as_str().unwrap_or_default()),
        name: text(&s["name"]),
        kind: enumerated(&s["kind"], &KINDS),
        start_time_unix_nano: nanos(&s["startTimeUnixNano"]),
        end_time_unix_nano: nanos(&s["endTimeUnixNano"]),
        attributes: pairs_of(&s["attributes"]),
        events: list(&s["events"])
            .iter()
            .map(|e| message::Event {
                time_unix_nano: nanos(&e["timeUnixNano"]),
                name: text(&e["name"]),
                attributes: pairs_of(&e["attributes"]),
            })
            .collect(),
        links: Vec::new(),
        status: s.get("status").map(|status| message::Status {
            message: text(&status["message"]),
            code: enumerated(&status["code"], &STATUSES),
        }),
    };
    let resources = list(&document["resourceSpans"]);
    let resource_spans = resources.iter().map(|r| message::ResourceSpans {
        resource: Some(message::Resource {
            attributes: pairs_of(&r["resource"]["attributes"]),
        }),
        scope_spans: list(&r["scopeSpans"])
            .iter()
            .map(|scope| message::ScopeSpans {
                spans: list(&scope["spans"]).iter().map(span).collect(),
            })
            .collect(),
    });
    Some(message::Export {
        resource_spans: resource_spans.collect(),
    })
}

fn pairs_of(value: &Value) -> Vec<message::KeyValue> {
    let all = value.as_array().into_iter().flatten();
    all.map(|kv| message::KeyValue {
        key: kv["key"].as_str().unwrap_or_default().to_owned(),
        value: Some(any_of(&kv["value"])),
    })
    .collect()
}

fn any_of(value: &Value) -> message::AnyValue {
    use message::Any;
    let found = value.as_object().and_then(|fields| fields.iter().next());
    let value = found.and_then(|(kind, v)| {
        Some(match kind.as_str() {
            "stringValue" => Any::Text(v.as_str()?.to_owned()),
            "boolValue" => Any::Flag(v.as_bool()?),
            "intValue" => Any::Int(v.as_i64().or_else(|| v.as_str()?.parse().ok())?),
            "doubleValue" => Any::Float(v.as_f64()?),
            "arrayValue" => Any::List(message::Values {
                values: v["values"].as_array().into_iter().flatten().map(any_of).collect(),
            }),
            "kvlistValue" => Any::Map(message::Pairs {
                values: pairs_of(&v["values"]),
            }),
            "bytesValue" => Any::Bytes(STANDARD.decode(v.as_str()?).ok()?),
            _ => return None,
        })
    });
    message::AnyValue { value }
}

/// What a trace says by its spans: when it began, how long it took, how it ended, its name, what was asked and answered.
fn tell(trace: &mut Trace, spans: &[&Span], run: Option<&str>) {
    let ns = |span: &Span, name: &str| span.doc[name].as_u64().unwrap_or(0);
    let first = spans.iter().map(|s| ns(s, "start_time_unix_nano")).min().unwrap_or(0) / 1_000_000;
    let first = i64::try_from(first).unwrap_or(0);
    let last = spans.iter().map(|s| ns(s, "end_time_unix_nano")).max().unwrap_or(0) / 1_000_000;
    let last = i64::try_from(last).unwrap_or(0);
    let end = trace.took_ms.map_or(last, |_| last.max(trace.end_ms()));
    trace.at_ms = if trace.at_ms == 0 {
        first
    } else {
        first.min(trace.at_ms)
    };
    if end > 0 {
        trace.took_ms = Some(end.saturating_sub(trace.at_ms).max(0));
    }
    trace
        .tags
        .insert("mlflow.trace.spansLocation".into(), "TRACKING_STORE".into());
    if let Some(run) = run {
        trace
            .metadata
            .entry("mlflow.sourceRun".into())
            .or_insert_with(|| run.to_owned());
    }
    let root = spans
        .iter()
        .find(|s| s.doc["parent_span_id"].as_str().unwrap_or_default().is_empty());
    let Some(root) = root else { return };
    if trace.state == "IN_PROGRESS" && ns(root, "end_time_unix_nano") > 0 {
        trace.state = match root.doc["status"]["code"].as_str() {
            Some("STATUS_CODE_ERROR") => "ERROR",
            _ => "OK",
        }
        .into();
    }
    let name = root.doc["name"].as_str().unwrap_or_default();
    trace.tags.entry(TRACE_NAME.into()).or_insert_with(|| name.to_owned());
    let preview = |key: &str| {
        let value = root.doc["attributes"].get(key)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(text.chars().take(1000).collect::<String>())
    };
    trace.asked = trace.asked.take().or_else(|| preview("mlflow.spanInputs"));
    trace.answered = trace.answered.take().or_else(|| preview("mlflow.spanOutputs"));
}

/// A trace's id: MLflow's clients name it in an attribute; others have it of OpenTelemetry's.
fn trace_id(span: &message::Span) -> String {
    let named = span
        .attributes
        .iter()
        .find(|a| a.key == "mlflow.traceRequestId")
        .map(|a| any(a.value.as_ref()));
    let named = named.and_then(|v| {
        v.as_str()
            .map(|t| serde_json::from_str::<String>(t).unwrap_or_else(|_| t.to_owned()))
    });
    named.unwrap_or_else(|| format!("tr-{}", hex(&span.trace_id)))
}

/// `POST /v1/traces`.
pub async fn export(Shared(state): Shared<State>, headers: HeaderMap, body: Bytes) -> Result<Response, MlflowError> {
    let bad = |detail: &str| MlflowError::new(Code::BadRequest, detail);
    let told = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let group =
        told(GROUP).ok_or_else(|| bad("the header X-Mlflow-Experiment-Id must say which experiment it is for"))?;
    let group = number(group)?;
    let run = told(RUN).map(str::to_owned);
    let kind = told(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let body = match told(header::CONTENT_ENCODING.as_str()) {
        None | Some("identity") => body,
        Some(other) => {
            return Err(bad(&format!(
                "Content-Encoding {other} is not taken: send the spans as they are"
            )));
        }
    };
    let export = match kind {
        "application/x-protobuf" => message::Export::decode(body).ok(),
        "application/json" => from_json(&body),
        other => {
            return Err(bad(&format!(
                "Invalid Content-Type: {other}. Expected: application/x-protobuf or application/json"
            )));
        }
    };
    let export = export.ok_or_else(|| bad("Invalid OpenTelemetry format"))?;
    if export.resource_spans.is_empty() {
        return Err(bad("Invalid OpenTelemetry format - no spans found"));
    }
    let mut spans = Vec::new();
    for resource in &export.resource_spans {
        let of = resource
            .resource
            .as_ref()
            .map(|r| pairs(&r.attributes))
            .unwrap_or_default();
        for span in resource.scope_spans.iter().flat_map(|s| &s.spans) {
            if span.trace_id.len() != 16 || span.span_id.len() != 8 {
                return Err(bad(
                    "Invalid OpenTelemetry format: a trace id has 16 bytes and a span id 8",
                ));
            }
            spans.push(Span {
                trace: trace_id(span),
                id: hex(&span.span_id),
                started_ns: i64::try_from(span.start_time_unix_nano).unwrap_or(i64::MAX),
                doc: kept(span, &of),
            });
        }
    }
    let told = move |trace: &mut Trace, spans: &[&Span]| tell(trace, spans, run.as_deref());
    store(&state).await?.put_spans(group, spans, told).await?;
    let none = BTreeMap::<String, String>::new();
    Ok(match kind {
        "application/json" => (StatusCode::OK, axum::Json(none)).into_response(),
        // An empty message is no bytes.
        _ => (StatusCode::OK, [(header::CONTENT_TYPE, "application/x-protobuf")], "").into_response(),
    })
}
