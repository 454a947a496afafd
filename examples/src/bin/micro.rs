//! What the parts cost, one by one: a hop, a codec, a cache hit, RocksDB, restoring.
//!
//! Each figure is the median of several runs of a loop that is long enough for the clock. `--json` prints one object a
//! line; names given as arguments choose among the measurements.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use examples::folder::state_folder;
use examples::usage;
use examples::workload::{Random, Workload};
use state_store::backend::{Backend, Batch, MemoryBackend, RocksBackend, RocksMemory, SharedBackend};
use state_store::changelog::{ChangeRecord, ChangeSink, ChangelogId};
use state_store::{
    CodecRef, DefaultCodec, Expiry, KeyValueStore, Stamped, Store, StoreConfig, WindowMeasures, WindowStore,
};
use stream_core::record::{Headers, Timestamp};
use stream_core::testing::{DriverSettings, TopologyTestDriver};
use stream_core::time::{Clock, SystemClock};
use stream_core::{Error, Kind, Result, StreamsBuilder};

const RUNS: usize = 5;
const HOP_RECORDS: u32 = 1_000_000;
const HOPS: usize = 10;
const CODEC_VALUES: u32 = 5_000_000;
const CACHE_UPDATES: u32 = 1_000_000;
const KEYS: u64 = 10_000;
const ROCKS_ROWS: u32 = 200_000;
const RESTORED: u32 = 1_000_000;
const BATCH_ROWS: u32 = 10_000;
const ROCKS_MEMORY_BYTES: usize = 256 << 20;

/// A measurement: its name, its unit, and how to take it.
type Measurement = (&'static str, &'static str, fn() -> Result<f64>);

const MEASUREMENTS: [Measurement; 9] = [
    ("hop", "ns", hop),
    ("codec-string-encode", "ns", string_encode),
    ("codec-string-decode", "ns", string_decode),
    ("codec-i64", "ns", number_round_trip),
    ("cache-hit", "ns", cache_hit),
    ("window-cache-hit", "ns", window_cache_hit),
    ("rocks-put", "ns", rocks_put),
    ("rocks-get", "ns", rocks_get),
    ("restore", "records/s", restore),
];

fn main() -> Result<()> {
    let (mut json, mut chosen) = (false, Vec::new());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().map_err(invalid)? {
        match argument {
            lexopt::Arg::Long("json") => json = true,
            lexopt::Arg::Value(name) => chosen.push(name.to_string_lossy().into_owned()),
            other => return Err(invalid(other.unexpected())),
        }
    }
    let is_known = |name: &String| MEASUREMENTS.iter().any(|(known, ..)| known == name);
    if let Some(unknown) = chosen.iter().find(|name| !is_known(name)) {
        let names: Vec<_> = MEASUREMENTS.iter().map(|(name, ..)| *name).collect();
        let why = format!("there is no measurement {unknown:?}: choose among {}", names.join(", "));
        return Err(Error::new(Kind::Invalid, why));
    }
    for (name, unit, measure) in MEASUREMENTS {
        if !chosen.is_empty() && !chosen.iter().any(|wanted| wanted == name) {
            continue;
        }
        let value = median(measure)?;
        if json {
            println!("{}", serde_json::json!({ "name": name, "value": (value * 10.0).round() / 10.0, "unit": unit }));
        } else {
            println!("{name:<22} {value:>14.1} {unit}");
        }
    }
    Ok(())
}

fn invalid(why: lexopt::Error) -> Error {
    Error::new(Kind::Invalid, format!("{why}: use --json, or names of measurements"))
}

fn median(measure: fn() -> Result<f64>) -> Result<f64> {
    let mut values = (0..RUNS).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    values.sort_by(f64::total_cmp);
    Ok(values[RUNS / 2])
}

/// Nanoseconds on a CPU that `work`, which is of one thread and does not wait, takes for each of `times`.
fn cpu_nanos_each(times: u32, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let Some(start) = usage::thread_cpu() else { return nanos_each(times, work) };
    work()?;
    let end = usage::thread_cpu().unwrap_or(start);
    Ok((end - start).as_secs_f64() * 1e9 / f64::from(times))
}

