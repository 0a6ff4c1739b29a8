//! Keeping a delivered bill: each charge once, each billing period as it was delivered last.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steward_definitions::{BILLS, BILLS_FOLDER, Bill};
use steward_facts::Parts;
use steward_ledger::NewEvent;

use super::digest;
use super::focus::{self, Charges, Mapping, SCALE};
use crate::{CapabilityError, Context};

/// Where delivered files are kept as they came.
const DELIVERED: &str = ".steward/facts/bills-delivered";
/// Digests are spread over so many sets, so that no growth of one holds all of them twice.
const SETS: usize = 64;

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Files with their SHA-256.
    pub files: Vec<(String, String)>,
    /// Rows read.
    pub rows: u64,
    /// Rows that stood in the delivery before, equal in every column: not kept again.
    pub duplicates: u64,
    /// What the duplicates would have added, by currency, in ten-billionths.
    pub duplicate_cost: BTreeMap<String, String>,
    /// Billing periods.
    pub periods: Vec<PeriodReport>,
    /// Columns that no version of FOCUS up to 1.3 knows.
    pub unknown_columns: Vec<String>,
    /// Columns that allocation would read and that are not there.
    pub missing_columns: Vec<String>,
    /// Rules of FOCUS that rows break; they are kept.
    pub broken: Vec<RuleBroken>,
    /// The event that recorded it; `None` if nothing changed.
    pub event: Option<u64>,
}

/// A billing period of a provider's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodReport {
    /// Provider.
    pub provider: String,
    /// Billing account.
    pub account: String,
    /// First day of the billing period.
    pub period: String,
    /// Currency.
    pub currency: String,
    /// Charges kept.
    pub rows: u64,
    /// Their billed cost, as a decimal.
    pub billed: String,
    /// Their effective cost, as a decimal.
    pub effective: String,
    /// Against what was kept before.
    pub standing: Standing,
    /// Effective cost that was kept before, where it was restated.
    pub effective_before: Option<String>,
}

/// What a billing period is against what was kept before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing was kept of it.
    New,
    /// The same charges.
    Same,
    /// Other charges: these take the place of those.
    Restated,
}

/// A rule that rows break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleBroken {
    /// The rule, in words.
    pub rule: String,
    /// Rows.
    pub rows: u64,
    /// The first of them, `file:row`.
    pub first: String,
}

/// A period while it is read.
#[derive(Clone, Default)]
struct Period {
    provider: String,
    account: String,
    period: String,
    currency: String,
    rows: u64,
    billed: i128,
    effective: i128,
    /// Sum of the digests of its rows: the same whatever their order.
    digest: u128,
}

/// What is remembered of a kept part.
#[derive(Serialize, Deserialize)]
struct Note {
    effective: String,
}

/// The digests are spread evenly already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }
}

/// Keeps the charges of files that were delivered together. A delivery holds all charges of each billing period that it
/// mentions: what was kept of that period before is replaced. The same delivery again changes nothing.
///
/// # Errors
/// If a file is no FOCUS export, a cost or moment cannot be read, or a currency has no rate; nothing is kept then.
pub async fn import(context: &Context, files: &[PathBuf], actor: &str) -> Result<ImportReport, CapabilityError> {
    let bill = context.project.bills.values().find(|b| b.dataset == BILLS).cloned();
    let Some(bill) = bill else {
        return Err(CapabilityError::Invalid(
            "no bill reads what is imported: define one, such as `bill: cloud` in bills/cloud.yaml without `dataset`"
                .into(),
        ));
    };
    let (folder, files, subject) = (
        context.folder.clone(),
        files.to_vec(),
        format!("bill/{}", bill.meta.name),
    );
    let work = tokio::task::spawn_blocking(move || keep(&folder, &files, &bill));
    let mut report = work
        .await
        .map_err(|e| CapabilityError::Invalid(format!("the import broke off: {e}")))??;
    if report.periods.iter().any(|p| p.standing != Standing::Same) {
        let payload = serde_json::to_value(&report)
            .map_err(|e| CapabilityError::Invalid(format!("the report cannot be recorded: {e}")))?;
        let event = NewEvent {
            kind: "bill.imported".into(),
            subject,
            actor: actor.to_owned(),
            payload,
            private: None,
        };
        let appended = context.ledger.append(vec![event]).await?;
        report.event = appended.last().map(|e| e.sequence);
    }
    Ok(report)
}

