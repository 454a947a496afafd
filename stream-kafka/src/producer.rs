//! Writing: idempotent, each partition in the order of its records, the queue bounded in kilobytes.

use std::time::Duration;

use stream_core::log::{Batch, Group, Offsets, OutTopic, Outgoing, Producer};
use stream_core::record::RawRecord;
use stream_core::{Error, Kind, Result};

use crate::error::{code, kind_of};
use crate::ffi::writer::{Refused, TopicNumber, Undelivered, Writer};
use crate::staging::{Due, LaneNumber, Staging};
use crate::wire::cluster::Cluster;
use crate::wire::deadline::Deadline;

/// A full queue is pushed for that long before it is tried again.
const FULL_WAIT: Duration = Duration::from_millis(5);
/// A flush waits in steps of this: a failure that was told keeps the queue from being empty until it is taken.
const FLUSH_STEP: Duration = Duration::from_millis(50);

pub(crate) struct KafkaProducer {
    writer: Writer,
    cluster: Cluster,
    topics: Vec<Topic>,
    staging: Staging,
    failure: Option<Failure>,
    /// No flush and no full queue lasts longer: every record is acknowledged or given up by then.
    patience: Duration,
}

struct Topic {
    name: String,
    number: TopicNumber,
    partitions: i32,
}

/// The first record that failed since the last flush.
#[derive(Clone)]
struct Failure {
    kind: Kind,
    message: String,
}

impl Failure {
    fn error(&self) -> Error {
        Error::new(self.kind, self.message.clone())
    }
}

impl KafkaProducer {
    /// A producer whose records are given up before `patience` is over.
    pub(crate) fn new(writer: Writer, cluster: Cluster, patience: Duration) -> Self {
        Self { writer, cluster, topics: Vec::new(), staging: Staging::default(), failure: None, patience }
    }

    /// Takes failures that were told since the last look.
    fn look(&mut self) -> Result<()> {
        let failure = &mut self.failure;
        self.writer.failures(|record| {
            failure.get_or_insert_with(|| undelivered(&record));
        });
        match &self.failure {
            Some(failure) => Err(failure.error()),
            None => Ok(()),
        }
    }

    /// Gives a lane's records to librdkafka.
    fn hand_over_lane(&mut self, number: LaneNumber) -> Result<()> {
        self.look()?;
        let records = self.staging.take(number);
        let handed = self.enqueue_all(number, &records);
        self.staging.give_back(number, records);
        if let Err(error) = &handed {
            // What was left of the lane is lost: nothing passes a flush before that is told.
            self.failure.get_or_insert_with(|| Failure { kind: error.kind(), message: error.message().to_owned() });
        }
        handed
    }

    fn enqueue_all(&mut self, number: LaneNumber, records: &Batch) -> Result<()> {
        for index in 0..records.len() {
            let (_, record) = records.get(index);
            match self.enqueue(number, &record) {
                Ok(()) => {}
                Err(Refused::Full) => self.enqueue_when_there_is_room(number, &record)?,
                Err(Refused::Failed(code, why)) => return Err(self.refused(number, code, &why)),
            }
        }
        Ok(())
    }

