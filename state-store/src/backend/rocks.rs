//! RocksDB as a backend: one database a task, a column family a table, a write batch a commit.
//!
//! There is no write-ahead log: the changelog is one. All column families are flushed together, so that what is on disk
//! after a crash is the state between two batches. The column family that RocksDB always has holds the number of our
//! format and nothing else.

mod memory;
mod options;

use std::fmt;
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, ErrorKind, FlushOptions, ReadOptions, WriteBatch, WriteOptions,
};

pub use self::memory::RocksMemory;
use self::memory::Share;
use crate::backend::{Backend, Batch, Direction, KeyRange, Rows, Table};
use crate::layout::FORMAT;
use crate::{Error, Kind, Result};

const FORMAT_KEY: &[u8] = b"format";

/// The column family that RocksDB always has.
const OWN_FAMILY: &str = "default";

/// A table of that name goes by this one; no store has an `@` in its name.
const TABLE_OF_OWN_NAME: &str = "@default";

/// What RocksDB adds to key and value in a batch: kind, family and two lengths.
const WRITE_OVERHEAD_BYTES: usize = 16;

/// One database.
///
/// ```
/// use state_store::backend::{Backend, Batch, RocksBackend, RocksMemory};
///
/// let folder = tempfile::tempdir()?;
/// let memory = RocksMemory::new(64 << 20);
/// let mut backend = RocksBackend::open(folder.path(), &memory)?;
/// let (counts, mut batch) = (backend.table("counts")?, Batch::default());
/// batch.put(counts, b"key", b"value");
/// backend.apply(&batch)?;
/// backend.flush()?;
/// drop(backend);
///
/// let backend = RocksBackend::open(folder.path(), &memory)?;
/// let (counts, mut value) = (backend.find_table("counts").expect("was made"), Vec::new());
/// assert!(backend.get(counts, b"key", &mut value)?);
/// assert_eq!(value, b"value");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RocksBackend {
    db: DB,
    path: PathBuf,
    memory: RocksMemory,
    /// How much of the write buffers this database holds.
    share: Share,
    /// Names of column families by table.
    names: HashMap<Table, String>,
    /// Handles are not used twice, so that a dead one is known as such.
    handles: u32,
    read_options: ReadOptions,
    write_options: WriteOptions,
}

impl RocksBackend {
    /// Opens the database in the folder `path`, with all its tables; makes it where there is none.
    ///
    /// # Errors
    /// `Kind::InUse` where it is open elsewhere, `Kind::Corrupt` where its files are damaged or of another format,
    /// `Kind::Io` where the file system refuses.
    pub fn open(path: &Path, memory: &RocksMemory) -> Result<Self> {
        let options = options::database(memory);
        // RocksDB writes this file last when it makes a database.
        let exists = path.join("CURRENT").exists();
        let failed = |error| failed_to_open(path, exists, error);
        let mut families = vec![OWN_FAMILY.to_owned()];
        if exists {
            families = DB::list_cf(&options, path).map_err(failed)?;
        }
        let descriptors = families.iter().map(|name| ColumnFamilyDescriptor::new(name, options::family(memory)));
        let db = DB::open_cf_descriptors(&options, path, descriptors).map_err(failed)?;
        let mut write_options = WriteOptions::default();
        write_options.disable_wal(true);
        let mut backend = Self {
            db,
            path: path.to_owned(),
            memory: memory.clone(),
            share: memory.share(),
            names: HashMap::new(),
            handles: 0,
            read_options: ReadOptions::default(),
            write_options,
        };
        backend.check_format()?;
        for family in families {
            if family != OWN_FAMILY {
                backend.add_handle(family);
            }
        }
        Ok(backend)
    }

