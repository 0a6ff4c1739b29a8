//! Regression whose rows come in clusters: cities, shops, schools, users with many sessions.
//!
//! **Question.** What is the effect when whole clusters were randomised, or rows of a cluster share their luck?
//!
//! **Estimand.** The coefficients of [`crate::regression`]; for a cluster-randomised experiment, that of the treatment
//! column.
//!
//! **Assumptions.** Clusters are independent; inside a cluster anything goes.
//!
//! **Formula.** Var β = M·Σ_g X_g'A_g e_g e_g'A_g'X_g·M, M = (X'X)⁻¹. CR0: A = I, t with G − 1 degrees of freedom. CR1:
//! CR0 times G/(G−1)·(n−1)/(n−k). CR2: A_g = (I − X_g M X_g')^(−1/2), unbiased when errors are in fact independent
//! with one variance; degrees of freedom of Satterthwaite under that working model, (tr P)²/tr(P²), which fall far
//! below G − 1 when clusters are few or unlike. With clusters of one row CR2 is HC2. CR3: A_g = (I − X_g M X_g')⁻¹, degrees
//! of freedom alike. A direction that a cluster alone
//! determines has weight 0 (generalised inverse, as R clubSandwich).
//!
//! **Reference.** Liang & Zeger 1986; Bell & McCaffrey 2002; Imbens & Kolesár 2016; Pustejovsky & Tipton 2018.
//!
//! **Golden source.** `tests/golden/regression.py` (statsmodels cluster covariance; CR2 and its degrees of freedom from
//! the full n×n matrices in numpy).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::matrix::{Matrix, dot};
use crate::regression::{Fitted, fit};
use crate::{Estimate, NotEstimable, Reason};

/// Small-sample correction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// None.
    Cr0,
    /// By a factor.
    Cr1,
    /// Bell and McCaffrey's, with their degrees of freedom.
    #[default]
    Cr2,
    /// Leave-one-cluster-out (jackknife) residuals: errs on the safe side with few clusters.
    Cr3,
}

/// A regression with clustered rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterFit {
    /// The intercept first if there is one; each with p-value that it is 0.
    pub coefficients: Vec<Result<Estimate, NotEstimable>>,
    /// Clusters.
    pub clusters: u64,
    /// Rows.
    pub n: u64,
}

/// Regresses `y` on the rows of `x` as [`crate::regression::ols`]; `clusters[i]` names the cluster of row i.
///
/// Refused as there, and with fewer than two clusters or unlike lengths.
pub fn clustered(
    y: &[f64],
    x: &[Vec<f64>],
    intercept: bool,
    clusters: &[u64],
    correction: Correction,
    level: f64,
) -> Result<ClusterFit, NotEstimable> {
    let found = regress(y, x, intercept, clusters, correction)?;
    let k = found.fitted.design.cols;
    let coefficients = (0..k)
        .map(|j| {
            let mut weights = vec![0.0; k];
            weights[j] = 1.0;
            found
                .combination(&weights, level)
                .map_err(|e| single(e, format!("coefficient {j}")))
        })
        .collect();
    Ok(ClusterFit {
        coefficients,
        clusters: found.clusters,
        n: found.fitted.design.rows as u64,
    })
}

/// Names what rests on single clusters.
fn single(refusal: NotEstimable, what: String) -> NotEstimable {
    match refusal.reason {
        Reason::Singular => NotEstimable::new(
            Reason::Singular,
            format!("{what} rests on single clusters"),
            refusal.fix,
        ),
        _ => refusal,
    }
}

/// A regression with clustered rows, of which any linear combination of coefficients can be asked.
#[derive(Debug)]
pub struct Clustered {
    fitted: Fitted,
    root: Matrix,
    meat: Matrix,
    spans: Vec<(Matrix, Matrix)>,
    beta: Vec<f64>,
    method: String,
    /// Clusters.
    pub clusters: u64,
}

