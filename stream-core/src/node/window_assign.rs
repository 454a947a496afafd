//! Windows without state: a record once for each window it falls into, under its windowed key.

use state_store::{Window, Windowed};

use crate::Result;
use crate::node::nulls::Nulls;
use crate::node::windows::WindowSpans;
use crate::node::{Node, Outlet, Push};
use crate::record::{Data, Record, Timestamp};
use crate::task::context::TaskContext;

/// Forwards records by window. Late ones are dropped as an aggregation would drop them.
pub(crate) struct WindowAssign<K, V> {
    /// Records without a key are dropped.
    pub(crate) keys: Nulls<K>,
    pub(crate) windows: WindowSpans,
    pub(crate) outlet: Outlet<Windowed<K>, V>,
    /// The highest timestamp seen.
    pub(crate) stream_time: Timestamp,
}

impl<K: Data, V: Data> Push<K, V> for WindowAssign<K, V> {
    fn push(&mut self, record: Record<K, V>, task: &mut TaskContext) -> Result<()> {
        if self.keys.is_null(&record.key) {
            task.drop_record();
            return Ok(());
        }
        self.stream_time = self.stream_time.max(record.timestamp);
        let closed = self.stream_time.millis() - self.windows.grace;
        for start in self.windows.starts(record.timestamp) {
            let end = start + self.windows.size;
            if end <= closed {
                task.drop_record();
                continue;
            }
            let record = record.clone();
            let window = Window { start: Timestamp(start), end: Timestamp(end) };
            let key = Windowed { key: record.key, window };
            let (timestamp, headers) = (record.timestamp, record.headers);
            self.outlet.forward(Record { key, value: record.value, timestamp, headers }, task)?;
        }
        Ok(())
    }
}

impl<K, V> Node for WindowAssign<K, V> {
    fn observed_stream_time(&self) -> Option<Timestamp> {
        Some(self.stream_time)
    }

    fn resume_stream_time(&mut self, time: Timestamp) {
        self.stream_time = self.stream_time.max(time);
    }
}
