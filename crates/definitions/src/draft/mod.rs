//! Drafts of definitions from what is known about a file: a contract, a semantic model with metrics, an experiment to
//! uncomment. Every guess is a comment, so that a person can keep or mend it. Pure: profiles in, text out.

mod contract;
mod experiment;
mod guess;
mod metrics;
mod project;
mod text;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use contract::contract;
pub use experiment::{experiment, likeliest_variant};
pub use guess::{Facts, guess};
pub use metrics::{Drafted, metrics};
pub use project::{readme, settings};
pub use text::{identifier, scalar};

/// What a column probably is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Identifies a row.
    Key,
    /// Identifies someone or something that rows belong to.
    Unit,
    /// When it happened.
    Time,
    /// The arm of an experiment.
    Variant,
    /// Money.
    Money,
    /// 0 or 1, true or false.
    Flag,
    /// A quantity.
    Quantity,
    /// A grouping attribute.
    Category,
    /// Free text.
    #[default]
    Text,
    /// Always the same value.
    Constant,
    /// Never filled.
    Empty,
}

/// A guess with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    /// What the column probably is.
    pub role: Role,
    /// Why, in a few words: `64,000 distinct values in 64,000 rows`.
    pub reason: String,
    /// Kind of personal data that it probably holds: `email`, `name`, `phone`, `address`, `iban`, `birth`, `ip`.
    pub personal: Option<String>,
}

/// What is known about a column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Name, as in the file.
    pub name: String,
    /// ODCS logical type.
    pub logical_type: String,
    /// Type as the file or engine names it.
    pub physical_type: Option<String>,
    /// Rows without a value.
    pub nulls: u64,
    /// Different values.
    pub distinct: u64,
    /// Smallest and largest value, printed; `None` for personal data.
    pub min: Option<String>,
    /// Largest value, printed.
    pub max: Option<String>,
    /// All values of a column of few; empty for others and for personal data.
    pub values: Vec<String>,
    /// What it probably is.
    pub guess: Guess,
}

/// What is known about a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Name of the dataset to be; made an [`identifier`] where it is none.
    pub name: String,
    /// `parquet`, `csv`, `json` (lines).
    pub format: String,
    /// Path relative to the project folder.
    pub path: String,
    /// CSV delimiter, if not a comma.
    pub delimiter: Option<char>,
    /// Text encoding, if not UTF-8.
    pub encoding: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Columns in order.
    pub columns: Vec<ColumnProfile>,
}

impl TableProfile {
    /// The name under which the table is drafted.
    pub fn dataset(&self) -> String {
        identifier(&self.name, "table")
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = &ColumnProfile> {
        self.columns.iter().filter(move |c| c.guess.role == role)
    }

    fn first(&self, role: Role) -> Option<&ColumnProfile> {
        self.with_role(role).next()
    }

    fn variant(&self) -> Option<&ColumnProfile> {
        let candidates = self.with_role(Role::Variant);
        likeliest_variant(candidates.map(|c| (c, c.values.iter().map(String::as_str).collect())))
    }
}

/// Names already given in a project: measures and metrics are unique in it.
pub type Taken = BTreeSet<String>;

/// `64000` → `64,000`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A comment of one line: what a person wrote elsewhere cannot leave it.
fn comment(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {}", clean.trim())
}

/// A name that is not taken yet: itself, else with the table's name before it, else numbered.
fn free(taken: &mut Taken, name: &str, table: &str) -> String {
    let mut candidate = name.to_owned();
    if taken.contains(&candidate) {
        candidate = format!("{table}_{name}");
    }
    let base = candidate.clone();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{base}_{number}");
        number += 1;
    }
    candidate
}
