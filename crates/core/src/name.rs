//! Host names: what an entry may be called (P-2.8) and what a connection's host must look like (P-4.1).

use alloc::{format, string::ToString, sync::Arc};
use core::{
    cmp::Ordering,
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use arrayvec::ArrayString;

use crate::limits::{MAX_LABEL_CHARS, MAX_NAME_CHARS};

/// One host: a DNS name in lower-case A-labels without trailing dot, or an IP address (P-2.8).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostName {
    /// At least one label.
    Dns(DnsName),
    /// Never equal to its IPv4-mapped IPv6 form.
    V4(Ipv4Addr),
    /// Compared as 16 bytes.
    V6(Ipv6Addr),
}

/// A DNS name within the grammar of P-2.8.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DnsName(Text);

/// In place wherever it fits, as it nearly always does, so that a look-up waits for memory once less; else shared. Either
/// way a decision names its entry without allocating.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    Short(ArrayString<40>),
    Long(Arc<str>),
}

/// A [`HostName`] whose text lies elsewhere: a connection's host is judged and looked up without allocating.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum HostRef<'a> {
    Dns(&'a str),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// Room for a connection's host in lower case.
pub(crate) type HostBuffer = [u8; MAX_NAME_CHARS];

/// The text is outside the grammar of P-2.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a host name: lower-case A-labels of letters, digits, `-` and `_`, an IPv4 dotted quad, or an IPv6 address"
)]
pub struct NameError;

impl HostName {
    /// Parses a name exactly as a configuration must spell it: lower case, no trailing dot, IPv6 in RFC 5952 form
    /// without brackets (P-2.8).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        HostRef::parse(text).map(Self::from)
    }

    /// Parses a connection's host as an HTTP client hands it over: any case, one trailing dot, IPv6 in brackets
    /// or in any of its spellings (P-4.1).
    pub fn parse_connection(text: &str) -> Result<Self, NameError> {
        HostRef::parse_connection(text, &mut [0; MAX_NAME_CHARS]).map(Self::from)
    }

    pub(crate) fn as_host_ref(&self) -> HostRef<'_> {
        match self {
            Self::Dns(name) => HostRef::Dns(name.as_str()),
            Self::V4(address) => HostRef::V4(*address),
            Self::V6(address) => HostRef::V6(*address),
        }
    }
}

impl From<HostRef<'_>> for HostName {
    fn from(host: HostRef<'_>) -> Self {
        match host {
            HostRef::Dns(name) => Self::Dns(DnsName::from_valid(name)),
            HostRef::V4(address) => Self::V4(address),
            HostRef::V6(address) => Self::V6(address),
        }
    }
}

impl<'a> HostRef<'a> {
    /// [`HostName::parse`].
    fn parse(text: &'a str) -> Result<Self, NameError> {
        // No text is both a name and an address: names have no `:`, and their last label is no number.
        if is_dns_name(text) {
            return Ok(Self::Dns(text));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::V4(address));
        }
        let address: Ipv6Addr = text.parse().map_err(|_| NameError)?;
        // One spelling each: this is what makes RFC 5952 mandatory.
        if address.to_string() == text { Ok(Self::V6(address)) } else { Err(NameError) }
    }

    /// [`HostName::parse_connection`]; `buffer` takes the name in lower case.
    pub(crate) fn parse_connection(text: &'a str, buffer: &'a mut HostBuffer) -> Result<Self, NameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if is_dns_name(name) {
            return Ok(Self::Dns(name));
        }
        let lower = buffer.get_mut(..name.len()).ok_or(NameError)?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        let lower = core::str::from_utf8(lower).map_err(|_| NameError)?;
        if is_dns_name(lower) {
            return Ok(Self::Dns(lower));
        }
        if let Ok(address) = name.parse() {
            return Ok(Self::V4(address));
        }
        let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        bracketed.unwrap_or(text).parse().map(Self::V6).map_err(|_| NameError)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name.as_str()),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => address.fmt(f),
        }
    }
}

impl DnsName {
    /// The name in lower case without trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Short(text) => text,
            Text::Long(text) => text,
        }
    }

    /// The name without its first label; `None` for a single label.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        parent(self.as_str())
    }

    fn from_valid(name: &str) -> Self {
        Self(ArrayString::from(name).map_or_else(|_| Text::Long(name.into()), Text::Short))
    }
}

impl fmt::Debug for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DnsName").field(&self.as_str()).finish()
    }
}

impl PartialOrd for DnsName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DnsName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// `name` without its first label; `None` for a single label.
pub(crate) fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

