//! Funnels: how far units came, and where the treatment moved them.

use maud::{Markup, html};
use steward_capabilities::experiments::{Answer, MetricReadout, Readout, ValueLift};

use super::title;
use crate::state::Loaded;
use crate::ui::parts;
use crate::{charts, format};

/// A card for each funnel and variant.
pub(super) fn funnels(loaded: &Loaded, r: &Readout) -> Markup {
    let all: Vec<&MetricReadout> = r.metrics.iter().filter(|m| !m.funnel.is_empty()).collect();
    html! { @if !all.is_empty() {
        h2 #funnels { "Funnels" }
        @for m in all { div.card { (funnel(loaded, r, m))
            p.note { "Lifts over all units compare like with like; those over the step before say where the funnel moved, on units that the treatment may have chosen. p-values of steps are not corrected. " (parts::why(&r.provenance.evidence)) }
        } }
    } }
}

fn funnel(loaded: &Loaded, r: &Readout, m: &MetricReadout) -> Markup {
    let caption = format!(
        "{}, {} against {}: units by step reached",
        title(loaded, &m.metric),
        m.variant,
        m.control
    );
    let share = |a: &Answer| a.estimate().map_or(f64::NAN, |e| e.point);
    let arms: Vec<u64> = [&m.control, &m.variant]
        .map(|name| r.arms.iter().find(|a| a.variant == *name).map_or(0, |a| a.units))
        .to_vec();
    let text = |units: u64, a: &Answer| match a.estimate() {
        Some(e) => format!("{} ({})", format::percent(e.point), format::grouped(units as i64)),
        None => format::grouped(units as i64),
    };
    let steps: Vec<charts::Step> = m
        .funnel
        .iter()
        .map(|s| charts::Step {
            label: title(loaded, &s.metric),
            // Where no share is estimable (nobody, or everybody) the counts still stand.
            shares: [(0, &s.of_units.control), (1, &s.of_units.variant)].map(|(i, a)| {
                let units = arms.get(i).copied().unwrap_or(0).max(1) as f64;
                let known = share(a);
                if known.is_finite() {
                    known
                } else {
                    s.units[i] as f64 / units
                }
            }),
            texts: [
                text(s.units[0], &s.of_units.control),
                text(s.units[1], &s.of_units.variant),
            ],
        })
        .collect();
    let lift = |l: &ValueLift| parts::answer_text(&l.relative, &format::change);
    let rows: Vec<Vec<String>> = m
        .funnel
        .iter()
        .zip(&steps)
        .map(|(s, step)| {
            vec![
                step.label.clone(),
                step.texts[0].clone(),
                step.texts[1].clone(),
                lift(&s.of_units),
                s.of_previous.as_ref().map_or("first step".into(), lift),
            ]
        })
        .collect();
    let columns = [
        "Step",
        &m.control,
        &m.variant,
        "Lift over all units",
        "Lift over the step before",
    ];
    charts::figure(
        &caption,
        charts::steps(&caption, [&m.control, &m.variant], &steps),
        &columns.map(String::from),
        &rows,
    )
}
