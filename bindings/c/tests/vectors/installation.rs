//! An installation behind the C ABI, in the types of the vectors.

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, c_char, c_void},
    fs,
    mem::MaybeUninit,
    path::{Path, PathBuf},
    ptr,
    sync::{Arc, Mutex},
};

use base64ct::{Base64, Encoding};
use pintle_c::{
    Pintle, PintleAnswer, PintleBytes, PintleDecision, PintleEvent, PintleEvidence, PintleFetch, PintleOptions,
    PintleVerdict, pintle_answer, pintle_check, pintle_dangerous_test_open, pintle_dangerous_test_set_clock,
    pintle_free, pintle_generation, pintle_next, pintle_reconfigure, pintle_set_mode,
};
use serde_json::{Value, json};

/// An event: what, and its code.
pub(crate) type Told = (String, Option<String>);

pub(crate) struct Installation {
    pintle: *mut Pintle,
    told: Arc<Mutex<Vec<Told>>>,
}

/// What an installation starts from.
pub(crate) struct Start<'a> {
    pub(crate) bundle: &'a str,
    pub(crate) seed: Option<&'a [u8]>,
    pub(crate) permissive: bool,
    pub(crate) storage: Option<&'a Path>,
    pub(crate) random: u64,
    pub(crate) fetch_timeout_secs: u32,
    pub(crate) http_loopback: bool,
    pub(crate) report_to: Option<&'a str>,
    /// `now` and the monotonic clock.
    pub(crate) clock: (u64, u64),
}

/// A fetch that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    pub(crate) id: u64,
    pub(crate) url: String,
    pub(crate) body: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) no_cache: bool,
    pub(crate) timeout_ms: u32,
}

/// What a fetch brought.
pub(crate) struct Brought<'a> {
    pub(crate) status: u16,
    pub(crate) etag: Option<&'a str>,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: &'a [u8],
}

/// What is known of a connection.
#[derive(Default)]
pub(crate) struct Known<'a> {
    pub(crate) host: &'a str,
    pub(crate) presented: Vec<u8>,
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) accepted: bool,
    pub(crate) ocsp: Option<Vec<u8>>,
    pub(crate) scts: Option<Vec<u8>>,
    pub(crate) cannot_wait: bool,
}

extern "C" fn listen(told: *mut c_void, event: *const PintleEvent) {
    // SAFETY: `told` is what `start` passed and is released last; the event is valid during the call.
    let (told, event) = unsafe { (&*told.cast::<Mutex<Vec<Told>>>(), &*event) };
    told.lock().unwrap().push((text(event.kind).unwrap(), text(event.code)));
}

extern "C" fn release(told: *mut c_void) {
    // SAFETY: it was made by `Arc::into_raw` in `start`.
    drop(unsafe { Arc::from_raw(told.cast::<Mutex<Vec<Told>>>().cast_const()) });
}

/// A C string of the library's.
pub(crate) fn text(text: *const c_char) -> Option<String> {
    // SAFETY: the library gives NULL or a C string that lives long enough to be copied.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
}

fn bytes(data: Option<&[u8]>) -> PintleBytes {
    data.map_or(PintleBytes::NONE, |data| PintleBytes { data: data.as_ptr(), len: data.len() })
}

/// Certificates as the library takes them.
pub(crate) fn flatten<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut flat = Vec::new();
    for certificate in certificates {
        let [.., high, middle, low] = certificate.len().to_be_bytes();
        flat.extend([high, middle, low]);
        flat.extend(certificate);
    }
    flat
}

impl Installation {
    /// Starts one, or says the code.
    pub(crate) fn start(start: &Start<'_>) -> Result<Self, String> {
        let told = Arc::new(Mutex::default());
        let collector = start.report_to.map(|url| CString::new(url).unwrap());
        let storage = start.storage.map(|dir| CString::new(dir.to_str().unwrap()).unwrap());
        // SAFETY: every member may be zero: that is how C begins.
        let zeroed: PintleOptions = unsafe { MaybeUninit::zeroed().assume_init() };
        let options = PintleOptions {
            bundle: bytes(Some(start.bundle.as_bytes())),
            seed: bytes(start.seed),
            permissive: start.permissive,
            storage_dir: storage.as_ref().map_or(ptr::null(), |dir| dir.as_ptr()),
            report_to: collector.as_ref().map_or(ptr::null(), |url| url.as_ptr()),
            fetch_timeout_secs: start.fetch_timeout_secs,
            dangerous_allow_http_loopback: start.http_loopback,
            user_data: Arc::into_raw(told.clone()).cast_mut().cast(),
            listen: Some(listen),
            release: Some(release),
            ..zeroed
        };
        let mut pintle = ptr::null_mut();
        let (random, (now, monotonic_ms)) = (start.random, start.clock);
        // SAFETY: all of it is valid; the user data lives until it is released.
        match text(unsafe {
            pintle_dangerous_test_open(&raw const options, random, now, monotonic_ms, &raw mut pintle)
        }) {
            None => Ok(Self { pintle, told }),
            Some(code) => Err(code),
        }
    }

    pub(crate) fn set_clock(&self, now: u64, monotonic_ms: u64) {
        // SAFETY: the handle is open.
        unsafe { pintle_dangerous_test_set_clock(self.pintle, now, monotonic_ms) };
    }

