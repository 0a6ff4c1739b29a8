//! The share of units that a rollout includes, over time.

use maud::{Markup, html};

use super::axis::{Scale, px};
use crate::format;

/// A rollout.
#[derive(Clone, Debug, Default)]
pub struct Rollout {
    /// Share included before the first moment.
    pub before: f64,
    /// Moments (microseconds since 1970 UTC) from which so much is included (share, 0 to 1), in order.
    pub steps: Vec<(i64, f64)>,
    /// Now.
    pub now_us: i64,
    /// Since when no more than this share is included.
    pub held: Option<(i64, f64)>,
}

const WIDE: f64 = 640.0;
const TALL: f64 = 170.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = WIDE - 16.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = TALL - 26.0;
const DAY: f64 = 86_400e6;

/// Draws the steps; what a hold takes away is dashed.
pub fn rollout(title: &str, chart: &Rollout) -> Markup {
    let ends = chart.steps.iter().map(|s| s.0).chain([chart.now_us]);
    let (first, last) = ends.fold((i64::MAX, i64::MIN), |(a, b), t| (a.min(t), b.max(t)));
    let pad = ((last - first) as f64 * 0.06).max(DAY / 2.0);
    let (from, to) = (first as f64 - pad, last as f64 + pad);
    let x = Scale::new(from, to, LEFT, RIGHT);
    let y = Scale::new(0.0, 1.0, BOTTOM, TOP);
    let at = |t: f64, share: f64| format!("{} {}", px(x.at(t)), px(y.at(share)));
    let path = |cap: &dyn Fn(f64, f64) -> f64, cuts: &[f64]| {
        let mut times: Vec<f64> = chart.steps.iter().map(|s| s.0 as f64).chain([from, to]).collect();
        times.extend_from_slice(cuts);
        times.sort_by(f64::total_cmp);
        let mut points: Vec<String> = Vec::new();
        let mut last = chart.before;
        for t in times {
            let planned = chart
                .steps
                .iter()
                .rev()
                .find(|s| s.0 as f64 <= t)
                .map_or(chart.before, |s| s.1);
            let share = cap(t, planned);
            points.push(at(t, last));
            points.push(at(t, share));
            last = share;
        }
        points.join("L")
    };
    let planned = path(&|_, share| share, &[]);
    let actual = chart.held.map(|(since, most)| {
        let since = since as f64;
        path(&|t, share| if t >= since { share.min(most) } else { share }, &[since])
    });
    let near = |t: f64, other: f64| (x.at(t) - x.at(other)).abs() < 76.0;
    let mut labelled: Vec<f64> = Vec::new();
    for (t, _) in &chart.steps {
        let t = *t as f64;
        if !labelled.iter().any(|l| near(*l, t)) {
            labelled.push(t);
        }
    }
    let now = chart.now_us as f64;
    html! {
        svg.plot viewBox={ "0 0 " (px(WIDE)) " " (px(TALL)) } role="img" aria-label=(title) {
            @for share in [0.0, 0.5, 1.0] {
                line.grid x1=(px(LEFT)) x2=(px(RIGHT)) y1=(px(y.at(share))) y2=(px(y.at(share))) {}
                text.tick x=(px(LEFT - 8.0)) y=(px(y.at(share) + 4.0)) text-anchor="end" { (format::percent(share)) }
            }
            @for t in &labelled {
                text.tick x=(px(x.at(*t))) y=(px(TALL - 8.0)) text-anchor="middle" { (format::day(*t as i64)) }
            }
            line.target x1=(px(x.at(now))) x2=(px(x.at(now))) y1=(px(TOP)) y2=(px(BOTTOM)) {}
            text.target x=(px(x.at(now))) y=(px(TOP - 7.0)) text-anchor="middle" { "now" }
            path class={ "series s1" @if actual.is_some() { " dashed" } } d={ "M" (planned) } {}
            @if let Some(actual) = &actual { path class="series s5" d={ "M" (actual) } {} }
        }
    }
}