fn keep(folder: &Path, files: &[PathBuf], bill: &Bill) -> Result<ImportReport, CapabilityError> {
    let parts = Parts::of(&folder.join(BILLS_FOLDER));
    let schema = focus::schema();
    let mut reader = Reader {
        bill,
        seen: (0..SETS).map(|_| HashSet::default()).collect(),
        periods: BTreeMap::new(),
        duplicates: 0,
        duplicate_cost: BTreeMap::new(),
        broken: BTreeMap::new(),
        rows: 0,
    };
    let mut writer = parts.writer(schema.clone());
    let mut unknown = BTreeSet::new();
    let mut missing = BTreeSet::new();
    let mut digests = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let table = steward_facts::read(path)?;
        let mapping = Mapping::of(&table.schema, &name)?;
        unknown.extend(mapping.unknown.iter().cloned());
        missing.extend(mapping.missing.iter().cloned());
        let mut order = None;
        let mut row = 1;
        for batch in table.batches {
            let batch = batch?;
            let order = order.get_or_insert_with(|| digest::order(&batch));
            let ids = digest::rows(&batch, order)?;
            let kept = mapping.convert(&batch, &schema, &name, row)?;
            for (key, rows) in reader.read(&kept, &ids, &name, row)? {
                writer.write(&key, &rows)?;
            }
            row += batch.num_rows() as u64;
        }
        digests.push((name, sha256(path)?));
    }
    if reader.rows == 0 {
        return Err(CapabilityError::Invalid("the delivery holds no charges".into()));
    }
    let before: BTreeMap<String, (String, String)> = parts
        .list()?
        .into_iter()
        .map(|p| {
            let note = serde_json::from_str::<Note>(&p.note)
                .map(|n| n.effective)
                .unwrap_or_default();
            (p.key, (p.digest, note))
        })
        .collect();
    let standing = |key: &str, digest: &str| match before.get(key) {
        None => Standing::New,
        Some((kept, _)) if kept == digest => Standing::Same,
        Some(_) => Standing::Restated,
    };
    let told = |key: &str| {
        let period = reader.periods.get(key)?;
        let digest = format!("{:032x}", period.digest);
        let note = Note {
            effective: decimal(period.effective),
        };
        let note = serde_json::to_string(&note).ok()?;
        (standing(key, &digest) != Standing::Same).then_some((digest, period.rows, note))
    };
    let fresh = writer.finish(told)?;
    for (path, (name, sha)) in files.iter().zip(&digests) {
        deliver(folder, path, name, sha)?;
    }
    if !fresh.is_empty() {
        parts.replace(fresh)?;
    }
    let periods = reader.periods.iter().map(|(key, p)| {
        let standing = standing(key, &format!("{:032x}", p.digest));
        PeriodReport {
            provider: p.provider.clone(),
            account: p.account.clone(),
            period: p.period.clone(),
            currency: p.currency.clone(),
            rows: p.rows,
            billed: decimal(p.billed),
            effective: decimal(p.effective),
            standing,
            effective_before: (standing == Standing::Restated)
                .then(|| before.get(key).map(|(_, effective)| effective.clone()))
                .flatten(),
        }
    });
    Ok(ImportReport {
        periods: periods.collect(),
        files: digests,
        rows: reader.rows,
        duplicates: reader.duplicates,
        duplicate_cost: reader
            .duplicate_cost
            .into_iter()
            .map(|(c, v)| (c, decimal(v)))
            .collect(),
        unknown_columns: unknown.into_iter().collect(),
        missing_columns: missing.into_iter().collect(),
        broken: reader
            .broken
            .into_iter()
            .map(|(rule, (rows, first))| RuleBroken {
                rule: rule.to_owned(),
                rows,
                first,
            })
            .collect(),
        event: None,
    })
}

