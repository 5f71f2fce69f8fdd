//! Passkeys: added, used, removed; and every answer of an authenticator that must not count.

use pintle_api::{
    AddPasskeyRequest, AddressRequest, AuditQuery, CreateOrganizationRequest, ListQuery, PasskeyResponse,
    PasskeySignInRequest, PasskeyStep, RenamePasskeyRequest, SetPasswordRequest, SignedIn, TotpCodeRequest,
};
use pintle_core::UnixTime;
use pintle_service::{AccountSettings, Actor, LostFactors, ServiceError, SignUp};
use pintle_testkit::authenticator::{Authenticator, Page};
use serde_json::{Value, json};

use crate::{
    accounts::{ADA, PASSWORD, Town, at, done, enable_totp, from, secret},
    support::{NOW, code},
};

const URL: &str = "https://pins.example.com";

fn page() -> Page {
    Page::of(URL)
}

impl Town {
    async fn ada(&self, now: UnixTime) -> Actor {
        self.actor(&self.sign_in(now).await, now).await.unwrap()
    }

    async fn add_passkey(
        &self,
        actor: &Actor,
        step: &PasskeyStep,
        credential: Value,
        now: UnixTime,
    ) -> Result<PasskeyResponse, ServiceError> {
        let request = AddPasskeyRequest { name: "phone".into(), pending: step.pending.clone(), credential };
        self.service.finish_passkey(actor, &request, now).await
    }

    /// Ada's passkey, whose first count is `count`.
    async fn register(&self, actor: &Actor, count: u32, now: UnixTime) -> (Authenticator, PasskeyResponse) {
        let step = self.service.begin_passkey(actor, now).await.unwrap();
        let (authenticator, credential) = Authenticator::register(&step.options, &page(), count);
        let added = self.add_passkey(actor, &step, credential, now).await.unwrap();
        (authenticator, added)
    }

    async fn answer(&self, step: &PasskeyStep, credential: Value, now: UnixTime) -> Result<SignedIn, ServiceError> {
        let request = PasskeySignInRequest { pending: step.pending.clone(), credential };
        self.service.finish_passkey_sign_in(&request, None, &from("192.0.2.0/24"), now).await
    }

    /// Signs in on `page`.
    async fn try_passkey(
        &self,
        authenticator: &mut Authenticator,
        page: &Page,
        now: UnixTime,
    ) -> Result<SignedIn, ServiceError> {
        let step = self.service.begin_passkey_sign_in(now).unwrap();
        let credential = authenticator.sign(&step.options, page);
        self.answer(&step, credential, now).await
    }
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_is_both_factors() {
    let settings = AccountSettings { require_second_factor: true, ..settings() };
    let town = Town::with_settings(settings).await;
    town.add_ada().await;
    let ada = town.ada(NOW).await;
    let (mut phone, added) = town.register(&ada, 1, NOW).await;
    assert_eq!((added.name.as_str(), added.is_backed_up, added.last_used_at), ("phone", false, None));

    let signed_in = town.try_passkey(&mut phone, &page(), at(700)).await.unwrap();
    assert_eq!(signed_in.session.method, "passkey");
    let ada = town.actor(signed_in.secret.expose_secret(), at(700)).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    town.service.create_organization(&ada, &request, at(700)).await.unwrap();
    let request = RenamePasskeyRequest { name: "Ada's phone".into() };
    town.service.rename_passkey(&ada, &added.id, &request, at(700)).await.unwrap();
    let [listed] = town.service.list_passkeys(&ada).await.unwrap().passkeys.try_into().unwrap();
    assert_eq!((listed.name.as_str(), listed.last_used_at), ("Ada's phone", Some(at(700).as_secs())));
    assert_eq!(town.service.read_account(&ada).await.unwrap().passkeys, 1);
    // Again, with the session in hand: that is how one proves anew who one is.
    let step = town.service.begin_passkey_sign_in(at(1400)).unwrap();
    let credential = phone.sign(&step.options, &page());
    let request = PasskeySignInRequest { pending: step.pending, credential };
    assert_eq!(code(town.service.remove_passkey(&ada, &added.id, at(1400)).await), "step_up_needed");
    let context = from("192.0.2.0/24");
    let again = town.service.finish_passkey_sign_in(&request, Some(&ada), &context, at(1400)).await.unwrap();
    assert_eq!(code(town.actor(signed_in.secret.expose_secret(), at(1400)).await), "session_invalid");
    let ada = town.actor(again.secret.expose_secret(), at(1400)).await.unwrap();
    town.service.remove_passkey(&ada, &added.id, at(1400)).await.unwrap();
    assert_eq!(code(town.try_passkey(&mut phone, &page(), at(1400)).await), "passkey_refused");

    let subjects: Vec<_> = town.mails(at(1400)).await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["A passkey of your account on Pintle was changed"; 2]);
    assert!(town.events().await.contains(&"account.passkey_added".to_owned()));
}

