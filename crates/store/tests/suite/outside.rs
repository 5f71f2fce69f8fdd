//! What comes from outside, and what is told there: webhooks, calendars, probe agents, reports of violations.

use super::*;

fn webhook(organization: &OrganizationId, by: &AccountId, shown_url: &str) -> WebhookRow {
    WebhookRow {
        id: WebhookId::make(NOW),
        organization_id: organization.clone(),
        shown_url: shown_url.into(),
        url: "sealed".into(),
        format: WebhookFormat::Standard,
        kinds: String::new(),
        secret: "sealed".into(),
        former_secret: None,
        former_until: None,
        free_at: 0.into(),
        failing_since: None,
        disabled_at: None,
        created_by: by.clone(),
        created_at: NOW.into(),
    }
}

fn message(webhook: &WebhookRow, run_at: u64) -> WebhookMessageRow {
    WebhookMessageRow {
        id: MessageId::make(NOW),
        webhook_id: webhook.id.clone(),
        kind: "drift_mismatch".into(),
        body: "{}".into(),
        attempts: 0.into(),
        run_at: Some(run_at.into()),
        lease: None,
        delivered_at: None,
        error: None,
        created_at: NOW.into(),
    }
}

pub(super) async fn a_slow_webhook_holds_up_no_other_and_is_told_one_thing_at_a_time(store: &Store) {
    let owner = add_account(store).await;
    let (_, organization) = found(store, &owner, "acme").await;
    let (slow, other) = (webhook(&organization, &owner.id, "slow"), webhook(&organization, &owner.id, "other"));
    let messages =
        [message(&slow, NOW - 3), message(&slow, NOW - 2), message(&other, NOW - 1), message(&other, NOW + 9)];
    write(store, async |tx| {
        for row in [&slow, &other] {
            tx.insert_webhook(row.clone()).await?;
        }
        for row in &messages {
            tx.insert_message(row.clone()).await?;
        }
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let lease = async |name: &str, now| {
        let taken = write(store, async |tx| tx.lease_message(name, now, now + 60).await).await.unwrap();
        taken.map(|leased| (leased.row.id, leased.row.attempts.value()))
    };
    assert_eq!(lease("one", NOW).await, Some((messages[0].id.clone(), 1)));
    assert_eq!(lease("two", NOW).await, Some((messages[2].id.clone(), 1)), "the slow one is busy");
    assert_eq!(lease("three", NOW + 9).await, None);
    let next = lease("four", NOW + 60).await;
    assert_eq!(next, Some((messages[1].id.clone(), 1)), "due for longer than what is tried again");
    write(store, async |tx| tx.drop_waiting_messages(&slow.id).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.count_waiting_messages(&slow.id).await.unwrap(), 0);
    assert_eq!(view.count_waiting_messages(&other.id).await.unwrap(), 2);
    assert_eq!(view.list_messages(&slow, &first(10)).await.unwrap().len(), 2, "they can be sent again");
    drop(view);
    write(store, async |tx| tx.delete_old_messages(NOW + 1).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert!(view.list_messages(&slow, &first(10)).await.unwrap().is_empty());
    assert_eq!(view.list_messages(&other, &first(10)).await.unwrap().len(), 2, "what waits stays");
}

pub(super) async fn a_webhook_belongs_to_one_organization_and_rests_when_disabled(store: &Store) {
    let owner = add_account(store).await;
    let (acme, id) = found(store, &owner, "acme").await;
    let (other, _) = found(store, &owner, "other").await;
    let row = webhook(&id, &owner.id, "https://hooks.example");
    write(store, async |tx| {
        tx.insert_webhook(row.clone()).await?;
        tx.insert_message(message(&row, NOW)).await
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_webhook(&acme, &row.id).await.unwrap().as_ref(), Some(&row));
    assert_eq!(view.find_webhook(&other, &row.id).await.unwrap(), None);
    assert_eq!((view.count_webhooks(&acme).await.unwrap(), view.count_webhooks(&other).await.unwrap()), (1, 0));
    drop(view);
    let disabled = WebhookRow { disabled_at: Some(NOW.into()), former_secret: Some("old".into()), ..row.clone() };
    write(store, async |tx| tx.save_webhook(&disabled).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert!(view.list_webhooks_in_use(&id).await.unwrap().is_empty());
    assert_eq!(view.load_webhook(&row.id).await.unwrap(), Some(disabled));
    drop(view);
    let leased = write(store, async |tx| tx.lease_message("one", NOW, NOW + 9).await).await.unwrap();
    assert!(leased.is_none(), "nothing is sent there");
    write(store, async |tx| tx.delete_webhook(&row.id).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert!(view.list_messages(&row, &first(10)).await.unwrap().is_empty(), "its messages go with it");
}

pub(super) async fn a_calendar_has_one_secret_at_a_time(store: &Store) {
    let owner = add_account(store).await;
    let (scope, organization) = found(store, &owner, "acme").await;
    let feed = |secret: &str| CalendarFeedRow {
        organization_id: organization.clone(),
        account_id: owner.id.clone(),
        secret_sha256: secret.into(),
        created_at: NOW.into(),
    };
    for secret in ["first", "second"] {
        write(store, async |tx| tx.save_calendar_feed(feed(secret)).await).await.unwrap();
    }
    let view = store.read().await.unwrap();
    assert_eq!(view.find_calendar_feed("first").await.unwrap(), None);
    assert_eq!(view.find_calendar_feed("second").await.unwrap(), Some(feed("second")));
    assert_eq!(view.find_calendar_feed_of(&scope, &owner.id).await.unwrap(), Some(feed("second")));
    drop(view);
    let delete = async || write(store, async |tx| tx.delete_calendar_feed(&organization, &owner.id).await).await;
    assert_eq!((delete().await.unwrap(), delete().await.unwrap()), (true, false));
}

fn agent(organization: &OrganizationId, by: &AccountId, name: &str, key: &str) -> ProbeAgentRow {
    ProbeAgentRow {
        id: AgentId::make(NOW),
        organization_id: organization.clone(),
        name: name.into(),
        public_key: key.into(),
        added_by: by.clone(),
        added_at: NOW.into(),
        last_seq: 0.into(),
        last_report_at: None,
    }
}

pub(super) async fn the_reports_of_an_agent_count_upwards_and_go_with_it(store: &Store) {
    let owner = add_account(store).await;
    let (scope, organization) = found(store, &owner, "acme").await;
    let project = write(store, async |tx| tx.insert_project(&scope, new_project("test"), NOW).await).await.unwrap();
    let office = agent(&organization, &owner.id, "office", "key");
    write(store, async |tx| tx.insert_probe_agent(office.clone()).await).await.unwrap();
    for twin in [agent(&organization, &owner.id, "office", "other"), agent(&organization, &owner.id, "other", "key")] {
        let refused = write(store, async |tx| tx.insert_probe_agent(twin.clone()).await).await;
        assert!(matches!(refused, Err(StoreError::AlreadyExists)));
    }
    let report =
        async |seq| write(store, async |tx| tx.save_probe_report(&office.id, seq, NOW + seq).await).await.unwrap();
    assert_eq!((report(2).await, report(2).await, report(1).await, report(3).await), (true, false, false, true));
    let seen = DriftRow { vantage: "office".into(), due_at: None, ..drift_row(&project, "a.example", NOW) };
    let own = drift_row(&project, "a.example", NOW);
    write(store, async |tx| {
        tx.insert_drift(seen.clone()).await?;
        tx.insert_drift(own.clone()).await
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    let kept = view.find_probe_agent(&organization, &office.id).await.unwrap().unwrap();
    assert_eq!((kept.last_seq, kept.last_report_at), (3.into(), Some((NOW + 3).into())));
    drop(view);
    let gone = write(store, async |tx| tx.delete_probe_agent(&kept).await).await.unwrap();
    assert_eq!(gone.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), [seen]);
    let view = store.read().await.unwrap();
    assert_eq!(view.list_drift(&project.scope, &first(10)).await.unwrap(), [own]);
    assert_eq!(view.count_probe_agents(&organization).await.unwrap(), 0);
}

pub(super) async fn violations_of_a_day_are_added_up(store: &Store) {
    let (project, other) = (add_project(store).await, add_project(store).await);
    let sums = |day: u64, code: &str, refused: u64| ViolationCountRow {
        project_id: project.row.id.clone(),
        day: day.into(),
        domain: "a.example".into(),
        code: code.into(),
        version: 1.into(),
        refused: refused.into(),
        reported: 1.into(),
        reports: 1.into(),
    };
    write(store, async |tx| {
        for row in [sums(0, "pin_mismatch", 1), sums(86_400, "pin_mismatch", 2), sums(86_400, "pin_mismatch", u64::MAX)]
        {
            tx.add_violations(&project.scope, row).await?;
        }
        tx.add_violations(&other.scope, sums(86_400, "pin_mismatch", 7)).await?;
        tx.add_violations(&project.scope, sums(86_400, "ct_not_satisfied", 3)).await
    })
    .await
    .unwrap();
    let list = async |from, limit| {
        let rows = store.read().await.unwrap().list_violations(&project.scope, from, limit).await.unwrap();
        rows.into_iter()
            .map(|row| (row.day.value(), row.code, row.refused.value(), row.reports.value()))
            .collect::<Vec<_>>()
    };
    let most = i64::MAX as u64;
    assert_eq!(list(1, 9).await, [(86_400, "ct_not_satisfied".into(), 3, 1), (86_400, "pin_mismatch".into(), most, 2)]);
    assert_eq!(list(0, 1).await.len(), 1);
    assert_eq!(write(store, async |tx| tx.delete_violations_before(86_400).await).await.unwrap(), 1);
    assert_eq!(list(0, 9).await.len(), 2);
}
