//! A task's part in a commit: flush → the outputs are in the log → the offsets → the rows.
//!
//! ```text
//! flush        caches drain: downstream and changelogs see what was held back
//! offsets      of each source partition the next record to process, with its partition time
//! commit_state rows, changelog positions and stream times in one batch a backend
//! ```
//! What happens between the second and the third is the thread's: see [`commit`](crate::runtime).

use std::collections::BTreeMap;

use crate::Result;
use crate::log::{CommittedOffset, OutTopic};
use crate::record::{Timestamp, TopicPartition};
use crate::task::Task;
use crate::task::offset_metadata::OffsetMetadata;

impl Task {
    /// The next record to process of the source partition numbered `queue`. `position` is the offset that the consumer
    /// reads next: where nothing waits, it lies behind gaps that the last record processed does not know of.
    pub(crate) fn next_offset(&self, queue: usize, position: i64) -> i64 {
        self.queues.list[queue].head_offset().unwrap_or(position)
    }

    /// What is kept beside a committed offset of that partition.
    pub(crate) fn offset_metadata(&self, queue: usize) -> String {
        let partition_time = self.queues.list[queue].partition_time;
        OffsetMetadata { partition_time, numbers: self.stream_times() }.encode()
    }

    /// Stream times of the nodes that keep one.
    fn stream_times(&self) -> BTreeMap<String, i64> {
        let times = self.nodes.iter().filter_map(|(id, node)| {
            let time = node.borrow().observed_stream_time().filter(|time| *time > Timestamp::NONE)?;
            Some((self.context.node_name(*id).to_owned(), time.millis()))
        });
        times.collect()
    }

    /// Goes on from what was committed of the source partitions: their times, and those of the nodes. Called once, before
    /// `init`.
    pub(crate) fn resume_from(&mut self, committed: &BTreeMap<TopicPartition, CommittedOffset>) {
        let mut times: BTreeMap<String, i64> = BTreeMap::new();
        for queue in 0..self.queues.list.len() {
            let Some(committed) = committed.get(&self.queues.list[queue].source) else { continue };
            let metadata = OffsetMetadata::decode(&committed.metadata);
            self.resume(queue, metadata.partition_time);
            for (name, time) in metadata.numbers {
                let known = times.entry(name).or_insert(time);
                *known = time.max(*known);
            }
        }
        for (id, node) in &self.nodes {
            if let Some(time) = times.get(self.context.node_name(*id)) {
                node.borrow_mut().resume_stream_time(Timestamp(*time));
            }
        }
    }

    /// Applies what the stores changed since the last commit, with the positions in their changelogs, one batch per
    /// backend. `acknowledged` tells how far the producer's records of a partition are in the log.
    ///
    /// # Errors
    /// `Kind::Record` where a value cannot be encoded, `Kind::Fatal` where a backend refuses: nothing is known about the
    /// batch then, and the task must be closed.
    pub(crate) fn commit_state(&mut self, acknowledged: impl FnMut(OutTopic, i32) -> Option<i64>) -> Result<()> {
        self.changelogs.advance(self.context.id().partition, acknowledged);
        let changelogs = &self.changelogs;
        self.stores.commit(|disk, memory| changelogs.put_all(disk, memory))?;
        self.commit_needed = false;
        Ok(())
    }
}
