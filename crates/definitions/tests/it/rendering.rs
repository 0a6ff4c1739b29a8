//! Problems for people and for machines.

use steward_definitions::diagnostic::{render, to_json, to_sarif};
use steward_definitions::{Diagnostic, Project, Span};

use crate::support::{CONTRACT, EXPERIMENT, METRICS, SETTINGS, sources};

#[test]
fn the_line_and_a_caret() {
    let text = EXPERIMENT.replace("unit: customer_id", "unit: custmer_id");
    let all = sources(&[
        ("steward.yaml", SETTINGS),
        ("datasets/v.yaml", CONTRACT),
        ("metrics/v.yaml", METRICS),
        ("experiments/e.yaml", &text),
    ]);
    let (_, problems) = Project::parse(&all);
    let shown = render(&problems, &all, false);
    assert_eq!(
        shown,
        "\
error[unknown-column]: `exposures` of the experiment `email_test` names the column `custmer_id`, which the dataset `visits` does not have
  --> experiments/e.yaml:3:36
  |
3 | exposures: {dataset: visits, unit: custmer_id, variant: segment}
  |                                    ^^^^^^^^^^
  = did you mean `customer_id`?

"
    );
    let coloured = render(&problems, &all, true);
    assert!(coloured.starts_with("\u{1b}[1;31merror[unknown-column]\u{1b}[0m: "));
    assert_eq!(render(&[], &all, false), "");
}

#[test]
fn a_hostile_file_does_not_write_to_the_terminal() {
    let all = sources(&[("steward.yaml", "project: a\nowner: \"\u{1b}[2J\"\n")]);
    let problem = Diagnostic::error(
        "x",
        Span {
            file: "steward.yaml".into(),
            line: 2,
            column: 8,
        },
        "bad \u{1b}[2J",
    );
    let shown = render(&[problem], &all, false);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    // Lines and columns beyond the text are survived.
    for (line, column) in [(2, 999), (99, 1), (0, 0), (u32::MAX, u32::MAX)] {
        let problem = Diagnostic::error(
            "x",
            Span {
                file: "steward.yaml".into(),
                line,
                column,
            },
            "bad",
        );
        assert!(render(&[problem], &all, false).starts_with("error[x]: bad\n"));
    }
}

#[test]
fn json_and_sarif() {
    let problems = [
        Diagnostic::error(
            "b-code",
            Span {
                file: "a b/ü.yaml".into(),
                line: 3,
                column: 7,
            },
            "wrong",
        )
        .did_you_mean(Some("right")),
        Diagnostic::warning(
            "a-code",
            Span {
                file: "c.yaml".into(),
                line: 0,
                column: 0,
            },
            "stray",
        )
        .expected("less"),
    ];
    let json = to_json(&problems);
    assert_eq!((json["errors"].as_u64(), json["warnings"].as_u64()), (Some(1), Some(1)));
    assert_eq!(json["problems"][0]["hint"], "did you mean `right`?");
    let sarif = to_sarif(&problems);
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(
        run["tool"]["driver"]["rules"],
        serde_json::json!([{ "id": "a-code" }, { "id": "b-code" }])
    );
    let first = &run["results"][0];
    assert_eq!(
        (first["ruleIndex"].as_u64(), first["level"].as_str()),
        (Some(1), Some("error"))
    );
    assert_eq!(first["message"]["text"], "wrong; did you mean `right`?");
    let place = &first["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%BC.yaml");
    assert_eq!(place["region"], serde_json::json!({ "startLine": 3, "startColumn": 7 }));
    assert!(
        run["results"][1]["locations"][0]["physicalLocation"]
            .get("region")
            .is_none()
    );
}
