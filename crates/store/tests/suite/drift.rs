use super::*;

pub(super) fn drift_row(project: &Project, subject: &str, due_at: u64) -> DriftRow {
    DriftRow {
        project_id: project.row.id.clone(),
        kind: "domain".into(),
        subject: subject.into(),
        vantage: "server".into(),
        state: None,
        since: None,
        detail: String::new(),
        pending_state: None,
        pending_count: 0.into(),
        pins_sha256: None,
        primary_pins: None,
        version: 1.into(),
        seen_at: None,
        due_at: Some(due_at.into()),
        lease: None,
    }
}

async fn lease(store: &Store, name: &str, now: u64, limit: u64) -> Vec<String> {
    let taken =
        write(store, async |tx| tx.lease_looks("server", name, now, now + 60, now + 1000, limit).await).await.unwrap();
    taken.into_iter().map(|row| row.subject).collect()
}

pub(super) async fn a_look_is_taken_by_one_and_written_by_whoever_took_it(store: &Store) {
    let project = add_project(store).await;
    write(store, async |tx| {
        for (subject, due_at) in [("late", NOW - 2), ("later", NOW), ("soon", NOW + 10), ("ahead", NOW + 5000)] {
            tx.insert_drift(drift_row(&project, subject, due_at)).await?;
        }
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    assert_eq!(store.read().await.unwrap().find_next_look("server").await.unwrap(), Some(NOW - 2));
    assert_eq!(lease(store, "one", NOW, 2).await, ["late", "later"]);
    assert_eq!(lease(store, "two", NOW, 5).await, ["ahead"], "a clock that ran ahead put it there");
    assert!(lease(store, "three", NOW, 5).await.is_empty());
    let done = DriftRow { state: Some("match".into()), ..drift_row(&project, "late", NOW + 900) };
    assert!(!write(store, async |tx| tx.save_drift(Some("two"), &done).await).await.unwrap());
    assert!(write(store, async |tx| tx.save_drift(Some("one"), &done).await).await.unwrap());
    assert!(!write(store, async |tx| tx.save_drift(Some("one"), &done).await).await.unwrap(), "given back");
    assert_eq!(lease(store, "four", NOW + 60, 9).await, ["soon", "ahead", "later"]);
    let kept = [DriftSubject { kind: "domain".into(), name: "late".into() }].into();
    let gone = write(store, async |tx| tx.delete_drift_but(&project.scope, &kept).await).await.unwrap();
    assert_eq!(gone.len(), 3);
    let view = store.read().await.unwrap();
    let left = view.list_drift(&project.scope, &first(10)).await.unwrap();
    assert_eq!(left, [done]);
}

pub(super) async fn what_is_looked_at_follows_the_live_release(store: &Store) {
    let project = add_project(store).await;
    let by = add_account(store).await.id;
    let scope = &project.scope;
    let waiting =
        async || store.read().await.unwrap().find_release_to_watch().await.unwrap().map(|(_, row)| row.version);
    write(store, async |tx| tx.insert_release(scope, release(&project, &by, 1), "jws".into()).await).await.unwrap();
    assert_eq!(waiting().await, None, "not live yet");
    write(store, async |tx| tx.save_live_release(scope, 1, NOW).await).await.unwrap();
    assert_eq!(waiting().await, Some(1.into()));
    write(store, async |tx| tx.save_watched(scope, 1, NOW).await).await.unwrap();
    assert_eq!(waiting().await, None);
    write(store, async |tx| tx.forget_watched(scope).await).await.unwrap();
    assert_eq!(waiting().await, Some(1.into()));
    write(store, async |tx| tx.hide_project(scope, NOW).await).await.unwrap();
    assert_eq!(waiting().await, None, "deleted");
}

pub(super) async fn changes_are_numbered_and_the_oldest_make_room(store: &Store) {
    let project = add_project(store).await;
    let change = |subject: &str, at: u64| DriftChangeRow {
        project_id: project.row.id.clone(),
        seq: 0.into(),
        kind: "domain".into(),
        subject: subject.into(),
        vantage: "server".into(),
        at: at.into(),
        before: None,
        after: "match".into(),
        detail: String::new(),
        version: 1.into(),
    };
    write(store, async |tx| {
        tx.insert_drift_change(change("b", NOW), 2).await?;
        for number in 0..3 {
            tx.insert_drift_change(change("a", NOW + number), 2).await?;
        }
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let list = async |subject| {
        let view = store.read().await.unwrap();
        let rows = view.list_drift_changes(&project.scope, subject, &first(10)).await.unwrap();
        rows.iter().map(|row| row.seq.value()).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, [4, 3, 1]);
    assert_eq!(list(Some("a")).await, [4, 3]);
    assert_eq!(write(store, async |tx| tx.delete_old_drift_changes(NOW + 1).await).await.unwrap(), 1);
    assert_eq!(list(None).await, [4, 3]);
}

pub(super) async fn of_certificates_those_that_apps_accept_are_kept(store: &Store) {
    let project = add_project(store).await;
    let certificate = |name: &str, at: u64, accepted_at: Option<u64>| ObservedCertificateRow {
        project_id: project.row.id.clone(),
        domain: "a.example".into(),
        sha256: name.into(),
        spki_sha256: String::new(),
        issuer: "CN=Root".into(),
        not_after: NOW.into(),
        first_seen_at: NOW.into(),
        last_seen_at: at.into(),
        accepted_at: accepted_at.map(Unsigned::from),
    };
    write(store, async |tx| {
        tx.save_observed_certificate(&project.scope, certificate("own", NOW, Some(NOW)), 3).await?;
        for number in 1..9 {
            let forged = certificate(&format!("forged {number}"), NOW + number, None);
            tx.save_observed_certificate(&project.scope, forged, 3).await?;
        }
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    let kept = view.list_observed_certificates(&project.scope, "a.example").await.unwrap();
    let names = ["a.example".to_owned(), "b.example".to_owned()];
    let of_names = view.list_observed_certificates_of(&project.scope, &names).await.unwrap();
    assert_eq!(of_names.len(), kept.len());
    assert!(view.list_observed_certificates_of(&project.scope, &names[1..]).await.unwrap().is_empty());
    let kept: Vec<_> = kept.iter().map(|row| row.sha256.as_str()).collect();
    assert_eq!(kept, ["forged 8", "forged 7", "own"]);
}

pub(super) async fn what_ct_holds_is_kept_until_it_ends(store: &Store) {
    let project = add_project(store).await;
    let scope = &project.scope;
    let certificate = |id: &str, not_after: u64, first_seen_at: u64| LoggedCertificateRow {
        project_id: project.row.id.clone(),
        domain: "a.example".into(),
        id: id.into(),
        pins: format!("spki-sha256:{id}"),
        issuer: "CN=Root".into(),
        source: "crt.sh".into(),
        not_after: not_after.into(),
        first_seen_at: first_seen_at.into(),
        is_of_before: 0.into(),
    };
    write(store, async |tx| {
        tx.save_logged_certificate(certificate("a", NOW, NOW - 9)).await?;
        tx.save_logged_certificate(certificate("b", NOW + 9, NOW - 8)).await?;
        tx.save_logged_certificate(LoggedCertificateRow { pins: "more".into(), ..certificate("b", NOW + 9, NOW - 8) })
            .await
    })
    .await
    .unwrap();
    let list = async || store.read().await.unwrap().list_logged_certificates(scope, "a.example").await.unwrap();
    let kept: Vec<_> = list().await.into_iter().map(|row| (row.id, row.pins)).collect();
    assert_eq!(kept, [("b".into(), "more".into()), ("a".into(), "spki-sha256:a".to_owned())]);
    write(store, async |tx| tx.delete_logged_certificates_before(scope, "a.example", NOW + 1).await).await.unwrap();
    assert_eq!(list().await.len(), 1);
    write(store, async |tx| tx.delete_logged_certificates_before(scope, "a.example", u64::MAX).await).await.unwrap();
    assert!(list().await.is_empty());
}

pub(super) async fn a_vantage_point_follows_another_and_is_leased_alone(store: &Store) {
    let project = add_project(store).await;
    let seen = |subject: &str| DriftRow { seen_at: Some(NOW.into()), ..drift_row(&project, subject, NOW) };
    let from_ct = DriftRow { vantage: "ct".into(), ..seen("a") };
    write(store, async |tx| {
        for row in [seen("a"), seen("b"), drift_row(&project, "never looked at", NOW), from_ct.clone()] {
            tx.insert_drift(row).await?;
        }
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    let missing = view.list_drift_without("server", "ct", 9).await.unwrap();
    assert_eq!(missing.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(view.list_drift_from("ct", 9).await.unwrap(), std::slice::from_ref(&from_ct));
    drop(view);
    assert_eq!(lease(store, "one", NOW, 9).await.len(), 3, "not those of another vantage point");
    write(store, async |tx| tx.delete_drift(&from_ct).await).await.unwrap();
    assert!(store.read().await.unwrap().list_drift_from("ct", 9).await.unwrap().is_empty());
}
