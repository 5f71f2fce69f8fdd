use std::{fs, sync::Arc, time::Duration};

use pintle_core::{Code, decide::PlatformVerdict};
use pintle_sdk::{Authorities, Builder, Error, Event, FetchError, Pintle, Source, StorePart};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::Authority,
    project::Project,
};

use crate::{Recorder, TestEnvironment};

/// Everything a test of `Pintle` needs, without the network beyond this machine.
fn builder(project: &Project, environment: &Arc<TestEnvironment>, recorder: &Recorder) -> Builder {
    Pintle::builder(project.bundle())
        .dangerous_allow_http_loopback()
        .connection_authorities(Authorities::Only(Vec::new()))
        .config_authorities(Authorities::Only(Vec::new()))
        .environment(environment.clone())
        .listen(recorder.listener())
}

fn version(pintle: &Pintle) -> Option<u64> {
    pintle.snapshot().config().map(|config| config.claims().version)
}

#[tokio::test]
async fn setup_waits_for_the_first_configuration() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, Vec::new())));
    let pintle = builder(&project, &Arc::default(), &Recorder::default()).setup().await.unwrap();
    assert_eq!(version(&pintle), Some(1));
    let asked = &cdn.requests()[0];
    assert_eq!(asked.path, "/acme/app/pins.jws");
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    let expected = format!("pintle-rust/{} level/{}", env!("CARGO_PKG_VERSION"), pintle_core::PROTOCOL_LEVEL);
    assert_eq!(asked.header("user-agent"), Some(expected.as_str()));
}

#[tokio::test]
async fn setup_without_any_configuration_says_why() {
    let cdn = Cdn::start(Reply::Status(404, Vec::new())).await;
    let project = Project::new(&[cdn.url()]);
    let error = builder(&project, &Arc::default(), &Recorder::default()).setup().await.unwrap_err();
    assert!(matches!(error, Error::Fetch(FetchError::Status { status: 404, .. })), "{error:?}");
    assert_eq!(error.code(), Some(Code::FetchFailed));

    let foreign = Project::new(&[cdn.url()]).config(1, Vec::new());
    cdn.set(Reply::File(foreign));
    let error = builder(&project, &Arc::default(), &Recorder::default()).setup().await.unwrap_err();
    assert_eq!(error.code(), Some(Code::ConfigKeyUnknown));
    assert_eq!(Pintle::setup("{}").await.unwrap_err().code(), Some(Code::SetupInvalid));
}

#[tokio::test]
async fn an_app_may_start_offline_and_refuses_until_a_configuration_comes() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    let pintle = builder(&project, &Arc::default(), &Recorder::default()).start().await.unwrap();
    let decision = pintle.check("api.example.test", &[], PlatformVerdict::Accepted).await;
    assert_eq!(decision.code(), Some(Code::ConfigMissing));
    cdn.set(Reply::File(project.config(1, Vec::new())));
    pintle.refresh().await.unwrap();
    assert_eq!(version(&pintle), Some(1));
}

