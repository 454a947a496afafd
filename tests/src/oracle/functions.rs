//! The named functions of the case files: predicates, mappers, selectors, flat maps, topic extractors.
//!
//! A name is written `name:arg0:arg1`. A name that is not known makes a case wait.

use std::sync::Arc;

use crate::oracle::datum::{Datum, cap};

/// A function's name with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What stands before the first colon.
    pub name: String,
    arguments: Vec<String>,
}

impl Spec {
    /// Reads `name:arg0:arg1`.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            None => Self { name: text.to_owned(), arguments: Vec::new() },
            Some((name, rest)) => {
                Self { name: name.to_owned(), arguments: rest.split(':').map(str::to_owned).collect() }
            }
        }
    }

    /// Argument `index`, or the empty text.
    pub fn argument(&self, index: usize) -> &str {
        self.arguments.get(index).map_or("", String::as_str)
    }

    /// Argument `index` as a number, if it is one.
    pub fn number(&self, index: usize) -> Option<i64> {
        self.argument(index).parse().ok()
    }

    /// Everything behind the first colon.
    pub fn rest(&self) -> String {
        self.arguments.join(":")
    }
}

/// A function of key and value that says yes or no.
pub type Predicate = Arc<dyn Fn(&Datum, &Datum) -> bool + Send + Sync>;
/// A function of key and value.
pub type Function2 = Arc<dyn Fn(&Datum, &Datum) -> Datum + Send + Sync>;
/// A function of key and value that makes any number of pairs.
pub type FlatMap = Arc<dyn Fn(&Datum, &Datum) -> Vec<(Datum, Datum)> + Send + Sync>;
/// A function of key and value that makes any number of values.
pub type FlatMapValues = Arc<dyn Fn(&Datum, &Datum) -> Vec<Datum> + Send + Sync>;

/// A function of key and value that chooses a topic.
pub type TopicExtractor = Arc<dyn Fn(&Datum, &Datum) -> String + Send + Sync>;

/// Fails as the case's function of that name does, where `value` contains `part`.
pub fn throw_on(value: &Datum, part: &str) {
    assert!(!value.contains(part), "boom {part}");
}

/// The predicate `text`, if it is known.
pub fn predicate(text: &str) -> Option<Predicate> {
    let spec = Spec::parse(text);
    let (rest, first) = (spec.rest(), spec.argument(0).to_owned());
    Some(match spec.name.as_str() {
        "always" => Arc::new(|_, _| true),
        "never" => Arc::new(|_, _| false),
        "contains" => Arc::new(move |_, value| value.contains(&rest)),
        "key_contains" => Arc::new(move |key, _| key.contains(&rest)),
        "not_null" => Arc::new(|_, value| !value.is_null()),
        "is_null" => Arc::new(|_, value| value.is_null()),
        "key_not_null" => Arc::new(|key, _| !key.is_null()),
        "key_in" => Arc::new(move |key, _| !key.is_null() && first.split(',').any(|one| one == key.text())),
        "len_mod" => {
            let (modulus, remainder) = (spec.number(0)?, spec.number(1)?);
            Arc::new(move |_, value| !value.is_null() && value.text_len() % modulus == remainder)
        }
        "first_in" => Arc::new(move |_, value| value.first_char().is_some_and(|c| first.contains(c))),
        "gt" => {
            let limit = spec.number(0)?;
            Arc::new(move |_, value| !value.is_null() && value.number() > limit)
        }
        "even" => Arc::new(|_, value| !value.is_null() && value.number().rem_euclid(2) == 0),
        "start_mod" => {
            let (modulus, remainder) = (spec.number(0)?, spec.number(1)?);
            Arc::new(move |key, _| match key {
                Datum::Windowed { start, .. } => start.rem_euclid(modulus) == remainder,
                _ => false,
            })
        }
        "throw_on" => Arc::new(move |_, value| {
            throw_on(value, &rest);
            true
        }),
        _ => return None,
    })
}

/// Whether the mapper `text` makes numbers, whatever it is given.
pub fn mapper_makes_longs(text: &str) -> bool {
    matches!(Spec::parse(text).name.as_str(), "len" | "to_long" | "add")
}

