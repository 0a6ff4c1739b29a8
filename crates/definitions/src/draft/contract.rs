//! A draft of a contract in the Open Data Contract Standard 3.1.

use std::fmt::Write as _;

use super::{ColumnProfile, Role, TableProfile, comment, identifier, scalar, thousands};

/// Text for `datasets/NAME.yaml`.
pub fn contract(table: &TableProfile, owner: &str) -> String {
    let name = table.dataset();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}\n# Lines with \"guess\" want a look; say in a description what each column means.\napiVersion: v3.1.0\nkind: DataContract\nid: {name}\nname: {}\nversion: 0.1.0\nstatus: draft\nteam:\n  name: {owner}\n  members:\n    - username: {owner}\n      role: owner\nservers:\n  - server: project\n    type: local\n    path: {}\n    format: {}",
        comment(&format!(
            "Drafted from {}: {} rows, {} columns.",
            table.path,
            thousands(table.rows),
            table.columns.len()
        )),
        scalar(&table.name),
        scalar(&table.path),
        scalar(&table.format),
        owner = scalar(owner),
    );
    let mut custom: Vec<(&str, String)> = Vec::new();
    if let Some(delimiter) = table.delimiter.filter(|d| *d != ',') {
        custom.push((
            "delimiter",
            if delimiter == '\t' {
                "tab".to_owned()
            } else {
                delimiter.to_string()
            },
        ));
    }
    custom.extend(table.encoding.clone().map(|e| ("encoding", e)));
    if !custom.is_empty() {
        out.push_str("    customProperties:\n");
        for (property, value) in custom {
            let _ = writeln!(out, "      - property: {property}\n        value: {}", scalar(&value));
        }
    }
    let _ = write!(
        out,
        "schema:\n  - name: {name}\n    logicalType: object\n    physicalType: file\n    quality:\n      - id: {name}_has_rows\n        type: library\n        metric: rowCount\n        mustBeGreaterThan: 0\n    properties:\n"
    );
    let keys = table.with_role(Role::Key).count();
    for column in &table.columns {
        write_column(&mut out, table, column, keys == 1);
    }
    out
}

fn write_column(out: &mut String, table: &TableProfile, column: &ColumnProfile, key_is_sure: bool) {
    let guess = &column.guess;
    let _ = writeln!(out, "      - name: {}", scalar(&column.name));
    let what = match guess.role {
        Role::Key => "looks like the key of a row",
        Role::Unit => "looks like a unit identifier",
        Role::Time => "looks like the time of a row",
        Role::Variant => "looks like the variant of an experiment",
        Role::Money => "looks like money; say in which currency and unit",
        Role::Flag => "looks like a yes or no",
        Role::Quantity => "looks like a quantity",
        Role::Category => "looks like a category",
        Role::Text => "looks like free text",
        Role::Constant => "holds nothing that differs",
        Role::Empty => "holds nothing",
    };
    let _ = writeln!(out, "        {}", comment(&format!("guess: {what}: {}", guess.reason)));
    if let (Some(min), Some(max), None) = (&column.min, &column.max, &guess.personal) {
        let _ = writeln!(
            out,
            "        {}",
            comment(&format!("seen: {} to {}", short(min), short(max)))
        );
    }
    let _ = writeln!(out, "        logicalType: {}", scalar(&column.logical_type));
    if let Some(physical) = &column.physical_type {
        let _ = writeln!(out, "        physicalType: {}", scalar(physical));
    }
    if let Some(personal) = &guess.personal {
        let _ = writeln!(
            out,
            "        {}\n        classification: personal",
            comment(&format!("guess: looks like personal data ({personal})"))
        );
    }
    if table.rows > 0 {
        match column.nulls {
            0 => out.push_str("        required: true\n"),
            nulls => {
                let _ = writeln!(
                    out,
                    "        {}",
                    comment(&format!("{} rows have no value", thousands(nulls)))
                );
            }
        }
    }
    if guess.role == Role::Key {
        out.push_str("        unique: true\n");
        if key_is_sure {
            out.push_str("        primaryKey: true\n        primaryKeyPosition: 1\n");
        }
    }
    let few = matches!(guess.role, Role::Variant | Role::Category) && column.logical_type == "string";
    if few
        && guess.personal.is_none()
        && (1..=10).contains(&column.values.len())
        && column.values.len() as u64 == column.distinct
    {
        let _ = writeln!(
            out,
            "        quality:\n          {}\n          - id: {}_values\n            type: library\n            metric: invalidValues\n            mustBe: 0\n            arguments:\n              validValues:",
            comment("guess: no other values are to come"),
            identifier(&column.name, "column"),
        );
        for value in &column.values {
            let _ = writeln!(out, "                - {}", scalar(value));
        }
    }
}

fn short(text: &str) -> String {
    let mut cut: String = text.chars().take(40).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
