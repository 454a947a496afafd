//! `StoreBuilder`: a store that processors share by name, or that one brings along.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use state_store::{CodecRef, DefaultCodec, Expiry, KeyValueStore, StoreConfig, WindowMeasures, WindowStore};

use crate::dsl::Named;
use crate::plan::{PlanBuilder, StoreId, StoreKind, StorePlan, names};
use crate::task::stores::OpenStore;
use crate::time::millis;
use crate::{Error, Kind, Result};

/// A store for processors: its name, kind, codecs, changelog, cache and backend.
///
/// ```
/// use std::time::Duration;
///
/// use stream_core::StreamsBuilder;
/// use stream_core::dsl::StoreBuilder;
///
/// let builder = StreamsBuilder::new();
/// builder.add_store(StoreBuilder::key_value::<String, i64>("counts"));
/// let day = Duration::from_secs(24 * 60 * 60);
/// builder.add_store(StoreBuilder::window::<String, i64>("per-hour", day / 24).retention(day).in_memory());
/// ```
///
/// Unless it is told otherwise a store lies on disk, is logged to a changelog and has no cache.
#[derive(Clone)]
pub struct StoreBuilder {
    name: String,
    kind: StoreKind,
    in_memory: bool,
    caching: bool,
    logging: Option<BTreeMap<String, String>>,
    origin: &'static Location<'static>,
    open: Open,
    /// The first setting that does not fit the kind of store.
    mistake: Option<&'static str>,
}

/// Opens the store in a task, with its kind and the rule of its expiry.
type Open = Arc<dyn Fn(StoreConfig, &StoreKind, Expiry) -> Result<OpenStore> + Send + Sync>;

impl StoreBuilder {
    /// Values by key, with the types' own codecs.
    #[track_caller]
    pub fn key_value<K: DefaultCodec, V: DefaultCodec + Clone>(name: impl Into<Named>) -> Self {
        Self::key_value_with(name, K::codec(), V::codec())
    }

    /// Values by key.
    #[track_caller]
    pub fn key_value_with<K: 'static, V: Clone + 'static>(
        name: impl Into<Named>,
        keys: CodecRef<K>,
        values: CodecRef<V>,
    ) -> Self {
        Self::key_values(name, keys, values, StoreKind::KeyValue { timestamped: false }, Location::caller())
    }

    /// Values by key, each with the timestamp of its last update, with the types' own codecs.
    #[track_caller]
    pub fn timestamped_key_value<K: DefaultCodec, V: DefaultCodec + Clone>(name: impl Into<Named>) -> Self {
        Self::timestamped_key_value_with(name, K::codec(), V::codec())
    }

    /// Values by key, each with the timestamp of its last update.
    #[track_caller]
    pub fn timestamped_key_value_with<K: 'static, V: Clone + 'static>(
        name: impl Into<Named>,
        keys: CodecRef<K>,
        values: CodecRef<V>,
    ) -> Self {
        Self::key_values(name, keys, values, StoreKind::KeyValue { timestamped: true }, Location::caller())
    }

    /// Values by key and start of a window of `size`, with the types' own codecs.
    #[track_caller]
    pub fn window<K: DefaultCodec, V: DefaultCodec + Clone>(name: impl Into<Named>, size: Duration) -> Self {
        Self::window_with(name, size, K::codec(), V::codec())
    }

    /// Values by key and start of a window of `size`. They are kept for [`retention`](Self::retention).
    #[track_caller]
    pub fn window_with<K: 'static, V: Clone + 'static>(
        name: impl Into<Named>,
        size: Duration,
        keys: CodecRef<K>,
        values: CodecRef<V>,
    ) -> Self {
        Self::windows(name, keys, values, window_kind(false, size), Location::caller())
    }

    /// Values by key and start of a window of `size`, each with the timestamp of its last update, with the types' own
    /// codecs.
    #[track_caller]
    pub fn timestamped_window<K: DefaultCodec, V: DefaultCodec + Clone>(
        name: impl Into<Named>,
        size: Duration,
    ) -> Self {
        Self::timestamped_window_with(name, size, K::codec(), V::codec())
    }

    /// Values by key and start of a window of `size`, each with the timestamp of its last update.
    #[track_caller]
    pub fn timestamped_window_with<K: 'static, V: Clone + 'static>(
        name: impl Into<Named>,
        size: Duration,
        keys: CodecRef<K>,
        values: CodecRef<V>,
    ) -> Self {
        Self::windows(name, keys, values, window_kind(true, size), Location::caller())
    }

