//! Definitions compiled to the payload, and what units get of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use steward_definitions::{Project, Source};

use super::{Hold, Holds, Live, Reason, Schedule, Subject, parse_json};
use crate::governance::InForce;

/// 2026-03-01T00:00:00Z.
const NOW: i64 = 1_772_323_200_000_000;
const DAY: i64 = 86_400_000_000;

const FLAGS: &str = "flag: checkout
default: old
variants: {new: new_page, newest: newest_page}
forced: [{units: [tester, '7'], variant: newest}]
prerequisites: [payments]
rules:
  - {rule: staff, segments: [staff], variant: newest}
  - {rule: germany, when: {country: DE}, not_segments: [adults], value: new_page}
  - {rule: later, when: {country: FR}, value: new_page, from: 2026-03-02}
  - {rule: over, when: {country: FR}, value: new_page, until: 2026-03-01}
  - rule: grow
    when: {country: NL}
    variant: new
    ramp: {steps: [{at: 2026-02-01, coverage: 20%}, {at: 2026-03-03, coverage: 100%}]}
  - rule: test
    key: colour
    split: [{name: a, value: old, weight: 50%}, {name: b, variant: new, weight: 50%}]
    layer: {name: page, range: [0, 0.5]}
---
flag: payments
rules: [{value: true}]
---
flag: closed
enabled: false
rules: [{value: true}]
---
flag: bare
default: 1.0
";

fn project(flags: &str, holdout: &str) -> Project {
    let files = [
        ("steward.yaml", "project: shop\nowner: mara\n"),
        ("flags/all.yaml", flags),
        ("layers/page.yaml", "layer: page\n"),
        (
            "segments/all.yaml",
            "segment: staff\nattribute: email\nvalues: [a@larkspur.example]\n---\nsegment: adults\nwhen: {age: {$gte: 18}}\n",
        ),
        ("holdouts/all.yaml", holdout),
    ];
    let sources: Vec<Source> = files
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(path, text)| Source {
            path: (*path).into(),
            text: (*text).into(),
        })
        .collect();
    let (project, problems) = Project::parse(&sources);
    assert!(problems.is_empty(), "{problems:#?}");
    project
}

fn live(project: Project, holds: &Holds, now_us: i64) -> Live {
    let applied = InForce {
        project,
        digest: String::new(),
        sequence: 1,
        at_us: NOW - 30 * DAY,
        actor: "mara".into(),
    };
    Live::compile(applied, holds, now_us).unwrap()
}

/// Value, variant, reason and rule.
fn ask(live: &Live, flag: &str, attributes: &str) -> (String, String, Reason, String) {
    let attributes = parse_json(attributes).unwrap();
    let answer = live.answer(flag, &mut Subject::new(&attributes)).unwrap();
    (
        answer.value.to_json(),
        answer.variant.to_owned(),
        answer.reason,
        answer.rule.to_owned(),
    )
}

fn told(value: &str, variant: &str, reason: Reason, rule: &str) -> (String, String, Reason, String) {
    (value.into(), variant.into(), reason, rule.into())
}

