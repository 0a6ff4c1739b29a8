//! The columns of FOCUS, versions 1.0 to 1.3, and the rules that their rows must keep.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, MapArray, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use steward_definitions::BILL_COLUMNS;

use crate::CapabilityError;

/// Decimal places of kept costs.
pub(super) const SCALE: i8 = 10;
const PRECISION: u8 = 38;
/// Without these nothing can be said about a charge.
const NEEDED: [&str; 6] = [
    "BilledCost",
    "EffectiveCost",
    "BillingCurrency",
    "BillingPeriodStart",
    "ChargePeriodStart",
    "ChargeCategory",
];
/// What newer versions call a column.
const SUCCESSORS: [(&str, &[&str]); 2] = [
    (
        "ProviderName",
        &["ServiceProviderName", "HostProviderName", "InvoiceIssuerName"],
    ),
    ("SubAccountName", &["SubAccountId"]),
];
const CATEGORIES: [&str; 5] = ["Usage", "Purchase", "Tax", "Credit", "Adjustment"];
/// All other columns of the specification up to 1.3: known, though allocation does not read them.
const OTHERS: [&str; 62] = [
    "AllocatedMethodDetails",
    "AllocatedMethodId",
    "AllocatedResourceId",
    "AllocatedResourceName",
    "AllocatedTags",
    "AvailabilityZone",
    "BillingAccountName",
    "BillingAccountType",
    "BillingPeriodEnd",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargeSubcategory",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractApplied",
    "ContractCommitmentApplicability",
    "ContractedCost",
    "ContractedUnitPrice",
    "HostProviderName",
    "InvoiceDetailId",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "PublisherName",
    "Region",
    "RegionName",
    "ResourceType",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountType",
    "UsageQuantity",
    "UsageUnit",
    "Provider",
    "Publisher",
    "InvoiceIssuer",
    "ChargeType",
    "EffectiveCostInPricingCurrency",
    "PaymentCurrency",
    "PaymentCurrencyBillingAmount",
    "SkuDetails",
    "CommitmentProgramEligibilityDetails",
    "ContractId",
    "ContractCommitmentId",
];