/// Nanoseconds that `work` takes for each of `times`, threads of RocksDB and waiting included.
fn nanos_each(times: u32, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let clock = SystemClock::new();
    let start = clock.monotonic();
    work()?;
    Ok((clock.monotonic() - start).as_secs_f64() * 1e9 / f64::from(times))
}

/// One record becomes many, which go through a chain of operators: the chain's length times the cost of a hop is what
/// a long chain costs more than a short one.
fn hop() -> Result<f64> {
    let short = chain(1)?;
    let long = chain(1 + HOPS)?;
    Ok((long - short) / HOPS as f64)
}

fn chain(length: usize) -> Result<f64> {
    let builder = StreamsBuilder::new();
    let one = builder.stream::<String, String>("in");
    let mut many = one.flat_map(|_, _| (0..HOP_RECORDS).map(|number| (i64::from(number), i64::from(number))));
    for _ in 0..length {
        many = many.map_values(|_, number| number.wrapping_add(1));
    }
    many.foreach(|_, number| {
        black_box(number);
    });
    let mut driver = TopologyTestDriver::new(&builder.build()?, &DriverSettings::default())?;
    cpu_nanos_each(HOP_RECORDS, || driver.pipe("in", Some(b"k"), Some(b"v"), Timestamp(0), &Headers::EMPTY))
}

/// Values of the workload.
fn values() -> Vec<String> {
    let mut events = Workload::new(1000).events();
    std::iter::from_fn(|| events.next_event().map(|event| event.value.clone())).collect()
}

fn string_encode() -> Result<f64> {
    let (codec, values) = (String::codec(), values());
    let mut bytes = Vec::new();
    cpu_nanos_each(CODEC_VALUES, || {
        for value in values.iter().cycle().take(CODEC_VALUES as usize) {
            bytes.clear();
            codec.encode(value, &mut bytes)?;
            black_box(&bytes);
        }
        Ok(())
    })
}

fn string_decode() -> Result<f64> {
    let (codec, values) = (String::codec(), values());
    cpu_nanos_each(CODEC_VALUES, || {
        for value in values.iter().cycle().take(CODEC_VALUES as usize) {
            black_box(codec.decode(value.as_bytes())?);
        }
        Ok(())
    })
}

fn number_round_trip() -> Result<f64> {
    let codec: CodecRef<i64> = i64::codec();
    let mut bytes = Vec::new();
    cpu_nanos_each(CODEC_VALUES, || {
        for number in 0..i64::from(CODEC_VALUES) {
            bytes.clear();
            codec.encode(&number, &mut bytes)?;
            black_box(codec.decode(&bytes)?);
        }
        Ok(())
    })
}

/// A changelog that nobody reads.
struct Nowhere;

impl ChangeSink for Nowhere {
    fn change(&mut self, change: ChangeRecord<'_>) -> state_store::Result<()> {
        black_box(change);
        Ok(())
    }
}

fn users() -> Vec<String> {
    (0..KEYS).map(|user| format!("user-{user:07}")).collect()
}

fn caching(name: &str, backend: SharedBackend) -> StoreConfig {
    StoreConfig { changelog: Some(ChangelogId(0)), caching: true, ..StoreConfig::new(name, backend) }
}

fn cache_hit() -> Result<f64> {
    let config = caching("counts", MemoryBackend::default().shared());
    let mut store = KeyValueStore::<String, i64>::open(config, String::codec(), i64::codec())?;
    let users = users();
    let mut round = |times: u32| -> Result<()> {
        let mut random = Random(1);
        for _ in 0..times {
            let user = &users[random.below(KEYS) as usize];
            store.update(user, &Headers::EMPTY, &mut Nowhere, |old| count(old, Timestamp(1)))?;
        }
        Ok(())
    };
    round(CACHE_UPDATES / 10)?;
    cpu_nanos_each(CACHE_UPDATES, || round(CACHE_UPDATES))
}

fn window_cache_hit() -> Result<f64> {
    let mut store = window_store(caching("counts", MemoryBackend::default().shared()))?;
    let users = users();
    let mut round = |times: u32| -> Result<()> {
        let mut random = Random(1);
        for _ in 0..times {
            let user = &users[random.below(KEYS) as usize];
            store.update(user, Timestamp(0), &Headers::EMPTY, &mut Nowhere, |old| count(old, Timestamp(1)))?;
        }
        Ok(())
    };
    round(CACHE_UPDATES / 10)?;
    cpu_nanos_each(CACHE_UPDATES, || round(CACHE_UPDATES))
}

