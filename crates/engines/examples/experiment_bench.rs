//! Runs a query file over `users`, `exposures` and `events` of a folder and prints its rows as JSON, sorted.
//!
//! `experiment_bench FOLDER QUERY_FILE [THREADS [MEMORY_MIB]]`; see `bench/experiment`.

use std::path::Path;

use steward_compute::{Engine, Format, Query, RunControl, TableFormat, TableSource};
use steward_engines::{DataFusionEngine, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, file, rest @ ..] = arguments.as_slice() else {
        return Err("usage: experiment_bench FOLDER QUERY_FILE [THREADS]".into());
    };
    let threads = rest.first().map_or(Ok(2), |t| t.parse())?;
    let memory_mib = rest.get(1).map_or(Ok(Options::default().memory_mib), |m| m.parse())?;
    let engine = DataFusionEngine::new(Options {
        threads,
        memory_mib,
        ..Options::default()
    })?;
    let rows = futures::executor::block_on(async {
        for name in ["users", "exposures", "events"] {
            let table = TableSource {
                name: name.to_owned(),
                format: TableFormat::Parquet,
                location: Path::new(folder).join(format!("{name}.parquet")).display().to_string(),
                columns: Vec::new(),
            };
            engine.register(&table).await?;
        }
        let query = Query {
            label: file.clone(),
            sql: std::fs::read_to_string(file).unwrap_or_default(),
            parameters: Vec::new(),
        };
        engine.run(&query, &RunControl::default()).await
    })?;
    let bytes = Format::Json.to_bytes(&rows)?;
    let objects: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(&bytes)?;
    let columns = rows.columns();
    let mut lists: Vec<Vec<serde_json::Value>> = objects
        .iter()
        .map(|o| columns.iter().map(|c| o.get(*c).cloned().unwrap_or_default()).collect())
        .collect();
    lists.sort_by_key(|row| {
        let key = |v: &serde_json::Value| match v {
            serde_json::Value::Null => "None".to_owned(),
            serde_json::Value::String(s) => s.clone(),
            other => other.to_string(),
        };
        row.iter().take(3).map(key).collect::<Vec<_>>()
    });
    println!("{}", serde_json::to_string(&lists)?);
    Ok(())
}
