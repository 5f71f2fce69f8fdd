//! Authenticators and recovery codes.

use super::*;

impl Town {
    /// The first step of signing in; what it hands out for the second.
    async fn begin_sign_in(&self, now: UnixTime) -> SecretText {
        let answer = self.try_sign_in(ADA, PASSWORD, "192.0.2.0/24", now).await.unwrap();
        let step = match answer {
            SignInResponse::SecondFactor(step) => Some(step),
            SignInResponse::Done(_) => None,
        };
        step.unwrap().pending
    }

    async fn finish(&self, pending: &SecretText, code: SecretText, now: UnixTime) -> Result<SignedIn, ServiceError> {
        let request = SecondFactorRequest { pending: pending.clone(), code };
        self.service.finish_sign_in(&request, None, &from("192.0.2.0/24"), now).await
    }
}

#[tokio::test]
async fn an_authenticator_is_asked_for_and_each_of_its_codes_works_once() {
    let town = Town::new().await;
    town.add_ada().await;
    let (totp, recovery_codes) = enable_totp(&town, NOW).await;
    let pending = town.begin_sign_in(NOW).await;
    let replayed = town.finish(&pending, secret_code(&totp, NOW), NOW).await;
    assert_eq!(code(replayed), "second_factor_wrong", "the code that confirmed it was used");
    assert_eq!(code(town.finish(&pending, secret_code(&totp, at(30)), at(30)).await), "code_invalid");

    let pending = town.begin_sign_in(at(30)).await;
    let signed_in = town.finish(&pending, secret_code(&totp, at(30)), at(30)).await.unwrap();
    let ada = town.actor(signed_in.secret.expose_secret(), at(30)).await.unwrap();
    let pending = town.begin_sign_in(at(31)).await;
    assert_eq!(code(town.finish(&pending, secret_code(&totp, at(31)), at(31)).await), "second_factor_wrong");
    let late = town.begin_sign_in(at(60)).await;
    assert_eq!(code(town.finish(&late, secret_code(&totp, at(360)), at(360)).await), "code_invalid", "five minutes");

    assert_eq!(recovery_codes.len(), 10);
    let typed = secret(&recovery_codes[0].expose_secret().to_uppercase().replace('-', " "));
    for expected in ["ok", "second_factor_wrong"] {
        let pending = town.begin_sign_in(at(400)).await;
        assert_eq!(code(town.finish(&pending, typed.clone(), at(400)).await), expected);
    }
    let account = town.service.read_account(&ada).await.unwrap();
    assert_eq!((account.has_totp, account.recovery_codes_left), (true, 9));

    assert_eq!(code(town.service.remove_totp(&ada, at(700)).await), "step_up_needed");
    town.service.remove_totp(&ada, at(400)).await.unwrap();
    town.sign_in(at(400)).await;
    let subjects: Vec<_> = town.mails(at(400)).await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["The second factor of your account on Pintle was changed"; 2]);
    assert!(town.events().await.contains(&"account.second_factor_removed".to_owned()));
}

#[tokio::test]
async fn guessing_codes_with_a_stolen_password_is_slowed_down() {
    let town = Town::new().await;
    town.add_ada().await;
    let (totp, _) = enable_totp(&town, NOW).await;
    for _ in 0..6 {
        let pending = town.begin_sign_in(NOW).await;
        assert_eq!(code(town.finish(&pending, secret("000000"), NOW).await), "second_factor_wrong");
    }
    let pending = town.begin_sign_in(NOW).await;
    let right = secret_code(&totp, at(30));
    assert_eq!(code(town.finish(&pending, right.clone(), NOW).await), "too_many_attempts", "from whatever network");
    assert!(town.finish(&pending, right, at(5)).await.is_ok(), "who waits needs no other sign-in");
    town.service.record_security_events(NOW).await.unwrap();
    assert!(town.events().await.contains(&"session.refused".to_owned()));
}

#[tokio::test]
async fn a_stolen_database_holds_no_second_factor_and_no_session() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let begun = town.service.begin_totp(&ada, NOW).await.unwrap();
    let tx = town.store.read().await.unwrap();
    let account = AccountId::parse(ada.account_id()).unwrap();
    let row = tx.find_totp(&account).await.unwrap().unwrap();
    let plain = totp_rs::Secret::try_from_base32(begun.secret.expose_secret()).unwrap();
    let stored = Base64UrlUnpadded::decode_vec(&row.secret).unwrap();
    assert!(stored.len() > plain.as_ref().len() && !stored.windows(8).any(|part| plain.as_ref().starts_with(part)));
    assert!(!row.secret.contains(begun.secret.expose_secret()));
}

#[tokio::test]
async fn where_a_second_factor_is_required_a_password_alone_only_adds_one() {
    let town = Town::with_settings(AccountSettings {
        sign_up: SignUp::Closed,
        require_second_factor: true,
        public_url: "https://pins.example.com".into(),
        ..AccountSettings::default()
    })
    .await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    assert_eq!(code(town.service.create_organization(&ada, &request, NOW).await), "second_factor_required");
    let (totp, _) = enable_totp(&town, NOW).await;
    assert_eq!(code(town.service.create_organization(&ada, &request, NOW).await), "second_factor_required");
    let pending = town.begin_sign_in(at(30)).await;
    let signed_in = town.finish(&pending, secret_code(&totp, at(30)), at(30)).await.unwrap();
    let ada = town.actor(signed_in.secret.expose_secret(), at(30)).await.unwrap();
    town.service.create_organization(&ada, &request, at(30)).await.unwrap();
}
