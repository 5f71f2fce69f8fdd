//! What a careless caller may do without harm.

use std::{
    ffi::{CStr, c_char, c_void},
    mem::MaybeUninit,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

use pintle_c::{
    Pintle, PintleBytes, PintleDecision, PintleEvidence, PintleFetch, PintleOptions, PintleReply, PintleVerdict,
    pintle_answer, pintle_check, pintle_code, pintle_free, pintle_generation, pintle_last_message, pintle_next,
    pintle_open, pintle_ready, pintle_reconfigure, pintle_refresh, pintle_reply, pintle_set_mode,
};
use pintle_testkit::project::Project;

fn text(code: *const c_char) -> String {
    if code.is_null() {
        return "ok".to_owned();
    }
    // SAFETY: codes and messages are C strings that live long enough to be copied.
    unsafe { CStr::from_ptr(code) }.to_str().unwrap().to_owned()
}

fn zeroed_options() -> PintleOptions {
    // SAFETY: every member may be zero: that is how C begins.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn open(options: &PintleOptions) -> (String, *mut Pintle) {
    let mut pintle = ptr::dangling_mut();
    // SAFETY: both are valid.
    let code = unsafe { pintle_open(options, &raw mut pintle) };
    (text(code), pintle)
}

fn bytes(data: &[u8]) -> PintleBytes {
    PintleBytes { data: data.as_ptr(), len: data.len() }
}

#[test]
fn null_is_answered_and_never_allowed() {
    let (nothing, nothing_mut) = (ptr::null::<Pintle>(), ptr::null_mut::<Pintle>());
    // SAFETY: NULL is allowed everywhere; that is what is tried.
    unsafe {
        assert_eq!(text(pintle_open(ptr::null(), ptr::null_mut())), "setup_invalid");
        assert!(!pintle_check(nothing, ptr::null(), ptr::null_mut()));
        assert_eq!(pintle_generation(nothing), 0);
        assert_eq!(text(pintle_ready(nothing, 0)), "setup_invalid");
        assert_eq!(text(pintle_refresh(nothing, 0)), "setup_invalid");
        assert_eq!(text(pintle_reconfigure(nothing, PintleBytes::NONE, 0)), "setup_invalid");
        assert_eq!(text(pintle_set_mode(nothing, true)), "setup_invalid");
        assert!(!pintle_next(nothing, ptr::null_mut(), ptr::null_mut()));
        assert_eq!(text(pintle_answer(nothing, 1, ptr::null())), "setup_invalid");
        assert_eq!(text(pintle_reply(ptr::null_mut(), ptr::null())), "setup_invalid");
        pintle_free(nothing_mut);
    }
}

#[test]
fn a_wrong_root_is_named() {
    let (code, pintle) = open(&zeroed_options());
    assert_eq!((code.as_str(), pintle.is_null()), ("setup_invalid", true));
    assert_eq!(text(pintle_last_message()), "`organization` is NULL");
    let options = PintleOptions { bundle: bytes(b"{"), ..zeroed_options() };
    assert_eq!(open(&options).0, "setup_invalid");
}

#[test]
fn four_values_are_as_good_as_a_bundle() {
    let project = Project::new(&["https://cdn.example.test"]);
    let key = format!("{}\0", project.root().public_key().to_base64());
    let urls = [c"https://cdn.example.test".as_ptr()];
    let options = PintleOptions {
        organization: c"acme".as_ptr(),
        project: c"app".as_ptr(),
        public_key: key.as_ptr().cast(),
        urls: urls.as_ptr(),
        urls_len: urls.len(),
        ..zeroed_options()
    };
    let (code, pintle) = open(&options);
    assert_eq!(code, "ok", "{}", text(pintle_last_message()));
    let mut fetch = MaybeUninit::<PintleFetch>::zeroed();
    let mut wait_ms = 0;
    // SAFETY: `pintle` was just opened; the rest is valid.
    let (asked, fetch) = unsafe { (pintle_next(pintle, fetch.as_mut_ptr(), &raw mut wait_ms), fetch.assume_init()) };
    assert!(asked);
    assert_eq!(text(fetch.url), "https://cdn.example.test/acme/app/pins.jws");
    assert!(text(fetch.user_agent).starts_with("pintle-c/"));
    // SAFETY: nobody uses it any more.
    unsafe { pintle_free(pintle) };
}

#[test]
fn evidence_that_is_none_refuses() {
    let project = Project::new(&["https://cdn.example.test"]);
    let bundle = project.bundle();
    let (_, pintle) = open(&PintleOptions { bundle: bytes(bundle.as_bytes()), ..zeroed_options() });
    let refusal = |evidence: &PintleEvidence| {
        let mut decision = MaybeUninit::<PintleDecision>::zeroed();
        // SAFETY: all is valid.
        let allowed = unsafe { pintle_check(pintle, evidence, decision.as_mut_ptr()) };
        // SAFETY: zeroed, it is a refusal; and it was written.
        let decision = unsafe { decision.assume_init() };
        assert_eq!((allowed, decision.verdict), (false, PintleVerdict::Refused));
        text(decision.code)
    };
    // SAFETY: every member may be zero.
    let none: PintleEvidence = unsafe { MaybeUninit::zeroed().assume_init() };
    assert_eq!(refusal(&none), "host_invalid");
    let named = PintleEvidence { host: c"api.example.test".as_ptr(), ..none };
    assert_eq!(refusal(&named), "config_missing");
    assert_eq!(refusal(&PintleEvidence { presented: bytes(&[0, 0, 9, 1]), ..named }), "certificate_unparsable");
    assert_eq!(refusal(&PintleEvidence { host: c"\xFF".as_ptr(), ..none }), "host_invalid");
    // SAFETY: nobody uses it any more.
    unsafe { pintle_free(pintle) };
}

#[test]
fn user_data_is_released_once_and_last() {
    static FETCHES: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn fetch(data: *mut c_void, _: *const PintleFetch, _: *mut PintleReply) {
        // SAFETY: it is the counter below, which lives as long as the test.
        assert_eq!(unsafe { &*data.cast::<AtomicUsize>() }.load(Ordering::SeqCst), 0, "released too early");
        FETCHES.fetch_add(1, Ordering::SeqCst);
    }
    extern "C" fn release(data: *mut c_void) {
        // SAFETY: as above.
        unsafe { &*data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
    }
    static RELEASES: AtomicUsize = AtomicUsize::new(0);
    let project = Project::new(&["https://cdn.example.test"]);
    let bundle = project.bundle();
    let options = PintleOptions {
        bundle: bytes(bundle.as_bytes()),
        user_data: (&raw const RELEASES).cast_mut().cast(),
        fetch: Some(fetch),
        release: Some(release),
        ..zeroed_options()
    };
    let (code, pintle) = open(&options);
    assert_eq!(code, "ok");
    // SAFETY: just opened. A fetch function that gives no reply is a failure.
    assert_eq!(text(unsafe { pintle_ready(pintle, 10_000) }), "fetch_failed");
    // SAFETY: nobody uses it any more.
    unsafe { pintle_free(pintle) };
    while RELEASES.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!((RELEASES.load(Ordering::SeqCst), FETCHES.load(Ordering::SeqCst) > 0), (1, true));
}

#[test]
fn every_code_of_the_protocol_is_told() {
    let codes: Vec<_> = (0..).map(|index| pintle_code(index)).take_while(|code| !code.is_null()).map(text).collect();
    assert!(codes.contains(&"pin_mismatch".to_owned()) && codes.len() > 25);
}
