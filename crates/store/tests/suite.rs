//! The behaviour of a store, as functions over an opened one: every database passes the same suite.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use pintle_store::{
    AccountId, AccountRow, Approval, CtLogRow, Custody, DomainId, DomainRow, DraftDomain, EmailRow,
    IdempotentRequestRow, InvitationId, InvitationRow, JobKind, KeyCiphertextRow, LeasedJob, MailId, MailKind, MailRow,
    NewJob, NewProject, OneTimeSecretRow, OrganizationId, OrganizationRow, OrganizationScope, Page, PasswordRow, PinId,
    PinRow, Project, ProjectRow, PublishedObjectRow, ReleaseId, ReleaseKind, ReleaseRow, ReleaseState, Role, SessionId,
    SessionRow, StatementRow, Store, StoreError, TargetOutcome, TargetState, TokenId, TokenRow, TotpRow, Unsigned,
    WriteTx,
};

const NOW: u64 = 1_800_000_000;

macro_rules! suite {
    ($($behaviour:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let folder = tempfile::tempdir().unwrap();
                    let store = super::Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
                    super::$behaviour(&store).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let url = pintle_testkit::postgres::make_database().parse().unwrap();
                    let store = super::Store::open(&url).await.unwrap();
                    super::$behaviour(&store).await;
                }
            )*
        }
    };
}

suite!(
    a_failed_change_leaves_nothing_behind,
    a_change_with_a_failed_part_is_not_committed,
    a_view_does_not_change_under_its_reader,
    an_organization_is_visible_to_its_members_alone,
    a_project_is_reached_through_its_organization_alone,
    a_domain_and_its_pins_belong_to_one_project,
    the_ciphertext_of_a_key_is_replaced_and_forgotten,
    the_same_name_project_domain_or_pin_is_refused_twice,
    ct_logs_are_replaced_whole_and_belong_to_one_project,
    a_token_is_found_by_its_prefix,
    an_address_belongs_to_one_account,
    a_session_is_found_by_its_secret_and_ended_by_its_owner,
    a_secret_comes_back_once,
    a_code_of_a_second_factor_is_used_once,
    a_mail_is_leased_once_and_remembered_when_sent,
    a_mail_goes_with_the_invitation_it_is_about,
    a_prepared_release_waits_until_it_is_voided,
    one_release_is_live_at_a_time,
    a_release_that_waits_is_not_the_last_one,
    targets_of_a_release_are_kept_one_by_one,
    a_project_is_renamed_and_withdrawn,
    what_plans_limit_is_counted,
    statements_of_a_project_are_kept_in_order_each_once,
    a_job_is_leased_once_and_again_when_the_lease_ends,
    a_cancelled_job_is_not_done,
    a_published_file_is_replaced_only_by_who_knows_it,
    two_writers_wait_for_each_other,
    a_list_is_read_page_by_page,
    an_idempotency_key_belongs_to_one_account_until_it_is_old,
);

fn first<K>(limit: u64) -> Page<K> {
    Page { after: None, limit }
}

