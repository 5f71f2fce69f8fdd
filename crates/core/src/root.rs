//! What an app embeds (section 1): the root of all trust, none of it secret.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use crate::{
    crypto,
    error::Malformed,
    json::{Document, Value},
    key::{KeyError, PublicKey},
    limits::{MAX_ID_CHARS, MAX_URLS},
    name::HostName,
    time::UnixTime,
};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses `[A-Za-z0-9_-]{1,64}` (P-1.1); compared byte by byte.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let fits = (1..=MAX_ID_CHARS).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
                if fits { Ok(Self(text.to_owned())) } else { Err(IdError) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Organization id: `iss` of every configuration.
    OrganizationId
}
id! {
    /// Project id: `sub` of every configuration.
    ProjectId
}

/// Not `[A-Za-z0-9_-]{1,64}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 64 characters out of A-Z, a-z, 0-9, `_` and `-`")]
pub struct IdError;

/// The root an app embeds (P-1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    organization: OrganizationId,
    project: ProjectId,
    public_key: PublicKey,
    recovery_key: Option<PublicKey>,
    urls: Vec<BaseUrl>,
    built_at: UnixTime,
}

/// Why a root is not usable: `setup_invalid`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The bundle is not the JSON of P-1.2.
    #[error("the bundle is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// A public key.
    #[error("`{member}`: {error}")]
    Key {
        /// `public_key` or `recovery_key`.
        member: &'static str,
        /// What is wrong with it.
        error: KeyError,
    },
    /// An id.
    #[error("`{member}`: {error}")]
    Id {
        /// `organization` or `project`.
        member: &'static str,
        /// What is wrong with it.
        error: IdError,
    },
    /// A URL.
    #[error("`urls`: {0}")]
    Url(#[from] UrlError),
    /// None, or more than eight.
    #[error("`urls` has {0} entries; 1 to {MAX_URLS} are needed")]
    UrlCount(usize),
    /// Whoever holds the one key would hold the other (P-1.1).
    #[error("`recovery_key` equals `public_key`; a recovery key must be another key, kept offline")]
    RecoveryKeyNotSeparate,
}

impl Root {
    /// A root out of its parts (P-1.1).
    pub fn new(
        organization: OrganizationId,
        project: ProjectId,
        public_key: PublicKey,
        urls: Vec<BaseUrl>,
    ) -> Result<Self, SetupError> {
        if urls.is_empty() || urls.len() > MAX_URLS {
            return Err(SetupError::UrlCount(urls.len()));
        }
        Ok(Self { organization, project, public_key, recovery_key: None, urls, built_at: UnixTime::default() })
    }

    /// With a recovery public key, whose private half stays offline.
    pub fn with_recovery_key(self, recovery_key: PublicKey) -> Result<Self, SetupError> {
        if recovery_key == self.public_key {
            return Err(SetupError::RecoveryKeyNotSeparate);
        }
        Ok(Self { recovery_key: Some(recovery_key), ..self })
    }

    /// With another signing key, as builds after a succession embed it (P-5.3).
    pub fn with_public_key(self, public_key: PublicKey) -> Result<Self, SetupError> {
        if self.recovery_key == Some(public_key) {
            return Err(SetupError::RecoveryKeyNotSeparate);
        }
        Ok(Self { public_key, ..self })
    }

    /// With the time the app was built: a lower bound for the clock.
    #[must_use]
    pub fn with_built_at(self, built_at: UnixTime) -> Self {
        Self { built_at, ..self }
    }

    /// Parses `pintle.json` (P-1.2). Unknown members are ignored, duplicates refused; URLs must be `https`.
    pub fn parse_bundle(bytes: &[u8]) -> Result<Self, SetupError> {
        Self::parse_bundle_with(bytes, BaseUrl::parse)
    }

    /// [`parse_bundle`](Self::parse_bundle), and `http` allowed for a loopback host (P-1.3). For tests and trials.
    pub fn dangerous_parse_bundle_with_http_loopback(bytes: &[u8]) -> Result<Self, SetupError> {
        Self::parse_bundle_with(bytes, BaseUrl::dangerous_parse_http_loopback)
    }

