//! Bayesian comparison of two ratios of sums: the posterior of a ratio itself, not of its linearisation.
//!
//! **Question.** How likely does the treatment change revenue per order (clicks per view, …) for the better, and by how
//! much?
//!
//! **Estimand.** δ = R_T − R_C or δ = (R_T − R_C)/|R_C|, R = μ_a/μ_b the ratio of two means per unit; chance to win and risks
//! as in [`crate::bayes`].
//!
//! **Assumptions.** In each arm the two means are jointly normal with the covariance of the data; the denominator's mean is
//! many standard errors away from 0. The prior on δ is normal and proper, or flat; that on R_C is flat.
//!
//! **Formula.** P(R ≤ r) = Φ(z(r)), z(r) = (r·b̄ − ā)/√((S_aa − 2r·S_ab + r²·S_bb)/n), the law of Fieller and Hinkley; its
//! derivative is the density f. Posterior of δ ∝ π(δ)·∫ f_C(r)·f_T(r + δ) dr, or π(δ)·∫ f_C(r)·f_T(r + δ|r|) dr for the
//! relative one (without a prior ·|r|, which makes both ratios flat). Both integrals by Gauss–Legendre; quantiles by
//! inversion.
//!
//! **Reference.** Hinkley 1969; Gelman et al. 2013.
//!
//! **Golden source.** `tests/golden/additions.py` (a grid of 2001 by 8001 points in numpy).

use crate::bayes::{Better, NormalPrior, Posterior};
use crate::estimate::check_level;
use crate::{Comparison, Estimate, Moments, NotEstimable, Reason, Statistic, linear};

/// How many standard errors a denominator must be away from 0: below it, a negative one has a chance above 1e-9.
const CLEAR: f64 = 6.0;

/// Posterior of the change of `numerator` over `denominator`; `relative` to |control|, or absolute. The prior is on the same
/// scale.
///
/// Refused: fewer than two units in an arm, values that are not finite, a ratio without variation, a denominator whose mean
/// is within six standard errors of 0, and for a relative change a control's ratio within six of its own.
pub fn ratio(
    (control, treatment): (&Moments, &Moments),
    (numerator, denominator): (usize, usize),
    relative: bool,
    prior: Option<NormalPrior>,
    level: f64,
    better: Better,
) -> Result<Posterior, NotEstimable> {
    check_level(level)?;
    if let Some(p) = prior
        && !(p.sd > 0.0 && p.sd.is_finite() && p.mean.is_finite())
    {
        return Err(NotEstimable::out_of_domain(
            format!("the prior has mean {} and standard deviation {}", p.mean, p.sd),
            "give a finite mean and a standard deviation above 0, or no prior",
        ));
    }
    let c = Arm::new(control, numerator, denominator, "the control")?;
    let t = Arm::new(treatment, numerator, denominator, "the treatment")?;
    if relative && c.value.abs() <= CLEAR * c.se {
        return Err(NotEstimable::new(
            Reason::ZeroBaseline,
            format!(
                "the control's ratio {} is within six standard errors ({}) of 0",
                c.value, c.se
            ),
            "read the absolute change",
        ));
    }
    let joint = Joint::new(&c, &t, relative, prior);
    let n = control.count() + treatment.count();
    let (mean, sd) = joint.moments();
    let tail = (1.0 - level) / 2.0;
    let estimate = Estimate {
        low: joint.quantile(tail),
        high: joint.quantile(1.0 - tail),
        ..Estimate::new(mean, sd, None, n, level, "ratio of normal means")?.without_p()
    };
    let (gain, loss) = (joint.expect(|d| d.max(0.0)), joint.expect(|d| (-d).max(0.0)));
    let (up, down) = (
        joint.expect(|d| f64::from(d > 0.0)),
        joint.expect(|d| f64::from(d < 0.0)),
    );
    let (chance_to_win, risk_ship, risk_keep) = match better {
        Better::Higher => (up, loss, gain),
        Better::Lower => (down, gain, loss),
    };
    Ok(Posterior {
        estimate,
        chance_to_win,
        risk_ship,
        risk_keep,
    })
}

