//! Names of settings: which of them are secrets, and which one was probably meant.

/// Parts of the names of settings whose values are not for logs.
const SECRET: [&str; 7] = ["password", "secret", "key", "token", "credential", "jaas", "oauthbearer.config"];

/// Whether a value of `name` may be a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|part| name.to_ascii_lowercase().contains(part))
}

/// The name among `known` that differs least from `name`, if it is near enough to have been meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let meant = name.to_ascii_lowercase().replace(['_', '-'], ".");
    let limit = (name.len() / 3).max(2);
    known.map(|known| (distance(&meant, known), known)).filter(|(far, _)| *far <= limit).min().map(|(_, known)| known)
}

/// How many letters must be put in, taken out or replaced to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
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
    fn the_nearest_name_is_found_by_letters_and_by_dots() {
        let known = ["linger.ms", "acks", "batch.size"];
        for (name, expect) in
            [("linger_ms", Some("linger.ms")), ("lingerms", Some("linger.ms")), ("ack", Some("acks")), ("zzzzzz", None)]
        {
            assert_eq!(nearest(name, known.into_iter()), expect, "{name}");
        }
    }

    #[test]
    fn passwords_and_keys_are_secrets() {
        for name in ["sasl.password", "ssl.key.location", "ssl.keystore.password", "sasl.jaas.config"] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("linger.ms"));
    }
}
