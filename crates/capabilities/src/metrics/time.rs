//! Periods, time zones and moments of requests.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Unit};
use steward_definitions::TimeWindow;

use super::sql;
use crate::CapabilityError;

/// Length of periods. Weeks start on Monday (ISO 8601).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grain {
    /// Hours of UTC.
    Hour,
    /// Days.
    Day,
    /// ISO weeks.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Years.
    Year,
}

/// Words for grains.
pub(crate) const GRAINS: [(&str, Grain); 6] = [
    ("hour", Grain::Hour),
    ("day", Grain::Day),
    ("week", Grain::Week),
    ("month", Grain::Month),
    ("quarter", Grain::Quarter),
    ("year", Grain::Year),
];

impl Grain {
    /// From its word.
    pub fn from_word(word: &str) -> Option<Grain> {
        GRAINS.iter().find(|(w, _)| *w == word).map(|(_, g)| *g)
    }

    /// From its word, or an error that lists the words.
    pub fn parse(word: &str) -> Result<Grain, CapabilityError> {
        Grain::from_word(word).ok_or_else(|| {
            CapabilityError::Invalid(format!(
                "no grain {word:?}; choose hour, day, week, month, quarter or year"
            ))
        })
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        GRAINS.iter().find(|(_, g)| *g == self).map_or("day", |(w, _)| w)
    }

    /// First day of the period that holds a day.
    pub fn start(self, day: Date) -> Date {
        let moved = match self {
            Grain::Hour | Grain::Day => Ok(day),
            Grain::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()),
            Grain::Month => Date::new(day.year(), day.month(), 1),
            Grain::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
            Grain::Year => Date::new(day.year(), 1, 1),
        };
        moved.unwrap_or(day)
    }

    fn span(self) -> Span {
        match self {
            Grain::Hour | Grain::Day => 1.day(),
            Grain::Week => 1.week(),
            Grain::Month => 1.month(),
            Grain::Quarter => 3.months(),
            Grain::Year => 1.year(),
        }
    }

    /// First day of the next period, from the first day of one.
    pub fn next(self, start: Date) -> Date {
        start.saturating_add(self.span())
    }
}

/// A trailing or shifted view of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shift {
    /// The period so long before.
    Offset(TimeWindow),
    /// The period of the requested grain at the start of a longer one.
    ToGrain(Grain),
    /// So long up to the end of the period.
    Trailing(TimeWindow),
    /// Since the start of a longer period up to the end of the period.
    GrainToDate(Grain),
    /// Everything up to the end of the period.
    AllTime,
}

/// Days that count for a period: from `low` (or the beginning) up to and without `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    /// First day.
    pub low: Option<Date>,
    /// First day that counts no more.
    pub high: Date,
}

impl Shift {
    /// What counts instead of `days`.
    pub fn apply(&self, days: Days, grain: Grain) -> Result<Days, CapabilityError> {
        Ok(match self {
            Shift::Offset(window) => {
                let span = window_span(window)?;
                Days {
                    low: days.low.map(|d| d.saturating_sub(span)),
                    high: days.high.saturating_sub(span),
                }
            }
            Shift::ToGrain(longer) => {
                let low = longer.start(days.low.unwrap_or(days.high));
                Days {
                    low: Some(low),
                    high: grain.next(grain.start(low)),
                }
            }
            Shift::Trailing(window) => Days {
                low: Some(days.high.saturating_sub(window_span(window)?)),
                high: days.high,
            },
            Shift::GrainToDate(longer) => Days {
                low: Some(longer.start(days.high.saturating_sub(1.day()))),
                high: days.high,
            },
            Shift::AllTime => Days {
                low: None,
                high: days.high,
            },
        })
    }
}

/// A window of whole days as a calendar span.
pub(crate) fn window_span(window: &TimeWindow) -> Result<Span, CapabilityError> {
    let n = i64::from(window.count);
    Ok(match window.granularity.trim_end_matches('s') {
        "day" => n.days(),
        "week" => n.weeks(),
        "month" => n.months(),
        "quarter" => (n * 3).months(),
        "year" => n.years(),
        other => {
            return Err(CapabilityError::Invalid(format!(
                "a window of {n} {other}(s): windows and offsets of metrics are whole days, weeks, months, quarters or years"
            )));
        }
    })
}

/// A window as an SQL interval, down to seconds.
pub(crate) fn window_sql(window: &TimeWindow) -> Result<String, CapabilityError> {
    let (n, unit) = match window.granularity.trim_end_matches('s') {
        "quarter" => (window.count.saturating_mul(3), "month"),
        unit @ ("second" | "minute" | "hour" | "day" | "week" | "month" | "year") => (window.count, unit),
        other => return Err(CapabilityError::Invalid(format!("no window of {other:?}"))),
    };
    Ok(format!("INTERVAL '{n} {unit}'"))
}

