//! The grammars of runs and run groups.

use super::{Attribute, Grammar, Kind};

pub(super) const fn text(names: &'static [&'static str], ordered: bool) -> Attribute {
    Attribute {
        names,
        numeric: false,
        filtered: true,
        lists: false,
        ordered,
        stands_for: None,
    }
}

pub(super) const fn number(names: &'static [&'static str]) -> Attribute {
    Attribute {
        names,
        numeric: true,
        filtered: true,
        lists: false,
        ordered: true,
        stands_for: None,
    }
}

pub(super) const fn listed(attribute: Attribute) -> Attribute {
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
    patterns: false,
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
    patterns: false,
};

/// Models that runs logged.
pub const MODELS: Grammar = Grammar {
    entities: &[
        ("attributes", Kind::Attribute),
        ("metrics", Kind::Metric),
        ("params", Kind::Param),
        ("tags", Kind::Tag),
    ],
    attributes: &[
        listed(text(&["name"], true)),
        listed(text(&["model_id"], true)),
        listed(text(&["model_type"], true)),
        listed(text(&["status"], true)),
        listed(text(&["source_run_id"], true)),
        listed(text(&["artifact_location"], true)),
        number(&["creation_timestamp", "creation_time", "creation_timestamp_ms"]),
        number(&["last_updated_timestamp", "last_updated_timestamp_ms"]),
    ],
    nullable: &[],
    tag_lists: true,
    patterns: false,
};

/// Sets of examples.
pub const EXAMPLES: Grammar = Grammar {
    entities: &[("tags", Kind::Tag)],
    attributes: &[
        listed(text(&["name"], true)),
        number(&["created_time"]),
        number(&["last_update_time"]),
        text(&["created_by"], false),
        text(&["last_updated_by"], false),
    ],
    nullable: &[],
    tag_lists: false,
    patterns: false,
};
