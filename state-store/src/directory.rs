//! The state directory: one process at a time, its identity, and a folder for each task.
//!
//! ```text
//! <root>/<application id>/.lock                           held while the directory is open
//!                         kafka-streams-process-metadata  {"processId":"…"}: Kafka Streams' file and format
//!                         member-ids                      format number, then a line per thread: number, space, member id
//!                         0_3/                            task folders
//! ```
//! This file alone deals with files outside a backend, and with the random numbers of a new process id.

#![expect(clippy::disallowed_methods, reason = "the owner of the state's files and of the process id")]

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::{Error, Kind, Result};

const LOCK_FILE: &str = ".lock";
const PROCESS_FILE: &str = "kafka-streams-process-metadata";
const MEMBERS_FILE: &str = "member-ids";
const MEMBERS_FORMAT: &str = "1";

/// The state directory of an application, held against other processes until it is dropped.
///
/// ```
/// use state_store::Kind;
/// use state_store::directory::StateDirectory;
///
/// let root = tempfile::tempdir()?;
/// let directory = StateDirectory::open(root.path(), "app")?;
/// let task = directory.task_dir("0_3")?;
/// assert_eq!(directory.task_dirs()?, ["0_3"]);
/// assert!(task.ends_with("app/0_3"));
/// assert_eq!(StateDirectory::open(root.path(), "app").unwrap_err().kind(), Kind::InUse);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StateDirectory {
    path: PathBuf,
    process_id: [u8; 16],
    /// Unlocked when it is closed.
    _lock: File,
}

impl StateDirectory {
    /// Opens the directory of `application_id` below `root`, made where it is absent.
    ///
    /// # Errors
    /// `Kind::InUse` where another process holds it, `Kind::Corrupt` where a file in it is damaged, `Kind::Io`,
    /// `Kind::Invalid` for an application id that is no folder name.
    pub fn open(root: &Path, application_id: &str) -> Result<Self> {
        check_name(application_id, "the application id")?;
        let path = root.join(application_id);
        make_folder(&path)?;
        let lock = lock(&path)?;
        let process_id = load_process_id(&path)?;
        Ok(Self { path, process_id, _lock: lock })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who this process is, from one start to the next.
    #[must_use]
    pub fn process_id(&self) -> [u8; 16] {
        self.process_id
    }

    /// The id by which a group knew the thread of this number last.
    ///
    /// # Errors
    /// `Kind::Corrupt`, `Kind::Io`.
    pub fn member_id(&self, thread: usize) -> Result<Option<String>> {
        let members = self.load_members()?;
        Ok(members.into_iter().find(|(other, _)| *other == thread).map(|(_, id)| id))
    }

    /// Keeps the id by which a group knows the thread of this number.
    ///
    /// # Errors
    /// `Kind::Invalid` for an id of several lines, `Kind::Corrupt`, `Kind::Io`.
    pub fn keep_member_id(&self, thread: usize, id: &str) -> Result<()> {
        if id.is_empty() || id.contains(['\n', '\r']) {
            return Err(Error::new(Kind::Invalid, format!("the member id {id:?} is not one line of text")));
        }
        let mut members = self.load_members()?;
        match members.iter_mut().find(|(other, _)| *other == thread) {
            Some((_, kept)) if kept == id => return Ok(()),
            Some((_, kept)) => id.clone_into(kept),
            None => members.push((thread, id.to_owned())),
        }
        let mut text = format!("{MEMBERS_FORMAT}\n");
        for (thread, id) in &members {
            text.push_str(&format!("{thread} {id}\n"));
        }
        replace_file(&self.path.join(MEMBERS_FILE), text.as_bytes())
    }

    /// The folder of a task, made where it is absent.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Invalid` for a name that is not `<subtopology>_<partition>`.
    pub fn task_dir(&self, task: &str) -> Result<PathBuf> {
        let path = self.task_path(task)?;
        make_folder(&path)?;
        Ok(path)
    }

    /// The names of all task folders, sorted by subtopology and partition.
    ///
    /// # Errors
    /// `Kind::Io`.
    pub fn task_dirs(&self) -> Result<Vec<String>> {
        let mut tasks = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| at(&self.path, error))? {
            let entry = entry.map_err(|error| at(&self.path, error))?;
            let name = entry.file_name();
            if let Some(task) = name.to_str().and_then(parse_task)
                && entry.path().is_dir()
            {
                tasks.push(task);
            }
        }
        tasks.sort_unstable();
        Ok(tasks.into_iter().map(|(subtopology, partition)| format!("{subtopology}_{partition}")).collect())
    }

