//! The demo company's money: its bill to the cent, its orphan found within a day, its contract's notice.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use crate::larkspur::Company;

/// The company as of another morning.
fn as_of(company: &Company, day: &str) {
    let path = company.path().join("steward.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|l| l.starts_with("as_of:")).unwrap().to_owned();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, text.replace(&line, &format!("as_of: {day}T00:00:00Z"))).unwrap();
}

fn sum(lines: &Value, field: &str, mine: impl Fn(&Value) -> bool) -> i64 {
    lines
        .as_array()
        .unwrap()
        .iter()
        .filter(|l| mine(l))
        .map(|l| l[field].as_i64().unwrap())
        .sum()
}

#[test]
fn what_is_allocated_and_what_is_not_is_the_bill_to_the_cent() {
    let company = Company::new();
    let found = company.steward(&["bill", "show", "--json"]).exits(0).json();
    let sql = "select cast(round(sum(\"EffectiveCost\") * 100) as bigint) as e, cast(round(sum(\"BilledCost\") * 100) as bigint) as b, count(*) as n from focus_costs";
    let whole = company
        .steward(&["query", "--sql", sql, "--format", "json"])
        .exits(0)
        .json();
    let row = &whole[0];
    let lines = &found["lines"];
    assert_eq!(sum(lines, "effective_minor", |_| true), row["e"].as_i64().unwrap());
    assert_eq!(sum(lines, "billed_minor", |_| true), row["b"].as_i64().unwrap());
    assert_eq!(found["charges"], row["n"]);
    let unallocated = sum(lines, "effective_minor", |l| l["model"].is_null());
    assert_eq!(found["unallocated_minor"].as_i64().unwrap(), unallocated);
    // The shared cluster was used by halves, three and two tenths.
    let metered = |model: &str| {
        sum(lines, "effective_minor", |l| {
            l["model"] == model && l["rule"] == "meter"
        }) as f64
    };
    let all = metered("ranker") + metered("demand") + metered("churn");
    for (model, share) in [("ranker", 0.5), ("demand", 0.3), ("churn", 0.2)] {
        assert!(
            (metered(model) / all - share).abs() < 0.01,
            "{model}: {}",
            metered(model) / all
        );
    }
}

#[test]
fn the_orphaned_gpu_is_found_the_morning_after_and_no_control_day_is() {
    let company = Company::new();
    for day in ["2025-03-20", "2025-06-01", "2025-07-15", "2025-10-14"] {
        as_of(&company, day);
        let none = company.steward(&["bill", "anomalies", "--json"]).exits(0).json();
        assert_eq!(none, serde_json::json!([]), "{day}");
    }
    as_of(&company, "2025-10-15");
    let found = company.steward(&["bill", "anomalies", "--json"]).exits(1).json();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    let orphan = &found[0];
    assert_eq!(
        (&orphan["name"], &orphan["orphan"]),
        (&"gpu-orphan".into(), &true.into())
    );
    assert_eq!(
        (&orphan["first"], &orphan["excess_minor"]),
        (&"2025-10-14".into(), &31_000.into())
    );
    as_of(&company, "2026-01-01");
    let found = company.steward(&["bill", "anomalies", "--json"]).exits(1).json();
    assert_eq!(
        (&found[0]["days"], &found[0]["excess_minor"]),
        (&6.into(), &186_000.into())
    );
}

#[test]
fn notice_of_the_framework_agreement_is_due_when_the_truth_says() {
    let company = Company::new();
    as_of(&company, "2023-04-30");
    let all = company.steward(&["contract", "list", "--json"]).exits(0).json();
    let nimbus = all
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["contract"] == "nimbus_cloud")
        .unwrap();
    assert_eq!(
        (&nimbus["notice_by"], &nimbus["notice_end"]),
        (&"2023-05-01".into(), &"2023-08-01".into())
    );
    let feed = company.steward(&["contract", "calendar"]).exits(0).out;
    assert!(feed.contains("DTSTART;VALUE=DATE:20230501\r\n"), "{feed}");
}

#[test]
fn skills_that_hang_on_one_person_or_nobody_are_told() {
    let company = Company::new();
    let all = company.steward(&["team", "status", "--json"]).exits(0).json();
    let skills = all[0]["skills"].as_array().unwrap();
    let factor = |skill: &str| {
        skills.iter().find(|s| s["skill"] == skill).unwrap()["bus_factor"]
            .as_u64()
            .unwrap()
    };
    // The generator gives each of these to one person only, at whatever level.
    for scarce in ["forecasting", "customer value", "data engineering", "privacy"] {
        assert!(factor(scarce) <= 1, "{scarce}: {}", factor(scarce));
    }
    assert!(factor("sql") > 2 && factor("experimentation") > 2);
    assert_eq!(all[0]["members"].as_array().unwrap().len(), 14);
}

#[test]
fn a_pack_is_the_same_bytes_in_every_format_when_it_is_built_again() {
    let company = Company::new();
    for format in ["pdf", "pptx", "xlsx", "html"] {
        let build = |name: &str| {
            let out = format!("{name}.{format}");
            company
                .steward(&["report", "build", "monthly_business_review", "--out", &out])
                .exits(0);
            std::fs::read(company.path().join(out)).unwrap()
        };
        let first = build("first");
        assert!(first.len() > 20_000 && first == build("second"), "{format}");
    }
}
