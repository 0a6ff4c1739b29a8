//! The readout as a table.

use steward_capabilities::experiments::{Answer, Readout};

use crate::format;

/// One row a metric and lift.
pub(super) fn csv(r: &Readout) -> String {
    let mut out = format::csv_line([
        "metric",
        "variant",
        "control",
        "role",
        "lift",
        "point",
        "low",
        "high",
        "se",
        "p",
        "n",
        "method",
        "not_estimable",
    ]);
    for m in &r.metrics {
        let role = format!("{:?}", m.role).to_lowercase();
        for (lift, a) in [("absolute", &m.absolute), ("relative", &m.relative)] {
            let mut cells = vec![
                m.metric.clone(),
                m.variant.clone(),
                m.control.clone(),
                role.clone(),
                lift.into(),
            ];
            match a {
                Answer::Estimate(e) => cells.extend([
                    e.point.to_string(),
                    e.low.to_string(),
                    e.high.to_string(),
                    e.se.to_string(),
                    e.p.map_or(String::new(), |p| p.to_string()),
                    e.n.to_string(),
                    e.method.clone(),
                    String::new(),
                ]),
                Answer::Refused { not_estimable } => {
                    cells.extend(std::iter::repeat_n(String::new(), 7));
                    cells.push(not_estimable.to_string());
                }
            }
            out.push_str(&format::csv_line(cells));
        }
    }
    out
}
