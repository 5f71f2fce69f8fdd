use std::{collections::BTreeSet, time::Duration};

use pintle_core::{
    Code, Mode, Root, UnixTime,
    claims::{CtPolicy, CtRequirement, OnStale},
    ct::MAX_LIST_AGE_SECS,
    decide::PlatformVerdict,
};
use pintle_sdk::{Action, Answer, Event, Evidence, Fed, Fetch, FetchError, Moment, Options, Pinner, Record, Source};
use pintle_testkit::{
    clock::START,
    ct::Log,
    project::{ISSUED_AT, Project, domain, signed_otherwise},
};

/// Enough to ask what is decided before certificates are looked at.
const NOTHING: Evidence<'_> = Evidence::judged(&[], PlatformVerdict::Unknown);
const TWO_URLS: [&str; 2] = ["https://a.example.test", "https://b.example.test"];

fn at(secs: u64) -> Moment {
    Moment { now: START.saturating_add_secs(secs), monotonic: Duration::from_secs(secs) }
}

fn pinner(project: &Project) -> Pinner {
    Pinner::new(project.root().clone(), Options::default(), Record::default(), None, START)
}

fn fetch(pinner: &mut Pinner, at: Moment) -> Fetch {
    match pinner.poll(at) {
        Action::Fetch(fetch) => fetch,
        Action::Idle { until } => panic!("idle until {until:?}"),
    }
}

fn idle_until(pinner: &mut Pinner, at: Moment) -> Duration {
    match pinner.poll(at) {
        Action::Idle { until } => until,
        Action::Fetch(fetch) => panic!("fetches {}", fetch.url),
    }
}

fn file(bytes: &[u8]) -> Answer {
    Answer::Config { bytes: bytes.to_vec(), etag: Some(format!("\"{}\"", bytes.len())) }
}

fn without_etag(bytes: &[u8]) -> Answer {
    Answer::Config { bytes: bytes.to_vec(), etag: None }
}

fn failure() -> Answer {
    Answer::Failed(FetchError::Transport("connection refused".to_owned()))
}

fn version(pinner: &Pinner) -> Option<u64> {
    pinner.snapshot().config().map(|config| config.claims().version)
}

/// The pinner after it accepted `bytes`, its events read.
pub(crate) fn pinner_with(project: &Project, bytes: &[u8]) -> Pinner {
    let mut pinner = pinner(project);
    let first = fetch(&mut pinner, at(0));
    assert!(matches!(pinner.feed(&first, file(bytes), at(0)), Fed::Updated));
    pinner.take_events();
    pinner
}

#[test]
fn a_copy_is_fresh_for_as_long_as_it_says_and_then_asked_for_by_its_etag() {
    let project = Project::new(&["https://a.example.test"]);
    let bytes = project.config_with(1, |claims| claims.refresh_secs = 600);
    let mut pinner = pinner_with(&project, &bytes);
    assert_eq!(idle_until(&mut pinner, at(599)), Duration::from_secs(600));
    let again = fetch(&mut pinner, at(600));
    assert_eq!(again.etag, Some(format!("\"{}\"", bytes.len())));
    assert!(!again.no_cache);
    assert!(matches!(pinner.feed(&again, Answer::NotModified, at(601)), Fed::Unchanged));
    assert_eq!(idle_until(&mut pinner, at(601)), Duration::from_secs(1201));
}

#[test]
fn one_refresh_at_a_time_and_late_answers_do_not_count() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner(&project);
    let first = fetch(&mut pinner, at(0));
    assert_eq!(idle_until(&mut pinner, at(5)), Duration::from_secs(11));
    // The host lost the answer: the refresh is over, and retried.
    let retry_at = idle_until(&mut pinner, at(11));
    assert!(retry_at <= Duration::from_secs(12));
    fetch(&mut pinner, at(12));
    assert!(matches!(pinner.feed(&first, file(&project.config(1, Vec::new())), at(12)), Fed::TooLate));
    assert_eq!(version(&pinner), None);
}

