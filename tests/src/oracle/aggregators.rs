//! The named functions of the case files that combine: initializers, aggregators, reducers, joiners.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::oracle::codecs::Plain;
use crate::oracle::datum::{Datum, cap, compare_utf16};
use crate::oracle::functions::{Spec, throw_on};

/// A function of a key and two values.
pub type Function3 = Arc<dyn Fn(&Datum, &Datum, &Datum) -> Datum + Send + Sync>;
/// A function of two values of one kind.
pub type Reducer = Arc<dyn Fn(&Datum, &Datum) -> Datum + Send + Sync>;

/// Length that some functions cut their results to.
const SHORT: i64 = 16;

/// The value of the initializer `text`, if it is known, and its kind.
pub fn initial(text: &str) -> Option<(Datum, Plain)> {
    let spec = Spec::parse(text);
    Some(match spec.name.as_str() {
        "str" => (Datum::from(spec.rest()), Plain::Str),
        "long" => (Datum::Long(spec.number(0)?), Plain::Long),
        "null" => (Datum::Null, Plain::Str),
        _ => return None,
    })
}

/// The aggregator `text`, if it is known: key, value, aggregate.
pub fn aggregator(text: &str) -> Option<Function3> {
    let spec = Spec::parse(text);
    let (rest, first) = (spec.rest(), spec.argument(0).to_owned());
    Some(match spec.name.as_str() {
        "agg_concat" => Arc::new(|_, value, so_far| Datum::from(so_far.text() + &value.text())),
        "agg_concat_cap" => {
            let limit = spec.number(0)?;
            Arc::new(move |_, value, so_far| cap(&(so_far.text() + &value.text()), limit).into())
        }
        "agg_add" => Arc::new(move |_, value, so_far| Datum::from(so_far.text() + &first + &value.text())),
        "agg_add_cap" => {
            let limit = spec.number(1)?;
            Arc::new(move |_, value, so_far| cap(&(so_far.text() + &first + &value.text()), limit).into())
        }
        "agg_key" => {
            const LONG: i64 = 20;
            Arc::new(|key, value, so_far| cap(&(so_far.text() + &key.text() + &value.text()), LONG).into())
        }
        "agg_count" => Arc::new(|_, _, so_far| Datum::Long(so_far.number().wrapping_add(1))),
        "agg_uncount" => Arc::new(|_, _, so_far| Datum::Long(so_far.number().wrapping_sub(1))),
        "agg_sum" => Arc::new(|_, value, so_far| Datum::Long(so_far.number().wrapping_add(value.number()))),
        "agg_sub" => Arc::new(|_, value, so_far| Datum::Long(so_far.number().wrapping_sub(value.number()))),
        "agg_poly" => Arc::new(|_, value, so_far| Datum::Long(value.poly(so_far.number()))),
        "agg_max" => Arc::new(|_, value, so_far| {
            let (new, old) = (value.text(), so_far.text());
            let greater = so_far.is_null() || compare_utf16(&new, &old) == Ordering::Greater;
            Datum::from(if greater { new } else { old })
        }),
        "agg_null_on" => Arc::new(move |_, value, so_far| {
            let null = value.text().contains(&first);
            if null { Datum::Null } else { cap(&(so_far.text() + &value.text()), SHORT).into() }
        }),
        "throw_on" => Arc::new(move |_, value, so_far| {
            throw_on(value, &rest);
            cap(&(so_far.text() + &value.text()), SHORT).into()
        }),
        _ => return None,
    })
}

/// The reducer `text` over values of `kind`, if it is known: old aggregate, value.
pub fn reducer(text: &str, kind: Plain) -> Option<Reducer> {
    let spec = Spec::parse(text);
    let first = spec.argument(0).to_owned();
    let long = kind == Plain::Long;
    let of_number = move |number: i64| if long { Datum::Long(number) } else { Datum::from(number.to_string()) };
    Some(match spec.name.as_str() {
        "red_concat" => Arc::new(move |a, b| Datum::from(a.text() + &first + &b.text())),
        "red_concat_cap" => {
            let limit = spec.number(1)?;
            Arc::new(move |a, b| cap(&(a.text() + &first + &b.text()), limit).into())
        }
        "red_first" => Arc::new(|a, _| a.clone()),
        "red_last" => Arc::new(|_, b| b.clone()),
        "red_max" => extreme(long, Ordering::Less),
        "red_min" => extreme(long, Ordering::Greater),
        "red_sum" => Arc::new(move |a, b| of_number(a.number().wrapping_add(b.number()))),
        "red_sub" => Arc::new(move |a, b| of_number(a.number().wrapping_sub(b.number()))),
        "red_null_on" => Arc::new(move |a, b| match b.text().contains(&first) {
            true => Datum::Null,
            false if long => b.clone(),
            false => cap(&(a.text() + &b.text()), SHORT).into(),
        }),
        _ => return None,
    })
}

/// The reducer that keeps the old value unless it compares to the new one as `loses`.
fn extreme(long: bool, loses: Ordering) -> Reducer {
    Arc::new(move |a, b| {
        if long {
            let (a, b) = (a.number(), b.number());
            return Datum::Long(if a.cmp(&b) == loses { b } else { a });
        }
        let order = compare_utf16(&a.text(), &b.text());
        if order == loses { b.clone() } else { a.clone() }
    })
}

/// The kind of what the joiner `text` makes.
pub fn joiner_kind(text: &str) -> Plain {
    if Spec::parse(text).name == "sum" { Plain::Long } else { Plain::Str }
}

/// The joiner `text`, if it is known: key, left, right.
pub fn joiner(text: &str) -> Option<Function3> {
    let spec = Spec::parse(text);
    let rest = spec.rest();
    let text_of = |value: &Datum| if value.is_null() { Datum::Null } else { value.text().into() };
    Some(match spec.name.as_str() {
        "concat" => Arc::new(|_, left, right| Datum::from(format!("{}+{}", left.text(), right.text()))),
        "concat_key" => {
            Arc::new(|key, left, right| Datum::from(format!("{}={}+{}", key.text(), left.text(), right.text())))
        }
        "concat_cap" => {
            let limit = spec.number(0)?;
            Arc::new(move |_, left, right| {
                Datum::from(format!("{}+{}", cap(&left.text(), limit), cap(&right.text(), limit)))
            })
        }
        "sum" => Arc::new(|_, left, right| Datum::Long(left.number().wrapping_add(right.number()))),
        "drop" => Arc::new(move |_, left, right| {
            let (left, right) = (left.text(), right.text());
            let dropped = left.contains(&rest) || right.contains(&rest);
            if dropped { Datum::Null } else { format!("{left}+{right}").into() }
        }),
        "left" => Arc::new(move |_, left, _| text_of(left)),
        "right" => Arc::new(move |_, _, right| text_of(right)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_keep_the_old_value() {
        let max = reducer("red_max", Plain::Str).expect("a known reducer");
        assert_eq!(max(&"b".into(), &"a".into()), Datum::from("b"));
        assert_eq!(max(&"a".into(), &"b".into()), Datum::from("b"));
        let min = reducer("red_min", Plain::Long).expect("a known reducer");
        assert_eq!(min(&Datum::Long(3), &Datum::Long(2)), Datum::Long(2));
    }
}