    fn check_format(&mut self) -> Result<()> {
        match self.db.get(FORMAT_KEY).map_err(|error| self.failed(error))?.as_deref() {
            Some([FORMAT]) => Ok(()),
            None => {
                let written = self.db.put_opt(FORMAT_KEY, [FORMAT], &self.write_options);
                written.map_err(|error| self.failed(error))
            }
            Some(other) => {
                let path = self.path.display();
                let why = format!(
                    "the rows in {path} are of format {other:?}, and this version reads format {FORMAT}: start the \
                     version that wrote them, or delete the folder, and it is restored from the changelog"
                );
                Err(Error::new(Kind::Corrupt, why))
            }
        }
    }

    fn add_handle(&mut self, family: String) -> Table {
        let table = Table(self.handles);
        self.handles += 1;
        self.names.insert(table, family);
        table
    }

    fn family(&self, table: Table) -> Result<&ColumnFamily> {
        self.names.get(&table).and_then(|name| self.db.cf_handle(name)).ok_or_else(unknown)
    }

    /// Flushes in the background where this database holds most of the write buffers and they run full.
    fn relieve(&mut self) -> Result<()> {
        let mut bytes = 0;
        for name in self.names.values() {
            let Some(family) = self.db.cf_handle(name) else { continue };
            let active = self.db.property_int_value_cf(family, rocksdb::properties::CUR_SIZE_ACTIVE_MEM_TABLE);
            bytes += active.map_err(|error| self.failed(error))?.unwrap_or_default();
        }
        self.share.set(bytes);
        if self.memory.must_flush(&self.share) { self.flush_families(Waiting::No) } else { Ok(()) }
    }

    fn flush_families(&mut self, waiting: Waiting) -> Result<()> {
        let mut options = FlushOptions::default();
        options.set_wait(waiting == Waiting::Yes);
        let own = self.db.cf_handle(OWN_FAMILY);
        let families: Vec<_> = self.names.values().filter_map(|name| self.db.cf_handle(name)).chain(own).collect();
        self.db.flush_cfs_opt(&families, &options).map_err(|error| self.failed(error))?;
        self.share.set(0);
        Ok(())
    }

    #[cold]
    fn failed(&self, error: rocksdb::Error) -> Error {
        failed(&self.path, error)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Yes,
    No,
}

impl Backend for RocksBackend {
    fn table(&mut self, name: &str) -> Result<Table> {
        if let Some(table) = self.find_table(name) {
            return Ok(table);
        }
        let family = family_of(name).to_owned();
        let created = self.db.create_cf(&family, &options::family(&self.memory));
        created.map_err(|error| self.failed(error).within(format_args!("the table {name:?} was not made")))?;
        Ok(self.add_handle(family))
    }

    fn find_table(&self, name: &str) -> Option<Table> {
        let family = family_of(name);
        self.names.iter().find(|(_, other)| *other == family).map(|(table, _)| *table)
    }

    fn table_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.names.values().map(|family| name_of(family).to_owned()).collect();
        names.sort();
        names
    }

    fn drop_table(&mut self, table: Table) -> Result<()> {
        let name = self.names.remove(&table).ok_or_else(unknown)?;
        self.db.drop_cf(&name).map_err(|error| self.failed(error).within(format_args!("{name:?} was not dropped")))
    }

    fn get(&self, table: Table, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        value.clear();
        let found = self.db.get_pinned_cf_opt(self.family(table)?, key, &self.read_options);
        let found = found.map_err(|error| self.failed(error))?;
        if let Some(found) = &found {
            value.extend_from_slice(found);
        }
        Ok(found.is_some())
    }

    fn scan(&self, table: Table, range: &KeyRange, direction: Direction, limit: usize, rows: &mut Rows) -> Result<()> {
        let family = self.family(table)?;
        let mut options = ReadOptions::default();
        if let Some(start) = &range.start {
            options.set_iterate_lower_bound(start.as_slice());
        }
        if let Some(end) = &range.end {
            if range.start.as_ref().is_some_and(|start| start >= end) {
                return Ok(());
            }
            options.set_iterate_upper_bound(end.as_slice());
        }
        let mut iterator = self.db.raw_iterator_cf_opt(family, options);
        match direction {
            Direction::Forward => iterator.seek_to_first(),
            Direction::Backward => iterator.seek_to_last(),
        }
        for _ in 0..limit {
            let Some((key, value)) = iterator.item() else { break };
            rows.push(key, value);
            match direction {
                Direction::Forward => iterator.next(),
                Direction::Backward => iterator.prev(),
            }
        }
        // An iterator ends at an error as it ends at the last row.
        iterator.status().map_err(|error| self.failed(error))
    }

