//! An objective inside a pack: its key results, computed.

use maud::{Markup, html};
use steward_capabilities::portfolio::{KeyResultState, KeyResultStatus, ObjectiveStatus};

use super::values::{Links, in_unit, short};
use crate::format::{percent, probability};
use crate::ui::layout::badge;

/// The tone of a state.
pub fn tone(state: KeyResultState) -> &'static str {
    match state {
        KeyResultState::Missed | KeyResultState::OffTrack => "bad",
        KeyResultState::AtRisk => "warn",
        KeyResultState::NotEstimable => "",
        KeyResultState::OnTrack | KeyResultState::Hit => "good",
    }
}

/// State, verdict and key results.
pub fn render(status: &ObjectiveStatus, currency: Option<&str>, links: Links) -> Markup {
    let title = status.label.as_deref().unwrap_or(&status.objective);
    html! {
        section.card aria-label=(title) {
            p { @match links {
                Links::Pages => a href={ "/k/objective/" (status.objective) } { (title) },
                Links::None => strong { (title) },
            } " " (badge(tone(status.state), status.state.words())) }
            p { (status.verdict) }
            p.note { (status.start) " to " (status.end) ", " (percent(status.elapsed)) " of the time gone · owner " (status.owner) }
            @if !status.key_results.is_empty() {
                div.scroll tabindex="0" role="region" aria-label={ (title) ", key results" } {
                    table {
                        thead { tr {
                            th scope="col" { "Key result" } th.num scope="col" { "Now" } th.num scope="col" { "Target" }
                            th.num scope="col" { "Progress" } th.num scope="col" { "Forecast" } th.num scope="col" { "Chance" } th scope="col" { "State" }
                        } }
                        tbody { @for k in &status.key_results { (row(k, currency, links)) } }
                    }
                }
            }
        }
    }
}

fn row(k: &KeyResultStatus, currency: Option<&str>, links: Links) -> Markup {
    let print = |x: f64| in_unit(x, k.unit.as_deref(), currency);
    let or_dash = |x: Option<String>| x.unwrap_or_else(|| "–".into());
    html! {
        tr {
            th scope="row" {
                (k.label.as_deref().unwrap_or(&k.name))
                @if let Some(problem) = &k.problem { br; span.note { (problem) } }
                @if let Some(evidence) = &k.evidence { br; span.note { "evidence " @match links {
                    Links::Pages => a href={ "/why/" (evidence) } { code { (short(evidence)) } },
                    Links::None => code { (short(evidence)) },
                } } }
            }
            td.num { (or_dash(k.current.map(print))) }
            td.num { (print(k.target)) }
            td.num { (or_dash(k.progress.map(percent))) }
            td.num { (or_dash(k.forecast.as_ref().map(|f| format!("{} ({} to {})", print(f.point), print(f.low), print(f.high))))) }
            td.num { (or_dash(k.probability.map(probability))) }
            td { (badge(tone(k.state), k.state.words())) }
        }
    }
}
