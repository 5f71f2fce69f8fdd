//! JSON as P-2.3 wants it: RFC 8259, valid UTF-8, no lone surrogates, bounded depth, no duplicate names anywhere.
//!
//! `serde_json` reads the grammar; this module lays the document out as one flat list of tokens that remembers what the
//! rules need: whether a number was a plain integer, and that no object had a name twice. Reading it copies nothing and
//! takes nothing away, so it can be read twice (P-3.4).

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};
use core::fmt;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{
    error::{Malformed, MalformedReason},
    limits::{MAX_INTEGER, MAX_JSON_DEPTH},
};

/// A JSON document.
#[derive(Debug)]
pub(crate) struct Document<'a>(Vec<Token<'a>>);

/// What a document is made of, in its order. An array or object comes before what is in it.
#[derive(Debug)]
enum Token<'a> {
    Null,
    Bool(bool),
    Integer(u64),
    OtherNumber,
    String(Cow<'a, str>),
    /// The next `tokens` are its elements.
    Array {
        tokens: usize,
        elements: usize,
    },
    /// The next `tokens` are its members, each a name and a value.
    Object {
        tokens: usize,
    },
}

/// A JSON value. Numbers that are not `0|[1-9][0-9]*` up to 2^53 − 1 are legal JSON (an ignored member may
/// hold one) but never a known number, so their value is not kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'d> {
    Null,
    Bool(bool),
    Integer(u64),
    OtherNumber,
    String(&'d str),
    Array(Array<'d>),
    Object(Object<'d>),
}

/// An array's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<'d> {
    tokens: &'d [Token<'d>],
    elements: usize,
}

/// An object's members by unescaped name. Those that nobody asks for are ignored (P-9.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'d>(&'d [Token<'d>]);

type Result<T> = core::result::Result<T, Malformed>;

impl<'a> Document<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        // What configurations have, or a little less: a pin is some 80 bytes long and five tokens.
        const USUAL_BYTES_PER_TOKEN: usize = 12;
        let text = core::str::from_utf8(bytes).map_err(|_| MalformedReason::Json)?;
        let tokens = Vec::with_capacity(bytes.len() / USUAL_BYTES_PER_TOKEN);
        let mut tape = Tape { tokens, depth_left: MAX_JSON_DEPTH, broken_rule: None };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match Next(&mut tape).deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
            Ok(()) => Ok(Self(tape.tokens)),
            Err(_) => Err(tape.broken_rule.unwrap_or(MalformedReason::Json).into()),
        }
    }

    /// The object that the document is.
    pub(crate) fn object(&self) -> Result<Object<'_>> {
        let (root, _) = split_value(&self.0).ok_or(MalformedReason::Json)?;
        root.object()
    }
}

/// The value that `tokens` begin with, and what follows it.
fn split_value<'d>(tokens: &'d [Token<'d>]) -> Option<(Value<'d>, &'d [Token<'d>])> {
    let (first, rest) = tokens.split_first()?;
    let scalar = |value| Some((value, rest));
    match first {
        Token::Null => scalar(Value::Null),
        Token::Bool(value) => scalar(Value::Bool(*value)),
        Token::Integer(number) => scalar(Value::Integer(*number)),
        Token::OtherNumber => scalar(Value::OtherNumber),
        Token::String(text) => scalar(Value::String(text)),
        Token::Array { tokens, elements } => {
            let (tokens, rest) = rest.split_at_checked(*tokens)?;
            Some((Value::Array(Array { tokens, elements: *elements }), rest))
        }
        Token::Object { tokens } => {
            let (members, rest) = rest.split_at_checked(*tokens)?;
            Some((Value::Object(Object(members)), rest))
        }
    }
}

impl<'d> Value<'d> {
    pub(crate) fn text(self) -> Result<&'d str> {
        match self {
            Self::String(text) => Ok(text),
            _ => Err(MalformedReason::WrongType { expected: "a string" }.into()),
        }
    }

    pub(crate) fn to_text(self) -> Result<String> {
        self.text().map(ToOwned::to_owned)
    }

    pub(crate) fn integer(self) -> Result<u64> {
        match self {
            Self::Integer(number) => Ok(number),
            _ => Err(MalformedReason::WrongType { expected: "an integer from 0 to 2^53-1" }.into()),
        }
    }

    pub(crate) fn object(self) -> Result<Object<'d>> {
        match self {
            Self::Object(object) => Ok(object),
            _ => Err(MalformedReason::WrongType { expected: "an object" }.into()),
        }
    }

    /// Reads every element of an array, errors carrying the index.
    pub(crate) fn each<T>(self, mut read: impl FnMut(Self) -> Result<T>) -> Result<Vec<T>> {
        let Self::Array(array) = self else {
            return Err(MalformedReason::WrongType { expected: "an array" }.into());
        };
        let mut read_elements = Vec::with_capacity(array.elements);
        for (index, element) in array.iter().enumerate() {
            read_elements.push(read(element).map_err(|error| error.within_index(index))?);
        }
        Ok(read_elements)
    }
}

impl<'d> Array<'d> {
    pub(crate) fn iter(self) -> impl Iterator<Item = Value<'d>> {
        let mut rest = self.tokens;
        core::iter::from_fn(move || {
            let (value, after) = split_value(rest)?;
            rest = after;
            Some(value)
        })
    }
}

