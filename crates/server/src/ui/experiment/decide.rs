//! The form that records a decision.

use maud::{Markup, html};
use steward_capabilities::governance::Decision;
use steward_definitions::{Experiment, Kind};

use super::Input;
use crate::ui::parts;

/// The form, filled with what was typed where a policy refused it.
pub(super) fn decision_form(
    name: &str,
    e: &Experiment,
    broken: bool,
    input: &Input,
    refusal: Option<&str>,
    past: &[Decision],
) -> Markup {
    html! { div.card {
        @if let Some(refusal) = refusal { p.bad-ink role="alert" { (refusal) } }
        @if !past.is_empty() { p.note { "Decided before (" (past.len()) "); a new decision adds to that." } }
        form.sheet method="post" action={ (parts::address(Kind::Experiment, name)) "/decide" } {
            label for="choice" { "Choice" }
            select #choice name="choice" { @for word in ["ship", "stop", "extend", "redesign"] { option value=(word) selected[input.choice == word] { (word) } } }
            label for="variant" { "Variant, to ship" }
            select #variant name="variant" { option value="" { "as the verdict says" }
                @for v in &e.variants { option value=(v.name) selected[input.variant == v.name] { (v.label.as_deref().unwrap_or(&v.name)) } } }
            label for="reason" { "Reason" }
            textarea #reason name="reason" rows="3" required { (input.reason) }
            label for="actor" { "Decided by (handle)" }
            input #actor name="actor" required value=(input.actor);
            @if broken {
                label for="waiver" { "Waiver: why decide although the split is broken" }
                textarea #waiver name="waiver" rows="2" { (input.waiver) }
            }
            button type="submit" { "Record decision" }
        }
    } }
}