    /// Deletes the folder of a task with all that is in it; nothing happens where there is none.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Invalid` for a name that is not `<subtopology>_<partition>`.
    pub fn delete_task_dir(&self, task: &str) -> Result<()> {
        let path = self.task_path(task)?;
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(at(&path, error)),
            _ => Ok(()),
        }
    }

    fn task_path(&self, task: &str) -> Result<PathBuf> {
        match parse_task(task) {
            Some(_) => Ok(self.path.join(task)),
            None => Err(Error::new(Kind::Invalid, format!("{task:?} is not a task: it is written like 0_3"))),
        }
    }

    fn load_members(&self) -> Result<Vec<(usize, String)>> {
        let path = self.path.join(MEMBERS_FILE);
        let Some(text) = read_file(&path)? else { return Ok(Vec::new()) };
        let mut lines = text.lines();
        if lines.next() != Some(MEMBERS_FORMAT) {
            return Err(damaged(&path, "it does not begin with the number of its format, 1"));
        }
        let parse = |line: &str| {
            let (thread, id) = line.split_once(' ')?;
            Some((thread.parse().ok()?, id.to_owned()))
        };
        lines.map(|line| parse(line).ok_or_else(|| damaged(&path, "a line is no thread and member id"))).collect()
    }
}

impl fmt::Debug for StateDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let process_id = Uuid::from_bytes(self.process_id);
        f.debug_struct("StateDirectory").field("path", &self.path).field("process_id", &process_id).finish()
    }
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK_FILE);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| at(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let why = format!(
                "the state directory {} is used by another process: stop it, or give this one a `state_dir` of its own",
                folder.display()
            );
            Err(Error::new(Kind::InUse, why))
        }
        Err(TryLockError::Error(error)) => Err(at(&path, error)),
    }
}

fn load_process_id(folder: &Path) -> Result<[u8; 16]> {
    let path = folder.join(PROCESS_FILE);
    if let Some(text) = read_file(&path)? {
        let id = field(&text, "processId").and_then(|id| Uuid::parse_str(id).ok());
        return id.map(Uuid::into_bytes).ok_or_else(|| damaged(&path, "it has no process id"));
    }
    let id = Uuid::new_v4();
    replace_file(&path, format!("{{\"processId\":\"{id}\"}}").as_bytes())?;
    Ok(id.into_bytes())
}

/// The text of a field of a flat JSON object; ids need no escapes.
fn field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(text, _)| text)
}

fn parse_task(name: &str) -> Option<(u32, u32)> {
    let (subtopology, partition) = name.split_once('_')?;
    let task = (subtopology.parse().ok()?, partition.parse().ok()?);
    // One task, one name: not `00_3`, not `+0_3`.
    (format!("{}_{}", task.0, task.1) == name).then_some(task)
}

fn check_name(name: &str, what: &str) -> Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(Error::new(Kind::Invalid, format!("{what} {name:?} must be a name that a folder can have")));
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o750);
    builder.create(path).map_err(|error| at(path, error))
}

fn read_file(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(damaged(path, "it is not text")),
        Err(error) => Err(at(path, error)),
    }
}

/// Writes a file so that a crash leaves the old one or the new one.
fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = path.with_extension("new");
    let write = || {
        let mut file = File::create(&written)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&written, path)
    };
    write().map_err(|error| at(path, error))
}

#[cold]
fn at(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Io, format!("{} could not be read or written", path.display())).caused_by(error)
}

