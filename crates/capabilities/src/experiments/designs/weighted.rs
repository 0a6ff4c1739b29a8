//! Lifts from rows that stand for many units: clusters, or regions by periods. Weighted least squares with errors
//! clustered (CR2, Bell–McCaffrey degrees of freedom).
//!
//! A row's residual inside itself is orthogonal to columns that are constant in it, so that the sums of a cluster give
//! exactly what its units would.

use steward_stats::cluster::{Correction, regress};
use steward_stats::wild_bootstrap::{self, Weights, Wild, wild_cluster_bootstrap};
use steward_stats::{Lift, Moments, NotEstimable, Reason};

use crate::experiments::measures::Compared;

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// How much it weighs: units, or the sum of a ratio's denominator.
    pub weight: f64,
    /// Mean or ratio in it.
    pub value: f64,
    /// Columns of the treatment.
    pub treatment: Vec<f64>,
    /// Columns to adjust for.
    pub others: Vec<f64>,
    /// Errors of rows of one cluster may hang together.
    pub cluster: u64,
}

/// Weight and value of a cell's moments; `None` if nothing was measured in it.
pub fn value(moments: &Moments, compared: Compared) -> Option<(f64, f64)> {
    if moments.count() == 0 {
        return None;
    }
    match compared {
        Compared::Ratio => {
            let weight = moments.sum(1);
            (weight != 0.0).then(|| (weight, moments.sum(0) / weight))
        }
        _ => Some((moments.count() as f64, moments.mean(0))),
    }
}

/// Columns of a weighted regression: the intercept, treatments, then what varies of the others, centred; each row by √weight.
fn columns(rows: &[Row], total: f64) -> Vec<Vec<f64>> {
    let width = rows.first().map_or(0, |r| r.others.len());
    let centre: Vec<f64> = (0..width)
        .map(|j| rows.iter().map(|r| r.weight * r.others[j]).sum::<f64>() / total)
        .collect();
    // What does not vary says nothing, and would make the columns dependent.
    let used: Vec<usize> = (0..width)
        .filter(|&j| {
            rows.iter()
                .any(|r| (r.others[j] - centre[j]).abs() > 1e-12 * centre[j].abs().max(1.0))
        })
        .collect();
    rows.iter()
        .map(|r| {
            let root = r.weight.sqrt();
            let mut row = vec![root];
            row.extend(r.treatment.iter().map(|t| t * root));
            row.extend(used.iter().map(|&j| (r.others[j] - centre[j]) * root));
            row
        })
        .collect()
}

/// Treatment `at` by the wild cluster bootstrap. Seeded, so that the same rows give the same bytes.
pub fn bootstrap(rows: &[Row], at: usize, level: f64) -> Result<Wild, NotEstimable> {
    let total: f64 = rows.iter().map(|r| r.weight).sum();
    let y: Vec<f64> = rows.iter().map(|r| r.value * r.weight.sqrt()).collect();
    let clusters: Vec<u64> = rows.iter().map(|r| r.cluster).collect();
    let plan = wild_bootstrap::Plan {
        weights: Weights::Auto,
        draws: 4999,
        seed: 1,
        level,
    };
    wild_cluster_bootstrap(&y, &columns(rows, total), false, &clusters, at + 1, plan)
}

/// The lift of `effect`, weights on the treatment columns.
pub fn lift(rows: &[Row], effect: &[f64], level: f64, what: &str) -> Result<Lift, NotEstimable> {
    let total: f64 = rows.iter().map(|r| r.weight).sum();
    if rows.iter().any(|r| r.weight < 0.0) || total <= 0.0 {
        return Err(NotEstimable::new(
            Reason::OutOfDomain,
            "a weight is negative, or all are 0",
            "use a metric whose denominator is a count or an amount above 0",
        ));
    }
    let x = columns(rows, total);
    let y: Vec<f64> = rows.iter().map(|r| r.value * r.weight.sqrt()).collect();
    let clusters: Vec<u64> = rows.iter().map(|r| r.cluster).collect();
    let fitted = regress(&y, &x, false, &clusters, Correction::Cr2)?;
    let combination = |base: f64, of_effect: f64| {
        let mut weights = vec![0.0; fitted.coefficients().len()];
        weights[0] = base;
        for (w, e) in weights[1..].iter_mut().zip(effect) {
            *w = of_effect * e;
        }
        let mut found = fitted.combination(&weights, level)?;
        found.method = format!("{what}, cr2, bell–mccaffrey df");
        Ok::<_, NotEstimable>(found)
    };
    let absolute = combination(0.0, 1.0)?;
    let control = combination(1.0, 0.0)?.without_p();
    let treatment = combination(1.0, 1.0)?.without_p();
    let relative = if control.point.abs() <= control.se {
        Err(NotEstimable::new(
            Reason::ZeroBaseline,
            format!(
                "the control {} is within one standard error ({}) of 0",
                control.point, control.se
            ),
            "read the absolute lift, or wait until the control is away from 0",
        ))
    } else {
        let size = control.point.abs();
        let ratio = absolute.point / control.point;
        combination(-ratio / size, 1.0 / size).map(|linear| {
            // The linear part has the value 0 at the estimate; its error is that of the ratio.
            let point = absolute.point / size;
            steward_stats::Estimate::new(
                point,
                linear.se,
                linear.df,
                linear.n,
                level,
                format!("{}, relative by delta method", linear.method),
            )
        })?
    };
    Ok(Lift {
        control: Ok(control),
        treatment: Ok(treatment),
        absolute: Ok(absolute),
        relative,
        variance_reduction: None,
    })
}
