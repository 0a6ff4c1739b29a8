//! When a contract ends, renews, and must be given notice of.
//!
//! Every end is counted from the first day, so that a contract of the 31st keeps its day through short months: its
//! ends fall on the last day of a month that has none. Ends are exclusive: the first day after.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};
use steward_definitions::Contract;

use crate::CapabilityError;

/// Terms further away than this are not looked at.
const MOST_TERMS: u32 = 2_400;

/// The terms of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    start: Date,
    first_end: Date,
    /// Months from the first day to the first end; `None` if it is no whole number of months.
    months: Option<u32>,
    renewal: Option<u32>,
    notice: u32,
}

/// One term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// First day.
    pub start: Date,
    /// First day after it.
    pub end: Date,
    /// Last day on which notice ends the contract at `end`.
    pub notice_by: Date,
}

impl Terms {
    /// The terms that a definition says.
    ///
    /// # Errors
    /// If a day is none of the calendar, the end is not after the start, or there is no end.
    pub fn of(contract: &Contract) -> Result<Terms, CapabilityError> {
        let name = &contract.meta.name;
        let day = |text: &str| {
            text.parse::<Date>()
                .map_err(|e| CapabilityError::Invalid(format!("contract {name}: {text:?} is no day: {e}")))
        };
        let start = day(&contract.start)?;
        let first_end = match (contract.term_months, &contract.end) {
            (Some(months), _) => after(start, months, name)?,
            (None, Some(end)) => day(end)?,
            (None, None) => return Err(CapabilityError::Invalid(format!("contract {name} has no end"))),
        };
        if first_end <= start {
            return Err(CapabilityError::Invalid(format!(
                "contract {name} ends on {first_end}, before it starts on {start}"
            )));
        }
        Ok(Terms {
            start,
            first_end,
            months: contract.term_months,
            renewal: contract.renewal_months.filter(|m| *m > 0),
            notice: contract.notice_months,
        })
    }

    /// The `number`th term, from 0; `None` if the contract is over by then or the calendar ends.
    pub fn term(&self, number: u32) -> Option<Term> {
        let end = self.end(number)?;
        let start = match number.checked_sub(1) {
            Some(before) => self.end(before)?,
            None => self.start,
        };
        let notice_by = end.checked_sub(months(self.notice)?).ok()?;
        Some(Term { start, end, notice_by })
    }

    fn end(&self, number: u32) -> Option<Date> {
        if number == 0 {
            return Some(self.first_end);
        }
        let more = self.renewal?.checked_mul(number)?;
        match self.months {
            Some(first) => self.start.checked_add(months(first.checked_add(more)?)?).ok(),
            None => self.first_end.checked_add(months(more)?).ok(),
        }
    }

    /// The term that a day lies in; before the first day the first one, after the last `None`.
    pub fn at(&self, day: Date) -> Option<Term> {
        self.first(|term| day < term.end)
    }

    /// The first term whose end can still be had on that day.
    pub fn next_notice(&self, day: Date) -> Option<Term> {
        self.first(|term| day <= term.notice_by)
    }

    /// The last term of a contract that ends by itself.
    pub fn last(&self) -> Option<Term> {
        if self.renewal.is_some() { None } else { self.term(0) }
    }

    /// Whether it renews itself.
    pub fn tacit(&self) -> bool {
        self.renewal.is_some()
    }

    fn first(&self, wanted: impl Fn(&Term) -> bool) -> Option<Term> {
        (0..MOST_TERMS).map_while(|n| self.term(n)).find(wanted)
    }
}

fn months(count: u32) -> Option<Span> {
    i32::try_from(count).ok().map(|m| m.months())
}

fn after(start: Date, count: u32, name: &str) -> Result<Date, CapabilityError> {
    let out = || {
        CapabilityError::Invalid(format!(
            "contract {name}: {count} months from {start} leave the calendar"
        ))
    };
    start.checked_add(months(count).ok_or_else(out)?).map_err(|_| out())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::civil::date;

    fn terms(start: &str, term: u32, renewal: Option<u32>, notice: u32) -> Terms {
        Terms::of(&Contract {
            start: start.into(),
            term_months: Some(term),
            renewal_months: renewal,
            notice_months: notice,
            ..Contract::default()
        })
        .unwrap()
    }

    #[test]
    fn a_tacit_renewal_has_its_notice_three_months_before() {
        let terms = terms("2020-08-01", 36, Some(12), 3);
        let first = terms.term(0).unwrap();
        assert_eq!((first.end, first.notice_by), (date(2023, 8, 1), date(2023, 5, 1)));
        // On the day itself notice can still be given; a day later it has renewed.
        assert_eq!(terms.next_notice(date(2023, 5, 1)).unwrap().end, date(2023, 8, 1));
        let next = terms.next_notice(date(2023, 5, 2)).unwrap();
        assert_eq!((next.end, next.notice_by), (date(2024, 8, 1), date(2024, 5, 1)));
        assert_eq!(terms.at(date(2023, 7, 31)).unwrap().end, date(2023, 8, 1));
        assert_eq!(terms.at(date(2023, 8, 1)).unwrap().start, date(2023, 8, 1));
        assert!(terms.tacit() && terms.last().is_none());
    }

    #[test]
    fn month_ends_and_leap_days_keep_their_day() {
        let terms = terms("2023-08-31", 6, Some(6), 1);
        let ends: Vec<Date> = (0..3).map(|n| terms.term(n).unwrap().end).collect();
        assert_eq!(ends, [date(2024, 2, 29), date(2024, 8, 31), date(2025, 2, 28)]);
        assert_eq!(terms.term(1).unwrap().notice_by, date(2024, 7, 31));
        let leap = self::terms("2024-02-29", 12, Some(12), 3);
        let ends: Vec<Date> = (0..4).map(|n| leap.term(n).unwrap().end).collect();
        assert_eq!(
            ends,
            [
                date(2025, 2, 28),
                date(2026, 2, 28),
                date(2027, 2, 28),
                date(2028, 2, 29)
            ]
        );
    }

    #[test]
    fn a_contract_without_renewal_is_over_at_its_end() {
        let terms = terms("2025-03-01", 12, None, 1);
        assert_eq!(terms.last().unwrap().end, date(2026, 3, 1));
        assert!(terms.term(1).is_none() && terms.at(date(2026, 3, 1)).is_none());
        assert!(terms.next_notice(date(2026, 2, 2)).is_none());
    }

    #[test]
    fn an_end_before_the_start_is_refused() {
        let contract = Contract {
            start: "2025-03-01".into(),
            end: Some("2025-02-01".into()),
            ..Contract::default()
        };
        let error = Terms::of(&contract).unwrap_err().to_string();
        assert!(error.contains("before it starts"), "{error}");
        let far = Contract {
            start: "9990-01-01".into(),
            term_months: Some(1_200),
            ..Contract::default()
        };
        assert!(Terms::of(&far).unwrap_err().to_string().contains("leave the calendar"));
    }
}
