//! Why did this unit get this?

use maud::{Markup, html};
use steward_capabilities::flags::{self, Explained, Live, Value};

use crate::format;

/// Largest set of attributes, in bytes.
const LIMIT: usize = 64 << 10;

/// The form, and the answer if it was asked.
pub fn tester(live: &Live, flag: &str, unit: &str, attributes: &str) -> Markup {
    let asked = !(unit.trim().is_empty() && attributes.trim().is_empty());
    let found = asked.then(|| explain(live, flag, unit.trim(), attributes.trim()));
    html! { section.card id="tester" aria-label="Tester" {
        h2 { "Why did this unit get this?" }
        form.sheet method="get" action="#tester" {
            label for="unit" { "Unit (its " code { "id" } ")" }
            input #unit name="unit" value=(unit) placeholder="u1";
            label for="attributes" { "Further attributes, as JSON" }
            textarea #attributes name="attributes" rows="2" placeholder=r#"{"country": "DE"}"# { (attributes) }
            button type="submit" { "Evaluate" }
        }
        @match &found {
            None => {},
            Some(Err(problem)) => p.bad-ink role="alert" { (problem) },
            Some(Ok(found)) => (answer(flag, found)),
        }
    } }
}

fn explain(live: &Live, flag: &str, unit: &str, attributes: &str) -> Result<Explained, String> {
    if attributes.len() > LIMIT {
        return Err(format!(
            "attributes have at most {LIMIT} bytes here: name those that the rules ask for"
        ));
    }
    let mut map = match attributes {
        "" => Vec::new(),
        text => match flags::parse_json(text) {
            Ok(Value::Map(map)) => map,
            Ok(_) => return Err("attributes are a JSON object, such as {\"country\": \"DE\"}".into()),
            Err(e) => return Err(format!("the attributes are no JSON: {e}")),
        },
    };
    if !unit.is_empty() {
        map.retain(|(key, _)| **key != *"id");
        map.insert(0, ("id".into(), Value::text(unit)));
    }
    flags::explain(live, flag, &Value::Map(map)).map_err(|e| e.to_string())
}

fn answer(flag: &str, found: &Explained) -> Markup {
    html! {
        p.big role="status" { code { (found.value.to_json()) } " " span.soft { "(" (found.variant) ")" } }
        p {
            (found.reason.as_str())
            @match &found.rule { Some(rule) => { " by " strong { (rule) } }, None => { ": no rule applies" } }
            @if let (Some(experiment), Some(bucket)) = (&found.experiment, found.bucket) { "; " (experiment) " hashes the unit to " (format::number(bucket)) }
            "."
        }
        @if !found.passed_over.is_empty() {
            p.soft { "Tried before:" }
            ol { @for p in &found.passed_over { li { @if p.flag != flag { (p.flag) ", " } strong { (p.rule) } ": " (p.because) } } }
        }
    }
}