fn is_dns_name(text: &str) -> bool {
    let mut label_len = 0;
    let mut after_hyphen = false;
    for byte in text.bytes() {
        if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_') {
            label_len += 1;
            after_hyphen = false;
        } else if byte == b'.' && !after_hyphen && is_label_len(label_len) {
            label_len = 0;
        } else if byte == b'-' && label_len > 0 {
            label_len += 1;
            after_hyphen = true;
        } else {
            return false;
        }
    }
    // Some resolvers read a name whose last label is a number as an IPv4 address (WHATWG URL, "ends in a number").
    let is_last_a_number = || text.as_bytes().get(text.len() - label_len..).is_some_and(is_number);
    text.len() <= MAX_NAME_CHARS && !after_hyphen && is_label_len(label_len) && !is_last_a_number()
}

fn is_label_len(len: usize) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&len)
}

fn is_number(label: &[u8]) -> bool {
    match label.strip_prefix(b"0x") {
        Some(hex) => hex.iter().all(u8::is_ascii_hexdigit),
        None => label.iter().all(u8::is_ascii_digit),
    }
}

/// The name of an entry: one host, or a pattern over DNS names (P-2.8).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Exactly this host.
    Exact(HostName),
    /// `*.name`: exactly one more label.
    OneLabel(DnsName),
    /// `**.name`: the name itself and any depth below it.
    AnyDepth(DnsName),
}

impl Name {
    /// Parses an entry's name (P-2.8).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let dns_only = |text: &str| match HostName::parse(text)? {
            HostName::Dns(name) => Ok(name),
            HostName::V4(_) | HostName::V6(_) => Err(NameError),
        };
        if let Some(base) = text.strip_prefix("**.") {
            return dns_only(base).map(Self::AnyDepth);
        }
        if let Some(base) = text.strip_prefix("*.") {
            return dns_only(base).map(Self::OneLabel);
        }
        HostName::parse(text).map(Self::Exact)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(f),
            Self::OneLabel(name) => f.write_str(&format!("*.{}", name.as_str())),
            Self::AnyDepth(name) => f.write_str(&format!("**.{}", name.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_name_and_writes_it_back() {
        for name in [
            "example.com",
            "localhost",
            "_dns.a-b.x1",
            "xn--bcher-kva.example",
            "192.0.2.1",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "*.example.com",
            "**.example.com",
            "*.com",
            "1.2.3.4.example",
            "0xg.0xfg",
        ] {
            assert_eq!(Name::parse(name).map(|n| n.to_string()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn refuses_what_lies_outside_the_grammar() {
        let long_label = "a".repeat(64);
        let long_name = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(62)].join(".");
        assert_eq!(long_name.len(), 254);
        for name in [
            "",
            ".",
            "a..b",
            ".a",
            "a.",
            "Example.com",
            "-a.com",
            "a-.com",
            "a b",
            "bücher.example",
            "*",
            "*.",
            "**.",
            "*.*.a",
            "a.*.b",
            "*a.b",
            "***.a",
            "*.192.0.2.1",
            "**.::1",
            "1.2.3",
            "1.2.3.04",
            "256.1.1.1",
            "a.1",
            "a.0x1f",
            "a.0x",
            "0x",
            "1",
            "[::1]",
            "::1%eth0",
            "2001:DB8::1",
            "2001:db8:0::1",
            "::01",
            "a:80",
            "a/b",
            "a\0b",
            &long_label,
            &long_name,
        ] {
            assert!(Name::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_connections_host_is_normalised_before_it_is_judged() {
        for (given, meant) in [
            ("EXAMPLE.com", "example.com"),
            ("example.com.", "example.com"),
            ("[2001:DB8:0::1]", "2001:db8::1"),
            ("2001:db8:0:0::1", "2001:db8::1"),
        ] {
            assert_eq!(HostName::parse_connection(given).map(|n| n.to_string()).as_deref(), Ok(meant));
        }
        for host in ["example.com..", ".", "", "bücher.example", "[example.com]", "[::1", "1.2.3", "a.0x7f", "*.a.com"]
        {
            assert!(HostName::parse_connection(host).is_err(), "{host:?}");
        }
    }

    #[test]
    fn a_name_is_the_same_whether_it_lies_in_place_or_is_shared() {
        let names =
            [40, 41].map(|len| format!("{}.b", "a".repeat(len - 2))).map(|name| HostName::parse(&name).unwrap());
        for name in &names {
            assert_eq!(HostName::parse(&name.to_string()).as_ref(), Ok(name));
        }
        let [_, long] = names;
        assert!(long < HostName::parse("b").unwrap(), "the order is that of the text");
    }

    #[test]
    fn a_mapped_address_is_not_the_ipv4_address() {
        assert_ne!(HostName::parse("::ffff:192.0.2.1"), HostName::parse("192.0.2.1"));
    }
}