#[test]
fn goes_on_to_the_next_url_after_any_failure() {
    let project = Project::new(&TWO_URLS);
    let good = project.config(5, Vec::new());
    let foreign = Project::named("acme", "other", &TWO_URLS).config(9, Vec::new());
    let mut tampered = project.config(6, Vec::new());
    let middle = tampered.len() / 2;
    tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
    let old = project.config(4, Vec::new());
    let other_content = project.config_with(5, |claims| claims.refresh_secs = 61);
    let failures = [
        (file(&foreign), Code::ConfigKeyUnknown),
        (file(&tampered), Code::ConfigSignatureInvalid),
        (file(&old), Code::ConfigRollback),
        (file(&other_content), Code::ConfigEquivocation),
        (file(b"garbage"), Code::ConfigMalformed),
        (failure(), Code::FetchFailed),
        (Answer::Failed(FetchError::Status { status: 302, retry_after: None }), Code::FetchFailed),
        (Answer::NotModified, Code::FetchFailed),
    ];
    for (answer, code) in failures {
        let mut pinner = pinner(&project);
        let first = fetch(&mut pinner, at(0));
        assert!(matches!(pinner.feed(&first, without_etag(&good), at(0)), Fed::Updated));
        pinner.take_events();

        let one = fetch(&mut pinner, at(600));
        assert!(matches!(pinner.feed(&one, answer, at(600)), Fed::Rejected(_)));
        let told: Vec<_> = pinner.take_events().iter().filter_map(Event::code).collect();
        assert_eq!(told, [code]);
        assert_eq!(version(&pinner), Some(5));
        let other = fetch(&mut pinner, at(600));
        assert_ne!(one.url, other.url);
        assert!(matches!(pinner.feed(&other, without_etag(&good), at(600)), Fed::Unchanged));
        assert_eq!(idle_until(&mut pinner, at(600)), Duration::from_secs(1200));
    }
}

#[test]
fn chance_spreads_first_urls_and_retries() {
    let project = Project::new(&TWO_URLS);
    let mut first_urls = BTreeSet::new();
    let mut retries = BTreeSet::new();
    for chance in 0..64 {
        let options = Options { chance, ..Options::default() };
        let mut pinner = Pinner::new(project.root().clone(), options, Record::default(), None, START);
        let asked = [(); 2].map(|()| {
            let asked = fetch(&mut pinner, at(0));
            assert!(matches!(pinner.feed(&asked, failure(), at(0)), Fed::Rejected(_)));
            asked.url
        });
        first_urls.extend(asked.first().cloned());
        retries.insert(idle_until(&mut pinner, at(0)));
    }
    assert_eq!(first_urls.len(), 2);
    assert!(retries.len() > 32, "{retries:?}");
}

#[test]
fn retries_are_spread_over_a_growing_time() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner(&project);
    let mut now = Duration::ZERO;
    for failures in 0..20_u32 {
        let moment = Moment { now: START, monotonic: now };
        let fetch = fetch(&mut pinner, moment);
        assert!(matches!(pinner.feed(&fetch, failure(), moment), Fed::Rejected(_)));
        let Action::Idle { until } = pinner.poll(moment) else {
            // A wait of zero is within the jitter.
            continue;
        };
        let longest = Duration::from_secs(1 << failures.min(10)).min(Duration::from_secs(600));
        assert!(until - now <= longest, "{failures} failures: {:?}", until - now);
        now = until;
    }
}

#[test]
fn retry_after_puts_a_retry_off_but_never_hastens_it() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner(&project);
    let asked = fetch(&mut pinner, at(0));
    let busy = FetchError::Status { status: 503, retry_after: Some(Duration::from_secs(120)) };
    assert!(matches!(pinner.feed(&asked, Answer::Failed(busy), at(0)), Fed::Rejected(_)));
    assert_eq!(idle_until(&mut pinner, at(0)), Duration::from_secs(120));
    // Nor for longer than an hour.
    let asked = fetch(&mut pinner, at(120));
    let never = FetchError::Status { status: 429, retry_after: Some(Duration::MAX) };
    assert!(matches!(pinner.feed(&asked, Answer::Failed(never), at(120)), Fed::Rejected(_)));
    assert_eq!(idle_until(&mut pinner, at(120)), Duration::from_secs(3720));
}

