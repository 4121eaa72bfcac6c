//! How failures of the store and the vault become faults. The cause stays inside.

use crate::store::StoreError;
use crate::vault::VaultError;
use numberotp_core::fault::{Fault, FaultCode};

/// Which fault a failure of the store is.
pub fn from_store(error: StoreError) -> Fault {
    let code = match &error {
        StoreError::Overloaded => FaultCode::Overloaded,
        StoreError::Busy(_) | StoreError::Unavailable(_) => FaultCode::Maintenance,
        StoreError::Conflict(_)
        | StoreError::Corrupt { .. }
        | StoreError::NoSchema
        | StoreError::OldSchema(_)
        | StoreError::Driver(_) => FaultCode::Internal,
    };
    Fault::new(code).caused_by(error)
}

/// Which fault a failure of the vault is.
pub(super) fn from_vault(error: VaultError) -> Fault {
    match error {
        VaultError::Store(error) => from_store(error),
        other => Fault::new(FaultCode::Internal).caused_by(other),
    }
}
