//! Statistical methods as a calculator.

use std::io::{IsTerminal, Read};

use serde_json::Value;
use steward_capabilities::calculator;

use crate::failure::{Failure, Outcome};
use crate::output;

/// Lists methods, or computes one on the JSON document from standard input.
pub fn stats(method: Option<&str>, list: bool) -> Result<Outcome, Failure> {
    let found = method.map(calculator::find).transpose()?;
    let Some(method) = found.filter(|_| !list) else {
        let described: Vec<Value> = calculator::methods()
            .into_iter()
            .filter(|m| found.is_none_or(|f| f.name == m.name))
            .map(calculator::Method::describe)
            .collect();
        output::json(&described)?;
        return Ok(Outcome::Done);
    };
    let name = method.name;
    if std::io::stdin().is_terminal() {
        return Err(Failure::call(format!(
            "give the input as JSON on standard input: steward stats {name} < in.json; \
             its shape: steward stats {name} --list"
        )));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| Failure::call(format!("standard input cannot be read as text: {e}")))?;
    let answer = calculator::parse(&text)
        .and_then(|value| method.answer(&value))
        .map_err(|e| Failure::call(format!("{e}; the shape: steward stats {name} --list")))?;
    output::json(&answer.value)?;
    Ok(Outcome::of(answer.estimated))
}
