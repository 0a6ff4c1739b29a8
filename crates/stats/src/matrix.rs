//! Small dense matrices: what regression of a few dozen columns needs, and no more.

use crate::{NotEstimable, Reason};

/// Dense matrix by rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    pub rows: usize,
    pub cols: usize,
    data: Vec<f64>,
}

impl std::ops::Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.data[i * self.cols + j]
    }
}

impl std::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.data[i * self.cols + j]
    }
}

impl Matrix {
    pub fn zeros(rows: usize, cols: usize) -> Matrix {
        Matrix {
            rows,
            cols,
            data: vec![0.0; rows * cols],
        }
    }

    pub fn identity(n: usize) -> Matrix {
        let mut m = Matrix::zeros(n, n);
        (0..n).for_each(|i| m[(i, i)] = 1.0);
        m
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    pub fn transpose(&self) -> Matrix {
        let mut t = Matrix::zeros(self.cols, self.rows);
        for i in 0..self.rows {
            for j in 0..self.cols {
                t[(j, i)] = self[(i, j)];
            }
        }
        t
    }

    pub fn times(&self, other: &Matrix) -> Matrix {
        let mut product = Matrix::zeros(self.rows, other.cols);
        for i in 0..self.rows {
            for k in 0..self.cols {
                let a = self[(i, k)];
                if a != 0.0 {
                    for j in 0..other.cols {
                        product[(i, j)] += a * other[(k, j)];
                    }
                }
            }
        }
        product
    }

    pub fn times_vector(&self, v: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|i| dot(self.row(i), v)).collect()
    }

    /// v'·A·w.
    pub fn form(&self, v: &[f64], w: &[f64]) -> f64 {
        dot(v, &self.times_vector(w))
    }

    /// Adds weight·v·w'.
    pub fn add_outer(&mut self, weight: f64, v: &[f64], w: &[f64]) {
        for (i, a) in v.iter().enumerate() {
            for (j, b) in w.iter().enumerate() {
                self.data[i * self.cols + j] += weight * a * b;
            }
        }
    }

    pub fn to_rows(&self) -> Vec<Vec<f64>> {
        (0..self.rows).map(|i| self.row(i).to_vec()).collect()
    }

    /// Inverse of a symmetric positive definite matrix by Cholesky on its scaled form; the index of the first column that
    /// carries nothing beyond those before it, if there is one.
    pub fn inverse_spd(&self) -> Result<Matrix, usize> {
        let n = self.rows;
        let scale: Vec<f64> = (0..n).map(|i| self[(i, i)].sqrt()).collect();
        if let Some(j) = scale.iter().position(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(j);
        }
        let mut l = Matrix::zeros(n, n);
        for j in 0..n {
            for i in j..n {
                let sum: f64 = (0..j).map(|c| l[(i, c)] * l[(j, c)]).sum();
                let rest = self[(i, j)] / (scale[i] * scale[j]) - sum;
                if i == j {
                    if rest.is_nan() || rest <= 1e-12 {
                        return Err(j);
                    }
                    l[(j, j)] = rest.sqrt();
                } else {
                    l[(i, j)] = rest / l[(j, j)];
                }
            }
        }
        let mut inverse = Matrix::zeros(n, n);
        for c in 0..n {
            let mut x = vec![0.0; n];
            for i in c..n {
                let sum: f64 = (c..i).map(|k| l[(i, k)] * x[k]).sum();
                x[i] = (f64::from(u8::from(i == c)) - sum) / l[(i, i)];
            }
            for i in (0..n).rev() {
                let sum: f64 = (i + 1..n).map(|k| l[(k, i)] * x[k]).sum();
                x[i] = (x[i] - sum) / l[(i, i)];
            }
            for i in 0..n {
                inverse[(i, c)] = x[i] / (scale[i] * scale[c]);
            }
        }
        Ok(inverse)
    }

