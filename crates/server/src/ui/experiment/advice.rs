//! What the decision rule says to do, and the conditions it rests on.

use maud::{Markup, html};
use steward_capabilities::experiments::{Readout, Recommendation};

use crate::ui::layout::badge;
use crate::ui::parts;

/// The recommendation with its conditions, each with what was found.
pub(super) fn advice(r: &Readout) -> Markup {
    let decision = &r.decision;
    if decision.rule.is_empty() {
        return html! {};
    }
    let tone = match decision.recommendation {
        Recommendation::Ship => "good",
        Recommendation::DoNotShip | Recommendation::Redesign => "bad",
        Recommendation::Extend => "warn",
        Recommendation::KeepRunning => "",
    };
    let word = decision.recommendation.word();
    html! {
        h2 #advice { "What the rule says" }
        div.card {
            p { (badge(tone, word)) " " (decision.explanation) " " (parts::why(&r.provenance.evidence)) }
            p.note { (decision.rule) }
            @if !decision.conditions.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Conditions of the rule" { table.stack {
                    thead { tr { th scope="col" { "Condition" } th scope="col" { "Holds" } th scope="col" { "Found" } } }
                    tbody { @for c in &decision.conditions { tr {
                        th scope="row" { (c.asks) }
                        td data-l="Holds" { @match c.holds {
                            Some(true) => (badge("good", "yes")),
                            Some(false) => (badge("bad", "no")),
                            None => (badge("", "cannot be told")),
                        } }
                        td data-l="Found" { (c.found) }
                    } } }
                } }
            }
        }
    }
}
