//! Factorial experiments, and experiments that overlap: main effects, interactions, and whether layers disturb each other.
//!
//! **Question.** Several things were varied at once: what does each do, and does it depend on the others?
//!
//! **Estimand.** Main effect of a level: its mean minus that of the factor's first level, averaged with equal weights over all
//! combinations of the other factors. Two-way interaction: how much that effect changes from the first level of a second
//! factor to another, averaged over the rest.
//!
//! **Assumptions.** Units are independent and randomised to cells; each cell has at least two.
//!
//! **Formula.** Contrasts Σ c·ȳ of cell means with variance Σ c²s²/n, degrees of freedom of Welch–Satterthwaite. Joint test
//! of all interactions of two layers: Wald's d'V⁻¹d against χ² with (a − 1)(b − 1) degrees of freedom.
//!
//! **Reference.** Wu & Hamada 2009; Kohavi, Tang & Xu 2020, ch. 4.
//!
//! **Golden source.** `tests/golden/designs.py` (statsmodels, saturated `OLS` with HC2).

use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;
use crate::{Estimate, Moments, NotEstimable, Reason, dist, estimate};

/// Effect of one level of one factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Main {
    /// Factor, by position.
    pub factor: usize,
    /// Level, against level 0.
    pub level: usize,
    /// Averaged over the other factors.
    pub effect: Result<Estimate, NotEstimable>,
}

/// Change of one effect by another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    /// The two factors.
    pub factors: (usize, usize),
    /// Their levels, against level 0 of each.
    pub levels: (usize, usize),
    /// Difference of differences, averaged over the rest.
    pub effect: Result<Estimate, NotEstimable>,
}

/// A factorial readout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factorial {
    /// By factor and level.
    pub main: Vec<Main>,
    /// By pair of factors and levels.
    pub interactions: Vec<Interaction>,
}

/// Two overlapping experiments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layers {
    /// Effect of each treatment of the first experiment within each arm of the second: `within[b][a − 1]`.
    pub within: Vec<Vec<Result<Estimate, NotEstimable>>>,
    /// Each interaction.
    pub interactions: Vec<Interaction>,
    /// Wald statistic of all interactions being 0.
    pub wald: f64,
    /// Its degrees of freedom.
    pub df: u32,
    /// Its p.
    pub p: f64,
}

/// Reads a full factorial: `levels[f]` levels of factor f; `cells` hold moments of each combination, the last factor
/// running fastest; `y` is the variable.
///
/// Refused: fewer than two levels of a factor, as many cells as combinations are wanted, a cell with fewer than two units.
pub fn factorial(levels: &[usize], cells: &[Moments], y: usize, level: f64) -> Result<Factorial, NotEstimable> {
    let grid = Grid::new(levels, cells, y, level)?;
    let mut main = Vec::new();
    let mut interactions = Vec::new();
    for (f, &count) in levels.iter().enumerate() {
        for a in 1..count {
            let effect = grid.estimate(&grid.contrast(&[(f, a)]), level, "main effect");
            main.push(Main {
                factor: f,
                level: a,
                effect,
            });
        }
    }
    for f in 0..levels.len() {
        for g in f + 1..levels.len() {
            for a in 1..levels[f] {
                for b in 1..levels[g] {
                    let contrast = grid.contrast(&[(f, a), (g, b)]);
                    interactions.push(Interaction {
                        factors: (f, g),
                        levels: (a, b),
                        effect: grid.estimate(&contrast, level, "interaction"),
                    });
                }
            }
        }
    }
    Ok(Factorial { main, interactions })
}

