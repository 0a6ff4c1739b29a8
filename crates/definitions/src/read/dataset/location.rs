//! Where a dataset's rows are, from `servers`.

use super::{Contract, keys, shape};
use crate::decode::MapReader;
use crate::yaml::Node;
use crate::{Dataset, Diagnostic, Location, Settings};

/// A server of the contract.
pub(super) struct Server {
    name: String,
    kind: String,
    path: Option<(String, crate::Span)>,
    format: Option<String>,
    delimiter: Option<char>,
    encoding: Option<String>,
    /// Of a database: where its tables are.
    schema: Option<String>,
    span: crate::Span,
}

/// Databases, where a dataset is a table under its physical name.
const DATABASES: &[&str] = &["postgres", "postgresql", "duckdb", "custom"];

pub(super) fn read_servers(contract: &Contract<'_>, map: &mut MapReader<'_>) -> Vec<Server> {
    let mut servers: Vec<Server> = Vec::new();
    for mut server in map.maps("servers") {
        let name = server.required_text("server");
        server.rename(format!("the server `{name}`"));
        let kind = shape::server(&mut server);
        shape::custom_properties(contract, &mut server);
        server.ignore(keys::SERVER);
        let custom = |key: &str| custom_property(server.node(), key);
        let (delimiter, encoding) = (custom("delimiter"), custom("encoding"));
        let mut one = Server {
            name,
            kind,
            path: None,
            format: None,
            delimiter: None,
            encoding: None,
            schema: server.node().get("schema").and_then(Node::as_str).map(str::to_owned),
            span: server.span(),
        };
        server.ignore(&["customProperties"]);
        if one.kind == "local" {
            let span = server.value_span("path");
            one.path = Some((server.required_text("path"), span));
            one.format = read_format(&mut server);
            one.delimiter = delimiter.and_then(|node| read_delimiter(contract, node));
            one.encoding = encoding.and_then(|node| contract.decoder.text(node, "`encoding`"));
            hint_properties(contract, &mut server);
            server.finish();
        }
        // Other types have many keys of their own, which the standard checks better than we would.
        if servers.iter().any(|s| s.name == one.name) {
            contract.decoder.report(Diagnostic::error(
                "duplicate-name",
                one.span,
                format!("the server `{}` is given twice", one.name),
            ));
        } else {
            servers.push(one);
        }
    }
    servers
}

/// `delimiter` and `encoding` are no keys of a local server in the standard: they go under `customProperties`.
fn hint_properties(contract: &Contract<'_>, server: &mut MapReader<'_>) {
    for key in ["delimiter", "encoding"] {
        if server.has(key) {
            let problem = Diagnostic::error(
                "unknown-key",
                contract.decoder.span(server.key_place(key)),
                format!("unknown key `{key}` in {}", server.what()),
            );
            contract.decoder.report(problem.hint(format!(
                "write it under `customProperties` as `- {{property: {key}, value: …}}`"
            )));
            server.ignore(&[key]);
        }
    }
}

fn read_format(server: &mut MapReader<'_>) -> Option<String> {
    server.required("format")?;
    let format = server.choice("format", &["parquet", "csv", "json", "jsonl", "ndjson"])?;
    Some(if matches!(format.as_str(), "jsonl" | "ndjson") {
        "json".to_owned()
    } else {
        format
    })
}

fn read_delimiter(contract: &Contract<'_>, node: &Node) -> Option<char> {
    let text = contract.decoder.text(node, "`delimiter`")?;
    let mut chars = text.chars();
    match (text.as_str(), chars.next(), chars.next()) {
        ("\\t" | "tab", _, _) => Some('\t'),
        (_, Some(c), None) if c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '"' | '\n' | '\r') => Some(c),
        _ => {
            contract.decoder.bad_value(
                node,
                format!("`delimiter` is `{text}`"),
                "one character such as `;`, `|` or `tab`",
            );
            None
        }
    }
}

/// The value of a custom property: a list of `{property, value}`, as the standard has it.
pub(super) fn custom_property<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let properties = node.get("customProperties")?;
    properties
        .items()
        .iter()
        .find(|p| p.get("property").and_then(Node::as_str) == Some(key))
        .and_then(|p| p.get("value"))
}

/// Sets the dataset's location: the server named as the dataset, else the first that can be read. The project's engine
/// prefers servers of its own kind, so that a contract may name the files and the database.
pub(super) fn place(
    contract: &Contract<'_>,
    map: &MapReader<'_>,
    servers: &[Server],
    dataset: &mut Dataset,
    reader: &mut MapReader<'_>,
    objects: usize,
    settings: &Settings,
) {
    let decoder = contract.decoder;
    let name = dataset.meta.name.clone();
    let table = reader.text("physicalName").unwrap_or_else(|| name.clone());
    let own = servers.iter().find(|s| s.name == name);
    let is_database = |s: &&Server| DATABASES.contains(&s.kind.as_str());
    let local = || servers.iter().find(|s| s.kind == "local");
    let database = || servers.iter().find(is_database);
    let table_at = |schema: Option<&str>, span| Location {
        format: "table".to_owned(),
        path: match schema {
            Some(schema) if !table.contains('.') => format!("{schema}.{table}"),
            _ => table.clone(),
        },
        span,
        ..Location::default()
    };
    let chosen = if settings.engine.kind == "postgres" {
        own.filter(is_database).or_else(database).or(own).or_else(local)
    } else {
        own.or_else(local).or_else(database)
    };
    let Some(server) = chosen else {
        let span = map.value_span("servers");
        let (message, hint) = match servers.first() {
            Some(other) => (
                format!(
                    "none of the contract's servers can be read; `{}` is of type `{}`",
                    other.name, other.kind
                ),
                "add a server of `type: local`, or of the database that `steward.yaml` names",
            ),
            None => (
                "the contract names no server".to_owned(),
                "add `servers:` with `type: local`, `path` and `format`",
            ),
        };
        decoder.report(Diagnostic::warning("no-location", span.clone(), message).hint(hint));
        dataset.location = table_at(None, span);
        return;
    };
    let Some((path, span)) = &server.path else {
        dataset.location = table_at(server.schema.as_deref(), server.span.clone());
        return;
    };
    let replaced = path.replace("{model}", &name);
    if replaced == *path && objects > 1 && own.is_none() {
        let problem = Diagnostic::error(
            "shared-path",
            span.clone(),
            format!("the {objects} datasets of the contract would all be read from `{path}`"),
        );
        decoder.report(problem.hint(
            "write `{model}` in the path for the dataset's name, or add a server for each dataset, named as it is",
        ));
    }
    let path = clean(&replaced);
    if !settings.allow_outside && leaves(&path) {
        let problem = Diagnostic::error(
            "path-outside",
            span.clone(),
            format!("the path `{replaced}` leaves the project folder"),
        );
        decoder.report(
            problem
                .expected("a path relative to the project folder")
                .hint("move the file in, or set `allow_outside: true` in `steward.yaml`"),
        );
    }
    dataset.location = Location {
        format: server.format.clone().unwrap_or_else(|| "parquet".to_owned()),
        path,
        delimiter: server.delimiter,
        encoding: server.encoding.clone(),
        span: span.clone(),
    };
}

fn clean(path: &str) -> String {
    let mut path = path.trim();
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    path.to_owned()
}

/// Whether a path is absolute, an address, or climbs out with `..`.
fn leaves(path: &str) -> bool {
    let drive = path.get(1..2) == Some(":");
    let parts = || path.split(['/', '\\']);
    path.starts_with(['/', '\\', '~']) || drive || path.contains("://") || parts().any(|p| p == "..")
}