    /// Events since the last call, in order.
    pub(crate) fn take_told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// Everything to fetch now, and how long nothing more is.
    pub(crate) fn poll(&self) -> (Vec<Fetch>, u64) {
        let mut fetches = Vec::new();
        loop {
            let mut fetch = MaybeUninit::<PintleFetch>::zeroed();
            let mut wait_ms = 0;
            // SAFETY: the handle is open, the rest valid.
            if !unsafe { pintle_next(self.pintle, fetch.as_mut_ptr(), &raw mut wait_ms) } {
                return (fetches, wait_ms);
            }
            // SAFETY: written by the call that returned true.
            let fetch = unsafe { fetch.assume_init() };
            let PintleFetch { id, no_cache, timeout_ms, .. } = fetch;
            let (url, body, etag) = (text(fetch.url).unwrap(), text(fetch.body), text(fetch.etag));
            fetches.push(Fetch { id, url, body, etag, no_cache, timeout_ms });
        }
    }

    /// The code, if it was of no use.
    pub(crate) fn answer(&self, id: u64, brought: &Brought<'_>) -> Option<String> {
        let etag = brought.etag.map(|etag| CString::new(etag).unwrap());
        let retry_after = brought.retry_after.map(|secs| CString::new(secs.to_string()).unwrap());
        let or_null = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let answer = PintleAnswer {
            status: brought.status,
            etag: or_null(&etag),
            retry_after: or_null(&retry_after),
            body: bytes(Some(brought.body)),
            error: ptr::null(),
        };
        // SAFETY: the handle is open, the answer valid.
        text(unsafe { pintle_answer(self.pintle, id, &raw const answer) })
    }

    pub(crate) fn check(&self, known: &Known<'_>) -> Value {
        let host = CString::new(known.host).unwrap();
        let evidence = PintleEvidence {
            host: host.as_ptr(),
            presented: bytes(Some(&known.presented)),
            verified_path: bytes(known.path.as_deref()),
            platform_accepts: known.accepted,
            ocsp_response: bytes(known.ocsp.as_deref()),
            sct_list: bytes(known.scts.as_deref()),
            cannot_wait: known.cannot_wait,
        };
        let mut decision = MaybeUninit::<PintleDecision>::zeroed();
        // SAFETY: the handle is open, the rest valid.
        let allowed = unsafe { pintle_check(self.pintle, &raw const evidence, decision.as_mut_ptr()) };
        // SAFETY: written by the call.
        let decision = unsafe { decision.assume_init() };
        assert_eq!(allowed, decision.verdict != PintleVerdict::Refused);
        assert_eq!(decision.generation, self.generation(), "a decision carries the generation");
        let entry = text(decision.entry.as_ptr()).filter(|entry| !entry.is_empty());
        let (code, stale) = (text(decision.code), decision.ct_list_stale);
        match decision.verdict {
            PintleVerdict::Pinned => json!({
                "verdict": "pinned", "entry": entry, "pin": decision.pin, "position": decision.position,
                "ct_list_stale": stale,
            }),
            PintleVerdict::NotCovered => json!({ "verdict": "not_covered", "ct_list_stale": stale }),
            PintleVerdict::Reported => {
                json!({ "verdict": "reported", "entry": entry, "code": code, "ct_list_stale": stale })
            }
            PintleVerdict::Refused => {
                json!({ "verdict": "refused", "entry": entry, "code": code, "ct_list_stale": stale })
            }
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        // SAFETY: the handle is open.
        unsafe { pintle_generation(self.pintle) }
    }

    pub(crate) fn set_permissive(&self, permissive: bool) {
        // SAFETY: the handle is open.
        assert_eq!(text(unsafe { pintle_set_mode(self.pintle, permissive) }), None);
    }

    pub(crate) fn reconfigure(&self, bundle: &str) {
        // SAFETY: the handle is open, the bundle valid.
        assert_eq!(text(unsafe { pintle_reconfigure(self.pintle, bytes(Some(bundle.as_bytes())), 0) }), None);
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // SAFETY: nobody uses it after this.
        unsafe { pintle_free(self.pintle) };
    }
}

/// The folder of the one root that is kept under `storage`.
pub(crate) fn store_of(storage: &Path, store_key: &str) -> PathBuf {
    storage.join(store_key)
}

/// What the memory on disk says, in the vectors' form; nulls if there is none.
pub(crate) fn persisted(store: &Path) -> Value {
    let Ok(memory) = fs::read(store.join("state.json")) else {
        return json!({ "state": null, "gone": false, "draw": null });
    };
    let memory: BTreeMap<String, Value> = serde_json::from_slice(&memory).unwrap();
    let state = match &memory["floor"] {
        Value::Null => Value::Null,
        floor => {
            let digest = Base64::encode_string(&from_hex(floor["claims_digest"].as_str().unwrap()));
            json!({
                "floor": {
                    "recovery_seq": floor["recovery_seq"], "version": floor["version"], "claims_digest": digest,
                },
                "chain": memory["chain"],
                "time_floor": memory["time_floor"],
                "withdrawn": memory["withdrawn"],
            })
        }
    };
    json!({ "state": state, "gone": memory["gone"], "draw": memory["draw"] })
}

/// Puts `state`, in the vectors' form, on the disk.
pub(crate) fn persist(store: &Path, state: &Value, draw: Option<u64>, withdrawn: bool) {
    let floor = state.get("floor").map(|floor| {
        let digest = Base64::decode_vec(floor["claims_digest"].as_str().unwrap()).unwrap();
        json!({
            "recovery_seq": floor["recovery_seq"], "version": floor["version"], "claims_digest": to_hex(&digest),
        })
    });
    let memory = json!({
        "format": 1, "floor": floor, "chain": state.get("chain").unwrap_or(&json!([])),
        "time_floor": state.get("time_floor").unwrap_or(&json!(0)),
        "withdrawn": state.get("withdrawn").unwrap_or(&json!(withdrawn)), "gone": false, "draw": draw, "etags": {},
    });
    fs::create_dir_all(store).unwrap();
    fs::write(store.join("state.json"), memory.to_string()).unwrap();
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
