use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

/// Where a target is, without any secret: one line of text, as people write it into a configuration, a command or an
/// emergency export.
///
/// ```text
/// dir:/srv/www/pins
/// s3://bucket/prefix?region=eu-central-1
/// s3://bucket?endpoint=https://minio.example.com&region=us-east-1&path_style=false
/// gs://bucket/prefix
/// azure://account/container/prefix
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// A directory, for any web server that serves files.
    Directory {
        /// Absolute.
        path: PathBuf,
    },
    /// Amazon S3, or something that speaks like it.
    S3 {
        /// Name of the bucket.
        bucket: String,
        /// Folders above the files; empty, or without a slash at either end.
        prefix: String,
        /// As `eu-central-1`; what speaks like S3 mostly wants `us-east-1`.
        region: String,
        /// Amazon's own, if none is named.
        endpoint: Option<String>,
        /// Whether the bucket's name is the first folder of the path instead of a part of the host's name.
        path_style: bool,
    },
    /// Google Cloud Storage.
    Gcs {
        /// Name of the bucket.
        bucket: String,
        /// As for S3.
        prefix: String,
        /// Google's own, if none is named.
        endpoint: Option<String>,
    },
    /// Azure Blob Storage.
    Azure {
        /// Name of the storage account.
        account: String,
        /// Name of the container.
        container: String,
        /// As for S3.
        prefix: String,
        /// Azure's own, if none is named.
        endpoint: Option<String>,
    },
}

/// Why a text names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no target: {reason}")]
pub struct PlaceError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Place {
    /// The word for its kind: `directory`, `s3`, `gcs` or `azure`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "directory",
            Self::S3 { .. } => "s3",
            Self::Gcs { .. } => "gcs",
            Self::Azure { .. } => "azure",
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        parse(text).map_err(|reason| PlaceError { text: text.to_owned(), reason })
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

fn parse(text: &str) -> Result<Place, &'static str> {
    if let Some(path) = text.strip_prefix("dir:") {
        let path = PathBuf::from(path);
        return if path.is_absolute() {
            Ok(Place::Directory { path })
        } else {
            Err("a directory's path begins with /")
        };
    }
    let url = Url::parse(text).map_err(|_| "write dir:/PATH, s3://BUCKET, gs://BUCKET or azure://ACCOUNT/CONTAINER")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds credentials; they go into the environment or a file");
    }
    if url.port().is_some() || url.fragment().is_some() {
        return Err("a port belongs to `endpoint=`, and there is no fragment");
    }
    let host = url.host_str().filter(|host| is_name(host)).ok_or("its bucket or account is no name")?.to_owned();
    let path = url.path().trim_matches('/').to_owned();
    let mut options = Options::parse(&url)?;
    let place = match url.scheme() {
        "s3" => Place::S3 {
            bucket: host,
            prefix: parse_prefix(&path)?,
            path_style: options.path_style.take().unwrap_or(options.endpoint.is_some()),
            region: match (options.region.take(), &options.endpoint) {
                (Some(region), _) => region,
                (None, Some(_)) => "us-east-1".to_owned(),
                (None, None) => return Err("say which region the bucket is in, as in ?region=eu-central-1"),
            },
            endpoint: options.endpoint.take(),
        },
        "gs" => Place::Gcs { bucket: host, prefix: parse_prefix(&path)?, endpoint: options.endpoint.take() },
        "azure" => {
            let (container, prefix) = path.split_once('/').unwrap_or((&path, ""));
            // Of a static website.
            if !is_name(container) && container != "$web" {
                return Err("it names no container, as in azure://ACCOUNT/CONTAINER");
            }
            let (container, prefix) = (container.to_owned(), parse_prefix(prefix)?);
            Place::Azure { account: host, container, prefix, endpoint: options.endpoint.take() }
        }
        _ => return Err("it begins with none of dir:, s3:, gs: and azure:"),
    };
    if options == Options::default() { Ok(place) } else { Err("this kind has no such option") }
}

/// What stands behind the question mark.
#[derive(Default, PartialEq, Eq)]
struct Options {
    region: Option<String>,
    endpoint: Option<String>,
    path_style: Option<bool>,
}

impl Options {
    fn parse(url: &Url) -> Result<Self, &'static str> {
        let mut options = Self::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "region" if is_name(&value) => options.region = Some(value.into_owned()),
                "endpoint" => options.endpoint = Some(parse_endpoint(&value)?),
                "path_style" => {
                    options.path_style = Some(value.parse().map_err(|_| "path_style is `true` or `false`")?);
                }
                _ => return Err("its options are region=NAME, endpoint=URL and path_style=true or false"),
            }
        }
        Ok(options)
    }
}

/// Plain HTTP is for stores in a network of one's own: what is published is public and signed, and requests to S3 and
/// Azure are signed, too.
fn parse_endpoint(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "its endpoint is no URL")?;
    let is_plain = matches!(url.scheme(), "https" | "http") && url.has_host() && url.query().is_none();
    if is_plain && url.username().is_empty() && url.password().is_none() && url.fragment().is_none() {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("its endpoint is no plain http or https URL")
    }
}

fn parse_prefix(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.split('/').all(|part| is_name(part) && part != "." && part != "..") {
        Ok(text.to_owned())
    } else {
        Err("its prefix may hold letters, digits, `.`, `_` and `-` between slashes")
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = |prefix: &str| if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let at = |endpoint: &Option<String>| endpoint.iter().map(|url| ("endpoint", url.clone())).collect::<Vec<_>>();
        let (base, options) = match self {
            Self::Directory { path } => return write!(f, "dir:{}", path.display()),
            Self::S3 { bucket, prefix, region, endpoint, path_style } => {
                let mut options = vec![("region", region.clone())];
                options.extend(at(endpoint));
                if *path_style != endpoint.is_some() {
                    options.push(("path_style", path_style.to_string()));
                }
                (format!("s3://{bucket}{}", below(prefix)), options)
            }
            Self::Gcs { bucket, prefix, endpoint } => (format!("gs://{bucket}{}", below(prefix)), at(endpoint)),
            Self::Azure { account, container, prefix, endpoint } => {
                (format!("azure://{account}/{container}{}", below(prefix)), at(endpoint))
            }
        };
        let options: Vec<_> = options.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if options.is_empty() { "" } else { "?" };
        write!(f, "{base}{mark}{}", options.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "dir:/srv/www/pins",
            "s3://acme-pins?region=eu-central-1",
            "s3://acme.pins/a/b?region=eu-central-1&path_style=true",
            "s3://pins?region=us-east-1&endpoint=http://127.0.0.1:9000",
            "s3://pins?region=auto&endpoint=https://pins.r2.example.com&path_style=false",
            "gs://acme_pins/apps",
            "gs://pins?endpoint=http://127.0.0.1:9023",
            "azure://acme/pins",
            "azure://acme/$web/pins",
            "azure://devstoreaccount1/pins/p?endpoint=http://127.0.0.1:10000/devstoreaccount1",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_names_no_place_or_too_much() {
        for text in [
            "",
            "pins",
            "dir:srv",
            "s3://pins",
            "s3://",
            "s3://key:secret@pins?region=x",
            "s3://pins?region=x&acl=public",
            "s3://pins/..%2Fother?region=x",
            "s3://pins:443?region=x",
            "s3://pins?region=x#y",
            "s3://pins?endpoint=ftp://h",
            "s3://pins?endpoint=https://key:secret@h",
            "gs://pins?region=x",
            "azure://account",
            "file:///srv",
            "https://pins.example.com",
        ] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
