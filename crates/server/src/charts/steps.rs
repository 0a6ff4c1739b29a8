//! The steps of a funnel: a pair of bars each, control above treatment.

use maud::{Markup, html};

use super::axis::{Scale, px};

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What.
    pub label: String,
    /// Shares in the control and the treatment, in [0, 1].
    pub shares: [f64; 2],
    /// As printed beside each bar.
    pub texts: [String; 2],
}

const ROW: f64 = 46.0;
const ARMS: [&str; 2] = ["control", "variant"];

/// Draws the steps in order, from 0; `names` are those of the arms.
pub fn steps(title: &str, names: [&str; 2], steps: &[Step]) -> Markup {
    let most = steps
        .iter()
        .flat_map(|s| s.shares)
        .filter(|v| v.is_finite())
        .fold(0f64, f64::max);
    let x = Scale::new(0.0, if most > 0.0 { most } else { 1.0 }, 170.0, 520.0);
    let height = steps.len() as f64 * ROW + 4.0;
    html! {
        svg.plot viewBox={ "0 0 640 " (px(height)) } role="img" aria-label=(title) {
            @for (i, step) in steps.iter().enumerate() {
                @let y = i as f64 * ROW + 4.0;
                text.label x="162" y=(px(y + 22.0)) text-anchor="end" { (short(&step.label)) }
                @for (arm, (share, text)) in step.shares.iter().zip(&step.texts).enumerate() {
                    @let y = y + arm as f64 * 18.0;
                    rect class={ "step " (ARMS[arm.min(1)]) } x="170" y=(px(y)) width=(px((x.at(*share) - 170.0).max(0.5))) height="16" rx="3" {}
                    text.label x=(px(x.at(*share) + 6.0)) y=(px(y + 13.0)) { (text) }
                }
            }
        }
        ul.legend { @for (arm, name) in names.iter().enumerate() { li { span class={ "key " (ARMS[arm.min(1)]) } {} (name) } } }
    }
}

fn short(label: &str) -> String {
    if label.chars().count() <= 22 {
        return label.to_string();
    }
    label.chars().take(21).chain(['…']).collect()
}
