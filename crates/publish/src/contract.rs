use pintle_core::{OrganizationId, ProjectId};

use crate::{Address, Bucket, BucketError, Condition, Object};

/// A promise of [`Bucket`] that an implementation broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContractBreach {
    /// What should have happened.
    #[error("contract broken: {0}")]
    Promise(&'static str),
    /// An operation failed that should have succeeded.
    #[error("{step}: {source}")]
    Failed {
        /// The operation.
        step: &'static str,
        /// Why it failed.
        source: BucketError,
    },
}

/// Tries what [`Bucket`] promises on an empty bucket, in a project of the name `contract`.
///
/// # Errors
/// The first promise found broken.
pub async fn check_contract(bucket: &dyn Bucket) -> Result<(), ContractBreach> {
    check_files(bucket).await?;
    check_conditions(bucket).await?;
    check_two_writers(bucket).await?;
    check_removal(bucket).await
}

async fn check_files(bucket: &dyn Bucket) -> Result<(), ContractBreach> {
    let pointer = address(Object::Pointer)?;
    hold(read(bucket, &pointer).await?.is_none(), "a file that was never written is absent")?;
    for body in [&b""[..], b"\0\xff\r\n", &[b'x'; 300_000]] {
        let condition = match read(bucket, &pointer).await? {
            Some(stored) => Condition::Unchanged(stored.tag),
            None => Condition::Absent,
        };
        bucket.write(&pointer, body, &condition).await.map_err(failed("write"))?;
        let stored = read(bucket, &pointer).await?;
        hold(stored.is_some_and(|stored| stored.body == body), "a file reads back byte for byte")?;
    }
    let other = address(Object::Release { version: 1 })?;
    hold(read(bucket, &other).await?.is_none(), "writing one file leaves the others alone")
}

async fn check_conditions(bucket: &dyn Bucket) -> Result<(), ContractBreach> {
    let bundle = address(Object::Bundle)?;
    bucket.write(&bundle, b"one", &Condition::Absent).await.map_err(failed("first write"))?;
    let again = bucket.write(&bundle, b"two", &Condition::Absent).await;
    hold(is_refused(&again), "`Absent` refuses where there is a file")?;
    let first = read(bucket, &bundle).await?.ok_or(ContractBreach::Promise("a written file is there"))?;
    hold(first.body == b"one", "a refused write leaves the file as it was")?;
    bucket.write(&bundle, b"two", &Condition::Unchanged(first.tag.clone())).await.map_err(failed("replacement"))?;
    let late = bucket.write(&bundle, b"three", &Condition::Unchanged(first.tag.clone())).await;
    hold(is_refused(&late), "`Unchanged` refuses a file that changed")?;
    let absent = address(Object::Release { version: 2 })?;
    let nothing = bucket.write(&absent, b"x", &Condition::Unchanged(first.tag)).await;
    hold(is_refused(&nothing), "`Unchanged` refuses where there is no file")?;
    let second = read(bucket, &bundle).await?;
    hold(second.is_some_and(|stored| stored.body == b"two"), "the replacement stands")
}

async fn check_two_writers(bucket: &dyn Bucket) -> Result<(), ContractBreach> {
    let release = address(Object::Release { version: 3 })?;
    let write = |body: &'static [u8]| {
        let release = release.clone();
        async move { bucket.write(&release, body, &Condition::Absent).await }
    };
    let (left, right) = tokio::join!(write(b"left"), write(b"right"));
    hold(left.is_ok() != right.is_ok(), "of two writers with one condition exactly one succeeds")?;
    hold(is_refused(&left) || is_refused(&right), "the other writer learns that the condition failed")?;
    let expected: &[u8] = if left.is_ok() { b"left" } else { b"right" };
    let stored = read(bucket, &release).await?;
    hold(stored.is_some_and(|stored| stored.body == expected), "the successful write is the one that stands")
}

async fn check_removal(bucket: &dyn Bucket) -> Result<(), ContractBreach> {
    let [gone, stays] = [address(Object::Release { version: 4 })?, address(Object::Release { version: 5 })?];
    for file in [&gone, &stays] {
        bucket.write(file, b"one", &Condition::Absent).await.map_err(failed("write"))?;
    }
    for step in ["removal", "second removal"] {
        bucket.remove(&gone).await.map_err(failed(step))?;
        hold(read(bucket, &gone).await?.is_none(), "a removed file is gone")?;
    }
    hold(read(bucket, &stays).await?.is_some(), "removing one file leaves the others alone")?;
    bucket.write(&gone, b"two", &Condition::Absent).await.map_err(failed("write after removal"))?;
    let stored = read(bucket, &gone).await?;
    hold(stored.is_some_and(|stored| stored.body == b"two"), "what was removed can be written again")
}

fn address(object: Object) -> Result<Address, ContractBreach> {
    let unusable = |_| ContractBreach::Promise("`contract` is an id");
    Ok(Address {
        organization: OrganizationId::parse("contract").map_err(unusable)?,
        project: ProjectId::parse("contract").map_err(unusable)?,
        object,
    })
}

async fn read(bucket: &dyn Bucket, address: &Address) -> Result<Option<crate::Stored>, ContractBreach> {
    bucket.read(address).await.map_err(failed("read"))
}

fn failed(step: &'static str) -> impl Fn(BucketError) -> ContractBreach {
    move |source| ContractBreach::Failed { step, source }
}

fn is_refused(answer: &Result<(), BucketError>) -> bool {
    matches!(answer, Err(BucketError::ConditionFailed))
}

fn hold(promise_holds: bool, promise: &'static str) -> Result<(), ContractBreach> {
    if promise_holds { Ok(()) } else { Err(ContractBreach::Promise(promise)) }
}
