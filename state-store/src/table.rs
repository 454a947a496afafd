//! The write-back table: rows by encoded key, values decoded, each in one of three lists.
//!
//! ```text
//! load ─▶ Clean ─ update ─▶ Changed ─ drain ─▶ Logged ─ write, apply ─▶ Clean ─ shrink ─▶ gone
//!           ▲ least recently      ▲ order of the          what the next
//!             used first            last update           batch writes
//! ```
//! It knows bytes and lists alone: what a change means, and when it is logged, stands in [`logged`](crate::logged).
//! A hit is a hash, a lookup and the turn of four links; nothing is allocated.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Bound;
use std::rc::Rc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::backend::KeyRange;
use crate::{Headers, Stamped, Timestamp};

/// A row's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// No slot: the end of a list.
const NONE: u32 = u32::MAX;

/// What is known of a row beyond its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As the backend has it.
    Clean,
    /// Updated and not yet logged.
    Changed,
    /// Logged and not yet stored.
    Logged,
}

/// What a changed row held when it was last drained.
#[derive(Clone, Debug)]
pub(crate) enum Base<V> {
    /// It was put without a look: the backend knows.
    Unread,
    /// Nothing.
    Absent,
    /// A value that nobody asks for.
    Present,
    /// This value, for updates that carry the old one.
    Value(V),
}

/// A row.
pub(crate) struct Row<V> {
    pub(crate) key: Rc<[u8]>,
    /// `None`: there is none, which is worth knowing as well.
    pub(crate) value: Option<V>,
    pub(crate) timestamp: Timestamp,
    /// Of the record that updated the row last; kept only while the update waits for a drain.
    pub(crate) headers: Headers,
    pub(crate) base: Base<V>,
    pub(crate) state: State,
    hash: u64,
    /// Bytes of the encoded value: what its heap is taken to be.
    value_bytes: u32,
    previous: u32,
    next: u32,
}

/// The two ends of a list of rows.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

/// Rows that are held decoded.
pub(crate) struct WriteBackTable<V> {
    hasher: DefaultHashBuilder,
    index: HashTable<u32>,
    rows: Vec<Option<Row<V>>>,
    free: Vec<u32>,
    /// By `State`.
    lists: [List; 3],
    /// Rows that are not clean, by key: made when a range is first asked for, gone when they are stored.
    ordered: Option<BTreeMap<Rc<[u8]>, Slot>>,
    bytes: usize,
    dirty_bytes: usize,
}

impl<V> Default for WriteBackTable<V> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            index: HashTable::new(),
            rows: Vec::new(),
            free: Vec::new(),
            lists: [List { first: NONE, last: NONE }; 3],
            ordered: None,
            bytes: 0,
            dirty_bytes: 0,
        }
    }
}

impl<V> WriteBackTable<V> {
    /// The row of `key`, now the most recently used of the clean ones if it is clean.
    #[inline]
    pub(crate) fn find(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = self.peek(key)?;
        if self.row(slot).state == State::Clean {
            self.move_to_back(slot, State::Clean);
        }
        Some(slot)
    }

