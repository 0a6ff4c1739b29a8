//! The cloud bill and the organisation's records.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::{EPOCH_DAY, shared};

#[test]
fn the_bill_adds_up_to_the_cent() {
    let bill = shared().data("focus_costs");
    let (billed, effective) = (bill.longs("BilledCost"), bill.longs("EffectiveCost"));
    // The commitment is paid once and amortised whole, used or not.
    assert_eq!(billed.iter().sum::<i64>(), effective.iter().sum::<i64>());
    let (categories, classes) = (bill.texts("ChargeCategory"), bill.texts("ChargeClass"));
    let kinds: BTreeSet<&str> = categories.iter().map(String::as_str).collect();
    assert_eq!(kinds, BTreeSet::from(["Credit", "Purchase", "Tax", "Usage"]));
    assert!((0..bill.rows()).all(|n| categories[n] != "Credit" || billed[n] < 0));
    assert_eq!(classes.iter().filter(|c| *c == "Correction").count(), 4);
    let services: BTreeSet<_> = bill
        .texts("ServiceName")
        .into_iter()
        .filter(|s| s != "Account")
        .collect();
    assert!(services.len() >= 8, "{services:?}");
    assert_eq!(bill.texts("ProviderName").into_iter().collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn the_commitment_covers_two_fifths_and_an_eighth_is_untagged() {
    let bill = shared().data("focus_costs");
    let (list, status) = (bill.longs("ListCost"), bill.texts("CommitmentDiscountStatus"));
    let (resources, tags) = (bill.texts("ResourceName"), bill.texts("Tags"));
    let usage: Vec<usize> = (0..bill.rows()).filter(|&n| !resources[n].is_empty()).collect();
    let all: i64 = usage.iter().map(|&n| list[n]).sum();
    let used: i64 = usage.iter().filter(|&&n| status[n] == "Used").map(|&n| list[n]).sum();
    let coverage = used as f64 / all as f64;
    assert!((coverage - 0.40).abs() < 0.02, "{coverage}");
    let untagged = usage.iter().filter(|&&n| tags[n].is_empty()).count() as f64 / usage.len() as f64;
    assert!((untagged - 0.12).abs() < 0.015, "{untagged}");
    for text in tags.iter().filter(|t| !t.is_empty()).take(50) {
        let parsed: BTreeMap<String, String> = serde_json::from_str(text).unwrap();
        assert_eq!(parsed.keys().collect::<Vec<_>>(), ["env", "model", "project"]);
    }
    let orphan: Vec<i64> = usage
        .iter()
        .filter(|&&n| resources[n] == "gpu-orphan")
        .map(|&n| bill.longs("BilledCost")[n])
        .collect();
    assert_eq!(orphan, [31_000; 6]);
}

#[test]
fn the_shared_cluster_is_used_half_three_tenths_and_a_fifth() {
    let usage = shared().data("cluster_usage");
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for (project, seconds) in usage.texts("project").into_iter().zip(usage.longs("core_seconds")) {
        *sums.entry(project).or_default() += seconds;
    }
    let all = sums.values().sum::<i64>() as f64;
    for (project, share) in [("recommender", 0.5), ("forecast", 0.3), ("churn", 0.2)] {
        assert!((sums[project] as f64 / all - share).abs() < 0.01, "{project}");
    }
}

#[test]
fn stated_probabilities_are_bent_by_the_known_slope_and_shift() {
    let made = shared();
    let (bets, truth) = (made.data("bets"), made.truth("bets"));
    assert_eq!(bets.rows(), 240);
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let mut worst = 0.0f64;
    for (stated, p) in bets
        .numbers("stated_probability")
        .into_iter()
        .zip(truth.numbers("probability"))
    {
        if (0.02..0.98).contains(&stated) {
            worst = worst.max((0.625 * logit(stated) - 0.25 - logit(p)).abs());
        }
    }
    // Stated to the tenth of a per cent.
    assert!(worst < 0.02, "{worst}");
    let expected: f64 = truth.numbers("probability").iter().sum();
    let succeeded = truth.longs("succeeds").iter().sum::<i64>() as f64;
    assert!(
        (succeeded - expected).abs() < 4.0 * 60f64.sqrt(),
        "{succeeded} of {expected}"
    );
    // Open bets show no outcome.
    for (day, outcome) in bets.maybe("resolved_date").iter().zip(bets.maybe("succeeded")) {
        assert_eq!(day.is_some(), outcome.is_some());
    }
}

#[test]
fn work_overruns_its_estimates_by_the_known_factor() {
    let made = shared();
    let items = made.data("work_items").rows() as f64;
    // Negative binomial with mean 4 and k = 2: variance 12 a week, 156 weeks.
    assert!((items - 4.0 * 156.0).abs() < 4.0 * (12.0f64 * 156.0).sqrt(), "{items}");
    let estimates = made.data("estimates");
    let logs: Vec<f64> = estimates
        .numbers("actual_days")
        .iter()
        .zip(estimates.numbers("p50_days"))
        .filter(|(_, median)| *median > 0.5)
        .map(|(actual, median)| (actual / median).ln())
        .collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    assert!((mean - 0.35).abs() < 4.0 * 0.5 / (logs.len() as f64).sqrt(), "{mean}");
}

#[test]
fn the_old_contract_ends_when_it_ends() {
    let truth = shared().truth("contracts");
    let at = truth.texts("contract_id").iter().position(|c| c == "C-001").unwrap();
    let day = |y, m, d| {
        let span = jiff::civil::date(y, m, d) - jiff::civil::date(2025, 1, 1);
        EPOCH_DAY + i64::from(span.get_days())
    };
    assert_eq!(truth.longs("first_end_exclusive")[at], day(2023, 8, 1));
    assert_eq!(truth.longs("first_notice_by")[at], day(2023, 5, 1));
    let contracts = shared().data("contracts");
    assert_eq!(contracts.longs("start_date")[at], day(2020, 8, 1));
}

#[test]
fn the_organisation_is_as_described() {
    let made = shared();
    assert_eq!(made.data("people").rows(), 14);
    let skills = made.data("skills");
    assert_eq!(skills.texts("skill").into_iter().collect::<BTreeSet<_>>().len(), 12);
    assert_eq!(made.data("projects").rows(), 9);
    assert_eq!(made.data("actions").rows(), 20);
    let (falsely, status) = (
        made.truth("actions").longs("falsely_closed"),
        made.data("actions").texts("status"),
    );
    assert_eq!(falsely.iter().sum::<i64>(), 6);
    assert!(falsely.iter().zip(&status).all(|(f, s)| *f == 0 || s == "closed"));
    // Easter Monday of 2025 was 21 April, of 2024 1 April.
    let holidays = made.data("holidays");
    let names = holidays.texts("name");
    let mondays: BTreeSet<i64> = holidays
        .longs("date")
        .into_iter()
        .zip(&names)
        .filter(|(_, name)| *name == "Ostermontag")
        .map(|(day, _)| day - EPOCH_DAY)
        .collect();
    assert!(mondays.contains(&110) && mondays.contains(&(91 - 366)), "{mondays:?}");
}
