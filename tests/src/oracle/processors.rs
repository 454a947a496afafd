//! The named processors of the case files, each as a [`Processor`] and as a [`FixedKeyProcessor`].

use std::marker::PhantomData;
use std::time::Duration;

use state_store::Stamped;
use stream_core::processor::{
    FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord, ProcessingContext, Processor, ProcessorContext, Stores,
};
use stream_core::record::{Headers, Record, Timestamp};
use stream_core::{PunctuationType, Result, TimerId};

use crate::oracle::codecs::Plain;
use crate::oracle::datum::Datum;
use crate::oracle::functions::Spec;
use crate::oracle::keys::Key;
use crate::oracle::stores::{Handle, StoreForm};
use crate::oracle::{commands, refused};

const KNOWN: &[&str] = &[
    "passthrough",
    "fail_on",
    "dedup",
    "running_count",
    "ts_running_count",
    "punctuate_stream",
    "punctuate_wall",
    "header_stamp",
    "header_remove",
    "header_dump",
    "ctx_info",
    "route",
    "fan_out",
    "shift_ts",
    "kv_cmd",
    "window_cmd",
    "table_read",
    "table_dump",
];

/// Whether the processor `text` is known.
pub fn is_known(text: &str) -> bool {
    KNOWN.contains(&Spec::parse(text).name.as_str())
}

/// The kind of the values that the processor `text` makes of values of `kind`.
pub fn kind_out(text: &str, kind: Plain) -> Plain {
    match Spec::parse(text).name.as_str() {
        "running_count" | "ts_running_count" => Plain::Long,
        "passthrough" | "header_stamp" | "header_remove" | "route" | "shift_ts" | "dedup" | "fail_on" => kind,
        _ => Plain::Str,
    }
}

/// What a processor is made from in each task.
#[derive(Clone)]
pub struct Program {
    spec: Spec,
    stores: Vec<(String, StoreForm)>,
}

impl Program {
    /// The processor `text` over `stores`.
    pub fn new(text: &str, stores: Vec<(String, StoreForm)>) -> Self {
        Self { spec: Spec::parse(text), stores }
    }

    /// The processor of one task.
    pub fn make<K>(&self, stores: &mut Stores<'_>) -> Named<K> {
        let store = self.stores.first().map(|(name, form)| Handle::open(stores, name, *form));
        Named { spec: self.spec.clone(), store, timer: None, calls: 0, keys: PhantomData }
    }
}

/// A named processor in a task.
pub struct Named<K> {
    spec: Spec,
    store: Option<Handle>,
    timer: Option<TimerId>,
    calls: i64,
    keys: PhantomData<fn() -> K>,
}

/// The record that a processor is at.
struct At<'a> {
    key: &'a Datum,
    value: &'a Datum,
    timestamp: Timestamp,
    headers: &'a Headers,
}

/// A record to forward under the key of the one that came; to one child where it is named.
struct Forwarded<'a> {
    value: Datum,
    timestamp: Timestamp,
    headers: Headers,
    child: Option<&'a str>,
}

impl At<'_> {
    fn with(&self, value: Datum) -> Forwarded<'static> {
        Forwarded { value, timestamp: self.timestamp, headers: self.headers.clone(), child: None }
    }
}

impl<K> Named<K> {
    fn store(&self) -> Result<&Handle> {
        self.store.as_ref().ok_or_else(|| refused("this processor needs a store"))
    }

