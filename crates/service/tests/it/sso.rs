//! Single sign-on: whom a provider's word signs in, and where nothing else does. The provider here says whatever the code
//! says; what a real one is believed is tested with one, in `e2e`.

use std::sync::Arc;

use async_trait::async_trait;
use pintle_api::{
    BeginSsoRequest, ConfirmRequest, CreateInvitationRequest, CreateOrganizationRequest, CreateTokenRequest,
    FinishSsoRequest, ListQuery, Role, Scope, SetPasswordRequest, SsoStep, TokenLifetime, UpdateOrganizationRequest,
};
use pintle_core::UnixTime;
use pintle_service::{
    AccountSettings, Actor, IdentityProvider, IdentityProviderError, LinkKind, RequestContext, ServiceError, SignUp,
    SsoAnswer, SsoChallenge, SsoProvider, VerifiedIdentity,
};

use crate::{
    accounts::{ADA, PASSWORD, Town, at, done, from, secret},
    support::{NOW, code},
};

const REDIRECT: &str = "https://pins.example.com/sso/corp";

/// Vouches for `SUBJECT ADDRESS`, or with a `!` at the end of it for the subject alone.
#[derive(Debug)]
struct Gullible;

#[async_trait]
impl IdentityProvider for Gullible {
    async fn ask(&self, challenge: &SsoChallenge, _: UnixTime) -> Result<String, IdentityProviderError> {
        Ok(format!("https://corp.example/?state={}&to={}", challenge.state, challenge.redirect_uri))
    }

    async fn verify(
        &self,
        answer: &SsoAnswer<'_>,
        _: &SsoChallenge,
        _: UnixTime,
    ) -> Result<VerifiedIdentity, IdentityProviderError> {
        let refused = || IdentityProviderError::Refused("no such person".into());
        let (subject, email) = answer.code.split_once(' ').ok_or_else(refused)?;
        Ok(VerifiedIdentity {
            subject: subject.into(),
            email: Some(email.trim_end_matches('!').into()),
            is_email_verified: !email.ends_with('!'),
            name: None,
        })
    }
}

async fn town(settings: AccountSettings, allowed_domains: &[&str]) -> Town {
    let public_url = "https://pins.example.com".into();
    let mut town = Town::with_settings(AccountSettings { public_url, ..settings }).await;
    let provider = |name: &str| SsoProvider {
        name: name.into(),
        issuer: format!("https://{name}.example"),
        allowed_domains: allowed_domains.iter().map(ToString::to_string).collect(),
        provider: Arc::new(Gullible),
    };
    town.service = town.service.with_sso(vec![provider("corp"), provider("other")]);
    town
}

fn open() -> AccountSettings {
    AccountSettings { sign_up: SignUp::Open, ..AccountSettings::default() }
}

fn ask() -> BeginSsoRequest {
    BeginSsoRequest { provider: "corp".into(), redirect_uri: REDIRECT.into() }
}

fn answer(step: &SsoStep, who: &str) -> FinishSsoRequest {
    FinishSsoRequest {
        provider: "corp".into(),
        pending: step.pending.clone(),
        state: step.state.clone(),
        code: secret(who),
        iss: None,
    }
}

/// Signs in as whom the provider takes for `who`.
async fn come(town: &Town, who: &str, now: UnixTime) -> Result<Actor, ServiceError> {
    let step = town.service.begin_sso(&ask(), now).await?;
    let signed_in = town.service.finish_sso(&answer(&step, who), None, &from("a"), now).await?;
    town.actor(done(signed_in).unwrap().secret.expose_secret(), now).await
}

async fn link(town: &Town, actor: &Actor, who: &str, now: UnixTime) -> Result<String, ServiceError> {
    let step = town.service.begin_link(actor, &ask(), now).await?;
    town.service.finish_link(actor, &answer(&step, who), now).await.map(|linked| linked.id)
}

#[tokio::test]
async fn who_comes_first_gets_an_account_as_far_as_sign_ups_go() {
    let town = town(open(), &[]).await;
    let eve = come(&town, "1 eve@example.com", NOW).await.unwrap();
    assert_eq!(come(&town, "1 elsewhere@example.com", NOW).await.unwrap().account_id(), eve.account_id());
    assert_eq!(code(come(&town, "2 eve@example.com", NOW).await), "sso_account_exists");
    assert_eq!(code(come(&town, "2 mallory@example.com!", NOW).await), "sso_address_unverified");
    assert_eq!(code(come(&town, "nobody", NOW).await), "sso_refused");
    let session = &town.service.list_sessions(&eve, &ListQuery::default(), NOW).await.unwrap().items[0];
    assert_eq!(session.method, "sso corp");
    let events = town.events().await;
    assert!(events.starts_with(&["account.created".into(), "account.identity_linked".into()]), "{events:?}");

    let closed = self::town(AccountSettings::default(), &[]).await;
    assert_eq!(code(come(&closed, "1 eve@example.com", NOW).await), "sign_up_closed");
}

