//! What is told about keys that cannot be opened or do not sign.

use pintle_sign::{KeyFileError, KmsError, SignerError, TokenError};

use crate::ExitStatus;

/// Stable code.
pub(super) fn code(error: &SignerError) -> &'static str {
    match error {
        SignerError::File(error) => match error {
            KeyFileError::PasswordNeeded => "key_password_needed",
            KeyFileError::WrongPassword => "key_password_wrong",
            KeyFileError::NotP256 => "key_not_p256",
            _ => "key_unreadable",
        },
        SignerError::Token(error) => token_code(error),
        SignerError::Kms(error) => kms_code(error),
        SignerError::WrongSignature => "signature_wrong",
        SignerError::Unsupported(_) => "key_kind_unsupported",
        _ => "signing_failed",
    }
}

fn token_code(error: &TokenError) -> &'static str {
    match error {
        TokenError::ModuleUnknown => "token_module_needed",
        TokenError::ModuleUnusable { .. } => "token_module_unusable",
        TokenError::Absent { .. } => "token_absent",
        TokenError::SeveralTokens { .. } => "token_ambiguous",
        TokenError::PinNeeded => "token_pin_needed",
        TokenError::PinWrong { .. } => "token_pin_wrong",
        TokenError::PinLocked => "token_pin_locked",
        TokenError::PinUnset => "token_pin_unset",
        TokenError::KeyMissing { .. } => "token_key_missing",
        TokenError::SeveralKeys { .. } => "token_key_ambiguous",
        TokenError::PublicHalfMissing => "token_public_key_missing",
        TokenError::NotP256 => "key_not_p256",
        TokenError::KeyExists => "token_key_exists",
        TokenError::NameNeeded => "token_key_name_needed",
        TokenError::Gone { .. } => "token_gone",
        TokenError::NotAllowed { .. } => "token_not_allowed",
        _ => "token_failed",
    }
}

fn kms_code(error: &KmsError) -> &'static str {
    match error {
        KmsError::NoCredentials => "kms_credentials_missing",
        KmsError::Denied { .. } => "kms_denied",
        KmsError::ClockOff { .. } => "kms_clock_off",
        KmsError::Throttled { .. } => "kms_throttled",
        KmsError::KeyMissing { .. } => "kms_key_missing",
        KmsError::KeyUnusable { .. } => "kms_key_unusable",
        KmsError::NotP256 => "key_not_p256",
        KmsError::Unreachable { .. } => "kms_unreachable",
        _ => "kms_failed",
    }
}

pub(super) fn exit_status(error: &SignerError) -> ExitStatus {
    match error {
        SignerError::Token(TokenError::Absent { .. } | TokenError::KeyMissing { .. }) => ExitStatus::NotFound,
        SignerError::Kms(KmsError::NoCredentials | KmsError::Denied { .. }) => ExitStatus::Auth,
        SignerError::Kms(KmsError::KeyMissing { .. }) => ExitStatus::NotFound,
        SignerError::Kms(KmsError::Throttled { .. } | KmsError::Unreachable { .. } | KmsError::Unexpected { .. }) => {
            ExitStatus::Unavailable
        }
        SignerError::Token(TokenError::KeyExists) => ExitStatus::Conflict,
        SignerError::Token(TokenError::Gone { .. }) => ExitStatus::Unavailable,
        _ => ExitStatus::Input,
    }
}

/// What to do about it.
pub(super) fn hint(error: &SignerError) -> Option<&'static str> {
    Some(match error {
        SignerError::File(error) => return file_hint(error),
        SignerError::Token(error) => token_hint(error),
        SignerError::Kms(error) => kms_hint(error),
        SignerError::WrongSignature => {
            "the public and the private half do not belong together, or the device is defective: sign with neither"
        }
        SignerError::Unsupported(_) => "use the released binary, or build with the features `pkcs11` and `kms`",
        _ => return None,
    })
}

fn file_hint(error: &KeyFileError) -> Option<&'static str> {
    Some(match error {
        KeyFileError::PasswordNeeded => "enter it at a terminal, or give `--password-file FILE` or PINTLE_KEY_PASSWORD",
        KeyFileError::WrongPassword => return None,
        KeyFileError::NotPkcs8(label) if label == "EC PRIVATE KEY" => {
            "convert it with `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW`"
        }
        KeyFileError::NotP256 => "`pintle keys generate` makes a key of the right kind",
        KeyFileError::TooDear => "encrypt it again with `openssl pkcs8 -topk8 -scrypt`, which takes a moment",
        _ => "give a PKCS#8 file in PEM, as `pintle keys generate` writes it",
    })
}

fn kms_hint(error: &KmsError) -> &'static str {
    match error {
        KmsError::NoCredentials => {
            "AWS: `eval \"$(aws configure export-credentials --format env)\"`; Google: \
             PINTLE_KMS_TOKEN=$(gcloud auth print-access-token); Azure: PINTLE_KMS_TOKEN=$(az account get-access-token \
             --resource https://vault.azure.net --query accessToken -o tsv)"
        }
        KmsError::Denied { .. } => {
            "are the credentials current, and may they read the public key and sign with this key? docs/howto/keys.md \
             lists the permissions"
        }
        KmsError::ClockOff { .. } => "synchronise this machine's clock, as by NTP",
        KmsError::Throttled { .. } => "wait a minute and run it again; if it stays so, raise the account's quota",
        KmsError::KeyMissing { .. } => {
            "check region, account and name; some services say this of keys that are not yours"
        }
        KmsError::KeyUnusable { .. } => "enable it, or cancel its deletion, with the KMS's own tools",
        KmsError::NotP256 => "make one for EC P-256 (secp256r1), to sign and verify",
        KmsError::Unreachable { .. } => "check network and proxy (HTTPS_PROXY); nothing was signed",
        _ => "look at the service's status page; nothing was signed",
    }
}

fn token_hint(error: &TokenError) -> &'static str {
    match error {
        TokenError::ModuleUnknown | TokenError::ModuleUnusable { .. } => {
            "name the shared library that came with the device: PINTLE_PKCS11_MODULE, or `?module-path=FILE` in the URI"
        }
        TokenError::Absent { .. } => {
            "is it plugged in, and does the URI say its label? `pkcs11-tool --list-slots` shows"
        }
        TokenError::SeveralTokens { .. } => "add `serial=…` to the URI",
        TokenError::PinNeeded => "enter it at a terminal, or give `--password-file FILE` or PINTLE_KEY_PASSWORD",
        TokenError::PinWrong { .. } => {
            "it was tried once; look it up before you try again: too many wrong PINs lock it"
        }
        TokenError::PinLocked => "whoever has the token's SO PIN (PUK) can set a new one",
        TokenError::PinUnset => "set one with the tool that came with the device",
        TokenError::KeyMissing { .. } => "name the key by `object=…` or `id=…`; `pintle keys list --in URI` shows them",
        TokenError::SeveralKeys { .. } => "name one by both `object=…` and `id=…`",
        TokenError::PublicHalfMissing => "put the public key into the token beside it, with the same id",
        TokenError::NotP256 => "`pintle keys generate --out URI` makes a key of the right kind in the token",
        TokenError::KeyExists => "choose another `object=…`, or use the key that is there",
        TokenError::NameNeeded => "add `;object=NAME` to the URI",
        TokenError::Gone { .. } => "plug it in again, or see to its connection; nothing was sent or changed",
        TokenError::NotAllowed { .. } => "the token is read-only, or the key is not for signatures: see its settings",
        _ => "the device's own tool and log tell more; nothing was sent or changed",
    }
}
