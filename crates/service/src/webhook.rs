//! Webhooks: what is sent, how it is signed (Standard Webhooks 1.0), and who carries it.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use base64ct::{Base64, Encoding};
use pintle_api::{AlertResponse, AlertSeverity, SecretText, WebhookFormat};
use pintle_core::UnixTime;
use pintle_store::{AlertChange, WebhookRow};
use ring::hmac;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use crate::{SecretKey, ServiceError, WebhookError, day::write_rfc3339, random::make_random};

const SECRET_MARK: &str = "whsec_";
const SECRET_BYTES: usize = 32;
/// What a webhook's URL and secrets are sealed for.
const URL: &str = "webhook url";
const SECRET: &str = "webhook secret";
/// Longer URLs are nobody's.
const MAX_URL_CHARS: usize = 2000;

/// Carries messages, by HTTP in a server.
///
/// Contract: the address that the URL leads to is judged and then connected to; redirects are not followed; an attempt
/// ends within half a minute whatever the other side does, and reads no more of its answer than the status.
#[async_trait]
pub trait WebhookSender: Debug + Send + Sync {
    /// Whether there are networks where messages go by plain HTTP. Elsewhere everybody on the way would read along.
    fn takes_plain_http(&self) -> bool;

    /// Hands a message over.
    ///
    /// # Errors
    /// [`SendError`]: it may be tried again, unless it is gone.
    async fn send(&self, message: &OutgoingMessage) -> Result<(), SendError>;
}

/// Why a message was not taken. The text is for members and the log, and holds neither URL nor secret, nor anything that
/// the other side says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// What happened.
    pub message: String,
    /// Whether the other side wants no more messages (410).
    pub is_gone: bool,
    /// For how long the other side wants to be left alone, if it says so.
    pub retry_after_secs: Option<u64>,
}

/// A message, whole.
#[derive(Clone)]
pub struct OutgoingMessage {
    /// Where it goes.
    pub url: Url,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    pub headers: [(&'static str, String); 3],
    /// JSON.
    pub body: String,
}

impl Debug for OutgoingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutgoingMessage(..)")
    }
}

/// What messages are signed with.
pub(crate) struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    pub(crate) fn make() -> Result<Self, ServiceError> {
        let random = Zeroizing::new(make_random::<SECRET_BYTES>()?);
        Ok(Self(Zeroizing::new(random.to_vec())))
    }

    /// `whsec_` and 44 characters.
    pub(crate) fn to_text(&self) -> SecretText {
        let encoded = Zeroizing::new(Base64::encode_string(&self.0));
        Zeroizing::new(format!("{SECRET_MARK}{}", *encoded)).into()
    }

    pub(crate) fn seal(&self, key: &SecretKey, webhook: &str) -> Result<String, ServiceError> {
        key.seal(SECRET, webhook, &self.0)
    }

    fn open(key: &SecretKey, webhook: &str, sealed: &str) -> Result<Self, ServiceError> {
        Ok(Self(key.open(SECRET, webhook, sealed)?))
    }

    /// `v1,` and the HMAC-SHA256 of id, time and body.
    fn sign(&self, id: &str, timestamp: u64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", Base64::encode_string(tag.as_ref()))
    }
}

/// A URL that a webhook may have, and what of it may be shown.
pub(crate) struct WebhookUrl {
    url: Url,
}

