//! Flags, segments, layers, holdouts: what is read, and what is refused with which words.

use steward_definitions::{FlagType, Project, Serve, Source, plan};

const SETTINGS: &str = "project: shop\nowner: mara\nattributes: {id: string, country: string, app: version, age: number, tags: list, email: string}\n";
const BASE: &str = "flag: base\ndefault: false\nrules: [{value: true, rollout: 10%}]\n";

fn parse(files: &[(&str, &str)]) -> (Project, Vec<String>) {
    let settings = ("steward.yaml", SETTINGS);
    let texts = std::iter::once(&settings).chain(files);
    let sources: Vec<Source> = texts
        .map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let (project, problems) = Project::parse(&sources);
    (project, problems.iter().map(ToString::to_string).collect())
}

/// The problems of one flag beside the flag `base`, the segment `staff` and the layer `page`.
fn problems(flag: &str) -> Vec<String> {
    let segment = "segment: staff\nattribute: email\nvalues: [a@larkspur.example]\n";
    parse(&[
        ("flags/base.yaml", BASE),
        ("flags/x.yaml", flag),
        ("layers/page.yaml", "layer: page\n"),
        ("segments/staff.yaml", segment),
    ])
    .1
}

#[test]
fn a_whole_flag() {
    let flag = "flag: checkout
type: string
default: old
variants: {new: new, newest: newest}
forced: [{units: [tester1, tester2], variant: new}]
prerequisites: [base]
stale_after: 2026-12-31
rules:
  - rule: staff
    segments: [staff]
    variant: newest
  - rule: ramp
    when: {country: {$in: [DE, FR]}, app: {$vgte: 2.10.0}}
    value: new
    ramp: {steps: [{at: 2026-01-01, coverage: 10%}, {at: 2026-01-08, coverage: 0.5}]}
  - rule: split
    key: colour
    split: [{name: a, value: old, weight: 1/1}]
";
    let bad = problems(flag);
    assert_eq!(bad.len(), 2, "{bad:#?}");
    let good = flag.replace("[{name: a, value: old, weight: 1/1}]", "[{name: a, value: old, weight: 30%}, {name: b, variant: new, weight: 0.7}]\n    layer: {name: page, range: [0, 0.5]}\n    sticky: true\n    rollout: 0.8");
    let segment = "segment: staff\nwhen: {email: {$regex: '@larkspur\\.example$'}}\n";
    let files = [
        ("flags/base.yaml", BASE),
        ("flags/x.yaml", good.as_str()),
        ("layers/page.yaml", "layer: page\n"),
        ("segments/staff.yaml", segment),
        ("holdouts/all.yaml", "holdout: all\nshare: 5%\n"),
    ];
    let (project, bad) = parse(&files);
    assert!(bad.is_empty(), "{bad:#?}");
    let flag = &project.flags["checkout"];
    assert_eq!(
        (flag.value_type, flag.default.as_str(), flag.enabled),
        (FlagType::String, "\"old\"", true)
    );
    assert_eq!(flag.forced[0].value, "\"new\"");
    let Serve::Split(split) = &flag.rules[2].serve else {
        panic!("no split")
    };
    assert_eq!(
        (split.key.as_str(), split.arms[0].weight, split.arms[1].value.as_str()),
        ("colour", 0.3, "\"new\"")
    );
    assert_eq!(project.holdouts["all"].share, 0.05);
    let used: Vec<String> = project
        .references(&"flag/checkout".parse().unwrap())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(used, ["segment/staff", "layer/page", "flag/base"]);
}

