//! How DataFusion is set up.

use std::path::Path;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionConfig;

use super::Options;

/// Consumers named when memory runs out.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(2);

pub(super) fn context(options: &Options, spill: &Path) -> Result<SessionContext> {
    let pool = FairSpillPool::new(options.memory_mib.max(16) << 20);
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill.to_owned()]));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, NAMED_CONSUMERS)))
        .with_disk_manager_builder(disk)
        .build_arc()?;

    let mut config = SessionConfig::new().with_target_partitions(options.threads.max(1));
    let settings = config.options_mut();
    settings.execution.time_zone = Some("UTC".to_owned());
    settings.execution.collect_statistics = true;
    // Rows that a filter drops are dropped after decoding: dropping them before costs more than it saves on filters
    // that keep most rows, as the windows of experiments do. Files and row groups are skipped all the same.
    settings.execution.parquet.pushdown_filters = false;
    settings.optimizer.prefer_hash_join = true;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}
