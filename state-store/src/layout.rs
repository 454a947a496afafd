//! The bytes of rows and window keys: the one owner of the local format.
//!
//! ```text
//! row value    timestamp (8, big endian) ‖ value                      ours, format 1
//! window key   key ‖ window start (8, big endian) ‖ sequence (4)      Kafka Streams', local and in the changelog
//! ```
//! A format, once given out, is never changed: a new one gets a new number, and a fixture stays for every old one.

use crate::{Error, Kind, Result, Timestamp, Window};

/// The number of this format, kept beside the rows.
pub(crate) const FORMAT: u8 = 1;

/// Bytes of a timestamp.
pub(crate) const TIMESTAMP_BYTES: usize = 8;

const SEQUENCE_BYTES: usize = 4;

/// The highest sequence number: Java's largest `int`.
pub(crate) const SEQUENCE_MAX: u32 = 0x7fff_ffff;

/// A window key, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowKey<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) start: Timestamp,
    pub(crate) sequence: u32,
}

/// Begins a row in `out` (cleared first): the value's bytes are appended behind.
pub(crate) fn begin_row(timestamp: Timestamp, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&timestamp.millis().to_be_bytes());
}

/// The timestamp of a row and its value's bytes.
pub(crate) fn split_row(row: &[u8]) -> Result<(Timestamp, &[u8])> {
    let Some((timestamp, value)) = row.split_first_chunk::<TIMESTAMP_BYTES>() else {
        let why = format!("a stored row has {} bytes; its timestamp alone has 8", row.len());
        return Err(Error::new(Kind::Corrupt, why));
    };
    Ok((Timestamp(i64::from_be_bytes(*timestamp)), value))
}

/// Appends start and sequence to the key's bytes in `out`.
pub(crate) fn finish_window_key(start: Timestamp, sequence: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&start.millis().to_be_bytes());
    out.extend_from_slice(&sequence.to_be_bytes());
}

/// Takes a window key apart; `None` where it is too short to be one, or starts before time.
pub(crate) fn split_window_key(bytes: &[u8]) -> Option<WindowKey<'_>> {
    let (rest, sequence) = bytes.split_last_chunk::<SEQUENCE_BYTES>()?;
    let (key, start) = rest.split_last_chunk::<TIMESTAMP_BYTES>()?;
    let start = Timestamp(i64::from_be_bytes(*start));
    (start.millis() >= 0).then(|| WindowKey { key, start, sequence: u32::from_be_bytes(*sequence) })
}

/// The first bytes past every window key of a key up to `last` (inclusive).
///
/// A key that is a prefix of `last` may sort behind it once its start follows, so the bound is cut where `last` has a
/// byte that a start can begin with. It lets some keys above `last` through: whoever scans looks at each key.
pub(crate) fn window_keys_end(last: &[u8], to: Timestamp) -> Vec<u8> {
    let first_of_start = to.millis().to_be_bytes()[0];
    let kept = last.iter().position(|byte| *byte <= first_of_start).unwrap_or(last.len());
    let mut end = last[..kept].to_vec();
    // Starts are not negative, so their first byte is at most 0x7f.
    end.push(first_of_start + 1);
    end
}

/// The window of `size_ms` that starts at `start`; an end past the end of time is cut.
pub(crate) fn window_of(start: Timestamp, size_ms: i64) -> Window {
    Window { start, end: Timestamp(start.millis().saturating_add(size_ms)) }
}

/// The bytes right behind `key` in byte order.
pub(crate) fn successor(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

/// The first bytes past all that start with `prefix`; `None` where there are none.
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Format 1, byte for byte. These lines never change.
    #[test]
    fn fixture_of_format_1() {
        assert_eq!(FORMAT, 1);
        let mut row = vec![9, 9];
        begin_row(Timestamp(0x0102), &mut row);
        row.extend_from_slice(b"v");
        assert_eq!(row, [0, 0, 0, 0, 0, 0, 1, 2, b'v']);
        assert_eq!(split_row(&row).expect("a row"), (Timestamp(0x0102), &b"v"[..]));

        let mut key = b"k".to_vec();
        finish_window_key(Timestamp(0x0304), 5, &mut key);
        assert_eq!(key, [b'k', 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 5]);
        let expected = WindowKey { key: b"k", start: Timestamp(0x0304), sequence: 5 };
        assert_eq!(split_window_key(&key), Some(expected));
    }

    #[test]
    fn damaged_bytes_are_no_rows() {
        assert_eq!(split_row(&[0; 7]).expect_err("too short").kind(), Kind::Corrupt);
        assert_eq!(split_window_key(&[0; 11]), None);
        assert_eq!(split_window_key(&[0xff; 12]), None);
    }

    #[test]
    fn the_end_of_a_key_range_is_past_every_key_in_it() {
        let keys: [&[u8]; 9] = [b"", b"\0", b"\0\x7f", b"a", b"a\0", b"a\0b", b"ab", b"a\x7f", b"b"];
        for start in [0, 5, 1_700_000_000_000, i64::MAX] {
            let start = Timestamp(start);
            for last in keys {
                let end = window_keys_end(last, start);
                for key in keys.iter().filter(|key| **key <= last) {
                    let mut bytes = key.to_vec();
                    finish_window_key(start, SEQUENCE_MAX, &mut bytes);
                    assert!(bytes < end, "{key:?} up to {last:?} at {start}");
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(prefix_end(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(prefix_end(b"\xff"), None);
        assert_eq!(prefix_end(b""), None);
    }
}