/// The law of one arm's ratio: means and the covariance of means.
struct Arm {
    a: f64,
    b: f64,
    aa: f64,
    ab: f64,
    bb: f64,
    value: f64,
    se: f64,
}

impl Arm {
    fn new(m: &Moments, numerator: usize, denominator: usize, name: &str) -> Result<Arm, NotEstimable> {
        let comparison = Comparison {
            statistic: Statistic::Ratio { numerator, denominator },
            covariates: Vec::new(),
            level: 0.95,
        };
        let found = linear::linearize(m, &comparison, name)?;
        let n = m.count() as f64;
        let of = |i, j| m.cross(i, j) / (n - 1.0) / n;
        let arm = Arm {
            a: m.mean(numerator),
            b: m.mean(denominator),
            aa: of(numerator, numerator),
            ab: of(numerator, denominator),
            bb: of(denominator, denominator),
            value: found.values[0],
            se: found.variance(&[1.0]).sqrt(),
        };
        if arm.se <= 4.0 * f64::EPSILON * arm.value.abs() {
            return Err(NotEstimable::zero_variance(format!(
                "the ratio of {name} does not vary"
            )));
        }
        if arm.b.abs() <= CLEAR * arm.bb.sqrt() {
            return Err(NotEstimable::new(
                Reason::ZeroBaseline,
                format!(
                    "the denominator of {name}, {} per unit, is within six standard errors ({}) of 0",
                    arm.b,
                    arm.bb.sqrt()
                ),
                "wait for more units, or compare the sums of numerator and denominator each",
            ));
        }
        Ok(arm)
    }

    /// The r at which z(r) is `z`, for a denominator clear of 0: the quadratic of Fieller.
    fn at(&self, z: f64) -> f64 {
        let sign = self.b.signum();
        let (a, b) = (self.a * sign, self.b * sign);
        let z2 = z * z;
        // (r·b − a)² = z²(aa − 2r·ab + r²·bb), on the side of the sign of z.
        let (p, q, s) = (b * b - z2 * self.bb, a * b - z2 * self.ab, a * a - z2 * self.aa);
        let root = (q * q - p * s).max(0.0).sqrt();
        (q + z.signum() * root) / p
    }

    /// Density of the ratio.
    fn density(&self, r: f64) -> f64 {
        let sign = self.b.signum();
        let (a, b) = (self.a * sign, self.b * sign);
        let square = self.aa - 2.0 * r * self.ab + r * r * self.bb;
        if square <= 0.0 {
            return 0.0;
        }
        let gap = r * b - a;
        let z2 = gap * gap / square;
        let slope = (b * square - gap * (r * self.bb - self.ab)) / (square * square.sqrt());
        slope.max(0.0) * (-0.5 * z2).exp() / (2.0 * std::f64::consts::PI).sqrt()
    }
}

/// The posterior of δ as panels of nodes: (δ, weight), weights summing to 1, 0 being an edge of a panel.
struct Joint<'a> {
    treatment: &'a Arm,
    relative: bool,
    prior: Option<NormalPrior>,
    /// Values of the control's ratio with their weights f_C(r) dr.
    control_nodes: Vec<(f64, f64)>,
    edges: Vec<f64>,
    nodes: Vec<(f64, f64)>,
    total: f64,
}

/// Standard errors that count. At most [`CLEAR`] − ½, so that the quadratic of [`Arm::at`] has its roots.
const REACH: f64 = 8.5;

