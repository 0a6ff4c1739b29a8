//! Paired worlds: the same noise with one cause on and off, over the customers as they were when the cause began.

use crate::calendar::DAYS;
use crate::world::{Causes, Exp, LAUNCHES, NULL_FEATURES};

/// Two worlds to compare from a day on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// Name in the truth tables.
    pub(crate) name: &'static str,
    /// First day, and the day after the last.
    pub(crate) days: (u16, u16),
    /// The cause on.
    pub(crate) with: Causes,
    /// The cause off.
    pub(crate) without: Causes,
    /// Users in the holdout count too.
    pub(crate) everyone: bool,
    /// Only users in the four cities of the switchback count.
    pub(crate) cities: bool,
}

/// What happened to some customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Customers with a session.
    pub(crate) units: i64,
    /// Sessions.
    pub(crate) sessions: i64,
    /// Customers with an order.
    pub(crate) buyers: i64,
    /// Orders.
    pub(crate) orders: i64,
    /// Order value before discount, in cents.
    pub(crate) gross: i64,
    /// Discount in cents.
    pub(crate) discount: i64,
    /// Margin in cents.
    pub(crate) margin: i64,
}

impl Tally {
    /// Adds another's counts.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.units += other.units;
        self.sessions += other.sessions;
        self.buyers += other.buyers;
        self.orders += other.orders;
        self.gross += other.gross;
        self.discount += other.discount;
        self.margin += other.margin;
    }

    /// Counts a session of the customer at hand.
    #[inline]
    pub(crate) fn see(&mut self, visit: &crate::shop::Visit) {
        self.units = 1;
        self.sessions += 1;
        if let Some(order) = &visit.order {
            self.buyers = 1;
            self.orders += 1;
            self.gross += order.gross;
            self.discount += order.discount;
            self.margin += order.margin;
        }
    }
}

/// All pairs, by first day.
pub(crate) fn pairs() -> Vec<Pair> {
    let actual = Causes::ACTUAL;
    let mut pairs = Vec::new();
    for exp in [Exp::E1, Exp::E2, Exp::E4, Exp::E5, Exp::E6, Exp::E7, Exp::E8] {
        pairs.push(Pair {
            name: exp.id(),
            days: exp.days(),
            with: Causes {
                arm: Some((exp, true)),
                ..actual
            },
            without: Causes {
                arm: Some((exp, false)),
                ..actual
            },
            everyone: false,
            cities: exp == Exp::E8,
        });
    }
    pairs.push(Pair {
        name: "E9",
        days: Exp::E9.days(),
        with: Causes {
            holdout: Some(false),
            ..actual
        },
        without: Causes {
            holdout: Some(true),
            ..actual
        },
        everyone: true,
        cities: false,
    });
    for (exp, day) in LAUNCHES {
        let name = match exp {
            Exp::E1 => "launch_E1",
            Exp::E5 => "launch_E5",
            _ => "launch_E6",
        };
        let without = Causes {
            unlaunched: Some(exp),
            ..actual
        };
        pairs.push(Pair {
            name,
            days: (day, DAYS),
            with: actual,
            without,
            everyone: true,
            cities: false,
        });
    }
    let first = LAUNCHES.iter().map(|l| l.1).min().unwrap_or(0);
    let without = Causes {
        no_launches: true,
        ..actual
    };
    pairs.push(Pair {
        name: "launches",
        days: (first, DAYS),
        with: actual,
        without,
        everyone: true,
        cities: false,
    });
    pairs.push(Pair {
        name: "null_features",
        days: (NULL_FEATURES.0, NULL_FEATURES.1),
        with: actual,
        without: Causes {
            features_filled: true,
            ..actual
        },
        everyone: true,
        cities: false,
    });
    pairs.sort_by_key(|p| p.days.0);
    pairs
}
