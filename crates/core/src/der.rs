//! A strict walk over one X.509 certificate (RFC 5280, DER of X.690): where its parts lie, nothing more.
//!
//! No recursion and no allocation; lengths must be definite, minimal and at most three bytes long. It judges no
//! signature, chain or extension: a TLS stack's own validation comes first.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::{HostName, UnixTime};

const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
pub(crate) const EXTENSIONS: u8 = 0xA3;
/// `dNSName` and `iPAddress` of GeneralName (RFC 5280 §4.2.1.6).
const SAN_DNS: u8 = 0x82;
const SAN_IP: u8 = 0x87;

/// id-ce-subjectAltName, 2.5.29.17.
const OID_SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];

/// The bytes are not a certificate in DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate in DER")]
pub struct DerError;

type Result<T> = core::result::Result<T, DerError>;

/// A view of one certificate.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    der: &'a [u8],
    spki: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    not_before: CalendarTime,
    not_after: CalendarTime,
    before_extensions: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Walks `der`, which must be exactly one certificate.
    pub fn parse(der: &'a [u8]) -> Result<Self> {
        let mut outer = Reader(der).only(SEQUENCE)?;
        let tbs = outer.read(SEQUENCE)?;
        outer.read(SEQUENCE)?;
        outer.read(BIT_STRING)?;
        outer.end()?;

        let mut rest = Reader(tbs.contents);
        rest.read_optional(VERSION)?;
        rest.read(INTEGER)?;
        rest.read(SEQUENCE)?;
        let issuer = rest.read(SEQUENCE)?.whole;
        let mut validity = Reader(rest.read(SEQUENCE)?.contents);
        let not_before = validity.read_time()?;
        let not_after = validity.read_time()?;
        validity.end()?;
        let subject = rest.read(SEQUENCE)?.whole;
        let spki = rest.read(SEQUENCE)?;
        let mut spki_parts = Reader(spki.contents);
        spki_parts.read(SEQUENCE)?;
        spki_parts.read(BIT_STRING)?;
        spki_parts.end()?;
        rest.read_optional(ISSUER_UNIQUE_ID)?;
        rest.read_optional(SUBJECT_UNIQUE_ID)?;
        let before_extensions = tbs.contents.get(..tbs.contents.len().saturating_sub(rest.0.len())).ok_or(DerError)?;
        let extensions = match rest.read_optional(EXTENSIONS)? {
            Some(explicit) => Reader(explicit.contents).only(SEQUENCE)?.0,
            None => &[],
        };
        rest.end()?;
        let certificate =
            Self { der, spki: spki.whole, issuer, subject, not_before, not_after, before_extensions, extensions };
        certificate.extensions().try_for_each(|extension| extension.map(drop))?;
        Ok(certificate)
    }

    /// The certificate itself.
    #[must_use]
    pub const fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The whole SubjectPublicKeyInfo, tag and length included: what `spki-*` pins hash.
    #[must_use]
    pub const fn spki(&self) -> &'a [u8] {
        self.spki
    }

    /// The issuer's Name, tag and length included.
    #[must_use]
    pub const fn issuer(&self) -> &'a [u8] {
        self.issuer
    }

    /// The subject's Name, tag and length included.
    #[must_use]
    pub const fn subject(&self) -> &'a [u8] {
        self.subject
    }

    /// `notBefore`; the epoch for anything earlier.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.not_before.into()
    }

    /// `notAfter`, itself still valid; the epoch for anything earlier.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.not_after.into()
    }

    /// Whether `at` lies in the validity period, both ends included (RFC 5280 §4.1.2.5).
    #[must_use]
    pub fn is_valid_at(&self, at: UnixTime) -> bool {
        self.not_before() <= at && at <= self.not_after()
    }

    /// The extensions, in order.
    pub fn extensions(&self) -> impl Iterator<Item = Result<Extension<'a>>> + use<'a> {
        Reader(self.extensions).extensions()
    }

    /// The value of the extension `oid` (contents octets); `None` if absent, an error if it stands twice.
    pub fn extension(&self, oid: &[u8]) -> Result<Option<&'a [u8]>> {
        Reader(self.extensions).extension(oid)
    }

    /// Everything of the TBSCertificate's contents that stands before its extensions.
    #[must_use]
    pub const fn before_extensions(&self) -> &'a [u8] {
        self.before_extensions
    }

    /// Whether a subject alternative name covers `host`: `dNSName` with at most one `*`, as the whole leftmost label,
    /// standing for exactly one label; or the same `iPAddress` (RFC 6125 §6.4, RFC 5280 §4.2.1.6). The subject's
    /// common name is never looked at.
    pub fn covers(&self, host: &HostName) -> Result<bool> {
        let Some(value) = self.extension(OID_SUBJECT_ALT_NAME)? else {
            return Ok(false);
        };
        let mut names = Reader(value).only(SEQUENCE)?;
        let mut covered = false;
        while !names.0.is_empty() {
            let name = names.read_any()?;
            covered |= match (name.tag, host) {
                (SAN_DNS, HostName::Dns(host)) => core::str::from_utf8(name.contents)
                    .is_ok_and(|pattern| dns_name_covers(pattern, host.as_str(), host.parent())),
                (SAN_IP, HostName::V4(address)) => name.contents == Ipv4Addr::octets(address),
                (SAN_IP, HostName::V6(address)) => name.contents == Ipv6Addr::octets(address),
                _ => false,
            };
        }
        Ok(covered)
    }
}

