//! Aggregations as SQL.

use steward_definitions::Aggregation;

/// An aggregation over a rendered expression.
///
/// Means and percentiles are doubles; sums and extremes keep the type of their input, so that money stays an integer.
pub(crate) fn aggregate_sql(aggregation: Aggregation, percentile: Option<f64>, input: &str) -> String {
    match aggregation {
        Aggregation::Sum => format!("SUM({input})"),
        Aggregation::Count => format!("COUNT({input})"),
        Aggregation::CountDistinct => format!("COUNT(DISTINCT {input})"),
        Aggregation::Average => format!("AVG(CAST({input} AS DOUBLE))"),
        Aggregation::Min => format!("MIN({input})"),
        Aggregation::Max => format!("MAX({input})"),
        Aggregation::Median => percentile_sql(0.5, input),
        Aggregation::Percentile => percentile_sql(percentile.unwrap_or(0.5), input),
        Aggregation::SumBoolean => format!("SUM(CASE WHEN {input} THEN 1 WHEN NOT {input} THEN 0 END)"),
    }
}

fn percentile_sql(p: f64, input: &str) -> String {
    format!("percentile_cont({p:?}) WITHIN GROUP (ORDER BY CAST({input} AS DOUBLE))")
}

/// Whether aggregates of parts give the aggregate of the whole.
pub(crate) fn additive_over_rows(aggregation: Aggregation) -> bool {
    matches!(
        aggregation,
        Aggregation::Sum | Aggregation::Count | Aggregation::Min | Aggregation::Max | Aggregation::SumBoolean
    )
}

/// The aggregate of the whole from aggregates of parts.
pub(crate) fn aggregate_again(aggregation: Aggregation, part: &str) -> String {
    match aggregation {
        Aggregation::Min => format!("MIN({part})"),
        Aggregation::Max => format!("MAX({part})"),
        _ => format!("SUM({part})"),
    }
}

/// Whether it is 0, not missing, over no rows.
pub(crate) fn is_count(aggregation: Aggregation) -> bool {
    matches!(aggregation, Aggregation::Count | Aggregation::CountDistinct)
}