    /// What the record becomes.
    fn step(&self, at: &At<'_>, context: &ProcessingContext<'_>) -> Result<Vec<Forwarded<'_>>> {
        let spec = &self.spec;
        let out = match spec.name.as_str() {
            "passthrough" => at.with(at.value.clone()),
            "fail_on" if at.value.contains(&spec.rest()) => return Err(refused(&format!("boom {}", spec.rest()))),
            "fail_on" => at.with(at.value.clone()),
            "header_stamp" => {
                let mut out = at.with(at.value.clone());
                out.headers.push(spec.argument(0), Some(spec.argument(1).as_bytes().to_vec()));
                out
            }
            "header_remove" => {
                let mut out = at.with(at.value.clone());
                out.headers.remove(spec.argument(0));
                out
            }
            "header_dump" => at.with(Datum::from(at.value.text() + &print_headers(at.headers))),
            "ctx_info" => at.with(Datum::from(info(at, context))),
            "route" => {
                let even = at.value.number().rem_euclid(2) == 0;
                let child = spec.argument(if even { 0 } else { 1 });
                let child = (!at.value.is_null()).then_some(child);
                Forwarded { child, ..at.with(at.value.clone()) }
            }
            "fan_out" => {
                let copy = |i: i64| Forwarded {
                    timestamp: Timestamp(at.timestamp.millis() + i),
                    ..at.with(Datum::from(format!("{}#{i}", at.value.text())))
                };
                return Ok((0..spec.number(0).unwrap_or_default()).map(copy).collect());
            }
            "shift_ts" => {
                let shifted = at.timestamp.millis() + spec.number(0).unwrap_or_default();
                Forwarded { timestamp: Timestamp(shifted.max(0)), ..at.with(at.value.clone()) }
            }
            _ => return Ok(self.step_with_store(at)?.into_iter().collect()),
        };
        Ok(vec![out])
    }

    /// What the record becomes in the processors that have a store.
    fn step_with_store(&self, at: &At<'_>) -> Result<Option<Forwarded<'static>>> {
        let store = self.store()?;
        match (self.spec.name.as_str(), store) {
            ("kv_cmd" | "window_cmd", _) if at.value.is_null() => return Ok(None),
            ("kv_cmd" | "window_cmd", store) => {
                let command = at.value.text();
                let result = commands::run(store, &command, at.timestamp)?;
                return Ok(Some(at.with(Datum::from(format!("{command} -> {result}")))));
            }
            ("table_read", store) => {
                let read = if at.key.is_null() { "nokey".to_owned() } else { store.read(at.key)? };
                return Ok(Some(at.with(Datum::from(format!("{}|{read}", at.value.text())))));
            }
            ("table_dump", store) => {
                return Ok(Some(at.with(Datum::from(format!("{}|{}", at.value.text(), store.dump()?)))));
            }
            _ if at.key.is_null() => return Ok(None),
            _ => {}
        }
        match (self.spec.name.as_str(), store) {
            ("dedup", Handle::KeyValue(store)) => {
                if Datum::of(store.get(at.key)?) == *at.value {
                    return Ok(None);
                }
                store.put_nullable(at.key, at.value.clone().into_option())?;
                Ok(Some(at.with(at.value.clone())))
            }
            ("running_count", Handle::KeyValue(store)) => {
                let count = Datum::of(store.get(at.key)?).number() + 1;
                store.put(at.key, Datum::Long(count))?;
                Ok(Some(at.with(Datum::Long(count))))
            }
            ("ts_running_count", Handle::StampedKeyValue(store)) => {
                let (count, timestamp) = match store.get(at.key)? {
                    None => (1, at.timestamp),
                    Some(old) => (old.value.number() + 1, old.timestamp.max(at.timestamp)),
                };
                store.put(at.key, Stamped { value: Datum::Long(count), timestamp })?;
                Ok(Some(Forwarded { timestamp, ..at.with(Datum::Long(count)) }))
            }
            ("punctuate_stream" | "punctuate_wall", Handle::KeyValue(store)) => {
                store.put_nullable(at.key, at.value.clone().into_option())?;
                Ok(None)
            }
            (name, _) => Err(refused(&format!("{name} needs another store"))),
        }
    }

    /// Sets the timer of the processors that punctuate: `punctuate_*:INTERVAL[:MAX[:START]]`.
    fn start(&mut self, context: &mut ProcessingContext<'_>) -> Result<()> {
        let kind = match self.spec.name.as_str() {
            "punctuate_stream" => PunctuationType::StreamTime,
            "punctuate_wall" => PunctuationType::WallClockTime,
            _ => return Ok(()),
        };
        let interval = u64::try_from(self.spec.number(0).unwrap_or_default()).unwrap_or_default();
        let interval = Duration::from_millis(interval);
        self.timer = Some(match self.spec.number(2) {
            Some(start) => context.schedule_at(Timestamp(start), interval, kind)?,
            None => context.schedule(interval, kind)?,
        });
        Ok(())
    }
}

