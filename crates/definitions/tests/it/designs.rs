//! `design:` of an experiment: what is read, and what is refused with which words.

use steward_definitions::{Design, Kind, Reference};

use crate::support::{EXPERIMENT, first, lines, one, with};

const PATH: &str = "experiments/email.yaml";

/// The experiment with two variants, times and a design.
fn pair(design: &str) -> String {
    let text = EXPERIMENT
        .replace("variant: segment}", "variant: segment, time: ts}")
        .replace("[No E-Mail, Mens E-Mail, Womens E-Mail]", "[off, on]");
    format!("{text}design: {design}\n")
}

#[track_caller]
fn read(text: &str) -> Design {
    let (project, problems) = with(PATH, text);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    project.experiments["email_test"].design.clone()
}

#[test]
fn designs_are_read() {
    assert_eq!(read(EXPERIMENT), Design::Units);
    assert_eq!(read(&pair("units")), Design::Units);
    let Design::Cluster(cluster) = read(&pair("{kind: cluster, by: country}")) else {
        panic!("no cluster design");
    };
    assert_eq!(cluster.by, "country");
    let Design::Switchback(s) = read(&pair(
        "{kind: switchback, by: country, period: 2h, washout: 30m, season: 1d, spillover: regions}",
    )) else {
        panic!("no switchback");
    };
    assert_eq!(
        (s.period_seconds, s.washout_seconds, s.season_seconds),
        (7200, 1800, Some(86_400))
    );
    assert!(s.spillover);
}

#[test]
fn a_geo_design_counts_periods_from_the_start() {
    let text = |design: &str| pair(design) + "start: 2025-03-01\n";
    let Design::Geo(geo) = read(&text("{kind: geo, period: 1d, before: 56d}")) else {
        panic!("no geo design");
    };
    assert_eq!((geo.period_seconds, geo.before_seconds), (86_400, 56 * 86_400));
    first(
        PATH,
        &text("{kind: geo, period: 1d, before: 3d}"),
        "experiments/email.yaml:7:41: error[bad-value]",
    );
    first(
        PATH,
        &text("{kind: geo, period: 1d}"),
        "experiments/email.yaml:7:9: error[missing-key]",
    );
}

#[test]
fn what_a_design_names_must_exist() {
    one(
        PATH,
        &pair("{kind: cluster, by: contry}"),
        "experiments/email.yaml:7:29: error[unknown-dimension]",
    );
    one(
        PATH,
        &pair("{kind: clusters, by: country}"),
        "experiments/email.yaml:7:16: error[bad-value]: ",
    );
    first(
        PATH,
        &pair("{by: country}"),
        "experiments/email.yaml:7:9: error[missing-key]",
    );
    first(
        PATH,
        &pair("{kind: cluster}"),
        "experiments/email.yaml:7:9: error[missing-key]",
    );
}

#[test]
fn what_cannot_be_read_out_is_refused_with_its_place() {
    one(
        PATH,
        &pair("{kind: switchback, by: country, period: 90s}"),
        "experiments/email.yaml:7:49: error[bad-value]: `period` is not whole minutes",
    );
    one(
        PATH,
        &pair("{kind: switchback, by: country, period: 2h, season: 3h}"),
        "experiments/email.yaml:7:61: error[bad-value]: a season is made of",
    );
    one(
        PATH,
        &pair("{kind: switchback, by: country, period: 2h}").replace(", time: ts", ""),
        "experiments/email.yaml:7:9: error[needs-time]: a switchback needs the time of exposure",
    );
    one(
        PATH,
        &pair("{kind: switchback, by: country, period: 2h}").replace("[off, on]", "[off, on, more]"),
        "experiments/email.yaml:7:9: error[design]: a switchback compares two variants, and there are 3",
    );
    one(
        PATH,
        &pair("{kind: cluster, by: country, period: 2h}"),
        "experiments/email.yaml:7:38: error[unknown-key]",
    );
}

#[test]
fn a_design_rests_on_its_dimension() {
    let (before, _) = with(PATH, &pair("{kind: cluster, by: customer__country}"));
    let (after, problems) = with(
        "metrics/visits.yaml",
        &crate::support::METRICS.replace("      - {name: country, type: categorical}\n", ""),
    );
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let plan = steward_definitions::plan::Plan::between(&before, &after);
    let affected = plan.changes.iter().flat_map(|c| &c.breaking).flat_map(|b| &b.affected);
    let wanted = Reference::new(Kind::Experiment, "email_test");
    assert!(affected.map(|a| &a.reference).any(|r| *r == wanted), "{plan:#?}");
}