impl<'a> Joint<'a> {
    fn new(control: &Arm, treatment: &'a Arm, relative: bool, prior: Option<NormalPrior>) -> Joint<'a> {
        let ends = |arm: &Arm| {
            let reach = REACH.min(0.98 * arm.b.abs() / arm.bb.sqrt().max(f64::MIN_POSITIVE));
            (arm.at(-reach), arm.at(reach))
        };
        let (c, t) = (ends(control), ends(treatment));
        let control_nodes = panels(&even(c.0, c.1, 40))
            .map(|(r, w)| (r, w * control.density(r)))
            .collect();
        let change = |r: f64, other: f64| if relative { (other - r) / r.abs() } else { other - r };
        let corners = [change(c.0, t.0), change(c.0, t.1), change(c.1, t.0), change(c.1, t.1)];
        let mut low = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let mut high = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if let Some(p) = prior {
            // Where the likelihood and the prior both count; if they are worlds apart, between them.
            let (from, to) = (p.mean - 12.0 * p.sd, p.mean + 12.0 * p.sd);
            if from < high && to > low {
                (low, high) = (low.max(from), high.min(to));
            }
        }
        let mut edges = even(low, high, 60);
        if low < 0.0 && high > 0.0 {
            edges.push(0.0);
            edges.sort_by(f64::total_cmp);
            edges.dedup();
        }
        let mut joint = Joint {
            treatment,
            relative,
            prior,
            control_nodes,
            edges,
            nodes: Vec::new(),
            total: 1.0,
        };
        let nodes: Vec<(f64, f64)> = panels(&joint.edges).map(|(d, w)| (d, w * joint.height(d))).collect();
        joint.total = nodes.iter().map(|n| n.1).sum();
        joint.nodes = nodes.into_iter().map(|(d, w)| (d, w / joint.total)).collect();
        joint
    }

    /// Posterior density of δ, but for a factor.
    fn height(&self, d: f64) -> f64 {
        let flat = self.relative && self.prior.is_none();
        let likelihood: f64 = self
            .control_nodes
            .iter()
            .map(|&(r, w)| {
                let scale = if self.relative { r.abs() } else { 1.0 };
                w * self.treatment.density(r + d * scale) * if flat { scale } else { 1.0 }
            })
            .sum();
        let belief = self.prior.map_or(1.0, |p| (-0.5 * ((d - p.mean) / p.sd).powi(2)).exp());
        likelihood * belief
    }

    fn expect(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().map(|&(d, w)| w * f(d)).sum()
    }

    fn moments(&self) -> (f64, f64) {
        let mean = self.expect(|d| d);
        (mean, self.expect(|d| (d - mean) * (d - mean)).sqrt())
    }

    /// The δ with posterior probability `p` below it: the panel by the sums, the place in it by halving.
    fn quantile(&self, p: f64) -> f64 {
        let mut below = 0.0;
        for (panel, nodes) in self.edges.windows(2).zip(self.nodes.chunks(2 * GAUSS.len())) {
            let own: f64 = nodes.iter().map(|n| n.1).sum();
            if below + own < p {
                below += own;
                continue;
            }
            let (mut low, mut high) = (panel[0], panel[1]);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if middle <= low || middle >= high {
                    break;
                }
                let part: f64 = panels(&[panel[0], middle]).map(|(d, w)| w * self.height(d)).sum();
                if below + part / self.total < p {
                    low = middle
                } else {
                    high = middle
                }
            }
            return 0.5 * (low + high);
        }
        self.edges.last().copied().unwrap_or(f64::NAN)
    }
}

fn even(low: f64, high: f64, count: usize) -> Vec<f64> {
    (0..=count)
        .map(|i| low + (high - low) * i as f64 / count as f64)
        .collect()
}

/// Nodes and weights of Gauss–Legendre in each panel between two edges.
fn panels(edges: &[f64]) -> impl Iterator<Item = (f64, f64)> + '_ {
    edges.windows(2).flat_map(|pair| {
        let (half, centre) = (0.5 * (pair[1] - pair[0]), 0.5 * (pair[0] + pair[1]));
        GAUSS
            .into_iter()
            .flat_map(move |(x, w)| [(centre - half * x, half * w), (centre + half * x, half * w)])
    })
}

/// Gauss–Legendre, 8 points, positive half: (node, weight).
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
];
