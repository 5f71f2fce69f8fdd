//! Passkeys (WebAuthn level 3): what an authenticator is asked, and whether its answer holds.
//!
//! Like single sign-on, beginning writes nothing: what the answer has to fit travels, sealed with the server's key, to whoever
//! began ([`PasskeyStep::pending`]) and back. All that WebAuthn asks of a server is checked by `webauthn_rp`; here stands what
//! it is asked to check.

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_api::{PasskeyStep, SecretText};
use pintle_core::UnixTime;
use pintle_store::{AccountId, PasskeyBackup, PasskeyId, PasskeyRow, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
    bin::{Decode as _, Encode as _},
    request::{
        AsciiDomain, ExtensionInfo, PublicKeyCredentialDescriptor, RpId,
        auth::AuthenticationVerificationOptions,
        register::{
            CredProtect, Nickname, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle, Username,
        },
    },
    response::{
        AuthTransports, AuthenticatorAttachment, Backup, CredentialId,
        auth::error::AuthCeremonyErr,
        register::{CompressedPubKey, DynamicState, StaticState},
    },
};
use zeroize::Zeroizing;

use crate::{PasskeyError, SecretKey, ServiceError};

/// Time to unlock an authenticator.
const ATTEMPT_SECS: u64 = 300;
const PURPOSE: &str = "passkey";
/// Length of an account's id, which is its user handle: opaque, and of no use without its authenticator.
const HANDLE_BYTES: usize = 30;

type Handle = UserHandle<HANDLE_BYTES>;
type StoredKey = StaticState<CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>>;

/// Whom authenticators answer: this server, under the name by which people reach it.
#[derive(Debug)]
pub(crate) struct RelyingParty {
    id: RpId,
    origin: String,
}

/// An attempt to add a passkey, or to sign in with one, as it was begun.
#[derive(Serialize, Deserialize)]
pub(crate) struct PasskeyAttempt {
    /// What the answer has to fit, as the library writes it.
    state: String,
    /// The session in which a passkey is added; `None`: somebody signs in.
    session: Option<String>,
    pub(crate) expires_at: u64,
}

/// What an authenticator signed, and which passkey of whom it says that was.
pub(crate) struct Assertion(DiscoverableAuthentication<HANDLE_BYTES>);

/// Why an answer does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Two authenticators have the key, or one forgot: the count did not go on.
    CountWentBack,
    /// Everything else.
    Unproven,
}

