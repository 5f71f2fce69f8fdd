//! What a place that apps fetch from serves.

use pintle_api::DriftState;
use pintle_core::{Root, State, UnixTime, limits::MAX_CONFIG_BYTES, verify};
use pintle_publish::{Address, Object, PublicError, read_public};

/// What apps are meant to get.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) root: Root,
    /// The live release.
    pub(crate) live: u64,
    /// The newest one that is on its way.
    pub(crate) newest: u64,
}

/// Reads the configuration as apps do, and compares it with what was published.
pub(crate) async fn judge_place(base_url: &str, published: &Published, now: UnixTime) -> (DriftState, String) {
    let address = Address {
        organization: published.root.organization().clone(),
        project: published.root.project().clone(),
        object: Object::Pointer,
    };
    match read_public(base_url, &address, MAX_CONFIG_BYTES).await {
        Ok(body) => judge_file(&body, published, now),
        Err(error @ PublicError::Unreachable(_)) => (DriftState::Unreachable, format!("{error}.")),
        Err(error @ PublicError::TooLarge(_)) => (DriftState::AnotherRelease, format!("pins.jws: {error}.")),
        // Where the file should be is none, and apps keep what they have.
        Err(error) => (DriftState::Unreachable, format!("pins.jws: {error}.")),
    }
}

fn judge_file(body: &[u8], published: &Published, now: UnixTime) -> (DriftState, String) {
    let Published { root, live, newest } = published;
    match verify(body, root, &State::default(), now) {
        Err(error) => (DriftState::AnotherRelease, format!("Apps refuse its file: {} ({error}).", error.code())),
        Ok(accepted) => {
            let served = accepted.config.claims().version;
            if served < *live {
                (DriftState::Stale, format!("It serves release {served}; release {live} is live."))
            } else if served > *newest {
                (DriftState::AnotherRelease, format!("It serves release {served}, which nobody submitted here."))
            } else {
                (DriftState::Match, format!("It serves release {served}."))
            }
        }
    }
}
