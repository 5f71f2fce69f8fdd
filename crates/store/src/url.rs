use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

/// What may follow the `?` of a PostgreSQL URL. A name that nobody reads is refused: it could be a misspelt `sslmode`.
const PARAMETERS: [&str; 9] =
    ["application_name", "dbname", "host", "password", "port", "sslcert", "sslkey", "sslmode", "sslrootcert"];

/// Where the database is: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE` with what `libpq` understands of
/// `host`, `port`, `dbname`, `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and `application_name` after a `?`.
///
/// A PostgreSQL on another machine is reached with `sslmode=verify-full` unless the URL (or `PGSSLMODE`) says otherwise.
/// The password may stand in the URL, in `PGPASSWORD` or in `~/.pgpass`; it is never shown.
#[derive(Clone)]
pub struct DatabaseUrl(Location);

#[derive(Clone)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// The text is no URL of a database. What it says is not repeated: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseUrlError {
    /// Neither of the two.
    #[error("a database is written `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
    Scheme,
    /// No path after `sqlite:`.
    #[error("`sqlite:` needs the path of a file after it")]
    PathMissing,
    /// Not a URL.
    #[error("not a URL: {0}")]
    Syntax(#[from] url::ParseError),
    /// A parameter that means nothing.
    #[error("unknown parameter `{name}`; there are {}", PARAMETERS.join(", "))]
    Parameter {
        /// Its name.
        name: String,
    },
    /// A parameter whose value cannot be used.
    #[error(
        "a parameter has a value that it cannot have; sslmode, for one, is disable, allow, prefer, require, verify-ca or verify-full"
    )]
    Value,
    /// PostgreSQL holds many.
    #[error("the URL names no database: postgres://USER@HOST/DATABASE")]
    DatabaseMissing,
}

impl DatabaseUrl {
    /// The SQLite database in a file, which need not exist.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(path.into()))
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// [`DatabaseUrlError`].
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(DatabaseUrlError::PathMissing) } else { Ok(Self::sqlite(path)) };
        }
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(DatabaseUrlError::Scheme);
        }
        let url = Url::parse(text)?;
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| !PARAMETERS.contains(&name.as_ref())) {
            return Err(DatabaseUrlError::Parameter { name: name.into_owned() });
        }
        let options = parse_postgres(text, &url)?;
        options.get_database().ok_or(DatabaseUrlError::DatabaseMissing)?;
        Ok(Self(Location::Postgres(Box::new(options))))
    }

    /// The file, if it is SQLite.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Location::Sqlite(path) => Some(path),
            Location::Postgres { .. } => None,
        }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.0
    }
}

fn parse_postgres(text: &str, url: &Url) -> Result<PgConnectOptions, DatabaseUrlError> {
    let options: PgConnectOptions = text.parse().map_err(|_| DatabaseUrlError::Value)?;
    let is_local = options.get_socket().is_some() || is_loopback(options.get_host());
    let is_chosen = url.query_pairs().any(|(name, _)| name == "sslmode") || std::env::var_os("PGSSLMODE").is_some();
    Ok(if is_local || is_chosen { options } else { options.ssl_mode(PgSslMode::VerifyFull) })
}

pub(crate) fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        // As a directory: a socket.
        Err(_) => host.starts_with('/'),
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "{}", path.display()),
            Location::Postgres(options) => {
                let (user, database) = (options.get_username(), options.get_database().unwrap_or_default());
                match options.get_socket() {
                    Some(folder) => write!(f, "postgres://{user}@{}/{database}", folder.display()),
                    None => write!(f, "postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
                }
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssl_mode(url: &str) -> &'static str {
        let Location::Postgres(options) = DatabaseUrl::parse(url).unwrap().0 else { panic!("{url}") };
        match options.get_ssl_mode() {
            PgSslMode::VerifyFull => "verify-full",
            PgSslMode::Prefer => "prefer",
            PgSslMode::Require => "require",
            _ => "another",
        }
    }

    #[test]
    fn a_path_follows_sqlite() {
        for text in ["sqlite:data/pintle.db", "sqlite://data/pintle.db"] {
            assert_eq!(DatabaseUrl::parse(text).unwrap().sqlite_path(), Some(Path::new("data/pintle.db")), "{text}");
        }
        assert_eq!(DatabaseUrl::parse("sqlite:").unwrap_err(), DatabaseUrlError::PathMissing);
        assert_eq!(DatabaseUrl::parse("mysql://localhost/pintle").unwrap_err(), DatabaseUrlError::Scheme);
    }

    #[test]
    fn another_machine_must_prove_who_it_is_unless_told_otherwise() {
        assert_eq!(ssl_mode("postgres://pintle@db.example.com/pintle"), "verify-full");
        assert_eq!(ssl_mode("postgresql://pintle@10.0.0.7/pintle"), "verify-full");
        assert_eq!(ssl_mode("postgres:///pintle?host=db.example.com"), "verify-full");
        assert_eq!(ssl_mode("postgres://pintle@db.example.com/pintle?sslmode=require"), "require");
        for local in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(ssl_mode(&format!("postgres://pintle@{local}/pintle")), "prefer", "{local}");
        }
        assert_eq!(ssl_mode("postgres:///pintle?host=/run/postgresql"), "prefer");
    }

    #[test]
    fn the_password_is_not_shown() {
        let url = DatabaseUrl::parse("postgres://ada:lovelace@db.example.com/pintle?sslrootcert=/ca.pem").unwrap();
        assert_eq!(url.to_string(), "postgres://ada@db.example.com:5432/pintle");
        assert!(!format!("{url:?}").contains("lovelace"));
        let misspelt = DatabaseUrl::parse("postgres://ada@db.example.com/pintle?passwort=lovelace").unwrap_err();
        assert!(misspelt.to_string().contains("`passwort`") && !misspelt.to_string().contains("lovelace"));
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        let refused = |rest: &str| DatabaseUrl::parse(&format!("postgres://ada@db.example.com{rest}")).unwrap_err();
        assert_eq!(refused("/pintle?ssl_mode=verify-full"), DatabaseUrlError::Parameter { name: "ssl_mode".into() });
        assert_eq!(refused("/pintle?sslmode=full"), DatabaseUrlError::Value);
        assert_eq!(refused(""), DatabaseUrlError::DatabaseMissing);
    }
}
