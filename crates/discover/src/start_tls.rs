//! Asking a server that begins in the clear to go on with TLS.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    SightError,
    connect::{Connection, blame, read_line},
};

/// A protocol that begins in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTls {
    /// RFC 3207.
    Smtp,
    /// RFC 9051 §6.2.1.
    Imap,
    /// `SSLRequest` of PostgreSQL's frontend/backend protocol.
    Postgres,
}

impl StartTls {
    /// Every protocol.
    pub const ALL: &'static [Self] = &[Self::Smtp, Self::Imap, Self::Postgres];

    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Postgres => "postgres",
        }
    }

    /// The protocol of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.as_str() == word)
    }

    /// Leaves `connection` where the TLS handshake begins.
    pub(crate) async fn start(self, connection: &mut Connection) -> Result<(), SightError> {
        let asked = match self {
            Self::Smtp => start_smtp(connection).await,
            Self::Imap => start_imap(connection).await,
            Self::Postgres => start_postgres(connection).await,
        };
        asked.map_err(|error| blame(connection, SightError::StartTls(error.to_string())))
    }
}

async fn start_smtp(connection: &mut Connection) -> io::Result<()> {
    expect_smtp(connection, "220").await?;
    connection.write_all(b"EHLO pintle.invalid\r\n").await?;
    expect_smtp(connection, "250").await?;
    connection.write_all(b"STARTTLS\r\n").await?;
    expect_smtp(connection, "220").await
}

/// A reply of any number of lines: `250-…` goes on, `250 …` ends.
async fn expect_smtp(connection: &mut Connection, code: &str) -> io::Result<()> {
    loop {
        let line = read_line(connection).await?;
        match line.strip_prefix(code) {
            Some(rest) if rest.starts_with('-') => {}
            Some(_) => return Ok(()),
            None => return Err(unexpected(&line)),
        }
    }
}

async fn start_imap(connection: &mut Connection) -> io::Result<()> {
    let greeting = read_line(connection).await?;
    if !greeting.starts_with("* OK") {
        return Err(unexpected(&greeting));
    }
    connection.write_all(b"a STARTTLS\r\n").await?;
    loop {
        let line = read_line(connection).await?;
        match line.strip_prefix("a ") {
            Some(reply) if reply.starts_with("OK") => return Ok(()),
            Some(_) => return Err(unexpected(&line)),
            None => {}
        }
    }
}

async fn start_postgres(connection: &mut Connection) -> io::Result<()> {
    // Length 8, request code 80877103.
    connection.write_all(&[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F]).await?;
    match connection.read_u8().await? {
        b'S' => Ok(()),
        b'N' => Err(unexpected("it has no TLS")),
        _ => Err(unexpected("it is no PostgreSQL server")),
    }
}

fn unexpected(answer: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it answers `{answer}`"))
}
