//! What is told about the API's own answers, and the way there.

use pintle_api::client::ClientError;

use crate::ExitStatus;

/// The exit status of the process.
pub(super) fn exit_status(error: &ClientError) -> ExitStatus {
    match (error, error.status()) {
        (ClientError::InvalidUrl { .. } | ClientError::InsecureUrl { .. } | ClientError::Tls(_), _) => {
            ExitStatus::Input
        }
        (_, Some(401 | 403)) => ExitStatus::Auth,
        (_, Some(404 | 410)) => ExitStatus::NotFound,
        (_, Some(409 | 412)) => ExitStatus::Conflict,
        (_, Some(408 | 429 | 502..=504)) | (ClientError::Transport(_), _) => ExitStatus::Unavailable,
        (_, Some(400..=499)) => ExitStatus::Input,
        _ => ExitStatus::Internal,
    }
}

/// What to do about it.
pub(super) fn hint(error: &ClientError) -> Option<String> {
    // The server speaks of its API; here the answer is an option.
    if error.code() == "draft_unchanged" {
        return Some("change the draft first, or renew the dates alone with `--renew`".to_owned());
    }
    if error.code() == "statement_out_of_turn" {
        return Some("another key was put in place meanwhile: find out by whom, then run this again".to_owned());
    }
    if error.code() == "key_missing" {
        return Some("`pintle keys generate`, then `pintle keys register`".to_owned());
    }
    if error.code() == "token_invalid" {
        return Some("run `pintle login` with one that is valid, or correct --token-file or PINTLE_TOKEN".to_owned());
    }
    if error.code() == "succession_full" {
        return Some("use `pintle keys recover`: the recovery key begins the chain again".to_owned());
    }
    error.hint().map(str::to_owned).or_else(|| {
        (error.status() == Some(401)).then(|| "run `pintle login` with a token that is still valid".to_owned())
    })
}
