//! JSON as P-2.3 wants it: RFC 8259, valid UTF-8, no lone surrogates, bounded depth, no duplicate names anywhere.
//!
//! `serde_json` reads the grammar; this module builds a value that remembers what the rules need: whether a
//! number was a plain integer, and that no object had a name twice.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::{cell::Cell, fmt};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{
    error::{Malformed, MalformedReason},
    limits::{MAX_INTEGER, MAX_JSON_DEPTH},
};

/// A JSON value. Numbers that are not `0|[1-9][0-9]*` up to 2^53 − 1 are legal JSON (an ignored member may
/// hold one) but never a known number, so their value is not kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(u64),
    OtherNumber,
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
}

/// An object's members by unescaped name. Taking a member out is reading it; what stays is ignored (P-9.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

type Result<T> = core::result::Result<T, Malformed>;

/// Reads exactly one object out of `bytes`.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Object<'_>> {
    match parse(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(MalformedReason::WrongType { expected: "an object" }.into()),
    }
}

fn parse(bytes: &[u8]) -> Result<Value<'_>> {
    let text = core::str::from_utf8(bytes).map_err(|_| MalformedReason::Json)?;
    let broken_rule = Cell::new(None);
    let seed = Seed { depth_left: MAX_JSON_DEPTH, broken_rule: &broken_rule };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    seed.deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|_| broken_rule.take().unwrap_or(MalformedReason::Json).into())
}

impl<'a> Value<'a> {
    pub(crate) fn into_text(self) -> Result<Cow<'a, str>> {
        match self {
            Self::String(text) => Ok(text),
            _ => Err(MalformedReason::WrongType { expected: "a string" }.into()),
        }
    }

    pub(crate) fn into_string(self) -> Result<String> {
        self.into_text().map(Cow::into_owned)
    }

    pub(crate) fn into_integer(self) -> Result<u64> {
        match self {
            Self::Integer(number) => Ok(number),
            _ => Err(MalformedReason::WrongType { expected: "an integer from 0 to 2^53-1" }.into()),
        }
    }

    pub(crate) fn into_array(self) -> Result<Vec<Self>> {
        match self {
            Self::Array(values) => Ok(values),
            _ => Err(MalformedReason::WrongType { expected: "an array" }.into()),
        }
    }

    pub(crate) fn into_object(self) -> Result<Object<'a>> {
        match self {
            Self::Object(object) => Ok(object),
            _ => Err(MalformedReason::WrongType { expected: "an object" }.into()),
        }
    }
}

impl<'a> Object<'a> {
    /// Looks at a member without reading it.
    pub(crate) fn peek(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(index).1)
    }

    /// Whether two members have one name. Few are compared with each other; many, which only an attacker writes, are
    /// sorted first.
    fn has_duplicates(&self) -> bool {
        const FEW: usize = 16;
        let names = || self.0.iter().map(|(name, _)| &**name);
        if self.0.len() <= FEW {
            return names().enumerate().any(|(index, name)| names().take(index).any(|earlier| earlier == name));
        }
        let mut names: Vec<&str> = names().collect();
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
    }

    /// A member that must be there, read by `read`; errors carry its name.
    pub(crate) fn required<T>(&mut self, name: &str, read: impl FnOnce(Value<'a>) -> Result<T>) -> Result<T> {
        match self.take(name) {
            Some(value) => read(value).map_err(|error| error.within(name)),
            None => Err(Malformed::from(MalformedReason::Missing).within(name)),
        }
    }

    /// A member that may be absent; `null` is not absence (P-2.3) and reaches `read`, which refuses it.
    pub(crate) fn optional<T>(&mut self, name: &str, read: impl FnOnce(Value<'a>) -> Result<T>) -> Result<Option<T>> {
        match self.take(name) {
            Some(value) => read(value).map(Some).map_err(|error| error.within(name)),
            None => Ok(None),
        }
    }

    /// Refuses what was not read, for the places where nothing else may stand (P-2.2, P-5.1).
    pub(crate) fn refuse_rest(self) -> Result<()> {
        match self.0.first() {
            Some((name, _)) => Err(Malformed::from(MalformedReason::UnexpectedMember).within(name)),
            None => Ok(()),
        }
    }
}

/// Reads every element of an array, errors carrying the index.
pub(crate) fn each<'a, T>(value: Value<'a>, mut read: impl FnMut(Value<'a>) -> Result<T>) -> Result<Vec<T>> {
    let elements = value.into_array()?;
    let mut read_elements = Vec::with_capacity(elements.len());
    for (index, element) in elements.into_iter().enumerate() {
        read_elements.push(read(element).map_err(|error| error.within_index(index))?);
    }
    Ok(read_elements)
}

#[derive(Clone, Copy)]
struct Seed<'c> {
    depth_left: usize,
    broken_rule: &'c Cell<Option<MalformedReason>>,
}

