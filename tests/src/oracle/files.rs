//! Where cases come from: the packed ones of this crate, or all below a folder.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::oracle::case::Case;

/// A case with its name: the path below where it was looked for, without `.json`.
pub struct NamedCase {
    /// Its name.
    pub name: String,
    /// What it says, or why it is none.
    pub case: Result<Case, String>,
}

/// The packed cases, in the order of their names.
///
/// # Errors
/// Where the archive does not read.
pub fn packed() -> io::Result<Vec<NamedCase>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/cases.tar.gz");
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(path)?));
    let mut cases = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.extension().is_some_and(|extension| extension == "json") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            cases.push(named(path.strip_prefix("cases").unwrap_or(&path), &text));
        }
    }
    Ok(sorted(cases))
}

/// The cases anywhere below `folder`, in the order of their names.
///
/// # Errors
/// Where a folder or a file does not read.
pub fn below(folder: &Path) -> io::Result<Vec<NamedCase>> {
    let mut files = Vec::new();
    find(folder, &mut files)?;
    let cases = files.iter().map(|file| {
        let text = fs::read_to_string(file)?;
        Ok(named(file.strip_prefix(folder).unwrap_or(file), &text))
    });
    Ok(sorted(cases.collect::<io::Result<_>>()?))
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn named(path: &Path, text: &str) -> NamedCase {
    let name = path.with_extension("").to_string_lossy().trim_start_matches("./").to_owned();
    NamedCase { name, case: serde_json::from_str(text).map_err(|error| format!("it is no case: {error}")) }
}

fn sorted(mut cases: Vec<NamedCase>) -> Vec<NamedCase> {
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}
