//! What a comparison says: a table for a person, a line of JSON for a program.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What one side took for all the records.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    records_per_second: f64,
    /// Of the whole process, start-up included.
    records_per_cpu_second: f64,
    /// Behind the first fifth of the records.
    steady_records_per_cpu_second: f64,
    peak_rss_bytes: f64,
    /// Limits of the client's queues, where the program names them.
    queue_bounds_kb: Option<(u64, u64)>,
}

impl Figures {
    /// Reads the line that a measured program ends with.
    pub(super) fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let number = |name: &str| value[name].as_f64();
        let bound = |name: &str| value["queue_bounds_kb"][name].as_u64();
        Some(Self {
            records_per_second: number("records_per_second")?,
            records_per_cpu_second: number("records_per_cpu_second")?,
            steady_records_per_cpu_second: number("steady_records_per_cpu_second")?,
            peak_rss_bytes: number("peak_rss_bytes")?,
            queue_bounds_kb: bound("consumer").zip(bound("producer")),
        })
    }
}

/// One workload on all three.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) workload: String,
    pub(super) records: u64,
    pub(super) threads: u64,
    pub(super) ours: Figures,
    pub(super) peer: Figures,
    pub(super) raw: Figures,
}

impl Comparison {
    /// For a person.
    pub(super) fn table(&self) -> String {
        let mut text = format!("\n{}: {} records, threads: {}\n", self.workload, self.records, self.threads);
        let titles = ["records/CPU s", "steady", "records/s", "peak MiB"];
        let mut row = |name: &str, cells: [String; 4]| {
            let [a, b, c, d] = cells;
            writeln!(text, "  {name:<22} {a:>14} {b:>12} {c:>12} {d:>10}").expect("a string takes text");
        };
        row("", titles.map(str::to_owned));
        for (name, side) in
            [("this project", &self.ours), ("Kafka Streams 4.3.1", &self.peer), ("librdkafka by hand", &self.raw)]
        {
            row(name, side.cells());
        }
        row("× Kafka Streams", ratios(&self.ours, &self.peer));
        row("× by hand", ratios(&self.ours, &self.raw));
        if let Some((consumer, producer)) = self.ours.queue_bounds_kb {
            let bounds = format!("  queues of the client: {consumer} kB to read, {producer} kB to write\n");
            text.push_str(&bounds);
        }
        text
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        let (ours, peer, raw) = (&self.ours, &self.peer, &self.raw);
        let bounds =
            ours.queue_bounds_kb.map(|(consumer, producer)| json!({"consumer": consumer, "producer": producer}));
        json!({
            "workload": self.workload,
            "records": self.records,
            "threads": self.threads,
            "ours_records_per_cpu_second": whole(ours.records_per_cpu_second),
            "peer_records_per_cpu_second": whole(peer.records_per_cpu_second),
            "raw_records_per_cpu_second": whole(raw.records_per_cpu_second),
            "ratio": hundredths(ours.records_per_cpu_second / peer.records_per_cpu_second),
            "steady_ratio": hundredths(ours.steady_records_per_cpu_second / peer.steady_records_per_cpu_second),
            "raw_ratio": hundredths(ours.records_per_cpu_second / raw.records_per_cpu_second),
            "ours_records_per_second": whole(ours.records_per_second),
            "peer_records_per_second": whole(peer.records_per_second),
            "raw_records_per_second": whole(raw.records_per_second),
            "ours_peak_rss_bytes": whole(ours.peak_rss_bytes),
            "peer_peak_rss_bytes": whole(peer.peak_rss_bytes),
            "raw_peak_rss_bytes": whole(raw.peak_rss_bytes),
            "queue_bounds_kb": bounds,
        })
    }
}

impl Figures {
    fn cells(&self) -> [String; 4] {
        let whole = |number: f64| format!("{number:.0}");
        [
            whole(self.records_per_cpu_second),
            whole(self.steady_records_per_cpu_second),
            whole(self.records_per_second),
            whole(self.peak_rss_bytes / f64::from(1 << 20)),
        ]
    }
}

fn ratios(ours: &Figures, other: &Figures) -> [String; 4] {
    [
        ours.records_per_cpu_second / other.records_per_cpu_second,
        ours.steady_records_per_cpu_second / other.steady_records_per_cpu_second,
        ours.records_per_second / other.records_per_second,
        ours.peak_rss_bytes / other.peak_rss_bytes,
    ]
    .map(|ratio| format!("{ratio:.2}"))
}

/// Rates and bytes are far from where a float loses whole numbers.
fn whole(number: f64) -> u64 {
    number.round() as u64
}

fn hundredths(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rate: u64, peak: u64) -> Figures {
        let line = json!({
            "records_per_second": rate * 2, "records_per_cpu_second": rate, "steady_records_per_cpu_second": rate * 3,
            "peak_rss_bytes": peak, "queue_bounds_kb": {"consumer": 1, "producer": 2},
        });
        Figures::read(&line.to_string()).expect("all figures are there")
    }

    #[test]
    fn ratios_are_of_the_same_run() {
        let comparison = Comparison {
            workload: "count".to_owned(),
            records: 100,
            threads: 1,
            ours: figures(1000, 1 << 20),
            peer: figures(300, 4 << 20),
            raw: figures(1250, 1 << 20),
        };
        let json = comparison.json();
        assert_eq!((json["ratio"].as_f64(), json["steady_ratio"].as_f64()), (Some(3.33), Some(3.33)));
        assert_eq!((json["raw_ratio"].as_f64(), json["peer_peak_rss_bytes"].as_u64()), (Some(0.8), Some(4_194_304)));
        let table = comparison.table();
        assert!(table.contains("queues of the client: 1 kB to read, 2 kB to write"), "{table}");
        assert!(table.contains("0.25"), "{table}");
    }

    #[test]
    fn a_line_without_a_figure_is_none() {
        assert_eq!(Figures::read(r#"{"records_per_second":1}"#), None);
        assert_eq!(Figures::read("no JSON"), None);
    }
}
