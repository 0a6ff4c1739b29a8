//! Keys of the standard that are accepted and kept, but of no effect here.

/// Of a contract.
pub(super) const CONTRACT: &[&str] = &[
    "name",
    "tenant",
    "dataProduct",
    "description",
    "domain",
    "context",
    "support",
    "price",
    "team",
    "roles",
    "authoritativeDefinitions",
    "customProperties",
    "contractCreatedTs",
    "slaDefaultElement",
];
/// Of a schema object.
pub(super) const OBJECT: &[&str] = &[
    "id",
    "physicalName",
    "physicalType",
    "logicalType",
    "dataGranularityDescription",
    "authoritativeDefinitions",
    "customProperties",
    "synonyms",
    "deprecated",
    "context",
];
/// Of a property.
pub(crate) const PROPERTY: &[&str] = &[
    "id",
    "businessName",
    "tags",
    "authoritativeDefinitions",
    "customProperties",
    "partitioned",
    "partitionKeyPosition",
    "encryptedName",
    "transformSourceObjects",
    "transformLogic",
    "transformDescription",
    "examples",
    "criticalDataElement",
    "semanticType",
    "synonyms",
    "deprecated",
    "map",
];
/// Of a quality rule.
pub(super) const QUALITY: &[&str] = &[
    "id",
    "authoritativeDefinitions",
    "businessImpact",
    "customProperties",
    "description",
    "dimension",
    "method",
    "schedule",
    "scheduler",
    "tags",
];
/// Of every server, beside those of its type.
pub(super) const SERVER: &[&str] = &["id", "description", "environment", "roles"];
/// Of a service level.
pub(super) const SERVICE: &[&str] = &[
    "id",
    "valueExt",
    "driver",
    "description",
    "scheduler",
    "schedule",
    "authoritativeDefinitions",
    "customProperties",
];
/// Logical types of the standard.
pub(crate) const LOGICAL_TYPES: [&str; 11] = [
    "string",
    "integer",
    "number",
    "boolean",
    "date",
    "timestamp",
    "time",
    "object",
    "array",
    "map",
    "vector",
];
