//! From table sources to what DataFusion scans.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::datasource::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use steward_compute::{EngineError, Snapshot, TableFacts, TableFormat, TableSource};

use super::{Registered, Shared};
use crate::files::digest::Stamp;
use crate::files::{self, Stored, table_error};
use crate::normal;

/// Finds the files of a table, types them if they are text, and makes it known. Answers its schema.
pub(super) fn register(shared: &Shared, source: TableSource) -> Result<SchemaRef, EngineError> {
    let result = register_anew(shared, source.clone());
    shared.note(&source, &result);
    result
}

fn register_anew(shared: &Shared, source: TableSource) -> Result<SchemaRef, EngineError> {
    if source.format == TableFormat::Table {
        return Err(table_error(
            &source,
            "the embedded engine reads files; set format to parquet, csv or json",
        ));
    }
    let origin = files::place::find(&source)?;
    let stamps = stamps(&source, &origin)?;
    let stored = store(shared, &source, origin)?;
    let provider = provider(&source, &stored)?;
    let schema = normal::map_schema(&stored.schema, normal::table_type);
    insert(shared, source, Some(stored), stamps, provider)?;
    Ok(schema)
}

fn stamps(source: &TableSource, origin: &[PathBuf]) -> Result<Vec<Stamp>, EngineError> {
    origin
        .iter()
        .map(|path| Stamp::of(path).map_err(|e| files::file_error(source, path, e)))
        .collect()
}

/// Registers a table again if its files are others than when it was registered, so that queries and snapshots
/// speak of the same rows.
pub(super) fn refresh(shared: &Shared, table: &str) -> Result<(), EngineError> {
    if let Some(unreadable) = shared.unreadable(table) {
        // Files may have been mended since.
        return match unreadable.source.format {
            TableFormat::Table => Err(unreadable.error()),
            _ => register(shared, unreadable.source).map(|_| ()),
        };
    }
    let registered = shared.registered(table)?;
    if registered.stored.is_none() {
        return Ok(());
    }
    let origin = files::place::find(&registered.source)?;
    if stamps(&registered.source, &origin)? != registered.stamps {
        register(shared, registered.source)?;
    }
    Ok(())
}

/// Makes a table known that holds no rows here.
pub(super) fn register_remote(shared: &Shared, source: &TableSource, schema: SchemaRef) -> Result<(), EngineError> {
    insert(
        shared,
        source.clone(),
        None,
        Vec::new(),
        Arc::new(EmptyTable::new(schema)),
    )
}

fn insert(
    shared: &Shared,
    source: TableSource,
    stored: Option<Stored>,
    stamps: Vec<Stamp>,
    provider: Arc<dyn TableProvider>,
) -> Result<(), EngineError> {
    let name = source.name.clone();
    let schema = provider.schema();
    let reference = TableReference::bare(name.as_str());
    let fail = |e: datafusion::error::DataFusionError| table_error(&source, e.strip_backtrace());
    shared.context.deregister_table(reference.clone()).map_err(fail)?;
    shared.context.register_table(reference, provider).map_err(fail)?;
    shared.tables.write().unwrap_or_else(PoisonError::into_inner).insert(
        name,
        Registered {
            source,
            stored,
            stamps,
            schema,
        },
    );
    Ok(())
}

fn store(shared: &Shared, source: &TableSource, origin: Vec<PathBuf>) -> Result<Stored, EngineError> {
    if source.format == TableFormat::Parquet {
        let schema = files::parquet::schema(source, &origin)?;
        return Ok(Stored {
            parquet: origin,
            schema,
        });
    }
    let target = files::typed::target(source, &origin, &shared.copies)?;
    let parquet = vec![target.clone()];
    if target.exists()
        && let Ok(schema) = files::parquet::schema(source, &parquet)
    {
        return Ok(Stored { parquet, schema });
    }
    match &source.format {
        TableFormat::Csv { delimiter, encoding } => {
            files::csv::convert(source, &origin, &target, *delimiter, encoding.as_deref())?
        }
        _ => files::json::convert(source, &origin, &target)?,
    };
    let schema = files::parquet::schema(source, &parquet)?;
    Ok(Stored { parquet, schema })
}

fn provider(source: &TableSource, stored: &Stored) -> Result<Arc<dyn TableProvider>, EngineError> {
    let fail = |e: datafusion::error::DataFusionError| table_error(source, e.strip_backtrace());
    let urls = stored
        .parquet
        .iter()
        .map(|p| file_url(source, p))
        .collect::<Result<Vec<_>, _>>()?;
    // Files were chosen already: any extension is right.
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(Arc::clone(&stored.schema));
    Ok(Arc::new(ListingTable::try_new(config).map_err(fail)?))
}

/// As a URL, in which no character of the path is taken for a pattern.
fn file_url(source: &TableSource, path: &Path) -> Result<ListingTableUrl, EngineError> {
    let absolute = std::path::absolute(path).map_err(|e| files::file_error(source, path, e))?;
    let url = url::Url::from_file_path(&absolute)
        .map_err(|()| files::file_error(source, path, "the path cannot be written as a file: address"))?;
    ListingTableUrl::try_new(url, None).map_err(|e| files::file_error(source, path, e.strip_backtrace()))
}

fn files_of(registered: &Registered) -> Result<&Stored, EngineError> {
    registered
        .stored
        .as_ref()
        .ok_or_else(|| table_error(&registered.source, "it is not a table of files"))
}

/// The version of a table's files as they are now.
pub(super) fn snapshot(shared: &Shared, table: &str) -> Result<Snapshot, EngineError> {
    refresh(shared, table)?;
    let registered = shared.registered(table)?;
    files_of(&registered)?;
    let origin = files::place::find(&registered.source)?;
    shared.digests.snapshot(&registered.source, &origin)
}

/// What file metadata tells; nothing but types for text files.
pub(super) fn facts(shared: &Shared, table: &str) -> Result<TableFacts, EngineError> {
    refresh(shared, table)?;
    let registered = shared.registered(table)?;
    let stored = files_of(&registered)?;
    files::facts::read(&registered.source, &stored.parquet, &stored.schema)
}