impl Seed<'_> {
    fn refuse<E: Error>(self, reason: MalformedReason) -> E {
        self.broken_rule.set(Some(reason));
        E::custom("a rule of P-2.3 is broken")
    }

    fn deeper<E: Error>(self) -> core::result::Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(self.refuse(MalformedReason::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> core::result::Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> core::result::Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> core::result::Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> core::result::Result<Value<'de>, E> {
        Ok(if value <= MAX_INTEGER { Value::Integer(value) } else { Value::OtherNumber })
    }

    fn visit_i64<E: Error>(self, _: i64) -> core::result::Result<Value<'de>, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_f64<E: Error>(self, _: f64) -> core::result::Result<Value<'de>, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> core::result::Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> core::result::Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> core::result::Result<Value<'de>, A::Error> {
        let element = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(element)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> core::result::Result<Value<'de>, A::Error> {
        let member = self.deeper()?;
        let mut members = Object::default();
        while let Some(Name(name)) = map.next_key()? {
            members.0.push((name, map.next_value_seed(member)?));
        }
        if members.has_duplicates() {
            Err(self.refuse(MalformedReason::DuplicateMember))
        } else {
            Ok(Value::Object(members))
        }
    }
}

/// A member name, borrowed where the text needed no unescaping.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> core::result::Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> core::result::Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.into())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn reason(text: &str) -> MalformedReason {
        parse(text.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn tells_plain_integers_from_every_other_number() {
        assert_eq!(parse(b"9007199254740991"), Ok(Value::Integer(MAX_INTEGER)));
        for other in ["9007199254740992", "1.0", "1e3", "-0", "-1", "0.5", "18446744073709551616"] {
            assert_eq!(parse(other.as_bytes()), Ok(Value::OtherNumber), "{other}");
        }
        for broken in ["01", "+1", "1.", ".5", "0x1", "NaN", "1e999"] {
            assert_eq!(reason(broken), MalformedReason::Json, "{broken}");
        }
    }

    #[test]
    fn refuses_a_name_given_twice_even_where_it_is_escaped_or_ignored() {
        assert_eq!(reason(r#"{"a":1,"a":1}"#), MalformedReason::DuplicateMember);
        assert_eq!(reason(r#"{"a":1,"\u0061":1}"#), MalformedReason::DuplicateMember);
        assert_eq!(reason(r#"{"x":[{"y":{"a":1,"a":1}}]}"#), MalformedReason::DuplicateMember);
        assert!(parse(br#"{"a":1,"A":1}"#).is_ok());
        let many =
            |last: usize| format!("{{{}\"{last}\":1}}", (0..40).map(|n| format!("\"{n}\":1,")).collect::<String>());
        assert_eq!(reason(&many(7)), MalformedReason::DuplicateMember);
        assert!(parse(many(40).as_bytes()).is_ok());
    }

    #[test]
    fn allows_sixteen_levels_and_refuses_the_seventeenth() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(16).as_bytes()).is_ok());
        assert_eq!(reason(&nested(17)), MalformedReason::TooDeep);
        assert_eq!(reason(&nested(100_000)), MalformedReason::TooDeep);
    }

    #[test]
    fn refuses_what_rfc_8259_does_not_allow() {
        for broken in
            ["", "{", "{}{}", "\u{feff}{}", r#""\ud800""#, r#""\ud800A""#, "\"\t\"", "[1,]", "{a:1}", "'a'", "//\n1"]
        {
            assert_eq!(reason(broken), MalformedReason::Json, "{broken:?}");
        }
        assert_eq!(parse(b"\"\xff\"").unwrap_err().reason, MalformedReason::Json);
    }
}
