use crate::Problem;

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The text names no server.
    #[error("`{url}` is not the URL of a server")]
    InvalidUrl {
        /// As given.
        url: String,
    },
    /// Plain `http` to a host that is not loopback would show the token to the network.
    #[error("`{url}` is plain http: the token would travel in the clear")]
    InsecureUrl {
        /// As given.
        url: String,
    },
    /// The text cannot be an id: it would name another route.
    #[error("`{id}` is not an id")]
    InvalidId {
        /// As given.
        id: String,
    },
    /// The CA store of this machine cannot be used.
    #[error("the CA store of this machine cannot be used: {0}")]
    Tls(#[source] rustls::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The server was not reached, or the connection broke.
    #[error("the server{} cannot be reached: {}", place(.0), innermost(.0))]
    Transport(#[source] reqwest::Error),
    /// The server refused, and says why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// A failure without a problem document: something else answered.
    #[error("unexpected HTTP status {status}: this may not be a Pintle server")]
    UnexpectedStatus {
        /// HTTP status.
        status: u16,
    },
    /// A success whose body is not what the route promises.
    #[error("unexpected answer: {0}")]
    UnexpectedBody(#[source] serde_json::Error),
    /// The body exceeds what any route sends.
    #[error("the answer exceeds {limit_bytes} bytes")]
    ResponseTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

impl ClientError {
    /// Stable code: the server's own where it sent one.
    pub fn code(&self) -> &str {
        match self {
            Self::InvalidUrl { .. } => "server_url_invalid",
            Self::InsecureUrl { .. } => "server_url_insecure",
            Self::InvalidId { .. } => "id_invalid",
            Self::Tls(_) => "ca_store_unusable",
            Self::NoRandomness => "randomness_missing",
            Self::Transport(_) => "server_unreachable",
            Self::Problem(problem) => &problem.code,
            Self::UnexpectedStatus { .. } | Self::UnexpectedBody(_) | Self::ResponseTooLarge { .. } => {
                "server_answer_unexpected"
            }
        }
    }

    /// What to do about it, if there is something to say.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::InvalidUrl { .. } => Some("write it as https://pins.example.com"),
            Self::InsecureUrl { .. } => Some("use https; plain http is for loopback hosts alone"),
            Self::InvalidId { .. } => Some("ids look like `org_…` and `prj_…`; list what is there to find them"),
            Self::Tls(_) => Some("install the system's CA certificates, or point SSL_CERT_FILE at them"),
            Self::NoRandomness => None,
            // rustls says this of an answer that is no TLS.
            Self::Transport(error) if innermost(error).contains("InvalidContentType") => Some(
                "it answers without TLS: http:// is for a server on this machine, any other needs TLS or a proxy with it",
            ),
            Self::Transport(_) => Some("check the URL, and that the server is running"),
            Self::Problem(problem) => problem.hint.as_deref(),
            Self::UnexpectedStatus { .. } | Self::UnexpectedBody(_) | Self::ResponseTooLarge { .. } => {
                Some("check the URL, and that client and server are of the same version")
            }
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            Self::UnexpectedStatus { status } => Some(*status),
            _ => None,
        }
    }
}

/// Which server it was, without what was asked of it.
fn place(error: &reqwest::Error) -> String {
    error.url().map(|url| format!(" {}", url.origin().ascii_serialization())).unwrap_or_default()
}

/// reqwest's own message repeats the URL and hides the cause; the last error of the chain says what happened.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
