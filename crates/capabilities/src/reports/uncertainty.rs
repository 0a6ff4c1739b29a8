//! Sampling uncertainty of a figure: means and ratios, over the units that rows belong to.

use steward_compute::Query;
use steward_definitions::sql::quote;
use steward_definitions::{Aggregation, EntityType, MetricShape, Project, SemanticModel};
use steward_stats::one_sample;
use steward_stats::{Estimate, NotEstimable, Reason};

use crate::metrics::{self, UnitMeasure, UnitMetric, UnitValue};
use crate::{CapabilityError, Context};

const LEVEL: f64 = 0.95;

/// Numerator and denominator of a figure per unit.
struct Parts {
    numerator: (UnitMeasure, &'static str),
    denominator: (UnitMeasure, &'static str),
}

/// A figure's value with its uncertainty over [from, to) (microseconds since 1970 UTC; `None` is all time).
/// `Ok(None)`: the metric is a total, which has none.
pub(crate) async fn estimate(
    context: &Context,
    metric: &str,
    filtered: bool,
    range: Option<(i64, i64)>,
) -> Result<Option<Result<Estimate, NotEstimable>>, CapabilityError> {
    let project = context.project.as_ref();
    let refuse = |detail: String, fix: &str| {
        Ok(Some(Err(NotEstimable {
            reason: Reason::OutOfDomain,
            detail,
            fix: fix.to_owned(),
        })))
    };
    let ratio = match project.metrics.get(metric).map(|m| &m.shape) {
        Some(MetricShape::Ratio { .. }) => true,
        Some(MetricShape::Simple { measure }) => match aggregation(project, &measure.name) {
            Some(Aggregation::Average) => false,
            Some(Aggregation::Median | Aggregation::Percentile) => {
                return refuse("a quantile".into(), "name a mean or a ratio");
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    if filtered {
        return refuse(
            "the figure has a condition of its own".into(),
            "define a metric with that filter",
        );
    }
    let Some((found, entity)) = unit(project, metric) else {
        return refuse(
            "its parts share no entity whose units could be counted".into(),
            "give their semantic models a common entity",
        );
    };
    let parts = match found.value {
        UnitValue::Ratio { numerator, denominator } if ratio => Parts {
            numerator: (numerator, "SUM"),
            denominator: (denominator, "SUM"),
        },
        UnitValue::Aggregate(one) if !ratio => Parts {
            numerator: (one.clone(), "SUM"),
            denominator: (one, "COUNT"),
        },
        _ => return Ok(None),
    };
    for (side, _) in [&parts.numerator, &parts.denominator] {
        if !matches!(
            side.aggregation,
            Aggregation::Sum | Aggregation::Count | Aggregation::SumBoolean | Aggregation::Average
        ) {
            return refuse(
                format!("different values do not add up over {entity}s"),
                "build the ratio of sums or counts",
            );
        }
    }
    let sql = format!(
        "SELECT moments(CAST(\"n\" AS DOUBLE), CAST(\"d\" AS DOUBLE)) AS \"m\" FROM (\
         SELECT \"unit\", COALESCE(SUM(\"n\"), 0) AS \"n\", COALESCE(SUM(\"d\"), 0) AS \"d\" FROM ({} UNION ALL {}) AS \"s\" GROUP BY \"unit\"\
         ) AS \"u\"",
        side(&parts.numerator, true, range),
        side(&parts.denominator, false, range)
    );
    let query = Query {
        label: format!("uncertainty of {metric}"),
        sql,
        parameters: Vec::new(),
    };
    let rows = context.engine.run(&query, &context.control).await?;
    let Some(moments) = rows.moments_or_empty("m", 2)?.into_iter().next() else {
        return refuse("there are no rows".into(), "choose a period with data");
    };
    let mut estimate = one_sample::ratio(&moments, 0, 1, LEVEL);
    if let Ok(e) = &mut estimate {
        e.method = format!("{}, over {entity}s", e.method);
    }
    Ok(Some(estimate))
}

fn aggregation(project: &Project, measure: &str) -> Option<Aggregation> {
    project
        .semantic_models
        .values()
        .flat_map(|m| &m.measures)
        .find(|m| m.name == measure)
        .map(|m| m.aggregation)
}

/// The metric per unit of an entity: the first foreign one that works, since rows of one unit go together; else the key.
fn unit(project: &Project, metric: &str) -> Option<(UnitMetric, String)> {
    let mut entities: Vec<(bool, &str)> = project
        .semantic_models
        .values()
        .flat_map(|m: &SemanticModel| &m.entities)
        .map(|e| (!matches!(e.entity_type, EntityType::Foreign), e.name.as_str()))
        .collect();
    entities.sort_unstable();
    entities.dedup();
    entities
        .into_iter()
        .find_map(|(_, entity)| Some((metrics::unit_measures(project, metric, entity).ok()?, entity.to_owned())))
}

fn side((measure, aggregate): &(UnitMeasure, &str), numerator: bool, range: Option<(i64, i64)>) -> String {
    let mut input = measure.input.clone();
    if measure.aggregation == Aggregation::SumBoolean {
        input = format!("CASE WHEN {input} THEN 1 WHEN NOT ({input}) THEN 0 END");
    }
    let aggregate = match measure.aggregation {
        Aggregation::Count => "COUNT",
        _ => aggregate,
    };
    let value = format!("CAST({aggregate}({input}) AS DOUBLE)");
    let nothing = "CAST(NULL AS DOUBLE)".to_owned();
    let (n, d) = if numerator { (value, nothing) } else { (nothing, value) };
    let mut conditions = vec![format!("{} IS NOT NULL", measure.unit)];
    if let (Some(time), Some((from, to))) = (&measure.time, range) {
        let literal = |us: i64| {
            let at = jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::MAX);
            let at = jiff::tz::TimeZone::UTC.to_datetime(at);
            if measure.time_is_date {
                // Days of the project's zone were turned into moments; noon is on the right day in every zone.
                format!("DATE '{}'", at.saturating_add(jiff::Span::new().hours(12)).date())
            } else {
                format!("TIMESTAMP '{}'", at.strftime("%Y-%m-%d %H:%M:%S%.6f"))
            }
        };
        conditions.push(format!("{time} >= {} AND {time} < {}", literal(from), literal(to)));
    }
    format!(
        "SELECT {} AS \"unit\", {n} AS \"n\", {d} AS \"d\" FROM {} AS \"fact\" {} WHERE {} GROUP BY {}",
        measure.unit,
        quote(&measure.dataset),
        measure.joins,
        conditions.join(" AND "),
        measure.unit
    )
}