struct Reader<'a> {
    bill: &'a Bill,
    seen: Vec<HashSet<u128, BuildHasherDefault<AsIs>>>,
    periods: BTreeMap<String, Period>,
    duplicates: u64,
    duplicate_cost: BTreeMap<String, i128>,
    broken: BTreeMap<&'static str, (u64, String)>,
    rows: u64,
}

impl Reader<'_> {
    /// Counts a batch, and answers its rows by the period that they belong to, without those that stood there before.
    fn read(
        &mut self,
        kept: &RecordBatch,
        ids: &[u128],
        file: &str,
        first: u64,
    ) -> Result<Vec<(String, RecordBatch)>, CapabilityError> {
        let charges = Charges::of(kept);
        let (provider, account) = (charges.text("ProviderName")?, charges.text("BillingAccountId")?);
        let (currency, category, class) = (
            charges.text("BillingCurrency")?,
            charges.text("ChargeCategory")?,
            charges.text("ChargeClass")?,
        );
        let (period, charged) = (
            charges.moment("BillingPeriodStart")?,
            charges.moment("ChargePeriodStart")?,
        );
        let (billed, effective) = (charges.cost("BilledCost")?, charges.cost("EffectiveCost")?);
        // Rows of one period mostly follow each other: a row is held against the run before it first.
        let mut runs: Vec<Run> = Vec::new();
        let mut current = 0;
        for (row, id) in ids.iter().enumerate() {
            let at = || format!("{file}: row {}", first + row as u64);
            let absent = |column: &str| CapabilityError::Invalid(format!("{}: {column} is empty", at()));
            for (column, empty) in [
                ("BilledCost", billed.is_null(row)),
                ("EffectiveCost", effective.is_null(row)),
                ("BillingPeriodStart", period.is_null(row)),
                ("ChargePeriodStart", charged.is_null(row)),
                ("BillingCurrency", currency.is_null(row)),
                ("ProviderName", provider.is_null(row)),
            ] {
                if empty {
                    return Err(absent(column));
                }
            }
            self.rows += 1;
            let (cost, spread) = (billed.value(row), effective.value(row));
            let money = currency.value(row);
            if !self.seen[(*id >> 64) as usize % SETS].insert(*id) {
                self.duplicates += 1;
                *self.duplicate_cost.entry(money.to_owned()).or_default() += spread;
                continue;
            }
            let class = (!class.is_null(row)).then(|| class.value(row));
            let category = (!category.is_null(row)).then(|| category.value(row));
            for rule in focus::broken(category, class, Some(money), cost) {
                let entry = self
                    .broken
                    .entry(rule)
                    .or_insert_with(|| (0, format!("{file}:{}", first + row as u64)));
                entry.0 += 1;
            }
            let same = |run: &Run| {
                let other = run.rows[0];
                period.value(other) == period.value(row)
                    && provider.value(other) == provider.value(row)
                    && currency.value(other) == money
                    && account.is_null(other) == account.is_null(row)
                    && (account.is_null(row) || account.value(other) == account.value(row))
            };
            if !runs.get(current).is_some_and(same) {
                current = match runs.iter().position(same) {
                    Some(known) => known,
                    None => {
                        let account = (!account.is_null(row)).then(|| account.value(row));
                        let key = self.open(provider.value(row), account, period.value(row), money, &at)?;
                        runs.push(Run {
                            key,
                            rows: vec![row],
                            billed: 0,
                            effective: 0,
                            digest: 0,
                        });
                        runs.len() - 1
                    }
                };
            }
            let run = &mut runs[current];
            if run.rows.last() != Some(&row) {
                run.rows.push(row);
            }
            run.billed += cost;
            run.effective += spread;
            run.digest = run.digest.wrapping_add(*id);
        }
        let rows = kept.num_rows();
        let mut parts = Vec::with_capacity(runs.len());
        for run in runs {
            if let Some(sum) = self.periods.get_mut(&run.key) {
                sum.rows += run.rows.len() as u64;
                sum.billed += run.billed;
                sum.effective += run.effective;
                sum.digest = sum.digest.wrapping_add(run.digest);
            }
            if run.rows.len() == rows {
                parts.push((run.key, kept.clone()));
                continue;
            }
            let mut mask = vec![false; rows];
            run.rows.into_iter().for_each(|r| mask[r] = true);
            let batch = filter_record_batch(kept, &BooleanArray::from(mask))
                .map_err(|e| CapabilityError::Invalid(format!("{file}: {e}")))?;
            parts.push((run.key, batch));
        }
        Ok(parts)
    }

    /// The key of a billing period, which is counted from now on.
    fn open(
        &mut self,
        provider: &str,
        account: Option<&str>,
        period_us: i64,
        money: &str,
        at: &dyn Fn() -> String,
    ) -> Result<String, CapabilityError> {
        let bill = self.bill;
        if money != bill.currency && !bill.rates.iter().any(|r| r.currency == money) {
            return Err(CapabilityError::Invalid(format!(
                "{}: charged in {money}, but bill {} is in {} and has no rate for it; add `rates: [{{currency: {money}, rate: …}}]`",
                at(),
                bill.meta.name,
                bill.currency
            )));
        }
        let day = Timestamp::from_microsecond(period_us)
            .map_err(|_| CapabilityError::Invalid(format!("{}: BillingPeriodStart leaves the calendar", at())))?
            .strftime("%Y-%m-%d")
            .to_string();
        let account = account.unwrap_or_default().to_owned();
        let key = format!("{provider}\u{1f}{account}\u{1f}{day}\u{1f}{money}");
        self.periods.entry(key.clone()).or_insert_with(|| Period {
            provider: provider.to_owned(),
            account,
            period: day,
            currency: money.to_owned(),
            ..Period::default()
        });
        Ok(key)
    }
}

