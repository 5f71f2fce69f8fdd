//! The functions an app gives us, and what they are given.

use std::{
    ffi::{CString, c_char, c_void},
    ptr,
    sync::Arc,
};

use pintle_sdk::{Answer, Event, Fetch, FetchError, Fetcher, Listener, Severity, user_agent};

use crate::{
    edge::{Failure, PintleBytes, c_code, guard, read_text, say_code, to_c_string},
    options::PintleOptions,
};

/// One request to make with the platform's own HTTP client: ordinary TLS, no redirect, no cache of its own, the header
/// `Accept-Encoding: identity`. Valid during the call it is given to, or until its answer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleFetch {
    /// Names it to `pintle_answer`.
    pub id: u64,
    /// Where.
    pub url: *const c_char,
    /// NULL: a GET. Else what to POST, with `Content-Type: application/json`; the status of the answer is enough.
    pub body: *const c_char,
    /// `If-None-Match`, or NULL.
    pub etag: *const c_char,
    /// `User-Agent`.
    pub user_agent: *const c_char,
    /// Whether to send `Cache-Control: no-cache`.
    pub no_cache: bool,
    /// Give up beyond that many bytes.
    pub max_bytes: usize,
    /// Give up after that many milliseconds, counted to the last byte.
    pub timeout_ms: u32,
}

/// What came of a fetch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleAnswer {
    /// HTTP status; 0: no complete answer came.
    pub status: u16,
    /// `ETag`, or NULL.
    pub etag: *const c_char,
    /// `Retry-After`, or NULL.
    pub retry_after: *const c_char,
    /// The body.
    pub body: PintleBytes,
    /// Why there was no answer, for logs; or NULL.
    pub error: *const c_char,
}

/// Where a fetch function puts its answer.
pub struct PintleReply(Option<Answer>);

/// Makes `fetch` and calls `pintle_reply` once before it returns. Called on threads of the library, several at once.
pub type PintleFetcher =
    Option<unsafe extern "C" fn(user_data: *mut c_void, fetch: *const PintleFetch, reply: *mut PintleReply)>;
/// Is told what happened, on the thread where it happens. It may call back, but not wait for a refresh.
pub type PintleListener = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const PintleEvent)>;
/// Is called when nothing uses `user_data` any more.
pub type PintleRelease = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// How much an event matters.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PintleSeverity {
    /// Every connection that matched a pin.
    Debug,
    /// What runs as it should.
    Info,
    /// What was refused or would be.
    Warn,
    /// What somebody must look at.
    Error,
}

/// Something that happened. Valid during the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PintleEvent {
    /// One word, as `connection` or `config_accepted`.
    pub kind: *const c_char,
    /// The stable code, or NULL.
    pub code: *const c_char,
    /// How much it matters.
    pub severity: PintleSeverity,
    /// The host it is about, or NULL.
    pub host: *const c_char,
    /// A sentence for people.
    pub message: *const c_char,
}

/// Gives the answer of a fetch function. Copies what it needs.
///
/// Returns NULL, or `setup_invalid`: nothing was answered.
///
/// # Safety
/// `reply` is what the fetch function was given and has not returned from; `answer` is valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_reply(reply: *mut PintleReply, answer: *const PintleAnswer) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: null, or valid and ours alone, as the caller says.
        let reply = unsafe { reply.as_mut() }.ok_or(Failure::null("reply"))?;
        // SAFETY: null, or valid during the call, as the caller says.
        reply.0 = Some(unsafe { read_answer(answer) }?);
        Ok(())
    }))
}

/// # Safety
/// NULL, or valid with all it points to.
pub(crate) unsafe fn read_answer(answer: *const PintleAnswer) -> Result<Answer, Failure> {
    // SAFETY: as the caller says; so are the reads below.
    let answer = unsafe { answer.as_ref() }.ok_or(Failure::null("answer"))?;
    if answer.status == 0 {
        // SAFETY: as above.
        let error = unsafe { read_text(answer.error, "error") }?.unwrap_or("no answer");
        return Ok(Answer::Failed(FetchError::Transport(error.to_owned())));
    }
    // SAFETY: as above. A header that is not text says nothing.
    let etag = unsafe { read_text(answer.etag, "etag") }.ok().flatten();
    // SAFETY: as above.
    let retry_after = unsafe { read_text(answer.retry_after, "retry_after") }.ok().flatten();
    // SAFETY: as above.
    let body = unsafe { answer.body.read() }.unwrap_or_default();
    Ok(Answer::from_http(answer.status, etag.map(str::to_owned), retry_after, body.to_vec()))
}