#[tokio::test]
async fn where_one_must_be_invited_a_provider_is_not_enough() {
    let town = town(AccountSettings { sign_up: SignUp::Invited, ..AccountSettings::default() }, &[]).await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;
    let request = CreateInvitationRequest { role: Role::Editor, email: Some("Bob@example.com".into()) };
    town.service.create_invitation(&ada, &organization, &request, NOW).await.unwrap();
    assert_eq!(code(come(&town, "1 eve@example.com", NOW).await), "sign_up_closed");
    assert_eq!(code(come(&town, "2 bob@example.com!", NOW).await), "sso_address_unverified");
    assert_eq!(code(come(&town, "2 bob@example.com", NOW).await), "ok");
}

#[tokio::test]
async fn only_addresses_of_the_domains_that_are_allowed_come_in_each_time() {
    let town = town(open(), &["example.com"]).await;
    assert_eq!(code(come(&town, "1 eve@EXAMPLE.com", NOW).await), "ok");
    for who in ["1 eve@other.example", "2 eve@sub.example.com", "2 eve@notexample.com"] {
        assert_eq!(code(come(&town, who, NOW).await), "sso_domain_not_allowed", "{who}");
    }
    assert_eq!(code(come(&town, "1 eve@example.com!", NOW).await), "sso_address_unverified");
}

#[tokio::test]
async fn an_answer_belongs_to_one_attempt_its_provider_and_its_time() {
    let town = town(open(), &[]).await;
    let (ours, theirs) =
        (town.service.begin_sso(&ask(), NOW).await.unwrap(), town.service.begin_sso(&ask(), NOW).await.unwrap());
    let finish =
        async |request: FinishSsoRequest, now| code(town.service.finish_sso(&request, None, &from("a"), now).await);
    let good = answer(&ours, "1 eve@example.com");
    let foreign = FinishSsoRequest { state: theirs.state.clone(), ..good.clone() };
    assert_eq!(finish(foreign, NOW).await, "sso_attempt_invalid", "somebody else's state");
    let mixed = FinishSsoRequest { provider: "other".into(), ..good.clone() };
    assert_eq!(finish(mixed, NOW).await, "sso_attempt_invalid", "another provider");
    let made_up = FinishSsoRequest { pending: secret("AAAA"), ..good.clone() };
    assert_eq!(finish(made_up, NOW).await, "sso_attempt_invalid");
    assert_eq!(finish(good.clone(), at(600)).await, "sso_attempt_invalid", "too late");
    assert_eq!(finish(good.clone(), at(599)).await, "ok");
    assert_eq!(finish(good, at(599)).await, "sso_attempt_invalid", "once");
    assert_eq!(finish(answer(&theirs, "nobody"), NOW).await, "sso_refused");
    assert_eq!(finish(answer(&theirs, "1 eve@example.com"), NOW).await, "sso_attempt_invalid", "one answer");
    let request = BeginSsoRequest { redirect_uri: "https://evil.example/sso/corp".into(), ..ask() };
    assert_eq!(code(town.service.begin_sso(&request, NOW).await), "sso_redirect_invalid");
    let request = BeginSsoRequest { provider: "nobody".into(), ..ask() };
    assert_eq!(code(town.service.begin_sso(&request, NOW).await), "sso_provider_unknown");
}

/// Else a page of somebody else would link their identity with the account of whoever opens it.
#[tokio::test]
async fn an_attempt_to_sign_in_links_nothing_and_one_to_link_is_its_own_accounts() {
    let town = town(open(), &[]).await;
    let (ada, eve) = (town.add(ADA, NOW).await, town.add("eve@example.com", NOW).await);
    let attempts = [
        ("begun by nobody", town.service.begin_sso(&ask(), NOW).await.unwrap()),
        ("begun by another", town.service.begin_link(&eve, &ask(), NOW).await.unwrap()),
    ];
    for (whose, step) in &attempts {
        let linked = town.service.finish_link(&ada, &answer(step, "1 eve@example.com"), NOW).await;
        assert_eq!(code(linked), "sso_attempt_invalid", "{whose}");
    }
    let step = town.service.begin_link(&ada, &ask(), NOW).await.unwrap();
    let came = town.service.finish_sso(&answer(&step, "2 bob@example.com"), None, &from("a"), NOW).await;
    assert_eq!(code(came), "sso_attempt_invalid", "an attempt to link signs nobody in");
    assert!(town.service.list_identities(&ada).await.unwrap().identities.is_empty());
}

