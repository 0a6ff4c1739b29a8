//! Text is changed where it is meant to be, and nowhere else.

use steward_definitions::edit::{Change, EditError, edit};
use steward_definitions::yaml::{self, Node, Value};

const FLAG: &str = "\
# Who sees the new page.
flag: page   # the name
label: 'The page'

rules:
  # Our own people first.
  - {rule: staff, segments: [staff], value: true}
  - rule: grow # slowly
    value: true
    rollout: 20%   # of everyone

  - rule: test
    when:
      country: DE
      age: {$gte: 18}
    split:
      - {name: a, value: true, weight: 50%}
      - name: b
        value: false
        weight: 50%
---
# Another one.
flag: other
enabled:
rules: []
";

fn set(path: &str, value: &str) -> Change {
    Change {
        path: path.into(),
        value: Some(value.into()),
    }
}

fn out(path: &str) -> Change {
    Change {
        path: path.into(),
        value: None,
    }
}

fn changed(changes: &[Change]) -> String {
    edit(FLAG, "flag", "page", changes).unwrap()
}

#[test]
fn one_value_changes_and_the_rest_stays_to_the_byte() {
    for (change, before, after) in [
        (
            set("rules.grow.rollout", "50%"),
            "rollout: 20%   # of",
            "rollout: 50%   # of",
        ),
        (set("label", "Page"), "label: 'The page'", "label: Page"),
        (
            set("rules.test.split.a.weight", "70%"),
            "value: true, weight: 50%}",
            "value: true, weight: 70%}",
        ),
        (
            set("rules.test.split.b.weight", "30%"),
            "        weight: 50%",
            "        weight: 30%",
        ),
        (
            set("rules.3.split.2.weight", "30%"),
            "        weight: 50%",
            "        weight: 30%",
        ),
        (
            set("rules.staff.value", "false"),
            "[staff], value: true}",
            "[staff], value: false}",
        ),
        (
            set("rules.staff.until", "2026-01-01"),
            "value: true}\n  - rule",
            "value: true, until: 2026-01-01}\n  - rule",
        ),
        (
            set("rules.staff.segments", "[staff, press]"),
            "segments: [staff]",
            "segments: [staff, press]",
        ),
        (
            set("rules.test.when", "{country: FR}"),
            "when:\n      country: DE\n      age: {$gte: 18}\n",
            "when: {country: FR}\n",
        ),
        (
            set("enabled", "false"),
            "        weight: 50%\n---",
            "        weight: 50%\nenabled: false\n---",
        ),
        (
            set("rules.grow.until", "2026-01-01"),
            "# of everyone\n",
            "# of everyone\n    until: 2026-01-01\n",
        ),
        (
            set("rules.grow.value", "a, b"),
            "    value: true\n    rollout",
            "    value: a, b\n    rollout",
        ),
        (
            set("rules.staff.value", "a, b"),
            "[staff], value: true}",
            "[staff], value: \"a, b\"}",
        ),
        (
            set("rules.staff.value", "\"50%\""),
            "[staff], value: true}",
            "[staff], value: \"50%\"}",
        ),
        (out("rules.grow.rollout"), "    rollout: 20%   # of everyone\n", ""),
        (out("rules.test.when.age"), "      age: {$gte: 18}\n", ""),
        (out("rules.staff.segments"), "segments: [staff], ", ""),
        (out("rules.staff.value"), ", value: true}\n  - rule", "}\n  - rule"),
        (
            out("rules.staff"),
            "  - {rule: staff, segments: [staff], value: true}\n",
            "",
        ),
        (
            out("rules.test.split.a"),
            "      - {name: a, value: true, weight: 50%}\n",
            "",
        ),
        (out("label"), "label: 'The page'\n", ""),
    ] {
        assert_eq!(FLAG.matches(before).count(), 1, "{before}");
        assert_eq!(
            changed(std::slice::from_ref(&change)),
            FLAG.replace(before, after),
            "{change:?}"
        );
    }
    let other = edit(FLAG, "flag", "other", &[set("enabled", "false")]).unwrap();
    assert_eq!(other, FLAG.replace("enabled:\n", "enabled: false\n"));
    let windows = FLAG.replace('\n', "\r\n");
    let found = edit(
        &format!("\u{feff}{windows}"),
        "flag",
        "page",
        &[set("enabled", "false")],
    )
    .unwrap();
    assert_eq!(
        found,
        format!(
            "\u{feff}{}",
            windows.replace("50%\r\n---", "50%\r\nenabled: false\r\n---")
        )
    );
    let short = edit(
        "flag: x",
        "flag",
        "x",
        &[set("enabled", "false"), set("default", "true")],
    )
    .unwrap();
    assert_eq!(short, "flag: x\nenabled: false\ndefault: true\n");
}