/// A fetch in C's own types, with the strings it points to.
#[derive(Debug)]
pub(crate) struct FetchStrings {
    url: CString,
    body: Option<CString>,
    etag: Option<CString>,
    user_agent: CString,
}

impl FetchStrings {
    pub(crate) fn of(fetch: &Fetch) -> Self {
        Self {
            url: to_c_string(&fetch.url),
            body: fetch.body.as_deref().map(|json| to_c_string(&String::from_utf8_lossy(json))),
            etag: fetch.etag.as_deref().map(to_c_string),
            user_agent: to_c_string(&user_agent("c")),
        }
    }

    /// Without a number.
    pub(crate) fn as_c(&self, fetch: &Fetch) -> PintleFetch {
        let or_null = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        PintleFetch {
            id: 0,
            url: self.url.as_ptr(),
            body: or_null(&self.body),
            etag: or_null(&self.etag),
            user_agent: self.user_agent.as_ptr(),
            no_cache: fetch.no_cache,
            max_bytes: fetch.max_bytes,
            timeout_ms: u32::try_from(fetch.timeout.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

/// The app's functions and their data, alive while any thread of ours may call them.
pub(crate) struct Host {
    user_data: *mut c_void,
    fetch: PintleFetcher,
    listen: PintleListener,
    least_severity: Severity,
    release: PintleRelease,
}

// SAFETY: `pintle_open` demands functions that can be called from any thread with `user_data`; nothing else uses it.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    pub(crate) fn new(options: &PintleOptions) -> Arc<Self> {
        Arc::new(Self {
            user_data: options.user_data,
            fetch: options.fetch,
            listen: options.listen,
            least_severity: severity(options.least_severity),
            release: options.release,
        })
    }

    pub(crate) fn listener(self: &Arc<Self>) -> Option<Arc<Listener>> {
        let (host, listen) = (self.clone(), self.listen?);
        Some(Arc::new(move |event: &Event| {
            if event.severity() < host.least_severity {
                return;
            }
            let [kind, message] = [event.kind(), &event.to_string()].map(to_c_string);
            let about = event.host().map(to_c_string);
            let event = PintleEvent {
                kind: kind.as_ptr(),
                code: event.code().map_or(ptr::null(), |code| c_code(code).as_ptr()),
                severity: event.severity().into(),
                host: about.as_ref().map_or(ptr::null(), |host| host.as_ptr()),
                message: message.as_ptr(),
            };
            // SAFETY: the app's function, with its own data, which lives while `host` does.
            unsafe { listen(host.user_data, &raw const event) };
        }))
    }

    pub(crate) fn fetcher(self: &Arc<Self>) -> Option<Arc<Fetcher>> {
        let (host, make) = (self.clone(), self.fetch?);
        Some(Arc::new(move |fetch: &Fetch| {
            let strings = FetchStrings::of(fetch);
            let as_c = strings.as_c(fetch);
            let mut reply = PintleReply(None);
            // SAFETY: the app's function, with its own data, which lives while `host` does; the rest lives here.
            unsafe { make(host.user_data, &raw const as_c, &raw mut reply) };
            reply.0.unwrap_or_else(|| Answer::Failed(FetchError::Transport("the fetch function gave no reply".into())))
        }))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the app's function; nothing uses its data after this.
            unsafe { release(self.user_data) };
        }
    }
}

/// Any number is one, so that C cannot make up another.
const fn severity(number: u32) -> Severity {
    match number {
        0 => Severity::Debug,
        1 => Severity::Info,
        2 => Severity::Warn,
        _ => Severity::Error,
    }
}

impl From<Severity> for PintleSeverity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Debug => Self::Debug,
            Severity::Info => Self::Info,
            Severity::Warn => Self::Warn,
            Severity::Error => Self::Error,
        }
    }
}
