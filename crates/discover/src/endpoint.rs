use std::{fmt, net::SocketAddr};

use pintle_core::HostName;

/// The port of HTTPS, where none is given.
pub const DEFAULT_PORT: u16 = 443;

/// Where a TLS server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host; sent as SNI when it is a name.
    pub host: HostName,
    /// TCP port.
    pub port: u16,
}

/// Why text is not an [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Outside the grammar of P-2.8.
    #[error("`{0}` is not a host name or IP address")]
    Host(String),
    /// Not 1 to 65535.
    #[error("`{0}` is not a port (1 to 65535)")]
    Port(String),
}

impl Endpoint {
    /// Parses `HOST[:PORT]`; an IPv6 address with a port stands in brackets.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        // A URL: what is wrong with it is not its port.
        if text.contains('/') {
            return Err(EndpointError::Host(text.to_owned()));
        }
        let (host, port) = match text.rsplit_once(':') {
            // More than one colon outside brackets: a bare IPv6 address.
            Some((host, port)) if !port.ends_with(']') && (host.ends_with(']') || !host.contains(':')) => {
                (host, parse_port(port)?)
            }
            _ => (text, DEFAULT_PORT),
        };
        let host = HostName::parse_connection(host).map_err(|_| EndpointError::Host(host.to_owned()))?;
        Ok(Self { host, port })
    }

    /// Its address, where the host is one and not a name.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self.host {
            HostName::Dns(_) => None,
            HostName::V4(address) => Some((address, self.port).into()),
            HostName::V6(address) => Some((address, self.port).into()),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, EndpointError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if is_number && port != 0 => Ok(port),
        _ => Err(EndpointError::Port(text.to_owned())),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostName::V6(address) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses_with_and_without_port() {
        for (text, expected) in [
            ("example.com", "example.com:443"),
            ("Example.com.:8443", "example.com:8443"),
            ("192.0.2.1", "192.0.2.1:443"),
            ("192.0.2.1:1", "192.0.2.1:1"),
            ("::1", "[::1]:443"),
            ("[::1]", "[::1]:443"),
            ("[2001:db8::1]:65535", "[2001:db8::1]:65535"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_host_or_port() {
        for text in ["", ":443", "a b", "https://example.com", "example.com/", "[::1", "bücher.example", "1.2.3"] {
            assert!(matches!(Endpoint::parse(text), Err(EndpointError::Host(_))), "{text}");
        }
        for text in ["example.com:", "example.com:0", "example.com:65536", "example.com:+1", "[::1]:x"] {
            assert!(matches!(Endpoint::parse(text), Err(EndpointError::Port(_))), "{text}");
        }
    }
}
