//! Counters of the `metrics` facade, kept so that the programs here can read them while an application runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// All counters by name; one name may have several, of several threads or tasks.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    counters: Arc<Mutex<BTreeMap<String, Vec<Arc<AtomicU64>>>>>,
}

impl Meters {
    /// Meters that see every counter of this process from now on.
    ///
    /// # Panics
    /// Where the process has a recorder of metrics already.
    #[must_use]
    pub fn install() -> Self {
        let meters = Self::default();
        assert!(metrics::set_global_recorder(meters.clone()).is_ok(), "the process has one recorder of metrics");
        meters
    }

    /// The sum of all counters `name`; 0 where there is none.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.get(name).map_or(0, |all| all.iter().map(|counter| counter.load(Ordering::Relaxed)).sum())
    }
}

impl Recorder for Meters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let counter = Arc::new(AtomicU64::new(0));
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.entry(key.name().to_owned()).or_default().push(Arc::clone(&counter));
        Counter::from_arc(counter)
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_one_name_are_summed() {
        let meters = Meters::default();
        metrics::with_local_recorder(&meters, || {
            metrics::counter!("records", "task" => "0_0").increment(2);
            metrics::counter!("records", "task" => "0_1").increment(3);
            metrics::counter!("others").increment(7);
        });
        assert_eq!((meters.counter("records"), meters.counter("others"), meters.counter("none")), (5, 7, 0));
    }
}
