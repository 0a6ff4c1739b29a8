//! Interleaving two rankers in one list, and which of them people prefer.
//!
//! **Question.** Which ranking is better, with far fewer sessions than an A/B test?
//!
//! **Estimand.** Among sessions in which one ranker got more credit, the share that went to B; and Δ = (wins B + ½ ties)/all
//! − ½.
//!
//! **Assumptions.** Sessions are independent ([`by_unit`] when people have several); credit is a click, or whatever the caller
//! counts, on an item that a ranker contributed.
//!
//! **Formula.** *Team draft*: in rounds, a fair coin says who picks first; each picks its best item not yet taken. *Balanced*:
//! a coin says who leads; the lists are merged so that the top k holds the tops of both lists, of depths that differ by at
//! most one; credit compares clicks in the tops of equal depth that produced the lowest click. Test: exact binomial (sign
//! test) without ties, Wilson interval; by unit: t-test of the mean of wins B − wins A per unit.
//!
//! **Reference.** Joachims 2003; Radlinski, Kurup & Joachims 2008; Chapelle, Joachims, Radlinski & Yue 2012.
//!
//! **Golden source.** `tests/golden/designs.py` (scipy `binomtest`).

use serde::{Deserialize, Serialize};

use crate::{Estimate, Moments, NotEstimable, Rng, binomial, one_sample};

/// Who contributed an item, or won a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first ranker.
    A,
    /// The second.
    B,
}

/// A place in the interleaved list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// The item.
    pub item: u64,
    /// Whose pick it is.
    pub team: Side,
}

/// Which ranker sessions preferred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preference {
    /// Share of decided sessions that B won, with its Wilson interval; p of ½ from the exact sign test.
    pub share: Estimate,
    /// (wins B + ½ ties)/all − ½, in [−½, ½].
    pub delta: f64,
}

/// Team-draft interleaving of two rankings to at most `length` places; `rng` tosses the coins.
pub fn team_draft(a: &[u64], b: &[u64], length: usize, rng: &mut Rng) -> Vec<Pick> {
    let mut list: Vec<Pick> = Vec::with_capacity(length);
    loop {
        let first = if rng.bernoulli(0.5) { Side::A } else { Side::B };
        let second = if first == Side::A { Side::B } else { Side::A };
        let before = list.len();
        for team in [first, second] {
            if list.len() == length {
                return list;
            }
            let ranking = if team == Side::A { a } else { b };
            if let Some(item) = ranking.iter().find(|i| list.iter().all(|p| p.item != **i)) {
                list.push(Pick { item: *item, team });
            }
        }
        if list.len() == before {
            return list;
        }
    }
}

/// Balanced interleaving to at most `length` places; `first` leads (toss a coin per session).
pub fn balanced(a: &[u64], b: &[u64], length: usize, first: Side) -> Vec<u64> {
    let mut list: Vec<u64> = Vec::with_capacity(length);
    let (mut at_a, mut at_b) = (0, 0);
    while list.len() < length && (at_a < a.len() || at_b < b.len()) {
        let a_next = at_a < at_b || (at_a == at_b && first == Side::A);
        let take_a = (a_next && at_a < a.len()) || at_b >= b.len();
        let item = if take_a {
            at_a += 1;
            a[at_a - 1]
        } else {
            at_b += 1;
            b[at_b - 1]
        };
        if !list.contains(&item) {
            list.push(item);
        }
    }
    list
}

/// Who won a team-draft session: clicks on its own picks, places from 0; `None` is a tie.
pub fn team_draft_winner(list: &[Pick], clicks: &[usize]) -> Option<Side> {
    let of = |team: Side| {
        clicks
            .iter()
            .filter(|c| list.get(**c).is_some_and(|p| p.team == team))
            .count()
    };
    larger(of(Side::A), of(Side::B))
}

/// Who won a balanced session: with the lowest clicked place known, clicks among the tops of A and of B of the least depth
/// that reaches it. `None` is a tie, also without clicks.
pub fn balanced_winner(a: &[u64], b: &[u64], list: &[u64], clicks: &[usize]) -> Option<Side> {
    let lowest = list.get(clicks.iter().copied().filter(|c| *c < list.len()).max()?)?;
    let depth = |ranking: &[u64]| ranking.iter().position(|i| i == lowest).map_or(usize::MAX, |p| p + 1);
    let k = depth(a).min(depth(b));
    let of = |ranking: &[u64]| {
        let top = &ranking[..k.min(ranking.len())];
        clicks
            .iter()
            .filter(|c| list.get(**c).is_some_and(|i| top.contains(i)))
            .count()
    };
    larger(of(a), of(b))
}

fn larger(a: usize, b: usize) -> Option<Side> {
    match a.cmp(&b) {
        std::cmp::Ordering::Greater => Some(Side::A),
        std::cmp::Ordering::Less => Some(Side::B),
        std::cmp::Ordering::Equal => None,
    }
}

/// Tests whether sessions prefer one ranker. Refused: no decided session.
pub fn preference(wins_a: u64, wins_b: u64, ties: u64, level: f64) -> Result<Preference, NotEstimable> {
    let n = wins_a + wins_b;
    if n == 0 {
        return Err(NotEstimable::too_few(format!(
            "none of {ties} sessions preferred a ranker"
        )));
    }
    let p = wins_b as f64 / n as f64;
    let moments = Moments::from_parts(n, vec![p], vec![n as f64 * p * (1.0 - p)]).unwrap_or_else(|| Moments::empty(1));
    let mut share = one_sample::proportion(&moments, 0, level)?;
    share.p = Some(binomial::sign_test(wins_b, n));
    share.method = "sign test, wilson interval".into();
    let all = (n + ties) as f64;
    Ok(Preference {
        share,
        delta: (wins_b as f64 + 0.5 * ties as f64) / all - 0.5,
    })
}

/// Mean of wins B − wins A per unit, for people with several sessions; t-test that it is 0. `scores` has one value per unit.
/// Refused: fewer than two units, no variation.
pub fn by_unit(scores: &[f64], level: f64) -> Result<Estimate, NotEstimable> {
    let mut m = Moments::empty(1);
    scores.iter().for_each(|s| m.push(&[*s]));
    let mean = one_sample::mean(&m, 0, level)?;
    Estimate::new(mean.point, mean.se, mean.df, mean.n, level, "t over units")
}
