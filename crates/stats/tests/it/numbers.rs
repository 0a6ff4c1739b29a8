//! Golden files and how close a number must be.

use serde_json::Value;
use steward_stats::{Estimate, Moments};

pub fn load(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn num(v: &Value) -> f64 {
    v.as_f64().unwrap_or_else(|| panic!("{v} is no number"))
}

pub fn nums(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(num).collect()
}

pub fn ids(v: &Value) -> Vec<u64> {
    v.as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
}

pub fn rows(v: &Value) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(nums).collect()
}

pub fn flags(v: &Value) -> Vec<bool> {
    v.as_array().unwrap().iter().map(|x| x.as_bool().unwrap()).collect()
}

pub fn cases(v: &Value) -> &Vec<Value> {
    v.as_array().unwrap()
}

/// Moments of rows of variables.
pub fn moments<'a>(rows: impl IntoIterator<Item = &'a [f64]>) -> Moments {
    let mut rows = rows.into_iter().peekable();
    let mut m = Moments::empty(rows.peek().map_or(1, |r| r.len()));
    rows.for_each(|r| m.push(r));
    m
}

#[track_caller]
pub fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let scale = theirs.abs().max(1e-300);
    assert!(
        (ours - theirs).abs() <= tolerance * scale,
        "{what}: {ours:e} is not {theirs:e}"
    );
}

/// Every field of `theirs` that an estimate has: `point`, `se`, `low`, `high`, `df`, `p`.
#[track_caller]
pub fn agrees(what: &str, ours: &Estimate, theirs: &Value, tolerance: f64) {
    for (field, value) in theirs.as_object().unwrap() {
        let mine = match field.as_str() {
            "point" => ours.point,
            "se" => ours.se,
            "low" => ours.low,
            "high" => ours.high,
            "df" => ours.df.unwrap(),
            "p" => ours.p.unwrap(),
            _ => continue,
        };
        // A relative error e of t is about t²·e of a far-tail p.
        let slack = if field == "p" {
            tolerance * (1.0 + (ours.point / ours.se).powi(2))
        } else {
            tolerance
        };
        close(&format!("{what}.{field}"), mine, num(value), slack);
    }
}
