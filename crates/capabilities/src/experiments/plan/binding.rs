//! Which version of the definition binds.

use jiff::tz::TimeZone;

use super::projection::Version;
use crate::CapabilityError;
use crate::experiments::window::moment;

/// A version that binds.
pub struct Bound<'a> {
    /// The version.
    pub version: &'a Version,
    /// From when on, microseconds since 1970 UTC.
    pub frozen_us: i64,
    /// After the start.
    pub late: bool,
}

/// The last version registered before its start; else the one applied when its start passed, or first after it; else the
/// first registered after it. `None` while nothing has started.
///
/// An experiment that begins anew has a new plan; what was registered for the run before counts no more.
/// An experiment without a start has no moment before the data: only a registration binds it.
pub fn bind<'a>(versions: &'a [Version], zone: &TimeZone, now: i64) -> Result<Option<Bound<'a>>, CapabilityError> {
    let start = |v: &Version| v.definition.start.as_deref().map(|s| moment(s, zone)).transpose();
    let versions = versions.get(begun_anew(versions, &start)?..).unwrap_or_default();
    let bound = |version: &'a Version, frozen_us: i64, late: bool| Bound {
        version,
        frozen_us,
        late,
    };
    let mut before = None;
    let mut after = None;
    for v in versions.iter().filter(|v| v.registered) {
        match start(v)? {
            Some(start) if v.at_us >= start => after = after.or(Some(v)),
            _ => before = Some(v),
        }
    }
    if let Some(v) = before {
        return Ok(Some(bound(v, v.at_us, false)));
    }
    let applied: Vec<&Version> = versions.iter().filter(|v| !v.registered).collect();
    let mut found = None;
    for (i, v) in applied.iter().enumerate() {
        let Some(start) = start(v)? else { continue };
        let until = applied.get(i + 1).map_or(i64::MAX, |next| next.at_us);
        if start <= v.at_us {
            found = Some(bound(v, v.at_us, true));
            break;
        }
        if start < until && start <= now {
            found = Some(bound(v, start, false));
            break;
        }
    }
    Ok(match (found, after) {
        (Some(found), Some(v)) if v.at_us < found.frozen_us => Some(bound(v, v.at_us, true)),
        (None, Some(v)) => Some(bound(v, v.at_us, true)),
        (found, _) => found,
    })
}

/// Where the last run begins: an experiment begins anew when a start that lies ahead is applied after another has passed.
fn begun_anew(
    versions: &[Version],
    start: &dyn Fn(&Version) -> Result<Option<i64>, CapabilityError>,
) -> Result<usize, CapabilityError> {
    let (mut from, mut before) = (0, None);
    for (i, v) in versions.iter().enumerate().filter(|(_, v)| !v.registered) {
        let now = start(v)?;
        if before.is_some_and(|b| b <= v.at_us) && now.is_some_and(|s| s > v.at_us) {
            from = i;
        }
        before = now;
    }
    // What was registered for the same start before that was applied belongs to it.
    let begins = versions.get(from).map(start).transpose()?.flatten();
    while let Some(v) = from.checked_sub(1).and_then(|i| versions.get(i))
        && v.registered
        && start(v)? == begins
    {
        from -= 1;
    }
    Ok(from)
}