#[test]
fn every_mistake_is_named() {
    for (flag, expected) in [
        (
            "flag: x\nrules: [{value: 1}]\n",
            "wrong-type]: `value` of the rule `rule1` of the flag `x` is the number `1`; expected `true` or `false`",
        ),
        (
            "flag: x\nrules: [{rollout: 10%}]\n",
            "serves nothing; expected `value`, `variant` or `split`",
        ),
        (
            "flag: x\nrules: [{value: true, rollout: 120%}]\n",
            "is the text `120%`; expected a share from 0 to 1",
        ),
        (
            "flag: x\nrules: [{split: [{name: a, value: true, weight: 0.5}, {name: b, value: false, weight: 0.4}]}]\n",
            "weights]: the weights of the rule `rule1` of the flag `x` sum to 0.9, not to 1",
        ),
        (
            "flag: x\nrules: [{when: {contry: DE}, value: true}]\n",
            "names the attribute `contry`, which is not among the `attributes` of `steward.yaml`; did you mean `country`?",
        ),
        (
            "flag: x\nrules: [{when: {app: {$gt: 2.0.0}}, value: true}]\n",
            "asks `$gt` of `app`, which is a version; versions are compared with `$vlt`",
        ),
        (
            "flag: x\nrules: [{when: {age: {$gtt: 2}}, value: true}]\n",
            "uses `$gtt`, which is no operator here; did you mean `$gt`?",
        ),
        (
            "flag: x\nrules: [{when: {email: {$regex: '(a+)+$'}}, value: true}]\n",
            "bad-pattern]: the regular expression `(a+)+$` of `when` of the rule `rule1` of the flag `x` is refused: `(a+)+` repeats what can be read in several ways: clients that backtrack hang",
        ),
        (
            "flag: x\nrules: [{when: {email: {$regex: '(a'}}, value: true}]\n",
            "is refused: it is no regular expression: a group is not closed",
        ),
        (
            "flag: x\nrules: [{when: {toString: {$exists: true}}, value: true}]\n",
            "`toString` is what every JavaScript object has",
        ),
        (
            "flag: x\nrules: [{when: {country: {$in: DE}}, value: true}]\n",
            "`$in` of `when` of the rule `rule1` of the flag `x` is the text `DE`; expected a list",
        ),
        (
            "flag: x\nprerequisites: [bsae]\n",
            "names the flag `bsae`, which is not defined; did you mean `base`?",
        ),
        (
            "flag: x\nrules: [{segments: [stuff], value: true}]\n",
            "names the segment `stuff`, which is not defined; did you mean `staff`?",
        ),
        (
            "flag: x\nprerequisites: [x]\n",
            "the flag `x` is a prerequisite of itself: `x` → `x`",
        ),
        (
            "flag: x\nrules: [{experiment: nothing, split: [{name: a, value: true}, {name: b, value: false}]}]\n",
            "names the experiment `nothing`, which is not defined",
        ),
        (
            "flag: x\nrules: [{value: true, hash_version: 3}]\n",
            "`hash_version` is the number `3`; expected 1 or 2",
        ),
        (
            "flag: x\nrules: [{value: true, from: 2026-02-01, until: 2026-01-01}]\n",
            "ends before it starts",
        ),
        ("flag: x\ntype: string\n", "has no `default`"),
        ("flag: x\nrules: [{vlaue: true}]\n", "unknown key `vlaue`"),
        (
            "flag: x\nrules: [{key: a, split: [{name: a, value: true}, {name: b, value: false}], layer: {name: page, range: [0, 0.6]}}, {key: b, split: [{name: a, value: true}, {name: b, value: false}], layer: {name: page, range: [0.5, 1]}}]\n",
            "overlap in the layer `page`: [0.5, 1] and [0, 0.6]",
        ),
    ] {
        let found = problems(flag);
        assert!(found.iter().any(|p| p.contains(expected)), "{flag}\n{found:#?}");
    }
}

#[test]
fn cycles_of_prerequisites_are_refused_once() {
    let (_, found) = parse(&[
        ("flags/a.yaml", "flag: a\nprerequisites: [b]\n"),
        (
            "flags/b.yaml",
            "flag: b\nrules: [{prerequisites: [{flag: a, is: true}], value: true}]\n",
        ),
    ]);
    assert_eq!(
        found,
        [
            "flags/a.yaml:1:7: error[cycle]: the flag `a` is a prerequisite of itself: `a` → `b` → `a`; take one of these out of `prerequisites`"
        ]
    );
}

#[test]
fn moved_weights_are_a_breaking_change_unless_units_keep_their_variant() {
    let flag = |weights: (&str, &str), more: &str| {
        let text = format!(
            "flag: x\nrules: [{{key: k, split: [{{name: a, value: true, weight: {}}}, {{name: b, value: false, weight: {}}}]{more}}}]\n",
            weights.0, weights.1
        );
        parse(&[("flags/x.yaml", text.as_str())]).0
    };
    let broken = |old: &Project, new: &Project| {
        let plan = plan::Plan::between(old, new);
        plan.changes
            .iter()
            .flat_map(|c| &c.breaking)
            .map(|b| b.what.clone())
            .collect::<Vec<_>>()
    };
    let even = flag(("50%", "50%"), "");
    assert_eq!(
        broken(&even, &flag(("90%", "10%"), "")),
        ["units move between the variants of `k`: the weight of `a` turns from 50% to 90% while it runs"]
    );
    assert_eq!(
        broken(&even, &flag(("90%", "10%"), ", bucket_version: 1")),
        [] as [&str; 0]
    );
    let sticky = flag(("50%", "50%"), ", sticky: true");
    assert_eq!(
        broken(&sticky, &flag(("90%", "10%"), ", sticky: true")),
        [] as [&str; 0]
    );
}