/// A host holds no `*`: only as the whole leftmost label does one stand for anything.
fn dns_name_covers(pattern: &str, host: &str, parent: Option<&str>) -> bool {
    match pattern.strip_prefix("*.") {
        Some(base) => parent.is_some_and(|parent| base.eq_ignore_ascii_case(parent)),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// Contents octets of its OBJECT IDENTIFIER.
    pub oid: &'a [u8],
    /// Contents octets of its `extnValue`.
    pub value: &'a [u8],
    /// The whole Extension, tag and length included.
    pub whole: &'a [u8],
}

/// A tag, its contents, and both with the length between them.
#[derive(Clone, Copy)]
pub(crate) struct Tlv<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// What has not been read yet.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(DerError) }
    }

    /// The contents of the one element `tag` that fills the input.
    pub(crate) fn only(mut self, tag: u8) -> Result<Self> {
        let element = self.read(tag)?;
        self.end()?;
        Ok(Self(element.contents))
    }

    #[inline]
    pub(crate) fn read(&mut self, tag: u8) -> Result<Tlv<'a>> {
        let element = self.read_unchecked()?;
        if element.tag == tag { Ok(element) } else { Err(DerError) }
    }

    #[inline]
    pub(crate) fn read_optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>> {
        if self.0.first() == Some(&tag) { self.read(tag).map(Some) } else { Ok(None) }
    }

    pub(crate) fn read_any(&mut self) -> Result<Tlv<'a>> {
        let element = self.read_unchecked()?;
        // No field of a certificate has a tag number above 30.
        if element.tag & 0x1F == 0x1F { Err(DerError) } else { Ok(element) }
    }

    /// The next element, if its tag is one byte; whether it is, the caller judges. Inlined: a handshake waits for some
    /// hundred of these.
    #[inline(always)]
    fn read_unchecked(&mut self) -> Result<Tlv<'a>> {
        let (tag, length, header_len) = match *self.0 {
            [tag, length @ 0..=0x7F, ..] => (tag, usize::from(length), 2),
            [tag, 0x81, length @ 0x80..=0xFF, ..] => (tag, usize::from(length), 3),
            [tag, 0x82, high @ 1..=0xFF, low, ..] => (tag, usize::from(high) << 8 | usize::from(low), 4),
            [tag, 0x83, high @ 1..=0xFF, middle, low, ..] => {
                (tag, usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low), 5)
            }
            _ => return Err(DerError),
        };
        let (whole, rest) = self.0.split_at_checked(header_len + length).ok_or(DerError)?;
        let contents = whole.get(header_len..).ok_or(DerError)?;
        self.0 = rest;
        Ok(Tlv { tag, contents, whole })
    }

    /// What is left, read as a run of Extensions; it ends with the first that is none.
    fn extensions(mut self) -> impl Iterator<Item = Result<Extension<'a>>> + use<'a> {
        core::iter::from_fn(move || {
            if self.0.is_empty() {
                return None;
            }
            let extension = self.read_extension();
            if extension.is_err() {
                self = Reader(&[]);
            }
            Some(extension)
        })
    }

    /// The value of the extension `oid` in what is left; `None` if absent, an error if it stands twice.
    pub(crate) fn extension(self, oid: &[u8]) -> Result<Option<&'a [u8]>> {
        let mut found = None;
        for extension in self.extensions() {
            let extension = extension?;
            if extension.oid == oid && found.replace(extension.value).is_some() {
                return Err(DerError);
            }
        }
        Ok(found)
    }

    fn read_extension(&mut self) -> Result<Extension<'a>> {
        let extension = self.read(SEQUENCE)?;
        let mut parts = Reader(extension.contents);
        let oid = parts.read(OID)?.contents;
        if let Some(critical) = parts.read_optional(BOOLEAN)?
            && !matches!(critical.contents, [0x00 | 0xFF])
        {
            return Err(DerError);
        }
        let value = parts.read(OCTET_STRING)?.contents;
        parts.end()?;
        Ok(Extension { oid, value, whole: extension.whole })
    }

    fn read_time(&mut self) -> Result<CalendarTime> {
        let element = self.read_any()?;
        let ([c1, c2], digits) = match (element.tag, element.contents) {
            (UTC_TIME, [digits @ .., b'Z']) => ([b'0'; 2], digits),
            (GENERALIZED_TIME, [tens, ones, digits @ .., b'Z']) => ([*tens, *ones], digits),
            _ => return Err(DerError),
        };
        let Some((year_to_hour, &[m1, m2, s1, s2])) = digits.split_first_chunk() else {
            return Err(DerError);
        };
        let [year, month, day, hour] = pair_numbers(*year_to_hour)?;
        let [century, minute, second, _] = pair_numbers([c1, c2, m1, m2, s1, s2, b'0', b'0'])?;
        // RFC 5280 §4.1.2.5.1: 50 to 99 are of the 20th century.
        let century = match element.tag {
            UTC_TIME if year < 50 => 20,
            UTC_TIME => 19,
            _ => century,
        };
        let year = u16::from(century) * 100 + u16::from(year);
        let in_range = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if in_range { Ok(CalendarTime { year, month, day, hour, minute, second }) } else { Err(DerError) }
    }
}

