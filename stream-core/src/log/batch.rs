//! The records of one poll, or of one run on its way out: their bytes lie one behind the other in an arena that is reused.

use std::ops::Range;

use crate::record::{Headers, RawRecord, Timestamp};

/// Raw records of one poll: bytes in one arena, reused from poll to poll.
#[derive(Debug, Default)]
pub struct Batch {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    headers: Vec<Headers>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    source: u32,
    offset: i64,
    timestamp: Timestamp,
    start: usize,
    /// −1: null.
    key_len: i32,
    /// −1: null.
    value_len: i32,
    /// Index into `headers`, or `u32::MAX`.
    headers: u32,
}

static NO_HEADERS: Headers = Headers::EMPTY;

impl Batch {
    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
        self.headers.clear();
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys and values.
    pub fn size_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Adds a record of the partition that was assigned as number `source`.
    pub fn push(&mut self, source: usize, record: RawRecord<'_>) {
        let start = self.arena.len();
        self.arena.extend_from_slice(record.key.unwrap_or_default());
        self.arena.extend_from_slice(record.value.unwrap_or_default());
        let headers = if record.headers.is_empty() {
            u32::MAX
        } else {
            self.headers.push(record.headers.clone());
            length(self.headers.len()) as u32 - 1
        };
        self.entries.push(Entry {
            source: length(source) as u32,
            offset: record.offset,
            timestamp: record.timestamp,
            start,
            key_len: record.key.map_or(-1, |key| length(key.len())),
            value_len: record.value.map_or(-1, |value| length(value.len())),
            headers,
        });
    }

    /// The record at `index` and the number of its partition in the assignment.
    ///
    /// # Panics
    /// Never for `index < len()`.
    pub fn get(&self, index: usize) -> (usize, RawRecord<'_>) {
        let entry = &self.entries[index];
        let key_end = entry.start + entry.key_len.max(0) as usize;
        let value_end = key_end + entry.value_len.max(0) as usize;
        let record = RawRecord {
            offset: entry.offset,
            timestamp: entry.timestamp,
            key: (entry.key_len >= 0).then(|| &self.arena[entry.start..key_end]),
            value: (entry.value_len >= 0).then(|| &self.arena[key_end..value_end]),
            headers: self.headers.get(entry.headers as usize).unwrap_or(&NO_HEADERS),
        };
        (entry.source as usize, record)
    }

    /// Adds the records `range` of `from` as of partition number `source`: one copy of their bytes.
    pub(crate) fn extend_from(&mut self, source: u32, from: &Self, range: Range<usize>) {
        let entries = &from.entries[range];
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
        let (base, start) = (self.arena.len(), first.start);
        self.arena.extend_from_slice(&from.arena[start..last.end()]);
        let headers = &mut self.headers;
        self.entries.extend(entries.iter().map(|entry| {
            let mut copy = Entry { source, start: base + (entry.start - start), ..*entry };
            if let Some(kept) = from.headers.get(entry.headers as usize) {
                copy.headers = length(headers.len()) as u32;
                headers.push(kept.clone());
            }
            copy
        }));
    }

    /// Gives the records from index `from` on consecutive offsets.
    pub(crate) fn number(&mut self, from: usize, first_offset: i64) {
        for (entry, offset) in self.entries[from..].iter_mut().zip(first_offset..) {
            entry.offset = offset;
        }
    }

    /// The index of the first record at or behind `offset` in a batch of one partition; `len()` where there is none.
    pub(crate) fn index_of(&self, offset: i64) -> usize {
        self.entries.partition_point(|entry| entry.offset < offset)
    }

    /// Offset, timestamp and source number of the record at `index`.
    pub(crate) fn position_of(&self, index: usize) -> (i64, Timestamp, u32) {
        let entry = &self.entries[index];
        (entry.offset, entry.timestamp, entry.source)
    }
}

impl Entry {
    fn end(&self) -> usize {
        self.start + self.key_len.max(0) as usize + self.value_len.max(0) as usize
    }
}

fn length(len: usize) -> i32 {
    i32::try_from(len).expect("a log's record is shorter than 2 GiB")
}
