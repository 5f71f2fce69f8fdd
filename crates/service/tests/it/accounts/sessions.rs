//! Sessions, passwords and addresses, and what a thief of a session does not get.

use super::*;

#[tokio::test]
async fn the_operator_gives_the_first_account_an_address_and_a_password() {
    let town = Town::with(SignUp::Closed).await;
    let token = town.service.set_up(NOW).await.unwrap().unwrap().token;
    let admin = town.actor(token.expose_secret(), NOW).await.unwrap();
    let link = town.service.make_link(ADA, LinkKind::Account(admin.account_id()), NOW).await.unwrap();
    let set = town.confirm(link.expose_secret(), Some(PASSWORD), NOW).await.unwrap();
    assert_eq!(set, Confirmed::PasswordSet);
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    assert_eq!(ada.account_id(), admin.account_id());
    let other = town.service.make_link("bob@example.com", LinkKind::Address, NOW).await.unwrap();
    town.confirm(other.expose_secret(), Some(PASSWORD), NOW).await.unwrap();
    let taken = town.service.make_link("bob@example.com", LinkKind::Account(admin.account_id()), NOW).await;
    assert_eq!(code(taken), "address_taken");
}

#[tokio::test]
async fn a_new_password_by_mail_ends_every_session_and_every_other_code() {
    let town = Town::new().await;
    town.add_ada().await;
    let session = town.sign_in(NOW).await;
    let other_code = town.service.make_link(ADA, LinkKind::Address, NOW).await.unwrap();
    town.service.request_reset(&address(ADA), &from("a"), NOW).await.unwrap();
    let [mail] = town.mails(NOW).await.try_into().unwrap();
    let new = "snow owls rarely type";
    assert_eq!(code(town.confirm(&code_in(&mail), Some(new), at(3600)).await), "code_invalid", "after an hour");
    assert_eq!(town.confirm(&code_in(&mail), Some(new), at(3599)).await.unwrap(), Confirmed::PasswordSet);

    assert_eq!(code(town.actor(&session, at(3599)).await), "session_invalid");
    assert_eq!(code(town.confirm(other_code.expose_secret(), Some(new), at(3599)).await), "code_invalid");
    assert_eq!(code(town.try_sign_in(ADA, PASSWORD, "a", at(3599)).await), "sign_in_failed");
    assert!(town.try_sign_in(ADA, new, "b", at(3599)).await.is_ok());
    let [notice] = town.mails(at(3599)).await.try_into().unwrap();
    assert_eq!((notice.to.as_str(), notice.subject.as_str()), (ADA, "Your password on Pintle was changed"));
}

#[tokio::test]
async fn a_session_ends_by_age_for_want_of_use_and_on_request() {
    let town = Town::new().await;
    town.add_ada().await;
    let hours = 3600;
    let idle = town.sign_in(NOW).await;
    assert!(town.actor(&idle, at(12 * hours - 1)).await.is_ok(), "and that was a use");
    assert!(town.actor(&idle, at(24 * hours - 2)).await.is_ok());
    assert_eq!(code(town.actor(&idle, at(36 * hours)).await), "session_invalid");

    let old = town.sign_in(NOW).await;
    for hour in (11..30 * 24).step_by(11) {
        assert!(town.actor(&old, at(hour * hours)).await.is_ok(), "{hour}");
    }
    assert_eq!(code(town.actor(&old, at(30 * 24 * hours)).await), "session_invalid");

    let (one, two) = (town.sign_in(NOW).await, town.sign_in(NOW).await);
    let ada = town.actor(&one, NOW).await.unwrap();
    let listed = town.service.list_sessions(&ada, &ListQuery::default(), NOW).await.unwrap().items;
    assert_eq!(listed.iter().filter(|session| session.is_current).count(), 1);
    assert_eq!(listed[0].client, "test");
    town.service.end_session(&ada, "current", NOW).await.unwrap();
    assert_eq!(code(town.actor(&one, NOW).await), "session_invalid");
    assert!(town.actor(&two, NOW).await.is_ok());
    assert_eq!(code(town.service.end_session(&ada, "ses_x", NOW).await), "not_found");
}

