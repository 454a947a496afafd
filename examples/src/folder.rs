//! A folder for local state that goes with the program.

use stream_core::{Error, Kind, Result};
use tempfile::TempDir;

/// A new folder for local state.
///
/// # Errors
/// `Kind::Fatal` where the system's folder of temporary files refuses.
pub fn state_folder() -> Result<TempDir> {
    let why = "no temporary folder for the state can be made: set TMPDIR to a folder that can be written to";
    tempfile::Builder::new().prefix("streams-").tempdir().map_err(|cause| Error::new(Kind::Fatal, why).caused_by(cause))
}