/// A time zone.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// IANA name.
    pub name: String,
    zone: TimeZone,
}

impl Zone {
    /// By its IANA name.
    pub fn named(name: &str) -> Result<Zone, CapabilityError> {
        let name = if name.is_empty() { "UTC" } else { name };
        let zone = TimeZone::get(name).map_err(|_| {
            CapabilityError::Invalid(format!(
                "no time zone {name:?}; use an IANA name such as Europe/Berlin, or UTC"
            ))
        })?;
        Ok(Zone {
            name: name.to_owned(),
            zone,
        })
    }

    /// Whether its days are those of UTC.
    pub fn is_utc(&self) -> bool {
        self.zone == TimeZone::UTC || self.name.eq_ignore_ascii_case("UTC")
    }

    /// First moment of a day, microseconds since 1970 UTC.
    pub fn start_of(&self, day: Date) -> Result<i64, CapabilityError> {
        day.to_zoned_datetime(self.zone.clone())
            .map(|z| z.timestamp().as_microsecond())
            .map_err(|e| CapabilityError::Invalid(format!("{day} in {}: {e}", self.name)))
    }

    /// The day that holds a moment.
    pub fn day_of(&self, us: i64) -> Result<Date, CapabilityError> {
        Timestamp::from_microsecond(us)
            .map(|t| t.to_zoned_datetime(self.zone.clone()).date())
            .map_err(|e| CapabilityError::Invalid(format!("moment {us} µs: {e}")))
    }

    fn moment_of(&self, at: DateTime) -> Result<i64, CapabilityError> {
        at.to_zoned_datetime(self.zone.clone())
            .map(|z| z.timestamp().as_microsecond())
            .map_err(|e| CapabilityError::Invalid(format!("{at} in {}: {e}", self.name)))
    }

    /// SQL of the local day (a DATE) of a time expression; `date` says that it is a date already.
    pub fn day_sql(&self, expr: &str, date: bool) -> String {
        if date || self.is_utc() {
            return format!("CAST({expr} AS DATE)");
        }
        // A timestamp without zone is UTC: the first clause says so, the second moves it.
        format!(
            "CAST({expr} AT TIME ZONE 'UTC' AT TIME ZONE {} AS DATE)",
            sql::text(&self.name)
        )
    }

    /// SQL of the start of the local period that holds a time expression.
    pub fn period_sql(&self, expr: &str, date: bool, grain: Grain) -> String {
        match grain {
            Grain::Hour => format!("date_trunc('hour', {expr})"),
            Grain::Day => self.day_sql(expr, date),
            _ => format!(
                "CAST(date_trunc('{}', {}) AS DATE)",
                grain.word(),
                self.day_sql(expr, date)
            ),
        }
    }
}

/// From when to when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    /// First moment, and the day that holds it.
    pub from: Option<(i64, Date)>,
    /// First moment that counts no more, and the first day of which nothing counts.
    pub to: Option<(i64, Date)>,
}

impl Range {
    /// From a request's texts: a date in the zone (as `to`, its whole day counts), a local time, or RFC 3339.
    pub fn parse(from: Option<&str>, to: Option<&str>, zone: &Zone) -> Result<Range, CapabilityError> {
        let from = from
            .map(|text| match moment(text, zone)? {
                Moment::Day(day) => Ok::<_, CapabilityError>((zone.start_of(day)?, day)),
                Moment::Instant(us) => Ok((us, zone.day_of(us)?)),
            })
            .transpose()?;
        let to = to
            .map(|text| match moment(text, zone)? {
                Moment::Day(day) => {
                    let next = day.saturating_add(1.day());
                    Ok::<_, CapabilityError>((zone.start_of(next)?, next))
                }
                Moment::Instant(us) => Ok((us, zone.day_of(us.saturating_sub(1))?.saturating_add(1.day()))),
            })
            .transpose()?;
        if let (Some((a, _)), Some((b, _))) = (from, to)
            && a >= b
        {
            return Err(CapabilityError::Invalid(
                "`from` lies after `to`: no moment is left".to_owned(),
            ));
        }
        Ok(Range { from, to })
    }

