//! A range over stored and uncommitted rows of one table, merged in the order of their keys.
//!
//! A cursor holds copies of the uncommitted rows and reads the stored ones in chunks, so no borrow lives from one
//! entry to the next: the store may be read and written meanwhile, and the cursor goes on with what was there when it
//! was made. It is good until the next commit.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::rc::Rc;
use std::vec;

use crate::backend::{Direction, KeyRange, Rows, SharedBackend, Table};
use crate::codec::CodecRef;
use crate::store::Stamped;
use crate::{Result, layout};

/// Rows of the first chunk: many ranges are short, or are left early.
const FIRST_CHUNK_ROWS: usize = 16;

/// Rows of a chunk of a long range.
const CHUNK_ROWS_MAX: usize = 512;

/// A row that the backend has not.
pub(crate) struct Uncommitted<V> {
    pub(crate) key: Rc<[u8]>,
    /// `None`: deleted.
    pub(crate) value: Option<Stamped<V>>,
}

/// A merged range.
pub(crate) struct MergeCursor<V> {
    stored: Option<Stored>,
    uncommitted: Peekable<vec::IntoIter<Uncommitted<V>>>,
    values: CodecRef<V>,
    direction: Direction,
}

/// Stored rows, a chunk at a time.
struct Stored {
    backend: SharedBackend,
    table: Table,
    /// What is still to be read.
    range: KeyRange,
    chunk: Rows,
    /// The row of the chunk that comes next.
    next: usize,
    chunk_rows: usize,
    finished: bool,
}

/// Where the next entry is.
enum Next {
    End,
    Stored,
    Uncommitted,
    /// In both; the uncommitted one counts.
    Both,
}

impl<V: Clone + 'static> MergeCursor<V> {
    /// The rows of `range`; `uncommitted` are those within it, in `direction`. `table` is `None` where nothing is stored.
    pub(crate) fn new(
        backend: &SharedBackend,
        table: Option<Table>,
        range: KeyRange,
        uncommitted: Vec<Uncommitted<V>>,
        values: CodecRef<V>,
        direction: Direction,
    ) -> Self {
        let stored = table.map(|table| Stored {
            backend: Rc::clone(backend),
            table,
            range,
            chunk: Rows::default(),
            next: 0,
            chunk_rows: FIRST_CHUNK_ROWS,
            finished: false,
        });
        Self { stored, uncommitted: uncommitted.into_iter().peekable(), values, direction }
    }

    /// The next entry whose key `take` accepts, with what it makes of the key.
    pub(crate) fn next<K>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Option<Result<K>>,
    ) -> Result<Option<(K, Stamped<V>)>> {
        loop {
            let next = self.look()?;
            if matches!(next, Next::Both) {
                self.skip_stored();
            }
            match next {
                Next::End => return Ok(None),
                Next::Stored => {
                    let stored = self.stored.as_mut().expect("a stored row was seen");
                    let (key, row) = stored.chunk.get(stored.next).expect("a stored row was seen");
                    let taken = take(key);
                    stored.next += 1;
                    if let Some(key) = taken {
                        let (timestamp, bytes) = layout::split_row(row)?;
                        return Ok(Some((key?, Stamped { value: self.values.decode(bytes)?, timestamp })));
                    }
                }
                Next::Uncommitted | Next::Both => {
                    let row = self.uncommitted.next().expect("an uncommitted row was seen");
                    if let Some(value) = row.value
                        && let Some(key) = take(&row.key)
                    {
                        return Ok(Some((key?, value)));
                    }
                }
            }
        }
    }

    fn look(&mut self) -> Result<Next> {
        let stored = match &mut self.stored {
            Some(stored) => stored.peek(self.direction)?,
            None => None,
        };
        Ok(match (stored, self.uncommitted.peek()) {
            (None, None) => Next::End,
            (Some(_), None) => Next::Stored,
            (None, Some(_)) => Next::Uncommitted,
            (Some(stored), Some(uncommitted)) => {
                let order = stored.cmp(&uncommitted.key);
                match if self.direction == Direction::Forward { order } else { order.reverse() } {
                    Ordering::Less => Next::Stored,
                    Ordering::Equal => Next::Both,
                    Ordering::Greater => Next::Uncommitted,
                }
            }
        })
    }

    fn skip_stored(&mut self) {
        if let Some(stored) = &mut self.stored {
            stored.next += 1;
        }
    }
}

impl Stored {
    /// The key of the next row.
    fn peek(&mut self, direction: Direction) -> Result<Option<&[u8]>> {
        if self.next == self.chunk.len() && !self.finished {
            self.read_on(direction)?;
        }
        Ok(self.chunk.get(self.next).map(|(key, _)| key))
    }

    fn read_on(&mut self, direction: Direction) -> Result<()> {
        self.chunk.clear();
        self.next = 0;
        self.backend.borrow().scan(self.table, &self.range, direction, self.chunk_rows, &mut self.chunk)?;
        self.finished = self.chunk.len() < self.chunk_rows;
        self.chunk_rows = (self.chunk_rows * 4).min(CHUNK_ROWS_MAX);
        if let Some((last, _)) = self.chunk.len().checked_sub(1).and_then(|last| self.chunk.get(last)) {
            match direction {
                Direction::Forward => self.range.start = Some(layout::successor(last)),
                Direction::Backward => self.range.end = Some(last.to_vec()),
            }
        }
        Ok(())
    }
}
