//! Problems as one JSON document.

use serde_json::{Value, json};

use super::{Diagnostic, Severity};

/// `{"errors": n, "warnings": n, "problems": [{severity, code, file, line, column, message, expected, hint}]}`.
pub fn to_json(problems: &[Diagnostic]) -> Value {
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let list: Vec<Value> = problems
        .iter()
        .map(|p| {
            json!({
                "severity": p.severity,
                "code": p.code,
                "file": p.span.file,
                "line": p.span.line,
                "column": p.span.column,
                "message": p.message,
                "expected": p.expected,
                "hint": p.hint,
            })
        })
        .collect();
    json!({ "errors": errors, "warnings": problems.len() - errors, "problems": list })
}
