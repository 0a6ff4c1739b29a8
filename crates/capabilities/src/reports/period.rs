//! Periods of figures: the last complete one, and the one before.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

/// Two neighbouring periods, as days: first and last, inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Periods {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The period before.
    pub before: (Date, Date),
    /// In words.
    pub words: String,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn month(d: Date) -> &'static str {
    MONTHS
        .get(usize::from(d.month().unsigned_abs()).saturating_sub(1))
        .copied()
        .unwrap_or("")
}

/// The last period that is over on the morning of `today`. `None` if `text` is no period.
pub(crate) fn last_complete(text: &str, today: Date) -> Option<Periods> {
    let text = text.trim().to_lowercase();
    let word = text
        .strip_prefix("last")
        .map_or(text.as_str(), |t| t.trim_start_matches([' ', '_', '-']));
    let first_of_month = Date::new(today.year(), today.month(), 1).ok()?;
    let (start, length): (Date, Span) = match word {
        "day" | "yesterday" => (today, 1.day()),
        "week" => {
            let back = i64::from(today.weekday().to_monday_zero_offset());
            (today.checked_sub(back.days()).ok()?, 1.week())
        }
        "month" => (first_of_month, 1.month()),
        "quarter" => (
            Date::new(today.year(), (today.month() - 1) / 3 * 3 + 1, 1).ok()?,
            3.months(),
        ),
        "year" => (Date::new(today.year(), 1, 1).ok()?, 1.year()),
        other => {
            let mut parts = other.split_whitespace();
            let (count, unit, None) = (parts.next()?, parts.next()?, parts.next()) else {
                return None;
            };
            let n: i64 = count.parse().ok().filter(|n| (1..=3660).contains(n))?;
            match unit {
                "day" | "days" => (today, n.days()),
                "week" | "weeks" => (today, n.weeks()),
                _ => return None,
            }
        }
    };
    let from = start.checked_sub(length).ok()?;
    let before = from.checked_sub(length).ok()?;
    let to = start.yesterday().ok()?;
    let words = match word {
        "day" | "yesterday" => format!("{} {} {}", from.day(), month(from), from.year()),
        "week" => format!("week of {} {} {}", from.day(), month(from), from.year()),
        "month" => format!("{} {}", month(from), from.year()),
        "quarter" => format!("quarter {} of {}", (from.month() - 1) / 3 + 1, from.year()),
        "year" => from.year().to_string(),
        _ => format!("{word} to {} {} {}", to.day(), month(to), to.year()),
    };
    Some(Periods {
        from,
        to,
        before: (before, from.yesterday().ok()?),
        words,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_last_complete_period_ends_yesterday_at_the_latest() {
        let p = last_complete("month", date(2026, 1, 1)).unwrap();
        assert_eq!(
            (p.from, p.to, p.words.as_str()),
            (date(2025, 12, 1), date(2025, 12, 31), "December 2025")
        );
        assert_eq!(p.before, (date(2025, 11, 1), date(2025, 11, 30)));
        let p = last_complete("week", date(2025, 6, 12)).unwrap();
        assert_eq!((p.from, p.to), (date(2025, 6, 2), date(2025, 6, 8)));
        let p = last_complete("last 28 days", date(2025, 6, 12)).unwrap();
        assert_eq!(
            (p.from, p.to, p.before.0),
            (date(2025, 5, 15), date(2025, 6, 11), date(2025, 4, 17))
        );
        assert_eq!(last_complete("fortnight", date(2025, 6, 12)), None);
    }
}