impl WebhookUrl {
    /// `https` or `http`, a host, no user, no password.
    pub(crate) fn parse(text: &str) -> Result<Self, ServiceError> {
        let invalid = || ServiceError::from(WebhookError::UrlInvalid);
        let url = Url::parse(text).map_err(|_| invalid())?;
        let is_usable = matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && text.len() <= MAX_URL_CHARS;
        if is_usable { Ok(Self { url }) } else { Err(invalid()) }
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    pub(crate) fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn seal(&self, key: &SecretKey, webhook: &str) -> Result<String, ServiceError> {
        key.seal(URL, webhook, self.url.as_str().as_bytes())
    }

    fn open(key: &SecretKey, webhook: &str, sealed: &str) -> Result<Self, ServiceError> {
        let plain = key.open(URL, webhook, sealed)?;
        Self::parse(std::str::from_utf8(&plain).unwrap_or_default())
    }
}

/// The message as it leaves at `now`: signed with the secret, and with the former one while that counts.
pub(crate) fn sign_message(
    key: &SecretKey,
    webhook: &WebhookRow,
    id: &str,
    body: &str,
    now: UnixTime,
) -> Result<OutgoingMessage, ServiceError> {
    let owner = webhook.id.as_str();
    let former = webhook
        .former_secret
        .as_ref()
        .filter(|_| webhook.former_until.is_some_and(|until| until.value() > now.as_secs()));
    let mut signatures = Vec::new();
    for sealed in std::iter::once(&webhook.secret).chain(former) {
        signatures.push(WebhookSecret::open(key, owner, sealed)?.sign(id, now.as_secs(), body));
    }
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.as_secs().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    Ok(OutgoingMessage { url: WebhookUrl::open(key, owner, &webhook.url)?.url, headers, body: body.to_owned() })
}

/// What a message says of an alert.
pub(crate) fn write_body(format: WebhookFormat, change: AlertChange, alert: &AlertResponse, now: UnixTime) -> String {
    let word = match change {
        AlertChange::Raised => "raised",
        AlertChange::Worsened => "worsened",
        AlertChange::Resolved => "resolved",
    };
    match format {
        WebhookFormat::Standard => {
            json!({ "type": format!("alert.{word}"), "timestamp": write_rfc3339(now), "data": alert }).to_string()
        }
        WebhookFormat::Slack => {
            let label = if change == AlertChange::Resolved { "OVER" } else { label(alert.severity) };
            let mut text = format!("*{label}* {}: {}", alert.title, escape_slack(&alert.subject));
            if change != AlertChange::Resolved {
                text.push_str(&format!("\n{}\n_What to do:_ {}", escape_slack(&alert.detail), alert.runbook));
            }
            json!({ "text": text }).to_string()
        }
    }
}

/// What a test says.
pub(crate) fn write_test_body(format: WebhookFormat, now: UnixTime) -> String {
    match format {
        WebhookFormat::Standard => json!({ "type": "test", "timestamp": write_rfc3339(now), "data": {} }).to_string(),
        WebhookFormat::Slack => json!({ "text": "Pintle reaches you here." }).to_string(),
    }
}

const fn label(severity: AlertSeverity) -> &'static str {
    match severity {
        AlertSeverity::Info => "INFO",
        AlertSeverity::Warning => "WARNING",
        AlertSeverity::Critical => "CRITICAL",
    }
}

/// What Slack would take for markup; names come from strangers.
fn escape_slack(text: &str) -> String {
    pintle_api::replace_hostile(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_standard_does() {
        // The example of the Standard Webhooks specification and its libraries.
        let secret = WebhookSecret(Zeroizing::new(Base64::decode_vec("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()));
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn takes_urls_with_a_host_and_shows_no_more_than_their_origin() {
        let url = WebhookUrl::parse("https://hooks.example.com/services/T0/B0/secret?token=x").unwrap();
        assert_eq!(url.shown(), "https://hooks.example.com");
        for text in
            ["", "hooks.example.com", "ftp://a.example", "file:///etc/passwd", "https://ann:x@a.example", "https:///x"]
        {
            let url = WebhookUrl::parse(text).map(|url| url.url.to_string());
            assert!(url.is_err() || text == "https:///x", "{text}: {url:?}");
        }
    }

    #[test]
    fn markup_in_names_is_none_in_slack() {
        let alert = AlertResponse {
            id: "alr_1".into(),
            kind: "pin_expiring".into(),
            severity: AlertSeverity::Warning,
            title: "A pin expires soon".into(),
            subject: "<!channel> & <https://evil.example|here>".into(),
            detail: String::new(),
            runbook: String::new(),
            organization_id: "org_1".into(),
            project_id: None,
            raised_at: 1,
            told_at: 1,
            resolved_at: None,
        };
        let body = write_body(WebhookFormat::Slack, AlertChange::Raised, &alert, UnixTime::from_secs(1));
        assert!(!body.contains('<') && body.contains("&lt;!channel&gt;"), "{body}");
    }
}
