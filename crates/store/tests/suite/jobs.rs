use super::*;

pub(super) async fn a_job_is_leased_once_and_again_when_the_lease_ends(store: &Store) {
    add_job(store, "first", NOW).await.unwrap();
    assert!(matches!(add_job(store, "first", NOW).await, Err(StoreError::AlreadyExists)), "one per kind and subject");
    let first = lease(store, "early", NOW - 1).await;
    assert!(first.is_none());
    let first = lease(store, "first", NOW).await.unwrap();
    assert_eq!((first.row.subject.as_str(), first.row.attempts.value()), ("first", 1));
    assert!(lease(store, "second", NOW + 59).await.is_none());
    assert_eq!(store.read().await.unwrap().find_next_job_time(&JobKind::ALL).await.unwrap(), Some(NOW + 60));
    let second = lease(store, "second", NOW + 60).await.unwrap();
    assert_eq!(second.row.attempts.value(), 2);
    write(store, async |tx| {
        assert!(!tx.postpone_job(&first, NOW).await?, "a lost lease changes nothing");
        assert!(!tx.delete_job(&first).await?, "a lost lease changes nothing");
        assert!(tx.postpone_job(&second, NOW + 70).await?);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    assert!(lease(store, "third", NOW + 69).await.is_none());
    let third = lease(store, "third", NOW + 70).await.unwrap();
    assert!(write(store, async |tx| tx.delete_job(&third).await).await.unwrap());
    assert_eq!(store.read().await.unwrap().find_next_job_time(&JobKind::ALL).await.unwrap(), None);
}

pub(super) async fn a_cancelled_job_is_not_done(store: &Store) {
    add_job(store, "wanted", NOW).await.unwrap();
    add_job(store, "unwanted", NOW).await.unwrap();
    write(store, async |tx| tx.cancel_job(JobKind::Publish, "unwanted").await).await.unwrap();
    assert_eq!(lease(store, "only", NOW).await.unwrap().row.subject, "wanted");
    assert!(lease(store, "none", NOW).await.is_none());
}

async fn add_job(store: &Store, subject: &str, run_at_secs: u64) -> Result<(), StoreError> {
    let new = || NewJob { kind: JobKind::Publish, subject, payload: None, run_at_secs };
    write(store, async |tx| tx.insert_job(new(), NOW).await).await
}

async fn lease(store: &Store, name: &str, now: u64) -> Option<LeasedJob> {
    write(store, async |tx| tx.lease_job(&JobKind::ALL, name, now, now + 60).await).await.unwrap()
}
