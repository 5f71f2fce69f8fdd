//! What the operator decides about accounts, and what their actions share.

use std::sync::Arc;

use pintle_core::UnixTime;
use pintle_store::SessionRow;
use tokio::sync::Notify;

use crate::{Mailer, SecretKey, ServiceError, guard::Guard, password::Passwords};

/// A session that is not used for this long has ended.
pub(crate) const SESSION_IDLE_SECS: u64 = 12 * 3600;
/// And every session ends after this time.
pub(crate) const SESSION_SECS: u64 = 30 * 24 * 3600;

/// What the operator decides about accounts.
#[derive(Clone, Debug, Default)]
pub struct AccountSettings {
    /// Who may make one.
    pub sign_up: SignUp,
    /// Whether a password alone gives a session that can do no more than add a second factor.
    pub require_second_factor: bool,
    /// The URL under which people reach the server, for mails.
    pub public_url: String,
}

/// Who may make an account. Codes from `pintle admin link` always work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignUp {
    /// Whoever has an address.
    Open,
    /// Whoever has an address that a member of an organization invited.
    Invited,
    /// Nobody but with a code of the operator.
    #[default]
    Closed,
}

/// What actions on accounts share.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) settings: AccountSettings,
    /// Without one, what needs it does not work.
    pub(crate) key: Option<SecretKey>,
    pub(crate) mailer: Option<Arc<dyn Mailer>>,
    pub(crate) passwords: Passwords,
    pub(crate) guard: Guard,
    pub(crate) mails: Notify,
}

impl Accounts {
    pub(crate) fn key(&self) -> Result<&SecretKey, ServiceError> {
        self.key.as_ref().ok_or(ServiceError::Internal("a service with accounts has a key"))
    }
}

/// Whether a session has ended, by age or for want of use.
pub(crate) fn is_over(session: &SessionRow, now: UnixTime) -> bool {
    let idle_end = session.last_used_at.value().saturating_add(SESSION_IDLE_SECS);
    now.as_secs() >= session.expires_at.value().min(idle_end)
}