/// Whether the mapper `text` keeps the kind of its value.
pub fn mapper_keeps_kind(text: &str) -> bool {
    matches!(Spec::parse(text).name.as_str(), "identity" | "null" | "null_if" | "throw_on" | "null_if_gt")
}

/// The mapper `text`, if it is known.
pub fn mapper(text: &str) -> Option<Function2> {
    let spec = Spec::parse(text);
    let rest = spec.rest();
    Some(match spec.name.as_str() {
        "identity" => Arc::new(|_, value| value.clone()),
        "upper" => on_text(|text| text.to_ascii_uppercase()),
        "append" => on_text(move |text| text + &rest),
        "prepend" => on_text(move |text| rest.clone() + &text),
        "const" => Arc::new(move |_, _| Datum::from(rest.as_str())),
        "null" => Arc::new(|_, _| Datum::Null),
        "null_if" => Arc::new(move |_, value| if value.contains(&rest) { Datum::Null } else { value.clone() }),
        "null_if_gt" => {
            let limit = spec.number(0)?;
            Arc::new(move |_, value| if value.number() > limit { Datum::Null } else { value.clone() })
        }
        "null_to" => Arc::new(move |_, value| Datum::from(if value.is_null() { rest.clone() } else { value.text() })),
        "with_key" => Arc::new(|key, value| Datum::from(format!("{}:{}", key.text(), value.text()))),
        "len" => Arc::new(|_, value| on_present(value, || Datum::Long(value.text_len()))),
        "to_long" => Arc::new(|_, value| on_present(value, || Datum::Long(value.number()))),
        "add" => {
            let more = spec.number(0)?;
            Arc::new(move |_, value| on_present(value, || Datum::Long(value.number().wrapping_add(more))))
        }
        "l2s" => on_text(|text| text),
        "first" => on_text(|text| text.chars().take(1).collect()),
        "cap" => {
            let limit = spec.number(0)?;
            on_text(move |text| cap(&text, limit))
        }
        "ts_strip" => on_text(|text| match text.split_once(';') {
            Some((stamp, rest)) if stamp.starts_with("ts=") => rest.to_owned(),
            _ => text,
        }),
        "throw_on" => Arc::new(move |_, value| {
            throw_on(value, &rest);
            value.clone()
        }),
        _ => return None,
    })
}

fn on_present(value: &Datum, f: impl FnOnce() -> Datum) -> Datum {
    if value.is_null() { Datum::Null } else { f() }
}

/// A mapper that leaves null and works on the text of everything else.
fn on_text(f: impl Fn(String) -> String + Send + Sync + 'static) -> Function2 {
    Arc::new(move |_, value| on_present(value, || f(value.text()).into()))
}

/// Whether the selector `text` keeps the kind of the key.
pub fn selector_keeps_kind(text: &str) -> bool {
    matches!(Spec::parse(text).name.as_str(), "key" | "null_if" | "throw_on")
}

/// The selector `text`, if it is known.
pub fn selector(text: &str) -> Option<Function2> {
    let spec = Spec::parse(text);
    let rest = spec.rest();
    let of_char = |c: Option<char>| c.map_or(Datum::Null, |c| Datum::from(c.to_string()));
    Some(match spec.name.as_str() {
        "key" => Arc::new(|key, _| key.clone()),
        "value" => on_text(|text| text),
        "first_char" => Arc::new(move |_, value| of_char(value.first_char())),
        "last_char" => Arc::new(move |_, value| of_char(value.last_char())),
        "prefix_key" => Arc::new(move |key, _| Datum::from(rest.clone() + &key.text())),
        "key_upper" => Arc::new(|key, _| on_present(key, || key.text().to_ascii_uppercase().into())),
        "key_first" => Arc::new(move |key, _| of_char(key.first_char())),
        "const" => Arc::new(move |_, _| Datum::from(rest.as_str())),
        "null" => Arc::new(|_, _| Datum::Null),
        "unwindow" => Arc::new(|key, _| on_present(key, || key.text().into())),
        "window_key" => Arc::new(|key, _| match key {
            Datum::Null => Datum::Null,
            Datum::Windowed { key, .. } => Datum::Str(Arc::clone(key)),
            other => other.text().into(),
        }),
        "len_key" => Arc::new(|_, value| on_present(value, || value.text_len().to_string().into())),
        "mod_key" => {
            let modulus = spec.number(0)?;
            Arc::new(move |_, value| on_present(value, || format!("m{}", value.number().rem_euclid(modulus)).into()))
        }
        "field" => {
            let index = usize::try_from(spec.number(0)?).ok()?;
            Arc::new(move |_, value| {
                let text = value.text();
                let field = text.split('|').nth(index).filter(|field| !field.is_empty());
                on_present(value, || field.map_or(Datum::Null, Datum::from))
            })
        }
        "null_if" => Arc::new(move |key, value| if value.contains(&rest) { Datum::Null } else { key.clone() }),
        "key_value" => Arc::new(|key, value| {
            let first = value.first_char().map(String::from).unwrap_or_default();
            on_present(value, || (key.text() + &first).into())
        }),
        "throw_on" => Arc::new(move |key, value| {
            throw_on(value, &rest);
            key.clone()
        }),
        _ => return None,
    })
}

