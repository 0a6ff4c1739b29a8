//! Other experiments on the same units at the same time, and whether they disturb this one.

use maud::{Markup, html};
use steward_capabilities::{CapabilityError, experiments};
use steward_definitions::Kind;

use crate::format;
use crate::state::Loaded;
use crate::ui::layout::badge;
use crate::ui::parts;

/// Who shares its units; `with` is the one that is tested, `query` the rest of the address's state.
pub(super) async fn overlap(loaded: &Loaded, name: &str, with: &str, query: &str) -> Result<Markup, CapabilityError> {
    let context = &loaded.context;
    let others = experiments::beside(context, name)?;
    if others.is_empty() {
        return Ok(html! {});
    }
    let tested = match with.trim() {
        "" => None,
        with => Some(experiments::interactions(context, Some((name, with))).await?),
    };
    let address = |other: &str| match query {
        "" => format!("?with={}#overlap", parts::encode(other)),
        query => format!("{query}&with={}#overlap", parts::encode(other)),
    };
    Ok(html! {
        h2 #overlap { "On the same units at the same time" }
        div.card {
            ul.plain { @for other in &others { li {
                (parts::link(loaded, Kind::Experiment, other)) " "
                @if other == with.trim() { span.soft { "tested below" } } @else { a href=(address(other)) { "does it disturb this one?" } }
            } } }
            @for pair in tested.iter().flat_map(|t| &t.pairs) {
                p {
                    @match &pair.test {
                        Some(test) if test.interact => (badge("warn", "interact")),
                        Some(_) => (badge("", "no interaction shown")),
                        None => (badge("", "not tested")),
                    }
                    " " (pair.sentence)
                }
                @if !pair.interactions.is_empty() {
                    div.scroll tabindex="0" role="region" aria-label="Interactions" { table.stack {
                        thead { tr { th scope="col" { "This one's" } th scope="col" { "The other's" } th.num scope="col" { "Change of the effect" } } }
                        tbody { @for i in &pair.interactions { tr {
                            th scope="row" { (i.first) } td data-l="The other's" { (i.second) }
                            td.num data-l="Change of the effect" { (parts::answer(&i.effect, &format::signed)) }
                        } } }
                    } }
                    p.note { "How much this one's effect on " (pair.metric) " changes with the other's treatment, in the metric's unit." }
                }
            }
        }
    })
}
