use super::*;

pub(super) async fn a_prepared_release_waits_until_it_is_voided(store: &Store) {
    let project = add_project(store).await;
    write(store, async |tx| {
        assert_eq!(tx.find_last_prepared_version(&project.scope).await?, None);
        for version in [9_007_199_254_740_991, 2, 10] {
            tx.insert_prepared(&project.scope, version, format!("{{\"ver\":{version}}}"), None, NOW).await?;
        }
        assert_eq!(tx.find_last_prepared_version(&project.scope).await?, Some(9_007_199_254_740_991));
        tx.delete_prepared_up_to(&project.scope, 10).await?;
        assert!(tx.find_prepared(&project.scope, 2).await?.is_none());
        assert!(tx.find_prepared(&project.scope, 10).await?.is_none());
        assert!(tx.find_prepared(&project.scope, 9_007_199_254_740_991).await?.is_some());
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

pub(super) async fn one_release_is_live_at_a_time(store: &Store) {
    let project = add_project(store).await;
    let by = add_account(store).await.id;
    let scope = &project.scope;
    write(store, async |tx| {
        for version in [1, 2] {
            tx.insert_release(scope, release(&project, &by, version), format!("jws {version}")).await?;
        }
        assert!(tx.move_release(scope, 1, ReleaseState::Accepted, ReleaseState::Publishing).await?);
        assert!(!tx.move_release(scope, 1, ReleaseState::Accepted, ReleaseState::Publishing).await?);
        tx.save_live_release(scope, 1, NOW).await?;
        tx.save_live_release(scope, 2, NOW + 1).await
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    let states: Vec<_> =
        view.list_releases(scope, &first(10)).await.unwrap().iter().map(|r| (r.version.value(), r.state)).collect();
    assert_eq!(states, [(2, ReleaseState::Live), (1, ReleaseState::Superseded)]);
    assert_eq!(view.find_live_release(scope).await.unwrap().unwrap().live_at.map(Unsigned::value), Some(NOW + 1));
    assert_eq!(view.load_release_file(scope, 1).await.unwrap().as_deref(), Some("jws 1"));
    assert_eq!(view.find_last_release(scope).await.unwrap().unwrap().version.value(), 2);
    assert_eq!(view.list_releases(scope, &first(1)).await.unwrap().len(), 1);
}

pub(super) async fn a_release_that_waits_is_not_the_last_one(store: &Store) {
    let project = add_project(store).await;
    let by = add_account(store).await.id;
    let scope = &project.scope;
    write(store, async |tx| {
        let waiting = [ReleaseState::Accepted, ReleaseState::AwaitingApproval, ReleaseState::Scheduled];
        for (version, state) in (1..).zip(waiting) {
            let row = ReleaseRow { state, ..release(&project, &by, version) };
            tx.insert_release(scope, row, "jws".into()).await?;
        }
        tx.save_approval(scope, 2, &by, NOW + 1).await
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_last_release(scope).await.unwrap().unwrap().version.value(), 1);
    assert_eq!(view.find_last_version(scope).await.unwrap(), Some(3));
    let pending = view.list_pending_releases(scope).await.unwrap();
    let shown: Vec<_> = pending.iter().map(|row| (row.version.value(), row.approved_by.clone())).collect();
    assert_eq!(shown, [(2, Some(by)), (3, None)]);
}

pub(super) async fn targets_of_a_release_are_kept_one_by_one(store: &Store) {
    let project = add_project(store).await;
    let by = add_account(store).await.id;
    let scope = &project.scope;
    let save = async |target: &str, state, error: Option<&str>, now| {
        let outcome = TargetOutcome { target, state, error };
        write(store, async |tx| tx.save_release_target(scope, 1, &outcome, now).await).await.unwrap();
    };
    write(store, async |tx| {
        tx.insert_release(scope, release(&project, &by, 1), "jws".into()).await?;
        tx.insert_release_target(scope, 1, "a").await
    })
    .await
    .unwrap();
    save("a", TargetState::Failed, Some("full"), NOW + 1).await;
    save("b", TargetState::Live, None, NOW + 1).await;
    save("a", TargetState::Live, None, NOW + 2).await;
    save("b", TargetState::Live, None, NOW + 2).await;
    let rows = store.read().await.unwrap().list_release_targets(scope, 1, 1).await.unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.target.as_str(),
                row.error.as_deref(),
                row.tried_at.map(Unsigned::value),
                row.live_at.map(Unsigned::value),
            )
        })
        .collect();
    assert_eq!(shown, [("a", None, Some(NOW + 2), Some(NOW + 2)), ("b", None, Some(NOW + 2), Some(NOW + 1))]);
}

pub(super) async fn a_target_belongs_to_one_project_and_takes_its_states_along(store: &Store) {
    let (project, other) = (add_project(store).await, add_project(store).await);
    let account = add_account(store).await;
    let row = |project: &Project| PublishTargetRow {
        project_id: project.row.id.clone(),
        destination: "cdn".into(),
        added_by: account.id.clone(),
        added_at: NOW.into(),
    };
    write(store, async |tx| tx.insert_publish_target(row(&project)).await).await.unwrap();
    let again = write(store, async |tx| tx.insert_publish_target(row(&project)).await).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists)));
    let view = store.read().await.unwrap();
    assert_eq!(view.list_publish_targets(&project.scope).await.unwrap(), [row(&project)]);
    assert_eq!(view.find_publish_target(&other.scope, "cdn").await.unwrap(), None);
    drop(view);
    write(store, async |tx| tx.delete_publish_target(&other.scope, "cdn").await).await.unwrap();
    assert!(store.read().await.unwrap().find_publish_target(&project.scope, "cdn").await.unwrap().is_some());
    write(store, async |tx| tx.delete_publish_target(&project.scope, "cdn").await).await.unwrap();
    assert_eq!(store.read().await.unwrap().list_publish_targets(&project.scope).await.unwrap(), []);
}

pub(super) async fn a_published_file_is_replaced_only_by_who_knows_it(store: &Store) {
    let file = |body: &[u8], etag: &str| PublishedObjectRow {
        path: "o/p/pins.jws".into(),
        body: body.to_vec(),
        etag: etag.into(),
    };
    write(store, async |tx| tx.insert_published(file(b"\0\xff one", "\"1\"")).await).await.unwrap();
    let again = write(store, async |tx| tx.insert_published(file(b"two", "\"2\"")).await).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists)));
    write(store, async |tx| {
        assert!(!tx.replace_published(file(b"two", "\"2\""), "\"0\"").await?);
        assert!(tx.replace_published(file(b"two", "\"2\""), "\"1\"").await?);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_published("o/p/pins.jws").await.unwrap(), Some(file(b"two", "\"2\"")));
    assert!(view.find_published("o/p/other").await.unwrap().is_none());
}
