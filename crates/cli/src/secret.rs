//! Secrets come by prompt, file or environment, never by the command line, which other users can see.

use std::{
    env,
    io::{self, IsTerminal, Write},
    path::Path,
};

use pintle_api::{Bearer, InvitationCode, SecretText};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{CommandError, file::read_text_file};

/// More than any token or sensible password.
const MAX_SECRET_BYTES: u64 = 4096;

/// The first line of a file (`-` is standard input), without its end.
fn read_secret_file(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let text = Zeroizing::new(read_text_file(path, MAX_SECRET_BYTES)?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn secret_variable(name: &str) -> Option<Zeroizing<String>> {
    env::var(name).ok().filter(|value| !value.is_empty()).map(Zeroizing::new)
}

fn ask_secret(prompt: &str, question: &'static str, hint: &'static str) -> Result<Zeroizing<String>, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::CannotAsk { question, hint });
    }
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| CommandError::Read { path: "the terminal".into(), error })
}

/// A token from `--token-file` or `PINTLE_TOKEN`.
pub(crate) fn load_given_token(token_file: Option<&Path>) -> Result<Option<Bearer>, CommandError> {
    let text = match token_file {
        Some(path) => Some(read_secret_file(path)?),
        None => secret_variable("PINTLE_TOKEN"),
    };
    text.map(|text| Bearer::parse(text.trim())).transpose().map_err(Into::into)
}

/// The code of an invitation: from a file or asked.
pub(crate) fn load_invitation_code(code_file: Option<&Path>) -> Result<InvitationCode, CommandError> {
    let text = match code_file {
        Some(path) => read_secret_file(path)?,
        None => ask_secret("Code: ", "the code of the invitation", "give `--code-file FILE`, `-` for standard input")?,
    };
    InvitationCode::parse(text.trim()).map_err(Into::into)
}

/// Asks for a token.
pub(crate) fn ask_token() -> Result<Bearer, CommandError> {
    let text = ask_secret("Token: ", "the API token", "give `--token-file FILE` or PINTLE_TOKEN")?;
    Bearer::parse(text.trim()).map_err(Into::into)
}

/// Whether somebody at a terminal may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    Allowed,
    Never,
}

/// The password or PIN that opens a key: from a file, from `PINTLE_KEY_PASSWORD`, or asked. `None` where nobody can be
/// asked.
pub(crate) fn load_key_password(
    password_file: Option<&Path>,
    prompt: &str,
    asking: Asking,
) -> Result<Option<SecretString>, CommandError> {
    if let Some(given) = load_given_password(password_file)? {
        return Ok(Some(given));
    }
    if asking == Asking::Never || !io::stdin().is_terminal() {
        return Ok(None);
    }
    ask_secret(prompt, "the password", "").map(|text| Some(SecretString::from(text.as_str())))
}

/// A password for a new key: from a file, from `PINTLE_KEY_PASSWORD`, or asked twice.
pub(crate) fn make_key_password(password_file: Option<&Path>) -> Result<SecretString, CommandError> {
    match load_given_password(password_file)? {
        Some(given) => Ok(given),
        None => ask_new_password("give `--password-file FILE` or PINTLE_KEY_PASSWORD"),
    }
}

/// Another password for a key: from a file, from `PINTLE_NEW_KEY_PASSWORD`, or asked twice.
pub(crate) fn make_next_password(password_file: Option<&Path>) -> Result<SecretString, CommandError> {
    let text = match password_file {
        Some(path) => Some(read_secret_file(path)?),
        None => secret_variable("PINTLE_NEW_KEY_PASSWORD"),
    };
    match text {
        Some(text) if text.is_empty() => Err(EMPTY_PASSWORD),
        Some(text) => Ok(SecretString::from(text.as_str())),
        None => ask_new_password("give `--new-password-file FILE` or PINTLE_NEW_KEY_PASSWORD"),
    }
}

const EMPTY_PASSWORD: CommandError = CommandError::Value {
    code: "password_empty",
    value: String::new(),
    expected: "a password; leave out `--encrypt`, or say `--plain`, for a key without one",
};

fn ask_new_password(hint: &'static str) -> Result<SecretString, CommandError> {
    let first = ask_secret("New password: ", "the new password", hint)?;
    if first.is_empty() {
        return Err(EMPTY_PASSWORD);
    }
    let second = ask_secret("Once more: ", "the new password", hint)?;
    if *first != *second {
        return Err(CommandError::PasswordsDiffer);
    }
    Ok(SecretString::from(first.as_str()))
}

/// A password given by file or environment.
fn load_given_password(password_file: Option<&Path>) -> Result<Option<SecretString>, CommandError> {
    let text = match password_file {
        Some(path) => Some(read_secret_file(path)?),
        None => secret_variable("PINTLE_KEY_PASSWORD"),
    };
    Ok(text.map(|text| SecretString::from(text.as_str())))
}

/// The password of an account: from a file, from `PINTLE_PASSWORD`, or asked.
pub(crate) fn load_password(file: Option<&Path>) -> Result<SecretText, CommandError> {
    let text = match given_account_password(file)? {
        Some(text) => text,
        None => ask_secret("Password: ", "the password", ACCOUNT_PASSWORD_HINT)?,
    };
    Ok(text.into())
}

/// A new password for an account: from a file, from `PINTLE_PASSWORD`, or asked twice.
pub(crate) fn make_password(file: Option<&Path>) -> Result<SecretText, CommandError> {
    if let Some(text) = given_account_password(file)? {
        return Ok(text.into());
    }
    let first = ask_secret("New password, at least 12 characters: ", "the new password", ACCOUNT_PASSWORD_HINT)?;
    let second = ask_secret("Once more: ", "the new password", ACCOUNT_PASSWORD_HINT)?;
    if *first == *second { Ok(first.into()) } else { Err(CommandError::PasswordsDiffer) }
}

const ACCOUNT_PASSWORD_HINT: &str = "give `--password-file FILE` or PINTLE_PASSWORD";

fn given_account_password(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, CommandError> {
    match file {
        Some(path) => read_secret_file(path).map(Some),
        None => Ok(secret_variable("PINTLE_PASSWORD")),
    }
}

/// The code of a mail: from a file, or asked.
pub(crate) fn load_code(file: Option<&Path>) -> Result<SecretText, CommandError> {
    let text = match file {
        Some(path) => read_secret_file(path)?,
        None => ask_secret("Code: ", "the code", "give `--code-file FILE`")?,
    };
    Ok(Zeroizing::new(text.trim().to_owned()).into())
}

/// The code of an authenticator, or a recovery code: from a file, or asked.
pub(crate) fn load_second_factor(file: Option<&Path>) -> Result<SecretText, CommandError> {
    let text = match file {
        Some(path) => read_secret_file(path)?,
        None => ask_secret("Code of the authenticator: ", "the second factor", "give `--code-file FILE`")?,
    };
    Ok(Zeroizing::new(text.trim().to_owned()).into())
}

/// Asks a question to be answered with yes or no; anything but yes is no.
pub(crate) fn confirm(question: &str) -> Result<bool, CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::CannotAsk { question: "a confirmation", hint: "give `--yes` if you are sure" });
    }
    let mut stderr = anstream::stderr().lock();
    let mut answer = String::new();
    write!(stderr, "{question} [y/N] ")
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(|error| CommandError::Read { path: "the terminal".into(), error })?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
