//! `process` and `process_values`: users' processors in a stream, and the stores they use.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use state_store::StoreConfig;
use state_store::backend::{MemoryBackend, SharedBackend};

use crate::Result;
use crate::dsl::{KStream, NewNode, PlanCell, StoreBuilder, add};
use crate::node::processor::ProcessorNode;
use crate::plan::{AnyCodecs, Op, PlanBuilder, StoreId};
use crate::processor::{Connected, FixedKey, FixedKeyProcessor, Processor, Stores};
use crate::record::Data;
use crate::task::builder::TaskBuilder;

/// A store of a processor: one that was added to the topology or belongs to a table, by name, or one that the
/// processor brings along.
#[derive(Clone)]
pub enum StoreUse {
    /// The store of that name.
    Connect(String),
    /// A store of the processor's own. Several processors may bring the same.
    Attach(StoreBuilder),
}

impl From<&str> for StoreUse {
    fn from(name: &str) -> Self {
        Self::Connect(name.to_owned())
    }
}

impl From<String> for StoreUse {
    fn from(name: String) -> Self {
        Self::Connect(name)
    }
}

impl From<StoreBuilder> for StoreUse {
    fn from(store: StoreBuilder) -> Self {
        Self::Attach(store)
    }
}

/// The stores of a processor: names, [`StoreBuilder`]s, [`StoreUse`]s, or `()` for none.
pub trait IntoStores {
    /// The stores in order.
    fn into_stores(self) -> Vec<StoreUse>;
}

impl IntoStores for () {
    fn into_stores(self) -> Vec<StoreUse> {
        Vec::new()
    }
}

impl IntoStores for StoreBuilder {
    fn into_stores(self) -> Vec<StoreUse> {
        vec![self.into()]
    }
}

impl<S: Into<StoreUse>, const N: usize> IntoStores for [S; N] {
    fn into_stores(self) -> Vec<StoreUse> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<StoreUse>> IntoStores for Vec<S> {
    fn into_stores(self) -> Vec<StoreUse> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<'b, K: Data, V: Data> KStream<'b, K, V> {
    /// Runs a processor over the stream. It may forward any keys and values, so what needs the partitioning by key
    /// comes after a repartition.
    ///
    /// `supplier` makes the processor out of its stores, once for each task and once when the topology is built.
    /// See [`Processor`] for an example.
    #[track_caller]
    pub fn process<P: Processor<K, V> + 'static>(
        self,
        supplier: impl Fn(&mut Stores<'_>) -> P + Send + Sync + 'static,
        stores: impl IntoStores,
    ) -> KStream<'b, P::KeyOut, P::ValueOut> {
        let stored = AnyCodecs::default();
        let kind = ProcessKind { op: Op::Process, prefix: "KSTREAM-PROCESSOR-", codecs: stored, repartition: true };
        self.run_processor(kind, supplier, stores.into_stores(), Location::caller())
    }

    /// Runs a processor that cannot change keys over the stream.
    ///
    /// See [`FixedKeyProcessor`] for an example.
    #[track_caller]
    pub fn process_values<P: FixedKeyProcessor<K, V> + 'static>(
        self,
        supplier: impl Fn(&mut Stores<'_>) -> P + Send + Sync + 'static,
        stores: impl IntoStores,
    ) -> KStream<'b, K, P::ValueOut> {
        let kind = {
            let plan = self.plan.borrow();
            let parent = plan.node(self.node);
            let codecs = AnyCodecs { key: parent.codecs.key.clone(), value: None };
            let repartition = parent.repartition_required;
            ProcessKind { op: Op::ProcessValues, prefix: "KSTREAM-PROCESSVALUES-", codecs, repartition }
        };
        let supplier = move |stores: &mut Stores<'_>| FixedKey(supplier(stores));
        self.run_processor(kind, supplier, stores.into_stores(), Location::caller())
    }

