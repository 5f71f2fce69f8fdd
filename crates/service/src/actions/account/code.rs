//! Codes that come back once, each with what it is for.

use pintle_api::OneTimeSecret;
use pintle_core::UnixTime;
use pintle_store::{AccountId, MailKind, OneTimeSecretRow, WriteTx};
use serde::{Deserialize, Serialize};

use crate::{ServiceError, address::EmailAddress, hex::write_hex, random::make_random};

pub(super) const PURPOSE: &str = "mailed";
/// A code for a new password opens an account: it lives as long as it takes to fetch a mail.
pub(super) const RESET_SECS: u64 = 3600;
pub(super) const CODE_SECS: u64 = 24 * 3600;

/// Ends every code of the account, and those that a mail on its way would bring: whoever asked for one is out.
pub(super) async fn end_codes(tx: &WriteTx, account: &AccountId) -> Result<(), ServiceError> {
    tx.delete_one_time_secrets_of(account).await?;
    Ok(tx.delete_waiting_mails(MailKind::ChangeAddress, account).await?)
}

/// What a code in a mail does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub(super) enum Code {
    /// Makes an account.
    SignUp { email: String },
    /// Sets the password of an account, and this address.
    SetPassword {
        email: String,
        /// The password signs in for a day although single sign-on is required.
        #[serde(default)]
        breaks_glass: bool,
    },
    /// Sets the address alone.
    ChangeAddress { email: String },
}

impl Code {
    pub(super) fn email(&self) -> Result<EmailAddress, ServiceError> {
        let (Self::SignUp { email } | Self::SetPassword { email, .. } | Self::ChangeAddress { email }) = self;
        EmailAddress::parse(email)
    }

    /// Makes the code: only its digest stays here.
    pub(super) async fn make(
        &self,
        tx: &WriteTx,
        account: Option<&AccountId>,
        until_secs: u64,
    ) -> Result<OneTimeSecret, ServiceError> {
        let secret = OneTimeSecret::make(&make_random()?);
        tx.insert_one_time_secret(OneTimeSecretRow {
            secret_sha256: write_hex(&secret.sha256()),
            purpose: PURPOSE.to_owned(),
            account_id: account.cloned(),
            state: serde_json::to_string(self).map_err(|_| ServiceError::Internal("a code's state is JSON"))?,
            expires_at: until_secs.into(),
        })
        .await?;
        Ok(secret)
    }

    /// What the code found is for, if it still counts.
    pub(super) fn read(row: &OneTimeSecretRow, now: UnixTime) -> Option<Self> {
        if now.as_secs() >= row.expires_at.value() {
            return None;
        }
        serde_json::from_str(&row.state).ok()
    }
}
