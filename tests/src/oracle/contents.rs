//! What the stores of a driver hold, in the form of the case files.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use state_store::{Stamped, Windowed};
use stream_core::Result;
use stream_core::testing::TopologyTestDriver;

use crate::oracle::datum::{Datum, compare_utf16};
use crate::oracle::interpret::Interpreted;
use crate::oracle::keys::Key;
use crate::oracle::values;

/// Every store by its name.
pub fn read(driver: &mut TopologyTestDriver, interpreted: &Interpreted) -> BTreeMap<String, Value> {
    let stores = driver.store_names().into_iter().map(|name| {
        let stamps = interpreted.has_timestamps(&name);
        let content = store(driver, &name, stamps);
        (name, content.unwrap_or_else(|error| json!({ "unreadable": error.to_string() })))
    });
    stores.collect()
}

fn store(driver: &mut TopologyTestDriver, name: &str, stamps: bool) -> Result<Value> {
    if let Ok(entries) = driver.windows::<Datum, Datum>(name) {
        return Ok(json!({ "type": "window", "entries": sorted(entries, stamps) }));
    }
    let entries = match driver.key_values::<Windowed<Datum>, Datum>(name) {
        Ok(entries) => sorted(entries, stamps),
        Err(_) => sorted(driver.key_values::<Datum, Datum>(name)?, stamps),
    };
    Ok(json!({ "type": "kv", "entries": entries }))
}

/// By key text, then start, then end; equal ones stay in the store's order.
fn sorted<K: Key>(entries: Vec<(K, Stamped<Datum>)>, stamps: bool) -> Vec<Value> {
    let mut entries: Vec<_> = entries.into_iter().map(|(key, stored)| (key.datum(), stored)).collect();
    entries.sort_by(|(a, _), (b, _)| {
        let parts = |key: &Datum| match key {
            Datum::Windowed { key, start, end } => (key.to_string(), *start, *end),
            other => (other.text(), 0, 0),
        };
        let ((a, a_start, a_end), (b, b_start, b_end)) = (parts(a), parts(b));
        compare_utf16(&a, &b).then((a_start, a_end).cmp(&(b_start, b_end)))
    });
    let entry = |(key, stored): (Datum, Stamped<Datum>)| {
        let mut entry = json!({ "key": values::json(&key), "value": values::json(&stored.value) });
        if stamps {
            entry["ts"] = json!(stored.timestamp.millis());
        }
        entry
    };
    entries.into_iter().map(entry).collect()
}
