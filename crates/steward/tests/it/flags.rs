//! Flags from outside: what may change while units are assigned, and rollouts that stop by themselves.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::serving::Server;
use crate::support::Folder;

/// The moment that the project pins.
const NOW: &str = "2025-06-01T00:00:00Z";

const SETTINGS: &str = "project: shop\nowner: ada\nas_of: 2025-06-01T00:00:00Z\npeople: [ada, bob]\n";

const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: seen
name: Seen
version: 1.0.0
status: active
team: {name: crm, members: [{username: ada, role: owner}]}
servers: [{server: project, type: local, path: data/seen.csv, format: csv}]
schema:
  - name: seen
    logicalType: object
    physicalType: file
    properties:
      - {name: unit, logicalType: integer, required: true}
      - {name: arm, logicalType: string, required: true}
      - {name: at, logicalType: timestamp, required: true}
      - {name: orders, logicalType: integer}
      - {name: complaints, logicalType: integer}
";

const METRICS: &str = "\
semantic_models:
  - name: seen
    model: ref('seen')
    defaults: {agg_time_dimension: at}
    entities: [{name: customer, type: primary, expr: unit}]
    dimensions: [{name: at, type: time, type_params: {time_granularity: day}}]
    measures:
      - {name: orders, agg: sum, expr: orders}
      - {name: complaints, agg: sum, expr: complaints}
metrics:
  - {name: orders, label: Orders, type: simple, type_params: {measure: orders}}
  - name: complaints
    label: Complaints
    type: simple
    type_params: {measure: complaints}
    config: {meta: {steward: {direction: decrease}}}
";

const EXPERIMENT: &str = "\
experiment: page
owner: ada
exposures: {dataset: seen, unit: unit, entity: customer, variant: arm, time: at}
variants:
  - {name: old, weight: 50, control: true}
  - {name: new, weight: 50}
start: 2025-05-01
end: 2025-07-01
metrics:
  primary: [orders]
  guardrails: [{metric: complaints, margin: 0.05}]
";

const FLAG: &str = "\
flag: page
rules:
  - rule: test
    experiment: page
    split:
      - {name: old, value: false, weight: 50%}
      - {name: new, value: true, weight: 50%}
";

/// A project with an experiment that runs and a flag that assigns for it. 400 units; those of the new page order alike
/// and complain as often as told, in tenths.
pub fn shop(complaints: usize) -> Folder {
    let mut rows = String::from("unit,arm,at,orders,complaints\n");
    for unit in 0..800usize {
        let (arm, within) = (if unit % 2 == 1 { "new" } else { "old" }, unit / 2);
        let often = if arm == "new" { complaints } else { 1 };
        let (orders, complains) = (usize::from(within % 3 == 0), usize::from(within % 10 < often));
        rows.push_str(&format!(
            "{unit},{arm},2025-05-{:02}T10:00:00Z,{orders},{complains}\n",
            2 + within % 20
        ));
    }
    let folder = Folder::new();
    folder
        .write("steward.yaml", SETTINGS)
        .write("datasets/seen.yaml", CONTRACT)
        .write("metrics/seen.yaml", METRICS)
        .write("experiments/page.yaml", EXPERIMENT)
        .write("flags/page.yaml", FLAG)
        .write("data/seen.csv", rows);
    folder
}

fn weights(text: &str, old: &str, new: &str) -> String {
    text.replace(
        "name: old, value: false, weight: 50%",
        &format!("name: old, value: false, weight: {old}%"),
    )
    .replace(
        "name: new, value: true, weight: 50%",
        &format!("name: new, value: true, weight: {new}%"),
    )
    .replace("name: old, weight: 50", &format!("name: old, weight: {old}"))
    .replace("name: new, weight: 50", &format!("name: new, weight: {new}"))
}

