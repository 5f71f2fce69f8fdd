use std::{fmt::Write as _, path::Path};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::{Slot, TokenInfo},
};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::{
    Pkcs11Uri, TokenError,
    key::{P256_PARAMS, Pkcs11Key, TokenKey, read_public_key},
};

/// A token that is there: what a [`Pkcs11Uri`] leads to before anybody is asked for a PIN.
#[derive(Debug)]
pub struct Token {
    module: Pkcs11,
    slot: Slot,
    info: TokenInfo,
    uri: Pkcs11Uri,
}

impl Token {
    /// Loads the module at `module` (the URI's own comes first) and finds the one token that fits.
    ///
    /// # Errors
    /// [`TokenError::ModuleUnknown`], [`TokenError::ModuleUnusable`], [`TokenError::Absent`],
    /// [`TokenError::SeveralTokens`].
    pub fn find(uri: &Pkcs11Uri, module: Option<&Path>) -> Result<Self, TokenError> {
        let path = uri.module().or(module).ok_or(TokenError::ModuleUnknown)?;
        let module = load_module(path)?;
        let mut fitting = Vec::new();
        let mut others = Vec::new();
        for slot in module.get_slots_with_token()? {
            let info = module.get_token_info(slot)?;
            if info.token_initialized() && fits(uri, slot, &info) {
                fitting.push((slot, info));
            } else if info.token_initialized() {
                others.push(info.label().to_owned());
            }
        }
        match fitting.len() {
            0 => Err(TokenError::Absent { found: others }),
            1 => {
                let (slot, info) = fitting.pop().ok_or(TokenError::Absent { found: others })?;
                Ok(Self { module, slot, info, uri: uri.clone() })
            }
            _ => {
                let show =
                    |(_, info): &(Slot, TokenInfo)| format!("{} (serial={})", info.label(), info.serial_number());
                Err(TokenError::SeveralTokens { found: fitting.iter().map(show).collect() })
            }
        }
    }

    /// What the token is called.
    #[must_use]
    pub fn label(&self) -> &str {
        self.info.label()
    }

    /// Whether a PIN has to be asked: not if the token has a keypad of its own, or wants none.
    #[must_use]
    pub fn asks_for_pin(&self) -> bool {
        self.info.login_required() && !self.info.protected_authentication_path()
    }

    /// Opens the one private key that fits.
    ///
    /// # Errors
    /// [`TokenError::PinNeeded`], [`TokenError::PinWrong`], [`TokenError::PinLocked`], [`TokenError::KeyMissing`],
    /// [`TokenError::SeveralKeys`], [`TokenError::NotP256`], [`TokenError::PublicHalfMissing`].
    pub fn open_key(&self, pin: Option<&SecretString>) -> Result<Pkcs11Key, TokenError> {
        let session = self.log_in(pin, self.module.open_ro_session(self.slot)?)?;
        let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        template.extend(self.uri.object.clone().map(|label| Attribute::Label(label.into_bytes())));
        template.extend(self.uri.id.clone().map(Attribute::Id));
        let found = session.find_objects(&template)?;
        match found.as_slice() {
            [] => Err(TokenError::KeyMissing { found: show_all(&list(&session)?) }),
            [private] => {
                let public = read_public_key(&session, *private)?;
                Ok(Pkcs11Key { session, private: *private, public })
            }
            several => {
                let keys: Result<Vec<_>, _> = several.iter().map(|handle| describe(&session, *handle)).collect();
                Err(TokenError::SeveralKeys { found: show_all(&keys?) })
            }
        }
    }

    /// The private keys that the token shows, whatever the URI says of one.
    pub fn list_keys(&self, pin: Option<&SecretString>) -> Result<Vec<TokenKey>, TokenError> {
        list(&self.log_in(pin, self.module.open_ro_session(self.slot)?)?)
    }