    /// Conditions on a time expression.
    pub fn conditions(&self, expr: &str, date: bool) -> Vec<String> {
        let bound = |(us, day): (i64, Date)| {
            if date { date_sql(day) } else { timestamp_sql(us) }
        };
        let low = self.from.map(|m| format!("{expr} >= {}", bound(m)));
        let high = self.to.map(|m| format!("{expr} < {}", bound(m)));
        low.into_iter().chain(high).collect()
    }
}

enum Moment {
    Day(Date),
    Instant(i64),
}

fn moment(text: &str, zone: &Zone) -> Result<Moment, CapabilityError> {
    let text = text.trim();
    if text.len() == 10
        && let Ok(day) = text.parse::<Date>()
    {
        return Ok(Moment::Day(day));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Moment::Instant(at.as_microsecond()));
    }
    if let Ok(at) = text.parse::<DateTime>() {
        return Ok(Moment::Instant(zone.moment_of(at)?));
    }
    Err(CapabilityError::Invalid(format!(
        "{text:?} is no moment; write a date (2025-01-31) or RFC 3339 (2025-01-31T12:00:00Z)"
    )))
}

/// A date as an SQL literal.
pub(crate) fn date_sql(day: Date) -> String {
    format!("DATE '{day}'")
}

/// A moment as an SQL literal, without zone, in UTC.
pub(crate) fn timestamp_sql(us: i64) -> String {
    let at = Timestamp::from_microsecond(us).unwrap_or(if us < 0 { Timestamp::MIN } else { Timestamp::MAX });
    let at = TimeZone::UTC.to_datetime(at);
    format!("TIMESTAMP '{}'", at.strftime("%Y-%m-%d %H:%M:%S%.6f"))
}

/// A date from days since 1970.
pub(crate) fn date_from_days(days: i32) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add(i64::from(days).days()).ok()
}

/// The periods from one day up to and without another.
pub(crate) fn periods(grain: Grain, from: Date, to: Date) -> Result<Vec<Date>, CapabilityError> {
    const MOST: usize = 20_000;
    let mut all = Vec::new();
    let mut at = grain.start(from);
    while at < to {
        if all.len() == MOST {
            let days = from.until((Unit::Day, to)).map(|s| s.get_days()).unwrap_or_default();
            return Err(CapabilityError::Invalid(format!(
                "{days} days from {from} to {to} are more than {MOST} periods of a {}: give `from` and `to`, or a coarser grain",
                grain.word()
            )));
        }
        all.push(at);
        at = grain.next(at);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn weeks_are_iso() {
        assert_eq!(Grain::Week.start(date(2025, 1, 1)), date(2024, 12, 30));
        assert_eq!(Grain::Week.start(date(2025, 1, 6)), date(2025, 1, 6));
        assert_eq!(Grain::Quarter.start(date(2025, 12, 31)), date(2025, 10, 1));
    }

    #[test]
    fn days_of_berlin_have_23_and_25_hours() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let hours =
            |d: Date| (berlin.start_of(d.tomorrow().unwrap()).unwrap() - berlin.start_of(d).unwrap()) / 3_600_000_000;
        assert_eq!(hours(date(2025, 3, 30)), 23);
        assert_eq!(hours(date(2025, 10, 26)), 25);
        assert!(Zone::named("Europe/Berlinn").is_err());
    }

    #[test]
    fn shifted_periods_neither_overlap_nor_leave_gaps() {
        let month = TimeWindow {
            count: 1,
            granularity: "month".into(),
        };
        let mut end = None;
        for day in periods(Grain::Day, date(2025, 3, 1), date(2025, 4, 10)).unwrap() {
            let days = Shift::Offset(month.clone())
                .apply(
                    Days {
                        low: Some(day),
                        high: Grain::Day.next(day),
                    },
                    Grain::Day,
                )
                .unwrap();
            if let Some(end) = end {
                assert_eq!(days.low, Some(end));
            }
            end = Some(days.high);
        }
        assert_eq!(end, Some(date(2025, 3, 10)));
    }

    #[test]
    fn a_range_reads_dates_whole_and_moments_exactly() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let range = Range::parse(Some("2025-06-01"), Some("2025-06-30"), &zone).unwrap();
        assert_eq!(
            range.conditions("t", false),
            [
                "t >= TIMESTAMP '2025-05-31 22:00:00.000000'",
                "t < TIMESTAMP '2025-06-30 22:00:00.000000'"
            ]
        );
        assert_eq!(
            range.conditions("t", true),
            ["t >= DATE '2025-06-01'", "t < DATE '2025-07-01'"]
        );
        assert!(Range::parse(Some("2025-06-02"), Some("2025-06-01"), &zone).is_err());
        assert!(Range::parse(Some("yesterday"), None, &zone).is_err());
    }
}
