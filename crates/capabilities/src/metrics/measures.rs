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
