//! Problems as SARIF 2.1.0, which code hosts show beside the lines of a pull request.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Diagnostic, Severity};

/// One SARIF log with one run. Paths are relative to the project folder, columns count Unicode code points.
pub fn to_sarif(problems: &[Diagnostic]) -> Value {
    let codes: Vec<&str> = problems
        .iter()
        .map(|p| p.code.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let rules: Vec<Value> = codes.iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<Value> = problems.iter().map(|p| result(p, &codes)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "steward", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(problem: &Diagnostic, codes: &[&str]) -> Value {
    let mut text = problem.message.clone();
    for (lead, more) in [("expected ", &problem.expected), ("", &problem.hint)] {
        if let Some(more) = more {
            let _ = write!(text, "; {lead}{more}");
        }
    }
    let mut region = Map::new();
    if problem.span.line > 0 {
        region.insert("startLine".to_owned(), json!(problem.span.line));
        if problem.span.column > 0 {
            region.insert("startColumn".to_owned(), json!(problem.span.column));
        }
    }
    let mut physical = json!({ "artifactLocation": { "uri": uri(&problem.span.file) } });
    if let (false, Some(map)) = (region.is_empty(), physical.as_object_mut()) {
        map.insert("region".to_owned(), Value::Object(region));
    }
    json!({
        "ruleId": problem.code,
        "ruleIndex": codes.iter().position(|c| *c == problem.code),
        "level": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": { "text": text },
        "locations": [{ "physicalLocation": physical }],
    })
}

/// A relative path as a URI reference (RFC 3986): everything but unreserved characters and slashes is escaped.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
