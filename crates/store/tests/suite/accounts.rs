use super::*;

pub(super) async fn a_token_is_found_by_its_prefix(store: &Store) {
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

pub(super) async fn an_idempotency_key_belongs_to_one_account_until_it_is_old(store: &Store) {
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

pub(super) async fn an_address_belongs_to_one_account(store: &Store) {
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
    let password = |hash: &str| PasswordRow {
        account_id: ada.id.clone(),
        hash: hash.into(),
        changed_at: NOW.into(),
        break_glass_until: None,
    };
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

pub(super) async fn an_identity_belongs_to_one_account(store: &Store) {
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let row = |account: &AccountRow, issuer: &str| IdentityRow {
        id: IdentityId::make(NOW),
        account_id: account.id.clone(),
        provider: "corp".into(),
        issuer: issuer.into(),
        subject: "1".into(),
        email: None,
        created_at: NOW.into(),
    };
    let insert = async |row: &IdentityRow| write(store, async |tx| tx.insert_identity(row.clone()).await).await;
    let (first, other) = (row(&ada, "https://one"), row(&bob, "https://other"));
    insert(&first).await.unwrap();
    assert!(matches!(insert(&row(&bob, "https://one")).await, Err(StoreError::AlreadyExists)));
    insert(&other).await.unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_account_by_identity("https://one", "1").await.unwrap(), Some(ada.clone()));
    assert_eq!(view.find_account_by_identity("https://other", "1").await.unwrap(), Some(bob.clone()));
    assert_eq!(view.find_account_by_identity("https://one", "2").await.unwrap(), None);
    assert_eq!(view.list_identities(&ada.id).await.unwrap(), std::slice::from_ref(&first));
    drop(view);
    let delete = async |account: &AccountRow| {
        write(store, async |tx| tx.delete_identity(&account.id, &first.id).await).await.unwrap()
    };
    assert_eq!((delete(&bob).await, delete(&ada).await, delete(&ada).await), (false, true, false));
}

pub(super) async fn a_passkey_belongs_to_one_account(store: &Store) {
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let row = |account: &AccountRow| PasskeyRow {
        id: PasskeyId::make(NOW),
        account_id: account.id.clone(),
        name: "phone".into(),
        credential_id: vec![0, 255, 1],
        public_key: vec![7; 40],
        sign_count: 0.into(),
        backup: PasskeyBackup::NotEligible,
        transports: 3.into(),
        created_at: NOW.into(),
        last_used_at: None,
    };
    let insert = async |row: &PasskeyRow| write(store, async |tx| tx.insert_passkey(row.clone()).await).await;
    let first = row(&ada);
    insert(&first).await.unwrap();
    assert!(matches!(insert(&row(&bob)).await, Err(StoreError::AlreadyExists)), "a credential is one account's");
    let view = store.read().await.unwrap();
    assert_eq!(view.find_passkey_by_credential(&[0, 255, 1]).await.unwrap(), Some(first.clone()));
    assert_eq!(view.find_passkey_by_credential(&[0, 255]).await.unwrap(), None);
    assert_eq!((view.count_passkeys(&ada.id).await.unwrap(), view.count_passkeys(&bob.id).await.unwrap()), (1, 0));
    drop(view);
    let rename = async |account: &AccountRow| {
        write(store, async |tx| tx.save_passkey_name(&account.id, &first.id, "key").await).await.unwrap()
    };
    assert_eq!((rename(&bob).await, rename(&ada).await), (false, true));
    let exists = PasskeyBackup::Exists;
    write(store, async |tx| tx.save_passkey_use(&first.id, 4_294_967_295, exists, NOW + 1).await).await.unwrap();
    let used = PasskeyRow {
        name: "key".into(),
        sign_count: 4_294_967_295.into(),
        backup: exists,
        last_used_at: Some((NOW + 1).into()),
        ..first.clone()
    };
    assert_eq!(store.read().await.unwrap().list_passkeys(&ada.id).await.unwrap(), [used]);
    let delete = async |account: &AccountRow| {
        write(store, async |tx| tx.delete_passkey(&account.id, &first.id).await).await.unwrap()
    };
    assert_eq!((delete(&bob).await, delete(&ada).await, delete(&ada).await), (false, true, false));
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

pub(super) async fn a_session_is_found_by_its_secret_and_ended_by_its_owner(store: &Store) {
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

pub(super) async fn a_code_of_a_second_factor_is_used_once(store: &Store) {
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

pub(super) async fn a_secret_comes_back_once(store: &Store) {
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

pub(super) async fn a_mail_goes_with_the_invitation_it_is_about(store: &Store) {
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

pub(super) async fn a_mail_is_leased_once_and_remembered_when_sent(store: &Store) {
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
    let is_held = async |mail: &MailRow| store.read().await.unwrap().is_mail_held(mail).await.unwrap();
    assert_eq!((is_held(&first).await, is_held(&second).await), (false, true));
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
    drop(view);

    let (ada, bob) = (add_account(store).await.id, add_account(store).await.id);
    for (kind, account) in [(MailKind::ChangeAddress, &ada), (MailKind::ChangeAddress, &bob), (MailKind::Alerts, &ada)]
    {
        let row = MailRow { account_id: Some(account.clone()), ..self::mail(kind) };
        write(store, async |tx| tx.insert_mail(row.clone()).await).await.unwrap();
    }
    write(store, async |tx| tx.delete_waiting_mails(MailKind::ChangeAddress, &ada).await).await.unwrap();
    let view = store.read().await.unwrap();
    let is_left = async |kind, account| view.find_last_mail(kind, account).await.unwrap().is_some();
    assert!(!is_left(MailKind::ChangeAddress, &ada).await);
    assert!(is_left(MailKind::ChangeAddress, &bob).await && is_left(MailKind::Alerts, &ada).await);
}
