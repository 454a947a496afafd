//! One partition: records in chunks, the offsets it holds, and which of its records belong to transactions.
//!
//! ```text
//!   start ── records with gaps ──▶ stable end ── open transactions ──▶ end
//!   │ gone before (retention,      │ read committed ends here          │ the next offset
//!   │ deletion)
//! ```
//! A chunk is a batch whose `source` numbers are the records' transactions. A transaction's marker takes an offset and
//! leaves no record.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use hashbrown::HashMap;

use super::topic::TopicConfig;
use crate::log::{Batch, Isolation};
use crate::record::Timestamp;

/// A chunk that has grown to this is followed by a new one.
const CHUNK_BYTES_MAX: usize = 1 << 20;
/// A chunk of this many records is followed by a new one.
const CHUNK_RECORDS_MAX: usize = 1 << 14;
/// A poll ends behind the chunk that reaches this.
const POLL_BYTES_MAX: usize = 4 << 20;
/// A topic is compacted by itself when it has grown by this and has doubled since the last time.
const DIRTY_BYTES_MIN: usize = 4 << 20;

/// Which transaction wrote a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TransactionNumber(pub(super) u32);

impl TransactionNumber {
    /// The record belongs to no transaction.
    pub(super) const NONE: Self = Self(0);
}

pub(super) struct Partition {
    pub(super) config: Arc<TopicConfig>,
    /// How many consumers wait for a record of this partition: a producer does not let them wait for a full batch.
    pub(super) awaited: Arc<AtomicUsize>,
    chunks: VecDeque<Chunk>,
    start: i64,
    end: i64,
    /// Open transactions and where their first records lie.
    open: BTreeMap<TransactionNumber, i64>,
    /// Aborted transactions that may still have records, and where these end.
    aborted: BTreeMap<TransactionNumber, i64>,
    bytes: usize,
    /// Bytes that the last compaction left.
    compacted_bytes: usize,
}

struct Chunk {
    records: Batch,
    newest: Timestamp,
}

/// The last of `chunks` that has room.
fn room(chunks: &mut VecDeque<Chunk>) -> &mut Chunk {
    if chunks.back().is_none_or(Chunk::is_full) {
        chunks.push_back(Chunk { records: Batch::default(), newest: Timestamp(i64::MIN) });
    }
    chunks.back_mut().expect("a chunk was added where there was none with room")
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.records.size_bytes() >= CHUNK_BYTES_MAX || self.records.len() >= CHUNK_RECORDS_MAX
    }

    fn last_offset(&self) -> i64 {
        self.records.len().checked_sub(1).map_or(-1, |last| self.records.position_of(last).0)
    }
}

impl Partition {
    pub(super) fn new(config: Arc<TopicConfig>) -> Self {
        Self {
            config,
            awaited: Arc::default(),
            chunks: VecDeque::new(),
            start: 0,
            end: 0,
            open: BTreeMap::new(),
            aborted: BTreeMap::new(),
            bytes: 0,
            compacted_bytes: 0,
        }
    }