    /// How long a window is kept, counted from its start; at least its size, which is the default.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        match &mut self.kind {
            StoreKind::Window { retention_ms, size_ms, .. } => {
                *retention_ms = millis(retention);
                if *retention_ms < *size_ms {
                    self.mistake = Some("its retention is shorter than its windows");
                }
            }
            StoreKind::KeyValue { .. } => self.mistake = Some("only windows have a retention"),
        }
        self
    }

    /// Several values may stand under one key and start; none replaces another.
    #[must_use]
    pub fn retain_duplicates(mut self) -> Self {
        match &mut self.kind {
            StoreKind::Window { retain_duplicates, .. } => *retain_duplicates = true,
            StoreKind::KeyValue { .. } => self.mistake = Some("only window stores retain duplicates"),
        }
        self
    }

    /// Keeps the state in memory, restored whole from the changelog at each start.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// Keeps no changelog: the state is lost with the machine.
    #[must_use]
    pub fn without_logging(mut self) -> Self {
        self.logging = None;
        self
    }

    /// Settings of the changelog topic, over the defaults.
    #[must_use]
    pub fn logging<N: Into<String>, S: Into<String>>(mut self, settings: impl IntoIterator<Item = (N, S)>) -> Self {
        self.logging = Some(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        self
    }

    /// Logs one update per key and commit instead of each. Stores that retain duplicates have no cache.
    #[must_use]
    pub fn with_caching(mut self) -> Self {
        self.caching = true;
        self
    }

    fn key_values<K: 'static, V: Clone + 'static>(
        name: impl Into<Named>,
        keys: CodecRef<K>,
        values: CodecRef<V>,
        kind: StoreKind,
        origin: &'static Location<'static>,
    ) -> Self {
        let open: Open = Arc::new(move |config, _kind, _expiry| {
            Ok(OpenStore::new(KeyValueStore::<K, V>::open(config, keys.clone(), values.clone())?))
        });
        Self::new(name, kind, origin, open)
    }

    fn windows<K: 'static, V: Clone + 'static>(
        name: impl Into<Named>,
        keys: CodecRef<K>,
        values: CodecRef<V>,
        kind: StoreKind,
        origin: &'static Location<'static>,
    ) -> Self {
        let open: Open = Arc::new(move |config, kind, expiry| {
            let StoreKind::Window { size_ms, retention_ms, retain_duplicates, .. } = *kind else {
                unreachable!("the kind of a builder does not change")
            };
            let measures = WindowMeasures { size_ms, retention_ms, retain_duplicates, expiry };
            Ok(OpenStore::new(WindowStore::<K, V>::open(config, measures, keys.clone(), values.clone())?))
        });
        Self::new(name, kind, origin, open)
    }

    fn new(name: impl Into<Named>, kind: StoreKind, origin: &'static Location<'static>, open: Open) -> Self {
        let (name, logging) = (name.into().0, Some(BTreeMap::new()));
        Self { name, kind, in_memory: false, caching: false, logging, origin, open, mistake: None }
    }

    /// Adds the store to a plan. Mistakes are kept for `build`, at the line that made the store.
    pub(crate) fn add_to(self, plan: &mut PlanBuilder) -> StoreId {
        if let Err(error) = names::validate(&self.name) {
            plan.mistake(error, self.origin);
        }
        if let Some(mistake) = self.mistake {
            let why = format!("the store {:?} cannot be made: {mistake}", self.name);
            plan.mistake(Error::new(Kind::Invalid, why), self.origin);
        }
        let duplicates = matches!(self.kind, StoreKind::Window { retain_duplicates: true, .. });
        let expiry = expiry(self.in_memory);
        let (open, kind) = (self.open, self.kind.clone());
        plan.add_store(StorePlan {
            name: self.name,
            kind: self.kind,
            in_memory: self.in_memory,
            caching: self.caching && !duplicates,
            send_old_values: false,
            logging: self.logging,
            origin: self.origin,
            open: Box::new(move |config| open(config, &kind, expiry)),
        })
    }

    /// Adds the store to a plan, unless the same builder added it before: processors may bring the same store.
    pub(crate) fn attach_to(self, plan: &mut PlanBuilder) -> StoreId {
        let there = plan.find_store(&self.name).filter(|id| {
            let store = plan.store(*id);
            store.origin == self.origin && store.kind == self.kind && store.in_memory == self.in_memory
        });
        there.unwrap_or_else(|| self.add_to(plan))
    }
}

fn window_kind(timestamped: bool, size: Duration) -> StoreKind {
    let size_ms = millis(size);
    StoreKind::Window { timestamped, size_ms, retention_ms: size_ms, retain_duplicates: false }
}

/// When the windows of a store are gone: as in Kafka Streams, whose stores in memory expire otherwise than those on disk.
pub(crate) fn expiry(in_memory: bool) -> Expiry {
    if in_memory { Expiry::Exact } else { Expiry::Segments }
}
