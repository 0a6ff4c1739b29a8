//! The grammars of runs and run groups.

use super::{Attribute, Grammar, Kind};

const fn text(names: &'static [&'static str], ordered: bool) -> Attribute {
    Attribute {
        names,
        numeric: false,
        filtered: true,
        lists: false,
        ordered,
    }
}

const fn number(names: &'static [&'static str]) -> Attribute {
    Attribute {
        names,
        numeric: true,
        filtered: true,
        lists: false,
        ordered: true,
    }
}

const fn listed(attribute: Attribute) -> Attribute {
    Attribute {
        lists: true,
        ..attribute
    }
}

/// Runs.
pub const RUNS: Grammar = Grammar {
    entities: &[
        ("metric", Kind::Metric),
        ("metrics", Kind::Metric),
        ("parameter", Kind::Param),
        ("parameters", Kind::Param),
        ("param", Kind::Param),
        ("params", Kind::Param),
        ("tag", Kind::Tag),
        ("tags", Kind::Tag),
        ("attribute", Kind::Attribute),
        ("attributes", Kind::Attribute),
        ("attr", Kind::Attribute),
        ("run", Kind::Attribute),
        ("dataset", Kind::Dataset),
        ("datasets", Kind::Dataset),
    ],
    attributes: &[
        listed(text(&["run_id"], true)),
        text(&["run_name", "run name", "Run name", "Run Name"], true),
        text(&["status"], true),
        text(&["artifact_uri"], true),
        text(&["user_id"], true),
        number(&["start_time", "created", "Created"]),
        number(&["end_time"]),
    ],
    nullable: &[Kind::Tag, Kind::Param],
    tag_lists: false,
};

/// Run groups.
pub const GROUPS: Grammar = Grammar {
    entities: &[
        ("attribute", Kind::Attribute),
        ("attributes", Kind::Attribute),
        ("tag", Kind::Tag),
        ("tags", Kind::Tag),
    ],
    attributes: &[
        text(&["name"], true),
        listed(text(&["experiment_id"], true)),
        number(&["creation_time"]),
        number(&["last_update_time"]),
    ],
    nullable: &[Kind::Tag],
    tag_lists: false,
};
