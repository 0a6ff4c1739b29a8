//! The grammar of traces.

use super::runs::{listed, number, text};
use super::{Attribute, Grammar, Kind};

const fn alias(names: &'static [&'static str], of: (Kind, &'static str), ordered: bool) -> Attribute {
    Attribute {
        stands_for: Some(of),
        ..text(names, ordered)
    }
}

/// The tag that a trace's name stands in.
pub const TRACE_NAME: &str = "mlflow.traceName";
/// What a trace's metadata call the run that it belongs to.
pub const SOURCE_RUN: &str = "mlflow.sourceRun";
/// The tag that the prompts of a trace are searched by.
pub const PROMPTS: &str = "mlflow.linkedPrompts";

/// Traces.
pub const TRACES: Grammar = Grammar {
    entities: &[
        ("tag", Kind::Tag),
        ("tags", Kind::Tag),
        ("attribute", Kind::Attribute),
        ("attributes", Kind::Attribute),
        ("trace", Kind::Attribute),
        ("request_metadata", Kind::Metadata),
        ("metadata", Kind::Metadata),
        ("span", Kind::Span),
        ("feedback", Kind::Feedback),
        ("expectation", Kind::Expectation),
        ("issue", Kind::Issue),
    ],
    attributes: &[
        listed(text(&["request_id"], true)),
        number(&["timestamp_ms", "timestamp"]),
        number(&["execution_time_ms", "execution_time"]),
        number(&["end_time_ms", "end_time"]),
        listed(text(&["status"], true)),
        listed(text(&["client_request_id"], false)),
        Attribute {
            filtered: false,
            ..number(&["experiment_id"])
        },
        alias(&["name"], (Kind::Tag, TRACE_NAME), true),
        alias(&["run_id"], (Kind::Metadata, SOURCE_RUN), true),
        alias(&["prompt"], (Kind::Tag, PROMPTS), false),
        alias(&["text"], (Kind::Span, "content"), false),
    ],
    nullable: &[Kind::Tag, Kind::Metadata, Kind::Feedback, Kind::Expectation],
    tag_lists: false,
    patterns: true,
};
