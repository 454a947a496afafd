//! Time segments of a window store: a table for each span of window starts, dropped whole when it has expired.
//!
//! A table is named `<store>@<first start of the segment>`; no store has an `@` in its name.

use std::collections::BTreeMap;

use crate::backend::{SharedBackend, Table};
use crate::{Error, Kind, Result, Timestamp};

/// The shortest segment, as in Kafka Streams.
const INTERVAL_MS_MIN: i64 = 60_000;

pub(crate) const SEPARATOR: char = '@';

/// The number of a segment: ascending with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentId(i64);

/// The segments of one store.
pub(crate) struct Segments {
    store: String,
    backend: SharedBackend,
    interval_ms: i64,
    tables: BTreeMap<SegmentId, Table>,
}

impl Segments {
    /// The segments that the backend has.
    pub(crate) fn open(store: &str, backend: &SharedBackend, retention_ms: i64) -> Result<Self> {
        let interval_ms = (retention_ms / 2).max(INTERVAL_MS_MIN);
        let mut segments = Self {
            store: store.to_owned(),
            backend: SharedBackend::clone(backend),
            interval_ms,
            tables: BTreeMap::new(),
        };
        let names = backend.borrow().table_names();
        for name in names {
            let Some((owner, start)) = name.split_once(SEPARATOR) else { continue };
            if owner != store {
                continue;
            }
            let start = start.parse().map_err(|_| {
                Error::new(Kind::Corrupt, format!("the table {name:?} is not a segment of a window store"))
            })?;
            segments.check(&name, start)?;
            let table = backend.borrow_mut().table(&name)?;
            segments.tables.insert(segments.id(Timestamp(start)), table);
        }
        Ok(segments)
    }

    /// The segment that a window start falls in.
    #[inline]
    pub(crate) fn id(&self, start: Timestamp) -> SegmentId {
        SegmentId(start.millis() / self.interval_ms)
    }

    /// The table of a segment, if anything was ever stored in it.
    #[inline]
    pub(crate) fn table(&self, id: SegmentId) -> Option<Table> {
        self.tables.get(&id).copied()
    }

    /// The table of a segment, created where it is absent.
    pub(crate) fn make_table(&mut self, id: SegmentId) -> Result<Table> {
        if let Some(table) = self.table(id) {
            return Ok(table);
        }
        let name = format!("{}{SEPARATOR}{}", self.store, id.0 * self.interval_ms);
        let table = self.backend.borrow_mut().table(&name)?;
        self.tables.insert(id, table);
        Ok(table)
    }

    /// The segments from `first` to `last`, both inclusive, ascending.
    pub(crate) fn between(
        &self,
        first: SegmentId,
        last: SegmentId,
    ) -> impl DoubleEndedIterator<Item = (SegmentId, Table)> + '_ {
        let range = (first <= last).then(|| self.tables.range(first..=last));
        range.into_iter().flatten().map(|(id, table)| (*id, *table))
    }

    /// Drops the segments before `first`, with all their rows.
    pub(crate) fn drop_before(&mut self, first: SegmentId) -> Result<()> {
        while let Some((id, table)) = self.tables.first_key_value()
            && *id < first
        {
            self.backend.borrow_mut().drop_table(*table)?;
            let id = *id;
            self.tables.remove(&id);
        }
        Ok(())
    }

    /// Segments of another length cannot be read: rows would be looked for in the wrong one.
    fn check(&self, name: &str, start: i64) -> Result<()> {
        if start % self.interval_ms == 0 {
            return Ok(());
        }
        let why = format!(
            "the table {name:?} is not a segment of {} ms: the retention of the store was changed; delete the task's \
             folder, and the store is restored from its changelog",
            self.interval_ms
        );
        Err(Error::new(Kind::Corrupt, why))
    }
}
