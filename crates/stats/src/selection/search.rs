//! Branch and bound over the dictionary.

use super::simplex::Dictionary;
use super::{Choice, Effort, Selection};
use crate::{NotEstimable, Reason};

/// Closer than this to 0 or 1 is whole.
const WHOLE: f64 = 1e-6;

struct Search<'a> {
    choice: &'a Choice,
    effort: Effort,
    /// Uses by item: (resource, amount).
    uses: Vec<Vec<(usize, f64)>>,
    /// What each item needs, and what needs it.
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
    fixed: Vec<Option<bool>>,
    best: Option<(f64, Vec<bool>)>,
    /// Greatest bound among nodes that were not searched to the end.
    open: f64,
    nodes: usize,
    scale: f64,
}

/// Finds the best set of a choice that makes sense.
pub fn search(choice: &Choice, effort: Effort) -> Result<Selection, NotEstimable> {
    let n = choice.values.len();
    let scale = choice
        .values
        .iter()
        .fold(0.0f64, |m, v| m.max(v.abs()))
        .max(f64::MIN_POSITIVE);
    let c: Vec<f64> = choice.values.iter().map(|v| v / scale).collect();
    let mut scales = Vec::new();
    let mut rows: Vec<(Vec<(usize, f64)>, f64)> = Vec::new();
    for resource in &choice.resources {
        let most = resource.uses.iter().fold(0.0f64, |m, u| m.max(u.1));
        let s = if most > 0.0 { most } else { 1.0 };
        scales.push(s);
        let uses = resource.uses.iter().map(|(i, u)| (*i, u / s)).collect();
        rows.push((uses, resource.capacity / s));
    }
    rows.extend(choice.needs.iter().map(|(i, j)| (vec![(*i, 1.0), (*j, -1.0)], 0.0)));
    let mut root = Dictionary::new(&c, &rows);
    let mut s = Search {
        choice,
        effort,
        uses: vec![Vec::new(); n],
        needs: vec![Vec::new(); n],
        needed_by: vec![Vec::new(); n],
        fixed: vec![None; n],
        best: None,
        open: f64::NEG_INFINITY,
        nodes: 0,
        scale,
    };
    for (r, resource) in choice.resources.iter().enumerate() {
        resource.uses.iter().for_each(|(i, u)| s.uses[*i].push((r, *u)));
    }
    for (i, j) in &choice.needs {
        s.needs[*i].push(*j);
        s.needed_by[*j].push(*i);
    }
    for (i, state) in &choice.fixed {
        s.fixed[*i] = Some(*state);
        root.fix(*i, *state);
    }
    let infeasible = || {
        NotEstimable::new(
            Reason::OutOfDomain,
            "what must be in does not fit the capacities, or needs something that must be out",
            "raise a capacity, or require less",
        )
    };
    if !root.solve(f64::NEG_INFINITY) {
        return Err(infeasible());
    }
    let shadow_prices = (0..scales.len()).map(|r| root.price(r) * scale / scales[r]).collect();
    let top = root.value * scale;
    s.branch(root);
    let nodes = s.nodes;
    let open = s.open;
    let Some((value, chosen)) = s.best else {
        return Err(infeasible());
    };
    // Nodes cut off by the gap may still hold that much more.
    let bound = if open.is_finite() { open.max(value) } else { value };
    Ok(Selection {
        chosen,
        value,
        bound: bound.min(top.max(value)),
        shadow_prices,
        nodes,
    })
}

