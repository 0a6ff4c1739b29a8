//! Secrets by reference: `env:NAME` or `file:PATH`. Their values are never printed.

use crate::failure::Failure;

/// The secret that a reference names.
pub fn resolve(reference: &str) -> Result<String, Failure> {
    match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|_| {
            Failure::call(format!(
                "the environment variable {name} is not set; the project's engine.url refers to it"
            ))
        }),
        Some(("file", path)) => std::fs::read_to_string(path)
            .map(|text| text.trim().to_string())
            .map_err(|e| Failure::world(format!("cannot read the secret in {path}: {e}"))),
        _ => Err(Failure::call(
            "a secret is given by reference, env:NAME or file:PATH, never as its value (see engine.url in steward.yaml)",
        )),
    }
}