/// Rows of a batch that belong to one period.
struct Run {
    key: String,
    rows: Vec<usize>,
    billed: i128,
    effective: i128,
    digest: u128,
}

/// Ten-billionths as a decimal, without zeros at its end beyond two places.
fn decimal(value: i128) -> String {
    let unit = 10_i128.pow(u32::from(SCALE.unsigned_abs()));
    let (whole, rest) = (value.abs() / unit, value.abs() % unit);
    let mut places = format!("{rest:010}");
    while places.len() > 2 && places.ends_with('0') {
        places.pop();
    }
    format!("{}{whole}.{places}", if value < 0 { "-" } else { "" })
}

fn sha256(path: &Path) -> Result<String, CapabilityError> {
    let fail = |e: std::io::Error| CapabilityError::File {
        path: path.display().to_string(),
        cause: e.to_string(),
    };
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(fail)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Keeps a file as it came, under its digest.
fn deliver(folder: &Path, path: &Path, name: &str, sha: &str) -> Result<(), CapabilityError> {
    let to = folder.join(DELIVERED);
    let short: String = sha.chars().take(16).collect();
    let kept = to.join(format!("{short}-{name}"));
    let fail = |e: std::io::Error| CapabilityError::File {
        path: kept.display().to_string(),
        cause: e.to_string(),
    };
    if kept.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(&to).map_err(fail)?;
    let part = to.join(format!(".{short}.{}", std::process::id()));
    std::fs::copy(path, &part)
        .and_then(|_| std::fs::rename(&part, &kept))
        .map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(-123_400_000_000), "-12.34");
        assert_eq!(decimal(1), "0.0000000001");
        assert_eq!(decimal(0), "0.00");
    }
}
