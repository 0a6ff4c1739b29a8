//! Charges that Steward keeps itself: a dataset that no file defines.

use crate::project::{Meta, Project};
use crate::{Column, Dataset, Diagnostic, Location, Span};

/// The dataset of imported charges.
pub const BILLS: &str = "steward_bills";
/// Where its files are, seen from the project folder.
pub const BILLS_FOLDER: &str = ".steward/facts/bills";
/// Its columns with their logical types: those of FOCUS that allocation reads. Costs are decimals of ten places.
pub const BILL_COLUMNS: [(&str, &str); 20] = [
    ("BillingAccountId", "string"),
    ("BillingCurrency", "string"),
    ("BillingPeriodStart", "timestamp"),
    ("ChargePeriodStart", "timestamp"),
    ("ChargeCategory", "string"),
    ("ChargeClass", "string"),
    ("ChargeDescription", "string"),
    ("ProviderName", "string"),
    ("ServiceCategory", "string"),
    ("ServiceName", "string"),
    ("RegionId", "string"),
    ("SubAccountId", "string"),
    ("SubAccountName", "string"),
    ("ResourceId", "string"),
    ("ResourceName", "string"),
    ("SkuId", "string"),
    ("CommitmentDiscountStatus", "string"),
    ("Tags", "string"),
    ("BilledCost", "number"),
    ("EffectiveCost", "number"),
];

/// Adds the dataset where a bill reads it.
pub(crate) fn complete(project: &mut Project, problems: &mut Vec<Diagnostic>) {
    if let Some(own) = project.datasets.get(BILLS) {
        let message = format!("the dataset `{BILLS}` is Steward's own: charges that it keeps");
        problems.push(Diagnostic::error("reserved-name", own.meta.span.clone(), message).hint("choose another name"));
        return;
    }
    if !project.bills.values().any(|b| b.dataset == BILLS) {
        return;
    }
    let columns = BILL_COLUMNS.map(|(name, logical_type)| Column {
        name: name.to_owned(),
        logical_type: logical_type.to_owned(),
        ..Column::default()
    });
    let dataset = Dataset {
        meta: Meta {
            name: BILLS.to_owned(),
            owner: project.settings.owner.clone().unwrap_or_default(),
            label: Some("Imported charges".to_owned()),
            description: Some("What `steward bill import` kept, each charge once.".to_owned()),
            span: Span {
                file: "steward.yaml".to_owned(),
                line: 0,
                column: 0,
            },
            // Of this form of the dataset; raised with its columns.
            digest: "0b9f0d55a2c5a5d6c86a0d1f4f2f1c0a7a7f5c7f9f2f8d1b7a0e4f6d3c2b1a01".to_owned(),
            ..Meta::default()
        },
        version: "1.0.0".to_owned(),
        status: "active".to_owned(),
        location: Location {
            format: "parquet".to_owned(),
            path: BILLS_FOLDER.to_owned(),
            ..Location::default()
        },
        columns: columns.into(),
        ..Dataset::default()
    };
    project.datasets.insert(BILLS.to_owned(), dataset);
}