#[tokio::test]
async fn an_identity_is_linked_and_unlinked_by_who_just_signed_in_but_never_the_last() {
    let town = town(open(), &[]).await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    assert_eq!(code(link(&town, &ada, "1 x@example.com!", at(601)).await), "step_up_needed");
    let first = link(&town, &ada, "1 x@example.com!", NOW).await.unwrap();
    let subjects: Vec<_> = town.mails(NOW).await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["A way to sign in to your account on Pintle was changed"]);
    assert_eq!(come(&town, "1 y@example.com", NOW).await.unwrap().account_id(), ada.account_id());
    assert_eq!(code(town.service.unlink_identity(&ada, &first, at(601)).await), "step_up_needed");
    town.service.unlink_identity(&ada, &first, NOW).await.unwrap();

    let bob = come(&town, "2 bob@example.com", NOW).await.unwrap();
    assert_eq!(code(link(&town, &ada, "2 bob@example.com", NOW).await), "sso_identity_taken");
    let own = town.service.list_identities(&bob).await.unwrap().identities[0].id.clone();
    assert_eq!(code(town.service.unlink_identity(&ada, &own, NOW).await), "not_found", "it is Bob's");
    assert_eq!(code(town.service.unlink_identity(&bob, &own, NOW).await), "last_way_in");
    let second = link(&town, &bob, "3 bob@example.com", NOW).await.unwrap();
    town.service.unlink_identity(&bob, &own, NOW).await.unwrap();
    assert_eq!(code(town.service.unlink_identity(&bob, &second, NOW).await), "last_way_in");
}

#[tokio::test]
async fn an_account_with_an_authenticator_asks_for_it_after_the_provider() {
    let town = town(open(), &[]).await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    link(&town, &ada, "1 ada@example.com", NOW).await.unwrap();
    crate::accounts::enable_totp(&town, NOW).await;
    let step = town.service.begin_sso(&ask(), NOW).await.unwrap();
    let asked = town.service.finish_sso(&answer(&step, "1 ada@example.com"), None, &from("a"), NOW).await.unwrap();
    assert!(done(asked).is_none());
}

#[tokio::test]
async fn where_single_sign_on_is_required_no_password_signs_in_and_none_is_tried_out() {
    let town = town(AccountSettings { require_sso: true, ..open() }, &[]).await;
    town.add_ada().await;
    for (email, password) in [(ADA, PASSWORD), (ADA, "some other words"), ("nobody@example.com", PASSWORD)] {
        let refused = town.try_sign_in(email, password, "a", NOW).await.unwrap_err();
        assert_eq!((refused.code(), refused.to_string().as_str()), ("sso_required", "single sign-on is required here"));
    }
    for _ in 0..3 {
        assert_eq!(code(town.try_sign_in(ADA, PASSWORD, "b", NOW).await), "sso_required");
        assert_eq!(code(town.try_sign_in(ADA, "some other words", "b", NOW).await), "sso_required");
    }
    assert_eq!(
        code(town.try_sign_in(ADA, PASSWORD, "b", NOW).await),
        "too_many_attempts",
        "a right one counts as well"
    );
    let address = pintle_api::AddressRequest { email: ADA.into() };
    assert_eq!(code(town.service.request_sign_up(&address, &from("a"), NOW).await), "sso_required");
    assert_eq!(code(town.service.request_reset(&address, &from("a"), NOW).await), "sso_required");
    assert_eq!(code(come(&town, "1 eve@example.com", NOW).await), "ok");
}

