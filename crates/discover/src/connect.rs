//! A bounded TCP connection to a destination, straight or through a proxy.

use std::{io, net::SocketAddr};

use base64ct::{Base64, Encoding};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Join, Take, join},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_socks::{TargetAddr, tcp::Socks5Stream};
use url::Url;

use crate::{Endpoint, SightError, limits::MAX_CONNECTION_BYTES};

/// A connection that ends after [`MAX_CONNECTION_BYTES`] were read from it.
pub(crate) type Connection = Join<Take<OwnedReadHalf>, OwnedWriteHalf>;

/// A proxy that connections go through.
#[derive(Clone, Debug)]
pub struct Proxy {
    kind: ProxyKind,
    host: String,
    port: u16,
    credentials: Option<(String, SecretString)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProxyKind {
    /// HTTP CONNECT (RFC 9110 §9.3.6).
    Http,
    /// RFC 1928, names resolved by the proxy.
    Socks5,
}

/// Not the URL of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the URL of a proxy: http://HOST:PORT or socks5://HOST:PORT, with USER:PASSWORD@ before the host if it asks"
)]
pub struct ProxyUrlError;

impl Proxy {
    /// Parses `http://[user:password@]host[:port]` or `socks5://…`. The connection to the proxy itself is not encrypted; what
    /// goes through it is.
    ///
    /// # Errors
    /// [`ProxyUrlError`].
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let url = Url::parse(text).map_err(|_| ProxyUrlError)?;
        let (kind, default_port) = match url.scheme() {
            "http" => (ProxyKind::Http, 80),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return Err(ProxyUrlError),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(ProxyUrlError)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyUrlError);
        }
        let decode = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| ProxyUrlError)?;
            Ok(decoded.into_owned())
        };
        let credentials = match url.username() {
            "" => None,
            user => Some((decode(user)?, decode(url.password().unwrap_or_default())?.into())),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { kind, host, port: url.port().unwrap_or(default_port), credentials })
    }

    /// A connection to `target` through this proxy.
    pub(crate) async fn connect(&self, target: &Target<'_>) -> Result<Connection, SightError> {
        let unreachable = |error| SightError::Proxy(format!("{}:{} cannot be reached: {error}", self.host, self.port));
        let connection = open((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        match self.kind {
            ProxyKind::Http => connect_http(connection, target, self.credentials.as_ref()).await,
            ProxyKind::Socks5 => connect_socks(connection, target, self.credentials.as_ref()).await,
        }
    }
}

/// What a connection goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// An address that was checked.
    Address(SocketAddr),
    /// A name that the proxy resolves.
    Name(&'a Endpoint),
}

/// A connection straight to `address`.
pub(crate) async fn connect_directly(address: SocketAddr) -> Result<Connection, SightError> {
    open(address).await.map_err(|error| SightError::Connect(error.into()))
}

async fn open(address: impl tokio::net::ToSocketAddrs) -> io::Result<Connection> {
    let (reader, writer) = TcpStream::connect(address).await?.into_split();
    Ok(join(reader.take(MAX_CONNECTION_BYTES), writer))
}

async fn connect_http(
    mut connection: Connection,
    target: &Target<'_>,
    credentials: Option<&(String, SecretString)>,
) -> Result<Connection, SightError> {
    let authority = match target {
        Target::Address(address) => address.to_string(),
        Target::Name(endpoint) => endpoint.to_string(),
    };
    let authorization = credentials.map(|(user, password)| {
        let encoded = Base64::encode_string(format!("{user}:{}", password.expose_secret()).as_bytes());
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    let request =
        format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", authorization.unwrap_or_default());
    match ask_http(&mut connection, &request).await {
        Ok(()) => Ok(connection),
        Err(error) => Err(blame(&connection, SightError::Proxy(error.to_string()))),
    }
}

async fn ask_http(connection: &mut Connection, request: &str) -> io::Result<()> {
    connection.write_all(request.as_bytes()).await?;
    let status = read_line(connection).await?;
    // HTTP-version SP 2xx
    if !status.starts_with("HTTP/1.") || status.split(' ').nth(1).is_none_or(|code| !code.starts_with('2')) {
        return Err(io::Error::other(format!("it answers `{status}`")));
    }
    while !read_line(connection).await?.is_empty() {}
    Ok(())
}

async fn connect_socks(
    connection: Connection,
    target: &Target<'_>,
    credentials: Option<&(String, SecretString)>,
) -> Result<Connection, SightError> {
    let target = match target {
        Target::Address(address) => TargetAddr::Ip(*address),
        Target::Name(endpoint) => match endpoint.address() {
            Some(address) => TargetAddr::Ip(address),
            None => TargetAddr::Domain(endpoint.host.to_string().into(), endpoint.port),
        },
    };
    let stream = match credentials {
        None => Socks5Stream::connect_with_socket(connection, target).await,
        Some((user, password)) => {
            let password = password.expose_secret();
            Socks5Stream::connect_with_password_and_socket(connection, target, user, password).await
        }
    };
    stream.map(Socks5Stream::into_inner).map_err(|error| SightError::Proxy(error.to_string()))
}

/// `error`, or what caused it: a connection that ended because everything allowed was read.
pub(crate) fn blame(connection: &Connection, error: SightError) -> SightError {
    if connection.reader().limit() == 0 { SightError::TooManyBytes } else { error }
}

/// One line without its end. Byte by byte: what follows it belongs to somebody else.
pub(crate) async fn read_line(connection: &mut Connection) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        match connection.read_u8().await? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_url_of_a_proxy_and_shows_no_password() {
        let proxy = Proxy::parse("http://ann:s%40cret@proxy.example:3128").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port, proxy.kind), ("proxy.example", 3128, ProxyKind::Http));
        assert_eq!(proxy.credentials.as_ref().unwrap().1.expose_secret(), "s@cret");
        assert!(!format!("{proxy:?}").contains("s@cret"));
        assert_eq!(Proxy::parse("socks5://[::1]").map(|proxy| (proxy.host, proxy.port)).unwrap(), ("::1".into(), 1080));
        for text in
            ["proxy.example:3128", "https://proxy.example", "http://", "http://p/path", "ftp://p", "http://p/?a"]
        {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }
}
