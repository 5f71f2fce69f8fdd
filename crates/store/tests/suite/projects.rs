use super::*;

pub(super) async fn an_organization_is_visible_to_its_members_alone(store: &Store) {
    let (ada, bob) = (add_account(store).await, add_account(store).await);
    let organization = OrganizationRow {
        id: OrganizationId::make(NOW),
        name: "acme".into(),
        created_at: NOW.into(),
        sso_required_at: None,
    };
    write(store, async |tx| tx.insert_organization(organization.clone(), &ada.id).await).await.unwrap();
    let view = store.read().await.unwrap();
    assert_eq!(view.find_membership(&ada.id, &organization.id).await.unwrap().unwrap().organization, organization);
    assert!(view.find_membership(&bob.id, &organization.id).await.unwrap().is_none());
    assert_eq!(view.list_memberships(&ada.id, &first(9)).await.unwrap().len(), 1);
    assert!(view.list_memberships(&bob.id, &first(9)).await.unwrap().is_empty());
}

pub(super) async fn a_project_is_reached_through_its_organization_alone(store: &Store) {
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

pub(super) async fn the_ciphertext_of_a_key_is_replaced_and_forgotten(store: &Store) {
    let (mine, foreign) = (add_project(store).await, add_project(store).await);
    let row = |kid: &str| KeyCiphertextRow {
        project_id: mine.row.id.clone(),
        kid: kid.into(),
        pem: "-----BEGIN".into(),
        passkey_credential: Some("credential".into()),
        passkey_salt: Some("salt".into()),
        stored_at: NOW.into(),
    };
    for kid in ["one", "two"] {
        write(store, async |tx| {
            tx.save_key_ciphertext(&mine.scope, row(kid)).await?;
            tx.save_custody(&mine.scope, Custody::BrowserPasskey).await
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

pub(super) async fn a_domain_and_its_pins_belong_to_one_project(store: &Store) {
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
    let expected = [DraftDomain { row: row.clone(), pins: vec![added.clone()], proposed: vec![] }];
    assert_eq!(view.list_domains(&mine.scope).await.unwrap(), expected);
    let named = || vec!["a.example".to_owned(), "b.example".to_owned()];
    assert_eq!(view.find_domains(&mine.scope, named()).await.unwrap(), expected);
    assert!(view.find_domains(&foreign.scope, named()).await.unwrap().is_empty());
    assert!(view.list_domains(&foreign.scope).await.unwrap().is_empty());
    assert!(view.find_domain(&foreign.scope, &row.id).await.unwrap().is_none());
    drop(view);
    write(store, async |tx| {
        assert!(!tx.delete_pin(&foreign.scope, &row.id, &added.id).await?);
        assert!(!tx.delete_domain(&foreign.scope, &row.id).await?);
        let changed = DomainRow {
            enforce_percent: 0.into(),
            ct_logs: Some("1 2".into()),
            watch: Some("a:443".into()),
            auto_draft: "live".into(),
            ..row.clone()
        };
        assert!(!tx.save_domain_settings(&foreign.scope, &changed).await?);
        assert!(tx.save_domain_settings(&mine.scope, &changed).await?);
        assert!(tx.delete_pin(&mine.scope, &row.id, &added.id).await?);
        let found = tx.find_domain(&mine.scope, &row.id).await?.unwrap();
        assert_eq!(found, DraftDomain { row: changed, pins: vec![], proposed: vec![] });
        tx.insert_pin(&found, added.clone()).await?;
        assert!(tx.delete_domain(&mine.scope, &row.id).await?);
        assert!(tx.list_domains(&mine.scope).await?.is_empty());
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

pub(super) async fn the_same_name_project_domain_or_pin_is_refused_twice(store: &Store) {
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

pub(super) async fn ct_logs_are_replaced_whole_and_belong_to_one_project(store: &Store) {
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

pub(super) async fn a_project_is_renamed_and_withdrawn(store: &Store) {
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

pub(super) async fn what_plans_limit_is_counted(store: &Store) {
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

pub(super) async fn statements_of_a_project_are_kept_in_order_each_once(store: &Store) {
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

pub(super) async fn a_list_is_read_page_by_page(store: &Store) {
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
