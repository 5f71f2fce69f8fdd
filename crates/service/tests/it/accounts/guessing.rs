//! Guesses, and what they do to others.

use super::*;

#[tokio::test]
async fn who_guesses_waits_longer_and_longer_and_the_owner_elsewhere_does_not() {
    let town = Town::new().await;
    town.add_ada().await;
    let (thief, owner) = ("203.0.113.0/24", "192.0.2.0/24");
    for _ in 0..6 {
        assert_eq!(code(town.try_sign_in(ADA, "some other words", thief, NOW).await), "sign_in_failed");
    }
    let refused = town.try_sign_in(ADA, PASSWORD, thief, NOW).await.unwrap_err();
    assert_eq!(refused.code(), "too_many_attempts", "not even with the right password");
    assert!(refused.to_string().contains("5 seconds"), "{refused}");
    assert!(town.try_sign_in(ADA, PASSWORD, owner, NOW).await.is_ok());
    assert!(town.try_sign_in(ADA, PASSWORD, thief, at(5)).await.is_ok());
    assert_eq!(
        code(town.try_sign_in(ADA, "some other words", thief, at(5)).await),
        "sign_in_failed",
        "and is forgiven"
    );
}

#[tokio::test]
async fn a_siege_from_many_networks_does_not_keep_the_owner_out() {
    let town = Town::new().await;
    town.add_ada().await;
    // A password that nothing is hashed for, so that the test takes no minute.
    let long = "x".repeat(2000);
    for number in 0..250 {
        let network = format!("10.0.{number}.0/24");
        assert_eq!(code(town.try_sign_in(ADA, &long, &network, NOW).await), "sign_in_failed");
    }
    assert!(town.try_sign_in(ADA, PASSWORD, "10.1.0.0/24", NOW).await.is_ok());
}

#[tokio::test]
async fn one_network_does_not_try_a_password_on_everybody() {
    let town = Town::new().await;
    let (long, thief) = ("x".repeat(2000), "203.0.113.0/24");
    for number in 0..51 {
        let email = format!("person{number}@example.com");
        assert_eq!(code(town.try_sign_in(&email, &long, thief, NOW).await), "sign_in_failed");
    }
    assert_eq!(code(town.try_sign_in("next@example.com", &long, thief, NOW).await), "too_many_attempts");
    assert_eq!(code(town.try_sign_in("next@example.com", &long, "192.0.2.0/24", NOW).await), "sign_in_failed");
}

#[tokio::test]
async fn a_flood_of_guesses_is_a_few_events_a_minute() {
    let town = Town::new().await;
    town.add_ada().await;
    let long = "x".repeat(2000);
    let (before, thief) = (town.events().await.len(), "203.0.113.0/24");
    for _ in 0..200 {
        assert!(town.try_sign_in(ADA, &long, thief, NOW).await.is_err());
        town.service.record_security_events(NOW).await.unwrap();
    }
    let events = town.events().await;
    assert_eq!(events[before..], ["session.refused", "session.refused"], "of wrong passwords, and of a lock");
}