#[test]
fn what_cannot_be_changed_alone_is_refused() {
    let refused = |text: &str, change: Change| edit(text, "flag", "page", &[change]).unwrap_err().to_string();
    for (change, says) in [
        (
            set("rules.gro.rollout", "1"),
            "no item is called `gro`; there is staff, grow, test",
        ),
        (set("rule.grow.rollout", "1"), "did you mean `rules`"),
        (set("label.x", "1"), "`label` is the text"),
        (out("rules.grow.rollouts"), "did you mean `rollout`"),
        (set("rules.grow.rollout", "{"), "no YAML on one line"),
        (set("rules.grow.rollout", "1\nenabled: false"), "no YAML on one line"),
        (set("rules.grow.rollout", ""), "no YAML on one line"),
        (set("rules.9.rollout", "1"), "no item is called `9`"),
        (set("", "1"), "an empty key"),
    ] {
        let found = refused(FLAG, change.clone());
        assert!(found.contains(says), "{change:?}: {found}");
    }
    let anchored = "flag: page\nx: &share 20%\ny: *share\n";
    assert!(refused(anchored, set("x", "30%")).contains("by hand"));
    assert_eq!(
        edit(anchored, "flag", "page", &[set("y", "30%")]).unwrap(),
        anchored.replace("*share", "30%")
    );
    let missing = edit(FLAG, "flag", "none", &[]);
    assert_eq!(missing, Ok(FLAG.to_owned()));
    let missing = edit(FLAG, "flag", "none", &[set("a", "1")]);
    assert!(matches!(missing, Err(EditError::NoDocument(..))), "{missing:?}");
}

fn scalars(node: &Node, path: &str, found: &mut Vec<String>) {
    let below = |word: &str| {
        if path.is_empty() {
            word.to_owned()
        } else {
            format!("{path}.{word}")
        }
    };
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .filter(|e| !e.key.contains('.'))
            .for_each(|e| scalars(&e.value, &below(&e.key), found)),
        Value::Seq(items) => (0..items.len()).for_each(|n| scalars(&items[n], &below(&(n + 1).to_string()), found)),
        _ => found.push(path.to_owned()),
    }
}

/// Every value of every file of the demo company is changed alone: the same lines, but for the ones that it stood on.
#[test]
fn every_value_of_a_whole_project_can_be_changed_alone() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/larkspur/experiments");
    let mut tried = 0;
    for file in std::fs::read_dir(root).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let (documents, _) = yaml::parse("", &text);
        let name = documents[0].get("experiment").unwrap().text.clone();
        let mut paths = Vec::new();
        scalars(&documents[0], "", &mut paths);
        for path in paths.iter().filter(|p| *p != "experiment") {
            let after = edit(&text, "experiment", &name, &[set(path, "changed")]).unwrap();
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let (old, new) = (lines(&text), lines(&after));
            let kept = new.iter().filter(|l| old.contains(l)).count();
            assert!(new.len() <= old.len() && kept + 1 == new.len(), "{path}:\n{after}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}
