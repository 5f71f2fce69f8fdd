use reqwest::Method;

use super::{Client, ClientError, List};
use crate::{
    AccountResponse, AddPasskeyRequest, AddressRequest, BeginSsoRequest, ConfirmRequest, ConfirmResponse,
    DeletionResponse, FinishSsoRequest, IdentitiesResponse, IdentityResponse, MailedResponse, PasskeyResponse,
    PasskeySignInRequest, PasskeyStep, PasskeysResponse, RecoveryCodesResponse, RenamePasskeyRequest,
    SecondFactorRequest, SessionResponse, SetPasswordRequest, SignInRequest, SignInResponse, SignedIn,
    SsoProvidersResponse, SsoStep, TotpCodeRequest, TotpResponse, WhoamiResponse,
};

/// Routes of accounts: who one is, how one signs in.
impl Client {
    /// Has a code sent that makes an account.
    pub async fn sign_up(&self, body: &AddressRequest) -> Result<MailedResponse, ClientError> {
        self.send_json(Method::POST, &["account", "sign-up"], body).await
    }

    /// Has a code sent that sets a new password.
    pub async fn reset_password(&self, body: &AddressRequest) -> Result<MailedResponse, ClientError> {
        self.send_json(Method::POST, &["account", "reset"], body).await
    }

    /// Does what a code is for.
    pub async fn confirm(&self, body: &ConfirmRequest) -> Result<ConfirmResponse, ClientError> {
        self.send_json(Method::POST, &["account", "confirm"], body).await
    }

    /// Deletes the caller's own account.
    pub async fn delete_account(&self) -> Result<DeletionResponse, ClientError> {
        self.send(Method::DELETE, &["account"]).await
    }

    /// The caller's own account.
    pub async fn read_account(&self) -> Result<AccountResponse, ClientError> {
        self.send(Method::GET, &["account"]).await
    }

    /// Sets the caller's password.
    pub async fn set_password(&self, body: &SetPasswordRequest) -> Result<(), ClientError> {
        self.send_json(Method::PUT, &["account", "password"], body).await
    }

    /// Begins to set up an authenticator.
    pub async fn begin_totp(&self) -> Result<TotpResponse, ClientError> {
        self.send(Method::POST, &["account", "totp"]).await
    }

    /// Puts the authenticator in force.
    pub async fn confirm_totp(&self, body: &TotpCodeRequest) -> Result<RecoveryCodesResponse, ClientError> {
        self.send_json(Method::POST, &["account", "totp", "confirm"], body).await
    }

    /// Removes authenticator and recovery codes.
    pub async fn remove_totp(&self) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["account", "totp"]).await
    }

    /// Begins to sign in with a passkey.
    pub async fn begin_passkey_sign_in(&self) -> Result<PasskeyStep, ClientError> {
        self.send(Method::POST, &["sessions", "passkey", "begin"]).await
    }

    /// Signs in with what an authenticator signed.
    pub async fn finish_passkey_sign_in(&self, body: &PasskeySignInRequest) -> Result<SignedIn, ClientError> {
        self.send_json(Method::POST, &["sessions", "passkey"], body).await
    }

    /// The passkeys of the caller's account.
    pub async fn list_passkeys(&self) -> Result<PasskeysResponse, ClientError> {
        self.send(Method::GET, &["account", "passkeys"]).await
    }

    /// Begins to add a passkey.
    pub async fn begin_passkey(&self) -> Result<PasskeyStep, ClientError> {
        self.send(Method::POST, &["account", "passkeys", "begin"]).await
    }

    /// Adds the passkey that an authenticator made.
    pub async fn finish_passkey(&self, body: &AddPasskeyRequest) -> Result<PasskeyResponse, ClientError> {
        self.send_json(Method::POST, &["account", "passkeys"], body).await
    }

    /// Gives a passkey another name.
    pub async fn rename_passkey(
        &self,
        passkey: &str,
        body: &RenamePasskeyRequest,
    ) -> Result<PasskeyResponse, ClientError> {
        self.send_json(Method::PATCH, &["account", "passkeys", passkey], body).await
    }

    /// Removes a passkey.
    pub async fn remove_passkey(&self, passkey: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["account", "passkeys", passkey]).await
    }

    /// Signs in with the second factor.
    pub async fn finish_sign_in(&self, body: &SecondFactorRequest) -> Result<SignedIn, ClientError> {
        self.send_json(Method::POST, &["sessions", "second-factor"], body).await
    }

    /// Has a code sent to a new address of the caller.
    pub async fn change_address(&self, body: &AddressRequest) -> Result<MailedResponse, ClientError> {
        self.send_json(Method::PUT, &["account", "address"], body).await
    }

    /// Signs in with address and password.
    pub async fn sign_in(&self, body: &SignInRequest) -> Result<SignInResponse, ClientError> {
        self.send_json(Method::POST, &["sessions"], body).await
    }

    /// The providers of single sign-on.
    pub async fn list_sso_providers(&self) -> Result<SsoProvidersResponse, ClientError> {
        self.send(Method::GET, &["sso"]).await
    }

    /// Begins to sign in at a provider.
    pub async fn begin_sso(&self, body: &BeginSsoRequest) -> Result<SsoStep, ClientError> {
        self.send_json(Method::POST, &["sso", "begin"], body).await
    }

    /// Signs in with the provider's answer.
    pub async fn finish_sso(&self, body: &FinishSsoRequest) -> Result<SignInResponse, ClientError> {
        self.send_json(Method::POST, &["sso", "finish"], body).await
    }

    /// The identities that sign in to the caller's account.
    pub async fn list_identities(&self) -> Result<IdentitiesResponse, ClientError> {
        self.send(Method::GET, &["account", "identities"]).await
    }

    /// Begins to link an identity with the caller's account.
    pub async fn begin_link(&self, body: &BeginSsoRequest) -> Result<SsoStep, ClientError> {
        self.send_json(Method::POST, &["account", "identities", "begin"], body).await
    }

    /// Links whom the provider vouches for with the caller's account.
    pub async fn finish_link(&self, body: &FinishSsoRequest) -> Result<IdentityResponse, ClientError> {
        self.send_json(Method::POST, &["account", "identities"], body).await
    }

    /// Unlinks an identity from the caller's account.
    pub async fn unlink_identity(&self, identity: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["account", "identities", identity]).await
    }

    /// The caller's sessions, newest first.
    pub fn list_sessions(&self) -> List<SessionResponse> {
        List::new(self, &["sessions"])
    }

    /// Ends a session of the caller; `current` is the one that asks.
    pub async fn end_session(&self, session: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["sessions", session]).await
    }

    /// Ends every session of the caller but the one that asks.
    pub async fn end_other_sessions(&self) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["sessions"]).await
    }

    /// Whose token this is.
    pub async fn whoami(&self) -> Result<WhoamiResponse, ClientError> {
        self.send(Method::GET, &["whoami"]).await
    }
}