    fn parse_bundle_with(bytes: &[u8], parse_url: fn(&str) -> Result<BaseUrl, UrlError>) -> Result<Self, SetupError> {
        let document = Document::parse(bytes)?;
        let bundle = document.object()?;
        let organization = bundle.required("organization", Value::text)?;
        let project = bundle.required("project", Value::text)?;
        let public_key = bundle.required("public_key", Value::text)?;
        let recovery_key = bundle.optional("recovery_key", Value::text)?;
        let urls = bundle.required("urls", |value| value.each(Value::text))?;
        let built_at = bundle.optional("built_at", Value::integer)?;

        let key = |member, text: &str| PublicKey::parse_base64(text).map_err(|error| SetupError::Key { member, error });
        let root = Self::new(
            OrganizationId::parse(organization).map_err(|error| SetupError::Id { member: "organization", error })?,
            ProjectId::parse(project).map_err(|error| SetupError::Id { member: "project", error })?,
            key("public_key", public_key)?,
            urls.iter().map(|url| parse_url(url)).collect::<Result<_, _>>()?,
        )?
        .with_built_at(UnixTime::from_secs(built_at.unwrap_or_default()));
        match recovery_key {
            Some(text) => root.with_recovery_key(key("recovery_key", text)?),
            None => Ok(root),
        }
    }

    /// The bundle `pintle.json` of this root (P-1.2), with a final newline.
    #[must_use]
    pub fn to_bundle_json(&self) -> String {
        let recovery_key = self.recovery_key.map(|key| key.to_base64());
        let bundle = UncheckedBundle {
            organization: self.organization.as_str(),
            project: self.project.as_str(),
            public_key: &self.public_key.to_base64(),
            recovery_key: recovery_key.as_deref(),
            urls: self.urls.iter().map(BaseUrl::as_str).collect(),
            built_at: (self.built_at != UnixTime::default()).then(|| self.built_at.as_secs()),
        };
        bundle.to_json()
    }

    /// Organization id: `iss`.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// Project id: `sub`.
    #[must_use]
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// The embedded signing key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The embedded recovery key.
    #[must_use]
    pub fn recovery_key(&self) -> Option<&PublicKey> {
        self.recovery_key.as_ref()
    }

    /// 1 to 8 base URLs.
    #[must_use]
    pub fn urls(&self) -> &[BaseUrl] {
        &self.urls
    }

    /// When the app was built; the epoch if it does not say.
    #[must_use]
    pub fn built_at(&self) -> UnixTime {
        self.built_at
    }

    /// Where the current configuration lies under `base` (P-1.3).
    #[must_use]
    pub fn pointer_url(&self, base: &BaseUrl) -> String {
        alloc::format!("{base}/{}/{}/pins.jws", self.organization, self.project)
    }

    /// The name under which state of this root is kept (P-3.10): SHA-256 over organization, project, public key and
    /// recovery key (empty if none), each with its length as 8 bytes, big-endian, before it. URLs are not part of it.
    #[must_use]
    pub fn store_key(&self) -> [u8; 32] {
        let public_key = self.public_key.spki_der();
        let recovery_key = self.recovery_key.map(|key| key.spki_der());
        let parts: [&[u8]; 4] = [
            self.organization.as_str().as_bytes(),
            self.project.as_str().as_bytes(),
            &public_key,
            recovery_key.as_ref().map_or(&[], |key| key.as_slice()),
        ];
        let mut input = Vec::new();
        for part in parts {
            input.extend_from_slice(&(part.len() as u64).to_be_bytes());
            input.extend_from_slice(part);
        }
        crypto::sha256(&input)
    }
}

