//! Where things are: the repository, what may be built again, what lives in memory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The top of the repository.
pub(crate) fn repository() -> PathBuf {
    // Cargo tells at run time; the path of the build stands in where the program is started by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().expect("the package is a folder of the workspace").to_owned()
}

/// The folder outside the repository for what can be fetched or built again.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or_else(|| Error::failed("neither XDG_CACHE_HOME nor HOME is set: set one of them"))?;
    Ok(base.join("streams"))
}

/// Where Cargo builds.
pub(crate) fn target() -> PathBuf {
    folder("CARGO_TARGET_DIR").unwrap_or_else(|| repository().join("target"))
}

/// The folder for short-lived data: in memory where the system has such a place.
pub(crate) fn short_lived() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from)
}