impl Search<'_> {
    fn floor(&self) -> f64 {
        self.best.as_ref().map_or(f64::NEG_INFINITY, |(v, _)| *v)
    }

    fn branch(&mut self, mut node: Dictionary) {
        loop {
            self.nodes += 1;
            let bound = node.value * self.scale;
            if self.beaten(bound) {
                return;
            }
            let x: Vec<f64> = (0..self.choice.values.len()).map(|i| node.x(i)).collect();
            // Every node near the top, then every tenth: incumbents come early or seldom.
            if self.nodes <= 20 || self.nodes % 10 == 0 {
                self.round(&x);
            }
            if self.beaten(bound) {
                return;
            }
            let fractional = (0..x.len())
                .filter(|i| x[*i] > WHOLE && x[*i] < 1.0 - WHOLE)
                .max_by(|a, b| self.interest(*a, x[*a]).total_cmp(&self.interest(*b, x[*b])));
            let Some(i) = fractional else {
                self.offer(x.iter().map(|x| *x > 0.5).collect());
                return;
            };
            if self.nodes >= self.effort.nodes {
                self.open = self.open.max(bound);
                return;
            }
            let first = x[i] >= 0.5;
            let mut child = node.clone();
            child.fix(i, first);
            if child.solve(self.floor() / self.scale) {
                self.branch(child);
            }
            node.fix(i, !first);
            if !node.solve(self.floor() / self.scale) {
                return;
            }
        }
    }

    /// Whether nothing below this bound is worth the search; what it may still hold counts as open.
    fn beaten(&mut self, bound: f64) -> bool {
        let floor = self.floor();
        let enough = floor + self.effort.gap * floor.abs() + 1e-9 * self.scale;
        if floor == f64::NEG_INFINITY || bound > enough {
            return false;
        }
        self.open = self.open.max(bound);
        true
    }

    fn interest(&self, i: usize, x: f64) -> f64 {
        (0.5 - (x - 0.5).abs()) * (self.choice.values[i].abs() + 1e-3 * self.scale)
    }

    /// Keeps a set if it is allowed and better.
    fn offer(&mut self, chosen: Vec<bool>) {
        let allowed = self.choice.needs.iter().all(|(i, j)| !chosen[*i] || chosen[*j])
            && self.fixed.iter().zip(&chosen).all(|(f, c)| f.is_none_or(|f| f == *c))
            && self.choice.resources.iter().all(|r| {
                let used: f64 = r.uses.iter().filter(|u| chosen[u.0]).map(|u| u.1).sum();
                used <= r.capacity * (1.0 + 1e-9) + 1e-9
            });
        let value: f64 = self
            .choice
            .values
            .iter()
            .zip(&chosen)
            .filter(|v| *v.1)
            .map(|v| v.0)
            .sum();
        if allowed && value > self.floor() {
            self.best = Some((value, chosen));
        }
    }

    /// A set from a fractional point: whole ones first, then what still fits by fraction and value, then swaps.
    fn round(&mut self, x: &[f64]) {
        let n = x.len();
        let mut left: Vec<f64> = self.choice.resources.iter().map(|r| r.capacity).collect();
        let mut chosen = vec![false; n];
        let mut order: Vec<usize> = (0..n).filter(|i| self.fixed[*i] != Some(false)).collect();
        let rank = |i: usize| (self.fixed[i] == Some(true), x[i], self.choice.values[i]);
        order.sort_by(|a, b| {
            let (a, b) = (rank(*a), rank(*b));
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.total_cmp(&a.2))
        });
        // Needs may come later in the order: a few rounds let their users in.
        for _ in 0..3 {
            for &i in &order {
                let wanted = self.choice.values[i] > 0.0 || x[i] > 0.5 || self.fixed[i] == Some(true);
                if !chosen[i] && wanted && self.fits(i, &left, &chosen) {
                    self.put(i, true, &mut left, &mut chosen);
                }
            }
        }
        self.swap(&mut left, &mut chosen);
        self.offer(chosen);
    }

    fn fits(&self, i: usize, left: &[f64], chosen: &[bool]) -> bool {
        self.needs[i].iter().all(|j| chosen[*j]) && self.uses[i].iter().all(|(r, u)| *u <= left[*r] + 1e-12)
    }

    fn put(&self, i: usize, state: bool, left: &mut [f64], chosen: &mut [bool]) {
        chosen[i] = state;
        let sign = if state { -1.0 } else { 1.0 };
        self.uses[i].iter().for_each(|(r, u)| left[*r] += sign * u);
    }

    /// Trades one chosen item for a better one that then fits, while there is such a trade.
    fn swap(&self, left: &mut [f64], chosen: &mut [bool]) {
        let n = chosen.len();
        let value = |i: usize| self.choice.values[i];
        for _ in 0..50 {
            let mut best: Option<(f64, usize, usize)> = None;
            for out in 0..n {
                let kept = !chosen[out] || self.fixed[out].is_some() || self.needed_by[out].iter().any(|i| chosen[*i]);
                if kept {
                    continue;
                }
                self.put(out, false, left, chosen);
                for new in 0..n {
                    let gain = value(new) - value(out);
                    let better = gain > best.map_or(1e-9 * self.scale, |b| b.0);
                    if better && new != out && !chosen[new] && self.fixed[new].is_none() && self.fits(new, left, chosen)
                    {
                        best = Some((gain, out, new));
                    }
                }
                self.put(out, true, left, chosen);
            }
            let Some((_, out, new)) = best else { return };
            self.put(out, false, left, chosen);
            self.put(new, true, left, chosen);
            for i in 0..n {
                if !chosen[i] && self.fixed[i].is_none() && value(i) > 0.0 && self.fits(i, left, chosen) {
                    self.put(i, true, left, chosen);
                }
            }
        }
    }
}
