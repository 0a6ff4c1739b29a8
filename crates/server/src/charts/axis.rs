//! Axes: where ticks stand and what they say.

/// Maps values to pixels.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the domain [low, high] to the pixels [from, to]; an empty domain is widened.
    pub fn new(low: f64, high: f64, from: f64, to: f64) -> Scale {
        let (low, high) = if !(low.is_finite() && high.is_finite()) {
            (0.0, 1.0)
        } else if low == high {
            let pad = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low - pad, high + pad)
        } else {
            (low, high)
        };
        Scale { low, high, from, to }
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values inside the domain, about `count` of them.
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        let step = nice_step((self.high - self.low) / count.max(1) as f64);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).take(50).map(|i| i as f64 * step).collect()
    }
}

/// The smallest of 1, 2, 2.5, 5 × 10ᵏ that is not below `raw`.
fn nice_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.abs().max(1e-300).log10().floor());
    let unit = raw / power;
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|n| unit <= *n + 1e-9)
        .unwrap_or(10.0);
    nice * power
}

/// A pixel position with one decimal: short and the same on every machine.
pub fn px(value: f64) -> String {
    format!("{:.1}", if value == 0.0 { 0.0 } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale::new(-0.031, 0.094, 0.0, 100.0);
        let ticks = scale.ticks(5);
        assert_eq!(ticks.len(), 5);
        assert!((ticks[0] + 0.025).abs() < 1e-12 && (ticks[4] - 0.075).abs() < 1e-12);
    }

    #[test]
    fn an_empty_domain_is_widened() {
        let scale = Scale::new(5.0, 5.0, 0.0, 10.0);
        assert_eq!(scale.at(5.0), 5.0);
        assert!(
            Scale::new(f64::NAN, 1.0, 0.0, 1.0)
                .ticks(4)
                .iter()
                .all(|t| t.is_finite())
        );
    }
}
