//! Keys and values as the case files write them.

use serde_json::{Value, json};
use state_store::Result;

use crate::oracle::datum::Datum;

/// A datum as the case files write it.
pub fn json(datum: &Datum) -> Value {
    match datum {
        Datum::Null => Value::Null,
        Datum::Str(text) => json!(**text),
        Datum::Long(number) => json!(number),
        Datum::Windowed { key, start, end } => json!({ "key": **key, "start": start, "end": end }),
    }
}

/// What was read, or why it does not read.
pub fn read(datum: Result<Datum>) -> Value {
    match datum {
        Ok(datum) => json(&datum),
        Err(error) => json!({ "unreadable": error.to_string() }),
    }
}
