//! Shows how far something is: a bar with records/s in a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use stream_core::time::{Clock, SystemClock};

use crate::plot::grouped;

const LINE_EVERY: Duration = Duration::from_secs(2);
const TEMPLATE: &str = "{msg:>10} [{bar:40}] {human_pos}/{human_len} {per_sec} {elapsed}";

/// Progress of one step.
pub struct Progress {
    title: &'static str,
    total: u64,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines { clock: Arc<dyn Clock>, start: Duration, last: Duration },
    Nothing,
}

impl Progress {
    /// Progress towards `total` records.
    #[must_use]
    pub fn new(title: &'static str, total: u64) -> Self {
        let shown = if std::io::stdout().is_terminal() {
            let bar = ProgressBar::new(total).with_message(title);
            // Invariant: the template is fixed and valid.
            bar.set_style(ProgressStyle::with_template(TEMPLATE).expect("a valid template").progress_chars("█▉ "));
            Shown::Bar(bar)
        } else {
            let clock = Arc::new(SystemClock::new());
            let start = clock.monotonic();
            Shown::Lines { clock, start, last: start }
        };
        Self { title, total, shown }
    }

    /// Progress that shows nothing.
    #[must_use]
    pub fn hidden() -> Self {
        Self { title: "", total: 0, shown: Shown::Nothing }
    }

    /// `done` records are done.
    pub fn show(&mut self, done: u64) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.set_position(done),
            Shown::Lines { clock, start, last } => {
                let now = clock.monotonic();
                if now - *last >= LINE_EVERY {
                    *last = now;
                    print_line(self.title, done, self.total, now - *start);
                }
            }
            Shown::Nothing => {}
        }
    }

    /// All is done.
    pub fn finish(self) {
        match self.shown {
            Shown::Bar(bar) => bar.finish(),
            Shown::Lines { clock, start, .. } => {
                print_line(self.title, self.total, self.total, clock.monotonic() - start);
            }
            Shown::Nothing => {}
        }
    }
}

fn print_line(title: &str, done: u64, total: u64, time: Duration) {
    let rate = done as f64 / time.as_secs_f64().max(0.001);
    let whole = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    println!("{title:>10} {} of {} records, {} records/s", whole(done), whole(total), whole(rate as u64));
}
