//! Headers of a record: names with byte values, in order, duplicates allowed.

use std::sync::Arc;

/// Headers of a record. Cloning is a reference count; a record without headers owns nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    list: Option<Arc<Vec<Header>>>,
}

/// One header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value; Kafka allows null.
    pub value: Option<Vec<u8>>,
}

impl Headers {
    /// No headers.
    pub const EMPTY: Self = Self { list: None };

    /// The headers in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.list.as_deref().map_or(&[][..], Vec::as_slice).iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().len() == 0
    }

    /// Adds a header at the end.
    pub fn push(&mut self, name: impl Into<String>, value: Option<Vec<u8>>) {
        let list = Arc::make_mut(self.list.get_or_insert_with(Arc::default));
        list.push(Header { name: name.into(), value });
    }

    /// Removes all headers named `name`.
    pub fn remove(&mut self, name: &str) {
        if self.iter().any(|header| header.name == name) {
            let kept: Vec<_> = self.iter().filter(|header| header.name != name).cloned().collect();
            self.list = (!kept.is_empty()).then(|| Arc::new(kept));
        }
    }
}

impl FromIterator<Header> for Headers {
    fn from_iter<I: IntoIterator<Item = Header>>(headers: I) -> Self {
        let list: Vec<_> = headers.into_iter().collect();
        Self { list: (!list.is_empty()).then(|| Arc::new(list)) }
    }
}