/// A date that the calendar has, and a time of day, in UTC.
#[derive(Clone, Copy, Debug)]
struct CalendarTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl From<CalendarTime> for UnixTime {
    /// The epoch for anything earlier.
    fn from(time: CalendarTime) -> Self {
        let days = days_since_epoch(time.year.into(), time.month.into(), time.day.into());
        let second_of_day = (i64::from(time.hour) * 60 + i64::from(time.minute)) * 60 + i64::from(time.second);
        Self::from_secs(u64::try_from(days * 86_400 + second_of_day).unwrap_or(0))
    }
}

/// Four numbers of two digits each, read at once: six dates of a chain are in the way of a handshake.
fn pair_numbers(digits: [u8; 8]) -> Result<[u8; 4]> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const EVERY_OTHER: u64 = 0x00FF_00FF_00FF_00FF;
    let values = u64::from_be_bytes(digits) ^ (EACH * 0x30);
    // Of a digit, neither the value nor the sum has the highest bit.
    if (values | values.wrapping_add(EACH * 0x76)) & (EACH * 0x80) != 0 {
        return Err(DerError);
    }
    let [_, first, _, second, _, third, _, fourth] =
        ((values >> 8 & EVERY_OTHER) * 10 + (values & EVERY_OTHER)).to_be_bytes();
    Ok([first, second, third, fourth])
}

fn days_in_month(year: u16, month: u8) -> u8 {
    let is_leap = || year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap() => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar; counting years from March puts the leap day last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month > 2 { year } else { year - 1 };
    let march_month = (month + 9) % 12;
    let leap_days = march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    march_year * 365 + leap_days + (march_month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days_like_the_calendar() {
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
        assert_eq!(days_since_epoch(2000, 2, 29), 11_016);
        assert_eq!(days_since_epoch(2026, 11, 22), 20_779);
        assert_eq!(days_since_epoch(1969, 12, 31), -1);
    }

    #[test]
    fn reads_only_definite_minimal_lengths_of_at_most_three_bytes() {
        assert!(Reader(&[0x30, 0]).read(SEQUENCE).is_ok());
        for wrong in [
            &[0x30][..],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x84, 0, 0, 0, 1],
            &[0x30, 0x02, 0],
            &[0x3F, 0x01, 0],
        ] {
            assert!(Reader(wrong).read_any().is_err(), "{wrong:x?}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_whole_label() {
        let covers =
            |pattern, host: &str| dns_name_covers(pattern, host, host.split_once('.').map(|(_, parent)| parent));
        assert!(covers("A.example", "a.example"));
        assert!(covers("*.example", "a.example"));
        for (pattern, host) in
            [("*.example", "example"), ("*.example", "a.b.example"), ("a*.example", "ab.example"), ("*", "a")]
        {
            assert!(!covers(pattern, host), "{pattern} {host}");
        }
    }
}
