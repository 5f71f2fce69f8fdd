//! Keys in tokens.

use std::{env, path::PathBuf};

use pintle_sign::{Pkcs11Uri, Signer, Token, TokenError, TokenKey};
use secrecy::SecretString;

use super::Opening;
use crate::CommandError;

pub(super) fn open(opening: &Opening<'_>, uri: &Pkcs11Uri) -> Result<Box<dyn Signer>, CommandError> {
    let (token, pin) = find(opening, uri)?;
    let key = token.open_key(pin.as_ref()).map_err(|error| opening.failed(error))?;
    Ok(Box::new(key))
}

pub(super) fn make(opening: &Opening<'_>, uri: &Pkcs11Uri) -> Result<Box<dyn Signer>, CommandError> {
    let (token, pin) = find(opening, uri)?;
    let key = token.generate_key(pin.as_ref()).map_err(|error| opening.failed(error))?;
    Ok(Box::new(key))
}

/// The private keys in the token that the name leads to.
pub(super) fn list(opening: &Opening<'_>, uri: &Pkcs11Uri) -> Result<Vec<TokenKey>, CommandError> {
    let (token, pin) = find(opening, uri)?;
    token.list_keys(pin.as_ref()).map_err(|error| opening.failed(error))
}

/// The token, and its PIN if it wants one: nobody is asked before the token is found.
fn find(opening: &Opening<'_>, uri: &Pkcs11Uri) -> Result<(Token, Option<SecretString>), CommandError> {
    let module = env::var_os("PINTLE_PKCS11_MODULE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let token = Token::find(uri, module.as_deref()).map_err(|error| opening.failed(error))?;
    if !token.asks_for_pin() {
        return Ok((token, None));
    }
    let pin = opening.load_password("PIN", uri.pin_source().as_deref())?;
    if pin.is_none() {
        return Err(opening.failed(TokenError::PinNeeded));
    }
    Ok((token, pin))
}
