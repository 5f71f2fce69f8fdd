//! A few requests to a service that may be busy.

use std::{sync::Arc, thread, time::Duration};

use serde_json::Value;
use ureq::{
    Agent,
    http::{HeaderMap, Request, Response},
    tls::{RootCerts, TlsConfig},
};

use super::KmsError;

/// A busy service is asked again so often; then whoever runs the command decides.
const MAX_ATTEMPTS: u32 = 4;
/// The first pause; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest that a service may ask to wait.
const MAX_PAUSE: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(10);
/// A machine's own surroundings answer at once, or are not there.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

pub(super) fn make_agent() -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls)
        .user_agent(concat!("pintle/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// For what only the machine itself may ask: credentials come this way, so no proxy is.
pub(super) fn make_metadata_agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(METADATA_TIMEOUT))
        .build()
        .new_agent()
}

/// Sends what `make` makes (anew for each attempt: a date may be signed in it) until there is an answer that counts.
pub(super) fn ask(agent: &Agent, make: impl Fn() -> Result<Request<String>, KmsError>) -> Result<Value, KmsError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..MAX_ATTEMPTS {
        match ask_once(agent, make()?)? {
            Answer::Good(value) => return Ok(value),
            Answer::Bad(error) => return Err(error),
            Answer::Busy(wanted) => thread::sleep(wanted.unwrap_or(pause).min(MAX_PAUSE)),
        }
        pause *= 2;
    }
    match ask_once(agent, make()?)? {
        Answer::Good(value) => Ok(value),
        Answer::Bad(error) => Err(error),
        Answer::Busy(_) => Err(KmsError::Throttled { attempts: MAX_ATTEMPTS }),
    }
}

enum Answer {
    Good(Value),
    Bad(KmsError),
    /// And how long to wait, if it says so.
    Busy(Option<Duration>),
}

fn ask_once(agent: &Agent, request: Request<String>) -> Result<Answer, KmsError> {
    let unreachable = |error: ureq::Error| KmsError::Unreachable { reason: error.to_string() };
    let (head, mut body): (_, _) = agent.run(request).map(Response::into_parts).map_err(unreachable)?;
    let text = body.with_config().limit(MAX_ANSWER_BYTES).read_to_string().map_err(unreachable)?;
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let status = head.status.as_u16();
    if head.status.is_success() {
        return Ok(Answer::Good(value));
    }
    let (name, message) = read_error(&value);
    Ok(match (status, name) {
        (429 | 503, _) | (_, "ThrottlingException" | "KMSInternalException" | "DependencyTimeoutException") => {
            Answer::Busy(read_retry_after(&head.headers))
        }
        _ => Answer::Bad(KmsError::from_answer(status, name, message)),
    })
}

fn read_retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// Name and message: AWS has them at the top, its name behind a `#`; Google and Azure in `error`.
fn read_error(value: &Value) -> (&str, &str) {
    let inner = value.get("error");
    let part = |names: &[&str]| {
        let places = [inner, Some(value)];
        places.into_iter().flatten().find_map(|place| names.iter().find_map(|name| place.get(name)?.as_str()))
    };
    let name = part(&["status", "code", "__type"]).unwrap_or_default();
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    (name, part(&["message", "Message"]).unwrap_or_default())
}