#[test]
fn a_forced_refresh_asks_every_url_past_caches_and_takes_the_highest() {
    let project = Project::new(&TWO_URLS);
    let mut pinner = pinner_with(&project, &project.config(1, Vec::new()));
    assert!(pinner.force_refresh(at(10)).is_some());
    let (one, two) = (fetch(&mut pinner, at(10)), fetch(&mut pinner, at(10)));
    assert_ne!(one.url, two.url);
    for forced in [&one, &two] {
        assert!(forced.no_cache);
        assert_eq!(forced.timeout, Duration::from_secs(5));
    }
    assert!(matches!(pinner.feed(&one, file(&project.config(3, Vec::new())), at(11)), Fed::Updated));
    assert!(matches!(pinner.feed(&two, file(&project.config(2, Vec::new())), at(12)), Fed::Rejected(_)));
    assert_eq!(version(&pinner), Some(3));
    assert_eq!(pinner.completed_rounds(), pinner.started_rounds());
}

#[test]
fn one_forced_refresh_a_minute_shared_by_all_who_wait() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner_with(&project, &project.config(1, Vec::new()));
    let round = pinner.force_refresh(at(10));
    assert!(round.is_some());
    assert_eq!(pinner.force_refresh(at(11)), round);
    let forced = fetch(&mut pinner, at(11));
    assert!(matches!(pinner.feed(&forced, failure(), at(12)), Fed::Rejected(_)));
    assert_eq!(pinner.force_refresh(at(69)), None);
    assert!(pinner.force_refresh(at(70)).is_some());
}

#[test]
fn a_forced_refresh_takes_the_place_of_an_ordinary_one_and_ends_in_five_seconds() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner(&project);
    let ordinary = fetch(&mut pinner, at(0));
    assert!(pinner.force_refresh(at(3)).is_some());
    fetch(&mut pinner, at(3));
    assert!(matches!(pinner.feed(&ordinary, failure(), at(4)), Fed::TooLate));
    assert_eq!(pinner.completed_rounds() + 1, pinner.started_rounds());
    pinner.poll(at(8));
    assert!(pinner.completed_rounds() >= 2);
}

#[test]
fn gone_counts_only_everywhere_twice_and_a_minute_apart() {
    let project = Project::new(&TWO_URLS);
    let bytes = project.config(1, Vec::new());
    let mut pinner = pinner_with(&project, &bytes);
    let mut answer = |secs, answers: [Answer; 2]| {
        pinner.refresh_now();
        for answer in answers {
            let asked = fetch(&mut pinner, at(secs));
            assert!(matches!(pinner.feed(&asked, answer, at(secs)), Fed::Rejected(_)));
        }
        pinner.snapshot().decide("a.example.test", &NOTHING, START)
    };
    let gone = || Answer::Failed(FetchError::Gone);
    assert_ne!(answer(10, [gone(), failure()]).code(), Some(Code::ConfigWithdrawn));
    assert_ne!(answer(100, [gone(), gone()]).code(), Some(Code::ConfigWithdrawn));
    assert_ne!(answer(159, [gone(), gone()]).code(), Some(Code::ConfigWithdrawn));
    assert_eq!(answer(160, [gone(), gone()]).code(), Some(Code::ConfigWithdrawn));

    // It survives a restart, asks without ETag, and any acceptable file ends it.
    let record = pinner.take_unsaved().unwrap();
    let mut pinner = Pinner::new(project.root().clone(), Options::default(), record, None, START);
    let refused = pinner.snapshot().decide("a.example.test", &NOTHING, START);
    assert_eq!(refused.code(), Some(Code::ConfigWithdrawn));
    let asked = fetch(&mut pinner, at(0));
    assert_eq!(asked.etag, None);
    assert!(matches!(pinner.feed(&asked, file(&bytes), at(0)), Fed::Updated));
    let decided = pinner.snapshot().decide("a.example.test", &NOTHING, START);
    assert_ne!(decided.code(), Some(Code::ConfigWithdrawn));
    assert!(decided.generation > refused.generation);
}

#[test]
fn starts_from_the_higher_of_store_and_seed() {
    let project = Project::new(&["https://a.example.test"]);
    let [one, two] = [1, 2].map(|version| project.config(version, Vec::new()));
    let stored = |bytes: &[u8]| pinner_with(&project, bytes).take_unsaved().unwrap();
    for (record, seed, expected) in [(stored(&one), &two, 2), (stored(&two), &one, 2), (stored(&two), &two, 2)] {
        let mut pinner = Pinner::new(project.root().clone(), Options::default(), record, Some(seed), START);
        assert_eq!(version(&pinner), Some(expected));
        assert!(pinner.take_events().iter().all(|event| event.code().is_none()));
    }
}

