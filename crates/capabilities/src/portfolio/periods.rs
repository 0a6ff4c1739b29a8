//! Calendar periods of a grain: whole days, weeks (from Monday), months, quarters, years.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use crate::CapabilityError;

/// A grain of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Day.
    Day,
    /// Week, from Monday.
    Week,
    /// Month.
    Month,
    /// Quarter.
    Quarter,
    /// Year.
    Year,
}

impl Grain {
    /// Reads `day`, `week`, `month`, `quarter`, `year`.
    pub fn parse(text: &str) -> Result<Grain, CapabilityError> {
        match text {
            "day" => Ok(Grain::Day),
            "week" => Ok(Grain::Week),
            "month" => Ok(Grain::Month),
            "quarter" => Ok(Grain::Quarter),
            "year" => Ok(Grain::Year),
            other => Err(CapabilityError::Invalid(format!(
                "{other:?} is no grain of a key result: use day, week, month, quarter or year"
            ))),
        }
    }

    fn span(self) -> Span {
        match self {
            Grain::Day => 1.day(),
            Grain::Week => 1.week(),
            Grain::Month => 1.month(),
            Grain::Quarter => 3.months(),
            Grain::Year => 1.year(),
        }
    }

    /// First day of the period that holds a day.
    fn floor(self, day: Date) -> Date {
        match self {
            Grain::Day => day,
            Grain::Week => {
                let back = i64::from(Weekday::Monday.until(day.weekday()));
                day.saturating_sub(back.days())
            }
            Grain::Month => day.first_of_month(),
            Grain::Quarter => {
                let month = (day.month() - 1) / 3 * 3 + 1;
                Date::new(day.year(), month, 1).unwrap_or(day)
            }
            Grain::Year => day.first_of_year(),
        }
    }

    /// First day of the period after the one that starts at `start`.
    pub fn next(self, start: Date) -> Date {
        start.saturating_add(self.span())
    }

    /// Starts of the periods that lie wholly within `first` (inclusive) and `end` (exclusive).
    pub fn within(self, first: Date, end: Date) -> Vec<Date> {
        let mut at = self.floor(first);
        if at < first {
            at = self.next(at);
        }
        let mut all = Vec::new();
        while self.next(at) <= end && self.next(at) > at {
            all.push(at);
            at = self.next(at);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn whole_periods_only() {
        // 1 July 2025 is a Tuesday.
        let weeks = Grain::Week.within(date(2025, 7, 1), date(2025, 8, 1));
        assert_eq!(weeks, [date(2025, 7, 7), date(2025, 7, 14), date(2025, 7, 21)]);
        assert_eq!(Grain::Month.within(date(2025, 7, 1), date(2025, 10, 1)).len(), 3);
        assert_eq!(
            Grain::Month.within(date(2025, 7, 2), date(2025, 9, 30)),
            [date(2025, 8, 1)]
        );
        assert_eq!(Grain::Day.within(date(2025, 7, 1), date(2025, 7, 1)), []);
        assert_eq!(
            Grain::Quarter.within(date(2025, 2, 1), date(2025, 8, 1)),
            [date(2025, 4, 1)]
        );
    }
}