async fn write<T, E: From<StoreError>>(store: &Store, change: impl AsyncFn(&WriteTx) -> Result<T, E>) -> Result<T, E> {
    let tx = store.write().await?;
    let answer = change(&tx).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn add_account(store: &Store) -> AccountRow {
    let account = AccountRow { id: AccountId::make(NOW), name: "ada".into(), created_at: NOW.into() };
    write(store, async |tx| tx.insert_account(account.clone()).await).await.unwrap();
    account
}

async fn add_organization(store: &Store, owner: &AccountRow, name: &str) -> OrganizationScope {
    let organization = OrganizationRow { id: OrganizationId::make(NOW), name: name.into(), created_at: NOW.into() };
    let member = write(store, async |tx| tx.insert_organization(organization.clone(), &owner.id).await).await.unwrap();
    assert_eq!(member.role, Role::Owner);
    member.scope
}

fn new_project(environment: &str) -> NewProject {
    NewProject {
        name: "app".into(),
        environment: environment.into(),
        keys: None,
        approval: Approval::None,
        refresh_secs: 600,
        on_stale: "keep".into(),
        expires_after_secs: None,
    }
}

async fn add_project(store: &Store) -> Project {
    let owner = add_account(store).await;
    let organization = add_organization(store, &owner, "acme").await;
    write(store, async |tx| tx.insert_project(&organization, new_project("test"), NOW).await).await.unwrap()
}

fn domain(project: &Project, name: &str) -> DomainRow {
    DomainRow {
        id: DomainId::make(NOW),
        project_id: project.row.id.clone(),
        name: name.into(),
        display_name: name.into(),
        enforce_percent: 100.into(),
        trust: "platform".into(),
        ct_policy: "off".into(),
        ct_min: 2.into(),
        ct_logs: None,
        created_at: NOW.into(),
    }
}

fn pin(domain: &DomainRow, digest: &str) -> PinRow {
    PinRow {
        id: PinId::make(NOW),
        domain_id: domain.id.clone(),
        pin_type: "spki-sha256".into(),
        digest: digest.into(),
        pin_match: "leaf".into(),
        expires_at: None,
        source: "by_hand".into(),
        label: None,
        created_at: NOW.into(),
    }
}

fn release(project: &Project, by: &AccountId, version: u64) -> ReleaseRow {
    ReleaseRow {
        id: ReleaseId::make(NOW),
        project_id: project.row.id.clone(),
        version: version.into(),
        claims_sha256: format!("{version:064}"),
        kind: ReleaseKind::Configuration,
        state: ReleaseState::Accepted,
        accepted_by: by.clone(),
        accepted_at: NOW.into(),
        publish_at: None,
        approved_by: None,
        approved_at: None,
        live_at: None,
    }
}

fn statement(project: &Project, by: &AccountId, seq: u64, key: &str) -> StatementRow {
    StatementRow {
        project_id: project.row.id.clone(),
        seq: seq.into(),
        jws: format!("jws {seq}"),
        public_key: key.into(),
        signer_kid: "kid".into(),
        accepted_by: by.clone(),
        accepted_at: NOW.into(),
    }
}

async fn a_failed_change_leaves_nothing_behind(store: &Store) {
    let account = AccountRow { id: AccountId::make(NOW), name: "ada".into(), created_at: NOW.into() };
    let refused = write(store, async |tx| {
        tx.insert_account(account.clone()).await?;
        tx.insert_account(account.clone()).await
    })
    .await;
    assert!(matches!(refused, Err(StoreError::AlreadyExists)));
    assert!(store.read().await.unwrap().has_no_account().await.unwrap());
}

async fn a_change_with_a_failed_part_is_not_committed(store: &Store) {
    let account = |name: &str| AccountRow { id: AccountId::make(NOW), name: name.into(), created_at: NOW.into() };
    let ada = account("ada");
    let tx = store.write().await.unwrap();
    tx.insert_account(ada.clone()).await.unwrap();
    assert!(matches!(tx.insert_account(ada).await, Err(StoreError::AlreadyExists)));
    // Whatever SQLite would still do and PostgreSQL would not.
    let _ = tx.insert_account(account("bob")).await;
    assert!(matches!(tx.commit().await, Err(StoreError::Undone)));
    assert!(store.read().await.unwrap().has_no_account().await.unwrap());
}

async fn a_view_does_not_change_under_its_reader(store: &Store) {
    let view = store.read().await.unwrap();
    assert!(view.has_no_account().await.unwrap());
    add_account(store).await;
    assert!(view.has_no_account().await.unwrap());
    assert!(!store.read().await.unwrap().has_no_account().await.unwrap());
}

async fn an_organization_is_visible_to_its_members_alone(store: &Store) {
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let organization = OrganizationRow { id: OrganizationId::make(NOW), name: "acme".into(), created_at: NOW.into() };
    write(store, async |tx| tx.insert_organization(organization.clone(), &ada.id).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_membership(&ada.id, &organization.id).await.unwrap().unwrap().organization, organization);
    assert!(view.find_membership(&bob.id, &organization.id).await.unwrap().is_none());
    assert_eq!(view.list_memberships(&ada.id, &first(9)).await.unwrap().len(), 1);
    assert!(view.list_memberships(&bob.id, &first(9)).await.unwrap().is_empty());
}

async fn a_project_is_reached_through_its_organization_alone(store: &Store) {
    let project = add_project(store).await;
    let stranger = add_account(store).await;
    let other = add_organization(store, &stranger, "other").await;
    let view = store.read().await.unwrap();
    assert!(view.find_project(&other, &project.row.id).await.unwrap().is_none());
    assert!(view.list_projects(&other, &first(9)).await.unwrap().is_empty());
    assert_eq!(project.row.custody, Custody::External);
    let draft = view.find_draft(&project.scope).await.unwrap().unwrap();
    assert_eq!((draft.revision.value(), draft.refresh_secs.value()), (1, 600));
}

async fn the_ciphertext_of_a_key_is_replaced_and_forgotten(store: &Store) {
    let (mine, foreign) = (add_project(store).await, add_project(store).await);
    let account = add_account(store).await;
    let row = |kid: &str| KeyCiphertextRow {
        project_id: mine.row.id.clone(),
        kid: kid.into(),
        pem: "-----BEGIN".into(),
        stored_by: account.id.clone(),
        stored_at: NOW.into(),
    };
    for kid in ["one", "two"] {
        write(store, async |tx| {
            tx.save_key_ciphertext(&mine.scope, row(kid)).await?;
            tx.save_custody(&mine.scope, Custody::BrowserPassword).await
        })
        .await
        .unwrap();
        let view = store.read().await.unwrap();
        assert_eq!(view.find_key_ciphertext(&mine.scope).await.unwrap(), Some(row(kid)));
        assert_eq!(view.find_key_ciphertext(&foreign.scope).await.unwrap(), None);
    }
    assert!(write(store, async |tx| tx.delete_key_ciphertext(&mine.scope).await).await.unwrap());
    assert!(!write(store, async |tx| tx.delete_key_ciphertext(&mine.scope).await).await.unwrap());
    assert_eq!(store.read().await.unwrap().find_key_ciphertext(&mine.scope).await.unwrap(), None);
}

async fn a_domain_and_its_pins_belong_to_one_project(store: &Store) {
    let (mine, foreign) = (add_project(store).await, add_project(store).await);
    let row = domain(&mine, "a.example");
    let added = pin(&row, "AA==");
    write(store, async |tx| {
        tx.insert_domain(&mine.scope, row.clone()).await?;
        let found = tx.find_domain(&mine.scope, &row.id).await?.unwrap();
        tx.insert_pin(&found, added.clone()).await
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    let expected = DraftDomain { row: row.clone(), pins: vec![added.clone()] };
    assert_eq!(view.list_domains(&mine.scope).await.unwrap(), [expected]);
    assert!(view.list_domains(&foreign.scope).await.unwrap().is_empty());
    assert!(view.find_domain(&foreign.scope, &row.id).await.unwrap().is_none());
    drop(view);
    write(store, async |tx| {
        assert!(!tx.delete_pin(&foreign.scope, &row.id, &added.id).await?);
        assert!(!tx.delete_domain(&foreign.scope, &row.id).await?);
        let changed = DomainRow { enforce_percent: 0.into(), ct_logs: Some("1 2".into()), ..row.clone() };
        assert!(!tx.save_domain_settings(&foreign.scope, &changed).await?);
        assert!(tx.save_domain_settings(&mine.scope, &changed).await?);
        assert!(tx.delete_pin(&mine.scope, &row.id, &added.id).await?);
        let found = tx.find_domain(&mine.scope, &row.id).await?.unwrap();
        assert_eq!(found, DraftDomain { row: changed, pins: vec![] });
        tx.insert_pin(&found, added.clone()).await?;
        assert!(tx.delete_domain(&mine.scope, &row.id).await?);
        assert!(tx.list_domains(&mine.scope).await?.is_empty());
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

async fn the_same_name_project_domain_or_pin_is_refused_twice(store: &Store) {
    let owner = add_account(store).await;
    let organization = add_organization(store, &owner, "acme").await;
    let add = async |environment| {
        write(store, async |tx| tx.insert_project(&organization, new_project(environment), NOW).await).await
    };
    let project = add("test").await.unwrap();
    assert!(matches!(add("test").await, Err(StoreError::AlreadyExists)));
    add("production").await.unwrap();
    let row = domain(&project, "a.example");
    write(store, async |tx| tx.insert_domain(&project.scope, row.clone()).await).await.unwrap();
    let again = DomainRow { id: DomainId::make(NOW), ..row.clone() };
    let refused = write(store, async |tx| tx.insert_domain(&project.scope, again.clone()).await).await;
    assert!(matches!(refused, Err(StoreError::AlreadyExists)));
    let refused = write(store, async |tx| {
        let found = tx.find_domain(&project.scope, &row.id).await?.unwrap();
        tx.insert_pin(&found, pin(&row, "AA==")).await?;
        tx.insert_pin(&found, pin(&row, "AA==")).await
    })
    .await;
    assert!(matches!(refused, Err(StoreError::AlreadyExists)));
}

async fn ct_logs_are_replaced_whole_and_belong_to_one_project(store: &Store) {
    let (project, stranger) = (add_project(store).await, add_project(store).await);
    let log = |project: &Project, id: &str, name: &str| CtLogRow {
        project_id: project.row.id.clone(),
        log_id: id.into(),
        public_key: "key".into(),
        operator: "acme".into(),
        name: name.into(),
        usable_until: None,
    };
    let (first, second) = (log(&project, "1", "b"), log(&project, "2", "a"));
    write(store, async |tx| tx.replace_ct_logs(&stranger.scope, vec![first.clone()]).await).await.unwrap();
    write(store, async |tx| tx.replace_ct_logs(&project.scope, vec![first.clone(), second.clone()]).await)
        .await
        .unwrap();
    let tx = store.read().await.unwrap();
    assert_eq!(tx.list_ct_logs(&project.scope).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(tx.list_ct_logs(&stranger.scope).await.unwrap(), [log(&stranger, "1", "b")]);
    drop(tx);
    let twice = write(store, async |tx| tx.replace_ct_logs(&project.scope, vec![first.clone(); 2]).await).await;
    assert!(matches!(twice, Err(StoreError::AlreadyExists)));
    write(store, async |tx| tx.replace_ct_logs(&project.scope, vec![second.clone()]).await).await.unwrap();
    assert_eq!(store.read().await.unwrap().list_ct_logs(&project.scope).await.unwrap(), std::slice::from_ref(&second));
}

async fn a_token_is_found_by_its_prefix(store: &Store) {
    let account = add_account(store).await;
    let token = TokenRow {
        id: TokenId::make(NOW),
        account_id: account.id.clone(),
        name: "first".into(),
        prefix: "pintle_0123".into(),
        secret_sha256: "ab".into(),
        scopes: "read edit".into(),
        created_at: NOW.into(),
        last_used_at: None,
        expires_at: None,
        organization_id: None,
        project_id: None,
        revoked_at: None,
    };
    write(store, async |tx| tx.insert_token(token.clone()).await).await.unwrap();
    write(store, async |tx| tx.save_token_use(&token.id, NOW + 5).await).await.unwrap();
    let view = store.read().await.unwrap();
    let (found, of) = view.find_token("pintle_0123").await.unwrap().unwrap();
    assert_eq!((found.last_used_at.map(Unsigned::value), of), (Some(NOW + 5), account));
    assert!(view.find_token("pintle_01").await.unwrap().is_none());
}

async fn a_prepared_release_waits_until_it_is_voided(store: &Store) {
    let project = add_project(store).await;
    write(store, async |tx| {
        assert_eq!(tx.find_last_prepared_version(&project.scope).await?, None);
        for version in [9_007_199_254_740_991, 2, 10] {
            tx.insert_prepared(&project.scope, version, format!("{{\"ver\":{version}}}"), NOW).await?;
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

async fn one_release_is_live_at_a_time(store: &Store) {
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

async fn a_release_that_waits_is_not_the_last_one(store: &Store) {
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

async fn targets_of_a_release_are_kept_one_by_one(store: &Store) {
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

async fn a_project_is_renamed_and_withdrawn(store: &Store) {
    let owner = add_account(store).await;
    let organization = add_organization(store, &owner, "acme").await;
    let add = async |environment| {
        write(store, async |tx| tx.insert_project(&organization, new_project(environment), NOW).await).await.unwrap()
    };
    let (project, _taken) = (add("one").await, add("two").await);
    let save = async |environment: &str| {
        let row =
            ProjectRow { environment: environment.into(), approval: Approval::SecondPerson, ..project.row.clone() };
        write(store, async |tx| tx.save_project(&project.scope, &row).await).await
    };
    assert!(matches!(save("two").await, Err(StoreError::AlreadyExists)));
    save("three").await.unwrap();
    let (org, id) = (project.row.organization_id.as_str(), project.row.id.as_str());
    assert!(!store.read().await.unwrap().is_withdrawn(org, id).await.unwrap());
    write(store, async |tx| tx.save_withdrawn(&project.scope, Some(NOW)).await).await.unwrap();
    let view = store.read().await.unwrap();
    let found = view.find_project(&organization, &project.row.id).await.unwrap().unwrap().row;
    assert_eq!((found.environment.as_str(), found.approval), ("three", Approval::SecondPerson));
    assert!(view.is_withdrawn(org, id).await.unwrap());
    assert!(!view.is_withdrawn(OrganizationId::make(NOW).as_str(), id).await.unwrap(), "of another organization");
}

async fn what_plans_limit_is_counted(store: &Store) {
    let owner = add_account(store).await;
    let organization = add_organization(store, &owner, "acme").await;
    add_organization(store, &owner, "other").await;
    let project =
        write(store, async |tx| tx.insert_project(&organization, new_project("test"), NOW).await).await.unwrap();
    write(store, async |tx| tx.insert_domain(&project.scope, domain(&project, "a.example")).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.count_owned_organizations(&owner.id).await.unwrap(), 2);
    assert_eq!(view.count_projects(&organization).await.unwrap(), 1);
    assert_eq!(view.count_domains(&project.row.organization_id).await.unwrap(), 1);
}

async fn statements_of_a_project_are_kept_in_order_each_once(store: &Store) {
    let (mine, foreign) = (add_project(store).await, add_project(store).await);
    let by = add_account(store).await.id;
    let statement = |seq: u64, key: &str| statement(&mine, &by, seq, key);
    let add =
        async |row: StatementRow| write(store, async |tx| tx.insert_statement(&mine.scope, row.clone()).await).await;
    for seq in [10, 9] {
        add(statement(seq, &format!("key {seq}"))).await.unwrap();
    }
    assert!(matches!(add(statement(10, "key 11")).await, Err(StoreError::AlreadyExists)), "the same seq");
    assert!(matches!(add(statement(11, "key 9")).await, Err(StoreError::AlreadyExists)), "the same key");
    let view = store.read().await.unwrap();
    let listed = view.list_statements(&mine.scope).await.unwrap();
    assert_eq!(listed, [statement(9, "key 9"), statement(10, "key 10")]);
    assert_eq!(view.find_last_statement(&mine.scope).await.unwrap().as_ref(), listed.last());
    assert!(view.list_statements(&foreign.scope).await.unwrap().is_empty());
    assert!(view.find_last_statement(&foreign.scope).await.unwrap().is_none());
}

async fn a_job_is_leased_once_and_again_when_the_lease_ends(store: &Store) {
    add_job(store, "first", NOW).await.unwrap();
    assert!(matches!(add_job(store, "first", NOW).await, Err(StoreError::AlreadyExists)), "one per kind and subject");
    let first = lease(store, "early", NOW - 1).await;
    assert!(first.is_none());
    let first = lease(store, "first", NOW).await.unwrap();
    assert_eq!((first.row.subject.as_str(), first.row.attempts.value()), ("first", 1));
    assert!(lease(store, "second", NOW + 59).await.is_none());
    assert_eq!(store.read().await.unwrap().find_next_job_time().await.unwrap(), Some(NOW + 60));
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
    assert_eq!(store.read().await.unwrap().find_next_job_time().await.unwrap(), None);
}

async fn a_cancelled_job_is_not_done(store: &Store) {
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
    write(store, async |tx| tx.lease_job(name, now, now + 60).await).await.unwrap()
}

async fn a_published_file_is_replaced_only_by_who_knows_it(store: &Store) {
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

async fn two_writers_wait_for_each_other(store: &Store) {
    let project = add_project(store).await;
    let raise = || async {
        for _ in 0..20 {
            write(store, async |tx| tx.raise_revision(&project.scope).await).await.unwrap();
        }
    };
    tokio::join!(raise(), raise(), raise());
    let view = store.read().await.unwrap();
    assert_eq!(view.find_draft(&project.scope).await.unwrap().unwrap().revision.value(), 61);
}

async fn a_list_is_read_page_by_page(store: &Store) {
    let owner = add_account(store).await;
    let organization = add_organization(store, &owner, "acme").await;
    for (name, environment) in [("b", "x"), ("a", "y"), ("B", "x"), ("b", "w"), ("ä", "x")] {
        let project = NewProject { name: name.into(), ..new_project(environment) };
        write(store, async |tx| tx.insert_project(&organization, project.clone(), NOW).await).await.unwrap();
    }
    let view = store.read().await.unwrap();
    let mut seen = Vec::new();
    let mut page: Page<(String, String)> = first(2);
    loop {
        let found = view.list_projects(&organization, &page).await.unwrap();
        let Some(last) = found.last() else { break };
        page.after = Some((last.row.name.clone(), last.row.environment.clone()));
        seen.extend(found.into_iter().map(|project| format!("{}/{}", project.row.name, project.row.environment)));
    }
    assert_eq!(seen, ["B/x", "a/y", "b/w", "b/x", "ä/x"]);

    let project = view.list_projects(&organization, &first(1)).await.unwrap().pop().unwrap();
    drop(view);
    for (seq, name) in (1..=3).zip(["c.example", "a.example", "b.example"]) {
        let row = domain(&project, name);
        write(store, async |tx| {
            tx.insert_domain(&project.scope, row.clone()).await?;
            let found = tx.find_domain(&project.scope, &row.id).await?.unwrap();
            tx.insert_pin(&found, pin(&row, name)).await?;
            tx.insert_statement(&project.scope, statement(&project, &owner.id, seq, name)).await?;
            tx.insert_release(&project.scope, release(&project, &owner.id, seq), "a.b.c".into()).await
        })
        .await
        .unwrap();
    }
    let view = store.read().await.unwrap();
    let after_a = Page { after: Some("a.example".to_owned()), limit: 1 };
    let domains = view.list_domain_page(&project.scope, &after_a).await.unwrap();
    let found: Vec<_> = domains.iter().flat_map(|domain| &domain.pins).map(|pin| pin.digest.as_str()).collect();
    assert_eq!(found, ["b.example"]);
    let after_2 = Page { after: Some(2), limit: 9 };
    let statements = view.list_statement_page(&project.scope, &after_2).await.unwrap();
    assert_eq!(statements.iter().map(|statement| statement.seq.value()).collect::<Vec<_>>(), [3]);
    // The newest come first.
    let releases = view.list_releases(&project.scope, &after_2).await.unwrap();
    assert_eq!(releases.iter().map(|release| release.version.value()).collect::<Vec<_>>(), [1]);
    // A number that no column holds.
    let beyond = Page { after: Some(u64::MAX), limit: 9 };
    assert!(view.list_statement_page(&project.scope, &beyond).await.unwrap().is_empty());
}

async fn an_idempotency_key_belongs_to_one_account_until_it_is_old(store: &Store) {
    let (ada, bob) = (add_account(store).await.id, add_account(store).await.id);
    let row = |account: &AccountId, key: &str, at: u64| IdempotentRequestRow {
        account_id: account.clone(),
        key_sha256: key.into(),
        fingerprint: "f".into(),
        attempt: "1".into(),
        created_at: at.into(),
        status: None,
        headers: None,
        body: None,
    };
    let first = row(&ada, "k1", NOW);
    write(store, async |tx| tx.insert_idempotent_request(first.clone(), 2).await).await.unwrap();
    write(store, async |tx| tx.insert_idempotent_request(row(&bob, "k1", NOW), 2).await).await.unwrap();
    let twice = write(store, async |tx| tx.insert_idempotent_request(first.clone(), 2).await).await;
    assert!(matches!(twice, Err(StoreError::AlreadyExists)));

    let answered = IdempotentRequestRow {
        status: Some(201.into()),
        headers: Some("etag: 1".into()),
        body: Some(b"{}".to_vec()),
        ..first
    };
    let other_attempt = IdempotentRequestRow { attempt: "2".into(), status: Some(500.into()), ..answered.clone() };
    write(store, async |tx| tx.save_idempotent_answer(answered.clone()).await).await.unwrap();
    write(store, async |tx| tx.save_idempotent_answer(other_attempt.clone()).await).await.unwrap();
    let find = async |account: &AccountId, key: &str| {
        store.read().await.unwrap().find_idempotent_request(account, key).await.unwrap()
    };
    assert_eq!(find(&ada, "k1").await, Some(answered));

    for (key, at) in [("k2", NOW + 1), ("k3", NOW + 2)] {
        write(store, async |tx| tx.insert_idempotent_request(row(&ada, key, at), 2).await).await.unwrap();
    }
    let kept = [find(&ada, "k1").await, find(&ada, "k2").await, find(&ada, "k3").await, find(&bob, "k1").await];
    assert_eq!(kept.map(|found| found.is_some()), [false, true, true, true], "the oldest of the account went");
    write(store, async |tx| tx.delete_idempotent_requests_before(NOW + 2).await).await.unwrap();
    let kept = [find(&ada, "k2").await, find(&ada, "k3").await, find(&bob, "k1").await];
    assert_eq!(kept.map(|found| found.is_some()), [false, true, false]);
}

async fn an_address_belongs_to_one_account(store: &Store) {
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let email = |account: &AccountRow, address: &str| EmailRow {
        account_id: account.id.clone(),
        address: address.into(),
        address_key: address.to_lowercase(),
        verified_at: NOW.into(),
    };
    let save = async |row: EmailRow| write(store, async |tx| tx.save_email(row.clone()).await).await;
    save(email(&ada, "Ada@example.com")).await.unwrap();
    assert!(matches!(save(email(&bob, "ada@example.com")).await, Err(StoreError::AlreadyExists)));
    save(email(&ada, "ada@new.example")).await.unwrap();
    save(email(&bob, "ada@example.com")).await.unwrap();
    let password = |hash: &str| PasswordRow { account_id: ada.id.clone(), hash: hash.into(), changed_at: NOW.into() };
    for hash in ["first", "second"] {
        write(store, async |tx| tx.save_password(password(hash)).await).await.unwrap();
    }
    let view = store.read().await.unwrap();
    assert_eq!(view.find_account_by_email("ada@example.com").await.unwrap().unwrap().0, bob);
    assert!(view.find_account_by_email("Ada@example.com").await.unwrap().is_none(), "the key is in lower case");
    assert_eq!(view.find_email(&ada.id).await.unwrap(), Some(email(&ada, "ada@new.example")));
    assert_eq!(view.find_password(&ada.id).await.unwrap(), Some(password("second")));
    assert_eq!(view.find_password(&bob.id).await.unwrap(), None);
}

fn session(account: &AccountRow, secret: &str, last_used_at: u64) -> SessionRow {
    SessionRow {
        id: SessionId::make(NOW),
        account_id: account.id.clone(),
        secret_sha256: secret.into(),
        method: "password".into(),
        client: "test".into(),
        network_tag: None,
        created_at: NOW.into(),
        authenticated_at: NOW.into(),
        last_used_at: last_used_at.into(),
        expires_at: (NOW + 1000).into(),
    }
}

async fn a_session_is_found_by_its_secret_and_ended_by_its_owner(store: &Store) {
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let [one, two, three] = ["1", "2", "3"].map(|secret| session(&ada, secret, NOW + secret.len() as u64));
    write(store, async |tx| {
        for row in [&one, &two, &three] {
            tx.insert_session(row.clone()).await?;
        }
        tx.save_session_use(&two.id, NOW + 50).await?;
        assert!(!tx.delete_session(&bob.id, &one.id).await?);
        assert_eq!(tx.delete_sessions(&bob.id, None).await?, 0);
        assert!(tx.delete_session(&ada.id, &one.id).await?);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_session("2").await.unwrap().unwrap().1, ada);
    assert!(view.find_session("1").await.unwrap().is_none());
    let list = async |now, idle_since| {
        let found = store.read().await.unwrap().list_sessions(&ada.id, now, idle_since, &first(9)).await.unwrap();
        found.into_iter().map(|row| row.id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(list(NOW, NOW).await, [two.id.clone(), three.id.clone()].into());
    assert_eq!(list(NOW, NOW + 1).await, [two.id.clone()].into(), "the other was not used for long");
    assert!(list(NOW + 1000, NOW).await.is_empty());
    drop(view);
    write(store, async |tx| tx.delete_ended_sessions(NOW, NOW + 2).await).await.unwrap();
    assert!(store.read().await.unwrap().find_session("3").await.unwrap().is_none(), "not used for long");
    write(store, async |tx| tx.insert_session(one.clone()).await).await.unwrap();
    assert_eq!(write(store, async |tx| tx.delete_sessions(&ada.id, Some(&one.id)).await).await.unwrap(), 1);
    write(store, async |tx| tx.delete_ended_sessions(NOW + 1000, 0).await).await.unwrap();
    assert!(store.read().await.unwrap().find_session("1").await.unwrap().is_none(), "expired");
}

async fn a_code_of_a_second_factor_is_used_once(store: &Store) {
    let ada = add_account(store).await.id;
    let row = |last_step: u64| TotpRow {
        account_id: ada.clone(),
        secret: "sealed".into(),
        confirmed_at: Some(NOW.into()),
        last_step: last_step.into(),
    };
    write(store, async |tx| {
        tx.save_totp(row(4)).await?;
        tx.save_totp(row(5)).await?;
        assert_eq!(tx.find_totp(&ada).await?, Some(row(5)));
        assert!(!tx.use_totp_step(&ada, 5).await?);
        assert!(tx.use_totp_step(&ada, 6).await?);
        assert!(!tx.use_totp_step(&ada, 6).await?);
        tx.replace_recovery_codes(&ada, vec!["0".into()]).await?;
        tx.replace_recovery_codes(&ada, vec!["1".into(), "2".into()]).await?;
        assert!(!tx.delete_recovery_code(&ada, "0").await?);
        assert!(tx.delete_recovery_code(&ada, "1").await?);
        assert!(!tx.delete_recovery_code(&ada, "1").await?);
        assert_eq!(tx.count_recovery_codes(&ada).await?, 1);
        tx.delete_totp(&ada).await?;
        assert_eq!((tx.find_totp(&ada).await?, tx.count_recovery_codes(&ada).await?), (None, 0));
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

async fn a_secret_comes_back_once(store: &Store) {
    let ada = add_account(store).await;
    let secret = |digest: &str, account: Option<&AccountRow>| OneTimeSecretRow {
        secret_sha256: digest.into(),
        purpose: "test".into(),
        account_id: account.map(|account| account.id.clone()),
        state: "{}".into(),
        expires_at: (NOW + 10).into(),
    };
    write(store, async |tx| {
        tx.insert_one_time_secret(secret("1", Some(&ada))).await?;
        tx.insert_one_time_secret(secret("2", Some(&ada))).await?;
        tx.insert_one_time_secret(secret("3", None)).await?;
        assert_eq!(tx.find_one_time_secret("1", "test").await?, Some(secret("1", Some(&ada))));
        assert_eq!(tx.find_one_time_secret("1", "other").await?, None);
        assert!(tx.delete_one_time_secret("1").await?);
        assert!(!tx.delete_one_time_secret("1").await?);
        tx.delete_one_time_secrets_of(&ada.id).await?;
        assert_eq!(tx.find_one_time_secret("2", "test").await?, None);
        tx.delete_expired_one_time_secrets(NOW + 9).await?;
        assert!(tx.find_one_time_secret("3", "test").await?.is_some());
        tx.delete_expired_one_time_secrets(NOW + 10).await?;
        assert_eq!(tx.find_one_time_secret("3", "test").await?, None);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

fn mail(kind: MailKind) -> MailRow {
    MailRow {
        id: MailId::make(NOW),
        kind,
        address: "Ada@example.com".into(),
        address_key: "ada@example.com".into(),
        account_id: None,
        invitation_id: None,
        attempts: 0.into(),
        run_at: Some(NOW.into()),
        lease: None,
        created_at: NOW.into(),
    }
}

async fn a_mail_goes_with_the_invitation_it_is_about(store: &Store) {
    let ada = add_account(store).await;
    let scope = add_organization(store, &ada, "Acme").await;
    let invitation = InvitationRow {
        id: InvitationId::make(NOW),
        organization_id: OrganizationId::make(NOW),
        role: Role::Editor,
        email: Some("Ada@example.com".into()),
        email_key: Some("ada@example.com".into()),
        prefix: "first".into(),
        secret_sha256: "a".into(),
        invited_by: ada.id.clone(),
        created_at: NOW.into(),
        expires_at: (NOW + 60).into(),
    };
    let id = &invitation.id;
    write(store, async |tx| {
        tx.insert_invitation(&scope, invitation.clone()).await?;
        tx.insert_mail(MailRow { invitation_id: Some(id.clone()), ..mail(MailKind::Invitation) }).await?;
        tx.save_invitation_secret(id, "second", "b").await
    })
    .await
    .unwrap();
    let view = store.read().await.unwrap();
    assert!(view.find_invitation_by_prefix("first").await.unwrap().is_none());
    let found = view.find_open_invitation(id).await.unwrap().unwrap();
    assert_eq!((found.row.prefix.as_str(), found.row.secret_sha256.as_str()), ("second", "b"));
    assert_eq!(found.organization.name, "Acme");
    let count = async |key, now| view.list_invitations_for(key, now).await.unwrap().len();
    assert_eq!((count("ada@example.com", NOW).await, count("ada@example.com", NOW + 60).await), (1, 0));
    assert_eq!(count("bob@example.com", NOW).await, 0);
    drop(view);
    write(store, async |tx| tx.delete_invitation(&scope, id).await).await.unwrap();
    assert_eq!(store.read().await.unwrap().count_waiting_mails().await.unwrap(), 0);
}

async fn a_mail_is_leased_once_and_remembered_when_sent(store: &Store) {
    let mail = mail(MailKind::SignUp);
    write(store, async |tx| tx.insert_mail(mail.clone()).await).await.unwrap();
    let lease =
        async |name: &str, now| write(store, async |tx| tx.lease_mail(name, now, now + 60).await).await.unwrap();
    let release = async |mail: &MailRow, at| write(store, async |tx| tx.release_mail(mail, at).await).await.unwrap();
    assert!(lease("early", NOW - 1).await.is_none());
    let first = lease("first", NOW).await.unwrap();
    assert!(lease("second", NOW + 59).await.is_none());
    let second = lease("second", NOW + 60).await.unwrap();
    assert_eq!(second.attempts.value(), 2);
    assert!(!release(&first, None).await, "a lost lease changes nothing");
    assert!(release(&second, Some(NOW + 70)).await);
    let view = store.read().await.unwrap();
    assert_eq!(
        (view.find_next_mail_time().await.unwrap(), view.count_waiting_mails().await.unwrap()),
        (Some(NOW + 70), 1)
    );
    drop(view);
    let third = lease("third", NOW + 70).await.unwrap();
    assert!(release(&third, None).await);
    let view = store.read().await.unwrap();
    assert_eq!((view.find_next_mail_time().await.unwrap(), view.count_waiting_mails().await.unwrap()), (None, 0));
    let count = async |kind, since| view.count_mails_since(kind, "ada@example.com", since).await.unwrap();
    assert_eq!(count(MailKind::SignUp, NOW).await, 1);
    assert_eq!(count(MailKind::SignUp, NOW + 1).await, 0);
    assert_eq!(count(MailKind::ResetPassword, NOW).await, 0);
    drop(view);
    write(store, async |tx| tx.delete_sent_mails(NOW + 1).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.count_mails_since(MailKind::SignUp, "ada@example.com", 0).await.unwrap(), 0);
}