impl<K: Key> Processor<K, Option<Datum>> for Named<K> {
    type KeyOut = K;
    type ValueOut = Option<Datum>;

    fn init(&mut self, ctx: &mut ProcessorContext<'_, K, Option<Datum>>) -> Result<()> {
        self.start(ctx)
    }

    fn process(
        &mut self,
        record: Record<K, Option<Datum>>,
        ctx: &mut ProcessorContext<'_, K, Option<Datum>>,
    ) -> Result<()> {
        let Record { key, value, timestamp, headers } = record;
        let at = At { key: &key.datum(), value: &Datum::of(value), timestamp, headers: &headers };
        for out in self.step(&at, ctx)? {
            let Forwarded { value, timestamp, headers, child } = out;
            let record = Record { key: key.clone(), value: value.into_option(), timestamp, headers };
            match child {
                Some(child) => ctx.forward_to(child, record)?,
                None => ctx.forward(record)?,
            }
        }
        Ok(())
    }

    fn punctuate(
        &mut self,
        timer: TimerId,
        at: Timestamp,
        ctx: &mut ProcessorContext<'_, K, Option<Datum>>,
    ) -> Result<()> {
        self.calls += 1;
        let Some(Handle::KeyValue(store)) = &self.store else {
            return Err(refused("a processor that punctuates needs a key-value store"));
        };
        for entry in store.all()? {
            let (key, value) = entry?;
            let value = Datum::from(format!("{}@{at}", value.text()));
            ctx.forward(Record::new(K::from_datum(key), Some(value), at))?;
        }
        let calls_max = self.spec.number(1).unwrap_or_default();
        if calls_max > 0 && self.calls >= calls_max {
            ctx.cancel(timer);
        }
        Ok(())
    }
}

impl<K: Key> FixedKeyProcessor<K, Option<Datum>> for Named<K> {
    type ValueOut = Option<Datum>;

    fn process(
        &mut self,
        record: FixedKeyRecord<K, Option<Datum>>,
        ctx: &mut FixedKeyProcessorContext<'_, K, Option<Datum>>,
    ) -> Result<()> {
        let (timestamp, headers) = (record.timestamp, record.headers.clone());
        let at =
            At { key: &record.key().datum(), value: &Datum::of(record.value.clone()), timestamp, headers: &headers };
        for out in self.step(&at, ctx)? {
            let mut forwarded = record.clone().with_value(out.value.into_option());
            forwarded.timestamp = out.timestamp;
            forwarded.headers = out.headers;
            match out.child {
                Some(child) => ctx.forward_to(child, forwarded)?,
                None => ctx.forward(forwarded)?,
            }
        }
        Ok(())
    }
}

fn print_headers(headers: &Headers) -> String {
    let text = |value: &Option<Vec<u8>>| match value {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "null".to_owned(),
    };
    let headers: Vec<_> = headers.iter().map(|header| format!("{}={}", header.name, text(&header.value))).collect();
    format!("[{}]", headers.join(","))
}

fn info(at: &At<'_>, context: &ProcessingContext<'_>) -> String {
    let origin = context
        .record_meta()
        .map_or_else(|| "none".to_owned(), |meta| format!("{}/{}/{}", meta.topic, meta.partition, meta.offset));
    let (stream_time, wall_clock) = (context.stream_time(), context.wall_clock());
    format!("{origin} st={stream_time} wt={wall_clock} ts={}", at.timestamp)
}