    #[inline]
    fn peek(&self, key: &[u8]) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |slot| *self.row(Slot(*slot)).key == *key).map(|slot| Slot(*slot))
    }

    #[inline]
    pub(crate) fn row(&self, slot: Slot) -> &Row<V> {
        self.rows[slot.0 as usize].as_ref().expect("slots of rows are not free")
    }

    #[inline]
    pub(crate) fn row_mut(&mut self, slot: Slot) -> &mut Row<V> {
        self.rows[slot.0 as usize].as_mut().expect("slots of rows are not free")
    }

    /// Adds a clean row for a key that has none; `value_bytes` is the length of its encoded value.
    pub(crate) fn insert(&mut self, key: &[u8], value: Option<Stamped<V>>, value_bytes: usize) -> Slot {
        let hash = self.hasher.hash_one(key);
        let (value, timestamp) = value.map_or((None, Timestamp::NONE), |value| (Some(value.value), value.timestamp));
        let row = Row {
            key: Rc::from(key),
            value,
            timestamp,
            headers: Headers::EMPTY,
            base: Base::Unread,
            state: State::Clean,
            hash,
            value_bytes: clamp(value_bytes),
            previous: NONE,
            next: NONE,
        };
        self.bytes += cost(&row);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.rows[slot as usize] = Some(row);
                slot
            }
            None => {
                self.rows.push(Some(row));
                u32::try_from(self.rows.len() - 1).expect("a table of fewer than 2^32 rows fits in memory")
            }
        };
        let rows = &self.rows;
        self.index.insert_unique(hash, slot, |slot| rows[*slot as usize].as_ref().map_or(0, |row| row.hash));
        self.link(slot, State::Clean);
        Slot(slot)
    }

    /// Moves the row to the back of a state's list.
    #[inline]
    pub(crate) fn move_to_back(&mut self, slot: Slot, state: State) {
        let before = self.row(slot).state;
        if before == state && self.lists[state as usize].last == slot.0 {
            return;
        }
        self.unlink(slot.0);
        if (before == State::Clean) != (state == State::Clean) {
            self.cross(slot, state);
        }
        self.link(slot.0, state);
    }

    /// The row at the front of a state's list.
    pub(crate) fn first(&self, state: State) -> Option<Slot> {
        let first = self.lists[state as usize].first;
        (first != NONE).then_some(Slot(first))
    }

    /// The row behind `slot` in its list.
    pub(crate) fn next(&self, slot: Slot) -> Option<Slot> {
        let next = self.row(slot).next;
        (next != NONE).then_some(Slot(next))
    }

    /// Takes note of how long the row's encoded value is.
    pub(crate) fn resize(&mut self, slot: Slot, value_bytes: usize) {
        let row = self.rows[slot.0 as usize].as_mut().expect("slots of rows are not free");
        let before = cost(row);
        row.value_bytes = clamp(value_bytes);
        let after = cost(row);
        self.bytes = self.bytes + after - before;
        if row.state != State::Clean {
            self.dirty_bytes = self.dirty_bytes + after - before;
        }
    }

    /// Forgets a row.
    pub(crate) fn remove(&mut self, slot: Slot) {
        if self.row(slot).state != State::Clean {
            self.cross(slot, State::Clean);
        }
        self.unlink(slot.0);
        let row = self.rows[slot.0 as usize].take().expect("slots of rows are not free");
        self.bytes -= cost(&row);
        if let Ok(found) = self.index.find_entry(row.hash, |other| *other == slot.0) {
            found.remove();
        }
        self.free.push(slot.0);
    }

    /// Forgets the row of `key`, if there is one.
    pub(crate) fn forget(&mut self, key: &[u8]) {
        if let Some(slot) = self.peek(key) {
            self.remove(slot);
        }
    }

    /// Forgets clean rows, least recently used first, until at most `limit` bytes are held.
    pub(crate) fn shrink(&mut self, limit: usize) {
        while self.bytes > limit
            && let Some(slot) = self.first(State::Clean)
        {
            self.remove(slot);
        }
    }

    /// Bytes of all rows.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of the rows that are not clean.
    pub(crate) fn dirty_bytes(&self) -> usize {
        self.dirty_bytes
    }

    /// The rows that are not clean within `range`, in ascending order of their keys.
    pub(crate) fn dirty_range(&mut self, range: &KeyRange) -> Vec<Slot> {
        if self.ordered.is_none() {
            self.ordered = Some(self.order());
        }
        let start = range.start.as_deref().map_or(Bound::Unbounded, Bound::Included);
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if let (Bound::Included(start), Bound::Excluded(end)) = (start, end)
            && start >= end
        {
            return Vec::new();
        }
        let ordered = self.ordered.as_ref().expect("made above");
        ordered.range::<[u8], _>((start, end)).map(|(_, slot)| *slot).collect()
    }

    fn order(&self) -> BTreeMap<Rc<[u8]>, Slot> {
        let mut ordered = BTreeMap::new();
        for state in [State::Changed, State::Logged] {
            let mut at = self.first(state);
            while let Some(slot) = at {
                ordered.insert(Rc::clone(&self.row(slot).key), slot);
                at = self.next(slot);
            }
        }
        ordered
    }

    /// A row stops being clean, or becomes it: the counts and the order follow.
    #[cold]
    fn cross(&mut self, slot: Slot, to: State) {
        let row = self.rows[slot.0 as usize].as_ref().expect("slots of rows are not free");
        if to == State::Clean {
            self.dirty_bytes -= cost(row);
            if let Some(ordered) = &mut self.ordered {
                ordered.remove(&row.key);
            }
            if self.dirty_bytes == 0 {
                // Most stores are never asked for a range; those that are make the order anew after each commit.
                self.ordered = None;
            }
        } else {
            self.dirty_bytes += cost(row);
            if let Some(ordered) = &mut self.ordered {
                ordered.insert(Rc::clone(&row.key), slot);
            }
        }
    }

    #[inline]
    fn link(&mut self, slot: u32, state: State) {
        let list = &mut self.lists[state as usize];
        let last = list.last;
        list.last = slot;
        if last == NONE {
            list.first = slot;
        } else {
            self.row_mut(Slot(last)).next = slot;
        }
        let row = self.row_mut(Slot(slot));
        (row.state, row.previous, row.next) = (state, last, NONE);
    }

    #[inline]
    fn unlink(&mut self, slot: u32) {
        let row = self.row(Slot(slot));
        let (state, previous, next) = (row.state, row.previous, row.next);
        match previous {
            NONE => self.lists[state as usize].first = next,
            previous => self.row_mut(Slot(previous)).next = next,
        }
        match next {
            NONE => self.lists[state as usize].last = previous,
            next => self.row_mut(Slot(next)).previous = previous,
        }
    }
}