impl<'d> Object<'d> {
    /// Every name, with the tokens that begin with its value.
    fn members(self) -> impl Iterator<Item = (&'d str, &'d [Token<'d>])> + Clone {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let [Token::String(name), value @ ..] = rest else {
                return None;
            };
            rest = match value {
                [Token::Array { tokens, .. } | Token::Object { tokens }, after @ ..] => after.get(*tokens..)?,
                [_, after @ ..] => after,
                [] => return None,
            };
            Some((&**name, value))
        })
    }

    pub(crate) fn member(self, name: &str) -> Option<Value<'d>> {
        let (_, value) = self.members().find(|(other, _)| *other == name)?;
        split_value(value).map(|(value, _)| value)
    }

    fn names(self) -> impl Iterator<Item = &'d str> + Clone {
        self.members().map(|(name, _)| name)
    }

    /// Whether two of the `count` members have one name. Few are compared with each other; many, which only an attacker
    /// writes, are sorted first.
    fn has_duplicates(self, count: usize) -> bool {
        const FEW: usize = 16;
        if count <= FEW {
            let mut names = self.names();
            return (1..count).any(|_| names.next().is_some_and(|name| names.clone().any(|later| later == name)));
        }
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
    }

    /// A member that must be there, read by `read`; errors carry its name.
    pub(crate) fn required<T>(self, name: &str, read: impl FnOnce(Value<'d>) -> Result<T>) -> Result<T> {
        match self.member(name) {
            Some(value) => read(value).map_err(|error| error.within(name)),
            None => Err(Malformed::from(MalformedReason::Missing).within(name)),
        }
    }

    /// A member that may be absent; `null` is not absence (P-2.3) and reaches `read`, which refuses it.
    pub(crate) fn optional<T>(self, name: &str, read: impl FnOnce(Value<'d>) -> Result<T>) -> Result<Option<T>> {
        match self.member(name) {
            Some(value) => read(value).map(Some).map_err(|error| error.within(name)),
            None => Ok(None),
        }
    }

    /// Refuses what is none of `names`, for the places where nothing else may stand (P-2.2, P-5.1).
    pub(crate) fn refuse_all_but(self, names: &[&str]) -> Result<()> {
        match self.names().find(|name| !names.contains(name)) {
            Some(name) => Err(Malformed::from(MalformedReason::UnexpectedMember).within(name)),
            None => Ok(()),
        }
    }
}

/// A document that is being read.
struct Tape<'a> {
    tokens: Vec<Token<'a>>,
    depth_left: usize,
    broken_rule: Option<MalformedReason>,
}

impl<'a> Tape<'a> {
    fn refuse<E: Error>(&mut self, reason: MalformedReason) -> E {
        self.broken_rule = Some(reason);
        E::custom("a rule of P-2.3 is broken")
    }

    /// Takes a place for an array or object, whose size is not known yet.
    fn begin<E: Error>(&mut self) -> core::result::Result<usize, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => self.depth_left = depth_left,
            None => return Err(self.refuse(MalformedReason::TooDeep)),
        }
        let place = self.tokens.len();
        self.tokens.push(Token::Null);
        Ok(place)
    }

    fn end(&mut self, place: usize, token: Token<'a>) {
        self.depth_left += 1;
        if let Some(slot) = self.tokens.get_mut(place) {
            *slot = token;
        }
    }
}

/// Appends the next value or name to a tape.
struct Next<'t, 'a>(&'t mut Tape<'a>);

impl<'a> Next<'_, 'a> {
    fn push<E>(self, token: Token<'a>) -> core::result::Result<(), E> {
        self.0.tokens.push(token);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Next<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> core::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Next<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> core::result::Result<(), E> {
        self.push(Token::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> core::result::Result<(), E> {
        self.push(Token::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> core::result::Result<(), E> {
        self.push(if value <= MAX_INTEGER { Token::Integer(value) } else { Token::OtherNumber })
    }

    fn visit_i64<E: Error>(self, _: i64) -> core::result::Result<(), E> {
        self.push(Token::OtherNumber)
    }

    fn visit_f64<E: Error>(self, _: f64) -> core::result::Result<(), E> {
        self.push(Token::OtherNumber)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> core::result::Result<(), E> {
        self.push(Token::String(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> core::result::Result<(), E> {
        self.push(Token::String(Cow::Owned(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> core::result::Result<(), A::Error> {
        let tape = self.0;
        let place = tape.begin()?;
        let mut elements = 0;
        while seq.next_element_seed(Next(tape))?.is_some() {
            elements += 1;
        }
        let tokens = tape.tokens.len() - place - 1;
        tape.end(place, Token::Array { tokens, elements });
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> core::result::Result<(), A::Error> {
        let tape = self.0;
        let place = tape.begin()?;
        let mut count = 0;
        while map.next_key_seed(NextName(tape))?.is_some() {
            map.next_value_seed(Next(tape))?;
            count += 1;
        }
        let members = tape.tokens.get(place + 1..).unwrap_or_default();
        if Object(members).has_duplicates(count) {
            return Err(tape.refuse(MalformedReason::DuplicateMember));
        }
        let tokens = members.len();
        tape.end(place, Token::Object { tokens });
        Ok(())
    }
}

/// Appends a member's name, borrowed where the text needed no unescaping.
struct NextName<'t, 'a>(&'t mut Tape<'a>);

impl<'de> DeserializeSeed<'de> for NextName<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> core::result::Result<(), D::Error> {
        deserializer.deserialize_str(Next(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn parse(bytes: &[u8]) -> Result<Document<'_>> {
        Document::parse(bytes)
    }

    fn reason(text: &str) -> MalformedReason {
        parse(text.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn tells_plain_integers_from_every_other_number() {
        let is_integer = |text: &str| matches!(*parse(text.as_bytes()).unwrap().0, [Token::Integer(_)]);
        assert!(is_integer("0") && is_integer("9007199254740991"));
        for other in ["9007199254740992", "1.0", "1e3", "-0", "-1", "0.5", "18446744073709551616"] {
            assert!(!is_integer(other), "{other}");
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
