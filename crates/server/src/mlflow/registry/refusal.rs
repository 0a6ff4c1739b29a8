//! What a room refuses, in MLflow's words.

use axum::http::HeaderMap;
use steward_capabilities::CapabilityError;

use super::super::{Code, MlflowError, origin};

impl From<CapabilityError> for MlflowError {
    fn from(e: CapabilityError) -> MlflowError {
        match e {
            CapabilityError::Runs(e) => e.into(),
            e => MlflowError::new(code(&e), e.to_string()),
        }
    }
}

fn code(e: &CapabilityError) -> Code {
    match e {
        CapabilityError::Missing(_) | CapabilityError::Unknown { .. } => Code::ResourceDoesNotExist,
        CapabilityError::Exists(_) => Code::ResourceAlreadyExists,
        CapabilityError::Invalid(_) | CapabilityError::Definitions(_) => Code::InvalidParameterValue,
        CapabilityError::Refused(_) | CapabilityError::Protected { .. } => Code::PermissionDenied,
        _ => Code::InternalError,
    }
}

/// Says where to approve what others must approve first.
pub fn linked(e: CapabilityError, headers: &HeaderMap) -> MlflowError {
    let CapabilityError::Protected { what, request } = e else {
        return e.into();
    };
    let detail = format!(
        "{what}. Approve it at {}/approvals/{request} and try again.",
        origin(headers)
    );
    MlflowError::new(Code::PermissionDenied, detail)
}