#[cold]
fn damaged(path: &Path, what: &str) -> Error {
    let why = format!("{} is damaged: {what}; delete the file, and a new one is made", path.display());
    Error::new(Kind::Corrupt, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_id_and_its_members() {
        let root = tempfile::tempdir().expect("a folder");
        let directory = StateDirectory::open(root.path(), "app").expect("opens");
        let process_id = directory.process_id();
        assert_eq!(directory.member_id(1).expect("reads"), None);
        for (thread, id) in [(1, "first"), (0, "app-0 with spaces"), (1, "second")] {
            directory.keep_member_id(thread, id).expect("keeps");
        }
        drop(directory);
        let directory = StateDirectory::open(root.path(), "app").expect("opens");
        assert_eq!(directory.process_id(), process_id);
        let ids = [0, 1, 2].map(|thread| directory.member_id(thread).expect("reads"));
        assert_eq!(ids, [Some("app-0 with spaces".to_owned()), Some("second".to_owned()), None]);
        assert_eq!(directory.keep_member_id(0, "a\nb").expect_err("two lines").kind(), Kind::Invalid);
        let other = StateDirectory::open(root.path(), "other").expect("another application");
        assert_ne!(other.process_id(), process_id);
    }

    #[test]
    fn a_held_directory_names_itself_and_what_to_do() {
        let root = tempfile::tempdir().expect("a folder");
        let _held = StateDirectory::open(root.path(), "app").expect("opens");
        let error = StateDirectory::open(root.path(), "app").expect_err("it is held");
        assert_eq!(error.kind(), Kind::InUse);
        for part in [&*root.path().join("app").to_string_lossy(), "stop it", "state_dir"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn kafka_streams_own_file_is_read() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("app");
        fs::create_dir(&folder).expect("makes");
        let text = r#"{"processId" : "01020304-0506-0708-090a-0b0c0d0e0f10", "later": 1}"#;
        fs::write(folder.join(PROCESS_FILE), text).expect("writes");
        let directory = StateDirectory::open(root.path(), "app").expect("opens");
        assert_eq!(directory.process_id(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    }

    #[test]
    fn a_damaged_file_is_named() {
        for bytes in [&b""[..], b"{}", b"{\"processId\":\"no\"}", b"\xff\xfe"] {
            let root = tempfile::tempdir().expect("a folder");
            let folder = root.path().join("app");
            fs::create_dir(&folder).expect("makes");
            fs::write(folder.join(PROCESS_FILE), bytes).expect("writes");
            let error = StateDirectory::open(root.path(), "app").expect_err("it is damaged");
            assert_eq!(error.kind(), Kind::Corrupt, "{error}");
            assert!(error.to_string().contains(PROCESS_FILE), "{error}");
        }
        let root = tempfile::tempdir().expect("a folder");
        let directory = StateDirectory::open(root.path(), "app").expect("opens");
        fs::write(directory.path().join(MEMBERS_FILE), "2\n").expect("writes");
        assert_eq!(directory.member_id(0).expect_err("of another format").kind(), Kind::Corrupt);
    }

    #[test]
    fn task_folders_are_listed_in_order_and_deleted() {
        let root = tempfile::tempdir().expect("a folder");
        let directory = StateDirectory::open(root.path(), "app").expect("opens");
        for task in ["1_0", "0_10", "0_2"] {
            fs::write(directory.task_dir(task).expect("makes").join("file"), "x").expect("writes");
        }
        fs::create_dir(directory.path().join("not_a_task")).expect("makes");
        assert_eq!(directory.task_dirs().expect("lists"), ["0_2", "0_10", "1_0"]);
        directory.delete_task_dir("0_10").expect("deletes");
        directory.delete_task_dir("0_10").expect("is gone");
        assert_eq!(directory.task_dirs().expect("lists"), ["0_2", "1_0"]);
        for task in ["../x", "0", "00_1", "", "0_-1"] {
            assert_eq!(directory.task_dir(task).expect_err("no task").kind(), Kind::Invalid, "{task}");
        }
        assert_eq!(StateDirectory::open(root.path(), "a/b").expect_err("no name").kind(), Kind::Invalid);
    }
}