fn count(old: Option<Stamped<i64>>, timestamp: Timestamp) -> Stamped<Option<i64>> {
    Stamped { value: Some(old.map_or(0, |old| old.value) + 1), timestamp }
}

fn window_store(config: StoreConfig) -> Result<WindowStore<String, i64>> {
    let (size_ms, retention_ms) = (3_600_000, 3_900_000);
    let measures = WindowMeasures { size_ms, retention_ms, retain_duplicates: false, expiry: Expiry::Segments };
    Ok(WindowStore::open(config, measures, String::codec(), i64::codec())?)
}

/// A RocksDB in a folder that goes with it.
fn on_disk() -> Result<(tempfile::TempDir, SharedBackend)> {
    let folder = state_folder()?;
    let backend: Box<dyn Backend> = Box::new(RocksBackend::open(folder.path(), &RocksMemory::new(ROCKS_MEMORY_BYTES))?);
    Ok((folder, Rc::new(RefCell::new(backend))))
}

/// Keys that do not come in their order.
fn scattered(number: u32) -> i64 {
    i64::from(number.wrapping_mul(0x9e37_79b1))
}

/// Puts rows and commits them in batches, to the end of the flush.
fn put_rows(backend: &SharedBackend) -> Result<KeyValueStore<i64, i64>> {
    let mut store = KeyValueStore::open(caching("rows", Rc::clone(backend)), i64::codec(), i64::codec())?;
    let (mut batch, mut drained) = (Batch::default(), Vec::new());
    for number in 0..ROCKS_ROWS {
        store.put(&scattered(number), Some(1), Timestamp(1), &Headers::EMPTY, &mut Nowhere)?;
        if (number + 1) % BATCH_ROWS == 0 {
            store.drain(&mut Nowhere, &mut drained)?;
            drained.clear();
            batch.clear();
            store.write(&mut batch)?;
            backend.borrow_mut().apply(&batch)?;
            store.committed()?;
            store.shrink(0);
        }
    }
    backend.borrow_mut().flush()?;
    Ok(store)
}

fn rocks_put() -> Result<f64> {
    let (_folder, backend) = on_disk()?;
    nanos_each(ROCKS_ROWS, || put_rows(&backend).map(drop))
}

fn rocks_get() -> Result<f64> {
    let (_folder, backend) = on_disk()?;
    let mut store = put_rows(&backend)?;
    nanos_each(ROCKS_ROWS, || {
        for number in (0..ROCKS_ROWS).rev() {
            let found = store.get(&scattered(number))?;
            assert!(found.is_some(), "a row that was put is found");
            if number % BATCH_ROWS == 0 {
                store.shrink(0);
            }
        }
        Ok(())
    })
}

/// Records of a changelog of windows a second, into RocksDB.
fn restore() -> Result<f64> {
    let (_folder, backend) = on_disk()?;
    let mut store = window_store(caching("counts", Rc::clone(&backend)))?;
    let users = users();
    let mut batch = Batch::default();
    let mut key = Vec::new();
    let mut random = Random(1);
    let nanos = nanos_each(RESTORED, || {
        for number in 0..RESTORED {
            let user = &users[random.below(KEYS) as usize];
            // The store's own key: the user's bytes, the window's start and a sequence number.
            key.clear();
            key.extend_from_slice(user.as_bytes());
            key.extend_from_slice(&(i64::from(number / (RESTORED / 24)) * 3_600_000).to_be_bytes());
            key.extend_from_slice(&[0; 4]);
            store.restore(&key, Some(&1i64.to_be_bytes()), Timestamp(i64::from(number)), &mut batch)?;
            if (number + 1) % BATCH_ROWS == 0 {
                backend.borrow_mut().apply(&batch)?;
                store.committed()?;
                batch.clear();
            }
        }
        backend.borrow_mut().flush()?;
        Ok(())
    })?;
    Ok(1e9 / nanos)
}