    /// Sends into a queue that is full, for as long as records may take.
    #[cold]
    fn enqueue_when_there_is_room(&mut self, number: LaneNumber, record: &RawRecord<'_>) -> Result<()> {
        let deadline = Deadline::after(self.patience);
        loop {
            self.writer.push(FULL_WAIT);
            self.look()?;
            match self.enqueue(number, record) {
                Err(Refused::Full) if deadline.is_over() => {
                    let message = format!(
                        "the producer's queue has been full for {:?}, with {} records that no broker has taken",
                        deadline.limit(),
                        self.writer.outstanding()
                    );
                    return Err(Error::new(Kind::Retry, message));
                }
                Err(Refused::Full) => {}
                Err(Refused::Failed(code, why)) => return Err(self.refused(number, code, &why)),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn enqueue(&mut self, number: LaneNumber, record: &RawRecord<'_>) -> std::result::Result<(), Refused> {
        let topic = self.topics[number.topic].number;
        let partition = i32::try_from(number.partition).expect("a topic's partitions are counted in 32 bits");
        self.writer.send(topic, partition, record.key, record.value, record.timestamp.millis(), record.headers)
    }

    #[cold]
    fn refused(&self, number: LaneNumber, code: i32, why: &str) -> Error {
        let place = format!("{}-{}", self.topics[number.topic].name, number.partition);
        match self.writer.fatal() {
            Some(fatal) => Error::new(Kind::Fatal, format!("the producer is of no use any more: {fatal}")),
            None => Error::new(kind_of(code), format!("a record for {place} is refused: {why}")),
        }
    }

    /// Refuses what would be written wrongly or never.
    fn check(&self, record: &Outgoing<'_>) -> Result<LaneNumber> {
        let Some(topic) = self.topics.get(record.topic.0 as usize) else {
            let number = record.topic.0;
            let message = format!("this producer has not numbered a topic {number}; ask it for one first");
            return Err(Error::new(Kind::Invalid, message));
        };
        let why = if record.partition < 0 || record.partition >= topic.partitions {
            format!("the topic has {} partitions", topic.partitions)
        } else if record.timestamp.millis() < 0 {
            format!("its timestamp {} is negative", record.timestamp)
        } else {
            return Ok(LaneNumber { topic: record.topic.0 as usize, partition: record.partition as usize });
        };
        let place = format!("{}-{}", topic.name, record.partition);
        Err(Error::new(Kind::Invalid, format!("a record for {place} is refused: {why}")))
    }
}

impl Producer for KafkaProducer {
    fn topic(&mut self, topic: &str) -> Result<(OutTopic, i32)> {
        let known = self.topics.iter().position(|known| known.name == topic);
        let index = match known {
            Some(index) => index,
            None => {
                let partitions = count_partitions(&mut self.cluster, topic)?;
                let number = self.writer.topic(topic, partitions)?;
                self.topics.push(Topic { name: topic.to_owned(), number, partitions });
                self.staging.add_topic(partitions);
                self.topics.len() - 1
            }
        };
        let number = u32::try_from(index).expect("a producer has fewer topics than that");
        Ok((OutTopic(number), self.topics[index].partitions))
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<()> {
        let number = self.check(&record)?;
        if let Some(failure) = &self.failure {
            return Err(failure.error());
        }
        match self.staging.push(number, &record) {
            Due::Nothing => Ok(()),
            Due::Lane(number) => self.hand_over_lane(number),
            Due::All => self.hand_over(),
        }
    }

    fn hand_over(&mut self) -> Result<()> {
        while let Some(number) = self.staging.next_filled() {
            self.hand_over_lane(number)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let deadline = Deadline::after(self.patience);
        // A failure is told below, when it is known of every record what has become of it.
        let mut failed = self.hand_over();
        loop {
            self.writer.push(FLUSH_STEP.min(deadline.remaining()));
            let looked = self.look();
            failed = failed.and(looked);
            let outstanding = self.writer.outstanding();
            if outstanding == 0 {
                if failed.is_err() {
                    // Nothing that was sent before the failure is told may be written after it.
                    self.staging.clear();
                    self.failure = None;
                }
                return failed;
            }
            if deadline.is_over() {
                let waited = deadline.limit();
                let message = format!("{outstanding} records are not acknowledged after {waited:?}");
                return Err(Error::new(Kind::Retry, message));
            }
        }
    }

    fn acknowledged(&mut self, topic: OutTopic, partition: i32) -> Option<i64> {
        self.writer.acknowledged(self.topics.get(topic.0 as usize)?.number, partition)
    }

    fn begin(&mut self) -> Result<()> {
        Err(no_transactions())
    }

    fn commit(&mut self, _offsets: &Offsets, _group: &dyn Group) -> Result<()> {
        Err(no_transactions())
    }

    fn abort(&mut self) -> Result<()> {
        Err(no_transactions())
    }
}

#[cold]
fn no_transactions() -> Error {
    Error::new(Kind::Invalid, "a producer without a transactional id has no transactions; make it with one")
}

fn undelivered(record: &Undelivered) -> Failure {
    let Undelivered { topic, partition, code, why } = record;
    Failure { kind: kind_of(*code), message: format!("a record for {topic}-{partition} was not written: {why}") }
}

fn count_partitions(cluster: &mut Cluster, topic: &str) -> Result<i32> {
    let mut deadline = cluster.deadline();
    loop {
        let answer = cluster.topics(&[topic], &mut deadline)?;
        let failed = answer.first().map_or(code::UNKNOWN_TOPIC_OR_PARTITION, |topic| topic.error_code);
        if failed == code::NONE {
            let count = answer.first().map_or(0, |topic| topic.partitions.len());
            return Ok(i32::try_from(count).expect("a topic's partitions are counted in 32 bits"));
        }
        let error = match failed {
            code::UNKNOWN_TOPIC_OR_PARTITION => Error::new(Kind::Invalid, format!("there is no topic {topic:?}")),
            failed => crate::error::answered(failed, format_args!("failed to describe topic {topic:?}")),
        };
        if error.kind() != Kind::Retry || !deadline.pause() {
            return Err(error);
        }
    }
}
