use std::{sync::Arc, time::Duration};

use pintle_core::{Root, UnixTime};
use pintle_publish::{
    Address, Bucket, BucketError, Environment, Object, OpenError, Outcome, Publication, PublishError, open, publish,
};

use super::{Sighting, Target};

/// A target that can be talked to.
#[derive(Clone, Debug)]
pub struct OpenTarget {
    /// Where it is.
    pub target: Target,
    bucket: Arc<dyn Bucket>,
}

/// What became of a release at one target.
#[derive(Debug)]
pub struct Arrival {
    /// The target, as people write it.
    pub target: String,
    /// How it ended; `None`: not tried, because another target already said that somebody else was first.
    pub result: Option<Result<Outcome, PublishError>>,
}

impl Arrival {
    /// Whether it shows the release, read back.
    pub fn is_live(&self) -> bool {
        matches!(self.result, Some(Ok(Outcome::Live)))
    }

    /// Whether somebody else published under this number or a higher one.
    pub fn is_overtaken(&self) -> bool {
        matches!(
            self.result,
            Some(
                Ok(Outcome::Superseded)
                    | Err(PublishError::Occupied { .. }
                        | PublishError::Bucket { source: BucketError::ConditionFailed, .. })
            )
        )
    }
}

/// Opens every target; nothing is sent yet. They are taken in one order by everybody, so that of two who act at once one
/// is first everywhere.
///
/// # Errors
/// [`OpenError`] with the target.
pub fn open_targets(targets: &[Target], environment: Environment<'_>) -> Result<Vec<OpenTarget>, (String, OpenError)> {
    let mut targets = targets.to_vec();
    targets.sort_by_key(|target| target.place.to_string());
    targets.dedup_by(|a, b| a.place == b.place);
    let open = |target: Target| match open(&target.place, &target.credentials, environment) {
        Ok(bucket) => Ok(OpenTarget { target, bucket }),
        Err(error) => Err((target.place.to_string(), error)),
    };
    targets.into_iter().map(open).collect()
}

/// What every target shows now: read before anything is signed, so that a target that cannot be reached is known by then.
///
/// # Errors
/// [`BucketError`] with the target.
pub async fn read_pointers(
    targets: &[OpenTarget],
    root: &Root,
    limit: Duration,
) -> Result<Vec<Sighting>, (String, BucketError)> {
    let address = pointer(root);
    let mut found = Vec::new();
    for target in targets {
        let read = tokio::time::timeout(limit, target.bucket.read(&address)).await;
        let stored = read.unwrap_or_else(|elapsed| Err(BucketError::unavailable(elapsed)));
        let stored = stored.map_err(|error| (target.target.place.to_string(), error))?;
        found.extend(stored.map(|stored| Sighting { source: target.target.place.to_string(), bytes: stored.body }));
    }
    Ok(found)
}

/// Brings a release to every target, one after the other; each as the server does. One that fails does not keep it from the
/// others; one where somebody else was first ends it. Run again, it goes on.
pub async fn publish_to_all(
    targets: &[OpenTarget],
    publication: &Publication,
    limit: Duration,
    now: UnixTime,
) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> = Vec::new();
    for target in targets {
        let is_over = arrivals.iter().any(Arrival::is_overtaken);
        let result = match is_over {
            true => None,
            false => Some(publish_in_time(target, publication, limit, now).await),
        };
        arrivals.push(Arrival { target: target.target.place.to_string(), result });
    }
    arrivals
}

async fn publish_in_time(
    target: &OpenTarget,
    publication: &Publication,
    limit: Duration,
    now: UnixTime,
) -> Result<Outcome, PublishError> {
    let published = tokio::time::timeout(limit, publish(target.bucket.as_ref(), publication, now)).await;
    published.unwrap_or_else(|elapsed| {
        let address = "the whole of it".to_owned();
        Err(PublishError::Bucket { address, source: BucketError::unavailable(elapsed) })
    })
}

fn pointer(root: &Root) -> Address {
    Address { organization: root.organization().clone(), project: root.project().clone(), object: Object::Pointer }
}
