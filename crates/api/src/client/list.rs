use std::marker::PhantomData;

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::{Client, ClientError};
use crate::{ListQuery, ListResponse};

/// A list that is fetched page by page, as far as it is asked for.
#[derive(Clone, Debug)]
#[must_use = "nothing is fetched yet"]
pub struct List<T> {
    client: Client,
    path: Vec<String>,
    filter: Vec<(&'static str, String)>,
    cursor: Option<String>,
    has_more: bool,
    entries: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> List<T> {
    pub(super) fn new(client: &Client, path: &[&str]) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Self { client: client.clone(), path, filter: Vec::new(), cursor: None, has_more: true, entries: PhantomData }
    }

    /// The same list, narrowed by a query parameter of its route.
    pub fn filter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.filter.push((name, value.into()));
        self
    }

    /// The next entries; `None` after the last.
    ///
    /// # Errors
    /// [`ClientError`]; asking again fetches the same page.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, ClientError> {
        if !self.has_more {
            return Ok(None);
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let query = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: self.cursor.clone() };
        let request = self.client.request(Method::GET, &path)?.query(&self.filter).query(&query);
        let page: ListResponse<T> = super::parse_json(&self.client.exchange(request).await?)?;
        self.has_more = page.next_cursor.is_some();
        self.cursor = page.next_cursor;
        Ok(Some(page.items))
    }

    /// Every entry.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn all(mut self) -> Result<Vec<T>, ClientError> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page);
        }
        Ok(all)
    }
}
