//! How a lift settled as units came in.

use maud::{Markup, html};
use steward_capabilities::experiments::{self, MetricReadout, Readout, Role};

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

/// How the intervals of the daily path are to be read.
pub(super) fn reads(r: &Readout) -> &'static str {
    match r.inference.method.as_str() {
        "always_valid" => {
            "The band is a confidence sequence: it holds on every day at once, so anyone may stop when it leaves 0."
        }
        "msprt" => "The band is that of the mSPRT: it holds on every day at once, so anyone may stop when it leaves 0.",
        "bayesian" => "The band is the credible interval after each day; it does not correct for looking.",
        "group_sequential" => {
            "The band is that of a single look; the boundaries of the planned looks stand below the metrics."
        }
        _ => {
            "The band is that of a single look, and counts on the last day alone: on the way it leaves 0 by chance more often than the level says."
        }
    }
}

/// The z statistic of each primary metric against the boundaries of the planned looks.
pub(super) fn boundaries(loaded: &Loaded, r: &Readout) -> Markup {
    let looked: Vec<&MetricReadout> = r
        .metrics
        .iter()
        .filter(|m| m.role == Role::Primary && !m.inference.looks.is_empty())
        .collect();
    html! { @if !looked.is_empty() {
        h2 #looks { "Looks and their boundaries" }
        div.plots { @for m in looked { div.card { (looks(loaded, r, m)) } } }
    } }
}

fn looks(loaded: &Loaded, r: &Readout, m: &MetricReadout) -> Markup {
    let at = |day: &str| experiments::moment(day, &jiff::tz::TimeZone::UTC).ok();
    let point = |at_us: i64, value: f64| charts::Point {
        at_us,
        value,
        band: None,
    };
    let daily = r.daily.iter().find(|p| p.metric == m.metric && p.variant == m.variant);
    let path = daily.map(|p| p.points.iter().filter_map(|p| Some(point(at(&p.day)?, p.z?))).collect());
    let bound = |sign: f64| -> Vec<charts::Point> {
        let known = m.inference.looks.iter();
        known
            .filter_map(|l| Some(point(at(l.day.as_deref()?)?, sign * l.boundary_z?)))
            .collect()
    };
    let mut series = vec![charts::Series {
        name: "z so far".into(),
        points: path.unwrap_or_default(),
        dashed: false,
    }];
    let two = m.inference.alternative == "two_sided";
    // One side only: the one on which an effect counts, in the metric's own sign.
    let upward = (m.inference.alternative == "greater") == (m.direction != "decrease");
    for (name, sign) in [("stop above", 1.0), ("stop below", -1.0)] {
        if two || (sign > 0.0) == upward {
            series.push(charts::Series {
                name: name.into(),
                points: bound(sign),
                dashed: true,
            });
        }
    }
    let title = format!("{}, {}: z against the boundaries", title(loaded, &m.metric), m.variant);
    let chart = charts::Line {
        title: title.clone(),
        series,
        from_zero: true,
        compact: true,
        ..charts::Line::default()
    };
    let shown = |x: Option<f64>| x.map_or("none yet".to_string(), |x| format!("{x:.2}"));
    let rows: Vec<Vec<String>> = m
        .inference
        .looks
        .iter()
        .map(|l| {
            vec![
                l.day.clone().unwrap_or("when units have come".into()),
                format::percent(l.information_fraction),
                shown(l.z),
                shown(l.boundary_z),
                match (l.reached, l.crossed) {
                    (false, _) => "to come".into(),
                    (true, Some(true)) => "crossed".into(),
                    (true, _) => "not crossed".into(),
                },
            ]
        })
        .collect();
    let columns = ["Look", "Information", "z", "Boundary", "State"].map(str::to_string);
    charts::figure(&title, charts::line(&chart, &format::number), &columns, &rows)
}