fn settings() -> AccountSettings {
    AccountSettings { sign_up: SignUp::Open, public_url: URL.into(), ..AccountSettings::default() }
}

#[tokio::test]
async fn an_answer_of_another_place_or_without_its_owner_does_not_sign_in() {
    let town = Town::new().await;
    town.add_ada().await;
    let (mut phone, _) = town.register(&town.ada(NOW).await, 0, NOW).await;
    let pages = [
        Page { origin: "https://pins.example.com.evil.example".into(), ..page() },
        Page { origin: "https://pins.example.com:8443".into(), ..page() },
        Page { origin: "http://pins.example.com".into(), ..page() },
        Page { rp_id: "evil.example".into(), ..page() },
        Page { is_cross_origin: true, ..page() },
        Page { is_user_verified: false, ..page() },
    ];
    for wrong in pages {
        assert_eq!(code(town.try_passkey(&mut phone, &wrong, NOW).await), "passkey_refused", "{wrong:?}");
    }
    town.try_passkey(&mut phone, &page(), NOW).await.unwrap();
    town.service.record_security_events(NOW).await.unwrap();
    assert!(town.events().await.contains(&"session.refused".to_owned()));
}

#[tokio::test]
async fn a_passkey_is_not_added_from_another_place_or_without_its_owner() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.ada(NOW).await;
    let pages = [
        Page { origin: "https://evil.example".into(), ..page() },
        Page { rp_id: "evil.example".into(), ..page() },
        Page { is_cross_origin: true, ..page() },
        Page { is_user_verified: false, ..page() },
    ];
    for wrong in pages {
        let step = town.service.begin_passkey(&ada, NOW).await.unwrap();
        let (_, credential) = Authenticator::register(&step.options, &wrong, 0);
        assert_eq!(code(town.add_passkey(&ada, &step, credential, NOW).await), "passkey_refused", "{wrong:?}");
    }
    assert!(town.service.list_passkeys(&ada).await.unwrap().passkeys.is_empty());
}

#[tokio::test]
async fn a_challenge_counts_once_for_five_minutes_where_it_was_asked_for() {
    let town = Town::new().await;
    town.add_ada().await;
    let (ada, elsewhere) = (town.ada(NOW).await, town.ada(NOW).await);
    // Adding: in its own session, once.
    let step = town.service.begin_passkey(&ada, NOW).await.unwrap();
    let (mut phone, credential) = Authenticator::register(&step.options, &page(), 0);
    let add = async |actor: &Actor, now| code(town.add_passkey(actor, &step, credential.clone(), now).await);
    assert_eq!(add(&elsewhere, NOW).await, "passkey_attempt_invalid", "another session of the same account");
    assert_eq!(add(&ada, at(300)).await, "passkey_attempt_invalid");
    assert_eq!(add(&ada, at(299)).await, "ok");
    assert_eq!(add(&ada, at(299)).await, "passkey_attempt_invalid", "replayed");
    // The challenge of one attempt with what proves another.
    let (one, other) =
        (town.service.begin_passkey(&ada, NOW).await.unwrap(), town.service.begin_passkey(&ada, NOW).await.unwrap());
    let (_, credential) = Authenticator::register(&one.options, &page(), 0);
    assert_eq!(code(town.add_passkey(&ada, &other, credential, NOW).await), "passkey_refused");

    // Signing in.
    let step = town.service.begin_passkey_sign_in(NOW).unwrap();
    let credential = phone.sign(&step.options, &page());
    let expired = town.answer(&step, credential.clone(), at(300)).await;
    assert_eq!(code(expired), "passkey_attempt_invalid");
    assert_eq!(code(town.answer(&step, credential.clone(), at(299)).await), "ok");
    assert_eq!(code(town.answer(&step, credential.clone(), at(299)).await), "passkey_attempt_invalid", "replayed");
    let other = town.service.begin_passkey_sign_in(NOW).unwrap();
    assert_eq!(code(town.answer(&other, credential, NOW).await), "passkey_refused", "of another challenge");
    // What was asked of a session signs nobody in, and the other way round.
    let adding = town.service.begin_passkey(&ada, NOW).await.unwrap();
    let signed = phone.sign(&adding.options, &page());
    assert_eq!(code(town.answer(&adding, signed, NOW).await), "passkey_attempt_invalid");
}

