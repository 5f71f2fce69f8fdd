use pintle_api::{ConfirmRequest, ConfirmResponse, Confirmed, OneTimeSecret, SecretText};
use pintle_core::UnixTime;
use pintle_store::{AccountId, AccountRow, EmailRow, MailKind, OneTimeSecretRow, PasswordRow, StoreError};

use super::{
    code::{CODE_SECS, Code, PURPOSE, end_codes},
    request_mail::queue_mail,
};
use crate::{
    AuditAction, RequestContext, Service, ServiceError, address::EmailAddress, audit::Event, change::Change,
    error::AccountError, hex::write_hex, input::check_label, password::check_new_password,
};

impl Service {
    /// Does what the code is for: makes an account, sets a password, or changes an address.
    ///
    /// # Errors
    /// [`AccountError::CodeInvalid`], [`AccountError::PasswordMissing`], [`AccountError::PasswordUnfit`],
    /// [`AccountError::AddressTaken`], [`AccountError::Busy`], [`ServiceError::ValueInvalid`], [`ServiceError::Store`].
    pub async fn confirm(
        &self,
        request: &ConfirmRequest,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<ConfirmResponse, ServiceError> {
        let row = self.find_code(&request.code).await?;
        let code = Code::read(&row, now).ok_or(AccountError::CodeInvalid)?;
        let address = code.email()?;
        // Hashing takes its time: before the transaction, which others wait for.
        let hash = match code {
            Code::ChangeAddress { .. } => String::new(),
            Code::SignUp { .. } | Code::SetPassword { .. } => {
                let password = request.password.as_ref().ok_or(AccountError::PasswordMissing)?;
                check_new_password(password, Some(&address))?;
                self.accounts.passwords.hash(password).await?
            }
        };
        let name = request.name.as_deref().unwrap_or(address.as_str());
        check_label("name", name)?;

        let change = self.begin_visitor_change(context, now).await?;
        if !change.delete_one_time_secret(&row.secret_sha256).await? {
            return Err(AccountError::CodeInvalid.into());
        }
        let account = || row.account_id.clone().ok_or(ServiceError::Internal("the code knows its account"));
        let confirmed = match code {
            Code::SignUp { .. } => sign_up(&change, name, &address, hash, now).await?,
            Code::SetPassword { breaks_glass, .. } => {
                let break_glass_until = breaks_glass.then(|| now.saturating_add_secs(CODE_SECS).as_secs().into());
                let changed_at = now.as_secs().into();
                let password = PasswordRow { account_id: account()?, hash, changed_at, break_glass_until };
                set_password(&change, password, &address, now).await?
            }
            Code::ChangeAddress { .. } => change_address(&change, &account()?, &address, now).await?,
        };
        self.commit_with_mail(change).await?;
        Ok(ConfirmResponse { confirmed, email: address.as_str().to_owned() })
    }

    async fn find_code(&self, code: &SecretText) -> Result<OneTimeSecretRow, ServiceError> {
        let secret = OneTimeSecret::parse(code.expose_secret().trim()).map_err(|_| AccountError::CodeInvalid)?;
        let found = self.store.read().await?.find_one_time_secret(&write_hex(&secret.sha256()), PURPOSE).await?;
        found.ok_or_else(|| AccountError::CodeInvalid.into())
    }
}

async fn sign_up(
    change: &Change,
    name: &str,
    address: &EmailAddress,
    hash: String,
    now: UnixTime,
) -> Result<Confirmed, ServiceError> {
    let now_secs = now.as_secs();
    let account = AccountRow { id: AccountId::make(now_secs), name: name.to_owned(), created_at: now_secs.into() };
    change.insert_account(account.clone()).await?;
    save_address(change, &account.id, address, now).await?;
    let (account_id, changed_at) = (account.id.clone(), now_secs.into());
    change.save_password(PasswordRow { account_id, hash, changed_at, break_glass_until: None }).await?;
    change
        .record_of_account(&account.id, |chain| {
            Event::new(chain, AuditAction::AccountCreated, "account", account.id.as_str())
                .personal("target_name", Some(&account.id), &account.name)
                .personal("email", Some(&account.id), address.as_str())
        })
        .await?;
    Ok(Confirmed::SignedUp)
}

async fn set_password(
    change: &Change,
    password: PasswordRow,
    address: &EmailAddress,
    now: UnixTime,
) -> Result<Confirmed, ServiceError> {
    let account = &password.account_id;
    save_address(change, account, address, now).await?;
    change.save_password(password.clone()).await?;
    // Whoever may have had the old one, or another code, is out.
    change.delete_sessions(account, None).await?;
    end_codes(change, account).await?;
    queue_mail(change, MailKind::PasswordChanged, address, Some(account), now).await?;
    change
        .record_of_account(account, |chain| {
            Event::new(chain, AuditAction::PasswordChanged, "account", account.as_str())
        })
        .await?;
    Ok(Confirmed::PasswordSet)
}

async fn change_address(
    change: &Change,
    account: &AccountId,
    address: &EmailAddress,
    now: UnixTime,
) -> Result<Confirmed, ServiceError> {
    let former = change.find_email(account).await?;
    save_address(change, account, address, now).await?;
    end_codes(change, account).await?;
    if let Some(former) = former {
        let former = EmailAddress::parse(&former.address)?;
        queue_mail(change, MailKind::AddressChanged, &former, Some(account), now).await?;
    }
    change
        .record_of_account(account, |chain| {
            Event::new(chain, AuditAction::AddressChanged, "account", account.as_str()).personal(
                "email",
                Some(account),
                address.as_str(),
            )
        })
        .await?;
    Ok(Confirmed::AddressChanged)
}

pub(super) async fn save_address(
    change: &Change,
    account: &AccountId,
    address: &EmailAddress,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let row = EmailRow {
        account_id: account.clone(),
        address: address.as_str().to_owned(),
        address_key: address.key().to_owned(),
        verified_at: now.as_secs().into(),
    };
    change.save_email(row).await.map_err(|error| match error {
        StoreError::AlreadyExists => AccountError::AddressTaken.into(),
        other => other.into(),
    })
}
