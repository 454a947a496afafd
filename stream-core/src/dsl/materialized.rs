//! `Materialized`: how an operator keeps its state. Codecs that it leaves out are inherited from the stream or table.

use std::collections::BTreeMap;
use std::panic::Location;
use std::time::Duration;

use state_store::{CodecRef, DefaultCodec, KeyValueStore, WindowMeasures, WindowStore};

use crate::dsl::codecs::Codecs;
use crate::dsl::store_builder::expiry;
use crate::dsl::{Named, PlanCell};
use crate::node::windows::WindowSpans;
use crate::plan::{StoreKind, StorePlan};
use crate::record::Data;
use crate::task::stores::OpenStore;
use crate::time::millis;
use crate::{Error, Kind};

/// How an operator keeps its state: the store's name, codecs, cache, changelog and backend.
///
/// ```
/// use stream_core::dsl::Materialized;
///
/// let counts = Materialized::<String, String>::as_store("counts").without_caching().in_memory();
/// # let _ = counts;
/// ```
///
/// A codec is, in this order: the one named here, the one that the operator inherits, the type's own.
pub struct Materialized<K, V> {
    pub(crate) name: Option<String>,
    keys: Codecs<K>,
    values: Codecs<V>,
    pub(crate) caching: bool,
    /// Topic settings of the changelog; `None` where logging is off.
    pub(crate) logging: Option<BTreeMap<String, String>>,
    pub(crate) retention: Option<Duration>,
    pub(crate) in_memory: bool,
}

impl<K, V> Materialized<K, V> {
    pub(crate) fn of_codecs(keys: Codecs<K>, values: Codecs<V>) -> Self {
        let logging = Some(BTreeMap::new());
        Self { name: None, keys, values, caching: true, logging, retention: None, in_memory: false }
    }

    /// State with these codecs, in a store with a generated name.
    pub fn with_codecs(keys: CodecRef<K>, values: CodecRef<V>) -> Self {
        Self::of_codecs(Codecs::named(keys), Codecs::named(values))
    }

    /// State whose values have this codec; the key's is inherited.
    pub fn with_value_codec(values: CodecRef<V>) -> Self {
        Self::of_codecs(Codecs::inherited(), Codecs::named(values))
    }

    /// State whose keys have this codec; the value's is inherited.
    pub fn with_key_codec(keys: CodecRef<K>) -> Self {
        Self::of_codecs(Codecs::named(keys), Codecs::inherited())
    }

    /// State with the codecs that the operator inherits, for types that have none of their own.
    #[must_use]
    pub fn inherited() -> Self {
        Self::of_codecs(Codecs::inherited(), Codecs::inherited())
    }

    /// Names the store. Only a named store can be queried.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }

    /// Every update is logged and passed on at once, instead of one update per key and commit.
    #[must_use]
    pub fn without_caching(mut self) -> Self {
        self.caching = false;
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

    /// How long windows are kept, counted from their start; at least size and grace, which is the default.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Keeps the state in memory, restored whole from the changelog at each start.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// The name of the store: the user's, checked, or the next generated one.
    pub(crate) fn store_name(&self, plan: &PlanCell, prefix: &str, origin: &'static Location<'static>) -> String {
        let mut plan = plan.borrow_mut();
        match &self.name {
            Some(name) => plan.user_name(name.clone(), origin),
            None => plan.names.generate(&format!("{prefix}STATE-STORE-")),
        }
    }

    /// The key's codec.
    pub(crate) fn key_codec(&self, inherited: Option<CodecRef<K>>) -> Option<CodecRef<K>> {
        self.keys.choose(inherited)
    }

    /// The value's codec.
    pub(crate) fn value_codec(&self, inherited: Option<CodecRef<V>>) -> Option<CodecRef<V>> {
        self.values.choose(inherited)
    }
}

impl<K: DefaultCodec, V: DefaultCodec> Materialized<K, V> {
    /// State in a store of this name.
    pub fn as_store(name: impl Into<Named>) -> Self {
        Self::default().named(name)
    }
}

/// A store with a generated name; the types' own codecs where none is inherited.
impl<K: DefaultCodec, V: DefaultCodec> Default for Materialized<K, V> {
    fn default() -> Self {
        Self::of_codecs(Codecs::own(), Codecs::own())
    }
}

impl<K: Data, V: Data> Materialized<K, V> {
    /// The timestamped key-value store `name` of these codecs, kept as this says.
    pub(crate) fn key_value_store(
        &self,
        name: String,
        keys: CodecRef<K>,
        values: CodecRef<V>,
        origin: &'static Location<'static>,
    ) -> StorePlan {
        StorePlan {
            name,
            kind: StoreKind::KeyValue { timestamped: true },
            in_memory: self.in_memory,
            caching: self.caching,
            send_old_values: false,
            logging: self.logging.clone(),
            origin,
            open: Box::new(move |config| {
                Ok(OpenStore::new(KeyValueStore::<K, V>::open(config, keys.clone(), values.clone())?))
            }),
        }
    }

    /// The timestamped window store `name` of these codecs, kept as this says. A retention that is too short for the
    /// windows is kept as a mistake.
    pub(crate) fn window_store(
        &self,
        plan: &PlanCell,
        name: String,
        windows: WindowSpans,
        keys: CodecRef<K>,
        values: CodecRef<V>,
        origin: &'static Location<'static>,
    ) -> StorePlan {
        let asked = self.retention.map(millis);
        let (size_ms, kept_ms) = (windows.size, windows.size.saturating_add(windows.grace));
        let retention_ms = asked.unwrap_or(kept_ms);
        if retention_ms < kept_ms {
            let why = format!(
                "the store {name:?} keeps windows for {retention_ms} ms, but their size and grace take {kept_ms} ms"
            );
            plan.borrow_mut().mistake(Error::new(Kind::Invalid, why), origin);
        }
        let expiry = expiry(self.in_memory);
        let measures = WindowMeasures { size_ms, retention_ms, retain_duplicates: false, expiry };
        StorePlan {
            name,
            kind: StoreKind::Window { timestamped: true, size_ms, retention_ms, retain_duplicates: false },
            in_memory: self.in_memory,
            caching: self.caching,
            send_old_values: false,
            logging: self.logging.clone(),
            origin,
            open: Box::new(move |config| {
                let store = WindowStore::<K, V>::open(config, measures, keys.clone(), values.clone())?;
                Ok(OpenStore::new(store))
            }),
        }
    }
}