/// As [`clustered`], for combinations of coefficients.
pub fn regress(
    y: &[f64],
    x: &[Vec<f64>],
    intercept: bool,
    clusters: &[u64],
    correction: Correction,
) -> Result<Clustered, NotEstimable> {
    if clusters.len() != y.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} values have {} cluster names", y.len(), clusters.len()),
            "name one cluster per row",
        ));
    }
    let fitted = fit(y, x, intercept)?;
    let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (i, g) in clusters.iter().enumerate() {
        members.entry(*g).or_default().push(i);
    }
    let g = members.len();
    if g < 2 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("all rows belong to {g} cluster"),
            "at least two clusters are needed, and about five in each arm for an answer to be useful",
        ));
    }
    let (n, k) = (fitted.design.rows, fitted.design.cols);
    let factor = match correction {
        Correction::Cr1 => g as f64 / (g as f64 - 1.0) * (n as f64 - 1.0) / (n as f64 - k as f64),
        _ => 1.0,
    };
    let root = cholesky(&fitted.bread);
    // Per cluster: X'A e, and X'A A'X and X'A X for the degrees of freedom.
    let mut scores = Vec::with_capacity(g);
    let mut spans = Vec::with_capacity(g);
    for rows in members.values() {
        let mut cross = Matrix::zeros(k, k);
        let mut score = vec![0.0; k];
        for &i in rows {
            cross.add_outer(1.0, fitted.design.row(i), fitted.design.row(i));
            for (s, v) in score.iter_mut().zip(fitted.design.row(i)) {
                *s += v * fitted.residuals[i];
            }
        }
        if matches!(correction, Correction::Cr0 | Correction::Cr1) {
            scores.push(score);
            continue;
        }
        // X_g = B·L⁻¹ with B'B = L'X_g'X_g L of eigenvalues s in [0, 1]: (I − BB')^(−1/2) acts as f(s) on B's span.
        let (values, vectors) = root.transpose().times(&cross).times(&root).eigen_symmetric();
        let by = |f: &dyn Fn(f64) -> f64| {
            let mut d = Matrix::zeros(k, k);
            for (j, s) in values.iter().enumerate() {
                let column: Vec<f64> = (0..k).map(|i| vectors[(i, j)]).collect();
                d.add_outer(f(s.clamp(0.0, 1.0)), &column, &column);
            }
            d
        };
        let adjust = |s: f64| match correction {
            _ if s >= 1.0 - 1e-10 => 0.0,
            Correction::Cr3 => 1.0 / (1.0 - s),
            _ => 1.0 / (1.0 - s).sqrt(),
        };
        // In the coordinates B = X_g L: L'·X'A e = V f V'·B'e.
        let own = root.transpose().times_vector(&score);
        scores.push(by(&adjust).times_vector(&own));
        spans.push((by(&|s| s * adjust(s).powi(2)), by(&|s| s * adjust(s))));
    }
    let mut meat = Matrix::zeros(k, k);
    scores.iter().for_each(|s| meat.add_outer(factor, s, s));
    let label = match correction {
        Correction::Cr0 => "cr0",
        Correction::Cr1 => "cr1",
        Correction::Cr2 => "cr2, bell–mccaffrey df",
        Correction::Cr3 => "cr3, satterthwaite df",
    };
    Ok(Clustered {
        beta: fitted.coefficients(),
        method: format!("ols, {g} clusters, {label}"),
        clusters: g as u64,
        fitted,
        root,
        meat,
        spans,
    })
}

impl Clustered {
    /// The coefficients; the intercept first if there is one.
    pub fn coefficients(&self) -> &[f64] {
        &self.beta
    }

    /// Σ wⱼ·βⱼ, with p-value that it is 0. Refused: as many weights as coefficients are wanted; a combination that rests
    /// on single clusters.
    pub fn combination(&self, weights: &[f64], level: f64) -> Result<Estimate, NotEstimable> {
        if weights.len() != self.beta.len() {
            return Err(NotEstimable::out_of_domain(
                format!("{} weights for {} coefficients", weights.len(), self.beta.len()),
                "give one weight per coefficient, the intercept first",
            ));
        }
        let centred = self.fitted.centred_weights(weights);
        let (variance, df) = if self.spans.is_empty() {
            let contrast = self.fitted.bread.times_vector(&centred);
            (self.meat.form(&contrast, &contrast), self.clusters as f64 - 1.0)
        } else {
            // M = L L', so L⁻¹·M·c = L'c.
            let c = self.root.transpose().times_vector(&centred);
            (self.meat.form(&c, &c), satterthwaite(&self.spans, &c))
        };
        if df.is_nan() || df <= 0.0 {
            return Err(NotEstimable::new(
                Reason::Singular,
                "the combination rests on single clusters",
                "leave out columns that only one cluster has",
            ));
        }
        Estimate::new(
            dot(weights, &self.beta),
            variance.max(0.0).sqrt(),
            Some(df),
            self.fitted.design.rows as u64,
            level,
            self.method.as_str(),
        )
    }
}

/// (tr P)²/tr(P²) with P = D − U'U, D_g = c'·(X'AA'X)·c and u_g = (X'A X)·c in coordinates where M is the identity.
fn satterthwaite(spans: &[(Matrix, Matrix)], c: &[f64]) -> f64 {
    let k = c.len();
    let mut gram = Matrix::zeros(k, k);
    let (mut trace, mut square) = (0.0, 0.0);
    for (own, span) in spans {
        let d = own.form(c, c);
        let u = span.times_vector(c);
        let uu = dot(&u, &u);
        trace += d - uu;
        square += d * d - 2.0 * d * uu;
        gram.add_outer(1.0, &u, &u);
    }
    // Σ_gh (u_g'u_h)² is the squared norm of the gram matrix.
    square += (0..k).map(|i| dot(gram.row(i), gram.row(i))).sum::<f64>();
    trace * trace / square
}

/// Lower triangular L with L·L' = m, for a positive definite m.
fn cholesky(m: &Matrix) -> Matrix {
    let n = m.rows;
    let mut l = Matrix::zeros(n, n);
    for j in 0..n {
        for i in j..n {
            let rest = m[(i, j)] - (0..j).map(|c| l[(i, c)] * l[(j, c)]).sum::<f64>();
            l[(i, j)] = if i == j { rest.max(0.0).sqrt() } else { rest / l[(j, j)] };
        }
    }
    l
}
