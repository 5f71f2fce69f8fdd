//! Several instances of the service on one database.

use std::sync::Arc;

use pintle_api::ReleaseState;
use pintle_core::UnixTime;
use pintle_service::{OriginBucket, Progress, Service};

use crate::support::{NOW, Plane, base_url};

const RELEASES: u64 = 8;

/// Works until nothing is left; how many jobs it brought to their end.
async fn work(instance: Service) -> u64 {
    let (mut now, mut done) = (NOW, 0);
    loop {
        match instance.run_next_job(now).await.unwrap() {
            Progress::Done => done += 1,
            Progress::Postponed => {}
            Progress::Idle { next_at: None } => return done,
            // Postponed by somebody: its time comes. A lease, which is longer, does not end under who works on it.
            Progress::Idle { next_at: Some(at) } if at < UnixTime::from_secs(NOW.as_secs() + 15) => now = now.max(at),
            Progress::Idle { .. } => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_publishers_bring_every_release_to_its_end_once() {
    let plane = Plane::new().await;
    let mut last = String::new();
    for _ in 0..RELEASES {
        last = plane.sign(&plane.prepare_anyway().await);
        plane.accept(&last).await.unwrap();
    }
    let mut instances = Vec::new();
    for _ in 0..4 {
        // Connections of its own, as in another process.
        let store = plane.open_another_store().await;
        let instance = Service::new(store.clone(), vec![Arc::new(OriginBucket::new(store))], base_url());
        instances.push(tokio::spawn(work(instance)));
    }
    let mut done = 0;
    for instance in instances {
        done += instance.await.unwrap();
    }
    assert_eq!(done, RELEASES, "each once");
    let releases =
        plane.service.list_releases(&plane.owner, plane.path(), &pintle_api::ListQuery::default()).await.unwrap();
    let unfinished = releases.items.iter().filter(|release| release.state != ReleaseState::Superseded);
    let unfinished: Vec<_> = unfinished.map(|release| (release.version, release.state)).collect();
    assert_eq!(unfinished, [(RELEASES, ReleaseState::Live)]);
    assert_eq!(plane.published("pins.jws").await, Some(last));
}