#[tokio::test]
async fn nobody_ends_the_session_of_another() {
    let town = Town::new().await;
    town.add_ada().await;
    let session = town.sign_in(NOW).await;
    let ada = town.actor(&session, NOW).await.unwrap();
    let id = town.service.list_sessions(&ada, &ListQuery::default(), NOW).await.unwrap().items[0].id.clone();
    let link = town.service.make_link("eve@example.com", LinkKind::Address, NOW).await.unwrap();
    town.confirm(link.expose_secret(), Some(PASSWORD), NOW).await.unwrap();
    let request = SignInRequest { email: "eve@example.com".into(), password: secret(PASSWORD) };
    // Eve signs in with Ada's session in hand: it is not hers to replace.
    let SignInResponse::Done(signed_in) = town.service.sign_in(&request, Some(&ada), &from("a"), NOW).await.unwrap()
    else {
        panic!()
    };
    let eve = town.actor(signed_in.secret.expose_secret(), NOW).await.unwrap();
    assert_eq!(code(town.service.end_session(&eve, &id, NOW).await), "not_found");
    town.service.end_other_sessions(&eve, NOW).await.unwrap();
    assert!(town.actor(&session, NOW).await.is_ok());
}

#[tokio::test]
async fn a_stolen_session_does_not_change_the_password_nor_does_a_token() {
    let town = Town::with(SignUp::Closed).await;
    town.add_ada().await;
    let (session, other) = (town.sign_in(NOW).await, town.sign_in(NOW).await);
    let request = SetPasswordRequest { new_password: secret("snow owls rarely type") };
    let later = at(601);
    let ada = town.actor(&session, later).await.unwrap();
    assert_eq!(code(town.service.set_password(&ada, &request, later).await), "step_up_needed");
    assert_eq!(code(town.service.change_address(&ada, &address("eve@example.com"), later).await), "step_up_needed");

    let again = SignInRequest { email: ADA.into(), password: secret(PASSWORD) };
    let SignInResponse::Done(fresh) = town.service.sign_in(&again, Some(&ada), &from("a"), later).await.unwrap() else {
        panic!()
    };
    assert_eq!(code(town.actor(&session, later).await), "session_invalid", "the former session has ended");
    let ada = town.actor(fresh.secret.expose_secret(), later).await.unwrap();
    let weak = SetPasswordRequest { new_password: secret("passwordpassword") };
    assert_eq!(code(town.service.set_password(&ada, &weak, later).await), "password_unfit");
    town.service.set_password(&ada, &request, later).await.unwrap();
    assert!(town.actor(fresh.secret.expose_secret(), later).await.is_ok());
    assert_eq!(code(town.actor(&other, later).await), "session_invalid");
    assert_eq!(code(town.try_sign_in(ADA, PASSWORD, "b", later).await), "sign_in_failed");
}

#[tokio::test]
async fn an_api_token_is_no_person() {
    let town = Town::new().await;
    let token = town.service.set_up(NOW).await.unwrap().unwrap().token;
    let admin = town.actor(token.expose_secret(), NOW).await.unwrap();
    let request = SetPasswordRequest { new_password: secret(PASSWORD) };
    assert_eq!(code(town.service.set_password(&admin, &request, NOW).await), "person_needed");
    assert_eq!(code(town.service.change_address(&admin, &address(ADA), NOW).await), "person_needed");
    assert_eq!(code(town.service.end_session(&admin, "current", NOW).await), "person_needed");
}

#[tokio::test]
async fn a_new_address_counts_once_it_was_shown_to_receive_mail() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    town.service.change_address(&ada, &address("ada@new.example"), NOW).await.unwrap();
    let [mail] = town.mails(NOW).await.try_into().unwrap();
    assert_eq!(mail.to, "ada@new.example");
    assert_eq!(town.service.read_account(&ada).await.unwrap().email.as_deref(), Some(ADA));
    assert_eq!(town.confirm(&code_in(&mail), None, NOW).await.unwrap(), Confirmed::AddressChanged);
    assert_eq!(town.service.read_account(&ada).await.unwrap().email.as_deref(), Some("ada@new.example"));
    let [notice] = town.mails(NOW).await.try_into().unwrap();
    assert_eq!(notice.to, ADA);

    // An address that somebody has is not told of; a code made before it was taken is refused.
    let link = town.service.make_link("bob@example.com", LinkKind::Address, NOW).await.unwrap();
    town.service.change_address(&ada, &address("bob@example.com"), NOW).await.unwrap();
    let [mail] = town.mails(NOW).await.try_into().unwrap();
    town.confirm(link.expose_secret(), Some(PASSWORD), NOW).await.unwrap();
    assert_eq!(code(town.confirm(&code_in(&mail), None, NOW).await), "address_taken");
    let later = at(601);
    let again = town.try_sign_in("ada@new.example", PASSWORD, "a", later).await.unwrap();
    let ada = town.actor(done(again).unwrap().secret.expose_secret(), later).await.unwrap();
    town.service.change_address(&ada, &address("bob@example.com"), later).await.unwrap();
    assert!(town.mails(later).await.is_empty());
}

