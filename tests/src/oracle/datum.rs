//! Dynamic keys and values: what the functions of the case files work on, whatever the static type they stand in.

use std::sync::Arc;

/// A key or a value of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// Absent.
    Null,
    /// Text.
    Str(Arc<str>),
    /// A number.
    Long(i64),
    /// A key within a window.
    Windowed {
        /// The key.
        key: Arc<str>,
        /// First millisecond of the window.
        start: i64,
        /// Its end.
        end: i64,
    },
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl Datum {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// It, unless it is null.
    pub fn into_option(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// It, or null.
    pub fn of(value: Option<Self>) -> Self {
        value.unwrap_or(Self::Null)
    }

    /// As text: null is `null`, a windowed key `key@start/end`.
    pub fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Str(text) => text.as_ref().to_owned(),
            Self::Long(number) => number.to_string(),
            Self::Windowed { key, start, end } => format!("{key}@{start}/{end}"),
        }
    }

    /// As a number: null is 0, text that is no number counts its bytes.
    pub fn number(&self) -> i64 {
        match self {
            Self::Null => 0,
            Self::Long(number) => *number,
            other => {
                let text = other.text();
                parse_decimal(&text).unwrap_or_else(|| length(&text))
            }
        }
    }

    /// Bytes of the text.
    pub fn text_len(&self) -> i64 {
        length(&self.text())
    }

    /// Whether the text contains `part`; never for null.
    pub fn contains(&self, part: &str) -> bool {
        !self.is_null() && self.text().contains(part)
    }

    /// The first character of the text; `None` for null and for empty text.
    pub fn first_char(&self) -> Option<char> {
        if self.is_null() { None } else { self.text().chars().next() }
    }

    /// The last character of the text; `None` for null and for empty text.
    pub fn last_char(&self) -> Option<char> {
        if self.is_null() { None } else { self.text().chars().next_back() }
    }

    /// The text's polynomial hash, going on from `hash`.
    pub fn poly(&self, hash: i64) -> i64 {
        self.text().bytes().fold(hash, |hash, byte| (hash.wrapping_mul(31) + i64::from(byte)).rem_euclid(1_000_003))
    }
}

/// The last `limit` characters of `text`.
pub fn cap(text: &str, limit: i64) -> String {
    let skip = text.chars().count().saturating_sub(usize::try_from(limit).unwrap_or_default());
    text.chars().skip(skip).collect()
}

/// Java's order of strings: by UTF-16 code units.
pub fn compare_utf16(a: &str, b: &str) -> std::cmp::Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes of hexadecimal digits.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + *digit as u8)).collect()
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).expect("texts are shorter than 2^63 bytes")
}

/// 1 to 15 decimal digits, with a minus where there is one.
fn parse_decimal(text: &str) -> Option<i64> {
    const DIGITS_MAX: usize = 15;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let decimal = (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if decimal { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_text_or_count_its_bytes() {
        let check = |text: &str, number: i64| assert_eq!(Datum::from(text).number(), number, "{text:?}");
        check("-12", -12);
        check("-", 1);
        check("", 0);
        check("ä", 2);
        check("1234567890123456", 16);
    }

    #[test]
    fn caps_keep_the_last_characters() {
        assert_eq!(cap("abäc", 2), "äc");
        assert_eq!(cap("ab", 5), "ab");
    }
}