/// What a row holds: itself, its key, its place in the index, and its value, taken to be as long as when encoded.
fn cost<V>(row: &Row<V>) -> usize {
    const KEY_AND_INDEX_BYTES: usize = 16 + 8;
    size_of::<Option<Row<V>>>() + KEY_AND_INDEX_BYTES + row.key.len() + row.value_bytes as usize
}

fn clamp(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(table: &WriteBackTable<i64>, state: State) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let mut at = table.first(state);
        while let Some(slot) = at {
            keys.push(table.row(slot).key.to_vec());
            at = table.next(slot);
        }
        keys
    }

    fn add(table: &mut WriteBackTable<i64>, key: &[u8]) -> Slot {
        table.insert(key, Some(Stamped { value: 1, timestamp: Timestamp(1) }), 8)
    }

    #[test]
    fn changed_rows_stand_in_the_order_of_their_last_update() {
        let mut table = WriteBackTable::default();
        for key in [b"a", b"b", b"c"] {
            let slot = add(&mut table, key);
            table.move_to_back(slot, State::Changed);
        }
        let slot = table.find(b"a").expect("is there");
        table.move_to_back(slot, State::Changed);
        assert_eq!(keys(&table, State::Changed), [b"b", b"c", b"a"]);
        let slot = table.find(b"c").expect("is there");
        table.remove(slot);
        assert_eq!(keys(&table, State::Changed), [b"b", b"a"]);
        assert_eq!(table.find(b"c"), None);
    }

    #[test]
    fn shrinking_forgets_the_least_recently_used_and_no_changed_row() {
        let mut table = WriteBackTable::default();
        for key in [b"a", b"b", b"c", b"d"] {
            add(&mut table, key);
        }
        let one = table.bytes() / 4;
        table.find(b"a").expect("is there");
        let changed = table.find(b"b").expect("is there");
        table.move_to_back(changed, State::Changed);
        table.shrink(2 * one);
        assert_eq!(
            (keys(&table, State::Clean), keys(&table, State::Changed)),
            (vec![b"a".to_vec()], vec![b"b".to_vec()])
        );
        table.shrink(0);
        assert_eq!((table.bytes(), table.dirty_bytes()), (one, one));
        table.remove(changed);
        assert_eq!((table.bytes(), table.dirty_bytes()), (0, 0));
    }

    #[test]
    fn a_range_sees_rows_that_change_after_it_was_first_asked_for() {
        let mut table = WriteBackTable::default();
        let (a, c) = (add(&mut table, b"a"), add(&mut table, b"c"));
        table.move_to_back(c, State::Changed);
        assert_eq!(table.dirty_range(&KeyRange::default()), [c]);
        table.move_to_back(a, State::Logged);
        assert_eq!(table.dirty_range(&KeyRange::default()), [a, c]);
        assert_eq!(table.dirty_range(&KeyRange { start: None, end: Some(b"b".to_vec()) }), [a]);
        assert_eq!(table.dirty_range(&KeyRange { start: Some(b"z".to_vec()), end: Some(b"b".to_vec()) }), []);
        table.move_to_back(c, State::Clean);
        assert_eq!(table.dirty_range(&KeyRange::default()), [a]);
    }

    #[test]
    fn slots_are_used_again() {
        let mut table = WriteBackTable::default();
        for round in 0..100_i64 {
            let slot = add(&mut table, &round.to_be_bytes());
            table.remove(slot);
        }
        assert_eq!(table.rows.len(), 1);
    }
}
