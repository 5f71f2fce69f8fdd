use pintle_core::{Code, ConfigError, OrganizationId, ProjectId, Root, State, UnixTime, verify};

use crate::{Address, Bucket, BucketError, Condition, Object};

/// A verified release on its way to buckets. Nothing else can be published.
#[derive(Clone, Debug)]
pub struct Publication {
    root: Root,
    file: Vec<u8>,
    version: u64,
    is_withdrawal: bool,
    state: State,
    bundle_root: Root,
    earlier: Vec<u64>,
}

/// Where a publication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The pointer shows this release, read back.
    Live,
    /// The release is stored, but the pointer already shows a newer one and stays there.
    Superseded,
}

/// Why a publication did not reach its end. Running it again continues it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The bucket failed, or somebody else wrote at the same moment.
    #[error("{address}: {source}")]
    Bucket {
        /// The file.
        address: String,
        /// What the bucket says.
        source: BucketError,
    },
    /// The bucket does not answer with what it was given.
    #[error("{address} does not read back as it was written")]
    NotReadBack {
        /// The file.
        address: String,
    },
    /// Another file lies where this release, which never changes, belongs.
    #[error("{address} already holds something else")]
    Occupied {
        /// The file.
        address: String,
    },
}

impl Publication {
    /// Verifies `file` as a release of `root`, as a device would.
    ///
    /// # Errors
    /// The core's refusal.
    pub fn verify(root: Root, file: Vec<u8>, now: UnixTime) -> Result<Self, ConfigError> {
        let accepted = verify(&file, &root, &State::default(), now)?;
        let bundle_root = match accepted.state.chain.last() {
            // P-5.3; that it is not the recovery key is part of what was verified.
            Some(link) => root
                .clone()
                .with_public_key(link.key)
                .map_err(|_| ConfigError::SuccessionUntrusted { seq: link.seq })?,
            None => root.clone(),
        };
        let claims = accepted.config.claims();
        let (version, is_withdrawal) = (claims.version, claims.withdrawn);
        Ok(Self { root, file, version, is_withdrawal, state: accepted.state, bundle_root, earlier: Vec::new() })
    }

    /// The same, with the numbers of the releases before it: a withdrawal takes them away.
    #[must_use]
    pub fn after(self, earlier: impl IntoIterator<Item = u64>) -> Self {
        let version = self.version;
        Self { earlier: earlier.into_iter().filter(|number| *number < version).collect(), ..self }
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether it tells apps to trust nothing (P-7.5).
    pub fn is_withdrawal(&self) -> bool {
        self.is_withdrawal
    }

    /// `pintle.json` beside this release (P-7.1): what new builds embed, with the key that signed it.
    pub fn bundle_json(&self) -> String {
        self.bundle_root.to_bundle_json()
    }

    fn address(&self, object: Object) -> Address {
        Address { organization: self.root.organization().clone(), project: self.root.project().clone(), object }
    }
}

/// Brings `publication` to `bucket` (P-7.2): the immutable file first, then the pointer, each read back; the bundle last,
/// since an app that embeds it must be able to accept what the pointer shows. A withdrawal takes away the earlier releases
/// that it knows of; the pointer stays, because only what it shows tells apps of the withdrawal.
///
/// # Errors
/// [`PublishError`]; calling again with the same publication continues from wherever this one ended.
pub async fn publish(bucket: &dyn Bucket, publication: &Publication, now: UnixTime) -> Result<Outcome, PublishError> {
    write_release(bucket, publication).await?;
    let outcome = move_pointer(bucket, publication, now).await?;
    if outcome == Outcome::Live {
        write_bundle(bucket, publication).await?;
    }
    if outcome == Outcome::Live && publication.is_withdrawal {
        for version in publication.earlier.iter().copied() {
            let address = publication.address(Object::Release { version });
            let at = |source| PublishError::Bucket { address: address.to_string(), source };
            bucket.remove(&address).await.map_err(at)?;
        }
    }
    Ok(outcome)
}

/// Takes everything of a project out of `bucket`: pointer and bundle first, then the releases `versions`. Installations
/// go on with the copy they have (P-7.5): this is no withdrawal.
///
/// # Errors
/// [`PublishError::Bucket`]; calling again continues.
pub async fn unpublish(
    bucket: &dyn Bucket,
    organization: &OrganizationId,
    project: &ProjectId,
    versions: impl IntoIterator<Item = u64>,
) -> Result<(), PublishError> {
    let releases = versions.into_iter().map(|version| Object::Release { version });
    for object in [Object::Pointer, Object::Bundle].into_iter().chain(releases) {
        let address = Address { organization: organization.clone(), project: project.clone(), object };
        let at = |source| PublishError::Bucket { address: address.to_string(), source };
        bucket.remove(&address).await.map_err(at)?;
    }
    Ok(())
}

async fn write_release(bucket: &dyn Bucket, publication: &Publication) -> Result<(), PublishError> {
    let address = publication.address(Object::Release { version: publication.version });
    let at = |source| PublishError::Bucket { address: address.to_string(), source };
    match bucket.write(&address, &publication.file, &Condition::Absent).await {
        // There already: from a run that was cut short, or something that must not be there.
        Ok(()) | Err(BucketError::ConditionFailed) => {}
        Err(error) => return Err(at(error)),
    }
    match bucket.read(&address).await.map_err(at)? {
        Some(stored) if stored.body == publication.file => Ok(()),
        Some(_) => Err(PublishError::Occupied { address: address.to_string() }),
        None => Err(PublishError::NotReadBack { address: address.to_string() }),
    }
}

async fn write_bundle(bucket: &dyn Bucket, publication: &Publication) -> Result<(), PublishError> {
    let address = publication.address(Object::Bundle);
    let at = |source| PublishError::Bucket { address: address.to_string(), source };
    let bundle = publication.bundle_json().into_bytes();
    let condition = match bucket.read(&address).await.map_err(at)? {
        Some(stored) if stored.body == bundle => return Ok(()),
        Some(stored) => Condition::Unchanged(stored.tag),
        None => Condition::Absent,
    };
    bucket.write(&address, &bundle, &condition).await.map_err(at)
}

async fn move_pointer(bucket: &dyn Bucket, publication: &Publication, now: UnixTime) -> Result<Outcome, PublishError> {
    let address = publication.address(Object::Pointer);
    let at = |source| PublishError::Bucket { address: address.to_string(), source };
    let condition = match bucket.read(&address).await.map_err(at)? {
        None => Condition::Absent,
        Some(stored) if stored.body == publication.file => return Ok(Outcome::Live),
        Some(stored) if is_newer(&stored.body, publication, now) => return Ok(Outcome::Superseded),
        Some(stored) => Condition::Unchanged(stored.tag),
    };
    bucket.write(&address, &publication.file, &condition).await.map_err(at)?;
    match bucket.read(&address).await.map_err(at)? {
        Some(stored) if stored.body == publication.file => Ok(Outcome::Live),
        Some(stored) if is_newer(&stored.body, publication, now) => Ok(Outcome::Superseded),
        _ => Err(PublishError::NotReadBack { address: address.to_string() }),
    }
}

/// Whether a device that accepted `publication` would go on to `pointer`. What it would not accept is no reason to
/// stand back, with one exception: expiry is judged after the floor (P-3.8), so an expired file is a newer one.
fn is_newer(pointer: &[u8], publication: &Publication, now: UnixTime) -> bool {
    match verify(pointer, &publication.root, &publication.state, now) {
        Ok(accepted) => accepted.state.floor != publication.state.floor,
        Err(error) => error.code() == Code::ConfigExpired,
    }
}
