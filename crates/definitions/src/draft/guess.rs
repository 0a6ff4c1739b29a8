//! What a column probably is, from its name and figures.

use super::{Guess, Role, thousands};

/// Figures of a column.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Name, as in the file.
    pub name: &'a str,
    /// ODCS logical type.
    pub logical_type: &'a str,
    /// Rows of the table.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// Different values.
    pub distinct: u64,
    /// Smallest and largest number, if it is one.
    pub range: Option<(f64, f64)>,
    /// Whether all numbers are whole.
    pub whole: bool,
    /// Some values (for texts): looked at, never kept.
    pub samples: &'a [String],
}

const VARIANT_WORDS: [&str; 14] = [
    "variant",
    "variation",
    "arm",
    "treatment",
    "segment",
    "group",
    "grp",
    "abtest",
    "ab",
    "testgroup",
    "bucket",
    "cohort",
    "experiment",
    "test",
];
/// What nothing but the control of an experiment is called.
const CONTROL_VALUES: [&str; 3] = ["control", "placebo", "baseline"];
const MONEY_WORDS: [&str; 20] = [
    "amount", "charge", "charges", "cost", "costs", "fee", "gross", "income", "margin", "net", "paid", "payment",
    "price", "profit", "refund", "revenue", "salary", "spend", "spent", "value",
];

/// The likeliest role. Reasons name what was seen, so that a person can judge them.
pub fn guess(facts: &Facts<'_>) -> Guess {
    let personal = personal(facts);
    let (role, reason) = role(facts, personal.is_some());
    Guess {
        role,
        reason,
        personal: personal.map(str::to_owned),
    }
}

fn role(facts: &Facts<'_>, personal: bool) -> (Role, String) {
    let words = words(facts.name);
    let has = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
    let filled = facts.rows.saturating_sub(facts.nulls);
    let seen = format!(
        "{} distinct values in {} rows",
        thousands(facts.distinct),
        thousands(facts.rows)
    );
    let number = matches!(facts.logical_type, "integer" | "number");
    let text = facts.logical_type == "string";
    if filled == 0 {
        return (Role::Empty, "no row has a value".to_owned());
    }
    if facts.distinct <= 1 && facts.rows > 1 {
        return (Role::Constant, "every row has the same value".to_owned());
    }
    if matches!(facts.logical_type, "date" | "timestamp") && !personal {
        return (Role::Time, format!("a {}", facts.logical_type));
    }
    let flag = facts.logical_type == "boolean"
        || (number && facts.whole && facts.distinct == 2 && facts.range == Some((0.0, 1.0)));
    if flag {
        let values = if number { "only 0 and 1" } else { "true or false" };
        return (Role::Flag, values.to_owned());
    }
    let unique = facts.nulls == 0 && facts.distinct == facts.rows;
    let named_id = words
        .last()
        .is_some_and(|w| matches!(w.as_str(), "id" | "key" | "uuid" | "guid" | "number" | "no" | "code"))
        || facts.name.ends_with("ID")
        || facts.name.ends_with("Id");
    if unique && facts.rows > 1 && (text || facts.whole) && (named_id || (text && !personal)) {
        return (Role::Key, seen);
    }
    if named_id && facts.distinct > 20 && (text || facts.whole) {
        return (Role::Unit, format!("{seen}, and its name"));
    }
    if text && (2..=10).contains(&facts.distinct) {
        return if has(&VARIANT_WORDS) {
            (
                Role::Variant,
                format!("{} distinct values, and its name", facts.distinct),
            )
        } else if facts.samples.iter().any(|v| control(v)) {
            (
                Role::Variant,
                format!("{} distinct values, one of them named like a control", facts.distinct),
            )
        } else {
            (Role::Category, seen)
        };
    }
    if number {
        if has(&MONEY_WORDS) {
            return (Role::Money, "its name".to_owned());
        }
        return (Role::Quantity, seen);
    }
    if text && facts.distinct <= 200 && facts.distinct.saturating_mul(5) <= facts.rows {
        return (Role::Category, seen);
    }
    (Role::Text, seen)
}

/// Whether a value is named like a control.
fn control(value: &str) -> bool {
    words(value).iter().any(|w| CONTROL_VALUES.contains(&w.as_str()))
}

/// Kind of personal data, by name or by the look of the values.
fn personal(facts: &Facts<'_>) -> Option<&'static str> {
    let words = words(facts.name);
    let has = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
    let text = facts.logical_type == "string";
    let most = |test: fn(&str) -> bool| {
        let hits = facts.samples.iter().filter(|s| test(s.trim())).count();
        hits > 0 && hits * 10 >= facts.samples.len() * 8
    };
    if (text && has(&["email", "mail"]) && most(is_email)) || (text && most(is_email)) {
        return Some("email");
    }
    if text && most(is_iban) {
        return Some("iban");
    }
    if text && most(is_ip) {
        return Some("ip");
    }
    if has(&["phone", "mobile", "telephone", "fax"]) && most(is_phone) {
        return Some("phone");
    }
    if has(&["birth", "birthday", "birthdate", "dob"]) {
        return Some("birth");
    }
    let person = ["firstname", "lastname", "surname", "fullname"];
    let joined = words.join("");
    if text && (person.iter().any(|p| joined.contains(p)) || (joined == "name" && facts.distinct > 50)) {
        return Some("name");
    }
    if text && has(&["street", "address"]) && !has(&["ip", "mail", "email"]) {
        return Some("address");
    }
    None
}

fn is_email(s: &str) -> bool {
    s.split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !s.contains(' ') && !host.contains('@'))
}

fn is_iban(s: &str) -> bool {
    let s: String = s.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = s.as_bytes();
    (15..=34).contains(&bytes.len())
        && matches!(bytes, [a, b, c, d, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit())
        && s.chars().all(|c| c.is_ascii_alphanumeric())
        && bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 10
}

fn is_ip(s: &str) -> bool {
    s.parse::<std::net::IpAddr>().is_ok()
}

fn is_phone(s: &str) -> bool {
    let digits = s.chars().filter(char::is_ascii_digit).count();
    (6..=16).contains(&digits) && s.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c))
}

/// `customerID` and `first_name` by words, lower case.
fn words(name: &str) -> Vec<String> {
    let mut all: Vec<String> = vec![String::new()];
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower_before) {
            all.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = all.last_mut()
        {
            last.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase();
    }
    all.retain(|w| !w.is_empty());
    all
}
