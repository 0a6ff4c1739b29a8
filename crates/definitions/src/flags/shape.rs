//! Whether what is repeated can be read in one way only. A text that can be cut into repetitions in several ways lets
//! clients that backtrack try all of them: `(a|aa)*b` takes time that doubles with every letter or two.
//!
//! After Brüggemann-Klein, "Regular expressions into finite automata" (1993): an expression is deterministic if no two of
//! its places that may come next read the same character. Branches that are plain words need only be no beginning of one
//! another.

use super::pattern::Ranges;

/// What may come first and next in a piece of an expression.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// What it may begin with.
    first: Ranges,
    /// What may go on where it could end.
    more: Ranges,
    /// It may be empty.
    nullable: bool,
    /// It can be read in several ways.
    ambiguous: bool,
    /// The words that it is, if it is nothing but a few.
    words: Option<Vec<Vec<u16>>>,
}

impl Default for Shape {
    /// Nothing, and what stands between characters.
    fn default() -> Shape {
        Shape {
            first: Vec::new(),
            more: Vec::new(),
            nullable: true,
            ambiguous: false,
            words: Some(vec![Vec::new()]),
        }
    }
}

fn meet(a: &Ranges, b: &Ranges) -> bool {
    a.iter()
        .any(|(low, high)| b.iter().any(|(from, to)| low <= to && from <= high))
}

fn union(mut a: Ranges, b: &Ranges) -> Ranges {
    a.extend_from_slice(b);
    a
}

impl Shape {
    /// One character of a set.
    pub fn of(set: &Ranges) -> Shape {
        let words = match set.as_slice() {
            [(low, high)] if low == high => Some(vec![vec![*low]]),
            _ => None,
        };
        Shape {
            first: set.clone(),
            nullable: false,
            words,
            ..Shape::default()
        }
    }

    /// This, then another.
    pub fn then(self, next: &Shape) -> Shape {
        let ambiguous = meet(&self.more, &next.first) || (self.nullable && meet(&self.first, &next.first));
        let words = match (self.words.as_deref(), next.words.as_deref()) {
            (Some([one]), Some([other])) => Some(vec![[one.as_slice(), other].concat()]),
            _ => None,
        };
        Shape {
            more: if next.nullable {
                union(union(self.more, &next.first), &next.more)
            } else {
                next.more.clone()
            },
            first: if self.nullable {
                union(self.first, &next.first)
            } else {
                self.first
            },
            nullable: self.nullable && next.nullable,
            ambiguous: self.ambiguous || next.ambiguous || ambiguous,
            words,
        }
    }

    /// This or another.
    pub fn or(self, other: &Shape) -> Shape {
        let clash = match (&self.words, &other.words) {
            (Some(own), Some(words)) => own
                .iter()
                .any(|a| words.iter().any(|b| a.starts_with(b) || b.starts_with(a))),
            _ => meet(&self.first, &other.first) || (self.nullable && other.nullable),
        };
        Shape {
            first: union(self.first, &other.first),
            more: union(self.more, &other.more),
            nullable: self.nullable || other.nullable,
            ambiguous: self.ambiguous || other.ambiguous || clash,
            words: self.words.zip(other.words.clone()).map(|(a, b)| [a, b].concat()),
        }
    }

    /// Whether repeating it lets a text be cut in several ways.
    pub fn clashes_with_itself(&self) -> bool {
        self.ambiguous || meet(&self.more, &self.first)
    }

    /// So many of it.
    pub fn times(self, low: u64, high: Option<u64>) -> Shape {
        let once = high == Some(1);
        let more = if once || high == Some(low) {
            self.more.clone()
        } else {
            union(self.more.clone(), &self.first)
        };
        Shape {
            more,
            nullable: self.nullable || low == 0,
            ambiguous: self.ambiguous || (!once && self.clashes_with_itself()),
            words: None,
            first: self.first,
        }
    }
}