/// The flat map `text`, if it is known.
pub fn flat_map(text: &str) -> Option<FlatMap> {
    let spec = Spec::parse(text);
    Some(match spec.name.as_str() {
        "chars" => Arc::new(|_, value| {
            let whole = Datum::from(value.text());
            chars(value).map(|c| (Datum::from(c), whole.clone())).collect()
        }),
        "words" => Arc::new(|key, value| {
            let key = Datum::from(key.text());
            words(value).map(|word| (key.clone(), Datum::from(word))).collect()
        }),
        "dup" => {
            let times = spec.number(0)?;
            Arc::new(move |key, value| {
                let key = on_present(key, || key.text().into());
                (0..times).map(|i| (key.clone(), Datum::from(format!("{}#{i}", value.text())))).collect()
            })
        }
        "none" => Arc::new(|_, _| Vec::new()),
        _ => return None,
    })
}

/// The flat map of values `text`, if it is known.
pub fn flat_map_values(text: &str) -> Option<FlatMapValues> {
    let spec = Spec::parse(text);
    Some(match spec.name.as_str() {
        "chars" => Arc::new(|_, value| chars(value).map(Datum::from).collect()),
        "words" => Arc::new(|_, value| words(value).map(Datum::from).collect()),
        "dup" => {
            let times = spec.number(0)?;
            Arc::new(move |_, value| (0..times).map(|i| Datum::from(format!("{}#{i}", value.text()))).collect())
        }
        "key_chars" => Arc::new(|key, value| chars(value).map(|c| Datum::from(key.text() + &c)).collect()),
        "none" => Arc::new(|_, _| Vec::new()),
        _ => return None,
    })
}

fn chars(value: &Datum) -> impl Iterator<Item = String> {
    let text = if value.is_null() { String::new() } else { value.text() };
    text.chars().map(String::from).collect::<Vec<_>>().into_iter()
}

fn words(value: &Datum) -> impl Iterator<Item = String> {
    let text = if value.is_null() { String::new() } else { value.text() };
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The topic extractor `text`, if it is known.
pub fn topic_extractor(text: &str) -> Option<TopicExtractor> {
    let spec = Spec::parse(text);
    let first = spec.argument(0).to_owned();
    Some(match spec.name.as_str() {
        "by_first" => Arc::new(move |_, value| match value.first_char() {
            Some(c) => format!("{first}{c}"),
            None => format!("{first}null"),
        }),
        "by_key" => Arc::new(move |key, _| first.clone() + &key.text()),
        "const" => Arc::new(move |_, _| first.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_keep_their_colons_in_the_rest() {
        let spec = Spec::parse("contains:a:b");
        assert_eq!((spec.name.as_str(), spec.argument(1), spec.rest().as_str()), ("contains", "b", "a:b"));
    }

    #[test]
    fn an_empty_argument_is_contained_in_everything_but_null() {
        let contains = predicate("contains:").expect("a known predicate");
        assert!(contains(&Datum::Null, &Datum::from("x")));
        assert!(!contains(&Datum::Null, &Datum::Null));
    }

    #[test]
    fn a_stamp_is_stripped_only_where_one_stands() {
        let strip = mapper("ts_strip").expect("a known mapper");
        let check = |from: &str, to: &str| assert_eq!(strip(&Datum::Null, &from.into()), Datum::from(to));
        check("ts=5;x;y", "x;y");
        check("a;b", "a;b");
    }
}