/// Checks two experiments that ran on the same units: `cells[a][b]` are moments of units in arm a of the first and arm b of
/// the second; arm 0 is the control of each. Refused as [`factorial`], and if no cell varies.
pub fn layers(cells: &[Vec<Moments>], y: usize, level: f64) -> Result<Layers, NotEstimable> {
    let b_arms = cells.first().map_or(0, Vec::len);
    if cells.iter().any(|row| row.len() != b_arms) {
        return Err(NotEstimable::out_of_domain(
            "rows of cells are of unlike length",
            "give one cell per pair of arms",
        ));
    }
    let levels = [cells.len(), b_arms];
    let flat: Vec<Moments> = cells.iter().flatten().cloned().collect();
    let found = factorial(&levels, &flat, y, level)?;
    let grid = Grid::new(&levels, &flat, y, level)?;
    let contrasts: Vec<Vec<f64>> = (1..levels[0])
        .flat_map(|a| (1..levels[1]).map(move |b| [(0, a), (1, b)]))
        .map(|pair| grid.contrast(&pair))
        .collect();
    let k = contrasts.len();
    let mut v = Matrix::zeros(k, k);
    for i in 0..k {
        for j in 0..k {
            let sum = contrasts[i].iter().zip(&contrasts[j]).zip(&grid.variances);
            v[(i, j)] = sum.map(|((a, b), s)| a * b * s).sum();
        }
    }
    let inverse = v
        .inverse_spd()
        .map_err(|_| NotEstimable::zero_variance("the metric has no variation in the cells compared"))?;
    let d: Vec<f64> = contrasts.iter().map(|c| grid.value(c)).collect();
    let wald = inverse.form(&d, &d);
    let within = (0..levels[1])
        .map(|b| {
            (1..levels[0])
                .map(|a| {
                    let mut contrast = vec![0.0; flat.len()];
                    contrast[a * levels[1] + b] = 1.0;
                    contrast[b] = -1.0;
                    grid.estimate(&contrast, level, "effect within an arm of the other experiment")
                })
                .collect()
        })
        .collect();
    Ok(Layers {
        within,
        interactions: found.interactions,
        wald,
        df: k as u32,
        p: dist::chi_square_sf(wald, k as f64),
    })
}

struct Grid<'a> {
    levels: &'a [usize],
    means: Vec<f64>,
    /// Variances of the cell means.
    variances: Vec<f64>,
    counts: Vec<u64>,
}

impl Grid<'_> {
    fn new<'a>(levels: &'a [usize], cells: &[Moments], y: usize, level: f64) -> Result<Grid<'a>, NotEstimable> {
        estimate::check_level(level)?;
        let wanted: usize = levels.iter().product();
        if levels.is_empty() || levels.iter().any(|l| *l < 2) || cells.len() != wanted {
            return Err(NotEstimable::out_of_domain(
                format!("factors have {levels:?} levels, and there are {} cells", cells.len()),
                "give at least two levels a factor, and one cell per combination",
            ));
        }
        let mut grid = Grid {
            levels,
            means: Vec::new(),
            variances: Vec::new(),
            counts: Vec::new(),
        };
        for (i, m) in cells.iter().enumerate() {
            if y >= m.dimension() {
                return Err(NotEstimable::out_of_domain(
                    format!("variable {y} is asked of moments of {} variables", m.dimension()),
                    "name a variable that was measured",
                ));
            }
            let Some(variance) = m.variance(y) else {
                return Err(NotEstimable::new(
                    Reason::TooFew,
                    format!("cell {i} has {} units", m.count()),
                    "wait until each combination has at least 2 units",
                ));
            };
            if !variance.is_finite() || !m.mean(y).is_finite() {
                return Err(NotEstimable::not_finite(format!(
                    "cell {i} holds NaN or infinite values"
                )));
            }
            grid.means.push(m.mean(y));
            grid.variances.push(variance / m.count() as f64);
            grid.counts.push(m.count());
        }
        Ok(grid)
    }

    /// Weights on cells: level against level 0 of each factor named, equal weights over the others.
    fn contrast(&self, of: &[(usize, usize)]) -> Vec<f64> {
        let others: usize = (0..self.levels.len())
            .filter(|f| of.iter().all(|(g, _)| g != f))
            .map(|f| self.levels[f])
            .product();
        (0..self.means.len())
            .map(|cell| {
                let at = |f: usize| cell / self.levels[f + 1..].iter().product::<usize>() % self.levels[f];
                let sign = of.iter().fold(1.0, |sign, (f, l)| match at(*f) {
                    0 => -sign,
                    here if here == *l => sign,
                    _ => 0.0,
                });
                sign / others as f64
            })
            .collect()
    }

    fn value(&self, contrast: &[f64]) -> f64 {
        // Against one cell's mean, so that a common level of 1e8 costs nothing.
        let base = self.means[0];
        contrast.iter().zip(&self.means).map(|(c, m)| c * (m - base)).sum()
    }

    fn estimate(&self, contrast: &[f64], level: f64, name: &str) -> Result<Estimate, NotEstimable> {
        let (mut variance, mut parts, mut n) = (0.0, 0.0, 0);
        for ((c, v), count) in contrast.iter().zip(&self.variances).zip(&self.counts) {
            if *c != 0.0 {
                let part = c * c * v;
                variance += part;
                parts += part * part / (*count as f64 - 1.0);
                n += count;
            }
        }
        let df = if parts > 0.0 { variance * variance / parts } else { 1.0 };
        Estimate::new(
            self.value(contrast),
            variance.sqrt(),
            Some(df),
            n,
            level,
            format!("{name}, welch t"),
        )
    }
}
