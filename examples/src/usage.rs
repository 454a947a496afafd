//! What this process has used so far: CPU time and memory, as the operating system tells it.
//!
//! The one file here that reads the system; elsewhere than on Linux the figures are absent.

use std::path::Path;
use std::time::Duration;

/// The kernel counts CPU time for user space in hundredths of a second on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of all threads, in seconds.
#[must_use]
pub fn cpu_seconds() -> Option<f64> {
    parse_cpu_seconds(&read("/proc/self/stat")?)
}

/// Time that this thread has been on a CPU, which a busy machine does not stretch. The kernel counts it a few
/// milliseconds behind.
#[must_use]
pub fn thread_cpu() -> Option<Duration> {
    parse_schedstat(&read("/proc/thread-self/schedstat")?)
}

/// The most memory that was resident at a time, in bytes.
#[must_use]
pub fn peak_rss_bytes() -> Option<u64> {
    parse_peak_rss(&read("/proc/self/status")?)
}

#[expect(clippy::disallowed_methods, reason = "the owner of what the system tells about the process")]
fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(path)).ok()
}

fn parse_cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the program's name in parentheses and may hold spaces; user time is the 12th behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn parse_schedstat(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn parse_peak_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_is_skipped() {
        let stat = "7 (a (b) c) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 100 1000 100";
        assert_eq!(parse_cpu_seconds(stat), Some(3.0));
    }

    #[test]
    fn time_on_a_cpu_is_the_first_number() {
        assert_eq!(parse_schedstat("1500 20 3\n"), Some(Duration::from_nanos(1500)));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(parse_peak_rss("Name:\tx\nVmHWM:\t  1024 kB\nVmRSS:\t 10 kB\n"), Some(1_048_576));
        assert_eq!(parse_peak_rss("Name:\tx\n"), None);
    }
}
