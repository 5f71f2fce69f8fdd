use super::*;

fn alert(project: &Project, subject: &str) -> AlertRow {
    AlertRow {
        id: AlertId::make(NOW),
        organization_id: project.scope.organization().clone(),
        project_id: Some(project.row.id.clone()),
        kind: "pin_expiring".into(),
        severity: "warning".into(),
        subject: subject.into(),
        detail: "It ends.".into(),
        stage: 1.into(),
        raised_at: NOW.into(),
        told_at: NOW.into(),
        resolved_at: None,
        open_key: Some(format!("pin_expiring/{subject}")),
    }
}

fn notice(account: &AccountRow, alert: &AlertRow, change: AlertChange) -> AlertNoticeRow {
    let (account_id, alert_id) = (account.id.clone(), alert.id.clone());
    AlertNoticeRow { account_id, alert_id, change, mail: MailChoice::Immediate, created_at: NOW.into() }
}

pub(super) async fn a_condition_is_open_once_and_again_when_it_was_over(store: &Store) {
    let (mine, foreign) = (add_project(store).await, add_project(store).await);
    let first = alert(&mine, "a");
    write(store, async |tx| tx.insert_alert(first.clone()).await).await.unwrap();
    let again = write(store, async |tx| tx.insert_alert(alert(&mine, "a")).await).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists)));
    write(store, async |tx| tx.insert_alert(alert(&foreign, "a")).await).await.unwrap();

    let organization = mine.scope.organization();
    let open = async || store.read().await.unwrap().find_open_alert(organization, "pin_expiring/a").await.unwrap();
    assert_eq!(open().await, Some(first.clone()));
    write(store, async |tx| tx.close_alert(&first.id, NOW + 5).await).await.unwrap();
    assert_eq!(open().await, None);
    let second = AlertRow { id: AlertId::make(NOW + 9), raised_at: (NOW + 9).into(), ..alert(&mine, "a") };
    write(store, async |tx| tx.insert_alert(second.clone()).await).await.unwrap();

    let view = store.read().await.unwrap();
    let since = async |secs| view.has_alert_since(organization, "pin_expiring", "a", secs).await.unwrap();
    assert_eq!((since(NOW + 9).await, since(NOW + 10).await), (true, false));
    drop(view);
    write(store, async |tx| tx.close_alerts_of(&mine.scope, NOW + 10).await).await.unwrap();
    assert_eq!(open().await, None);
    assert_eq!(write(store, async |tx| tx.delete_old_alerts(NOW + 6).await).await.unwrap(), 1, "the first alone");
}

pub(super) async fn what_a_member_is_told_is_kept_until_it_was_told(store: &Store) {
    let project = add_project(store).await;
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let row = alert(&project, "a");
    write(store, async |tx| {
        tx.insert_alert(row.clone()).await?;
        for change in [AlertChange::Raised, AlertChange::Raised, AlertChange::Resolved] {
            tx.put_notice(notice(&ada, &row, change)).await?;
        }
        tx.put_notice(notice(&bob, &row, AlertChange::Raised)).await
    })
    .await
    .unwrap();
    let waiting =
        async |account: &AccountRow, mail| store.read().await.unwrap().list_notices(&account.id, mail).await.unwrap();
    let told = waiting(&ada, MailChoice::Immediate).await;
    assert_eq!(told.len(), 2, "the same waits once");
    assert!(told.iter().all(|notice| notice.alert == row));
    assert!(waiting(&ada, MailChoice::Digest).await.is_empty());
    write(store, async |tx| tx.delete_notices(&told).await).await.unwrap();
    assert!(waiting(&ada, MailChoice::Immediate).await.is_empty());
    assert_eq!(waiting(&bob, MailChoice::Immediate).await.len(), 1);
    write(store, async |tx| tx.delete_old_notices(NOW + 1).await).await.unwrap();
    assert!(waiting(&bob, MailChoice::Immediate).await.is_empty());
    let filter = AlertFilter { kinds: vec!["pin_expiring".into()], is_open: true, project: None };
    let owner = add_account(store).await;
    let stranger = add_organization(store, &owner, "other").await;
    assert!(store.read().await.unwrap().list_alerts(&stranger, &filter, &first(9)).await.unwrap().is_empty());
}

pub(super) async fn what_ends_belongs_to_one_project(store: &Store) {
    let (mine, foreign) = (add_project(store).await, add_project(store).await);
    let due = |due_at: u64| DueDateRow {
        project_id: mine.row.id.clone(),
        kind: DueKind::Certificate,
        subject: "a.example".into(),
        due_at: due_at.into(),
        noted_at: NOW.into(),
    };
    for due_at in [NOW + 10, NOW + 20] {
        write(store, async |tx| tx.save_due_date(due(due_at)).await).await.unwrap();
    }
    let list = async |project: &Project| store.read().await.unwrap().list_due_dates(&project.scope).await.unwrap();
    assert_eq!(list(&mine).await, [due(NOW + 20)], "the last that was said counts");
    assert!(list(&foreign).await.is_empty());
    write(store, async |tx| tx.delete_due_date(&due(0)).await).await.unwrap();
    assert!(list(&mine).await.is_empty());
}
