//! Exposures that Steward collects itself.

use steward_definitions::plan::Plan;
use steward_definitions::{COLLECTED, Project};

use crate::support::{EXPERIMENT, METRICS, first, lines, one, with};

const PATH: &str = "experiments/email.yaml";

fn experiment(exposures: &str) -> String {
    EXPERIMENT.replace(
        "exposures: {dataset: visits, unit: customer_id, variant: segment}\n",
        exposures,
    )
}

fn good(exposures: &str) -> Project {
    let (project, problems) = with(PATH, &experiment(exposures));
    assert_eq!(lines(&problems), [""; 0]);
    project
}

#[test]
fn an_experiment_may_read_what_is_collected() {
    for text in [
        "exposures: collected\n",
        "exposures: {dataset: steward_exposures}\n",
        "exposures: {dataset: steward_exposures, entity: customer, unit: unit, variant: variant, time: ts}\n",
    ] {
        let project = good(text);
        let exposures = &project.experiments["email_test"].exposures;
        assert_eq!(exposures.dataset, COLLECTED);
        assert_eq!(
            (exposures.unit.as_str(), exposures.variant.as_str()),
            ("unit", "variant")
        );
        assert_eq!(exposures.time.as_deref(), Some("ts"));
        assert_eq!(exposures.entity, "customer", "the project's only entity");
        assert_eq!(exposures.filter.as_deref(), Some("experiment = 'email_test'"));
        assert!(project.datasets.contains_key(COLLECTED));
    }
    // A window needs the time of exposure, which is there.
    good("exposures: collected\nwindow: 72h\ncuped: 14d\n");
}

#[test]
fn a_filter_comes_on_top_of_the_experiments_name() {
    let project = good("exposures: {dataset: steward_exposures, filter: \"unit <> '1' OR unit <> '2'\"}\n");
    assert_eq!(
        project.experiments["email_test"].exposures.filter.as_deref(),
        Some("experiment = 'email_test' AND (unit <> '1' OR unit <> '2')")
    );
    first(
        PATH,
        &experiment("exposures: {dataset: steward_exposures, filter: \"country = 'DE'\"}\n"),
        "experiments/email.yaml:3:12: error[unknown-column]",
    );
}

#[test]
fn what_makes_no_sense_there_is_said() {
    one(
        PATH,
        &experiment("exposures: {dataset: steward_exposures, unit: customer_id}\n"),
        "experiments/email.yaml:3:47: error[bad-value]: `unit` of collected exposures is the column `unit`; leave it out",
    );
    one(
        PATH,
        &experiment(""),
        "experiments/email.yaml:1:13: error[missing-key]: the experiment `email_test` has no `exposures`, and no flag assigns its units",
    );
    let several = METRICS.replace(
        "{name: customer, type: primary, expr: customer_id}",
        "{name: customer, type: primary, expr: customer_id}, {name: campaign, type: foreign, expr: segment}",
    );
    let files = [
        ("steward.yaml", crate::support::SETTINGS),
        ("datasets/visits.yaml", crate::support::CONTRACT),
        ("metrics/visits.yaml", &several),
        (PATH, &experiment("exposures: collected\n")),
    ];
    let (_, problems) = crate::support::parse(&files);
    let found = lines(&problems);
    assert!(
        found.len() == 1 && found[0].contains("error[ambiguous-entity]") && found[0].contains("entity: campaign}"),
        "{found:?}"
    );
}

#[test]
fn the_dataset_is_no_change_of_a_plan_and_its_name_is_taken() {
    let (before, _) = with(PATH, EXPERIMENT);
    let plan = Plan::between(&before, &good("exposures: collected\n"));
    let changed: Vec<String> = plan.changes.iter().map(|c| c.reference.to_string()).collect();
    assert_eq!(changed, ["experiment/email_test"]);
    let own = crate::support::CONTRACT.replace("name: visits", "name: steward_exposures");
    first(
        "datasets/own.yaml",
        &own,
        "datasets/own.yaml:9:11: error[reserved-name]: the dataset `steward_exposures` is Steward's own",
    );
}

#[test]
fn an_experiment_that_a_flag_drives_may_leave_exposures_out() {
    let flag = "flag: page\nowner: mara\ntype: boolean\ndefault: false\nrules:\n  - experiment: email_test\n    by: customer_id\n    split: [{name: No E-Mail, value: false, weight: 0.334}, {name: Mens E-Mail, value: true, weight: 0.333}, {name: Womens E-Mail, value: true, weight: 0.333}]\n";
    let experiment = experiment("");
    let files = [
        ("steward.yaml", crate::support::SETTINGS),
        ("datasets/visits.yaml", crate::support::CONTRACT),
        ("metrics/visits.yaml", METRICS),
        (PATH, &experiment),
        ("flags/page.yaml", flag),
    ];
    let (project, problems) = crate::support::parse(&files);
    assert_eq!(lines(&problems), [""; 0]);
    let exposures = &project.experiments["email_test"].exposures;
    assert_eq!(
        (exposures.dataset.as_str(), exposures.entity.as_str()),
        (COLLECTED, "customer")
    );
}
