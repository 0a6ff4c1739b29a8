//! What a store refuses, in MLflow's words.

use steward_artifacts::ArtifactError;

use super::super::{Code, MlflowError};

impl From<ArtifactError> for MlflowError {
    fn from(e: ArtifactError) -> MlflowError {
        let code = match &e {
            ArtifactError::Name { .. } => return MlflowError::invalid(format!("Invalid path: {e}")),
            ArtifactError::Missing { .. } => Code::ResourceDoesNotExist,
            ArtifactError::Conflict { .. } => Code::ResourceConflict,
            ArtifactError::Range { .. } | ArtifactError::Upload { .. } => Code::InvalidParameterValue,
            ArtifactError::Interrupted { .. } => Code::BadRequest,
            ArtifactError::Full { .. } => Code::StorageFull,
            ArtifactError::Unsupported { .. } => Code::NotImplemented,
            ArtifactError::Place { .. } | ArtifactError::Store { .. } => Code::InternalError,
        };
        MlflowError::new(code, e.to_string())
    }
}
