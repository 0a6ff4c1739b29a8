//! A strip of marks, one for each time something was looked at.

use maud::{Markup, html};

use super::axis::px;

/// Marks from oldest to newest by tone (`good`, `bad`, `warn`, empty); `words` says the same.
pub fn strip(tones: &[&str], words: &str) -> Markup {
    let width = tones.len() as f64 * 7.0;
    html! {
        svg.strip viewBox={ "0 0 " (px(width.max(1.0))) " 16" } width=(px(width.max(1.0))) height="16" role="img" aria-label=(words) {
            @for (i, tone) in tones.iter().enumerate() {
                @let low = *tone == "good";
                rect class={ "mark " (tone) } x=(px(i as f64 * 7.0)) y=(if low { "6" } else { "1" }) width="5" height=(if low { "9" } else { "14" }) rx="1.5" {}
            }
        }
    }
}