    fn apply(&mut self, batch: &Batch) -> Result<()> {
        let mut writes = WriteBatch::with_capacity_bytes(batch.size_bytes() + batch.len() * WRITE_OVERHEAD_BYTES);
        let mut current: Option<(Table, &ColumnFamily)> = None;
        for (table, key, value) in batch.iter() {
            let family = match current {
                Some((other, family)) if other == table => family,
                _ => self.names.get(&table).and_then(|name| self.db.cf_handle(name)).ok_or_else(unknown)?,
            };
            current = Some((table, family));
            match value {
                Some(value) => writes.put_cf(family, key, value),
                None => writes.delete_cf(family, key),
            }
        }
        let written = self.db.write_opt(writes, &self.write_options);
        written.map_err(|error| self.failed(error))?;
        self.relieve()
    }

    fn flush(&mut self) -> Result<()> {
        self.flush_families(Waiting::Yes)
    }
}

impl fmt::Debug for RocksBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksBackend").field("path", &self.path).field("tables", &self.table_names()).finish()
    }
}

fn family_of(name: &str) -> &str {
    if name == OWN_FAMILY { TABLE_OF_OWN_NAME } else { name }
}

fn name_of(family: &str) -> &str {
    if family == TABLE_OF_OWN_NAME { OWN_FAMILY } else { family }
}

#[cold]
fn unknown() -> Error {
    Error::new(Kind::Invalid, "the table is not of this backend, or was dropped")
}

#[cold]
fn failed_to_open(path: &Path, exists: bool, error: rocksdb::Error) -> Error {
    let text = error.to_string();
    if error.kind() == ErrorKind::IOError && text.to_lowercase().contains("lock") {
        let why = format!(
            "the database in {} is open elsewhere: stop whoever uses it, or name another folder",
            path.display()
        );
        return Error::new(Kind::InUse, why).caused_by(error);
    }
    // Of a database that is there, a file that is missing is as good as a damaged one.
    if exists && error.kind() == ErrorKind::IOError && text.contains("No such file") {
        return damaged(path, error);
    }
    failed(path, error)
}

#[cold]
fn failed(path: &Path, error: rocksdb::Error) -> Error {
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::NotSupported | ErrorKind::InvalidArgument | ErrorKind::NotFound => {
            damaged(path, error)
        }
        _ => Error::new(Kind::Io, format!("the database in {} failed", path.display())).caused_by(error),
    }
}

