//! Contracts with their notice periods, and public holidays.

use std::path::Path;

use crate::DemoError;
use crate::calendar::ymd;
use crate::columns::{bools, dates, ints, longs, texts};
use crate::write::{Finished, Layout, Store, write_table};

const CONTRACTS_TABLE: Layout = Layout {
    name: "contracts",
    columns: &[
        ("contract_id", Store::Text),
        ("supplier", Store::Text),
        ("subject", Store::Text),
        ("owner", Store::Text),
        ("start_date", Store::Date),
        ("term_months", Store::Int),
        ("tacit_renewal", Store::Bool),
        ("renewal_months", Store::Int),
        ("notice_months", Store::Int),
        ("annual_cost_cents", Store::Long),
    ],
};
const TRUE_CONTRACTS: Layout = Layout {
    name: "truth_contracts",
    columns: &[
        ("contract_id", Store::Text),
        ("first_end_exclusive", Store::Date),
        ("first_notice_by", Store::Date),
    ],
};
const HOLIDAYS_TABLE: Layout = Layout {
    name: "holidays",
    columns: &[("date", Store::Date), ("country", Store::Text), ("name", Store::Text)],
};

/// Id, supplier, subject, owner, (year, month) of the first day, months, renewal, notice, cents a year.
type Contract = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    (i32, u32),
    u32,
    u32,
    u32,
    i64,
);

#[rustfmt::skip]
const CONTRACTS: [Contract; 5] = [
    ("C-001", "Nimbus Cloud", "Cloud framework agreement", "priya", (2020, 8), 36, 12, 3, 18_000_000),
    ("C-002", "Polder Compute", "Batch compute", "ruben", (2023, 2), 24, 12, 2, 6_400_000),
    ("C-003", "Brightboard", "Dashboards", "theo", (2024, 4), 12, 12, 1, 2_900_000),
    ("C-004", "Papyrus Labels", "Annotation of tickets", "oskar", (2025, 3), 12, 0, 1, 1_800_000),
    ("C-005", "Fenwick Talent", "Recruiting", "mara", (2024, 9), 24, 6, 3, 3_600_000),
];

/// First day of the month so many months after a month's first day.
fn month_after((year, month): (i32, u32), months: u32) -> i32 {
    let all = year as u32 * 12 + month - 1 + months;
    ymd((all / 12) as i32, all % 12 + 1, 1)
}

/// Writes contracts and holidays.
pub(super) fn write(dir: &Path) -> Result<Vec<Finished>, DemoError> {
    let contracts = vec![
        texts(CONTRACTS.iter().map(|c| c.0)),
        texts(CONTRACTS.iter().map(|c| c.1)),
        texts(CONTRACTS.iter().map(|c| c.2)),
        texts(CONTRACTS.iter().map(|c| c.3)),
        dates(CONTRACTS.iter().map(|c| month_after(c.4, 0))),
        ints(CONTRACTS.iter().map(|c| c.5 as i32).collect()),
        bools(CONTRACTS.iter().map(|c| c.6 > 0).collect()),
        ints(CONTRACTS.iter().map(|c| c.6 as i32).collect()),
        ints(CONTRACTS.iter().map(|c| c.7 as i32).collect()),
        longs(CONTRACTS.iter().map(|c| c.8).collect()),
    ];
    let mut days: Vec<(i32, &str, &str)> = Vec::new();
    for year in 2023..=2026 {
        for (country, name, (month, day)) in FIXED {
            days.push((ymd(year, month, day), country, name));
        }
        let easter = easter(year);
        for (country, name, after) in MOVING {
            days.push((easter + after, country, name));
        }
    }
    days.sort_unstable();
    let holidays = vec![
        dates(days.iter().map(|d| d.0)),
        texts(days.iter().map(|d| d.1)),
        texts(days.iter().map(|d| d.2)),
    ];
    Ok(vec![
        write_table(dir, &CONTRACTS_TABLE, contracts)?,
        write_table(dir, &HOLIDAYS_TABLE, holidays)?,
    ])
}

/// Writes when contracts first end and by when notice is due.
pub(super) fn write_truth(dir: &Path) -> Result<Vec<Finished>, DemoError> {
    let arrays = vec![
        texts(CONTRACTS.iter().map(|c| c.0)),
        dates(CONTRACTS.iter().map(|c| month_after(c.4, c.5))),
        dates(CONTRACTS.iter().map(|c| month_after(c.4, c.5 - c.7))),
    ];
    Ok(vec![write_table(dir, &TRUE_CONTRACTS, arrays)?])
}

/// National holidays on the same date each year.
const FIXED: [(&str, &str, (u32, u32)); 30] = [
    ("DE", "Neujahr", (1, 1)),
    ("DE", "Tag der Arbeit", (5, 1)),
    ("DE", "Tag der Deutschen Einheit", (10, 3)),
    ("DE", "Erster Weihnachtstag", (12, 25)),
    ("DE", "Zweiter Weihnachtstag", (12, 26)),
    ("FR", "Jour de l'an", (1, 1)),
    ("FR", "Fete du travail", (5, 1)),
    ("FR", "Victoire 1945", (5, 8)),
    ("FR", "Fete nationale", (7, 14)),
    ("FR", "Assomption", (8, 15)),
    ("FR", "Toussaint", (11, 1)),
    ("FR", "Armistice 1918", (11, 11)),
    ("FR", "Noel", (12, 25)),
    ("ES", "Ano Nuevo", (1, 1)),
    ("ES", "Epifania", (1, 6)),
    ("ES", "Fiesta del Trabajo", (5, 1)),
    ("ES", "Asuncion", (8, 15)),
    ("ES", "Fiesta Nacional", (10, 12)),
    ("ES", "Constitucion", (12, 6)),
    ("ES", "Inmaculada", (12, 8)),
    ("ES", "Navidad", (12, 25)),
    ("NL", "Nieuwjaarsdag", (1, 1)),
    ("NL", "Eerste kerstdag", (12, 25)),
    ("NL", "Tweede kerstdag", (12, 26)),
    ("AT", "Neujahr", (1, 1)),
    ("AT", "Heilige Drei Koenige", (1, 6)),
    ("AT", "Staatsfeiertag", (5, 1)),
    ("AT", "Nationalfeiertag", (10, 26)),
    ("AT", "Christtag", (12, 25)),
    ("AT", "Stefanitag", (12, 26)),
];
/// Holidays so many days after Easter Sunday.
const MOVING: [(&str, &str, i32); 17] = [
    ("DE", "Karfreitag", -2),
    ("DE", "Ostermontag", 1),
    ("DE", "Christi Himmelfahrt", 39),
    ("DE", "Pfingstmontag", 50),
    ("FR", "Lundi de Paques", 1),
    ("FR", "Ascension", 39),
    ("FR", "Lundi de Pentecote", 50),
    ("ES", "Viernes Santo", -2),
    ("NL", "Tweede paasdag", 1),
    ("NL", "Hemelvaartsdag", 39),
    ("NL", "Eerste pinksterdag", 49),
    ("NL", "Tweede pinksterdag", 50),
    ("AT", "Ostermontag", 1),
    ("AT", "Christi Himmelfahrt", 39),
    ("AT", "Pfingstmontag", 50),
    ("AT", "Fronleichnam", 60),
    ("NL", "Eerste paasdag", 0),
];

/// Easter Sunday (Meeus, Jones and Butcher), in days from 2025-01-01.
fn easter(year: i32) -> i32 {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    ymd(year, (n / 31) as u32, (n % 31 + 1) as u32)
}
