//! Rules in words.

use maud::{Markup, html};
use steward_definitions::{Flag, FlagRule, Kind, Serve};

use super::super::parts;
use crate::format;
use crate::state::Loaded;

/// The rules of a flag as they are tried.
pub fn rules(loaded: &Loaded, flag: &Flag) -> Markup {
    let gates = flag.prerequisites.iter();
    html! {
        ol {
            @for gate in gates { li { "unless " (parts::link(loaded, Kind::Flag, &gate.flag)) " is " code { (bare(&gate.condition)) } ": " code { (flag.default) } } }
            @for forced in &flag.forced { li { "testers with " (forced.attribute) " " (forced.units.join(", ")) ": " code { (forced.value) } } }
            @for holdout in loaded.context.project.holdouts.values().filter(|h| h.flags.is_empty() || h.flags.contains(&flag.meta.name)) {
                li { "the " (format::percent(holdout.share)) " held back by " (parts::link(loaded, Kind::Holdout, &holdout.meta.name)) ": " code { (flag.default) } }
            }
            @for rule in &flag.rules { li { strong { (rule.name) } ": " (served(loaded, rule)) (targeted(loaded, rule)) (guarded(loaded, rule)) } }
            li { "everyone else: " code { (flag.default) } }
        }
    }
}

/// A condition on a value, without the value's name where it is a plain one.
fn bare(condition: &str) -> String {
    let inner = condition.strip_prefix("{\"value\":").and_then(|c| c.strip_suffix('}'));
    inner.filter(|i| !i.starts_with('{')).unwrap_or(condition).to_owned()
}

fn served(loaded: &Loaded, rule: &FlagRule) -> Markup {
    html! {
        @match &rule.serve {
            Serve::Value { value, range, ramp } => {
                code { (value) }
                @if let Some(share) = rule.coverage { " for " (format::percent(share)) " by " (rule.by) }
                @if let Some([low, high]) = range { " for the slice " (low) " to " (high) " by " (rule.by) }
                @if let Some(ramp) = ramp { ", growing by " (rule.by) ": " @for (at, step) in ramp.steps.iter().enumerate() { @if at > 0 { ", " } (format::percent(step.coverage)) " from " (step.at) } }
            }
            Serve::Split(split) => {
                "split by " (rule.by) " "
                @if let Some(share) = rule.coverage { "for " (format::percent(share)) " " }
                @for (at, arm) in split.arms.iter().enumerate() { @if at > 0 { ", " } (arm.name) " " (format::percent(arm.weight)) " " code { (arm.value) } }
                @if let Some(experiment) = &split.experiment { " for " (parts::link(loaded, Kind::Experiment, experiment)) }
                @if split.sticky { ", kept by sticky buckets" }
                @if split.bucket_version > 0 { ", buckets of version " (split.bucket_version) }
            }
        }
    }
}

fn targeted(loaded: &Loaded, rule: &FlagRule) -> Markup {
    html! {
        @if let Some(when) = &rule.when { " when " code { (when) } }
        @if !rule.segments.is_empty() { " in " (parts::links(loaded, Kind::Segment, &rule.segments, "")) }
        @if !rule.not_segments.is_empty() { " not in " (parts::links(loaded, Kind::Segment, &rule.not_segments, "")) }
        @for gate in &rule.prerequisites { " if " (parts::link(loaded, Kind::Flag, &gate.flag)) " is " code { (bare(&gate.condition)) } }
        @if let Some(slice) = &rule.layer { " in " (parts::link(loaded, Kind::Layer, &slice.layer)) " from " (slice.range[0]) " to " (slice.range[1]) }
        @if let Some(from) = &rule.from { " from " (from) }
        @if let Some(until) = &rule.until { " until " (until) }
    }
}

fn guarded(loaded: &Loaded, rule: &FlagRule) -> Markup {
    html! { @if let Some(guard) = &rule.guarded_by {
        "; " (if guard.action == steward_definitions::OnHarm::Freeze { "frozen" } else { "rolled back" }) " when "
        (parts::link(loaded, Kind::Experiment, &guard.experiment)) " harms "
        @if guard.metrics.is_empty() { "a guardrail" } @else { (parts::links(loaded, Kind::Metric, &guard.metrics, "")) }
    } }
}