#[test]
fn units_move_unless_every_unit_is_assigned_anew_or_keeps_its_variant() {
    let flag = |split: &str, more: &str| {
        let text = format!("flag: x\nrules: [{{rule: r, key: k, split: [{split}]{more}}}]\n");
        let (project, problems) = parse(&[("flags/x.yaml", text.as_str()), ("layers/page.yaml", "layer: page\n")]);
        assert_eq!(problems, [] as [&str; 0]);
        project
    };
    let even = "{name: a, value: true}, {name: b, value: false}";
    let third = "{name: a, value: true}, {name: b, value: false}, {name: c, value: true}";
    let turned = "{name: b, value: false}, {name: a, value: true}";
    let other = "{name: a, value: true}, {name: b, value: true}";
    let moved = |(old, old_more): (&str, &str), (new, new_more): (&str, &str)| {
        let found = plan::moves(&flag(old, old_more), &flag(new, new_more));
        assert!(
            found
                .iter()
                .all(|m| m.reference.to_string() == "flag/x" && m.span.line == 2)
        );
        found.into_iter().map(|m| m.what).next()
    };
    for (old, new, says) in [
        ((even, ""), (even, ", rollout: 50%"), None),
        ((even, ""), (even, ", when: {country: DE}"), None),
        ((even, ""), (third, ""), Some("the variant `c` is added")),
        (
            (third, ", sticky: true"),
            (even, ", sticky: true"),
            Some("the variant `c` is taken out"),
        ),
        ((third, ""), (even, ", bucket_version: 1"), None),
        ((even, ""), (turned, ""), Some("another order")),
        (
            (even, ", sticky: true"),
            (other, ", sticky: true"),
            Some("the variant `b` serves something else"),
        ),
        ((even, ""), (even, ", by: country"), Some("what is hashed")),
        (
            (even, ""),
            (even, ", layer: {name: page, range: [0, 0.5]}"),
            Some("what is hashed"),
        ),
        ((even, ", sticky: true"), (third, ", sticky: true, by: country"), None),
        ((even, ""), (third, ", sticky: true"), Some("the variant `c` is added")),
        (
            (even, ", bucket_version: 2"),
            (even, ", bucket_version: 1"),
            Some("what is hashed"),
        ),
        (
            (even, ", seed: s"),
            (third, ", seed: s, bucket_version: 1"),
            Some("the variant `c` is added"),
        ),
        ((even, ", seed: s"), (third, ", seed: t, bucket_version: 1"), None),
    ] {
        let found = moved(old, new);
        match says {
            None => assert_eq!(found, None, "{old:?} {new:?}"),
            Some(word) => assert!(
                found.as_ref().is_some_and(|f| f.contains(word)),
                "{old:?} {new:?}: {found:?}"
            ),
        }
    }
}

#[test]
fn groups_are_lists() {
    let flag = "flag: x\nrules: [{value: true, when: {email: {$inGroup: adults}}}]\n";
    let segment = "segment: adults\nwhen: {age: {$gte: 18}}\n";
    let (_, problems) = parse(&[("flags/x.yaml", flag), ("segments/adults.yaml", segment)]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].contains("by `$inGroup`, but it is no list"),
        "{problems:#?}"
    );
}

#[test]
fn client_keys_are_plain_and_their_secrets_are_references() {
    let problems = |sdk: &str| {
        let text = format!("project: shop\nowner: mara\nsdk: [{sdk}]\n");
        let (project, problems) = Project::parse(&[Source {
            path: "steward.yaml".into(),
            text,
        }]);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        (project.settings.sdk.len(), problems)
    };
    let (count, none) = problems("{key: sdk-web}, {key: sdk-tv, encryption: env:KEY}, {key: sdk-app, remote: true}");
    assert!(count == 3 && none.is_empty(), "{none:#?}");
    for (sdk, word) in [
        ("{key: a}, {key: a}", "given twice"),
        ("{key: a/b}", "does not fit into an address"),
        ("{encryption: env:KEY}", "key"),
        ("{key: a, encryption: AAECAwQFBgcICQoLDA0ODw==}", "written out"),
        ("{key: a, encryption: env:KEY, remote: true}", "leave `encryption` out"),
    ] {
        let (_, found) = problems(sdk);
        assert!(found.iter().any(|p| p.contains(word)), "{sdk}: {found:#?}");
        assert!(!found.iter().any(|p| p.contains("AAECAwQ")), "{found:#?}");
    }
}
