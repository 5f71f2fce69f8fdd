use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ApiToken, SecretText, SessionSecret, TokenError};

/// What a request is known by.
#[derive(Clone, Debug)]
pub enum Bearer {
    /// An API token.
    Token(ApiToken),
    /// Somebody who signed in.
    Session(SessionSecret),
}

impl Bearer {
    /// Accepts either form.
    ///
    /// # Errors
    /// Why it is no API token, if it is no session either.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        match SessionSecret::parse(text) {
            Ok(session) => Ok(Self::Session(session)),
            Err(_) => ApiToken::parse(text).map(Self::Token),
        }
    }

    /// The secret itself, for the one place that sends or keeps it.
    pub fn expose_secret(&self) -> &str {
        match self {
            Self::Token(token) => token.expose_secret(),
            Self::Session(session) => session.expose_secret(),
        }
    }
}

impl From<ApiToken> for Bearer {
    fn from(token: ApiToken) -> Self {
        Self::Token(token)
    }
}

impl From<SessionSecret> for Bearer {
    fn from(session: SessionSecret) -> Self {
        Self::Session(session)
    }
}

/// Signs in with address and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "email": "ada@example.com", "password": "four or five words" })))]
pub struct SignInRequest {
    /// The account's address.
    pub email: String,
    /// Its password.
    pub password: SecretText,
}

/// The second step of signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "pending": "pintle_once_000000000000000000000000000000000000000000000000000000000000000000000000", "code": "123456" })))]
pub struct SecondFactorRequest {
    /// `pintle_once_…`, from the first step; works once, for five minutes.
    pub pending: SecretText,
    /// Six digits of the authenticator, or a recovery code.
    pub code: SecretText,
}

/// How far signing in is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum SignInResponse {
    /// Signed in.
    Done(SignedIn),
    /// The account has a second factor: prove it, too.
    SecondFactor(SignInStep),
}

/// Somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// `pintle_session_…`: sent as bearer token from now on. It is not shown again.
    pub secret: SecretText,
    /// The session.
    pub session: SessionResponse,
}

/// What is still to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInStep {
    /// `pintle_once_…`, to be sent with the second step.
    pub pending: SecretText,
    /// What the account can prove itself with; any one will do.
    pub factors: Vec<SecondFactor>,
}

/// Kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Six digits of an authenticator.
    Totp,
    /// One of the codes that were shown when the authenticator was set up.
    RecoveryCode,
}

/// A session of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionResponse {
    /// `ses_…`
    pub id: String,
    /// How it was begun, as `password`.
    pub method: String,
    /// What it was begun with, as `Firefox on Linux`.
    pub client: String,
    /// Whether the request was made with it.
    pub is_current: bool,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
    /// When its owner last proved who they are; seconds since 1970 UTC.
    pub authenticated_at: u64,
    /// Seconds since 1970 UTC, to the minute or so.
    pub last_used_at: u64,
    /// It ends then, or when it is not used for long; seconds since 1970 UTC.
    pub expires_at: u64,
}
