use super::{ErrorKind, Facts, facts};

/// Why a request with an idempotency key is not carried out (again), and not answered as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdempotencyError {
    /// The key came with another request, or another credential, before.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The request with this key is being carried out.
    #[error("a request with this idempotency key is being carried out")]
    InProgress,
    /// It was carried out; what it answered holds a secret, is too large, or was lost in a crash.
    #[error("the request with this idempotency key was carried out; its answer is not kept")]
    AnswerNotKept,
}

impl IdempotencyError {
    pub(super) fn facts(self) -> Facts {
        match self {
            Self::KeyReused => facts(
                "idempotency_key_reused",
                ErrorKind::Unprocessable,
                "make a new key for every new request; repeat a request byte for byte",
            ),
            Self::InProgress => facts("idempotency_in_progress", ErrorKind::Conflict, "repeat it in a moment"),
            Self::AnswerNotKept => facts(
                "idempotency_answer_not_kept",
                ErrorKind::Conflict,
                "look for what the request made; if you need a secret it answered, replace what it made",
            ),
        }
    }
}