/// The values of `pintle.json` (P-1.2) as somebody gave them: whether they are a root, [`Root::parse_bundle`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct UncheckedBundle<'a> {
    /// Organization id.
    pub organization: &'a str,
    /// Project id.
    pub project: &'a str,
    /// One line of base64.
    pub public_key: &'a str,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<&'a str>,
    /// Base URLs.
    pub urls: Vec<&'a str>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_at: Option<u64>,
}

impl UncheckedBundle<'_> {
    /// As JSON, with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and integers always serialise.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// A base URL of a CDN: `https`, a host, an optional port and path; no trailing `/` (P-1.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUrl(String);

/// Why text is not a [`BaseUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Another scheme.
    #[error("{0:?} must begin with https://")]
    NotHttps(String),
    /// `http` to this machine, without the door for it.
    #[error(
        "{0:?} must begin with https:// (http to this machine is for trials, by the option with `dangerous` in its name)"
    )]
    HttpLoopback(String),
    /// No host, or one outside P-2.8.
    #[error("{0:?} has no valid host name")]
    Host(String),
    /// Not 1 to 65535.
    #[error("{0:?} has no valid port")]
    Port(String),
    /// User info, query, fragment, or a character that a URL may not hold.
    #[error("{0:?} must have nothing but a host, a port and a path")]
    Form(String),
}

impl BaseUrl {
    /// Parses an `https` URL; one trailing `/` is ignored.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        match text.strip_prefix("https://") {
            Some(rest) => Self::parse_rest(text, rest).map(|(url, _)| url),
            None if text.starts_with("http://") && Self::dangerous_parse_http_loopback(text).is_ok() => {
                Err(UrlError::HttpLoopback(text.to_owned()))
            }
            None => Err(UrlError::NotHttps(text.to_owned())),
        }
    }

    /// [`parse`](Self::parse), and `http` for `localhost`, 127.0.0.0/8 and `::1`.
    pub fn dangerous_parse_http_loopback(text: &str) -> Result<Self, UrlError> {
        let Some(rest) = text.strip_prefix("http://") else {
            return Self::parse(text);
        };
        let (url, host) = Self::parse_rest(text, rest)?;
        let loopback = match &host {
            HostName::Dns(name) => name.as_str() == "localhost",
            HostName::V4(address) => address.is_loopback(),
            HostName::V6(address) => address.is_loopback(),
        };
        if loopback { Ok(url) } else { Err(UrlError::NotHttps(text.to_owned())) }
    }

    fn parse_rest(text: &str, rest: &str) -> Result<(Self, HostName), UrlError> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let url = text.strip_suffix('/').unwrap_or(text);
        // One slash is ignored (P-1.3), so a second would make a base that is not read back as itself.
        if authority.contains('@') || !path.bytes().all(is_path_byte) || url.ends_with('/') {
            return Err(UrlError::Form(text.to_owned()));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        // Brackets are how a URL tells an IPv6 address from a port (RFC 3986 §3.2.2).
        if host.contains(':') != host.starts_with('[') {
            return Err(UrlError::Host(text.to_owned()));
        }
        let host = HostName::parse_connection(host).map_err(|_| UrlError::Host(text.to_owned()))?;
        if port.is_some_and(|port| port.starts_with('+') || port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(UrlError::Port(text.to_owned()));
        }
        Ok((Self(url.to_owned()), host))
    }

    /// The URL without trailing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `pchar` of RFC 3986 §3.3, and the slash between segments.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_read_back_as_itself() {
        for (given, kept) in [
            ("https://cdn.example", "https://cdn.example"),
            ("https://cdn.example/", "https://cdn.example"),
            ("https://cdn.example//a/", "https://cdn.example//a"),
        ] {
            let url = BaseUrl::parse(given).unwrap();
            assert_eq!(url.as_str(), kept);
            assert_eq!(BaseUrl::parse(url.as_str()), Ok(url));
        }
        // Found by fuzzing: one slash taken off, another shows.
        for slashes in ["https://cdn.example//", "https://cdn.example/a//"] {
            assert_eq!(BaseUrl::parse(slashes), Err(UrlError::Form(slashes.into())));
        }
    }
}
