use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use pintle_api::ReleaseState;
use pintle_core::UnixTime;
use pintle_publish::{Address, Bucket, BucketError, Condition, DirectoryBucket, Stored};
use pintle_service::{OriginBucket, Progress};
use pintle_store::Store;

use crate::support::{NOW, Plane};

fn later(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

async fn state(plane: &Plane, version: u64) -> ReleaseState {
    plane.service.read_release(&plane.owner, plane.path(), version).await.unwrap().state
}

#[tokio::test]
async fn an_accepted_release_goes_live_with_all_its_files() {
    let plane = Plane::new().await;
    let jws = plane.sign(&plane.prepare().await.unwrap());
    plane.accept(&jws).await.unwrap();
    assert_eq!(plane.published("pins.jws").await, None);
    assert_eq!(plane.service.run_next_job(later(1)).await.unwrap(), Progress::Done);
    assert_eq!(plane.published("pins.jws").await.as_ref(), Some(&jws));
    assert_eq!(plane.published("releases/1.jws").await.as_ref(), Some(&jws));
    let bundle = plane.service.read_bundle(&plane.owner, plane.path()).await.unwrap();
    assert_eq!(plane.published("pintle.json").await, Some(bundle));
    let release = plane.service.read_release(&plane.owner, plane.path(), 1).await.unwrap();
    assert_eq!((release.state, release.live_at), (ReleaseState::Live, Some(later(1).as_secs())));
    assert_eq!(plane.service.run_next_job(later(1)).await.unwrap(), Progress::Idle { next_at: None });
}

#[tokio::test]
async fn a_publisher_that_died_is_replaced_when_its_lease_ends() {
    let plane = Plane::new().await;
    plane.release().await;
    // Another publisher takes the job and is never heard of again.
    let tx = plane.store.write().await.unwrap();
    tx.lease_job(&pintle_store::JobKind::ALL, "dead", NOW.as_secs(), later(15).as_secs()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let waiting = plane.service.run_next_job(later(14)).await.unwrap();
    assert_eq!(waiting, Progress::Idle { next_at: Some(later(15)) });
    assert_eq!(plane.service.run_next_job(later(15)).await.unwrap(), Progress::Done);
    assert_eq!(state(&plane, 1).await, ReleaseState::Live);
}

#[tokio::test]
async fn the_pointer_never_moves_back() {
    let plane = Plane::new().await;
    plane.release().await;
    // The first job is held up until the second release is live.
    let tx = plane.store.write().await.unwrap();
    tx.lease_job(&pintle_store::JobKind::ALL, "slow", NOW.as_secs(), later(5).as_secs()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    plane.release().await;
    assert_eq!(plane.service.run_next_job(later(1)).await.unwrap(), Progress::Done);
    let second = plane.published("pins.jws").await;
    assert_eq!(plane.service.run_next_job(later(5)).await.unwrap(), Progress::Done);
    assert_eq!(plane.published("pins.jws").await, second);
    assert!(plane.published("releases/1.jws").await.is_some());
    assert_eq!(state(&plane, 2).await, ReleaseState::Live);
    assert_ne!(state(&plane, 1).await, ReleaseState::Live);
}

/// A bucket in which the operation of a given number goes wrong: not done at all, or done and reported as failed.
struct Faulty {
    inner: OriginBucket,
    next: AtomicUsize,
    fault_at: usize,
    fault: Fault,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost,
    DoneButFailed,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl Faulty {
    fn fault_now(&self) -> Option<Fault> {
        (self.next.fetch_add(1, Ordering::SeqCst) == self.fault_at).then_some(self.fault)
    }
}

fn broken() -> BucketError {
    BucketError::unavailable(std::io::Error::other("fault"))
}

#[async_trait]
impl Bucket for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    async fn read(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        match self.fault_now() {
            Some(_) => Err(broken()),
            None => self.inner.read(address).await,
        }
    }

    async fn write(&self, address: &Address, body: &[u8], condition: &Condition) -> Result<(), BucketError> {
        match self.fault_now() {
            Some(Fault::Lost) => Err(broken()),
            Some(Fault::DoneButFailed) => {
                self.inner.write(address, body, condition).await?;
                Err(broken())
            }
            None => self.inner.write(address, body, condition).await,
        }
    }

    async fn remove(&self, address: &Address) -> Result<(), BucketError> {
        match self.fault_now() {
            Some(_) => Err(broken()),
            None => self.inner.remove(address).await,
        }
    }
}

/// Write and read the release, read, write and read the pointer, read and write the bundle.
const OPERATIONS: usize = 7;

#[tokio::test]
async fn a_fault_at_any_step_delays_a_release_and_harms_nothing() {
    for fault in [Fault::Lost, Fault::DoneButFailed] {
        for fault_at in 0..=OPERATIONS {
            let faulty = |store: Store| -> Vec<Arc<dyn Bucket>> {
                vec![Arc::new(Faulty { inner: OriginBucket::new(store), next: AtomicUsize::new(0), fault_at, fault })]
            };
            let plane = Plane::with_buckets(faulty).await;
            let jws = plane.sign(&plane.prepare().await.unwrap());
            plane.accept(&jws).await.unwrap();
            let first = plane.service.run_next_job(NOW).await.unwrap();
            let expected = if fault_at < OPERATIONS { Progress::Postponed } else { Progress::Done };
            assert_eq!(first, expected, "{fault:?} at {fault_at}");
            let pointer = plane.published("pins.jws").await;
            assert!(pointer.is_none_or(|pointer| pointer == jws), "{fault:?} at {fault_at}: nothing half-written");
            if expected == (Progress::Postponed) {
                assert_eq!(plane.service.run_next_job(later(2)).await.unwrap(), Progress::Done);
            }
            assert_eq!(plane.published("pins.jws").await.as_ref(), Some(&jws), "{fault:?} at {fault_at}");
            assert_eq!(state(&plane, 1).await, ReleaseState::Live, "{fault:?} at {fault_at}");
        }
    }
}

#[tokio::test]
async fn a_release_is_live_only_when_every_target_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("blocked");
    std::fs::write(&blocked, b"a file, not a directory").unwrap();
    let target = blocked.clone();
    let plane =
        Plane::with_buckets(|store| vec![Arc::new(OriginBucket::new(store)), Arc::new(DirectoryBucket::new(target))])
            .await;
    plane.release().await;
    assert_eq!(plane.service.run_next_job(NOW).await.unwrap(), Progress::Postponed);
    assert!(plane.published("pins.jws").await.is_some());
    assert_eq!(state(&plane, 1).await, ReleaseState::Publishing);
    std::fs::remove_file(&blocked).unwrap();
    assert_eq!(plane.service.run_next_job(later(2)).await.unwrap(), Progress::Done);
    assert_eq!(state(&plane, 1).await, ReleaseState::Live);
    let file = blocked.join(&plane.organization).join(&plane.project).join("pins.jws");
    assert_eq!(std::fs::read_to_string(file).ok(), plane.published("pins.jws").await);
}

#[tokio::test]
async fn a_pointer_that_no_device_would_accept_is_replaced() {
    let plane = Plane::new().await;
    let address = Address::parse(&format!("{}/{}/pins.jws", plane.organization, plane.project)).unwrap();
    let origin = OriginBucket::new(plane.store.clone());
    origin.write(&address, b"junk", &Condition::Absent).await.unwrap();
    plane.release().await;
    assert_eq!(plane.service.run_next_job(NOW).await.unwrap(), Progress::Done);
    assert_ne!(plane.published("pins.jws").await.as_deref(), Some("junk"));
}
