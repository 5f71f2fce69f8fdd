//! Whether a key signs.

use pintle_core::PublicKey;
use pintle_sign::{KeyReference, SignerError};
use serde::Serialize;

use crate::{
    CommandError,
    context::Context,
    key::{KeyArgs, OpenKey},
    output::GOOD,
};

/// No configuration, statement or other thing that means something: it contains what no JWS does.
const PROBE: &[u8] = b"pintle probe: this signature means nothing\n";

/// Result of `keys test`.
#[derive(Serialize)]
struct TestReport {
    /// As it is named on the command line.
    key: String,
    /// RFC 7638 thumbprint.
    kid: String,
    /// Always true: a failure is an error.
    signs: bool,
}

pub(super) async fn run(args: &KeyArgs, context: &Context) -> Result<(), CommandError> {
    let key = args.open(context).await?;
    let public_key = prove(&key)?;
    let report = TestReport { key: key.name().to_string(), kid: public_key.kid().to_string(), signs: true };
    context.output.show(&report, |report, text| {
        text.fields(&[("key", report.key.clone()), ("kid", report.kid.clone())]);
    })?;
    context.output.say(|text| {
        text.gap().styled_line(GOOD, "It signed a probe, and the signature verifies.");
        text.line(what_left_the_machine(key.name()));
    });
    Ok(())
}

/// Has the key sign something that means nothing.
pub(super) fn prove(key: &OpenKey) -> Result<PublicKey, CommandError> {
    let signature = key.signer().sign(PROBE)?;
    let public_key = key.public_key();
    if public_key.verifies(PROBE, &signature) {
        return Ok(public_key);
    }
    Err(CommandError::Key { key: key.name().clone(), error: SignerError::WrongSignature })
}

const fn what_left_the_machine(name: &KeyReference) -> &'static str {
    match name {
        KeyReference::File(_) => "Nothing left this machine.",
        KeyReference::Server => "The server gave its ciphertext; neither password nor key left this machine.",
        KeyReference::Pkcs11(_) => {
            "Nothing left this machine but a digest, to the token; the key did not leave the token."
        }
        _ => "Nothing left this machine but a digest, to the KMS; the key did not leave the KMS.",
    }
}