#[tokio::test]
async fn the_operator_breaks_the_glass_for_a_day() {
    let town = town(AccountSettings { require_sso: true, ..open() }, &[]).await;
    let missing = town.service.make_link(ADA, LinkKind::BreakGlass, NOW).await;
    assert_eq!(code(missing), "not_found", "it makes no account");
    town.add_ada().await;
    let link = town.service.make_link(ADA, LinkKind::BreakGlass, NOW).await.unwrap();
    let request = ConfirmRequest {
        code: secret(link.expose_secret()),
        name: None,
        password: Some(secret("snow owls rarely type")),
    };
    town.service.confirm(&request, &RequestContext::default(), NOW).await.unwrap();
    let sign_in = async |now| town.try_sign_in(ADA, "snow owls rarely type", "c", now).await;
    let ada = town.actor(done(sign_in(NOW).await.unwrap()).unwrap().secret.expose_secret(), NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    town.service.create_organization(&ada, &request, NOW).await.unwrap();
    self::link(&town, &ada, "1 ada@example.com", NOW).await.unwrap();
    assert_eq!(code(sign_in(at(86_399)).await), "ok");
    assert_eq!(code(sign_in(at(86_400)).await), "sso_required");
    let own = town.service.list_identities(&ada).await.unwrap().identities[0].id.clone();
    assert_eq!(code(town.service.unlink_identity(&ada, &own, NOW).await), "last_way_in", "a password is none here");
    assert_eq!(town.events().await.iter().filter(|action| *action == "account.code_made").count(), 2);
}

#[tokio::test]
async fn an_organization_lets_in_who_came_by_single_sign_on_and_what_they_made_for_it() {
    let town = town(open(), &[]).await;
    town.add_ada().await;
    let by_password = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&by_password, &request, NOW).await.unwrap().id;
    let require = async |actor: &Actor, required, now| {
        let request = UpdateOrganizationRequest { name: None, requires_sso: Some(required) };
        code(town.service.update_organization(actor, &organization, &request, now).await)
    };
    assert_eq!(require(&by_password, true, NOW).await, "sso_required", "who demands it shows that it works");
    link(&town, &by_password, "1 ada@example.com", NOW).await.unwrap();
    let by_sso = come(&town, "1 ada@example.com", NOW).await.unwrap();
    assert_eq!(require(&by_sso, true, at(601)).await, "step_up_needed");
    assert_eq!(require(&by_sso, true, NOW).await, "ok");

    let read = async |actor: &Actor| code(town.service.read_organization(actor, &organization).await);
    assert_eq!((read(&by_password).await, read(&by_sso).await), ("sso_required", "ok"));
    assert_eq!(require(&by_password, false, NOW).await, "sso_required");
    let token = async |actor: &Actor, bound: Option<&String>| {
        let request = CreateTokenRequest {
            name: "ci".into(),
            scopes: vec![Scope::Read],
            organization_id: bound.cloned(),
            project_id: None,
            lifetime: TokenLifetime::Default,
        };
        let created = town.service.create_token(actor, &request, NOW).await?;
        town.actor(created.secret.expose_secret(), NOW).await
    };
    assert_eq!(code(token(&by_password, Some(&organization)).await), "sso_required");
    assert_eq!(read(&token(&by_password, None).await.unwrap()).await, "sso_required", "no way around by a token");
    assert_eq!(read(&token(&by_sso, None).await.unwrap()).await, "sso_required");
    assert_eq!(read(&token(&by_sso, Some(&organization)).await.unwrap()).await, "ok");
    assert_eq!(require(&by_sso, false, NOW).await, "ok");
    assert_eq!(read(&by_password).await, "ok");
}

/// What a session that shows less than is required must not do, whatever is required.
async fn assert_harmless(town: &Town, actor: &Actor, refusal: &str) {
    let password = SetPasswordRequest { new_password: secret("snow owls rarely type") };
    let address = pintle_api::AddressRequest { email: "eve@example.com".into() };
    let organization = CreateOrganizationRequest { name: "Acme".into() };
    for (what, answer) in [
        ("delete the account", code(town.service.delete_account(actor, NOW).await)),
        ("set a password", code(town.service.set_password(actor, &password, NOW).await)),
        ("change the address", code(town.service.change_address(actor, &address, NOW).await)),
        ("remove the authenticator", code(town.service.remove_totp(actor, NOW).await)),
        ("begin to link", code(town.service.begin_link(actor, &ask(), NOW).await)),
        ("unlink", code(town.service.unlink_identity(actor, "idn_x", NOW).await)),
        ("make an organization", code(town.service.create_organization(actor, &organization, NOW).await)),
    ] {
        assert_eq!(answer, refusal, "{what}");
    }
}

#[tokio::test]
async fn a_session_that_shows_less_than_is_required_changes_nothing_of_the_account() {
    let factor = town(AccountSettings { require_second_factor: true, ..open() }, &[]).await;
    factor.add_ada().await;
    let ada = factor.actor(&factor.sign_in(NOW).await, NOW).await.unwrap();
    assert_harmless(&factor, &ada, "second_factor_required").await;
    assert_eq!(code(factor.service.begin_totp(&ada, NOW).await), "ok", "but for what it lacks");
    let eve = come(&factor, "1 eve@example.com", NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    factor.service.create_organization(&eve, &request, NOW).await.unwrap();

    // A session of before the operator began to require it.
    let mut later = town(open(), &[]).await;
    later.add_ada().await;
    let session = later.sign_in(NOW).await;
    later.require_sso();
    let ada = later.actor(&session, NOW).await.unwrap();
    assert_harmless(&later, &ada, "sso_required").await;
    assert_eq!(code(later.service.begin_totp(&ada, NOW).await), "sso_required");
}