impl RelyingParty {
    /// `None` where browsers know no passkeys: under an address in place of a name.
    pub(crate) fn parse(public_url: &str) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let Some(Host::Domain(domain)) = url.host() else { return None };
        let id = RpId::Domain(AsciiDomain::try_from(domain.to_owned()).ok()?);
        Some(Self { id, origin: url.origin().ascii_serialization() })
    }

    /// Asks for a new passkey for the account, on an authenticator that has none of `existing`.
    pub(crate) fn ask_for_new(
        &self,
        (account, name, email): (&AccountId, &str, Option<&str>),
        existing: &[PasskeyRow],
    ) -> Result<(Vec<u8>, Value), ServiceError> {
        let handle = make_handle(account)?;
        let label = email.and_then(|email| Username::try_from(email).ok());
        let label = label.map_or_else(|| Username::try_from(account.as_str()), Ok);
        let user = PublicKeyCredentialUserEntity {
            name: label.map_err(|_| ServiceError::Internal("the id of an account is a user name"))?,
            id: &handle,
            display_name: Nickname::try_from(name).ok(),
        };
        let existing = existing.iter().filter_map(describe_existing).collect();
        let mut asked = PublicKeyCredentialCreationOptions::passkey(&self.id, user, existing);
        // Asked for and not insisted on: browsers would refuse every authenticator that lacks the extension, as those of many
        // phones. Verification of the owner is demanded of each answer in any case.
        asked.extensions.cred_protect = CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
        let (state, options) =
            asked.start_ceremony().map_err(|_| ServiceError::Internal("a passkey can be asked for"))?;
        Ok((encode(state.encode())?, to_json(&options)?))
    }

    /// Asks for any passkey of this server, with its owner proven to the authenticator.
    pub(crate) fn ask(&self) -> Result<(Vec<u8>, Value), ServiceError> {
        let asked = DiscoverableCredentialRequestOptions::passkey(&self.id).start_ceremony();
        let (state, options) = asked.map_err(|_| ServiceError::Internal("a passkey can be asked for"))?;
        Ok((encode(state.encode())?, to_json(&options)?))
    }

    /// The new passkey, if the answer holds.
    pub(crate) fn verify_new(
        &self,
        attempt: &PasskeyAttempt,
        credential: &Value,
        (account, name): (&AccountId, &str),
        now: UnixTime,
    ) -> Result<PasskeyRow, ServiceError> {
        let state = RegistrationServerState::<HANDLE_BYTES>::decode(&attempt.state()?);
        let state = state.map_err(|_| PasskeyError::AttemptInvalid)?;
        let answer =
            Registration::from_json_relaxed(credential.to_string().as_bytes()).map_err(|error| refuse(&error))?;
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &[self.origin.as_str()],
            // A page in a frame of somebody else is none of ours.
            allowed_top_origins: None,
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = state.verify(&self.id, &answer, &options).map_err(|error| refuse(&error))?;
        if made.user_id().as_ref() != account.as_str().as_bytes() {
            return Err(PasskeyError::AttemptInvalid.into());
        }
        let stored = made.dynamic_state();
        Ok(PasskeyRow {
            id: PasskeyId::make(now.as_secs()),
            account_id: account.clone(),
            name: name.to_owned(),
            credential_id: made.id().as_ref().to_vec(),
            public_key: encode(made.static_state().encode())?,
            sign_count: u64::from(stored.sign_count).into(),
            backup: to_row(stored.backup),
            transports: u64::from(encode(made.transports().encode())?).into(),
            created_at: now.as_secs().into(),
            last_used_at: None,
        })
    }

    /// What the authenticator counts, and whether the passkey is backed up, if the answer holds for `passkey`.
    pub(crate) fn verify(
        &self,
        attempt: &PasskeyAttempt,
        assertion: &Assertion,
        passkey: &PasskeyRow,
    ) -> Result<Result<(u64, PasskeyBackup), Refusal>, ServiceError> {
        let state = DiscoverableAuthenticationServerState::decode(&attempt.state()?);
        let state = state.map_err(|_| PasskeyError::AttemptInvalid)?;
        let broken = || ServiceError::Internal("a stored passkey is one");
        let handle = make_handle(&passkey.account_id)?;
        let dynamic_state = DynamicState {
            user_verified: true,
            backup: from_row(passkey.backup),
            sign_count: u32::try_from(passkey.sign_count.value()).map_err(|_| broken())?,
            authenticator_attachment: AuthenticatorAttachment::None,
        };
        let mut stored = AuthenticatedCredential::new(
            CredentialId::<&[u8]>::decode(&passkey.credential_id).map_err(|_| broken())?,
            &handle,
            StoredKey::decode(&passkey.public_key).map_err(|_| broken())?,
            dynamic_state,
        )
        .map_err(|_| broken())?;
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &[self.origin.as_str()],
            allowed_top_origins: None,
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        Ok(match state.verify(&self.id, &assertion.0, &mut stored, &options) {
            Ok(_) => {
                let told = stored.dynamic_state();
                Ok((u64::from(told.sign_count), to_row(told.backup)))
            }
            Err(AuthCeremonyErr::SignatureCounter) => Err(Refusal::CountWentBack),
            Err(error) => {
                tracing::info!(%error, "an answer of an authenticator was refused");
                Err(Refusal::Unproven)
            }
        })
    }
}

impl PasskeyAttempt {
    pub(crate) fn make(state: &[u8], session: Option<&SessionId>, now: UnixTime) -> Self {
        Self {
            state: Base64UrlUnpadded::encode_string(state),
            session: session.map(ToString::to_string),
            expires_at: now.saturating_add_secs(ATTEMPT_SECS).as_secs(),
        }
    }

    /// What goes to the browser.
    pub(crate) fn send(&self, key: &SecretKey, options: Value) -> Result<PasskeyStep, ServiceError> {
        let text = serde_json::to_vec(self).map(Zeroizing::new);
        let text = text.map_err(|_| ServiceError::Internal("an attempt to sign in is JSON"))?;
        Ok(PasskeyStep { options, pending: Zeroizing::new(key.seal(PURPOSE, "", &text)?).into() })
    }

