//! Lists are read page by page: which entries come next is said by an opaque cursor, which is the key of the last one.

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_api::{ListQuery, ListResponse};
use pintle_store::Page;
use serde::{Serialize, de::DeserializeOwned};

use crate::ServiceError;

/// Longer than any key of an entry.
const MAX_CURSOR_CHARS: usize = 4096;

/// The page that `query` asks for, with one entry more, which says whether another page follows.
pub(crate) fn open_page<K: DeserializeOwned>(query: &ListQuery) -> Result<Page<K>, ServiceError> {
    let limit = query.limit.unwrap_or(ListQuery::DEFAULT_LIMIT);
    if !(1..=ListQuery::MAX_LIMIT).contains(&limit) {
        return Err(ServiceError::ValueInvalid { member: "limit", expected: "1 to 500" });
    }
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
    Ok(Page { after, limit: u64::from(limit) + 1 })
}

/// What was found for a page, without the entry more.
pub(crate) fn close_page<R, K: Serialize, T>(
    page: &Page<K>,
    mut rows: Vec<R>,
    key: impl Fn(&R) -> K,
    respond: impl Fn(&R) -> Result<T, ServiceError>,
) -> Result<ListResponse<T>, ServiceError> {
    let next_cursor = if rows.len() as u64 >= page.limit {
        rows.pop();
        rows.last().map(|last| write_cursor(&key(last))).transpose()?
    } else {
        None
    };
    Ok(ListResponse { items: rows.iter().map(respond).collect::<Result<_, _>>()?, next_cursor })
}

fn parse_cursor<K: DeserializeOwned>(text: &str) -> Result<K, ServiceError> {
    if text.len() > MAX_CURSOR_CHARS {
        return Err(ServiceError::CursorInvalid);
    }
    let key = Base64UrlUnpadded::decode_vec(text).map_err(|_| ServiceError::CursorInvalid)?;
    let key: K = serde_json::from_slice(&key).map_err(|_| ServiceError::CursorInvalid)?;
    Ok(key)
}

fn write_cursor<K: Serialize>(key: &K) -> Result<String, ServiceError> {
    let key = serde_json::to_vec(key).map_err(|_| ServiceError::Internal("a cursor is JSON"))?;
    Ok(Base64UrlUnpadded::encode_string(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(limit: Option<u32>, cursor: Option<&str>) -> Result<Page<(String, u64)>, &'static str> {
        open_page(&ListQuery { limit, cursor: cursor.map(str::to_owned) }).map_err(|error| error.code())
    }

    #[test]
    fn a_cursor_leads_to_the_entry_after_the_last() {
        let page = ask(Some(2), None).unwrap();
        let rows = vec![("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)];
        let list = close_page(&page, rows, Clone::clone, |row| Ok(row.1)).unwrap();
        assert_eq!(list.items, [1, 2]);
        let next = ask(Some(2), list.next_cursor.as_deref()).unwrap();
        assert_eq!(next, Page { after: Some(("b".to_owned(), 2)), limit: 3 });
    }

    #[test]
    fn the_last_page_says_that_it_is() {
        let page = ask(None, None).unwrap();
        let list = close_page(&page, vec![("a".to_owned(), 1)], Clone::clone, |row| Ok(row.1)).unwrap();
        assert_eq!((list.items.len(), list.next_cursor), (1, None));
    }

    #[test]
    fn refuses_limits_out_of_bounds_and_cursors_of_other_lists() {
        assert_eq!(ask(Some(0), None), Err("value_invalid"));
        assert_eq!(ask(Some(501), None), Err("value_invalid"));
        let other = write_cursor(&7).unwrap();
        for cursor in ["", "!", "e30", &other, &"A".repeat(5000)] {
            assert_eq!(ask(None, Some(cursor)), Err("cursor_invalid"), "{cursor}");
        }
    }
}
