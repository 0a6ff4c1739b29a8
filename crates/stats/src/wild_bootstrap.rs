//! Wild cluster bootstrap: tests and intervals when clusters are few.
//!
//! **Question.** What is the effect when a handful of clusters was randomised, so that no normal or t approximation of the
//! clustered standard error is to be trusted?
//!
//! **Estimand.** One coefficient of [`crate::regression`].
//!
//! **Assumptions.** Clusters are independent, their errors symmetric; treated and untreated clusters are of like number. With
//! one or two treated clusters of many it rejects too rarely, as any test must.
//!
//! **Formula.** With the null β = r imposed, residuals e(r) of the restricted regression; each draw multiplies those of a whole
//! cluster by one weight and compares |t*| with |t|, both with cluster-robust errors. Weights ±1 (Rademacher), all 2^G of them
//! when they are no more than the draws, else drawn; or the six points ±√½, ±1, ±√(3/2) (Webb), for fewer than ten clusters.
//! p is the share of draws with |t*| ≥ |t|; the interval holds every r with p(r) > 1 − level, and is unbounded where no r is
//! rejected (2^(1−G) above 1 − level). se is that of [`crate::cluster`]'s CR1.
//!
//! **Reference.** Cameron, Gelbach & Miller 2008; Webb 2023; Roodman, MacKinnon, Nielsen & Webb 2019 (the algorithm).
//!
//! **Golden source.** `tests/golden/rates.py` (every one of the 2^G refits in numpy).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::matrix::{Matrix, dot};
use crate::{Estimate, NotEstimable, Reason, Rng};

/// Weights of clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Webb's below ten clusters, else Rademacher's.
    Auto,
    /// ±1.
    Rademacher,
    /// Six points.
    Webb,
}

/// A coefficient with its bootstrap interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wild {
    /// The coefficient: CR1 standard error; p and interval from the bootstrap; ends that are not bounded are infinite.
    pub estimate: Estimate,
    /// Clusters.
    pub clusters: u64,
    /// Draws used.
    pub draws: u64,
    /// Whether all sign combinations were used instead of draws.
    pub enumerated: bool,
}

/// What is asked of the bootstrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Weights.
    pub weights: Weights,
    /// Draws.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Coverage.
    pub level: f64,
}

/// Most draws.
pub const MOST_DRAWS: usize = 100_000;

/// Tests coefficient `column` (position in a row of `x`) of the regression of `y` on the rows of `x`; `clusters[i]` names
/// the cluster of row i.
pub fn wild_cluster_bootstrap(
    y: &[f64],
    x: &[Vec<f64>],
    intercept: bool,
    clusters: &[u64],
    column: usize,
    plan: Plan,
) -> Result<Wild, NotEstimable> {
    check_level(plan.level)?;
    let n = y.len();
    let width = x.first().map_or(0, Vec::len);
    if x.len() != n || clusters.len() != n || x.iter().any(|row| row.len() != width) || column >= width {
        return Err(NotEstimable::out_of_domain(
            format!(
                "{n} values, {} rows of {width} columns, {} cluster names, column {column}",
                x.len(),
                clusters.len()
            ),
            "give one row and one cluster per value, and a column that is there",
        ));
    }
    if !(1..=MOST_DRAWS).contains(&plan.draws) {
        return Err(NotEstimable::out_of_domain(
            format!("{} draws", plan.draws),
            format!("ask for 1 to {MOST_DRAWS}"),
        ));
    }
    if y.iter().chain(x.iter().flatten()).any(|v| !v.is_finite()) {
        return Err(NotEstimable::not_finite("a value or a column holds NaN or infinity"));
    }
    let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (i, g) in clusters.iter().enumerate() {
        members.entry(*g).or_default().push(i);
    }
    let members: Vec<Vec<usize>> = members.into_values().collect();
    if members.len() < 2 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("all rows belong to {} cluster", members.len()),
            "at least two clusters are needed, and about five in each arm for an answer to be useful",
        ));
    }
    let sums = Sums::of(y, x, intercept, &members, column)?;
    let weights = draws(members.len(), &plan);
    let t = Draws { sums: &sums, weights };
    let k = width + usize::from(intercept);
    let g = members.len() as f64;
    if n <= k {
        return Err(NotEstimable::too_few(format!("{n} rows for {k} coefficients")));
    }
    let beta = sums.beta();
    let factor = g / (g - 1.0) * (n as f64 - 1.0) / (n as f64 - k as f64);
    let se = (factor * sums.spread(beta)).sqrt() / sums.square;
    if se.is_nan() || se <= 1e-14 * beta.abs() {
        return Err(NotEstimable::zero_variance("the clusters leave no residual"));
    }
    let alpha = 1.0 - plan.level;
    let end = |direction: f64| {
        let at = |distance: f64| t.p(beta + direction * distance * se) > alpha + 1e-12;
        let mut outside = 2.0;
        while at(outside) {
            outside *= 2.0;
            if outside > 1e4 {
                return direction * f64::INFINITY;
            }
        }
        let mut inside = if outside > 2.0 { outside / 2.0 } else { 0.0 };
        while outside - inside > 1e-9 * outside {
            let middle = 0.5 * (inside + outside);
            if at(middle) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        beta + direction * 0.5 * (inside + outside) * se
    };
    let enumerated = t.weights.enumerated;
    Ok(Wild {
        estimate: Estimate {
            point: beta,
            se,
            low: end(-1.0),
            high: end(1.0),
            level: plan.level,
            df: None,
            p: Some(t.p(0.0)),
            n: n as u64,
            method: format!(
                "wild cluster bootstrap, {} clusters, {} {}",
                members.len(),
                t.weights.all.len(),
                if enumerated { "sign combinations" } else { "draws" }
            ),
        },
        clusters: members.len() as u64,
        draws: t.weights.all.len() as u64,
        enumerated,
    })
}

