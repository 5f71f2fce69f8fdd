//! The behaviour of a store, as functions over an opened one: every database passes the same suite.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod alerts;
mod drift;
mod jobs;
mod outside;
mod projects;
mod releases;

use pintle_store::{
    AccountId, AccountRow, AgentId, AlertChange, AlertFilter, AlertId, AlertNoticeRow, AlertRow, Approval,
    CalendarFeedRow, CtLogRow, Custody, DomainId, DomainRow, DraftDomain, DriftChangeRow, DriftRow, DriftSubject,
    DueDateRow, DueKind, EmailRow, IdempotentRequestRow, IdentityId, IdentityRow, InvitationId, InvitationRow, JobKind,
    KeyCiphertextRow, LeasedJob, LoggedCertificateRow, MailChoice, MailId, MailKind, MailRow, MessageId, NewJob,
    NewProject, ObservedCertificateRow, OneTimeSecretRow, OrganizationId, OrganizationRow, OrganizationScope, Page,
    PasskeyBackup, PasskeyId, PasskeyRow, PasswordRow, PinId, PinRow, ProbeAgentRow, Project, ProjectRow,
    PublishTargetRow, PublishedObjectRow, ReleaseId, ReleaseKind, ReleaseRow, ReleaseState, Role, SessionId,
    SessionRow, StatementRow, Store, StoreError, TargetOutcome, TargetState, TokenId, TokenRow, TotpRow, Unsigned,
    ViolationCountRow, WebhookFormat, WebhookId, WebhookMessageRow, WebhookRow, WriteTx,
};

use self::{accounts::*, alerts::*, drift::*, jobs::*, outside::*, projects::*, releases::*};

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
                    let folder = tempfile::tempdir().unwrap();
                    let url = pintle_testkit::postgres::make_database_for(folder.path()).parse().unwrap();
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
    an_identity_belongs_to_one_account,
    a_passkey_belongs_to_one_account,
    a_session_is_found_by_its_secret_and_ended_by_its_owner,
    a_secret_comes_back_once,
    a_code_of_a_second_factor_is_used_once,
    a_mail_is_leased_once_and_remembered_when_sent,
    a_mail_goes_with_the_invitation_it_is_about,
    a_prepared_release_waits_until_it_is_voided,
    one_release_is_live_at_a_time,
    a_release_that_waits_is_not_the_last_one,
    targets_of_a_release_are_kept_one_by_one,
    a_target_belongs_to_one_project_and_takes_its_states_along,
    a_project_is_renamed_and_withdrawn,
    what_plans_limit_is_counted,
    statements_of_a_project_are_kept_in_order_each_once,
    a_job_is_leased_once_and_again_when_the_lease_ends,
    a_cancelled_job_is_not_done,
    a_published_file_is_replaced_only_by_who_knows_it,
    two_writers_wait_for_each_other,
    a_list_is_read_page_by_page,
    an_idempotency_key_belongs_to_one_account_until_it_is_old,
    a_condition_is_open_once_and_again_when_it_was_over,
    what_a_member_is_told_is_kept_until_it_was_told,
    what_ends_belongs_to_one_project,
    a_look_is_taken_by_one_and_written_by_whoever_took_it,
    what_is_looked_at_follows_the_live_release,
    changes_are_numbered_and_the_oldest_make_room,
    of_certificates_those_that_apps_accept_are_kept,
    what_ct_holds_is_kept_until_it_ends,
    a_vantage_point_follows_another_and_is_leased_alone,
    a_slow_webhook_holds_up_no_other_and_is_told_one_thing_at_a_time,
    a_webhook_belongs_to_one_organization_and_rests_when_disabled,
    a_calendar_has_one_secret_at_a_time,
    the_reports_of_an_agent_count_upwards_and_go_with_it,
    violations_of_a_day_are_added_up,
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
    found(store, owner, name).await.0
}

/// A new organization, and its id.
async fn found(store: &Store, owner: &AccountRow, name: &str) -> (OrganizationScope, OrganizationId) {
    let organization = OrganizationRow {
        id: OrganizationId::make(NOW),
        name: name.into(),
        created_at: NOW.into(),
        sso_required_at: None,
    };
    let member = write(store, async |tx| tx.insert_organization(organization.clone(), &owner.id).await).await.unwrap();
    assert_eq!(member.role, Role::Owner);
    (member.scope, organization.id)
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
        watch: None,
        auto_draft: "off".to_owned(),
        rotation: None,
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
        source: pintle_store::ReleaseSource::Server,
        state: ReleaseState::Accepted,
        accepted_by: by.clone(),
        accepted_at: NOW.into(),
        publish_at: None,
        approved_by: None,
        approved_at: None,
        live_at: None,
        watched_at: None,
        overridden: None,
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