    /// Eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi rotations.
    pub fn eigen_symmetric(&self) -> (Vec<f64>, Matrix) {
        let n = self.rows;
        let (mut a, mut v) = (self.clone(), Matrix::identity(n));
        for _ in 0..100 {
            let off: f64 = (0..n)
                .flat_map(|i| (0..i).map(move |j| (i, j)))
                .map(|at| a[at] * a[at])
                .sum();
            let diagonal: f64 = (0..n).map(|i| a[(i, i)] * a[(i, i)]).sum();
            if off <= 1e-34 * diagonal || off == 0.0 {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    if a[(p, q)] == 0.0 {
                        continue;
                    }
                    let theta = (a[(q, q)] - a[(p, p)]) / (2.0 * a[(p, q)]);
                    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                    let t = if theta == 0.0 { 1.0 } else { t };
                    let c = 1.0 / (t * t + 1.0).sqrt();
                    let s = t * c;
                    for k in 0..n {
                        let (x, y) = (a[(k, p)], a[(k, q)]);
                        a[(k, p)] = c * x - s * y;
                        a[(k, q)] = s * x + c * y;
                    }
                    for k in 0..n {
                        let (x, y) = (a[(p, k)], a[(q, k)]);
                        a[(p, k)] = c * x - s * y;
                        a[(q, k)] = s * x + c * y;
                    }
                    for k in 0..n {
                        let (x, y) = (v[(k, p)], v[(k, q)]);
                        v[(k, p)] = c * x - s * y;
                        v[(k, q)] = s * x + c * y;
                    }
                }
            }
        }
        ((0..n).map(|i| a[(i, i)]).collect(), v)
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Least squares by Householder QR: solution, residuals and (X'X)⁻¹. Refuses a column that repeats those before it.
pub(crate) fn least_squares(x: &Matrix, y: &[f64]) -> Result<(Vec<f64>, Vec<f64>, Matrix), NotEstimable> {
    let (n, k) = (x.rows, x.cols);
    let mut a = x.clone();
    let mut b = y.to_vec();
    let mut r = Matrix::zeros(k, k);
    for j in 0..k {
        let full: f64 = (0..n).map(|i| x[(i, j)] * x[(i, j)]).sum::<f64>().sqrt();
        let norm: f64 = (j..n).map(|i| a[(i, j)] * a[(i, j)]).sum::<f64>().sqrt();
        // What rounding leaves of a repeated column is about 1e-16·√n of it.
        if norm.is_nan() || norm <= 1e-11 * full || norm == 0.0 {
            return Err(singular(j));
        }
        let alpha = if a[(j, j)] > 0.0 { -norm } else { norm };
        let mut v: Vec<f64> = (j..n).map(|i| a[(i, j)]).collect();
        v[0] -= alpha;
        let square = dot(&v, &v);
        if square > 0.0 {
            for c in j..k {
                let projection = 2.0 * (j..n).map(|i| v[i - j] * a[(i, c)]).sum::<f64>() / square;
                (j..n).for_each(|i| a[(i, c)] -= projection * v[i - j]);
            }
            let projection = 2.0 * (j..n).map(|i| v[i - j] * b[i]).sum::<f64>() / square;
            (j..n).for_each(|i| b[i] -= projection * v[i - j]);
        }
        for i in 0..=j {
            r[(i, j)] = a[(i, j)];
        }
    }
    let mut beta = vec![0.0; k];
    let mut inverse = Matrix::zeros(k, k);
    for i in (0..k).rev() {
        let sum: f64 = (i + 1..k).map(|c| r[(i, c)] * beta[c]).sum();
        beta[i] = (b[i] - sum) / r[(i, i)];
    }
    for c in 0..k {
        for i in (0..=c).rev() {
            let sum: f64 = (i + 1..=c).map(|m| r[(i, m)] * inverse[(m, c)]).sum();
            inverse[(i, c)] = (f64::from(u8::from(i == c)) - sum) / r[(i, i)];
        }
    }
    let residuals = (0..n).map(|i| y[i] - dot(x.row(i), &beta)).collect();
    let bread = inverse.times(&inverse.transpose());
    Ok((beta, residuals, bread))
}

/// Refusal for a design whose column `j` is a combination of those before it.
pub(crate) fn singular(j: usize) -> NotEstimable {
    NotEstimable::new(
        Reason::Singular,
        format!("column {j} of the design does not vary, or repeats the columns before it"),
        "leave that column out",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symmetric() -> Matrix {
        let mut m = Matrix::zeros(3, 3);
        for (i, row) in [[4.0, 1.0, -2.0], [1.0, 3.0, 0.5], [-2.0, 0.5, 5.0]].iter().enumerate() {
            row.iter().enumerate().for_each(|(j, x)| m[(i, j)] = *x);
        }
        m
    }

    #[test]
    fn inverse_times_itself_is_identity() {
        let m = symmetric();
        let product = m.times(&m.inverse_spd().unwrap_or_else(|j| panic!("{j}")));
        for i in 0..3 {
            for j in 0..3 {
                assert!((product[(i, j)] - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let m = symmetric();
        let (values, vectors) = m.eigen_symmetric();
        let mut d = Matrix::zeros(3, 3);
        (0..3).for_each(|i| d[(i, i)] = values[i]);
        let back = vectors.times(&d).times(&vectors.transpose());
        for i in 0..3 {
            for j in 0..3 {
                assert!((back[(i, j)] - m[(i, j)]).abs() < 1e-13);
            }
        }
    }
}
