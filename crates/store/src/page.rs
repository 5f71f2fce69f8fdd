use sea_orm::{Cursor, SelectorTrait, sea_query::IntoValueTuple};

use crate::{ReadTx, StoreError, Unsigned};

/// A part of a list, by the place where it begins: no entry is missed or seen twice when others come and go meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// Key of the entry that it follows; none: the list's first entry begins it.
    pub after: Option<K>,
    /// At most so many entries.
    pub limit: u64,
}

impl Page<u64> {
    /// The same page, by a column that holds numbers.
    pub(crate) fn by_number(&self) -> Page<Unsigned> {
        Page { after: self.after.map(Unsigned::from), limit: self.limit }
    }
}

impl ReadTx {
    /// The page of a list whose order, by columns that tell every two entries apart, `list` says.
    pub(crate) async fn list_page<S, K>(&self, mut list: Cursor<S>, page: &Page<K>) -> Result<Vec<S::Item>, StoreError>
    where
        S: SelectorTrait,
        K: Clone + IntoValueTuple,
    {
        if let Some(after) = page.after.clone() {
            list.after(after);
        }
        Ok(list.first(page.limit).all(self.connection()).await?)
    }
}