    /// The first offset that is not gone.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// The next offset to be given.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Where a reader of that isolation must stop.
    pub(super) fn visible_end(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadUncommitted => self.end,
            Isolation::ReadCommitted => self.open.values().min().copied().unwrap_or(self.end),
        }
    }

    /// Adds `records` at the end.
    pub(super) fn append(&mut self, records: &Batch, transaction: TransactionNumber) {
        if records.is_empty() {
            return;
        }
        if self.chunks.back().is_none_or(Chunk::is_full)
            && self.config.is_compacted()
            && self.bytes >= DIRTY_BYTES_MIN.max(2 * self.compacted_bytes)
        {
            self.compact(Timestamp::NONE);
        }
        let chunk = room(&mut self.chunks);
        let first = chunk.records.len();
        chunk.records.extend_from(transaction.0, records, 0..records.len());
        chunk.records.number(first, self.end);
        for index in first..chunk.records.len() {
            chunk.newest = chunk.newest.max(chunk.records.position_of(index).1);
        }
        if transaction != TransactionNumber::NONE {
            self.open.entry(transaction).or_insert(self.end);
        }
        self.bytes += records.size_bytes();
        self.end += i64::try_from(records.len()).expect("a batch fits in memory");
    }

    /// Ends a transaction with a marker, which takes an offset.
    pub(super) fn mark_committed(&mut self, transaction: TransactionNumber) {
        self.open.remove(&transaction);
        self.end += 1;
    }

    /// Ends a transaction with a marker; its records are hidden from readers of committed ones.
    pub(super) fn mark_aborted(&mut self, transaction: TransactionNumber) {
        self.open.remove(&transaction);
        self.aborted.insert(transaction, self.end);
        self.end += 1;
    }

    /// Copies records from `position` on into `batch`, up to `records_max` in all, and says where to go on.
    pub(super) fn read(
        &self,
        position: i64,
        isolation: Isolation,
        source: u32,
        records_max: usize,
        batch: &mut Batch,
    ) -> i64 {
        let end = self.visible_end(isolation);
        let mut next = position;
        let first = self.chunks.partition_point(|chunk| chunk.last_offset() < position);
        for chunk in self.chunks.range(first..) {
            let records = &chunk.records;
            let mut from = records.index_of(position);
            let stop = records.index_of(end);
            while from < stop && batch.len() < records_max {
                let run = self.visible_run(records, from..stop, isolation);
                let room = records_max - batch.len();
                let taken = run.start..run.end.min(run.start + room);
                from = taken.end;
                batch.extend_from(source, records, taken);
            }
            if from > 0 {
                next = next.max(records.position_of(from - 1).0 + 1);
            }
            if from < stop || batch.size_bytes() >= POLL_BYTES_MAX {
                return next;
            }
            if stop < records.len() {
                break;
            }
        }
        end.max(position)
    }

    /// The first records within `range` that are not hidden, as far as they lie side by side.
    fn visible_run(&self, records: &Batch, range: Range<usize>, isolation: Isolation) -> Range<usize> {
        if isolation == Isolation::ReadUncommitted || self.aborted.is_empty() {
            return range;
        }
        let hidden = |index: usize| self.is_aborted(records, index);
        let start = range.clone().find(|index| !hidden(*index)).unwrap_or(range.end);
        let end = (start..range.end).find(|index| hidden(*index)).unwrap_or(range.end);
        start..end
    }

    fn is_aborted(&self, records: &Batch, index: usize) -> bool {
        self.aborted.contains_key(&TransactionNumber(records.position_of(index).2))
    }

    /// The offset of the first record at or behind `position` that a reader sees; its end where there is none.
    pub(super) fn next_visible(&self, position: i64, isolation: Isolation) -> i64 {
        let end = self.visible_end(isolation);
        let first = self.chunks.partition_point(|chunk| chunk.last_offset() < position);
        for chunk in self.chunks.range(first..) {
            let records = &chunk.records;
            let range = records.index_of(position)..records.index_of(end);
            let run = self.visible_run(records, range.clone(), isolation);
            if run.start < range.end {
                return records.position_of(run.start).0;
            }
        }
        end.max(position)
    }

    /// Forgets the records before `offset`.
    pub(super) fn delete_before(&mut self, offset: i64) {
        self.start = self.start.max(offset.min(self.end));
        while self.chunks.front().is_some_and(|chunk| chunk.last_offset() < self.start) {
            let gone = self.chunks.pop_front().expect("there is a first chunk");
            self.bytes -= gone.records.size_bytes();
        }
        let start = self.start;
        self.aborted.retain(|_, end| *end >= start);
    }

    /// Forgets the records at the front that are older than `oldest`, up to the first that is not.
    pub(super) fn delete_older_than(&mut self, oldest: Timestamp) {
        let mut keep_from = self.visible_end(Isolation::ReadCommitted);
        'chunks: for chunk in self.chunks.iter().filter(|chunk| chunk.newest >= oldest) {
            for index in 0..chunk.records.len() {
                let (offset, timestamp, _) = chunk.records.position_of(index);
                if offset >= self.start && timestamp >= oldest {
                    keep_from = keep_from.min(offset);
                    break 'chunks;
                }
            }
        }
        self.delete_before(keep_from);
    }

    /// Keeps the latest record of each key, and deletions younger than `oldest_tombstone`; offsets stay as they are.
    /// Nothing behind the first open transaction is touched.
    pub(super) fn compact(&mut self, oldest_tombstone: Timestamp) {
        let stable = self.visible_end(Isolation::ReadCommitted);
        let chunks = std::mem::take(&mut self.chunks);
        let latest = self.latest_offsets(&chunks, stable);
        let mut kept = VecDeque::new();
        for chunk in &chunks {
            for index in 0..chunk.records.len() {
                let (_, record) = chunk.records.get(index);
                let (offset, timestamp, transaction) = chunk.records.position_of(index);
                let is_latest = record.key.and_then(|key| latest.get(key)) == Some(&offset);
                let is_told = record.value.is_some() || timestamp >= oldest_tombstone;
                if offset >= stable || (offset >= self.start && is_latest && is_told) {
                    let copy = room(&mut kept);
                    copy.records.extend_from(transaction, &chunk.records, index..index + 1);
                    copy.newest = copy.newest.max(timestamp);
                }
            }
        }
        self.bytes = kept.iter().map(|chunk| chunk.records.size_bytes()).sum();
        self.compacted_bytes = self.bytes;
        self.aborted.retain(|_, end| *end >= stable);
        drop(latest);
        self.chunks = kept;
    }

    /// Where the latest committed record of each key lies, before `stable`.
    fn latest_offsets<'a>(&self, chunks: &'a VecDeque<Chunk>, stable: i64) -> HashMap<&'a [u8], i64> {
        let mut latest = HashMap::new();
        for chunk in chunks {
            for index in 0..chunk.records.index_of(stable) {
                let (_, record) = chunk.records.get(index);
                if let Some(key) = record.key.filter(|_| !self.is_aborted(&chunk.records, index)) {
                    latest.insert(key, record.offset);
                }
            }
        }
        latest
    }
}
