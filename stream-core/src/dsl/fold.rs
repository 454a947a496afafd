//! What an aggregation computes: the step from one aggregate to the next, and what the first one begins as.

use std::sync::Arc;

use crate::dsl::{Counter, Nullable};
use crate::node::aggregate::Begin;
use crate::record::Data;

/// An aggregation. `step` makes the next aggregate of key, value and the one so far, or `None` for none.
pub(crate) struct Fold<S, A> {
    pub(crate) step: S,
    pub(crate) begin: Begin<A>,
}

/// `count`.
pub(crate) fn counted<K, V, A: Counter>() -> Fold<impl Fn(&K, &V, Option<A>) -> Option<A> + Send + Sync + 'static, A> {
    let step = |_: &K, _: &V, so_far: Option<A>| Some(so_far.unwrap_or_else(A::zero).plus_one());
    Fold { step, begin: Arc::new(|| Some(A::zero())) }
}

/// `reduce`: the first value stands as it is.
pub(crate) fn reduced<K, V: Nullable<A>, A: Data>(
    f: impl Fn(V, V) -> V + Send + Sync + 'static,
) -> Fold<impl Fn(&K, &V, Option<A>) -> Option<A> + Send + Sync + 'static, A> {
    let step = move |_: &K, value: &V, old: Option<A>| match old {
        None => value.as_option().cloned(),
        Some(old) => f(V::present(old), value.clone()).into_option(),
    };
    Fold { step, begin: Arc::new(|| None) }
}

/// `aggregate`.
pub(crate) fn folded<K, V, A: Data, M: Nullable<A>>(
    init: impl Fn() -> M + Send + Sync + 'static,
    f: impl Fn(&K, &V, M) -> M + Send + Sync + 'static,
) -> Fold<impl Fn(&K, &V, Option<A>) -> Option<A> + Send + Sync + 'static, A> {
    let init = Arc::new(init);
    let begin = Arc::clone(&init);
    let step = move |key: &K, value: &V, old: Option<A>| {
        let old = old.map_or_else(&*init, M::present);
        f(key, value, old).into_option()
    };
    Fold { step, begin: Arc::new(move || begin().into_option()) }
}