#[tokio::test]
async fn an_altered_answer_does_not_sign_in() {
    let town = Town::new().await;
    town.add_ada().await;
    let (mut phone, _) = town.register(&town.ada(NOW).await, 0, NOW).await;
    let (mut other, _) = town.register(&town.ada(NOW).await, 0, NOW).await;
    let step = town.service.begin_passkey_sign_in(NOW).unwrap();
    let (signed, foreign) = (phone.sign(&step.options, &page()), other.sign(&step.options, &page()));
    let mut swapped = signed.clone();
    swapped["response"]["signature"] = foreign["response"]["signature"].clone();
    assert_eq!(code(town.answer(&step, swapped, NOW).await), "passkey_refused", "the signature of another key");
    let step = town.service.begin_passkey_sign_in(NOW).unwrap();
    assert_eq!(code(town.answer(&step, json!({ "id": "AAAA" }), NOW).await), "passkey_refused");
    let (mut unknown, _) = Authenticator::register(&json!({ "challenge": "", "user": { "id": "" } }), &page(), 0);
    assert_eq!(code(town.try_passkey(&mut unknown, &page(), NOW).await), "passkey_refused", "of nobody here");
}

#[tokio::test]
async fn a_passkey_signs_in_to_its_own_account_alone() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.ada(NOW).await;
    let eve = town.add("eve@example.com", NOW).await;
    let (mut of_ada, added) = town.register(&ada, 0, NOW).await;
    let (mut of_eve, _) = town.register(&eve, 0, NOW).await;
    let step = town.service.begin_passkey_sign_in(NOW).unwrap();
    let (own, foreign) = (of_eve.sign(&step.options, &page()), of_ada.sign(&step.options, &page()));
    // Eve's key and signature, and Ada's account.
    let mut mixed = own.clone();
    mixed["response"]["userHandle"] = foreign["response"]["userHandle"].clone();
    assert_eq!(code(town.answer(&step, mixed, NOW).await), "passkey_refused");
    // Eve's signature under the id of Ada's passkey.
    let step = town.service.begin_passkey_sign_in(NOW).unwrap();
    let mut mixed = of_eve.sign(&step.options, &page());
    for member in ["id", "rawId"] {
        mixed[member] = foreign[member].clone();
    }
    mixed["response"]["userHandle"] = foreign["response"]["userHandle"].clone();
    assert_eq!(code(town.answer(&step, mixed, NOW).await), "passkey_refused");
    let signed_in = town.try_passkey(&mut of_eve, &page(), NOW).await.unwrap();
    let signed_in = town.actor(signed_in.secret.expose_secret(), NOW).await.unwrap();
    assert_eq!(signed_in.account_id(), eve.account_id());
    assert_eq!(code(town.service.remove_passkey(&eve, &added.id, NOW).await), "not_found");
    let rename = RenamePasskeyRequest { name: "mine".into() };
    assert_eq!(code(town.service.rename_passkey(&eve, &added.id, &rename, NOW).await), "not_found");
}

