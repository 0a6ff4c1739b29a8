//! Errors in MLflow's words: clients branch on the code and the status, and show the message.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

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
