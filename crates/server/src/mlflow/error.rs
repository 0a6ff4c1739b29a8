//! Errors in MLflow's words: clients branch on the code and the status, and show the message.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use steward_runs::RunsError;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A defect, or the world broke.
    InternalError,
    /// The state does not allow it.
    InvalidState,
    /// Nobody serves this.
    NotImplemented,
    /// Try again later.
    TemporarilyUnavailable,
    /// Too many.
    ResourceExhausted,
    /// Somebody else changed it.
    ResourceConflict,
    /// There is nothing of that name.
    NotFound,
    /// There is no such address.
    EndpointNotFound,
    /// There is nothing of that name.
    ResourceDoesNotExist,
    /// A policy forbids it.
    PermissionDenied,
    /// The request cannot be read.
    BadRequest,
    /// The name is taken.
    ResourceAlreadyExists,
    /// A parameter makes no sense.
    InvalidParameterValue,
    /// There is no room left.
    StorageFull,
    /// Switched off here.
    FeatureDisabled,
}

impl Code {
    /// MLflow's name and HTTP status.
    pub fn named(self) -> (&'static str, StatusCode) {
        match self {
            Code::InternalError => ("INTERNAL_ERROR", StatusCode::INTERNAL_SERVER_ERROR),
            Code::InvalidState => ("INVALID_STATE", StatusCode::INTERNAL_SERVER_ERROR),
            Code::NotImplemented => ("NOT_IMPLEMENTED", StatusCode::NOT_IMPLEMENTED),
            Code::TemporarilyUnavailable => ("TEMPORARILY_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
            Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", StatusCode::TOO_MANY_REQUESTS),
            Code::ResourceConflict => ("RESOURCE_CONFLICT", StatusCode::CONFLICT),
            Code::NotFound => ("NOT_FOUND", StatusCode::NOT_FOUND),
            Code::EndpointNotFound => ("ENDPOINT_NOT_FOUND", StatusCode::NOT_FOUND),
            Code::ResourceDoesNotExist => ("RESOURCE_DOES_NOT_EXIST", StatusCode::NOT_FOUND),
            Code::PermissionDenied => ("PERMISSION_DENIED", StatusCode::FORBIDDEN),
            Code::BadRequest => ("BAD_REQUEST", StatusCode::BAD_REQUEST),
            Code::ResourceAlreadyExists => ("RESOURCE_ALREADY_EXISTS", StatusCode::BAD_REQUEST),
            Code::InvalidParameterValue => ("INVALID_PARAMETER_VALUE", StatusCode::BAD_REQUEST),
            Code::StorageFull => ("RESOURCE_EXHAUSTED", StatusCode::INSUFFICIENT_STORAGE),
            Code::FeatureDisabled => ("FEATURE_DISABLED", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// An error as MLflow's clients read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlflowError {
    /// Its kind.
    pub code: Code,
    /// What is wrong, and what to do.
    pub message: String,
}

impl MlflowError {
    /// An error of a kind.
    pub fn new(code: Code, message: impl Into<String>) -> MlflowError {
        let message = message.into();
        MlflowError { code, message }
    }

    /// A parameter that makes no sense.
    pub fn invalid(message: impl Into<String>) -> MlflowError {
        MlflowError::new(Code::InvalidParameterValue, message)
    }

    /// Something that is not there.
    pub fn missing(message: impl Into<String>) -> MlflowError {
        MlflowError::new(Code::ResourceDoesNotExist, message)
    }

    /// A name that is taken.
    pub fn exists(message: impl Into<String>) -> MlflowError {
        MlflowError::new(Code::ResourceAlreadyExists, message)
    }

    /// A value that does not fit: `Invalid value "x" for parameter 'path' supplied: hint`.
    pub fn value(path: &str, value: &Value, hint: &str) -> MlflowError {
        MlflowError::invalid(invalid_value(path, value, hint))
    }
}

/// MLflow's words for a value that does not fit.
pub fn invalid_value(path: &str, value: &Value, hint: &str) -> String {
    match hint {
        "" => format!("Invalid value {value} for parameter '{path}' supplied."),
        hint => format!("Invalid value {value} for parameter '{path}' supplied: {hint}"),
    }
}

impl IntoResponse for MlflowError {
    fn into_response(self) -> Response {
        let (name, status) = self.code.named();
        if status.is_server_error() {
            tracing::error!("{name}: {}", self.message);
        }
        let body = json!({ "error_code": name, "message": self.message }).to_string();
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl From<RunsError> for MlflowError {
    fn from(e: RunsError) -> MlflowError {
        match e {
            RunsError::Invalid(message) => MlflowError::invalid(message),
            RunsError::Missing { what, name, within } => MlflowError::missing(match what {
                "run" => format!("Run with id={name} not found"),
                "run group" => format!("No Experiment with id={name} exists"),
                "model" => format!("Logged model with ID '{name}' not found."),
                "trace" => format!("Trace with ID '{name}' not found."),
                "tag" => match (within.strip_prefix("run group "), within.strip_prefix("run ")) {
                    (Some(group), _) => format!("No tag with name: {name} in experiment with id {group}"),
                    (_, Some(run)) => format!("No tag with name: {name} in run with id {run}"),
                    _ => format!("No tag with name: {name} in {within}"),
                },
                other => format!("There is no {other} {name:?}"),
            }),
            RunsError::Exists { what, name } => MlflowError::exists(match what {
                "run group" => format!(
                    "Experiment(name={name}) already exists. Use another name, or restore it if it was deleted."
                ),
                other => format!("{other} '{name}' already exists"),
            }),
            RunsError::Deleted { what, name } => {
                let what = if what == "run group" { "experiment" } else { what };
                MlflowError::invalid(format!(
                    "The {what} {name} must be in the 'active' state. Current state is deleted."
                ))
            }
            RunsError::NotDeleted { what, name } => MlflowError::missing(match what {
                "run group" => format!("No Experiment with id={name} exists among deleted ones"),
                other => format!("There is no deleted {other} {name:?}"),
            }),
            RunsError::ParamChanged { run, changes } => {
                let all: Vec<String> = changes
                    .iter()
                    .map(|c| {
                        format!(
                            "{{'key': '{}', 'old_value': '{}', 'new_value': '{}'}}",
                            c.key, c.old, c.new
                        )
                    })
                    .collect();
                MlflowError::invalid(format!(
                    "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{run}'.",
                    all.join(", ")
                ))
            }
            other => MlflowError::new(Code::InternalError, other.to_string()),
        }
    }
}
