//! A dual simplex for bounded variables, on a dictionary: basic variables as functions of the others.

/// Below this a coefficient is rounding.
const TINY: f64 = 1e-9;
/// Infeasible by more than this is infeasible.
const SLACK: f64 = 1e-8;

/// Where a variable stands now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Row(usize),
    Column(usize),
}

/// x_B = b − T·x_N, z = z₀ + d·x_N; each variable counted from one of its bounds, so that those of columns are 0.
#[derive(Clone, Debug)]
pub struct Dictionary {
    rows: usize,
    columns: usize,
    table: Vec<f64>,
    right: Vec<f64>,
    reduced: Vec<f64>,
    pub value: f64,
    basic: Vec<usize>,
    free: Vec<usize>,
    place: Vec<Place>,
    low: Vec<f64>,
    range: Vec<f64>,
    flipped: Vec<bool>,
}

impl Dictionary {
    /// max c·x, A·x ≤ b, 0 ≤ x ≤ 1; `rows` are (coefficients, right side). Starts with everything wanted at 1, which is
    /// dual feasible.
    pub fn new(c: &[f64], rows: &[(Vec<(usize, f64)>, f64)]) -> Dictionary {
        let (m, n) = (rows.len(), c.len());
        let mut d = Dictionary {
            rows: m,
            columns: n,
            table: vec![0.0; m * n],
            right: rows.iter().map(|r| r.1).collect(),
            reduced: c.to_vec(),
            value: 0.0,
            basic: (n..n + m).collect(),
            free: (0..n).collect(),
            place: (0..n).map(Place::Column).chain((0..m).map(Place::Row)).collect(),
            low: vec![0.0; n + m],
            range: (0..n).map(|_| 1.0).chain((0..m).map(|_| f64::INFINITY)).collect(),
            flipped: vec![false; n + m],
        };
        for (r, (coefficients, _)) in rows.iter().enumerate() {
            for (i, a) in coefficients {
                d.table[r * n + i] += a;
            }
        }
        (0..n).filter(|i| c[*i] > 0.0).for_each(|i| d.flip_column(i));
        d
    }

    /// Counts a column's variable from its other bound: it jumps there.
    fn flip_column(&mut self, c: usize) {
        let variable = self.free[c];
        let range = self.range[variable];
        for r in 0..self.rows {
            let t = &mut self.table[r * self.columns + c];
            self.right[r] -= *t * range;
            *t = -*t;
        }
        self.value += self.reduced[c] * range;
        self.reduced[c] = -self.reduced[c];
        self.flipped[variable] = !self.flipped[variable];
    }

    /// Counts a row's variable from its other bound: nothing moves.
    fn flip_row(&mut self, r: usize) {
        let variable = self.basic[r];
        self.right[r] = self.range[variable] - self.right[r];
        let row = &mut self.table[r * self.columns..(r + 1) * self.columns];
        row.iter_mut().for_each(|t| *t = -*t);
        self.flipped[variable] = !self.flipped[variable];
    }

    fn pivot(&mut self, r: usize, c: usize) {
        let n = self.columns;
        let p = 1.0 / self.table[r * n + c];
        let mut row: Vec<f64> = self.table[r * n..(r + 1) * n].iter().map(|t| t * p).collect();
        row[c] = p;
        let right = self.right[r] * p;
        for i in (0..self.rows).filter(|i| *i != r) {
            let target = &mut self.table[i * n..(i + 1) * n];
            let factor = target[c];
            if factor == 0.0 {
                continue;
            }
            target[c] = 0.0;
            target.iter_mut().zip(&row).for_each(|(t, x)| *t -= factor * x);
            self.right[i] -= factor * right;
        }
        let factor = self.reduced[c];
        self.reduced[c] = 0.0;
        self.reduced.iter_mut().zip(&row).for_each(|(t, x)| *t -= factor * x);
        self.value += factor * right;
        self.table[r * n..(r + 1) * n].copy_from_slice(&row);
        self.right[r] = right;
        std::mem::swap(&mut self.basic[r], &mut self.free[c]);
        self.place[self.basic[r]] = Place::Row(r);
        self.place[self.free[c]] = Place::Column(c);
    }

    /// Fixes a variable at 0 or 1.
    pub fn fix(&mut self, variable: usize, at_one: bool) {
        if self.range[variable] == 0.0 {
            return;
        }
        // From which bound the variable is counted while it is 0 there.
        let wrong = self.flipped[variable] != at_one;
        match self.place[variable] {
            Place::Column(c) if wrong => self.flip_column(c),
            Place::Row(r) if wrong => self.flip_row(r),
            _ => {}
        }
        self.low[variable] = f64::from(u8::from(at_one));
        self.range[variable] = 0.0;
        self.flipped[variable] = false;
        // What was counted down from 1 is now counted up from 1.
        if at_one {
            match self.place[variable] {
                Place::Column(c) => {
                    (0..self.rows).for_each(|r| self.table[r * self.columns + c] = -self.table[r * self.columns + c]);
                    self.reduced[c] = -self.reduced[c];
                }
                Place::Row(r) => {
                    self.right[r] = -self.right[r];
                    let row = &mut self.table[r * self.columns..(r + 1) * self.columns];
                    row.iter_mut().for_each(|t| *t = -*t);
                }
            }
        }
    }

    /// To the optimum; `false` if no point satisfies all rows. Stops early, with `true`, once the optimum is known to
    /// lie below `cutoff`.
    pub fn solve(&mut self, cutoff: f64) -> bool {
        let mut candidates: Vec<(f64, usize)> = Vec::new();
        // Degenerate circles are broken by the limit: an unfinished relaxation still bounds from above.
        for _ in 0..50 * (self.rows + self.columns) {
            if self.value < cutoff {
                return true;
            }
            let excess = |r: usize| {
                let over = self.right[r] - self.range[self.basic[r]];
                over.max(-self.right[r])
            };
            let worst = (0..self.rows).max_by(|a, b| excess(*a).total_cmp(&excess(*b)));
            let Some(r) = worst.filter(|r| excess(*r) > SLACK) else {
                return true;
            };
            if self.right[r] > 0.0 {
                self.flip_row(r);
            }
            let n = self.columns;
            candidates.clear();
            for c in 0..n {
                let t = self.table[r * n + c];
                if t < -TINY && self.range[self.free[c]] > 0.0 {
                    candidates.push(((self.reduced[c].min(0.0) / t).max(0.0), c));
                }
            }
            candidates.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut entering = None;
            let mut missing = -self.right[r];
            let mut passed = 0;
            for (_, c) in &candidates {
                let reach = -self.table[r * n + c] * self.range[self.free[*c]];
                if missing - reach > SLACK {
                    missing -= reach;
                    passed += 1;
                } else {
                    entering = Some(*c);
                    break;
                }
            }
            let Some(c) = entering else { return false };
            for (_, c) in candidates.iter().take(passed) {
                self.flip_column(*c);
            }
            self.pivot(r, c);
        }
        true
    }

    /// Value of a variable.
    pub fn x(&self, variable: usize) -> f64 {
        let counted = match self.place[variable] {
            Place::Row(r) => self.right[r],
            Place::Column(_) => 0.0,
        };
        if self.flipped[variable] {
            self.low[variable] + self.range[variable] - counted
        } else {
            self.low[variable] + counted
        }
    }

    /// What relaxing row `r` by one unit adds to the optimum.
    pub fn price(&self, r: usize) -> f64 {
        match self.place[self.columns + r] {
            Place::Column(c) => (-self.reduced[c]).max(0.0),
            Place::Row(_) => 0.0,
        }
    }
}