#[tokio::test]
async fn a_copy_of_a_passkey_that_counts_is_refused_and_told() {
    let town = Town::new().await;
    town.add_ada().await;
    let (mut phone, _) = town.register(&town.ada(NOW).await, 7, NOW).await;
    for _ in 0..3 {
        town.try_passkey(&mut phone, &page(), NOW).await.unwrap();
    }
    // The thief's copy was made at the beginning.
    phone.count = 8;
    assert_eq!(code(town.try_passkey(&mut phone, &page(), NOW).await), "passkey_refused");
    town.service.record_security_events(NOW).await.unwrap();
    assert!(town.last_record().await.contains("count of a passkey went back"));
    phone.count = 100;
    town.try_passkey(&mut phone, &page(), NOW).await.unwrap();
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let town = Town::new().await;
    let bob = town.add_without_password().await;
    let (_, first) = town.register(&bob, 0, NOW).await;
    let (_, second) = town.register(&bob, 0, NOW).await;
    town.service.remove_passkey(&bob, &first.id, NOW).await.unwrap();
    assert_eq!(code(town.service.remove_passkey(&bob, &second.id, NOW).await), "last_way_in");
    let request = SetPasswordRequest { new_password: secret("snow owls rarely type") };
    town.service.set_password(&bob, &request, NOW).await.unwrap();
    town.service.remove_passkey(&bob, &second.id, NOW).await.unwrap();
}

#[tokio::test]
async fn where_a_second_factor_is_required_none_is_added_beside_one_that_was_not_shown() {
    let town = Town::with_settings(AccountSettings { require_second_factor: true, ..settings() }).await;
    town.add_ada().await;
    let thief = town.ada(NOW).await;
    let step = town.service.begin_passkey(&thief, NOW).await.unwrap();
    let (_, late) = Authenticator::register(&step.options, &page(), 0);
    let (_, added) = town.register(&town.ada(NOW).await, 0, NOW).await;
    // Whoever has the password alone gets a session, and neither a passkey nor an authenticator with it.
    assert_eq!(code(town.add_passkey(&thief, &step, late, NOW).await), "second_factor_required");
    assert_eq!(code(town.service.begin_passkey(&thief, NOW).await), "second_factor_required");
    assert_eq!(code(town.service.begin_totp(&thief, NOW).await), "second_factor_required");
    let request = TotpCodeRequest { code: secret("000000") };
    assert_eq!(code(town.service.confirm_totp(&thief, &request, NOW).await), "second_factor_required");
    // Nor does it do any other act of the first list.
    assert_eq!(code(town.service.remove_totp(&thief, NOW).await), "second_factor_required");
    assert_eq!(code(town.service.remove_passkey(&thief, &added.id, NOW).await), "second_factor_required");
    let rename = RenamePasskeyRequest { name: "mine".into() };
    assert_eq!(code(town.service.rename_passkey(&thief, &added.id, &rename, NOW).await), "second_factor_required");
    let request = SetPasswordRequest { new_password: secret("snow owls rarely type") };
    assert_eq!(code(town.service.set_password(&thief, &request, NOW).await), "second_factor_required");
    let request = AddressRequest { email: "eve@example.com".into() };
    assert_eq!(code(town.service.change_address(&thief, &request, NOW).await), "second_factor_required");
    assert_eq!(code(town.service.unlink_identity(&thief, "idn_none", NOW).await), "second_factor_required");
    let request = pintle_api::BeginSsoRequest { provider: "corp".into(), redirect_uri: format!("{URL}/sso/corp") };
    assert_eq!(code(town.service.begin_link(&thief, &request, NOW).await), "second_factor_required");
    let request = pintle_api::FinishSsoRequest {
        provider: "corp".into(),
        pending: secret("x"),
        state: "x".into(),
        code: secret("x"),
        iss: None,
    };
    assert_eq!(code(town.service.finish_link(&thief, &request, NOW).await), "second_factor_required");
    assert_eq!(code(town.service.delete_account(&thief, NOW).await), "second_factor_required");
    let account = town.service.read_account(&thief).await.unwrap();
    assert_eq!((account.email.as_deref(), account.passkeys, account.has_totp), (Some(ADA), 1, false));
}

