//! What a readout says beside the lifts: without adjustment, in funnels, over distributions.

use steward_capabilities::experiments::Readout;
use steward_server::format::{change, number, percent, signed};

use super::experiments::answer;
use crate::failure::Failure;
use crate::output;

/// Prints lifts without adjustment, the steps of funnels, and the curves.
pub fn print(readout: &Readout) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = readout
        .metrics
        .iter()
        .filter_map(|m| {
            let by = match &m.adjustment {
                Some(a) => [a.covariates.as_slice(), a.strata.as_slice()].concat().join(", "),
                None => "its own past".into(),
            };
            let removed = m.variance_reduction.map_or("–".into(), percent);
            let raw = answer(&m.raw.as_ref()?.relative, &change);
            Some(vec![m.metric.clone(), m.variant.clone(), raw, removed, by])
        })
        .collect();
    if !rows.is_empty() {
        let columns = [
            "without adjustment",
            "variant",
            "relative",
            "variance removed",
            "adjusted for",
        ];
        output::text_line(&output::table(&columns, &rows))?;
    }
    for m in readout.metrics.iter().filter(|m| !m.funnel.is_empty()) {
        output::text_line(&format!("funnel {} in {}", m.metric, m.variant))?;
        let rows = m.funnel.iter().map(|s| {
            let previous = s.of_previous.as_ref();
            vec![
                s.metric.clone(),
                s.units[0].to_string(),
                s.units[1].to_string(),
                answer(&s.of_units.relative, &change),
                previous.map_or("–".into(), |p| answer(&p.relative, &change)),
            ]
        });
        output::text_line(&output::table(
            &[
                "step",
                &m.control,
                &m.variant,
                "lift over all units",
                "lift over the step before",
            ],
            &rows.collect::<Vec<_>>(),
        ))?;
    }
    for curve in &readout.quantiles {
        if let Some(e) = &curve.not_estimable {
            output::text_line(&format!("{} over its distribution: {e}", curve.metric))?;
            continue;
        }
        output::text_line(&format!(
            "{} in {} by quantile of {}",
            curve.metric, curve.variant, curve.of
        ))?;
        let rows = curve.points.iter().map(|p| {
            vec![
                format!("p{}", number(p.at * 100.0)),
                answer(&p.lift.absolute, &signed),
                answer(&p.lift.relative, &change),
            ]
        });
        output::text_line(&output::table(
            &["quantile", "lift", "relative"],
            &rows.collect::<Vec<_>>(),
        ))?;
    }
    Ok(())
}
