//! The process of z statistics inside its boundaries, carried from look to look by quadrature.

use crate::dist;

/// Where an increasing function reaches `target` (Illinois steps inside a bracket); the ends where it lies outside.
pub(crate) fn increasing(f: impl Fn(f64) -> f64, target: f64, mut low: f64, mut high: f64) -> f64 {
    let (mut at_low, mut at_high) = (f(low) - target, f(high) - target);
    if at_low >= 0.0 || at_high <= 0.0 {
        return if at_low >= 0.0 { low } else { high };
    }
    for step in 0..200 {
        // A bisection now and then keeps a flat end from holding the bracket open.
        let middle = if step % 4 == 3 {
            0.5 * (low + high)
        } else {
            low - at_low * (high - low) / (at_high - at_low)
        };
        let here = f(middle) - target;
        if here == 0.0 || high - low <= 1e-12 * (1.0 + high.abs()) {
            return middle;
        }
        if here < 0.0 {
            low = middle;
            at_low = here;
            at_high *= 0.5;
        } else {
            high = middle;
            at_high = here;
            at_low *= 0.5;
        }
    }
    0.5 * (low + high)
}

/// The process inside the boundaries: its density at the last look as weighted nodes, and the step to the present one.
pub(super) struct Path {
    /// Mean of the process at fraction 1.
    drift: f64,
    /// Fraction of the last look that was closed.
    before: f64,
    /// Fraction of the present look.
    now: f64,
    /// Values of the process with their probability weights, rising; `None` before the first look, where it is 0.
    nodes: Option<Vec<(f64, f64)>>,
    /// The look that was closed last: its values go on between these ends, but are not made into nodes yet.
    open: Option<(f64, f64)>,
}

/// How many standard deviations of the process count.
const REACH: f64 = 9.0;
/// Beyond so many standard deviations of a step its density is below 1e-17 of its peak.
const NEAR: f64 = 9.0;
/// Standard deviations of a step that one panel of nodes spans: Gauss–Legendre of 10 points is good to 1e-13 there.
const PANEL: f64 = 2.0;

impl Path {
    pub(super) fn start(drift: f64) -> Path {
        Path {
            drift,
            before: 0.0,
            now: 0.0,
            nodes: None,
            open: None,
        }
    }

    /// Goes on to the look at fraction `t`.
    pub(super) fn advance(&mut self, t: f64) {
        if let Some((low, high)) = self.open.take() {
            self.nodes = Some(self.nodes_between(low, high, (t - self.now).sqrt()));
            self.before = self.now;
        }
        self.now = t;
    }

    fn step(&self) -> (f64, f64) {
        let dt = self.now - self.before;
        (self.drift * dt, dt.sqrt())
    }

    /// P(inside so far, and above the value `x` now).
    pub(super) fn above(&self, x: f64) -> f64 {
        let (shift, sd) = self.step();
        let tail = |from: f64| dist::normal_sf((x - from - shift) / sd);
        match &self.nodes {
            None => tail(0.0),
            Some(nodes) => falling(nodes.iter().rev(), tail),
        }
    }

    /// P(inside so far, and below the value `x` now).
    pub(super) fn below(&self, x: f64) -> f64 {
        let (shift, sd) = self.step();
        let tail = |from: f64| dist::normal_sf((from + shift - x) / sd);
        match &self.nodes {
            None => tail(0.0),
            Some(nodes) => falling(nodes.iter(), tail),
        }
    }

    /// The z below which the chance of being is `p`.
    pub(super) fn floor(&self, p: f64) -> f64 {
        let root = self.now.sqrt();
        increasing(|z| self.below(z * root).max(1e-300).ln(), p.ln(), -36.0, 36.0)
    }

    /// The z above which the chance of being is `p`.
    pub(super) fn boundary(&self, p: f64) -> f64 {
        let root = self.now.sqrt();
        // Logarithms make the tail nearly a parabola.
        let target = -p.ln();
        increasing(|z| -self.above(z * root).max(1e-300).ln(), target, -10.0, 36.0)
    }

    /// Closes the look: the process goes on between the z values `low` and `high`, either of which may be infinite.
    pub(super) fn stop(&mut self, low: f64, high: f64) {
        let root = self.now.sqrt();
        let mean = self.drift * self.now;
        // Where the process can be at all, whatever the boundaries.
        let (floor, roof) = (mean - REACH * root, mean + REACH * root);
        self.open = Some((floor.max(low * root), roof.min(high * root)));
    }

    /// The density at the look just closed, as nodes close enough for a next step of standard deviation `next`.
    fn nodes_between(&self, low: f64, high: f64, next: f64) -> Vec<(f64, f64)> {
        let (shift, sd) = self.step();
        let panels = (((high - low) / (PANEL * sd.min(next))).ceil().max(1.0) as usize).min(4000);
        let width = (high - low) / panels as f64;
        let scale = 1.0 / (sd * (2.0 * std::f64::consts::PI).sqrt());
        let density = |s: f64| {
            let at = |u: f64| {
                let d = (s - u - shift) / sd;
                (-0.5 * d * d).exp()
            };
            scale
                * match &self.nodes {
                    None => at(0.0),
                    Some(nodes) => {
                        let from = nodes.partition_point(|(u, _)| *u < s - shift - NEAR * sd);
                        let to = nodes.partition_point(|(u, _)| *u <= s - shift + NEAR * sd);
                        nodes.get(from..to).unwrap_or(&[]).iter().map(|(u, w)| w * at(*u)).sum()
                    }
                }
        };
        let mut nodes = Vec::with_capacity(panels * 2 * NODES.len());
        if high <= low {
            return nodes;
        }
        let half = 0.5 * width;
        for i in 0..panels {
            let centre = low + (i as f64 + 0.5) * width;
            let offsets = NODES
                .iter()
                .rev()
                .map(|(x, w)| (-x, w))
                .chain(NODES.iter().map(|(x, w)| (*x, w)));
            for (x, w) in offsets {
                let s = centre + half * x;
                nodes.push((s, half * w * density(s)));
            }
        }
        nodes
    }
}

/// Σ w·tail(u) over nodes whose tails fall: it ends where all that is left cannot count, the weights summing to at most 1.
fn falling<'a>(nodes: impl Iterator<Item = &'a (f64, f64)>, tail: impl Fn(f64) -> f64) -> f64 {
    let mut sum = 0.0;
    for (u, w) in nodes {
        let t = tail(*u);
        sum += w * t;
        if t < 1e-17 * sum {
            break;
        }
    }
    sum
}

/// Gauss–Legendre, 10 points, positive half: (node, weight).
const NODES: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];
