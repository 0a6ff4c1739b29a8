//! Which exposures and facts count, and where the experiment stands.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use steward_definitions::{Experiment, Settings};

use super::readout::ExperimentStatus;
use crate::CapabilityError;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 86_400 * SECOND;

/// Seconds as microseconds.
pub fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(SECOND)
}

/// The project's time zone; UTC when none is named.
pub fn zone(settings: &Settings) -> Result<TimeZone, CapabilityError> {
    if settings.time_zone.is_empty() {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(&settings.time_zone)
        .map_err(|e| CapabilityError::Invalid(format!("time_zone {:?} of steward.yaml: {e}", settings.time_zone)))
}

/// A date (its first moment in the zone) or an RFC 3339 time as microseconds since 1970 UTC.
pub fn moment(text: &str, zone: &TimeZone) -> Result<i64, CapabilityError> {
    if let Ok(t) = text.parse::<Timestamp>() {
        return Ok(t.as_microsecond());
    }
    if let Ok(d) = text.parse::<Date>()
        && let Ok(z) = d.to_zoned_datetime(zone.clone())
    {
        return Ok(z.timestamp().as_microsecond());
    }
    if let Ok(d) = text.parse::<jiff::civil::DateTime>()
        && let Ok(z) = d.to_zoned_datetime(zone.clone())
    {
        return Ok(z.timestamp().as_microsecond());
    }
    Err(CapabilityError::Invalid(format!(
        "{text:?} is no moment: write a date (2025-07-20) or a time (2025-07-20T00:00:00Z)"
    )))
}

/// The calendar day of a moment in the zone.
pub fn day(us: i64, zone: &TimeZone) -> Option<Date> {
    Some(ZonedDateTime::new(Timestamp::from_microsecond(us).ok()?, zone.clone()).date())
}

/// Which exposures and facts count. Moments in microseconds since 1970 UTC.
#[derive(Clone, Debug)]
pub struct Window {
    /// First exposure, inclusive.
    pub from: Option<i64>,
    /// Last exposure, exclusive.
    pub before: Option<i64>,
    /// Facts and closed windows up to here, exclusive; `None` when exposures have no time.
    pub cut: Option<i64>,
    /// Facts of metrics with a window of their own up to here, exclusive; never before `cut`.
    pub data: Option<i64>,
    /// Seconds after exposure in which facts count.
    pub seconds: Option<u64>,
    /// Where the experiment stands.
    pub status: ExperimentStatus,
    /// Which day of how many it is, while it runs.
    pub progress: Option<(i64, Option<i64>)>,
}

/// Days from the experiment's start to its end, if both are given.
pub fn days(experiment: &Experiment, zone: &TimeZone) -> Option<f64> {
    let start = moment(experiment.start.as_deref()?, zone).ok()?;
    let end = moment(experiment.end.as_deref()?, zone).ok()?;
    Some((end - start) as f64 / DAY as f64)
}

/// Lays out the window of an experiment at `now`.
///
/// Evidence must not change with every second of the wall clock: unless the moment is `pinned` (asked for, or given
/// by the project), the cut is the end of the current UTC day, so that the same data gives the same key all day.
///
/// `reach` are the seconds after the last exposure in which some metric's facts count.
pub fn window(
    experiment: &Experiment,
    reach: u64,
    zone: &TimeZone,
    now: i64,
    pinned: bool,
) -> Result<Window, CapabilityError> {
    let at = |text: &Option<String>| text.as_deref().map(|t| moment(t, zone)).transpose();
    let (from, end) = (at(&experiment.start)?, at(&experiment.end)?);
    if let (Some(s), Some(e)) = (from, end)
        && s >= e
    {
        return Err(CapabilityError::Invalid(format!(
            "experiment {} ends ({}) before it starts ({})",
            experiment.meta.name,
            experiment.end.as_deref().unwrap_or_default(),
            experiment.start.as_deref().unwrap_or_default()
        )));
    }
    let timed = experiment.exposures.time.is_some();
    let status = match (from, end) {
        (Some(s), _) if now < s => ExperimentStatus::NotStarted,
        (_, Some(e)) if now >= e => ExperimentStatus::Ended,
        (_, None) if !timed => ExperimentStatus::Ended,
        _ => ExperimentStatus::Running,
    };
    if !timed {
        let seconds = None;
        return Ok(Window {
            from: None,
            before: None,
            cut: None,
            data: None,
            seconds,
            status,
            progress: None,
        });
    }
    let known = if pinned { now } else { now - now.rem_euclid(DAY) + DAY };
    let until = |seconds: u64| end.map_or(known, |e| known.min(e.saturating_add(micros(seconds))));
    let cut = until(experiment.window_seconds.unwrap_or(0));
    let data = until(reach).max(cut);
    let before = Some(end.map_or(cut, |e| e.min(cut)));
    let progress = match (status, from) {
        (ExperimentStatus::Running, Some(s)) => {
            Some(((cut - 1 - s).max(0) / DAY + 1, end.map(|e| (e - s + DAY / 2) / DAY)))
        }
        _ => None,
    };
    Ok(Window {
        from,
        before,
        cut: Some(cut),
        data: Some(data),
        seconds: experiment.window_seconds,
        status,
        progress,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn experiment() -> Experiment {
        let mut e = Experiment::default();
        e.exposures.time = Some("ts".into());
        e.start = Some("2025-07-20".into());
        e.end = Some("2025-08-17".into());
        e.window_seconds = Some(259_200);
        e
    }

    #[test]
    fn a_date_is_midnight_in_the_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let utc = moment("2025-07-20", &TimeZone::UTC).unwrap();
        assert_eq!(moment("2025-07-20", &berlin).unwrap(), utc - 2 * 3600 * SECOND);
        assert!(moment("20th of July", &berlin).is_err());
    }

    #[test]
    fn the_cut_is_stable_within_a_day_and_final_after_the_window() {
        let e = experiment();
        let at = |t: &str| moment(t, &TimeZone::UTC).unwrap();
        let morning = window(&e, 259_200, &TimeZone::UTC, at("2025-07-25T08:00:00Z"), false).unwrap();
        let evening = window(&e, 259_200, &TimeZone::UTC, at("2025-07-25T20:00:00Z"), false).unwrap();
        assert_eq!(morning.cut, evening.cut);
        assert_eq!(morning.status, ExperimentStatus::Running);
        assert_eq!(morning.progress, Some((6, Some(28))));
        let later = window(&e, 259_200, &TimeZone::UTC, at("2025-11-01T00:00:00Z"), true).unwrap();
        assert_eq!(later.cut, Some(at("2025-08-20")));
        assert_eq!(later.before, Some(at("2025-08-17")));
        assert_eq!(later.status, ExperimentStatus::Ended);
        let early = window(&e, 259_200, &TimeZone::UTC, at("2025-07-01"), true).unwrap();
        assert_eq!(early.status, ExperimentStatus::NotStarted);
    }

    #[test]
    fn an_end_before_the_start_is_an_error() {
        let mut e = experiment();
        e.end = Some("2025-07-20".into());
        assert!(window(&e, 259_200, &TimeZone::UTC, 0, true).is_err());
    }
}
