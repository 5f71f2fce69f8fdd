//! Telling a CDN that a file changed, for those that do not look for themselves.

use std::{process::Stdio, time::Duration};

use pintle_core::{OrganizationId, ProjectId};
use reqwest::{
    Method,
    header::{HeaderName, HeaderValue},
};
use tokio::process::Command;

use crate::{Address, Object, http::make_http};

/// A request or a command takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How a CDN is told. `{url}` in it becomes the public URL of the file that changed, `{url_encoded}` the same percent-encoded,
/// `{path}` its path as in `org/prj/pins.jws`.
#[derive(Clone, Debug)]
pub enum Purge {
    /// A request.
    Request {
        /// As `PURGE`.
        method: Method,
        /// Of the CDN's interface.
        url: String,
        /// What it wants to know the caller by; shown to nobody.
        header: Option<(HeaderName, HeaderValue)>,
    },
    /// A program and its arguments, run without a shell.
    Command(Vec<String>),
}

/// Why a CDN was not told. The file is published all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PurgeError {
    /// The CDN's interface said no, or nothing.
    #[error("the CDN was not told: {0}")]
    Request(String),
    /// The program failed.
    #[error("the CDN was not told: {0}")]
    Command(String),
}

impl Purge {
    /// A request with `method` to `url`, with a header as in `Authorization: Bearer TOKEN` if one is needed.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn request(method: &str, url: &str, header: Option<&str>) -> Result<Self, &'static str> {
        let method = method.parse().map_err(|_| "this is no HTTP method")?;
        let header = header.map(parse_header).transpose()?;
        Ok(Self::Request { method, url: url.to_owned(), header })
    }

    /// Tells the CDN that the project's mutable files changed, which apps find below `public_url`.
    ///
    /// # Errors
    /// The first [`PurgeError`]; both files are told of all the same.
    pub async fn tell_of_release(
        &self,
        public_url: &str,
        organization: &OrganizationId,
        project: &ProjectId,
    ) -> Result<(), PurgeError> {
        let mut told = Ok(());
        for object in [Object::Pointer, Object::Bundle] {
            let address = Address { organization: organization.clone(), project: project.clone(), object };
            told = told.and(self.run(public_url, &address).await);
        }
        told
    }

    /// Tells the CDN that the file at `address` changed, which apps find below `public_url`.
    ///
    /// # Errors
    /// [`PurgeError`] within bounded time. Trying again is the caller's business, and harmless.
    async fn run(&self, public_url: &str, address: &Address) -> Result<(), PurgeError> {
        let (path, url) = (address.to_string(), format!("{}/{address}", public_url.trim_end_matches('/')));
        let encoded: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let fill = |text: &str| text.replace("{url_encoded}", &encoded).replace("{url}", &url).replace("{path}", &path);
        match self {
            Self::Request { method, url, header } => request(method, &fill(url), header.as_ref()).await,
            Self::Command(words) => command(&words.iter().map(|word| fill(word)).collect::<Vec<_>>()).await,
        }
    }
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let no_header = "this is no header";
    let (name, value) = text.split_once(':').ok_or(no_header)?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| no_header)?;
    value.set_sensitive(true);
    Ok((name.trim().parse().map_err(|_| no_header)?, value))
}

async fn request(method: &Method, url: &str, header: Option<&(HeaderName, HeaderValue)>) -> Result<(), PurgeError> {
    let failed = |error: String| PurgeError::Request(error);
    let http = make_http().map_err(|error| failed(error.to_string()))?;
    let mut request = http.request(method.clone(), url).timeout(TIMEOUT);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
    if answer.status().is_success() { Ok(()) } else { Err(failed(format!("it answers {}", answer.status().as_u16()))) }
}

async fn command(words: &[String]) -> Result<(), PurgeError> {
    let failed = |error: String| PurgeError::Command(error);
    let Some((program, arguments)) = words.split_first() else { return Err(failed("no program is named".into())) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let status = tokio::time::timeout(TIMEOUT, command.status()).await;
    match status {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(failed(format!("{program} ended with {status}"))),
        Ok(Err(error)) => Err(failed(format!("{program} cannot be run: {error}"))),
        Err(_) => Err(failed(format!("{program} took longer than {} s", TIMEOUT.as_secs()))),
    }
}