    fn run_processor<P: Processor<K, V> + 'static>(
        self,
        kind: ProcessKind,
        supplier: impl Fn(&mut Stores<'_>) -> P + Send + Sync + 'static,
        stores: Vec<StoreUse>,
        origin: &'static Location<'static>,
    ) -> KStream<'b, P::KeyOut, P::ValueOut> {
        // A named processor uses up no index, unlike every other named operator.
        let name = match self.own_name() {
            Some(name) => self.plan.borrow_mut().user_name(name, origin),
            None => self.plan.borrow_mut().operator_name(None, kind.prefix, origin),
        };
        let ids = connect(self.plan, stores, &name, origin);
        if let Some(ids) = &ids {
            check(self.plan, ids, &name, &supplier, origin);
        }
        let connected = ids.unwrap_or_default();
        let stores = connected.clone();
        let node = add::<P::KeyOut, P::ValueOut>(
            self.plan,
            NewNode {
                op: kind.op,
                name,
                parents: vec![self.node],
                codecs: kind.codecs,
                repartition_required: kind.repartition,
                origin,
                wire: Box::new(move |task| wire::<K, V, P>(task, &connected, &supplier)),
            },
        );
        let mut plan = self.plan.borrow_mut();
        stores.into_iter().for_each(|store| plan.connect(node, store));
        drop(plan);
        KStream::at(self.plan, node)
    }
}

/// What tells `process` from `process_values`.
struct ProcessKind {
    op: Op,
    prefix: &'static str,
    codecs: AnyCodecs,
    repartition: bool,
}

/// The ids of a processor's stores; `None` where one is not there, which is kept as a mistake.
fn connect(
    plan: &PlanCell,
    stores: Vec<StoreUse>,
    processor: &str,
    origin: &'static Location<'static>,
) -> Option<Vec<StoreId>> {
    let mut plan = plan.borrow_mut();
    let found: Vec<_> = stores.into_iter().map(|store| find(&mut plan, store, processor, origin)).collect();
    found.into_iter().collect()
}

fn find(
    plan: &mut PlanBuilder,
    store: StoreUse,
    processor: &str,
    origin: &'static Location<'static>,
) -> Option<StoreId> {
    let name = match store {
        StoreUse::Attach(builder) => return Some(builder.attach_to(plan)),
        StoreUse::Connect(name) => name,
    };
    let found = plan.find_store(&name);
    if found.is_none() {
        let why = format!(
            "the processor {processor} uses the store {name:?}, which is not there: add it before, by `add_store` or as \
             a table's named store; there are {}",
            plan.store_names().join(", ")
        );
        plan.mistake(crate::Error::new(crate::Kind::Invalid, why), origin);
    }
    found
}

/// Calls the supplier with empty stores, and keeps what is wrong with the stores it takes.
fn check<P>(
    plan: &PlanCell,
    stores: &[StoreId],
    processor: &str,
    supplier: &impl Fn(&mut Stores<'_>) -> P,
    origin: &'static Location<'static>,
) {
    let checked = open_empty(&plan.borrow(), stores).and_then(|connected| {
        let mut stores = Stores::new(&connected, None);
        drop(supplier(&mut stores));
        stores.finish().map(drop)
    });
    if let Err(error) = checked {
        plan.borrow_mut().mistake(error.within(format_args!("the processor {processor}")), origin);
    }
}

fn open_empty(plan: &PlanBuilder, stores: &[StoreId]) -> Result<Vec<Connected>> {
    let backend: SharedBackend = Rc::new(RefCell::new(Box::new(MemoryBackend::default())));
    let open = |id: &StoreId| {
        let store = plan.store(*id);
        let open = (store.open)(StoreConfig {
            name: store.name.clone(),
            backend: Rc::clone(&backend),
            changelog: None,
            caching: store.caching,
            send_old_values: store.send_old_values,
        })?;
        Ok(Connected { name: store.name.clone(), kind: store.kind.clone(), open })
    };
    stores.iter().map(open).collect()
}

/// Makes the running processor in a task.
fn wire<K: Data, V: Data, P: Processor<K, V> + 'static>(
    task: &mut TaskBuilder<'_>,
    stores: &[StoreId],
    supplier: &impl Fn(&mut Stores<'_>) -> P,
) -> Result<()> {
    let mut connected = Vec::with_capacity(stores.len());
    for id in stores {
        let open = task.opened(*id)?;
        let store = task.store_plan(*id);
        connected.push(Connected { name: store.name.clone(), kind: store.kind.clone(), open });
    }
    let outputs = task.context().outputs().clone();
    let mut stores = Stores::new(&connected, Some(outputs));
    let processor = supplier(&mut stores);
    let current = stores.finish()?;
    let (outlet, children, node) = (task.outlet(), task.named_children(), task.node_id());
    task.install::<K, V>(ProcessorNode { processor, node, outlet, children, current });
    Ok(())
}