/// The table that is kept.
pub(super) fn schema() -> SchemaRef {
    let fields = BILL_COLUMNS.iter().map(|(name, kind)| {
        let data_type = match *kind {
            "timestamp" => moment(),
            "number" => DataType::Decimal128(PRECISION, SCALE),
            _ => DataType::Utf8,
        };
        Field::new(*name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// How a file's columns become the kept ones.
pub(super) struct Mapping {
    /// For each kept column its place in the file.
    places: Vec<Option<usize>>,
    /// Columns that no version knows up to 1.3, without providers' own (`x_…`).
    pub(super) unknown: Vec<String>,
    /// Kept columns that the file does not have.
    pub(super) missing: Vec<String>,
}

impl Mapping {
    /// Finds the kept columns in a file's, whatever their case.
    ///
    /// # Errors
    /// If a column without which nothing can be said is not there.
    pub(super) fn of(schema: &Schema, file: &str) -> Result<Mapping, CapabilityError> {
        let at: BTreeMap<String, usize> = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(i, f)| (f.name().to_lowercase(), i))
            .collect();
        let find = |name: &str| at.get(&name.to_lowercase()).copied();
        let place = |name: &str| {
            let after = SUCCESSORS
                .iter()
                .find(|(old, _)| *old == name)
                .map_or(&[][..], |(_, new)| *new);
            find(name).or_else(|| after.iter().find_map(|n| find(n)))
        };
        let places: Vec<Option<usize>> = BILL_COLUMNS.iter().map(|(name, _)| place(name)).collect();
        let lacking: Vec<&str> = NEEDED
            .iter()
            .copied()
            .chain(["ProviderName"])
            .filter(|n| place(n).is_none())
            .collect();
        if !lacking.is_empty() {
            let known = BILL_COLUMNS.iter().filter(|(n, _)| find(n).is_some()).count();
            let hint = if known < 4 { "; is it a FOCUS export?" } else { "" };
            return Err(CapabilityError::Invalid(format!(
                "{file} has no column {}; FOCUS 1.0 to 1.3 require {}{hint}",
                lacking.join(", "),
                if lacking.len() == 1 { "it" } else { "them" }
            )));
        }
        let known = |name: &str| {
            BILL_COLUMNS.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
                || OTHERS.iter().any(|n| n.eq_ignore_ascii_case(name))
                || name.to_lowercase().starts_with("x_")
        };
        Ok(Mapping {
            unknown: schema
                .fields()
                .iter()
                .map(|f| f.name().clone())
                .filter(|n| !known(n))
                .collect(),
            missing: BILL_COLUMNS
                .iter()
                .zip(&places)
                .filter(|(_, p)| p.is_none())
                .map(|((name, _), _)| (*name).to_owned())
                .collect(),
            places,
        })
    }

    /// A batch in the kept columns; `first` is the number of its first row in the file, from 1.
    ///
    /// # Errors
    /// If a cell is no cost or no moment; says in which row.
    pub(super) fn convert(
        &self,
        batch: &RecordBatch,
        schema: &SchemaRef,
        file: &str,
        first: u64,
    ) -> Result<RecordBatch, CapabilityError> {
        let rows = batch.num_rows();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for (field, place) in schema.fields().iter().zip(&self.places) {
            let Some(place) = place else {
                columns.push(arrow::array::new_null_array(field.data_type(), rows));
                continue;
            };
            let array = batch.column(*place);
            let array = match array.data_type() {
                DataType::Map(..) => pairs(array.as_map()),
                _ => array.clone(),
            };
            columns.push(convert(&array, field, file, first)?);
        }
        RecordBatch::try_new(schema.clone(), columns).map_err(|e| CapabilityError::Invalid(format!("{file}: {e}")))
    }
}

fn convert(array: &ArrayRef, field: &Field, file: &str, first: u64) -> Result<ArrayRef, CapabilityError> {
    let to = field.data_type();
    if array.data_type() == to {
        return Ok(array.clone());
    }
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let refused = |e: arrow::error::ArrowError| {
        CapabilityError::Invalid(format!(
            "{file}: the column {} is {}, not {to}: {e}",
            field.name(),
            array.data_type()
        ))
    };
    // Text of costs may have blanks around; empty text is no value.
    let source = match (array.data_type(), to) {
        (DataType::Utf8, DataType::Decimal128(..) | DataType::Timestamp(..)) => {
            let texts = array
                .as_string::<i32>()
                .iter()
                .map(|t| t.map(str::trim).filter(|t| !t.is_empty()));
            Arc::new(StringArray::from_iter(texts)) as ArrayRef
        }
        _ => array.clone(),
    };
    let made = cast_with_options(&source, to, &options).map_err(refused)?;
    if made.null_count() > source.null_count()
        && let Some(row) = (0..source.len()).find(|r| made.is_null(*r) && !source.is_null(*r))
    {
        let shown = arrow::util::display::array_value_to_string(&source, row).unwrap_or_default();
        let expected = match to {
            DataType::Timestamp(..) => "a moment such as 2025-10-01T00:00:00Z",
            _ => "an amount such as 12.34",
        };
        return Err(CapabilityError::Invalid(format!(
            "{file}: {} is {shown:?} in row {}; expected {expected}",
            field.name(),
            first + row as u64
        )));
    }
    Ok(made)
}

/// A map of tags as JSON.
fn pairs(map: &MapArray) -> ArrayRef {
    let texts = |array: &ArrayRef| {
        cast_with_options(array, &DataType::Utf8, &CastOptions::default()).map(|a| a.as_string::<i32>().clone())
    };
    let (Ok(keys), Ok(values)) = (texts(map.keys()), texts(map.values())) else {
        return arrow::array::new_null_array(&DataType::Utf8, map.len());
    };
    let offsets = map.value_offsets();
    let rows = (0..map.len()).map(|row| {
        if map.is_null(row) {
            return None;
        }
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        let object: serde_json::Map<String, serde_json::Value> = range
            .filter(|i| !keys.is_null(*i))
            .map(|i| {
                let value = if values.is_null(i) {
                    serde_json::Value::Null
                } else {
                    values.value(i).into()
                };
                (keys.value(i).to_owned(), value)
            })
            .collect();
        Some(serde_json::Value::Object(object).to_string())
    });
    Arc::new(StringArray::from_iter(rows))
}

/// The kept columns of a batch that the rules and sums read.
pub(super) struct Charges<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Charges<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Charges<'a> {
        Charges { batch }
    }

    fn column(&self, name: &str) -> Result<&'a ArrayRef, CapabilityError> {
        self.batch
            .column_by_name(name)
            .ok_or_else(|| CapabilityError::Invalid(format!("no column {name} in kept charges")))
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a StringArray, CapabilityError> {
        let column = self.column(name)?;
        column
            .as_string_opt::<i32>()
            .ok_or_else(|| CapabilityError::Invalid(format!("{name} is {}", column.data_type())))
    }

    pub(super) fn cost(&self, name: &str) -> Result<&'a Decimal128Array, CapabilityError> {
        let column = self.column(name)?;
        column
            .as_primitive_opt::<Decimal128Type>()
            .ok_or_else(|| CapabilityError::Invalid(format!("{name} is {}", column.data_type())))
    }

    pub(super) fn moment(
        &self,
        name: &str,
    ) -> Result<&'a arrow::array::PrimitiveArray<TimestampMicrosecondType>, CapabilityError> {
        let column = self.column(name)?;
        column
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| CapabilityError::Invalid(format!("{name} is {}", column.data_type())))
    }
}

/// Rules of the specification that a row breaks, without which it can still be kept.
pub(super) fn broken(
    category: Option<&str>,
    class: Option<&str>,
    currency: Option<&str>,
    billed: i128,
) -> Vec<&'static str> {
    let mut rules = Vec::new();
    if !category.is_some_and(|c| CATEGORIES.contains(&c)) {
        rules.push("ChargeCategory is Usage, Purchase, Tax, Credit or Adjustment");
    }
    if class.is_some_and(|c| !c.is_empty() && c != "Correction") {
        rules.push("ChargeClass is Correction or null");
    }
    if !currency.is_some_and(|c| c.len() == 3 && c.chars().all(|c| c.is_ascii_uppercase())) {
        rules.push("BillingCurrency is a code of ISO 4217");
    }
    let reason = matches!(category, Some("Credit" | "Adjustment" | "Purchase")) || class == Some("Correction");
    if billed < 0 && !reason {
        rules.push("BilledCost below 0 is a Credit, an Adjustment, a refund of a Purchase or a Correction");
    }
    rules
}