    /// Has the token make a key that never leaves it: ECDSA P-256, sensitive, not extractable, for signatures alone.
    ///
    /// # Errors
    /// As [`open_key`](Self::open_key); [`TokenError::NameNeeded`], [`TokenError::KeyExists`], [`TokenError::NotAllowed`].
    pub fn generate_key(&self, pin: Option<&SecretString>) -> Result<Pkcs11Key, TokenError> {
        let label = self.uri.object.clone().ok_or(TokenError::NameNeeded)?;
        let session = self.log_in(pin, self.module.open_rw_session(self.slot)?)?;
        let is_taken = |mut template: Vec<Attribute>| {
            template.push(Attribute::Class(ObjectClass::PRIVATE_KEY));
            session.find_objects(&template).map(|found| !found.is_empty())
        };
        // Binds the two halves. A name that is unique on the token makes one that is too.
        let digest = Sha256::digest(label.as_bytes());
        let id = self.uri.id.clone().unwrap_or_else(|| digest.iter().take(8).copied().collect());
        if is_taken(vec![Attribute::Label(label.clone().into_bytes())])? || is_taken(vec![Attribute::Id(id.clone())])? {
            return Err(TokenError::KeyExists);
        }
        let shared = [Attribute::Token(true), Attribute::Label(label.into_bytes()), Attribute::Id(id)];
        let public = [
            Attribute::EcParams(P256_PARAMS.to_vec()),
            Attribute::KeyType(KeyType::EC),
            Attribute::Private(false),
            Attribute::Verify(true),
        ];
        let private = [
            Attribute::KeyType(KeyType::EC),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        let with_shared = |attributes: &[Attribute]| [shared.as_slice(), attributes].concat();
        let (_, private) =
            session.generate_key_pair(&Mechanism::EccKeyPairGen, &with_shared(&public), &with_shared(&private))?;
        let public = read_public_key(&session, private)?;
        Ok(Pkcs11Key { session, private, public })
    }

    fn log_in(&self, pin: Option<&SecretString>, session: Session) -> Result<Session, TokenError> {
        if !self.info.login_required() {
            return Ok(session);
        }
        if pin.is_none() && self.asks_for_pin() {
            return Err(TokenError::PinNeeded);
        }
        let pin = pin.filter(|_| self.asks_for_pin());
        match session.login(UserType::User, pin) {
            // Another session of this process did.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(match TokenError::from(error) {
                TokenError::PinWrong { .. } => {
                    let now = self.module.get_token_info(self.slot);
                    TokenError::PinWrong { is_last_try: now.is_ok_and(|info| info.user_pin_final_try()) }
                }
                other => other,
            }),
        }
    }
}

/// Loads a module and keeps it: libraries of this kind do not survive being unloaded while their threads run.
fn load_module(path: &Path) -> Result<Pkcs11, TokenError> {
    let unusable = |error: Error| TokenError::ModuleUnusable { path: path.to_owned(), reason: error.to_string() };
    let module = Pkcs11::new(path).map_err(unusable)?;
    core::mem::forget(module.clone());
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(error) => Err(unusable(error)),
    }
}

fn fits(uri: &Pkcs11Uri, slot: Slot, info: &TokenInfo) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    is(&uri.token, info.label())
        && is(&uri.manufacturer, info.manufacturer_id())
        && is(&uri.serial, info.serial_number())
        && is(&uri.model, info.model())
        && uri.slot_id.is_none_or(|id| id == slot.id())
}

fn list(session: &Session) -> Result<Vec<TokenKey>, TokenError> {
    let found = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])?;
    found.into_iter().map(|handle| describe(session, handle)).collect()
}

fn describe(session: &Session, handle: ObjectHandle) -> Result<TokenKey, TokenError> {
    let mut key = TokenKey { name: String::new(), public: None };
    for attribute in session.get_attributes(handle, &[AttributeType::Label, AttributeType::Id])? {
        match attribute {
            Attribute::Label(label) if !label.is_empty() => push(&mut key.name, "object", &label),
            Attribute::Id(id) if !id.is_empty() => push(&mut key.name, "id", &id),
            _ => {}
        }
    }
    // One that is no P-256 key, or whose public half is missing, is listed without.
    key.public = read_public_key(session, handle).ok();
    Ok(key)
}

/// Adds an attribute as a URI spells it.
fn push(name: &mut String, attribute: &str, value: &[u8]) {
    let separator = if name.is_empty() { "" } else { ";" };
    let _ = write!(name, "{separator}{attribute}=");
    for byte in value {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        let _ = if is_plain { write!(name, "{}", char::from(*byte)) } else { write!(name, "%{byte:02x}") };
    }
}

fn show_all(keys: &[TokenKey]) -> Vec<String> {
    keys.iter().map(|key| key.name.clone()).collect()
}