#[test]
fn each_rule_answers_whom_it_is_for() {
    let live = live(project(FLAGS, ""), &Holds::default(), NOW);
    let ask = |attributes: &str| ask(&live, "checkout", attributes);
    let tester = told("\"newest_page\"", "newest", Reason::TargetingMatch, "forced/1");
    assert_eq!(ask(r#"{"id":"tester","country":"DE"}"#), tester);
    assert_eq!(ask(r#"{"id":7}"#), tester);
    let staff = told("\"newest_page\"", "newest", Reason::TargetingMatch, "staff");
    assert_eq!(ask(r#"{"id":"u","email":"a@larkspur.example"}"#), staff);
    let germany = told("\"new_page\"", "new", Reason::TargetingMatch, "germany");
    assert_eq!(ask(r#"{"id":"u","country":"DE","age":17}"#), germany);
    let (_, _, reason, rule) = ask(r#"{"id":"u","country":"DE","age":18}"#);
    assert!(reason != Reason::TargetingMatch && rule != "germany");
    let nobody = told("\"old\"", "default", Reason::Default, "");
    assert_eq!(ask(r#"{"country":"FR"}"#), nobody);
    let seen: std::collections::BTreeSet<String> = (0..200)
        .map(|n| ask(&format!(r#"{{"id":"u{n}","country":"FR"}}"#)).1)
        .collect();
    assert_eq!(Vec::from_iter(seen), ["a", "b", "default"]);
}

#[test]
fn a_prerequisite_that_does_not_hold_gives_the_default_and_a_kill_switch_too() {
    let off = FLAGS.replace("flag: payments\n", "flag: payments\nenabled: false\n");
    let live = live(project(&off, ""), &Holds::default(), NOW);
    let gated = told("\"old\"", "default", Reason::Default, "prerequisite/payments");
    assert_eq!(ask(&live, "checkout", r#"{"id":"tester"}"#), gated);
    assert_eq!(
        ask(&live, "closed", r#"{"id":"u"}"#),
        told("false", "off", Reason::Disabled, "")
    );
    assert_eq!(
        ask(&live, "bare", r#"{"id":"u"}"#),
        told("1", "default", Reason::Static, "")
    );
    assert!(
        live.answer("none", &mut Subject::new(&parse_json("{}").unwrap()))
            .is_none()
    );
}

#[test]
fn time_opens_and_closes_rules_and_grows_ramps() {
    let project = project(FLAGS, "");
    let share = |live: &Live| {
        let inside =
            (0..2000).filter(|n| ask(live, "checkout", &format!(r#"{{"id":"u{n}","country":"NL"}}"#)).3 == "grow");
        inside.count()
    };
    let now = live(project.clone(), &Holds::default(), NOW);
    assert_eq!(now.until_us, Some(NOW + DAY));
    assert_eq!(now.since_us, NOW);
    let states = &now.flag("checkout").unwrap().states;
    assert!(matches!(states[2].schedule, Schedule::Waiting { .. }) && states[2].coverage == 0.0);
    assert!(matches!(states[3].schedule, Schedule::Ended { .. }));
    assert_eq!(
        (states[4].coverage, states[4].ramp.as_ref().unwrap().step),
        (0.2, Some(0))
    );
    let part = share(&now);
    assert!((340..460).contains(&part), "{part} of 2000 at 20%");
    let later = live(project.clone(), &Holds::default(), NOW + 2 * DAY);
    assert_eq!((share(&later), later.until_us), (2000, None));
    assert_ne!(later.digest, now.digest);
    let mut holds = Holds::default();
    let hold = Hold {
        coverage: 0.2,
        actor: "policy/ramp".into(),
        ..Hold::default()
    };
    holds.put("checkout", "grow", hold);
    assert_eq!(share(&live(project, &holds, NOW + 2 * DAY)), part);
}

#[test]
fn units_held_out_get_the_default_and_the_others_go_on() {
    let holdout = "holdout: nothing_new\nshare: 30%\nflags: [checkout]\n";
    let live = live(project(FLAGS, holdout), &Holds::default(), NOW);
    let held = |n: u32| ask(&live, "checkout", &format!(r#"{{"id":"u{n}","country":"DE"}}"#));
    let all: Vec<_> = (0..2000).map(held).collect();
    let out = all.iter().filter(|a| a.3 == "holdout/nothing_new");
    assert!(
        out.clone()
            .all(|a| *a == told("\"old\"", "default", Reason::Split, "holdout/nothing_new"))
    );
    let out = out.count();
    assert!((530..670).contains(&out), "{out} of 2000 held out");
    assert!(all.iter().all(|a| a.3 == "holdout/nothing_new" || a.3 == "germany"));
    let tester = ask(&live, "checkout", r#"{"id":"tester"}"#);
    assert_eq!(tester.3, "forced/1");
}

#[test]
fn the_payload_is_the_same_text_for_the_same_definitions() {
    let one = live(project(FLAGS, ""), &Holds::default(), NOW);
    let two = live(project(FLAGS, ""), &Holds::default(), NOW + 1);
    assert_eq!((&one.digest, &one.features_json), (&two.digest, &two.features_json));
    assert_eq!(one.groups_json, r#"{"staff":["a@larkspur.example"]}"#);
}
