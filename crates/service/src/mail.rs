//! Mails: what they say, and who carries them. The words stand in `mail/`, one file each.

use std::fmt::Debug;

use async_trait::async_trait;
use pintle_store::MailKind;

/// Sends mails, by SMTP in a server.
#[async_trait]
pub trait Mailer: Debug + Send + Sync {
    /// Hands the mail over to somebody who takes care of it from now on.
    ///
    /// # Errors
    /// [`MailerError`]: it may be tried again.
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailerError>;
}

/// Why a mail was not handed over. The text is for the operator's log and holds no address or code.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct MailerError(pub String);

/// A mail, whole. Its texts may hold a code: they are not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// A checked address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same for programs that show HTML.
    pub html: String,
}

impl Debug for OutgoingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OutgoingMail(..)")
    }
}

/// Which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    SignUp,
    AlreadySignedUp,
    ResetPassword,
    ChangeAddress,
    AddressChanged,
    PasswordChanged,
    SecondFactorChanged,
    IdentityChanged,
    PasskeyChanged,
    Invitation,
}

impl Template {
    /// The notice that a mail of this kind is, if it needs no code.
    pub(crate) const fn notice(kind: MailKind) -> Option<Self> {
        match kind {
            MailKind::SignUp
            | MailKind::ResetPassword
            | MailKind::ChangeAddress
            | MailKind::Invitation
            | MailKind::Alerts
            | MailKind::Digest => None,
            MailKind::AddressChanged => Some(Self::AddressChanged),
            MailKind::PasswordChanged => Some(Self::PasswordChanged),
            MailKind::SecondFactorChanged => Some(Self::SecondFactorChanged),
            MailKind::IdentityChanged => Some(Self::IdentityChanged),
            MailKind::PasskeyChanged => Some(Self::PasskeyChanged),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::SignUp => include_str!("../mail/sign_up.txt"),
            Self::AlreadySignedUp => include_str!("../mail/already_signed_up.txt"),
            Self::ResetPassword => include_str!("../mail/reset_password.txt"),
            Self::ChangeAddress => include_str!("../mail/change_address.txt"),
            Self::AddressChanged => include_str!("../mail/address_changed.txt"),
            Self::PasswordChanged => include_str!("../mail/password_changed.txt"),
            Self::SecondFactorChanged => include_str!("../mail/second_factor_changed.txt"),
            Self::IdentityChanged => include_str!("../mail/identity_changed.txt"),
            Self::PasskeyChanged => include_str!("../mail/passkey_changed.txt"),
            Self::Invitation => include_str!("../mail/invitation.txt"),
        }
    }

    /// The mail to `to`. The first line of a template is its subject.
    pub(crate) fn write(self, to: &str, server: &str, code: &str) -> OutgoingMail {
        let filled = self.words().replace("{server}", server).replace("{code}", code);
        let (subject, text) = filled.split_once("\n\n").unwrap_or_default();
        OutgoingMail { to: to.to_owned(), subject: subject.to_owned(), html: to_html(text), text: text.to_owned() }
    }
}

/// Paragraphs, and what is indented as it stands.
fn to_html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraphs = escaped.trim_end().split("\n\n").map(|paragraph| match paragraph.strip_prefix("    ") {
        Some(verbatim) => format!("<pre>{verbatim}</pre>\n"),
        None => format!("<p>{paragraph}</p>\n"),
    });
    format!("<!doctype html>\n<html lang=\"en\"><body>\n{}</body></html>\n", paragraphs.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_a_subject_of_one_line_and_leaves_nothing_unfilled() {
        for template in [
            Template::SignUp,
            Template::AlreadySignedUp,
            Template::ResetPassword,
            Template::ChangeAddress,
            Template::AddressChanged,
            Template::PasswordChanged,
            Template::SecondFactorChanged,
            Template::IdentityChanged,
            Template::PasskeyChanged,
            Template::Invitation,
        ] {
            let mail = template.write("ada@example.com", "https://pins.example.com", "pintle_once_0");
            assert!((10..70).contains(&mail.subject.len()) && !mail.subject.contains(['\n', '{']), "{template:?}");
            assert!(!mail.text.contains(['{', '}', '<']) && mail.text.contains("https://pins.example.com"));
            assert_eq!(mail.text.contains("pintle_once_0"), mail.html.contains("<pre>pintle_once_0</pre>"));
            assert!(mail.text.lines().all(|line| line.len() < 100), "{template:?}");
        }
    }
}
