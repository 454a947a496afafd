//! `print`: records as lines on standard output, for looking at a topology while it is written.

use std::fmt::Debug;
use std::io::Write;

use crate::dsl::kstream::{Keeps, Operator};
use crate::dsl::{KStream, Named};
use crate::plan::Op;
use crate::record::Data;

/// How a stream is printed.
pub struct Printed<K, V> {
    label: Option<String>,
    name: Option<String>,
    line: Box<Line<K, V>>,
    out: Box<dyn Fn(&str) + Send + Sync>,
}

/// Writes a record behind its label.
type Line<K, V> = dyn Fn(&K, &V) -> String + Send + Sync;

impl<K: Debug, V: Debug> Printed<K, V> {
    /// To standard output, as `[label]: key, value`, both as `Debug` prints them.
    #[must_use]
    pub fn to_stdout() -> Self {
        Self::to_sink(|line| {
            // A closed standard output is no reason to stop a topology.
            let _ = writeln!(std::io::stdout(), "{line}");
        })
    }

    /// To `out`, which takes one line at a time.
    #[must_use]
    pub fn to_sink(out: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let line = |key: &K, value: &V| format!("{key:?}, {value:?}");
        Self { label: None, name: None, line: Box::new(line), out: Box::new(out) }
    }
}

impl<K, V> Printed<K, V> {
    /// The label in front of each line, in place of the printed stream's node name.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// How a record is written behind its label.
    #[must_use]
    pub fn line(mut self, line: impl Fn(&K, &V) -> String + Send + Sync + 'static) -> Self {
        self.line = Box::new(line);
        self
    }

    /// Names the operator.
    #[must_use]
    pub fn named(mut self, name: impl Into<Named>) -> Self {
        self.name = Some(name.into().0);
        self
    }
}

impl<K: Data, V: Data> KStream<'_, K, V> {
    /// Prints each record.
    #[track_caller]
    pub fn print(self, printed: Printed<K, V>) {
        let label = printed.label.unwrap_or_else(|| self.plan.borrow().node(self.node).name.clone());
        let print = move |key: &K, value: &V| (printed.out)(&format!("[{label}]: {}", (printed.line)(key, value)));
        let operator = Operator { op: Op::Print, prefix: "KSTREAM-PRINTER-", keeps: Keeps::KeyAndValue };
        let stream = match printed.name {
            Some(name) => self.named(name),
            None => self,
        };
        stream.stateless::<_, K, V>(operator, print, |print, record, _| {
            print(&record.key, &record.value);
            Ok(())
        });
    }
}