struct Multipliers {
    all: Vec<Vec<f64>>,
    enumerated: bool,
}

fn draws(clusters: usize, plan: &Plan) -> Multipliers {
    let webb = match plan.weights {
        Weights::Auto => clusters < 10,
        Weights::Webb => true,
        Weights::Rademacher => false,
    };
    if !webb && clusters < 20 && (1usize << clusters) <= plan.draws {
        let all = (0..1usize << clusters)
            .map(|bits| {
                (0..clusters)
                    .map(|g| if bits >> g & 1 == 1 { -1.0 } else { 1.0 })
                    .collect()
            })
            .collect();
        return Multipliers { all, enumerated: true };
    }
    const SIX: [f64; 6] = [
        -1.224_744_871_391_589,
        -1.0,
        -std::f64::consts::FRAC_1_SQRT_2,
        std::f64::consts::FRAC_1_SQRT_2,
        1.0,
        1.224_744_871_391_589,
    ];
    let all = (0..plan.draws as u64)
        .map(|draw| {
            let mut rng = Rng::keyed(plan.seed, &[draw]);
            (0..clusters)
                .map(|_| match webb {
                    true => SIX[rng.below(6) as usize],
                    false => 1.0 - 2.0 * rng.below(2) as f64,
                })
                .collect()
        })
        .collect();
    Multipliers { all, enumerated: false }
}

/// What the data say by cluster, after the other columns are taken out of the value and of the tested column.
struct Sums {
    /// x̃'x̃.
    square: f64,
    /// x̃_g'ỹ_g and x̃_g'x̃_g.
    cross: Vec<(f64, f64)>,
    /// x̃_g'Z_g(Z'Z)⁻¹Z_h'ỹ_h and the same with x̃_h.
    through: Vec<Vec<(f64, f64)>>,
}