#[tokio::test]
async fn every_bad_answer_leaves_the_copy_in_use() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    let good = project.config(2, Vec::new());
    cdn.set(Reply::File(good.clone()));
    let builder = builder(&project, &Arc::default(), &Recorder::default()).fetch_timeout(Duration::from_secs(1));
    let pintle = builder.setup().await.unwrap();

    let mut tampered = good;
    let last = tampered.len() - 1;
    tampered.truncate(last);
    let elsewhere = Cdn::start(Reply::File(project.config(3, Vec::new()))).await;
    let redirect = Reply::Status(302, vec![("location", format!("{}/acme/app/pins.jws", elsewhere.url()))]);
    for bad in [
        Reply::File(project.config(1, Vec::new())),
        Reply::File(tampered),
        Reply::File(Project::new(&[cdn.url()]).config(9, Vec::new())),
        Reply::File(Vec::new()),
        redirect,
        Reply::Status(500, Vec::new()),
        Reply::Status(410, Vec::new()),
        Reply::Endless,
        Reply::Stalled,
        Reply::Closed,
    ] {
        cdn.set(bad.clone());
        let refused = pintle.refresh().await;
        assert!(refused.is_err(), "{bad:?}");
        assert_eq!(version(&pintle), Some(2), "{bad:?}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn endless_and_slow_bodies_are_cut_off() {
    let cdn = Cdn::start(Reply::Endless).await;
    let project = Project::new(&[cdn.url()]);
    let builder = builder(&project, &Arc::default(), &Recorder::default()).fetch_timeout(Duration::from_secs(1));
    let pintle = builder.start().await.unwrap();
    let limit = pintle_core::limits::MAX_CONFIG_BYTES;
    assert_eq!(pintle.refresh().await, Err(FetchError::TooLarge(limit)));
    cdn.set(Reply::Stalled);
    assert_eq!(pintle.refresh().await, Err(FetchError::TimedOut(Duration::from_secs(1))));
}

#[tokio::test]
async fn refreshes_in_the_background_and_serves_the_old_copy_meanwhile() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, Vec::new())));
    let environment = Arc::<TestEnvironment>::default();
    let pintle = builder(&project, &environment, &Recorder::default()).setup().await.unwrap();
    assert_eq!(cdn.requests().len(), 1);

    cdn.set(Reply::File(project.config(2, Vec::new())));
    cdn.hold(true);
    environment.clock.advance(Duration::from_secs(600));
    cdn.wait_for_requests(2).await;
    assert_eq!(version(&pintle), Some(1));
    cdn.hold(false);
    pintle.refresh().await.unwrap();
    assert_eq!(version(&pintle), Some(2));
    assert_eq!(cdn.requests().len(), 2, "the running refresh was joined");

    pintle.refresh().await.unwrap();
    assert!(cdn.requests()[2].header("if-none-match").is_some());
}

#[tokio::test]
async fn one_refresh_at_a_time() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, Vec::new())));
    let pintle = builder(&project, &Arc::default(), &Recorder::default()).setup().await.unwrap();
    cdn.hold(true);
    let refreshes: Vec<_> = (0..10)
        .map(|_| {
            let pintle = pintle.clone();
            tokio::spawn(async move { pintle.refresh().await })
        })
        .collect();
    cdn.wait_for_requests(2).await;
    cdn.hold(false);
    for refresh in refreshes {
        refresh.await.unwrap().unwrap();
    }
    // Those that came after the held one was answered may share one more.
    assert!(cdn.requests().len() <= 3, "{}", cdn.requests().len());
}

#[tokio::test]
async fn an_outage_goes_unnoticed_where_another_url_answers() {
    let (down, up) = (Cdn::start(Reply::Closed).await, Cdn::start(Reply::Closed).await);
    let project = Project::new(&[down.url(), up.url()]);
    up.set(Reply::File(project.config(1, Vec::new())));
    let recorder = Recorder::default();
    let pintle = builder(&project, &Arc::default(), &recorder).setup().await.unwrap();
    for version_now in 2..10 {
        up.set(Reply::File(project.config(version_now, Vec::new())));
        pintle.refresh().await.unwrap();
        assert_eq!(version(&pintle), Some(version_now));
    }
    assert!(recorder.codes().iter().all(|code| *code == Code::FetchFailed));
}

#[tokio::test]
async fn a_restart_offline_goes_on_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(3, Vec::new())));
    let build = || builder(&project, &Arc::default(), &Recorder::default()).storage_dir(dir.path());
    drop(build().setup().await.unwrap());
    cdn.set(Reply::Closed);
    let restarted = build().setup().await.unwrap();
    assert_eq!(version(&restarted), Some(3));

    // Not even a restart makes it believe an older file.
    cdn.set(Reply::File(project.config(2, Vec::new())));
    let error = restarted.refresh().await.unwrap_err();
    assert!(matches!(error, FetchError::Config(error) if error.code() == Code::ConfigRollback));
}

