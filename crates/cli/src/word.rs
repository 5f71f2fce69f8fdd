//! The words of the API's enums, as its own serialisation spells them: no second list of them here.

use serde::{Serialize, de::DeserializeOwned};

use crate::CommandError;

/// The word (or number) that stands for `value` on the wire.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The value that `word` stands for on the wire.
pub(crate) fn parse_word<T: DeserializeOwned>(
    word: &str,
    code: &'static str,
    expected: &'static str,
) -> Result<T, CommandError> {
    serde_json::from_value(word.into()).map_err(|_| CommandError::Value { code, value: word.to_owned(), expected })
}
