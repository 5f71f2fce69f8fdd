use crate::error::{ErrorKind, Facts, facts};

/// Why a webhook is not added or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// Not a URL that messages can be sent to.
    #[error("the URL of a webhook is `https://HOST/…`, without user and password")]
    UrlInvalid,
    /// Every alert is a message to each of them.
    #[error("an organization has at most {limit} webhooks")]
    TooMany {
        /// How many.
        limit: u64,
    },
    /// It failed for too long.
    #[error("the webhook is disabled, since it took no messages for too long")]
    Disabled,
    /// The server carries no messages.
    #[error("this server sends no messages to webhooks")]
    Unsent,
}

impl WebhookError {
    pub(super) fn facts(&self) -> Facts {
        match self {
            Self::UrlInvalid => facts(
                "webhook_url_invalid",
                ErrorKind::Unprocessable,
                "write it as https://hooks.example.com/pintle, with a secret in the path or the query; http is for networks \
                 that the operator allows",
            ),
            Self::TooMany { .. } => {
                facts("webhooks_too_many", ErrorKind::Conflict, "remove a webhook that is no longer needed")
            }
            Self::Disabled => facts(
                "webhook_disabled",
                ErrorKind::Conflict,
                "repair what receives, then test the webhook: a test that succeeds brings it back",
            ),
            Self::Unsent => facts("webhooks_off", ErrorKind::Forbidden, "ask whoever runs this server"),
        }
    }
}