#[tokio::test]
async fn a_corrupt_copy_is_set_aside_and_reported_and_its_floor_stays() {
    let dir = tempfile::tempdir().unwrap();
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(3, Vec::new())));
    let recorder = Recorder::default();
    let build = || builder(&project, &Arc::default(), &recorder).storage_dir(dir.path());
    drop(build().setup().await.unwrap());
    let folder = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    fs::write(folder.join("pins.jws"), b"garbage").unwrap();

    cdn.set(Reply::File(project.config(2, Vec::new())));
    let error = build().setup().await.unwrap_err();
    assert_eq!(error.code(), Some(Code::ConfigRollback));
    assert!(recorder.any(|event| matches!(event, Event::StoreSetAside { part: StorePart::Config })));
    assert!(recorder.any(|event| matches!(event, Event::ConfigRejected { source: Source::Store, .. })));
    assert_eq!(fs::read(folder.join("pins.rejected")).unwrap(), b"garbage");

    cdn.set(Reply::File(project.config(3, Vec::new())));
    assert_eq!(version(&build().setup().await.unwrap()), Some(3));
}

#[tokio::test]
async fn what_cannot_be_written_is_used_in_memory_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let not_a_dir = dir.path().join("file");
    fs::write(&not_a_dir, b"").unwrap();
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, Vec::new())));
    let recorder = Recorder::default();
    let pintle = builder(&project, &Arc::default(), &recorder).storage_dir(not_a_dir).setup().await.unwrap();
    assert_eq!(version(&pintle), Some(1));
    assert!(recorder.codes().contains(&Code::StoreFailed));
}

#[tokio::test]
async fn a_seed_serves_the_very_first_start() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    let seed = project.config(1, Vec::new());
    let pintle = builder(&project, &Arc::default(), &Recorder::default()).seed(seed).setup().await.unwrap();
    assert_eq!(version(&pintle), Some(1));
}

#[tokio::test]
async fn a_new_root_takes_over_at_run_time() {
    let dir = tempfile::tempdir().unwrap();
    let cdn = Cdn::start(Reply::Closed).await;
    let (old, new) = (Project::new(&[cdn.url()]), Project::named("acme", "next", &[cdn.url(), cdn.url()]));
    cdn.set(Reply::File(old.config(7, Vec::new())));
    let build = || builder(&old, &Arc::default(), &Recorder::default()).storage_dir(dir.path());
    let pintle = build().setup().await.unwrap();
    let before = pintle.engine().generation();

    // Not before a configuration of its own is there; nothing of the old root counts meanwhile.
    let error = pintle.reconfigure(new.bundle()).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::ConfigKeyUnknown));
    assert_eq!(version(&pintle), None);
    cdn.set(Reply::File(new.config(1, Vec::new())));
    pintle.reconfigure(new.bundle()).await.unwrap();
    assert_eq!(version(&pintle), Some(1));
    assert!(pintle.engine().generation() > before);
    assert_eq!(cdn.requests().last().unwrap().path, "/acme/next/pins.jws");

    // For this process only.
    cdn.set(Reply::Closed);
    assert_eq!(version(&build().setup().await.unwrap()), Some(7));
    assert_eq!(pintle.reconfigure("{}").await.unwrap_err().code(), Some(Code::SetupInvalid));
}

#[tokio::test]
async fn the_background_task_ends_with_the_last_handle() {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, Vec::new())));
    let environment = Arc::<TestEnvironment>::default();
    let pintle = builder(&project, &environment, &Recorder::default()).setup().await.unwrap();
    drop(pintle);
    while Arc::strong_count(&environment) > 1 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn nobody_waits_for_a_runtime_that_has_ended() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (ending, serving) = (runtime(), runtime());
    let cdn = serving.block_on(Cdn::start(Reply::Closed));
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, Vec::new())));
    let pintle = ending.block_on(builder(&project, &Arc::default(), &Recorder::default()).setup()).unwrap();
    drop(ending);

    assert_eq!(serving.block_on(pintle.refresh()), Err(FetchError::Lost));
    let chain = [Authority::root("Any CA").issue(&["api.example.test"]).leaf().clone()];
    let decision = serving.block_on(pintle.check("api.example.test", &chain, PlatformVerdict::Accepted));
    assert_eq!(decision.code(), Some(Code::RetryAfterRefresh));
    let error = serving.block_on(pintle.reconfigure(Project::new(&[cdn.url()]).bundle())).unwrap_err();
    assert!(matches!(error, Error::Fetch(FetchError::Lost)), "{error:?}");
}
