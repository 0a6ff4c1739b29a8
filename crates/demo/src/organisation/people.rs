//! Fourteen people, twelve skills, nine initiatives and their objectives.

use std::path::Path;

use crate::DemoError;
use crate::calendar::ymd;
use crate::columns::{dates, doubles, ints, longs, texts, texts_or};
use crate::write::{Finished, Layout, Store, write_table};

const PEOPLE_TABLE: Layout = Layout {
    name: "people",
    columns: &[
        ("person", Store::Text),
        ("full_name", Store::Text),
        ("email", Store::Text),
        ("team", Store::Text),
        ("role", Store::Text),
        ("manager?", Store::Text),
        ("start_date", Store::Date),
        ("country", Store::Text),
        ("weekly_hours", Store::Int),
        ("hourly_cost_cents", Store::Long),
    ],
};
const SKILLS_TABLE: Layout = Layout {
    name: "skills",
    columns: &[("person", Store::Text), ("skill", Store::Text), ("level", Store::Int)],
};
const PROJECTS_TABLE: Layout = Layout {
    name: "projects",
    columns: &[
        ("project", Store::Text),
        ("title", Store::Text),
        ("owner", Store::Text),
        ("objective", Store::Text),
        ("status", Store::Text),
        ("start_date", Store::Date),
        ("due_date", Store::Date),
        ("budget_cents", Store::Long),
    ],
};
const OKRS_TABLE: Layout = Layout {
    name: "okrs",
    columns: &[
        ("objective", Store::Text),
        ("key_result", Store::Text),
        ("metric", Store::Text),
        ("owner", Store::Text),
        ("start_date", Store::Date),
        ("end_date", Store::Date),
        ("target", Store::Double),
    ],
};

/// Handle, name, team, role, manager, first day, country, hours, cents an hour.
type Person = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    i32,
    &'static str,
    i32,
    i64,
);

#[rustfmt::skip]
pub(super) const PEOPLE: [Person; 14] = [
    ("mara", "Mara Lindqvist", "leadership", "Head of data science", None, ymd(2019, 4, 1), "DE", 40, 9_800),
    ("tomas", "Tomas Brandt", "growth", "Lead scientist, experimentation", Some("mara"), ymd(2020, 2, 1), "DE", 40, 8_200),
    ("ines", "Ines Carvalho", "growth", "Data scientist", Some("tomas"), ymd(2021, 9, 1), "ES", 40, 6_600),
    ("jonas", "Jonas Weber", "growth", "Data scientist", Some("tomas"), ymd(2022, 6, 1), "DE", 32, 6_400),
    ("aiko", "Aiko Tanaka", "ranking", "Lead scientist, ranking", Some("mara"), ymd(2020, 10, 1), "NL", 40, 8_400),
    ("milan", "Milan Horvat", "ranking", "Machine-learning engineer", Some("aiko"), ymd(2021, 3, 1), "AT", 40, 7_200),
    ("nora", "Nora Schmitt", "ranking", "Data scientist", Some("aiko"), ymd(2023, 1, 1), "DE", 40, 6_100),
    ("lea", "Lea Fontaine", "retention", "Lead scientist, retention", Some("mara"), ymd(2020, 5, 1), "FR", 40, 8_100),
    ("oskar", "Oskar Nilsen", "retention", "Data scientist", Some("lea"), ymd(2022, 11, 1), "DE", 40, 6_300),
    ("priya", "Priya Nair", "platform", "Lead engineer, platform", Some("mara"), ymd(2019, 11, 1), "NL", 40, 8_600),
    ("ruben", "Ruben de Wit", "platform", "Data engineer", Some("priya"), ymd(2021, 7, 1), "NL", 40, 7_000),
    ("sofia", "Sofia Marin", "platform", "Analytics engineer", Some("priya"), ymd(2022, 2, 1), "ES", 36, 6_200),
    ("theo", "Theo Garnier", "analytics", "Lead analyst", Some("mara"), ymd(2020, 9, 1), "FR", 40, 7_400),
    ("yara", "Yara Haddad", "analytics", "Analyst", Some("theo"), ymd(2023, 5, 1), "DE", 40, 5_600),
];
/// Twelve skills.
const SKILLS: [&str; 12] = [
    "experimentation",
    "causal inference",
    "forecasting",
    "ranking",
    "churn modelling",
    "customer value",
    "sql",
    "rust",
    "data engineering",
    "ml operations",
    "visualisation",
    "privacy",
];

/// Name, title, owner, objective, status, first day, due day, budget in cents.
type Project = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i32,
    i32,
    i64,
);

