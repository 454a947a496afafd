//! Which name was probably meant: for errors about names that do not exist.

/// The name among `known` that differs least from `name`, and in how many letters that must be put in, taken out or
/// replaced.
///
/// ```
/// let known = ["linger.ms", "acks"];
/// assert_eq!(stream_core::nearest_name("lingerms", known), Some(("linger.ms", 1)));
/// ```
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, usize)> {
    known.into_iter().map(|known| (known, distance(name, known))).min_by_key(|(_, distance)| *distance)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("poll.ms", "pol.ms", 1)]
        {
            assert_eq!(distance(a, b), expected);
        }
    }
}
