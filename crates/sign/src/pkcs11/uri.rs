use core::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::ReferenceError;

/// A `pkcs11:` URI (RFC 7512): which module, which token, which key. Attributes that are left out fit everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// What follows the scheme, as it was written.
    text: String,
    pub(super) token: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) model: Option<String>,
    pub(super) slot_id: Option<u64>,
    pub(super) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    module_path: Option<String>,
    pin_source: Option<String>,
}

impl Pkcs11Uri {
    /// Parses what follows `pkcs11:`.
    pub(crate) fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut uri = Self { text: text.to_owned(), ..Self::default() };
        for attribute in path.split(';').filter(|attribute| !attribute.is_empty()) {
            uri.read_path_attribute(attribute)?;
        }
        for attribute in query.split('&').filter(|attribute| !attribute.is_empty()) {
            uri.read_query_attribute(attribute)?;
        }
        let names_token = [&uri.token, &uri.serial, &uri.model, &uri.manufacturer].iter().any(|part| part.is_some());
        if !names_token && uri.slot_id.is_none() && uri.object.is_none() && uri.id.is_none() {
            return Err(ReferenceError::Pkcs11("it names neither a token nor a key"));
        }
        Ok(uri)
    }

    fn read_path_attribute(&mut self, attribute: &str) -> Result<(), ReferenceError> {
        let (name, value) = split(attribute)?;
        let place = match name {
            "token" => &mut self.token,
            "manufacturer" => &mut self.manufacturer,
            "serial" => &mut self.serial,
            "model" => &mut self.model,
            "object" => &mut self.object,
            "id" => return put(&mut self.id, decode(value)?),
            "slot-id" => {
                let number = value.parse().map_err(|_| ReferenceError::Pkcs11("`slot-id` is a number"))?;
                return put(&mut self.slot_id, number);
            }
            "type" if ["private", "public"].contains(&value) => return Ok(()),
            "type" => return Err(ReferenceError::Pkcs11("`type` can only be `private`")),
            "library-description"
            | "library-manufacturer"
            | "library-version"
            | "slot-description"
            | "slot-manufacturer" => {
                return Err(ReferenceError::Pkcs11("name the token by `token`, `serial`, `model` or `slot-id`"));
            }
            _ => return Err(ReferenceError::Pkcs11("an attribute has an unknown name")),
        };
        put(place, decode_text(value)?)
    }

    fn read_query_attribute(&mut self, attribute: &str) -> Result<(), ReferenceError> {
        let (name, value) = split(attribute)?;
        match name {
            "module-path" => put(&mut self.module_path, decode_text(value)?),
            "pin-source" => {
                let text = decode_text(value)?;
                put(&mut self.pin_source, text.strip_prefix("file:").unwrap_or(&text).to_owned())
            }
            "pin-value" => Err(ReferenceError::PinInUri),
            _ => Err(ReferenceError::Pkcs11("only `module-path` and `pin-source` can follow the `?`")),
        }
    }

    /// The module (a shared library) to load, if the URI says it.
    #[must_use]
    pub fn module(&self) -> Option<&Path> {
        self.module_path.as_deref().map(Path::new)
    }

    /// The file whose first line is the PIN, if the URI says it.
    #[must_use]
    pub fn pin_source(&self) -> Option<PathBuf> {
        self.pin_source.as_ref().map(PathBuf::from)
    }

    /// Whether it names a key, not only a token.
    #[must_use]
    pub const fn names_key(&self) -> bool {
        self.object.is_some() || self.id.is_some()
    }
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkcs11:{}", self.text)
    }
}

fn split(attribute: &str) -> Result<(&str, &str), ReferenceError> {
    attribute.split_once('=').ok_or(ReferenceError::Pkcs11("every attribute is NAME=VALUE"))
}

/// RFC 7512 §2.3: no attribute twice.
fn put<T>(place: &mut Option<T>, value: T) -> Result<(), ReferenceError> {
    if place.replace(value).is_some() { Err(ReferenceError::Pkcs11("an attribute occurs twice")) } else { Ok(()) }
}

fn decode(value: &str) -> Result<Vec<u8>, ReferenceError> {
    let is_escaped = value.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().map(|byte| byte.is_ascii_hexdigit());
        digits.next() == Some(true) && digits.next() == Some(true)
    });
    if !is_escaped {
        return Err(ReferenceError::Pkcs11("a `%` is not followed by two hexadecimal digits"));
    }
    Ok(percent_decode_str(value).collect())
}

fn decode_text(value: &str) -> Result<String, ReferenceError> {
    String::from_utf8(decode(value)?).map_err(|_| ReferenceError::Pkcs11("a value is not UTF-8"))
}