#[rustfmt::skip]
pub(super) const PROJECTS: [Project; 9] = [
    ("checkout", "One-page checkout", "tomas", "grow_profitably", "done", ymd(2025, 5, 1), ymd(2025, 8, 31), 9_000_000),
    ("free_shipping", "Free shipping threshold", "ines", "grow_profitably", "stopped", ymd(2025, 1, 15), ymd(2025, 4, 15), 4_000_000),
    ("save_offer", "Save offer for subscribers at risk", "lea", "keep_subscribers", "running", ymd(2025, 2, 1), ymd(2026, 1, 31), 6_000_000),
    ("recommender_v2", "Recommender, version 2", "aiko", "grow_profitably", "stopped", ymd(2025, 1, 1), ymd(2025, 6, 15), 14_000_000),
    ("search_rank", "Learning to rank in search", "aiko", "grow_profitably", "done", ymd(2025, 3, 1), ymd(2025, 7, 15), 11_000_000),
    ("pricing_page", "New pricing page", "jonas", "keep_subscribers", "done", ymd(2025, 6, 15), ymd(2025, 10, 15), 3_500_000),
    ("onboarding", "Guided onboarding", "ines", "grow_profitably", "running", ymd(2025, 7, 1), ymd(2026, 2, 28), 5_000_000),
    ("delivery_slots", "Delivery slots in four cities", "theo", "deliver_on_time", "running", ymd(2025, 9, 1), ymd(2026, 3, 31), 8_000_000),
    ("ticket_triage", "Ticket triage by a language model", "oskar", "deliver_on_time", "running", ymd(2025, 2, 15), ymd(2026, 1, 31), 5_500_000),
];

/// Objective, key result, metric, owner, first and last day, target.
type Okr = (&'static str, &'static str, &'static str, &'static str, i32, i32, f64);

#[rustfmt::skip]
const OKRS: [Okr; 7] = [
    ("grow_profitably", "revenue", "revenue", "tomas", ymd(2025, 10, 1), ymd(2025, 12, 31), 850_000.0),
    ("grow_profitably", "margin_rate", "margin_rate", "tomas", ymd(2025, 10, 1), ymd(2025, 12, 31), 0.32),
    ("grow_profitably", "conversion", "conversion_rate", "ines", ymd(2025, 10, 1), ymd(2025, 12, 31), 0.044),
    ("keep_subscribers", "churn", "monthly_churn", "lea", ymd(2025, 10, 1), ymd(2025, 12, 31), 0.05),
    ("keep_subscribers", "new_subscriptions", "new_subscriptions", "lea", ymd(2025, 10, 1), ymd(2025, 12, 31), 2_600.0),
    ("deliver_on_time", "late_deliveries", "late_delivery_rate", "theo", ymd(2025, 10, 1), ymd(2025, 12, 31), 0.05),
    ("deliver_on_time", "satisfaction", "satisfaction", "oskar", ymd(2025, 10, 1), ymd(2025, 12, 31), 4.3),
];

/// Writes people, skills, projects and okrs.
pub(super) fn write(dir: &Path) -> Result<Vec<Finished>, DemoError> {
    let people = vec![
        texts(PEOPLE.iter().map(|p| p.0)),
        texts(PEOPLE.iter().map(|p| p.1)),
        texts(PEOPLE.iter().map(|p| format!("{}@larkspur.example", p.0))),
        texts(PEOPLE.iter().map(|p| p.2)),
        texts(PEOPLE.iter().map(|p| p.3)),
        texts_or(PEOPLE.iter().map(|p| p.4)),
        dates(PEOPLE.iter().map(|p| p.5)),
        texts(PEOPLE.iter().map(|p| p.6)),
        ints(PEOPLE.iter().map(|p| p.7).collect()),
        longs(PEOPLE.iter().map(|p| p.8).collect()),
    ];
    // Everyone has three to five skills in a fixed pattern; four skills are held by one person only, which a look
    // at coverage must find.
    let mut held: Vec<(&str, &str, i32)> = Vec::new();
    for (n, person) in PEOPLE.iter().enumerate() {
        for (k, skill) in SKILLS.iter().enumerate() {
            let scarce = k % 3 == 2;
            let has = if scarce { n == k } else { (n * 5 + k * 7) % 11 < 4 };
            if has {
                held.push((person.0, *skill, 1 + ((n * 3 + k) % 4) as i32));
            }
        }
    }
    let skills = vec![
        texts(held.iter().map(|s| s.0)),
        texts(held.iter().map(|s| s.1)),
        ints(held.iter().map(|s| s.2).collect()),
    ];
    let projects = vec![
        texts(PROJECTS.iter().map(|p| p.0)),
        texts(PROJECTS.iter().map(|p| p.1)),
        texts(PROJECTS.iter().map(|p| p.2)),
        texts(PROJECTS.iter().map(|p| p.3)),
        texts(PROJECTS.iter().map(|p| p.4)),
        dates(PROJECTS.iter().map(|p| p.5)),
        dates(PROJECTS.iter().map(|p| p.6)),
        longs(PROJECTS.iter().map(|p| p.7).collect()),
    ];
    let okrs = vec![
        texts(OKRS.iter().map(|o| o.0)),
        texts(OKRS.iter().map(|o| o.1)),
        texts(OKRS.iter().map(|o| o.2)),
        texts(OKRS.iter().map(|o| o.3)),
        dates(OKRS.iter().map(|o| o.4)),
        dates(OKRS.iter().map(|o| o.5)),
        doubles(OKRS.iter().map(|o| o.6).collect()),
    ];
    Ok(vec![
        write_table(dir, &PEOPLE_TABLE, people)?,
        write_table(dir, &SKILLS_TABLE, skills)?,
        write_table(dir, &PROJECTS_TABLE, projects)?,
        write_table(dir, &OKRS_TABLE, okrs)?,
    ])
}
