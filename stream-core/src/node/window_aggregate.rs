//! Aggregations in time windows: a point update for each window that a record falls into and that is not closed.

use std::cell::RefCell;
use std::rc::Rc;

use state_store::{Drained, Stamped, Updated, Window, WindowStore, Windowed};

use crate::Result;
use crate::node::aggregate::{Begin, forward_drained, stamped};
use crate::node::nulls::Nulls;
use crate::node::windows::WindowSpans;
use crate::node::{Node, Outlet, Push};
use crate::record::{Change, Data, Record, Timestamp};
use crate::task::context::TaskContext;

/// Windowed count, reduce and aggregate. `step` makes the new aggregate of key, value and the old one.
pub(crate) struct WindowAggregate<K, A, F> {
    pub(crate) store: Rc<RefCell<WindowStore<K, A>>>,
    /// Records without a key are dropped; a null value goes to `step`.
    pub(crate) keys: Nulls<K>,
    pub(crate) windows: WindowSpans,
    pub(crate) step: F,
    /// Where changes carry old values: what stands for one that is absent. Kafka Streams takes the initial aggregate
    /// there, unless the store caches.
    pub(crate) old: Option<Begin<A>>,
    pub(crate) outlet: Outlet<Windowed<K>, Change<A>>,
    /// The highest timestamp seen: windows whose end lies the grace period before it are closed.
    pub(crate) stream_time: Timestamp,
    /// Reused from flush to flush.
    pub(crate) drained: Vec<Drained<Windowed<K>, A>>,
}

impl<K, V, A, F> Push<K, V> for WindowAggregate<K, A, F>
where
    K: Data,
    V: Data,
    A: Data,
    F: Fn(&K, &V, Option<A>) -> Option<A>,
{
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        if self.keys.is_null(&key) {
            task.drop_record();
            return Ok(());
        }
        self.stream_time = self.stream_time.max(timestamp);
        let closed = self.stream_time.millis() - self.windows.grace;
        let step = &self.step;
        for start in self.windows.starts(timestamp) {
            let end = start + self.windows.size;
            if end <= closed {
                task.drop_record();
                continue;
            }
            let start = Timestamp(start);
            let mut latest = timestamp;
            let updated = self.store.borrow_mut().update(&key, start, &headers, task, |old| {
                let old = old.map(|old| {
                    latest = latest.max(old.timestamp);
                    old.value
                });
                stamped(step(&key, &value, old), latest, timestamp)
            })?;
            match updated {
                Some(Updated::Deferred) => {}
                Some(Updated::Now(Stamped { mut value, .. })) => {
                    if value.old.is_none() {
                        value.old = self.old.as_ref().and_then(|begin| begin());
                    }
                    let window = Window { start, end: Timestamp(end) };
                    let key = Windowed { key: key.clone(), window };
                    let record = Record { key, value, timestamp: latest, headers: headers.clone() };
                    self.outlet.forward(record, task)?;
                }
                None => task.drop_record(),
            }
        }
        Ok(())
    }
}

impl<K: Data, A: Data, F> Node for WindowAggregate<K, A, F> {
    fn flush(&mut self, task: &mut TaskContext) -> Result<()> {
        self.store.borrow_mut().drain(task, &mut self.drained)?;
        forward_drained(&mut self.drained, &self.outlet, task)
    }

    fn observed_stream_time(&self) -> Option<Timestamp> {
        Some(self.stream_time)
    }

    fn resume_stream_time(&mut self, time: Timestamp) {
        self.stream_time = self.stream_time.max(time);
    }
}