#[test]
fn a_seed_does_not_bring_back_what_was_withdrawn() {
    let project = Project::new(&["https://a.example.test"]);
    let seed = project.config(1, Vec::new());
    let mut record =
        pinner_with(&project, &project.config_with(2, |claims| claims.withdrawn = true)).take_unsaved().unwrap();
    // Not even where the withdrawing file itself is damaged.
    record.config = Some(b"garbage".to_vec());
    let pinner = Pinner::new(project.root().clone(), Options::default(), record, Some(&seed), START);
    let refused = pinner.snapshot().decide("a.example.test", &NOTHING, START);
    assert_eq!(refused.code(), Some(Code::ConfigWithdrawn));
}

#[test]
fn a_damaged_file_is_reported_and_its_floor_stays() {
    let project = Project::new(&["https://a.example.test"]);
    let mut record = pinner_with(&project, &project.config(7, Vec::new())).take_unsaved().unwrap();
    record.config.as_mut().unwrap()[30] ^= 1;
    let mut pinner = Pinner::new(project.root().clone(), Options::default(), record, None, START);
    assert!(matches!(
        pinner.take_events()[..],
        [Event::StoreSetAside { .. }, Event::ConfigRejected { source: Source::Store, .. }]
    ));
    let asked = fetch(&mut pinner, at(0));
    let older = pinner.feed(&asked, file(&project.config(6, Vec::new())), at(0));
    assert!(matches!(older, Fed::Rejected(FetchError::Config(error)) if error.code() == Code::ConfigRollback));
}

#[test]
fn a_file_that_fails_by_the_clock_alone_is_not_thrown_away() {
    let project = Project::new(&["https://a.example.test"]);
    let record = pinner_with(&project, &project.config(1, Vec::new())).take_unsaved().unwrap();
    let mut pinner = Pinner::new(project.root().clone(), Options::default(), record, None, UnixTime::default());
    assert!(matches!(pinner.take_events()[..], [Event::ConfigRejected { source: Source::Store, .. }]));
    assert_eq!(version(&pinner), None);
}

#[test]
fn the_same_root_under_other_urls_keeps_its_floor() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner_with(&project, &project.config(5, Vec::new()));
    let moved = Root::parse_bundle(project.bundle().replace("//a.", "//b.").as_bytes()).unwrap();
    pinner.reconfigure(moved, Record::default(), None, START);
    assert_eq!(version(&pinner), Some(5));
    let asked = fetch(&mut pinner, at(0));
    assert_eq!(asked.url, "https://b.example.test/acme/app/pins.jws");
    assert_eq!(asked.etag, None);
    let older = pinner.feed(&asked, file(&project.config(4, Vec::new())), at(0));
    assert!(matches!(older, Fed::Rejected(FetchError::Config(error)) if error.code() == Code::ConfigRollback));
}

#[test]
fn the_draw_is_drawn_once_and_kept() {
    let project = Project::new(&["https://a.example.test"]);
    let drawn = |draw_from, record| {
        let options = Options { draw_from, ..Options::default() };
        Pinner::new(project.root().clone(), options, record, None, START).take_unsaved()
    };
    let record = drawn(Some(1_234), Record::default()).unwrap();
    assert_eq!(record.memory.draw, Some(34));
    assert_eq!(drawn(Some(99), record), None);
    assert_eq!(drawn(None, Record::default()), None);
}

#[test]
fn time_that_takes_a_pin_away_raises_the_generation() {
    let project = Project::new(&["https://a.example.test"]);
    let expires_at = START.saturating_add_secs(100);
    let bytes = project.config_with(1, |claims| claims.expires_at = Some(expires_at));
    let pinner = pinner_with(&project, &bytes);
    let snapshot = pinner.snapshot();
    let before = snapshot.generation(START.saturating_add_secs(99));
    assert_eq!(snapshot.generation(START), before);
    assert_eq!(snapshot.generation(expires_at), before + 1);
}

