//! The stream-table join.

use std::panic::Location;
use std::sync::Arc;

use state_store::{CodecRef, DefaultCodec};

use crate::dsl::codecs::Codecs;
use crate::dsl::repartition::{Repartition, RepartitionNames};
use crate::dsl::{Joined, KStream, KTable, NewNode, Nullable, add, any_codec, typed_codec};
use crate::node::nulls::Nulls;
use crate::node::stream_table_join::{InnerJoin, LeftJoin};
use crate::plan::{AnyCodecs, JoinKind, NodeId, Op, StoreId, Wire};
use crate::record::Data;
use crate::{Error, Kind};

impl<'b, KN: Data, VN: Data> KStream<'b, KN, VN> {
    /// Joins each record with the table's value of its key, as of the record's time; without one it gives nothing.
    /// Updates of the table give nothing by themselves. Where the key was changed before, the stream is repartitioned.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    ///
    /// let builder = StreamsBuilder::new();
    /// let names = builder.table::<i64, String>("names");
    /// let clicks = builder.stream::<i64, String>("clicks");
    /// clicks.join(names, |_user, page, name| format!("{name} was at {page}")).to("visits");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn join<K: Data, V: Data, T: Data, W: Data>(
        self,
        table: KTable<'b, K, T>,
        joiner: impl Fn(&K, V, &T) -> W + Send + Sync + 'static,
    ) -> KStream<'b, K, W>
    where
        KN: Nullable<K> + DefaultCodec,
        VN: Nullable<V> + DefaultCodec,
    {
        self.join_with(table, joiner, Joined::default())
    }

    /// [`join`](Self::join) as `joined` says.
    #[track_caller]
    pub fn join_with<K: Data, V: Data, T: Data, W: Data>(
        self,
        table: KTable<'b, K, T>,
        joiner: impl Fn(&K, V, &T) -> W + Send + Sync + 'static,
        joined: Joined<KN, VN>,
    ) -> KStream<'b, K, W>
    where
        KN: Nullable<K>,
        VN: Nullable<V>,
    {
        let side = self.join_side(table, joined, "KSTREAM-JOIN-", Location::caller());
        let (keys, values) = (side.keys.clone().map(KN::inner_codec), side.values.clone().map(VN::inner_codec));
        let codecs = AnyCodecs { key: keys.as_ref().map(any_codec), value: None };
        let (table, joiner) = (side.table, Arc::new(joiner));
        let wire: Wire = Box::new(move |task| {
            let (view, outlet) = (task.view::<K, T>(table)?, task.outlet::<K, W>());
            let joiner = Arc::clone(&joiner);
            let (keys, values) = (Nulls::of_known(keys.clone()), Nulls::of_known(values.clone()));
            task.install::<KN, VN>(InnerJoin { table: view, joiner, outlet, keys, values });
            Ok(())
        });
        self.add_join(side, JoinKind::Inner, codecs, wire)
    }

    /// Joins each record with the table's value of its key, as of the record's time, or with `None` where there is no
    /// value or no key.
    ///
    /// ```
    /// use stream_core::StreamsBuilder;
    ///
    /// let builder = StreamsBuilder::new();
    /// let names = builder.table::<i64, String>("names");
    /// let clicks = builder.stream::<i64, String>("clicks");
    /// let visits = clicks.left_join(names, |user, page, name: Option<&String>| match name {
    ///     Some(name) => format!("{name} was at {page}"),
    ///     None => format!("user {user} was at {page}"),
    /// });
    /// visits.to("visits");
    /// # builder.build().expect("a valid topology");
    /// ```
    #[track_caller]
    pub fn left_join<K: Data, V: Data, T: Data, W: Data>(
        self,
        table: KTable<'b, K, T>,
        joiner: impl Fn(&KN, V, Option<&T>) -> W + Send + Sync + 'static,
    ) -> KStream<'b, KN, W>
    where
        KN: Nullable<K> + DefaultCodec,
        VN: Nullable<V> + DefaultCodec,
    {
        self.left_join_with(table, joiner, Joined::default())
    }

    /// [`left_join`](Self::left_join) as `joined` says.
    #[track_caller]
    pub fn left_join_with<K: Data, V: Data, T: Data, W: Data>(
        self,
        table: KTable<'b, K, T>,
        joiner: impl Fn(&KN, V, Option<&T>) -> W + Send + Sync + 'static,
        joined: Joined<KN, VN>,
    ) -> KStream<'b, KN, W>
    where
        KN: Nullable<K>,
        VN: Nullable<V>,
    {
        let side = self.join_side(table, joined, "KSTREAM-LEFTJOIN-", Location::caller());
        let codecs = AnyCodecs { key: side.keys.as_ref().map(any_codec), value: None };
        let (keys, values) = (side.keys.clone().map(KN::inner_codec), side.values.clone().map(VN::inner_codec));
        let (table, joiner) = (side.table, Arc::new(joiner));
        let wire: Wire = Box::new(move |task| {
            let (view, outlet) = (task.view::<K, T>(table)?, task.outlet::<KN, W>());
            let joiner = Arc::clone(&joiner);
            let (keys, values) = (Nulls::of_known(keys.clone()), Nulls::of_known(values.clone()));
            task.install::<KN, VN>(LeftJoin { table: view, joiner, outlet, keys, values });
            Ok(())
        });
        self.add_join(side, JoinKind::Left, codecs, wire)
    }

    /// The stream's side of a join: repartitioned where its key was changed, and the join's name.
    fn join_side<K: Data, T: Data>(
        &self,
        table: KTable<'b, K, T>,
        joined: Joined<KN, VN>,
        prefix: &str,
        origin: &'static Location<'static>,
    ) -> Side<KN, VN> {
        let stores = if std::ptr::eq(self.plan, table.plan) {
            self.plan.borrow_mut().table_stores(table.node)
        } else {
            let error = Error::new(Kind::Invalid, "a stream is joined with a table of another builder");
            self.plan.borrow_mut().mistake(error, origin);
            Vec::new()
        };
        let Joined { keys, values, name } = joined;
        let user = name.or_else(|| self.own_name());
        let AnyCodecs { key, value } = self.plan.borrow().node(self.node).codecs.clone();
        let key_codec = keys.choose(typed_codec::<KN>(key.as_ref()));
        let value_codec = values.choose(typed_codec::<VN>(value.as_ref()));
        let required = self.plan.borrow().node(self.node).repartition_required;
        let parent =
            if required { self.repartition_for_join(&keys, &values, user.as_deref(), origin) } else { self.node };
        let name = self.plan.borrow_mut().operator_name(user, prefix, origin);
        Side { parent, name, keys: key_codec, values: value_codec, table: table.node, stores, origin }
    }

    /// The source of the repartition in front of a join. Joins of one stream share it unless they are named.
    fn repartition_for_join(
        &self,
        keys: &Codecs<KN>,
        values: &Codecs<VN>,
        user: Option<&str>,
        origin: &'static Location<'static>,
    ) -> NodeId {
        let own = self.plan.borrow().node(self.node).name.clone();
        let prefix = user.unwrap_or(&own);
        // Names are used up even where the repartition is there already.
        let names = RepartitionNames::new(self.plan, prefix);
        let shared = self.plan.borrow().join_repartition(self.node);
        if let Some(shared) = shared
            && prefix == own
        {
            return shared;
        }
        let codecs = self.codecs(keys, values, "Joined::with_codecs", origin);
        let Some((keys, values)) = codecs else { return self.node };
        let read = keys.clone();
        let repartition = Repartition { names, keys, values, partitions: None, partitioner: None, origin };
        let source = repartition.add::<KN>(self.plan, self.node, read);
        self.plan.borrow_mut().keep_join_repartition(self.node, source);
        source
    }

    fn add_join<L: Data, W: Data>(
        &self,
        side: Side<KN, VN>,
        kind: JoinKind,
        codecs: AnyCodecs,
        wire: Wire,
    ) -> KStream<'b, L, W> {
        let Side { parent, name, stores, origin, .. } = side;
        let node = add::<L, W>(
            self.plan,
            NewNode {
                op: Op::StreamTableJoin(kind),
                name,
                parents: vec![parent],
                codecs,
                repartition_required: false,
                origin,
                wire,
            },
        );
        let mut plan = self.plan.borrow_mut();
        for store in stores {
            plan.connect(node, store);
        }
        drop(plan);
        KStream::at(self.plan, node)
    }
}

/// The stream's side of a join, and where the table is.
struct Side<K, V> {
    parent: NodeId,
    name: String,
    keys: Option<CodecRef<K>>,
    values: Option<CodecRef<V>>,
    table: NodeId,
    /// Where the table's rows are.
    stores: Vec<StoreId>,
    origin: &'static Location<'static>,
}