impl Sums {
    fn of(
        y: &[f64],
        x: &[Vec<f64>],
        intercept: bool,
        members: &[Vec<usize>],
        column: usize,
    ) -> Result<Sums, NotEstimable> {
        let n = y.len();
        let centred = |v: Vec<f64>| {
            let mean = v.iter().sum::<f64>() / n as f64;
            if intercept {
                v.into_iter().map(|a| a - mean).collect()
            } else {
                v
            }
        };
        let width = x.first().map_or(0, Vec::len);
        let column_of = |j: usize| centred(x.iter().map(|row| row[j]).collect::<Vec<f64>>());
        let mut others: Vec<Vec<f64>> = (0..width).filter(|j| *j != column).map(column_of).collect();
        if intercept {
            others.push(vec![1.0; n]);
        }
        let m = others.len();
        // Columns of unit length: the inverse does not depend on their units.
        for c in &mut others {
            let length = dot(c, c).sqrt();
            if length > 0.0 {
                c.iter_mut().for_each(|a| *a /= length);
            }
        }
        let mut gram = Matrix::zeros(m, m);
        for (i, a) in others.iter().enumerate() {
            for (j, b) in others.iter().enumerate() {
                gram[(i, j)] = dot(a, b);
            }
        }
        let inverse = gram.inverse_spd().map_err(|j| {
            NotEstimable::new(
                Reason::Singular,
                format!("column {j} of the others repeats those before it"),
                "leave out columns that repeat others",
            )
        })?;
        let (value, tested) = (centred(y.to_vec()), column_of(column));
        let without = |v: &[f64]| {
            let b = inverse.times_vector(&others.iter().map(|c| dot(c, v)).collect::<Vec<f64>>());
            (0..n)
                .map(|i| v[i] - others.iter().zip(&b).map(|(c, b)| c[i] * b).sum::<f64>())
                .collect::<Vec<f64>>()
        };
        let (ty, tx) = (without(&value), without(&tested));
        let square = dot(&tx, &tx);
        if square <= 1e-20 * dot(&tested, &tested).max(f64::MIN_POSITIVE) {
            return Err(NotEstimable::new(
                Reason::Singular,
                "the tested column does not vary beside the others",
                "give both treated and untreated clusters",
            ));
        }
        let part = |rows: &[usize], a: &[f64], b: &[f64]| rows.iter().map(|i| a[*i] * b[*i]).sum::<f64>();
        let cross = members
            .iter()
            .map(|rows| (part(rows, &tx, &ty), part(rows, &tx, &tx)))
            .collect();
        let by = |rows: &[usize], v: &[f64]| others.iter().map(|c| part(rows, c, v)).collect::<Vec<f64>>();
        let left: Vec<Vec<f64>> = members
            .iter()
            .map(|rows| inverse.times_vector(&by(rows, &tx)))
            .collect();
        let right: Vec<(Vec<f64>, Vec<f64>)> = members.iter().map(|rows| (by(rows, &ty), by(rows, &tx))).collect();
        let through = left
            .iter()
            .map(|l| right.iter().map(|(a, b)| (dot(l, a), dot(l, b))).collect())
            .collect();
        Ok(Sums { square, cross, through })
    }

    fn beta(&self) -> f64 {
        self.cross.iter().map(|c| c.0).sum::<f64>() / self.square
    }

    /// Σ of squared cluster scores at the coefficient `beta`.
    fn spread(&self, beta: f64) -> f64 {
        self.cross.iter().map(|(a, b)| (a - beta * b).powi(2)).sum()
    }
}

struct Draws<'a> {
    sums: &'a Sums,
    weights: Multipliers,
}

impl Draws<'_> {
    /// Share of draws, under the coefficient `r`, with a t at least as far from 0 as the one observed.
    fn p(&self, r: f64) -> f64 {
        let s = self.sums;
        let beta = s.beta();
        let observed = ((beta - r) * s.square).powi(2) / s.spread(beta);
        let own: Vec<f64> = s.cross.iter().map(|(a, b)| a - r * b).collect();
        let through: Vec<Vec<f64>> = s
            .through
            .iter()
            .map(|row| row.iter().map(|(a, b)| a - r * b).collect())
            .collect();
        let mut far = 0usize;
        for w in &self.weights.all {
            let moved = dot(w, &own);
            let shift = moved / s.square;
            let mut spread = 0.0;
            for (g, row) in through.iter().enumerate() {
                let score = w[g] * own[g] - dot(w, row) - shift * s.cross[g].1;
                spread += score * score;
            }
            // Draws that repeat the data tie with it but for rounding.
            if moved * moved >= observed * spread * (1.0 - 1e-9) {
                far += 1;
            }
        }
        far as f64 / self.weights.all.len() as f64
    }
}