#[test]
fn every_change_of_trust_begins_a_generation_never_seen_before() {
    let project = Project::new(&["https://a.example.test"]);
    let bytes = project.config_with(1, |claims| claims.expires_at = Some(START.saturating_add_secs(100)));
    let mut pinner = pinner_with(&project, &bytes);
    let late = UnixTime::from_secs(u64::MAX);
    let mut seen = pinner.snapshot().generation(late);
    pinner.set_mode(Mode::Permissive);
    assert!(pinner.snapshot().generation(START) > seen);
    seen = pinner.snapshot().generation(late);
    let asked = fetch(&mut pinner, at(600));
    assert!(matches!(pinner.feed(&asked, file(&project.config(2, Vec::new())), at(600)), Fed::Updated));
    assert!(pinner.snapshot().generation(START) > seen);
}

#[test]
fn the_same_release_signed_anew_changes_nothing() {
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner_with(&project, &project.config(1, Vec::new()));
    let before = pinner.snapshot().generation(START);
    let asked = fetch(&mut pinner, at(600));
    let again = signed_otherwise(&project.config(1, Vec::new()));
    assert!(matches!(pinner.feed(&asked, file(&again), at(600)), Fed::Unchanged));
    assert_eq!(pinner.snapshot().generation(START), before);
    let kept = pinner.take_unsaved().unwrap().config.unwrap();
    assert_eq!(kept, again);
}

#[test]
fn a_stale_copy_is_kept_and_reported_once() {
    let project = Project::new(&["https://a.example.test"]);
    let bytes = project.config_with(1, |claims| {
        claims.expires_at = Some(START.saturating_add_secs(100));
        claims.on_stale = OnStale::Keep;
    });
    let mut pinner = pinner_with(&project, &bytes);
    pinner.poll(at(99));
    assert!(pinner.take_events().is_empty());
    pinner.poll(at(100));
    pinner.poll(at(101));
    assert!(matches!(pinner.take_events()[..], [Event::ConfigStale { .. }]));
    assert_eq!(version(&pinner), Some(1));
}

#[test]
fn a_file_for_newer_sdks_is_reported_once() {
    // Signed by hand: pintle-sign refuses to sign what it does not understand.
    let project = Project::new(&["https://a.example.test"]);
    let mut pinner = pinner_with(&project, &project.config(1, Vec::new()));
    let newer = project.sign_unchecked(&format!(
        r#"{{"fmt":1,"iss":"acme","sub":"app","ver":2,"iat":{},"domains":[],"needs":["telepathy"]}}"#,
        ISSUED_AT.as_secs()
    ));
    for secs in [600, 1300] {
        let asked = fetch(&mut pinner, at(secs));
        let fed = pinner.feed(&asked, file(&newer), at(secs));
        assert!(matches!(fed, Fed::Rejected(FetchError::Config(error)) if error.code() == Code::ConfigUnsupported));
    }
    let told: Vec<_> = pinner.take_events().iter().filter_map(Event::code).collect();
    assert_eq!(told, [Code::ConfigUnsupported]);
}

#[test]
fn a_log_list_that_grew_too_old_is_reported_once_where_a_domain_uses_it() {
    let project = Project::new(&["https://a.example.test"]);
    let as_of = ISSUED_AT;
    let bytes = |policy| {
        project.config_with(1, |claims| {
            claims.ct_logs = vec![Log::new("a").entry(), Log::new("b").entry()];
            claims.ct_logs_as_of = Some(as_of);
            claims.domains = vec![domain("api.example.test", Vec::new())];
            claims.domains[0].ct = CtRequirement { policy, ..CtRequirement::default() };
        })
    };
    let last = Moment { now: as_of.saturating_add_secs(MAX_LIST_AGE_SECS), monotonic: Duration::from_secs(1) };
    let past = Moment { now: last.now.saturating_add_secs(1), ..last };
    let mut pinner_of_unused = pinner_with(&project, &bytes(CtPolicy::Off));
    pinner_of_unused.poll(past);
    assert!(pinner_of_unused.take_events().is_empty());

    let mut pinner = pinner_with(&project, &bytes(CtPolicy::Verified));
    pinner.poll(last);
    assert!(pinner.take_events().is_empty());
    pinner.poll(past);
    pinner.poll(past);
    let events = pinner.take_events();
    assert!(matches!(events[..], [Event::CtListStale { as_of: told }] if told == as_of), "{events:?}");
    assert_eq!(events[0].code(), Some(Code::CtListStale));
}
