//! What the tests of stores share: backends by name, a changelog that is kept, a commit.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use crate::backend::{Batch, MemoryBackend, RocksBackend, RocksMemory, SharedBackend};
use crate::changelog::{ChangeRecord, ChangeSink, ChangelogId};
use crate::{Headers, Result, Store, StoreConfig, Timestamp};

/// The backends that stores are tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Memory,
    Rocks,
}

pub(super) const BOTH: [On; 2] = [On::Memory, On::Rocks];

/// Opens a backend at `folder`.
pub(super) fn open(on: On, folder: &Path) -> SharedBackend {
    match on {
        On::Memory => MemoryBackend::default().shared(),
        On::Rocks => {
            let backend = RocksBackend::open(folder, &RocksMemory::new(16 << 20)).expect("opens");
            Rc::new(RefCell::new(Box::new(backend)))
        }
    }
}

/// A record of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp: Timestamp,
    pub(super) headers: Headers,
}

/// A changelog that keeps all records.
#[derive(Debug, Default)]
pub(super) struct Changelog {
    pub(super) records: Vec<Logged>,
}

impl ChangeSink for Changelog {
    fn change(&mut self, change: ChangeRecord<'_>) -> Result<()> {
        self.records.push(Logged {
            key: change.key.to_vec(),
            value: change.value.map(<[u8]>::to_vec),
            timestamp: change.timestamp,
            headers: change.headers.clone(),
        });
        Ok(())
    }
}

/// Takes changes and counts them.
#[derive(Debug, Default)]
pub(super) struct Counter(pub(super) usize);

impl ChangeSink for Counter {
    fn change(&mut self, _change: ChangeRecord<'_>) -> Result<()> {
        self.0 += 1;
        Ok(())
    }
}

/// A store `name` with a changelog.
pub(super) fn logged(name: &str, backend: &SharedBackend) -> StoreConfig {
    let mut config = StoreConfig::new(name, Rc::clone(backend));
    config.changelog = Some(ChangelogId(0));
    config
}

/// What a task does after the changelog has taken everything.
pub(super) fn commit(store: &mut dyn Store, backend: &SharedBackend) {
    let mut batch = Batch::default();
    store.write(&mut batch).expect("writes");
    backend.borrow_mut().apply(&batch).expect("applies");
    store.committed().expect("drops what has expired");
}

/// Plays a changelog into a store.
pub(super) fn restore(store: &mut dyn Store, backend: &SharedBackend, records: &[Logged]) {
    for chunk in records.chunks(7) {
        let mut batch = Batch::default();
        for record in chunk {
            let value = record.value.as_deref();
            store.restore(&record.key, value, record.timestamp, &mut batch).expect("a record of this store");
        }
        backend.borrow_mut().apply(&batch).expect("applies");
        store.committed().expect("drops what has expired");
    }
}
