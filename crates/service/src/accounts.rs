//! What the operator decides about accounts, and what their actions share.

use std::sync::Arc;

use pintle_core::UnixTime;
use pintle_store::SessionRow;
use tokio::sync::Notify;

use crate::{
    AccountError, Mailer, SecretKey, ServiceError, SsoError, SsoProvider, password::Passwords, throttle::Throttle,
};

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
    /// Whether people sign in with a provider of single sign-on alone.
    pub require_sso: bool,
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
    pub(crate) providers: Vec<SsoProvider>,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) mails: Notify,
}

impl Accounts {
    pub(crate) fn key(&self) -> Result<&SecretKey, ServiceError> {
        self.key.as_ref().ok_or(ServiceError::Internal("a service with accounts has a key"))
    }
}

/// How somebody proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) way: Way,
    pub(crate) has_second_factor: bool,
}

/// The first proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Password,
    /// A password that was set with a code which the operator made to get in where single sign-on fails.
    BreakGlass,
    /// The name of the provider.
    Sso(String),
    /// The device that has it, and what its owner unlocks it with: two factors.
    Passkey,
}

/// What a session lacks of what the operator asks for. Such a session does next to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortfall {
    Sso,
    SecondFactor,
}

const SECOND_FACTOR: &str = ", second factor";
const PASSWORD: &str = "password";
const BREAK_GLASS: &str = "break-glass password";
const PASSKEY: &str = "passkey";
const SSO: &str = "sso ";

impl Method {
    pub(crate) fn to_text(&self) -> String {
        let way = match &self.way {
            Way::Password => PASSWORD.to_owned(),
            Way::BreakGlass => BREAK_GLASS.to_owned(),
            Way::Passkey => PASSKEY.to_owned(),
            Way::Sso(provider) => format!("{SSO}{provider}"),
        };
        if self.has_second_factor { way + SECOND_FACTOR } else { way }
    }

    /// What is not known, as of a newer version, counts as a password alone.
    pub(crate) fn parse(text: &str) -> Self {
        let (first, has_second_factor) = match text.strip_suffix(SECOND_FACTOR) {
            Some(first) => (first, true),
            None => (text, false),
        };
        let way = match first.strip_prefix(SSO) {
            Some(provider) => Way::Sso(provider.to_owned()),
            None if first == BREAK_GLASS => Way::BreakGlass,
            None if first == PASSKEY => Way::Passkey,
            None if first == PASSWORD => Way::Password,
            None => return Self { way: Way::Password, has_second_factor: false },
        };
        Self { way, has_second_factor }
    }

    /// Whether it counts where single sign-on is required.
    pub(crate) fn is_sso(&self) -> bool {
        matches!(self.way, Way::Sso(_) | Way::BreakGlass)
    }

    /// A provider that the operator trusts answers for how people prove themselves to it.
    pub(crate) fn find_shortfall(&self, settings: &AccountSettings) -> Option<Shortfall> {
        if settings.require_sso && !self.is_sso() {
            return Some(Shortfall::Sso);
        }
        let is_enough = self.has_second_factor || matches!(self.way, Way::Sso(_) | Way::Passkey);
        (settings.require_second_factor && !is_enough).then_some(Shortfall::SecondFactor)
    }
}

impl From<Shortfall> for ServiceError {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Sso => SsoError::Required.into(),
            Shortfall::SecondFactor => AccountError::SecondFactorRequired.into(),
        }
    }
}

/// Whether a session has ended, by age or for want of use.
pub(crate) fn is_over(session: &SessionRow, now: UnixTime) -> bool {
    let idle_end = session.last_used_at.value().saturating_add(SESSION_IDLE_SECS);
    now.as_secs() >= session.expires_at.value().min(idle_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_survive_the_database_and_what_is_unknown_counts_least() {
        for way in [Way::Password, Way::BreakGlass, Way::Passkey, Way::Sso("corp".to_owned())] {
            for has_second_factor in [false, true] {
                let method = Method { way: way.clone(), has_second_factor };
                assert_eq!(Method::parse(&method.to_text()), method);
            }
        }
        let least = Method { way: Way::Password, has_second_factor: false };
        for text in ["", "telepathy", "telepathy, second factor", "sso", "password "] {
            assert_eq!(Method::parse(text), least, "{text}");
        }
    }
}