    /// What [`send`](Self::send) sealed, while it counts, in the session that began.
    pub(crate) fn open(
        key: &SecretKey,
        pending: &SecretText,
        session: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Self, PasskeyError> {
        let text = key.open(PURPOSE, "", pending.expose_secret()).map_err(|_| PasskeyError::AttemptInvalid)?;
        let attempt: Self = serde_json::from_slice(&text).map_err(|_| PasskeyError::AttemptInvalid)?;
        let is_own = attempt.session.as_deref() == session.map(SessionId::as_str);
        if is_own && now.as_secs() < attempt.expires_at { Ok(attempt) } else { Err(PasskeyError::AttemptInvalid) }
    }

    fn state(&self) -> Result<Vec<u8>, PasskeyError> {
        Base64UrlUnpadded::decode_vec(&self.state).map_err(|_| PasskeyError::AttemptInvalid)
    }
}

impl Assertion {
    pub(crate) fn parse(credential: &Value) -> Result<Self, PasskeyError> {
        let parsed = DiscoverableAuthentication::from_json_relaxed(credential.to_string().as_bytes());
        parsed.map(Self).map_err(|error| refuse(&error))
    }

    pub(crate) fn credential_id(&self) -> Vec<u8> {
        self.0.raw_id().as_ref().to_vec()
    }
}

fn describe_existing(row: &PasskeyRow) -> Option<PublicKeyCredentialDescriptor<Vec<u8>>> {
    let transports = AuthTransports::decode(u8::try_from(row.transports.value()).ok()?).ok()?;
    Some(PublicKeyCredentialDescriptor {
        id: CredentialId::<Vec<u8>>::decode(row.credential_id.clone()).ok()?,
        transports,
    })
}

fn make_handle(account: &AccountId) -> Result<Handle, ServiceError> {
    let bytes = account.as_str().as_bytes().try_into();
    let bytes = bytes.map_err(|_| ServiceError::Internal("ids of accounts have one length"))?;
    let Ok(handle) = Handle::decode(bytes);
    Ok(handle)
}

fn encode<T, E>(encoded: Result<T, E>) -> Result<T, ServiceError> {
    encoded.map_err(|_| ServiceError::Internal("what a ceremony needs can be written down"))
}

fn to_json(options: &impl Serialize) -> Result<Value, ServiceError> {
    serde_json::to_value(options).map_err(|_| ServiceError::Internal("options of a ceremony are JSON"))
}

/// What people are told; the operator's log has the rest.
fn refuse(error: &impl std::fmt::Display) -> PasskeyError {
    tracing::info!(%error, "an answer of an authenticator was refused");
    PasskeyError::Refused
}

const fn to_row(backup: Backup) -> PasskeyBackup {
    match backup {
        Backup::NotEligible => PasskeyBackup::NotEligible,
        Backup::Eligible => PasskeyBackup::Eligible,
        Backup::Exists => PasskeyBackup::Exists,
    }
}

const fn from_row(backup: PasskeyBackup) -> Backup {
    match backup {
        PasskeyBackup::NotEligible => Backup::NotEligible,
        PasskeyBackup::Eligible => Backup::Eligible,
        PasskeyBackup::Exists => Backup::Exists,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_a_name_has_passkeys() {
        let origin = |url: &str| RelyingParty::parse(url).map(|party| (party.id.as_ref().to_owned(), party.origin));
        let expect = |id: &str, origin: &str| Some((id.to_owned(), origin.to_owned()));
        assert_eq!(origin("https://pins.example.com"), expect("pins.example.com", "https://pins.example.com"));
        assert_eq!(
            origin("https://pins.example.com:8443/x/"),
            expect("pins.example.com", "https://pins.example.com:8443")
        );
        assert_eq!(origin("http://localhost:8080"), expect("localhost", "http://localhost:8080"));
        for url in ["", "http://127.0.0.1:8080", "http://[::1]:8080", "https://192.0.2.1"] {
            assert_eq!(origin(url), None, "{url}");
        }
    }

    #[test]
    fn an_attempt_counts_for_five_minutes_in_its_own_session() {
        let now = UnixTime::from_secs(1_800_000_000);
        let key = SecretKey::make().unwrap();
        let (own, other) = (SessionId::make(1), SessionId::make(1));
        let sealed = |session| PasskeyAttempt::make(b"state", session, now).send(&key, Value::Null).unwrap().pending;
        let open = |pending: &SecretText, session, secs| {
            PasskeyAttempt::open(&key, pending, session, now.saturating_add_secs(secs)).is_ok()
        };
        let (adding, signing_in) = (sealed(Some(&own)), sealed(None));
        assert!(open(&adding, Some(&own), 299) && !open(&adding, Some(&own), 300));
        assert!(!open(&adding, Some(&other), 0) && !open(&adding, None, 0));
        assert!(open(&signing_in, None, 0) && !open(&signing_in, Some(&own), 0));
        assert!(PasskeyAttempt::open(&SecretKey::make().unwrap(), &signing_in, None, now).is_err());
    }
}