#[tokio::test]
async fn where_single_sign_on_is_required_no_passkey_signs_in() {
    let mut town = Town::new().await;
    town.add_ada().await;
    let (mut phone, _) = town.register(&town.ada(NOW).await, 0, NOW).await;
    let step = town.service.begin_passkey_sign_in(NOW).unwrap();
    let before = town.try_passkey(&mut phone, &page(), NOW).await.unwrap();
    town.require_sso();
    assert_eq!(code(town.service.begin_passkey_sign_in(NOW)), "sso_required");
    let credential = phone.sign(&step.options, &page());
    assert_eq!(code(town.answer(&step, credential, NOW).await), "sso_required");
    let ada = town.actor(before.secret.expose_secret(), NOW).await.unwrap();
    assert_eq!(code(town.service.begin_passkey(&ada, NOW).await), "sso_required");
}

#[tokio::test]
async fn a_server_without_a_name_has_no_passkeys() {
    let town = Town::with_settings(AccountSettings { public_url: "http://127.0.0.1:8080".into(), ..settings() }).await;
    town.add_ada().await;
    let ada = town.ada(NOW).await;
    assert_eq!(code(town.service.begin_passkey(&ada, NOW).await), "passkeys_unavailable");
    assert_eq!(code(town.service.begin_passkey_sign_in(NOW)), "passkeys_unavailable");
    let answer = town.try_sign_in(ADA, PASSWORD, "192.0.2.0/24", NOW).await.unwrap();
    assert!(done(answer).is_some());
}

#[tokio::test]
async fn a_passkey_is_added_by_somebody_who_signed_in_a_short_while_ago() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.ada(NOW).await;
    assert_eq!(code(town.service.begin_passkey(&ada, at(601)).await), "step_up_needed");
    let step = town.service.begin_passkey(&ada, at(599)).await.unwrap();
    let (_, credential) = Authenticator::register(&step.options, &page(), 0);
    assert_eq!(code(town.add_passkey(&ada, &step, credential, at(601)).await), "step_up_needed");
    // The second on one authenticator is asked not to be made.
    let (_, added) = town.register(&ada, 0, NOW).await;
    let step = town.service.begin_passkey(&ada, NOW).await.unwrap();
    assert_eq!(step.options["excludeCredentials"].as_array().unwrap().len(), 1, "{added:?}");
    assert_eq!(step.options["authenticatorSelection"]["userVerification"], "required");
}

#[tokio::test]
async fn the_operator_removes_what_somebody_lost_and_their_organizations_learn_it() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.ada(NOW).await;
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;
    let remove = async |who: &str, lost| code(town.service.remove_lost_factors(who, lost, NOW).await);
    assert_eq!(remove(ADA, LostFactors::AuthenticatorAndPasskeys).await, "not_found", "there is nothing yet");
    town.register(&ada, 0, NOW).await;
    enable_totp(&town, NOW).await;
    assert_eq!(remove("eve@example.com", LostFactors::Authenticator).await, "not_found");
    assert_eq!(remove(ADA, LostFactors::Authenticator).await, "ok");
    let account = town.service.read_account(&ada).await.unwrap();
    assert_eq!((account.has_totp, account.recovery_codes_left, account.passkeys), (false, 0, 1));
    assert_eq!(remove(ada.account_id(), LostFactors::AuthenticatorAndPasskeys).await, "ok");
    let ada = town.ada(NOW).await;
    assert_eq!(town.service.read_account(&ada).await.unwrap().passkeys, 0);
    assert_eq!(town.service.list_sessions(&ada, &ListQuery::default(), NOW).await.unwrap().items.len(), 1, "all ended");
    let query = AuditQuery::default();
    let events = town.service.list_audit_events(&ada, &organization, &query).await.unwrap().items;
    let actions: Vec<_> = events.iter().map(|event| event.parse_record().unwrap().action).collect();
    assert_eq!(actions[1..3], ["account.passkey_removed", "account.second_factor_removed"]);
    assert_eq!(town.mails(NOW).await.len(), 4, "a passkey and an authenticator added, and removed");
}