#[test]
fn weights_of_a_running_experiment_change_only_with_a_new_start_and_new_buckets() {
    let folder = shop(1);
    folder.steward(&["apply", "-m", "first"]).exits(0);
    folder
        .write("flags/page.yaml", weights(FLAG, "90", "10"))
        .write("experiments/page.yaml", weights(EXPERIMENT, "90", "10"));
    let plan = folder.steward(&["plan", "--json"]).exits(1).json();
    let refusals = plan["refusals"].as_array().unwrap();
    let told: Vec<_> = refusals
        .iter()
        .map(|r| (r["reference"].as_str().unwrap(), r["place"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("flag/page", "flags/page.yaml:3"),
            ("experiment/page", "experiments/page.yaml:1")
        ]
    );
    let says = [
        "the weight of `old` turns from 50% to 90%",
        "raise `bucket_version` of the rule `test` to 1",
        "move `start` to a moment from now on",
    ];
    folder
        .steward(&["plan"])
        .exits(1)
        .says(&says)
        .says(&["cannot be applied"]);
    folder.steward(&["apply", "-m", "more"]).exits(1).says(&says);

    // New buckets alone would count units of both splits together.
    let anew = weights(FLAG, "90", "10").replace("    split:", "    bucket_version: 1\n    split:");
    folder.write("flags/page.yaml", &anew);
    folder
        .steward(&["apply", "-m", "more"])
        .exits(1)
        .says(&["experiment/page", "move `start`"]);
    // A new start alone would leave units where the old split has put them.
    let restarted = weights(EXPERIMENT, "90", "10").replace("start: 2025-05-01", &format!("start: {NOW}"));
    folder
        .write("flags/page.yaml", weights(FLAG, "90", "10"))
        .write("experiments/page.yaml", &restarted);
    folder.steward(&["apply", "-m", "more"]).exits(1).says(&[
        "flag/page",
        "experiment/page",
        "raise `bucket_version` in the flag `page`",
    ]);
    // A start in the past would count what was seen under the old weights.
    folder
        .write("flags/page.yaml", &anew)
        .write("experiments/page.yaml", restarted.replace(NOW, "2025-05-20"));
    folder
        .steward(&["apply", "-m", "more"])
        .exits(1)
        .says(&["move `start`"]);
    folder.write("experiments/page.yaml", restarted);
    folder.steward(&["apply", "-m", "a new start"]).exits(0);
    let found = folder
        .steward(&["flag", "eval", "page", "--attributes", r#"{"id":"u1"}"#, "--json"])
        .exits(0)
        .json();
    assert_eq!(found["experiment"], "page");
}

#[test]
fn variants_change_where_nothing_runs() {
    let folder = shop(1);
    let third = |text: &str| {
        text.replace(
            "- {name: new, weight: 50}",
            "- {name: new, weight: 50}\n  - {name: newest, weight: 50}",
        )
        .replace(", weight: 50%", "")
        .replace(
            "- {name: new, value: true}",
            "- {name: new, value: true}\n      - {name: newest, value: true}",
        )
    };
    folder.steward(&["apply", "-m", "first"]).exits(0);
    folder
        .write("flags/page.yaml", third(FLAG))
        .write("experiments/page.yaml", third(EXPERIMENT));
    folder
        .steward(&["apply", "-m", "third"])
        .exits(1)
        .says(&["the variant `newest` is added", "flags/page.yaml:3"]);
    // Stopped by a decision, it no longer runs.
    folder
        .write("flags/page.yaml", FLAG)
        .write("experiments/page.yaml", EXPERIMENT);
    folder
        .steward(&["experiment", "decide", "page", "stop", "--reason", "enough"])
        .exits(0);
    folder
        .write("flags/page.yaml", third(FLAG))
        .write("experiments/page.yaml", third(EXPERIMENT));
    folder.steward(&["apply", "-m", "third"]).exits(0);
}

#[test]
fn a_split_of_its_own_keeps_its_units_while_it_is_open() {
    let folder = shop(1);
    let split = |weight: u32, more: &str| {
        format!(
            "flag: colour\nrules:\n  - rule: r\n    split: [{{name: a, value: true, weight: {weight}%}}, {{name: b, value: false, weight: {}%}}]\n{more}",
            100 - weight
        )
    };
    folder.write("flags/colour.yaml", split(50, "    until: 2025-09-01\n"));
    folder.steward(&["apply", "-m", "first"]).exits(0);
    folder.write("flags/colour.yaml", split(60, "    until: 2025-09-01\n"));
    folder
        .steward(&["apply", "-m", "x"])
        .exits(1)
        .says(&["flags/colour.yaml:3", "from 50% to 60%", "to 1"]);
    folder.write("flags/colour.yaml", split(60, "    bucket_version: 1\n"));
    folder.steward(&["apply", "-m", "x"]).exits(0);
    folder.write(
        "flags/colour.yaml",
        format!("enabled: false\n{}", split(60, "    bucket_version: 1\n")),
    );
    folder.steward(&["apply", "-m", "off"]).exits(0);
    folder.write("flags/colour.yaml", split(70, "    bucket_version: 1\n"));
    folder
        .steward(&["apply", "-m", "nobody is assigned while it is off"])
        .exits(0);
    folder.write(
        "flags/colour.yaml",
        split(70, "    bucket_version: 1\n    sticky: true\n"),
    );
    folder.steward(&["apply", "-m", "sticky"]).exits(0);
    folder.write(
        "flags/colour.yaml",
        split(80, "    bucket_version: 1\n    sticky: true\n"),
    );
    folder.steward(&["apply", "-m", "units keep their variant"]).exits(0);
}

const RAMP: &str = "\
flag: delivery
rules:
  - rule: grow
    value: true
    ramp:
      steps:
        - {at: 2025-05-20, coverage: 20%}
        - {at: 2025-06-05, coverage: 100%}
    guarded_by: {experiment: page, action: freeze}
";

fn coverage(folder: &Folder) -> f64 {
    let shown = folder.steward(&["flag", "show", "delivery", "--json"]).exits(0).json();
    shown["rules"][0]["coverage"].as_f64().unwrap()
}

fn grown(folder: &Folder) -> &Folder {
    folder.write("steward.yaml", SETTINGS.replace("2025-06-01", "2025-06-10"))
}

#[test]
fn a_guardrail_that_is_harmed_stops_a_ramp_until_a_person_resumes_it() {
    let folder = shop(4);
    folder.write("flags/delivery.yaml", RAMP);
    folder.steward(&["apply", "-m", "first"]).exits(0);
    assert_eq!(coverage(&folder), 0.2);
    let found = folder.steward(&["run", "flag/delivery", "--json"]).exits(0).json();
    assert_eq!(
        (&found["items"][0]["healthy"], &found["unhealthy"]),
        (&Value::from(false), &Value::from(1))
    );
    let decisions = folder
        .steward(&["decisions", "--about", "flag/delivery", "--json"])
        .exits(0)
        .json();
    let made = &decisions[0];
    assert_eq!(
        (made["choice"].as_str(), made["actor"].as_str()),
        (Some("freeze"), Some("policy/guarded_by"))
    );
    assert_eq!(made["hold"]["metrics"], serde_json::json!(["complaints"]));
    let evidence = made["evidence"][0]["id"].as_str().unwrap();
    let why = folder.steward(&["why", evidence, "--json"]).exits(0).json();
    assert_eq!(why["subject"], "experiment/page");
    // Looking again stops nothing twice.
    folder
        .steward(&["run", "flag/delivery"])
        .exits(0)
        .says(&["stopped (event"]);
    let decisions = folder
        .steward(&["decisions", "--about", "flag/delivery", "--json"])
        .exits(0)
        .json();
    assert_eq!(decisions.as_array().unwrap().len(), 1);

    // The step that comes later includes nobody more.
    grown(&folder);
    assert_eq!(coverage(&folder), 0.2);
    folder.steward(&["flag", "show", "delivery"]).exits(0).says(&[
        "stopped",
        "20%",
        "Complaints in new",
        "policy/guarded_by",
    ]);
    folder
        .steward(&["waiting"])
        .exits(0)
        .says(&["the rollout grow of delivery"]);
    folder
        .steward(&["flag", "resume", "delivery", "--reason", " "])
        .exits(1)
        .says(&["rule `reason`"]);
    folder
        .steward(&["flag", "resume", "delivery", "--reason", "x", "--as", "eve"])
        .exits(1)
        .says(&["not among the people"]);
    folder
        .steward(&["flag", "resume", "delivery", "--rule", "none", "--reason", "x"])
        .exits(1)
        .says(&["not stopped"]);
    folder
        .steward(&[
            "flag",
            "resume",
            "delivery",
            "--reason",
            "the complaints are about rain",
            "--as",
            "bob",
        ])
        .exits(0);
    assert_eq!(coverage(&folder), 1.0);
    // Harm that was accepted does not stop it again; what was live then is still told.
    let again = folder.steward(&["run", "flag/delivery", "--json"]).exits(0).json();
    assert_eq!(again["items"][0]["healthy"], true);
    assert_eq!(coverage(&folder), 1.0);
    folder.steward(&["ledger", "verify"]).exits(0);
    folder
        .steward(&["flag", "resume", "delivery", "--reason", "x"])
        .exits(1)
        .says(&["nothing to resume"]);
}

#[test]
fn a_guardrail_that_is_not_harmed_lets_a_ramp_go_on() {
    let folder = shop(1);
    folder.write("flags/delivery.yaml", RAMP);
    folder.steward(&["apply", "-m", "first"]).exits(0);
    folder
        .steward(&["run", "flag/delivery"])
        .exits(0)
        .says(&["page shows no harm"]);
    assert_eq!(coverage(grown(&folder)), 1.0);
    folder.steward(&["decisions", "--about", "flag/delivery"]).exits(0);
}

#[test]
fn metrics_are_watched_by_name_and_guards_are_checked() {
    let folder = shop(4);
    folder.write(
        "flags/delivery.yaml",
        RAMP.replace("action: freeze", "metrics: [orders]"),
    );
    folder.steward(&["apply", "-m", "first"]).exits(0).says(&[]);
    folder
        .steward(&["run", "flag/delivery"])
        .exits(0)
        .says(&["page shows no harm"]);
    folder.write(
        "flags/delivery.yaml",
        RAMP.replace("action: freeze", "metrics: [complaints, orders]"),
    );
    folder.steward(&["apply", "-m", "second"]).exits(0);
    folder
        .steward(&["run", "flag/delivery"])
        .exits(0)
        .says(&["nobody is included any more"]);
    assert_eq!(coverage(grown(&folder)), 0.0);
    for (guard, says) in [
        ("{experiment: page, action: stop}", "freeze"),
        ("{experiment: pages}", "did you mean `page`"),
        ("{metrics: [complaints]}", "`experiment`"),
        ("{experiment: page, metrics: [complaint]}", "did you mean `complaints`"),
    ] {
        folder.write(
            "flags/delivery.yaml",
            RAMP.replace("{experiment: page, action: freeze}", guard),
        );
        folder.steward(&["check"]).exits(1).says(&["flags/delivery.yaml", says]);
    }
    folder.write("flags/delivery.yaml", RAMP);
    folder
        .steward(&["check"])
        .exits(0)
        .says(&["planned for one look", "always_valid"]);
}

#[test]
fn the_server_stops_a_rollout_by_itself_and_says_so_at_every_door() {
    let folder = shop(4);
    let rollout = "flag: delivery\nrules: [{rule: all, value: true, rollout: 100%, guarded_by: page}]\n";
    folder.write("flags/delivery.yaml", rollout);
    folder.write(
        "steward.yaml",
        format!("{SETTINGS}flags: {{guard_every: 1s}}\nsdk: [{{key: sdk-web}}]\n"),
    );
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let eval = || {
        folder
            .steward(&["flag", "eval", "delivery", "--attributes", "{\"id\":\"u\"}", "--json"])
            .exits(0)
            .json()
    };
    assert_eq!(eval()["value"], true);
    let server = Server::start(folder.path());
    let until = |done: &dyn Fn() -> bool| {
        let patience = Instant::now() + Duration::from_secs(30);
        while !done() {
            assert!(Instant::now() < patience, "nothing happens");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let served = |what: &str| server.get("/api/features/sdk-web").contains(what);
    until(&|| served("\"delivery\":{\"defaultValue\":false}"));
    assert_eq!(eval()["value"], false);
    let shown = folder.steward(&["flag", "show", "delivery", "--json"]).exits(0).json();
    let hold = &shown["rules"][0]["hold"];
    assert_eq!(
        (&hold["coverage"], hold["metrics"][0].as_str()),
        (&Value::from(0.0), Some("complaints"))
    );
    folder
        .steward(&["flag", "resume", "delivery", "--reason", "accepted"])
        .exits(0);
    until(&|| served("\"force\":true"));
    server.stop();
}

#[test]
fn a_flag_is_set_in_its_file_and_applied_alone() {
    let folder = shop(1);
    let text =
        "# Deliveries.\nflag: delivery\nrules:\n  # Slowly.\n  - {rule: grow, value: true, rollout: 20%}  # of all\n";
    folder.write("flags/delivery.yaml", text);
    folder
        .steward(&["flag", "set", "delivery", "enabled=false"])
        .exits(1)
        .says(&["steward apply"]);
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let read = |name: &str| std::fs::read_to_string(folder.at(name)).unwrap();
    let shown = folder
        .steward(&["flag", "set", "delivery", "rules.grow.rollout=50%"])
        .exits(0);
    shown.says(&[
        "+   - {rule: grow, value: true, rollout: 50%}  # of all",
        "30% of the units",
        "nothing was changed",
    ]);
    assert_eq!(read("flags/delivery.yaml"), text);
    folder
        .steward(&["flag", "set", "delivery", "rules.grow.rollout=50%", "--apply"])
        .exits(2)
        .says(&["--message"]);
    folder
        .steward(&[
            "flag",
            "set",
            "delivery",
            "rules.grow.rollout=50%",
            "--apply",
            "-m",
            "x",
            "--as",
            "eve",
        ])
        .exits(1)
        .says(&["not among the people"]);
    assert_eq!(read("flags/delivery.yaml"), text);

    // The folder is half edited elsewhere, even broken: the switch works, and nothing else is applied.
    folder
        .write("flags/page.yaml", weights(FLAG, "90", "10"))
        .write("metrics/more.yaml", "metrics: [{name: x");
    let call = [
        "flag",
        "set",
        "delivery",
        "enabled=false",
        "--apply",
        "-m",
        "vans broke down",
        "--as",
        "bob",
    ];
    folder
        .steward(&call)
        .exits(0)
        .says(&["switched off", "changed by bob as event"]);
    assert_eq!(read("flags/delivery.yaml"), format!("{text}enabled: false\n"));
    let eval = |flag: &str| {
        folder
            .steward(&["flag", "eval", flag, "--attributes", "{\"id\":\"7\"}", "--json"])
            .exits(0)
            .json()
    };
    assert_eq!(eval("delivery")["reason"], "DISABLED");
    assert_eq!(eval("page")["reason"], "SPLIT");
    let shown = folder.steward(&["flag", "show", "delivery", "--json"]).exits(0).json();
    assert_eq!(shown["changed"]["actor"], "bob");

    // A split that runs is as safe from here.
    folder.write("flags/page.yaml", FLAG);
    std::fs::remove_file(folder.at("metrics/more.yaml")).unwrap();
    let split = "flag: colour\nrules: [{rule: r, split: [{name: a, value: true}, {name: b, value: false}]}]\n";
    folder.write("flags/colour.yaml", split);
    folder.steward(&["apply", "-m", "colour"]).exits(0);
    let weigh = ["flag", "set", "colour", "rules.r.split.a.weight=60%"];
    folder.steward(&weigh).exits(2).says(&["none for `b`"]);
    let both = [&weigh[..], &["rules.r.split.b.weight=40%"]].concat();
    let apply = ["--apply", "-m", "more of a"];
    folder
        .steward(&both)
        .exits(1)
        .says(&["cannot be applied", "bucket_version"]);
    folder
        .steward(&[&both[..], &apply].concat())
        .exits(1)
        .says(&["refused", "bucket_version"]);
    assert_eq!(read("flags/colour.yaml"), split);
    folder
        .steward(&[&both[..], &["rules.r.bucket_version=1"], &apply].concat())
        .exits(0)
        .says(&["50% of the units"]);
    folder
        .steward(&[
            "flag",
            "set",
            "colour",
            "rules.r.bucket_version=",
            "rules.r.until=2026-01-01",
        ])
        .exits(1);
}

#[test]
fn bad_flags_are_refused_with_their_place_and_a_remedy() {
    let folder = shop(1);
    let refused = |flag: &str, says: &[&str]| {
        folder.write("flags/bad.yaml", flag);
        folder
            .steward(&["check"])
            .exits(1)
            .says(&["flags/bad.yaml:"])
            .says(says);
        folder
            .steward(&["apply", "-m", "x"])
            .exits(1)
            .says(&["nothing was done"]);
    };
    let split = |a: &str, b: &str| {
        format!(
            "flag: bad\nrules: [{{split: [{{name: a, value: true, weight: {a}}}, {{name: b, value: false, weight: {b}}}]}}]\n"
        )
    };
    refused(&split("50%", "40%"), &["sum to 0.9, not to 1", "use `rollout`"]);
    refused(&split("60%", "60%"), &["sum to 1.2"]);
    refused(&split("-10%", "110%"), &["a share from 0 to 1"]);
    refused(&split(".nan", "1"), &["bad.yaml:2"]);
    for pattern in ["(a+)+$", "(a|aa)*b", "(?=a)b", "(a)\\1"] {
        let flag = format!("flag: bad\nrules: [{{value: true, when: {{id: {{$regex: '{pattern}'}}}}}}]\n");
        refused(&flag, &["regular expression"]);
    }
    refused(
        "flag: bad\nprerequisites: [worse]\n---\nflag: worse\nprerequisites: [bad]\n",
        &["`bad` → `worse` → `bad`"],
    );
    refused(
        "flag: bad\nrules: [{value: true, from: 2025-07-01, until: 2025-06-01}]\n",
        &["ends before it starts"],
    );
    refused(
        "flag: bad\nrules: [{value: true, ramp: {steps: [{at: 2025-07-01, coverage: 1}, {at: 2025-06-01, coverage: 1}]}}]\n",
        &["not in order of time"],
    );
    std::fs::remove_file(folder.at("flags/bad.yaml")).unwrap();
    folder.write("steward.yaml", format!("{SETTINGS}attributes: {{age: numbr}}\n"));
    folder
        .steward(&["check"])
        .exits(1)
        .says(&["steward.yaml:5", "did you mean `number`"]);
    folder.write(
        "steward.yaml",
        format!("{SETTINGS}attributes: {{age: number, id: string}}\n"),
    );
    folder.write(
        "flags/bad.yaml",
        "flag: bad\nrules: [{value: true, when: {agee: {$gt: 3}}}]\n",
    );
    folder
        .steward(&["check"])
        .exits(1)
        .says(&["flags/bad.yaml:2", "`agee`", "did you mean `age`"]);
    for settings in [
        "{guard_every: 0s}",
        "{ofrep_rate: 0}",
        "{ofrep_rate: -1}",
        "{guard_every: soon}",
        "{rate: 1}",
    ] {
        folder.write("steward.yaml", format!("{SETTINGS}flags: {settings}\n"));
        folder.steward(&["check"]).exits(1).says(&["steward.yaml:5"]);
    }
}

#[test]
fn any_attributes_are_answered_or_refused() {
    let folder = shop(1);
    let rules = "flag: odd\nrules:\n  - {value: true, when: {age: {$gt: 18}, tags: {$size: 2}, mail: {$regex: '^(a|b)+@x$'}}}\n";
    folder.write("flags/odd.yaml", rules);
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let eval = |attributes: &str| folder.steward(&["flag", "eval", "odd", "--attributes", attributes, "--json"]);
    let value = |attributes: &str| eval(attributes).exits(0).json()["value"].clone();
    assert_eq!(value(r#"{"id":1,"age":19,"tags":[1,2],"mail":"abab@x"}"#), true);
    // An expression that would take a backtracking engine for ever.
    let long = format!(r#"{{"id":1,"age":19,"tags":[1,2],"mail":"{}"}}"#, "ab".repeat(20_000));
    let started = Instant::now();
    assert_eq!(value(&long), false);
    assert!(started.elapsed() < Duration::from_secs(5));
    for odd in [
        r#"{"age":"old","tags":{},"mail":null}"#,
        r#"{"age":{"years":19},"tags":"ab","mail":[1]}"#,
        r#"{"age":1e400,"tags":[[],{}],"mail":true}"#,
        r#"{"id":null,"age":[],"日本":"é"}"#,
        "{}",
    ] {
        assert_eq!(value(odd), false, "{odd}");
    }
    for wrong in ["[1]", "7", "{", "{\"a\":1", "{'a':1}", "null"] {
        eval(wrong).exits(2);
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    eval(&deep).exits(2).says(&["JSON"]);
    eval(r#"{"id":"u"}"#).exits(0);
}

#[test]
fn a_clock_ahead_or_behind_changes_only_what_schedules_say() {
    let folder = shop(1);
    folder.write(
        "flags/sale.yaml",
        "flag: sale\nrules: [{value: true, from: 2025-06-10, until: 2025-06-20}]\n",
    );
    folder.steward(&["apply", "-m", "first"]).exits(0);
    for (now, on) in [
        ("2025-06-01", false),
        ("2025-06-10", true),
        ("2025-06-09", false),
        ("2030-01-01", false),
        ("1999-01-01", false),
    ] {
        folder.write("steward.yaml", SETTINGS.replace("2025-06-01", now));
        let found = folder.steward(&["flag", "eval", "sale", "--json"]).exits(0).json();
        assert_eq!(found["value"], on, "{now}");
        folder.steward(&["flag", "list"]).exits(0);
    }
}
