//! Names of settings: which of them are secrets, and which one was probably meant.

use stream_core::nearest_name;

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
    nearest_name(&meant, known).filter(|(_, distance)| *distance <= limit).map(|(known, _)| known)
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
