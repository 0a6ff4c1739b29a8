//! Lengths of time, days, moments and shares as people write them.

use jiff::civil::{Date, DateTime};

/// A length of time in whole seconds: numbers with a unit of `s`, `m`, `h`, `d` or `w` (or the English word), one after
/// the other: `72h`, `14 days`, `1h30m`. A day is 24 hours.
///
/// # Errors
/// What is wrong, to be put after "is `…`: ".
pub fn duration_seconds(text: &str) -> Result<u64, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("nothing is given".to_owned());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return Err(format!("a number is missing before `{rest}`"));
        }
        rest = rest.get(digits.len()..).unwrap_or_default().trim_start();
        let unit: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
        rest = rest.get(unit.len()..).unwrap_or_default().trim_start();
        let seconds = match unit.as_str() {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            "" => return Err("the unit is missing".to_owned()),
            other => return Err(format!("`{other}` is not a unit of time")),
        };
        let number: u64 = digits.parse().map_err(|_| "too long".to_owned())?;
        total = number
            .checked_mul(seconds)
            .and_then(|n| total.checked_add(n))
            .ok_or("too long")?;
    }
    // Beyond a thousand years, sums with timestamps leave the range of microseconds.
    if total > 86_400 * 366_000 {
        Err("too long".to_owned())
    } else {
        Ok(total)
    }
}

/// A day, `2025-10-01`.
pub fn date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// A day, a local date and time, or an RFC 3339 moment, in a form that can be compared: times without offset as UTC.
pub fn moment(text: &str) -> Option<DateTime> {
    if let Some(day) = date(text) {
        return Some(day.to_datetime(jiff::civil::Time::midnight()));
    }
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(jiff::tz::Offset::UTC.to_datetime(stamp));
    }
    // jiff takes a zone name in brackets as well, which would be dropped here.
    if text.contains('[') { None } else { text.parse().ok() }
}

/// A share as a number in [0, 1] or as a percentage: `0.995`, `99.5%`.
pub fn share(text: &str) -> Option<f64> {
    let text = text.trim();
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (value.is_finite() && (0.0..=1.0).contains(&value)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [
            ("72h", 259_200),
            ("14d", 1_209_600),
            ("14 days", 1_209_600),
            ("1h30m", 5_400),
            ("1 week 1 day", 691_200),
        ] {
            assert_eq!(duration_seconds(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "h",
            "72",
            "3 fortnights",
            "99999999999999999999d",
            "-1d",
            "1000000000d",
            "1.5h",
        ] {
            assert!(duration_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_moments_and_shares() {
        assert!(date("2025-02-29").is_none() && date("2024-02-29").is_some() && date("2024-2-9").is_none());
        assert_eq!(moment("2025-01-01T02:00:00+02:00"), moment("2025-01-01"));
        assert_eq!(moment("2025-01-01T12:00:00").map(|t| t.hour()), Some(12));
        assert!(moment("yesterday").is_none());
        assert_eq!(
            (share("99.5%"), share("0.25"), share("1.2"), share("x")),
            (Some(0.995), Some(0.25), None, None)
        );
    }
}