#[tokio::test]
async fn nobody_fills_a_mailbox_by_asking_for_its_address_again_and_again() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let eve = town.add("eve@example.com", NOW).await;
    for who in [&ada, &ada, &eve] {
        town.service.change_address(who, &address("bob@example.com"), NOW).await.unwrap();
    }
    assert_eq!(town.mails(NOW).await.len(), 1);
}

/// A thief of a session asked for a new address, and the mail with the code is not sent yet, or was.
#[tokio::test]
async fn a_new_address_that_a_thief_asked_for_ends_with_the_password_and_with_their_session() {
    for is_sent in [true, false] {
        for by in ["password", "session", "others"] {
            let town = Town::new().await;
            town.add_ada().await;
            let thief = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
            let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
            town.service.change_address(&thief, &address("eve@example.com"), NOW).await.unwrap();
            let sent = if is_sent { town.mails(NOW).await } else { Vec::new() };
            match by {
                "password" => {
                    let request = SetPasswordRequest { new_password: secret("seven brown foxes") };
                    town.service.set_password(&ada, &request, NOW).await.unwrap();
                }
                "session" => {
                    let all = town.service.list_sessions(&ada, &ListQuery::default(), NOW).await.unwrap().items;
                    let other = &all.iter().find(|session| !session.is_current).unwrap().id;
                    town.service.end_session(&ada, other, NOW).await.unwrap();
                }
                _ => town.service.end_other_sessions(&ada, NOW).await.unwrap(),
            }
            let mails = sent.into_iter().chain(town.mails(NOW).await);
            let codes: Vec<_> = mails.filter(|mail| mail.to == "eve@example.com").map(|mail| code_in(&mail)).collect();
            assert_eq!(codes.len(), usize::from(is_sent), "{by}");
            for one in codes {
                assert_eq!(code(town.confirm(&one, None, NOW).await), "code_invalid", "{by}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_touches_sessions_and_account_only_as_far_as_its_scopes_and_limits_go() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;
    for (scopes, organization_id, reads, ends) in [
        (vec![Scope::Read, Scope::Admin], Some(organization), "token_limited", "token_limited"),
        (vec![Scope::Read], None, "", "scope_missing"),
        (vec![Scope::Edit, Scope::Release], None, "scope_missing", "scope_missing"),
        (vec![Scope::Read, Scope::Admin], None, "", ""),
    ] {
        let lifetime = TokenLifetime::Default;
        let request = CreateTokenRequest { name: "ci".into(), scopes, organization_id, project_id: None, lifetime };
        let token = town.service.create_token(&ada, &request, NOW).await.unwrap().secret;
        let token = town.actor(token.expose_secret(), NOW).await.unwrap();
        let outcome = |answer: Result<(), ServiceError>| answer.map_or_else(|error| error.code(), |()| "");
        let query = ListQuery::default();
        assert_eq!(outcome(town.service.list_sessions(&token, &query, NOW).await.map(drop)), reads);
        assert_eq!(outcome(town.service.read_account(&token).await.map(drop)), reads);
        assert_eq!(outcome(town.service.list_identities(&token).await.map(drop)), reads);
        assert_eq!(outcome(town.service.list_passkeys(&token).await.map(drop)), reads);
        let other = town.sign_in(NOW).await;
        assert_eq!(outcome(town.service.end_other_sessions(&token, NOW).await), ends);
        assert_eq!(town.actor(&other, NOW).await.is_err(), ends.is_empty());
    }
}

#[tokio::test]
async fn what_happens_to_an_account_is_told_to_its_organizations() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;
    assert!(town.try_sign_in(ADA, "some other words", "203.0.113.0/24", NOW).await.is_err());
    town.service.record_security_events(NOW).await.unwrap();
    let tx = town.store.read().await.unwrap();
    let account = AccountId::parse(ada.account_id()).unwrap();
    let member = tx.find_membership(&account, &OrganizationId::parse(&organization).unwrap()).await.unwrap().unwrap();
    let chain = AuditChain::from(&member.scope);
    let events = tx.list_audit_events(&chain, 0, 100).await.unwrap();
    let refused = events.last().unwrap();
    assert_eq!(refused.action, "session.refused");
    assert!(!refused.record.contains("203.0.113"), "the network is only committed to");
    let seq = refused.seq.value();
    let personal = tx.list_audit_personal(&chain, seq, seq).await.unwrap();
    assert_eq!(personal.iter().map(|value| value.value.as_str()).collect::<Vec<_>>(), ["203.0.113.0/24"]);
}

/// Everything of the second list of `step_up.rs`, tried by `actor`: what each answered.
async fn try_what_needs_a_fresh_session(
    town: &Town,
    actor: &Actor,
    [organization, project, bob]: [&str; 3],
    now: UnixTime,
) -> Vec<(&'static str, &'static str)> {
    let path = ProjectPath { organization, project };
    let token = CreateTokenRequest {
        name: "mine".into(),
        scopes: vec![Scope::Read],
        organization_id: None,
        project_id: None,
        lifetime: TokenLifetime::default(),
    };
    let owner = UpdateMemberRequest { role: Role::Owner };
    let invitation = CreateInvitationRequest { role: Role::Owner, email: None };
    let alone = UpdateProjectRequest { approval: Some(Approval::None), ..UpdateProjectRequest::default() };
    let sso = UpdateOrganizationRequest { requires_sso: Some(true), ..UpdateOrganizationRequest::default() };
    let service = &town.service;
    vec![
        ("a token", code(service.create_token(actor, &token, now).await)),
        ("an owner", code(service.update_member(actor, organization, bob, &owner, now).await)),
        ("an owner to come", code(service.create_invitation(actor, organization, &invitation, now).await)),
        ("no second person", code(service.update_project(actor, path, &alone, now).await)),
        ("single sign-on", code(service.update_organization(actor, organization, &sso, now).await)),
        ("a project's end", code(service.delete_project(actor, path, now).await)),
        ("an organization's end", code(service.delete_organization(actor, organization, now).await)),
    ]
}

#[tokio::test]
async fn a_stolen_session_makes_no_token_and_no_owner_and_deletes_nothing() {
    let town = Town::new().await;
    town.add_ada().await;
    let bob = town.add("bob@example.com", NOW).await;
    let session = town.sign_in(NOW).await;
    let fresh = town.actor(&session, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&fresh, &request, NOW).await.unwrap().id;
    let request = CreateProjectRequest { name: "shop".into(), environment: "production".into(), key: None };
    let project = town.service.create_project(&fresh, &organization, &request, NOW).await.unwrap().id;
    let path = ProjectPath { organization: &organization, project: &project };
    let two = UpdateProjectRequest { approval: Some(Approval::SecondPerson), ..UpdateProjectRequest::default() };
    town.service.update_project(&fresh, path, &two, NOW).await.unwrap();
    let request = CreateInvitationRequest { role: Role::Editor, email: None };
    let invitation = town.service.create_invitation(&fresh, &organization, &request, NOW).await.unwrap();
    let accepted = AcceptInvitationRequest { code: invitation.code.unwrap() };
    town.service.accept_invitation(&bob, &accepted, NOW).await.unwrap();

    let what = [organization.as_str(), project.as_str(), bob.account_id()];
    let later = at(601);
    let stale = town.actor(&session, later).await.unwrap();
    for (act, answer) in try_what_needs_a_fresh_session(&town, &stale, what, later).await {
        assert_eq!(answer, "step_up_needed", "{act}");
    }
    for (act, answer) in try_what_needs_a_fresh_session(&town, &fresh, what, NOW).await {
        let expected = if act == "single sign-on" { "sso_required" } else { "ok" };
        assert_eq!(answer, expected, "{act}");
    }
}
