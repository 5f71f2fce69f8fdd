//! An installation that threads drive, as it does behind the C ABI.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use pintle_core::{Code, decide::PlatformVerdict};
use pintle_sdk::{
    Action, Answer, Event, Evidence, FetchError, Fetcher, Installation, Listener, Setup, SystemEnvironment,
};
use pintle_testkit::{
    certificate::{Authority, leaf_pin},
    project::{Project, domain},
};

const HOST: &str = "api.example.test";
const LONGEST: Duration = Duration::from_secs(20);

fn start(project: &Project, fetcher: &Arc<Fetcher>) -> Installation {
    let setup = Setup::new(project.root().clone());
    let installation = Installation::start(setup, Arc::new(SystemEnvironment::default()), Vec::new(), || ());
    installation.spawn_refresher(fetcher.clone()).unwrap();
    installation
}

/// Publishes a release that pins another key first, and what the server shows from the second fetch on.
fn rotating(project: &Project, certificates: [&pintle_testkit::certificate::SiteCertificate; 2]) -> Arc<Fetcher> {
    let mut version = 0;
    let files = certificates.map(|certificate| {
        version += 1;
        project.config(version, vec![domain(HOST, vec![leaf_pin(certificate.leaf())])])
    });
    let fetches = AtomicU64::new(0);
    Arc::new(move |_: &_| {
        let [first, later] = &files;
        let file = if fetches.fetch_add(1, Ordering::SeqCst) == 0 { first } else { later };
        Answer::from_http(200, None, None, file.clone())
    })
}

#[test]
fn a_refusal_waits_for_news_once_a_minute() {
    let project = Project::new(&["https://cdn.example.test"]);
    let authority = Authority::root("Any CA");
    let [earlier, shown, unknown] = [(); 3].map(|()| authority.issue(&[HOST]));
    let installation = start(&project, &rotating(&project, [&earlier, &shown]));
    installation.wait_until_ready(LONGEST).unwrap();
    let check = |chain| installation.check_and_wait(HOST, &Evidence::judged(chain, PlatformVerdict::Accepted));
    assert!(check(&shown.chain).is_allowed());
    // The minute is not over: final at once.
    assert_eq!(check(&unknown.chain).code(), Some(Code::PinMismatch));
}

#[test]
fn without_an_answer_it_is_said_why_nothing_is_in_force() {
    let fetcher: Arc<Fetcher> = Arc::new(|_: &_| Answer::Failed(FetchError::Transport("no network".to_owned())));
    let project = Project::new(&["https://cdn.example.test"]);
    let installation = start(&project, &fetcher);
    assert_eq!(installation.wait_until_ready(LONGEST).unwrap_err().code(), Code::FetchFailed);
    assert_eq!(installation.refresh(LONGEST).unwrap_err().to_string(), "no network");
}

#[test]
fn the_threads_end_with_the_last_handle() {
    let project = Project::new(&["https://cdn.example.test"]);
    let certificate = Authority::root("Any CA").issue(&[HOST]);
    let fetcher = rotating(&project, [&certificate, &certificate]);
    let installation = start(&project, &fetcher);
    installation.wait_until_ready(LONGEST).unwrap();
    drop(installation);
    // It waits for ten minutes otherwise.
    while Arc::strong_count(&fetcher) > 1 {
        std::thread::yield_now();
    }
}

#[test]
fn a_fetcher_that_panics_has_no_answer() {
    let fetcher: Arc<Fetcher> = Arc::new(|_: &_| std::panic::resume_unwind(Box::new("the app's own")));
    let project = Project::new(&["https://cdn.example.test"]);
    let setup = Setup { fetch_timeout: Duration::from_secs(1), ..Setup::new(project.root().clone()) };
    let installation = Installation::start(setup, Arc::new(SystemEnvironment::default()), Vec::new(), || ());
    installation.spawn_refresher(fetcher).unwrap();
    assert_eq!(installation.wait_until_ready(LONGEST).unwrap_err().code(), Code::FetchFailed);
}

#[test]
fn a_listener_may_call_back_while_it_hears_that_the_store_failed() {
    let project = Project::new(&["https://cdn.example.test"]);
    let folder = tempfile::tempdir().unwrap();
    // A file where a directory should be.
    let setup = Setup { storage_dir: Some(folder.path().join("file")), ..Setup::new(project.root().clone()) };
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let (running, called_back) = (Arc::new(OnceLock::<Installation>::new()), AtomicBool::new(false));
    let listener: Arc<Listener> = Arc::new({
        let (running, bundle) = (running.clone(), project.bundle());
        move |event: &Event| {
            if let (Event::StoreFailed(_), Some(running)) = (event, running.get())
                && !called_back.swap(true, Ordering::SeqCst)
            {
                running.reconfigure(bundle.as_bytes()).unwrap();
            }
        }
    });
    let installation = Installation::start(setup, Arc::new(SystemEnvironment::default()), vec![listener], || ());
    running.set(installation.clone()).unwrap();
    let Action::Fetch(fetch) = installation.poll() else { panic!("nothing to fetch") };
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let _judged = installation.feed(&fetch, Answer::from_http(200, None, None, project.config(1, Vec::new())));
        done.send(()).unwrap();
    });
    is_done.recv_timeout(LONGEST).expect("feed comes back");
}

#[test]
fn no_time_is_too_long_to_wait() {
    let project = Project::new(&["https://cdn.example.test"]);
    let certificate = Authority::root("Any CA").issue(&[HOST]);
    let installation = start(&project, &rotating(&project, [&certificate, &certificate]));
    installation.wait_until_ready(Duration::MAX).unwrap();
    installation.refresh(Duration::MAX).unwrap();
}
