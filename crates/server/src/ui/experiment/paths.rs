//! How a lift settled as units came in.

use maud::Markup;
use steward_capabilities::experiments;

use super::title;
use crate::state::Loaded;
use crate::ui::parts;
use crate::{charts, format};

/// A metric's relative lift, cumulative by day of exposure.
pub(super) fn daily(loaded: &Loaded, path: &experiments::DailyPath) -> Markup {
    let title = format!(
        "{}, {}: relative lift as units came in",
        title(loaded, &path.metric),
        path.variant
    );
    let points = path.points.iter().filter_map(|p| {
        let at_us = experiments::moment(&p.day, &jiff::tz::TimeZone::UTC).ok()?;
        let e = p.relative.estimate();
        Some(charts::Point {
            at_us,
            value: e.map_or(f64::NAN, |e| e.point),
            band: e.map(|e| (e.low, e.high)),
        })
    });
    let series = charts::Series {
        name: path.variant.clone(),
        points: points.collect(),
        dashed: false,
    };
    let chart = charts::Line {
        title: title.clone(),
        series: vec![series],
        from_zero: true,
        compact: true,
        ..charts::Line::default()
    };
    let rows: Vec<Vec<String>> = path
        .points
        .iter()
        .map(|p| {
            vec![
                p.day.clone(),
                format::grouped(p.units as i64),
                parts::answer_text(&p.relative, &format::change),
            ]
        })
        .collect();
    charts::figure(
        &title,
        charts::line(&chart, &format::change),
        &["Day".into(), "Units".into(), "Relative lift".into()],
        &rows,
    )
}
