//! Shares that are foretold are those that come out.

#![allow(clippy::unwrap_used, clippy::panic)]

use steward_definitions::{Project, Source};

use super::effects::effects;
use super::{Holds, Live, Subject, Value};
use crate::governance::InForce;

const UNITS: usize = 20_000;

fn live(rule: &str) -> Live {
    let files = [
        ("steward.yaml", "project: shop\nowner: mara\n".to_owned()),
        ("layers/all.yaml", "layer: page\n---\nlayer: other\n".to_owned()),
        (
            "flags/x.yaml",
            format!("flag: x\ndefault: none\nrules: [{{rule: r, {rule}}}]\n"),
        ),
    ];
    let sources = files.map(|(path, text)| Source {
        path: path.into(),
        text,
    });
    let (project, problems) = Project::parse(&sources);
    assert!(problems.is_empty(), "{problems:#?}");
    let applied = InForce {
        project,
        digest: String::new(),
        sequence: 1,
        at_us: 0,
        actor: "mara".into(),
    };
    Live::compile(applied, &Holds::default(), 1_772_323_200_000_000).unwrap()
}

#[test]
fn the_share_of_units_that_a_change_moves_is_foretold() {
    let split = |a: u32, more: &str| {
        format!(
            "key: k, split: [{{name: a, value: a, weight: {a}%}}, {{name: b, value: b, weight: {}%}}]{more}",
            100 - a
        )
    };
    let v = "value: v";
    for (old, new, share) in [
        (format!("{v}, rollout: 20%"), format!("{v}, rollout: 50%"), 0.3),
        (format!("{v}, rollout: 50%"), format!("{v}, rollout: 20%"), 0.3),
        (format!("{v}, rollout: 20%"), v.to_owned(), 0.8),
        (v.to_owned(), "value: w".to_owned(), 1.0),
        (
            format!("{v}, rollout: 30%"),
            format!("{v}, rollout: 30%, seed: s"),
            2.0 * 0.3 * 0.7,
        ),
        (format!("{v}, range: [0, 0.4]"), format!("{v}, range: [0.2, 0.6]"), 0.4),
        (v.to_owned(), format!("{v}, until: 2026-01-01"), 1.0),
        (split(50, ""), split(60, ", sticky: true"), 0.1),
        (split(50, ""), split(60, ", bucket_version: 1"), 0.5),
        (split(50, ", rollout: 40%"), split(50, ", rollout: 80%"), 0.4),
        (
            split(90, ", rollout: 50%"),
            split(10, ", rollout: 50%, bucket_version: 2"),
            1.0 - 0.25 - 2.0 * 0.45 * 0.05,
        ),
        (
            format!("{v}, layer: {{name: page, range: [0, 0.5]}}"),
            format!("{v}, layer: {{name: page, range: [0.3, 0.9]}}"),
            0.3 + 0.4,
        ),
        (
            split(50, ", layer: {name: page, range: [0, 0.5]}"),
            split(50, ", bucket_version: 1, layer: {name: page, range: [0, 0.6]}"),
            0.5 * 0.5 + 0.1,
        ),
        (
            format!("{v}, rollout: 50%, layer: {{name: page, range: [0, 0.5]}}"),
            format!("{v}, rollout: 50%, layer: {{name: other, range: [0, 0.5]}}"),
            0.5 * 0.25 * 2.0,
        ),
    ] {
        let (before, after) = (live(&old), live(&new));
        let told = effects(&before, &after, "x");
        assert_eq!(told.len(), 1, "{old} → {new}: {told:?}");
        let foretold = told[0].share.unwrap();
        assert!(
            (foretold - share).abs() < 1e-9,
            "{old} → {new}: {foretold} is not {share}"
        );
        let moved = (0..UNITS).filter(|n| {
            let unit = Value::map([("id".into(), Value::text(&format!("unit-{n}")))]);
            let get = |live: &Live| live.answer("x", &mut Subject::new(&unit)).unwrap().value.to_json();
            get(&before) != get(&after)
        });
        #[allow(clippy::cast_precision_loss)]
        let found = moved.count() as f64 / UNITS as f64;
        let error = (share * (1.0 - share) / 20_000.0).sqrt();
        assert!(
            (found - share).abs() <= 4.0 * error + 1e-3,
            "{old} → {new}: {found} is not {share}"
        );
    }
}

#[test]
fn what_hangs_on_attributes_has_no_share() {
    let (before, after) = (live("value: v"), live("value: v, when: {country: DE}"));
    let told = effects(&before, &after, "x");
    assert_eq!((told.len(), told[0].share), (1, None));
    assert!(effects(&before, &live("value: v"), "x").is_empty());
}
