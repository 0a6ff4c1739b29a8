//! `query`: metrics by dimensions, or SQL over the datasets.

use std::path::Path;
use std::str::FromStr;

use steward_capabilities::metrics::{self, MetricRequest};
use steward_compute::format::Format;

use crate::cli::QueryArgs;
use crate::failure::{Failure, Outcome};
use crate::{output, workspace};

/// `steward query`.
pub async fn query(folder: &Path, arguments: &QueryArgs, json: bool) -> Result<Outcome, Failure> {
    let format = if json {
        Format::Json
    } else {
        Format::from_str(&arguments.format)?
    };
    let context = workspace::open(folder).await?;
    let rows = match &arguments.sql {
        Some(sql) => metrics::sql_query(&context, sql, arguments.limit).await?.rows,
        None => {
            let request = MetricRequest {
                metrics: arguments.metrics.clone(),
                by: arguments.by.clone(),
                filter: arguments.filter.clone(),
                from: arguments.from.clone(),
                to: arguments.to.clone(),
                order_by: arguments.order.clone(),
                limit: arguments.limit,
                time_zone: arguments.time_zone.clone(),
                fill: arguments.fill,
            };
            if arguments.explain {
                let sql = metrics::compile(&context, &request).await?;
                if json {
                    output::json(&serde_json::json!({ "sql": sql }))?;
                } else {
                    output::text_line(&sql)?;
                }
                return Ok(Outcome::Done);
            }
            metrics::query(&context, &request).await?.to_rows()?
        }
    };
    output::bytes(&format.to_bytes(&rows)?)?;
    if matches!(format, Format::Table | Format::Json) {
        output::bytes(b"\n")?;
    }
    Ok(Outcome::Done)
}
