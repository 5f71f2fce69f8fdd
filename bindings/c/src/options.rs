//! What an app says when it sets up pinning.

use std::{
    ffi::{c_char, c_void},
    slice,
    sync::Arc,
    time::Duration,
};

use pintle_core::{Mode, root::UncheckedBundle};
use pintle_sdk::Setup;

use crate::{
    edge::{Failure, PintleBytes, read_text},
    host::{Host, PintleFetcher, PintleListener, PintleRelease},
};

/// How to set up pinning. Zero it, then give `bundle`, or the four values beside it, and a way to fetch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleOptions {
    /// `pintle.json`; else the four that follow.
    pub bundle: PintleBytes,
    /// Organization id.
    pub organization: *const c_char,
    /// Project id.
    pub project: *const c_char,
    /// Public key, in base64 as the dashboard shows it.
    pub public_key: *const c_char,
    /// Base URLs.
    pub urls: *const *const c_char,
    /// How many.
    pub urls_len: usize,
    /// Beside the four: recovery public key, or NULL.
    pub recovery_key: *const c_char,
    /// Beside the four: when the app was built, in seconds since 1970, or 0.
    pub built_at: u64,
    /// A signed configuration shipped inside the app, for its very first start.
    pub seed: PintleBytes,
    /// Lets hosts without an entry pass by the platform's word alone, and tells the listener. False: they are refused.
    pub permissive: bool,
    /// Longest time to the last byte of a configuration, 1 to 120 seconds; 0: 10.
    pub fetch_timeout_secs: u32,
    /// Where the configuration is kept across restarts; NULL: in memory only.
    pub storage_dir: *const c_char,
    /// A collector's URL: it is sent sums of violations, at most once an hour, by the fetch function (`PintleFetch.body`):
    /// entry, code and release, nothing about the user or the device. NULL: nobody is told anything.
    pub report_to: *const c_char,
    /// Lets `http` URLs of this machine pass, for tests and trials.
    pub dangerous_allow_http_loopback: bool,
    /// Handed to the three functions that follow.
    pub user_data: *mut c_void,
    /// Makes one request. NULL: the caller drives, by `pintle_next` and `pintle_answer`.
    pub fetch: PintleFetcher,
    /// Is told events, or NULL.
    pub listen: PintleListener,
    /// A `PintleSeverity`: events that matter less are not told.
    pub least_severity: u32,
    /// Called once, when nothing uses `user_data` any more; or NULL.
    pub release: PintleRelease,
}

/// # Safety
/// As [`crate::pintle_open`] says of `options`.
pub(crate) unsafe fn read(options: *const PintleOptions) -> Result<(Setup, Arc<Host>), Failure> {
    // SAFETY: null, or valid as the caller says.
    let options = unsafe { options.as_ref() }.ok_or(Failure::null("options"))?;
    let host = Host::new(options);
    // SAFETY: null, or valid during the call as the caller says.
    let bundle = unsafe { options.bundle.read() };
    let bundle = match bundle {
        Some(bundle) => bundle.to_vec(),
        // SAFETY: as above.
        None => unsafe { make_bundle(options) }?,
    };
    let parsed = Setup::parse_bundle(&bundle, options.dangerous_allow_http_loopback);
    // SAFETY: as above.
    let collector = unsafe { read_text(options.report_to, "report_to") }?;
    let parsed = parsed.and_then(|setup| setup.with_collector(collector));
    let mut setup = parsed.map_err(|error| Failure::setup(&error))?;
    // SAFETY: as above.
    setup.seed = unsafe { options.seed.read() }.map(<[u8]>::to_vec);
    setup.mode = mode(options.permissive);
    if options.fetch_timeout_secs != 0 {
        setup.fetch_timeout = Duration::from_secs(options.fetch_timeout_secs.into());
    }
    // SAFETY: as above.
    setup.storage_dir = unsafe { read_text(options.storage_dir, "storage_dir") }?.map(Into::into);
    Ok((setup, host))
}

/// The four values as the one form that is parsed.
///
/// # Safety
/// As [`read`].
unsafe fn make_bundle(options: &PintleOptions) -> Result<Vec<u8>, Failure> {
    let text = |text: *const c_char, name: &'static str| {
        // SAFETY: null, or valid during the call as the caller says.
        unsafe { read_text(text, name) }
    };
    let required = |pointer, name| text(pointer, name)?.ok_or(Failure::null(name));
    let urls = match options.urls.is_null() || isize::try_from(options.urls_len).is_err() {
        true => &[],
        // SAFETY: not null, and valid for `urls_len` pointers as the caller says.
        false => unsafe { slice::from_raw_parts(options.urls, options.urls_len) },
    };
    let bundle = UncheckedBundle {
        organization: required(options.organization, "organization")?,
        project: required(options.project, "project")?,
        public_key: required(options.public_key, "public_key")?,
        recovery_key: text(options.recovery_key, "recovery_key")?,
        urls: urls.iter().map(|url| required(*url, "urls")).collect::<Result<_, _>>()?,
        built_at: Some(options.built_at),
    };
    Ok(bundle.to_json().into_bytes())
}

pub(crate) const fn mode(permissive: bool) -> Mode {
    if permissive { Mode::Permissive } else { Mode::Strict }
}