fn damaged(path: &Path, error: rocksdb::Error) -> Error {
    let path = path.display();
    let why = format!("the database in {path} is damaged: delete the folder, and it is restored from the changelog");
    Error::new(Kind::Corrupt, why).caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;
    use std::fs;

    use super::*;
    use crate::conformance::assert_one_batch;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn memory() -> RocksMemory {
        RocksMemory::new(32 << 20)
    }

    fn apply_number(backend: &mut RocksBackend, number: u32) {
        let mut batch = Batch::default();
        for name in NAMES {
            let table = backend.table(name).expect("a table");
            batch.put(table, b"last", &number.to_be_bytes());
            batch.put(table, &number.to_be_bytes(), b"v");
        }
        backend.apply(&batch).expect("applies");
    }

    /// What a `kill -9` leaves: the files as they are while the database is open. Its threads make and remove files
    /// meanwhile, so a copy counts only if no file came or went.
    fn copy_files(from: &Path, to: &Path) {
        loop {
            let files = names(from);
            let is_whole = files.iter().all(|name| fs::copy(from.join(name), to.join(name)).is_ok());
            if is_whole && names(from) == files {
                return;
            }
            names(to).iter().for_each(|name| fs::remove_file(to.join(name)).expect("removes"));
        }
    }

    fn names(folder: &Path) -> BTreeSet<OsString> {
        fs::read_dir(folder).expect("lists").map(|entry| entry.expect("an entry").file_name()).collect()
    }

    #[test]
    fn a_crash_leaves_the_state_between_two_batches() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut backend = RocksBackend::open(folder.path(), &memory()).expect("opens");
        let mut seen = Vec::new();
        for number in 0..30 {
            apply_number(&mut backend, number);
            if number % 10 == 7 {
                backend.flush().expect("flushes");
            }
            let crashed = tempfile::tempdir().expect("a folder");
            copy_files(folder.path(), crashed.path());
            let reopened = RocksBackend::open(crashed.path(), &memory()).expect("opens");
            assert_one_batch(&reopened, &NAMES);
            let mut last = Vec::new();
            let found = reopened.get(reopened.find_table("a").expect("was made"), b"last", &mut last);
            seen.push(found.expect("reads").then(|| u32::from_be_bytes(last.try_into().expect("four bytes"))));
        }
        // Before the first flush there is nothing, then what was flushed last.
        assert_eq!((seen[6], seen[7], seen[16], seen[29]), (None, Some(7), Some(7), Some(27)));
    }

    #[test]
    fn a_database_that_is_open_is_in_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let _open = RocksBackend::open(folder.path(), &memory()).expect("opens");
        let error = RocksBackend::open(folder.path(), &memory()).expect_err("it is open");
        assert_eq!(error.kind(), Kind::InUse, "{error}");
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    }

    #[test]
    fn damaged_files_are_named_with_what_to_do() {
        for file in ["CURRENT", "MANIFEST", ".sst"] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut backend = RocksBackend::open(folder.path(), &memory()).expect("opens");
            apply_number(&mut backend, 1);
            backend.flush().expect("flushes");
            drop(backend);
            for entry in fs::read_dir(folder.path()).expect("lists") {
                let path = entry.expect("an entry").path();
                if path.to_string_lossy().contains(file) {
                    fs::write(path, b"damaged").expect("writes");
                }
            }
            let error = RocksBackend::open(folder.path(), &memory())
                .and_then(|backend| backend.get(backend.find_table("a").expect("was made"), b"last", &mut Vec::new()))
                .expect_err("it is damaged");
            assert_eq!(error.kind(), Kind::Corrupt, "{file}: {error}");
            assert!(error.to_string().contains("delete the folder"), "{file}: {error}");
        }
    }

    #[test]
    fn another_format_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let backend = RocksBackend::open(folder.path(), &memory()).expect("opens");
        backend.db.put_opt(FORMAT_KEY, [9], &backend.write_options).expect("writes");
        drop(backend);
        let error = RocksBackend::open(folder.path(), &memory()).expect_err("a format of the future");
        assert_eq!(error.kind(), Kind::Corrupt);
        assert!(error.to_string().contains("format [9]"), "{error}");
    }

    #[test]
    fn the_database_that_holds_most_write_buffers_flushes_first() {
        let memory = RocksMemory::new(8 << 20);
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let mut backends = folders.each_ref().map(|folder| RocksBackend::open(folder.path(), &memory).expect("opens"));
        let (value, mut number) = (vec![7; 1024], 0_u32);
        for (backend, rows) in [(0, 1200), (1, 100)].into_iter().cycle().take(20) {
            let backend = &mut backends[backend];
            let (table, mut batch) = (backend.table("t").expect("a table"), Batch::default());
            for _ in 0..rows {
                batch.put(table, &number.to_be_bytes(), &value);
                number += 1;
            }
            backend.apply(&batch).expect("applies");
        }
        let files = backends.each_ref().map(|backend| backend.db.live_files().expect("lists").len());
        assert!(files[0] > 0 && files[1] == 0, "flushed files by database: {files:?}");
    }
}
