//! Passwords: what is accepted, and how they are kept.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use pintle_api::SecretText;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{
    ServiceError,
    address::EmailAddress,
    error::AccountError::{self, PasswordUnfit},
    random::make_random,
};

const MIN_CHARS: usize = 12;
/// Longer than any passphrase; bounds what is hashed.
const MAX_BYTES: usize = 1024;

/// Argon2id with 32 MiB and 3 passes: more than OWASP's least (19 MiB, 2 passes).
const MEMORY_KIB: u32 = 32 * 1024;
const PASSES: u32 = 3;
/// Passwords hashed at once: 128 MiB and four threads, however many strangers sign in.
const AT_ONCE: usize = 4;
/// Those and whoever waits for a turn; the next is told to come back.
const IN_QUEUE: usize = 36;

/// What a password guesser tries first, apart from what the rules below refuse anyway: no shorter ones.
const COMMON: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789123",
    "administrator",
    "changemechangeme",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "iloveyouiloveyou",
    "letmeinletmein",
    "passwordpassword",
    "password1234",
    "password12345",
    "password123456",
    "qwertyuiop123",
    "qwertyuiopasdfgh",
    "qwertyqwerty",
    "welcome12345",
    "welcomewelcome",
];

/// Refuses what is too short, too long, well known, or made of what everybody knows of the account.
pub(crate) fn check_new_password(password: &SecretText, address: Option<&EmailAddress>) -> Result<(), ServiceError> {
    let text = password.expose_secret();
    let problem = if text.len() > MAX_BYTES {
        "longer than 1024 bytes"
    } else if text.chars().count() < MIN_CHARS {
        "shorter than 12 characters"
    } else if text.contains(char::is_control) {
        "not one line of text"
    } else if is_guessed(&Zeroizing::new(text.to_lowercase()), address) {
        "among the first that anybody would try"
    } else {
        return Ok(());
    };
    Err(PasswordUnfit { problem }.into())
}

fn is_guessed(lower: &str, address: Option<&EmailAddress>) -> bool {
    let distinct = lower.chars().enumerate().filter(|(at, c)| lower.chars().take(*at).all(|other| other != *c));
    let is_address = address.is_some_and(|address| {
        let local = address.key().split('@').next().unwrap_or_default();
        lower == address.key() || lower.replace(local, "").chars().count() < 4
    });
    is_address || COMMON.contains(&lower) || lower.starts_with("pintle_") || distinct.take(5).count() < 5
}

/// Hashes and compares, a few at a time.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Semaphore,
    queue: Semaphore,
}

/// What became of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Comparison {
    Equal,
    /// Equal, and hashed with other parameters than today's.
    EqualOutdated,
    Different,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE), queue: Semaphore::new(IN_QUEUE) }
    }
}

impl Passwords {
    /// A hash in PHC form.
    pub(crate) async fn hash(&self, password: &SecretText) -> Result<String, ServiceError> {
        let password = password.clone();
        self.run(move || hash(&password)).await
    }

    /// Compares with `hash`. Without one it takes as long, and the answer is [`Comparison::Different`].
    pub(crate) async fn compare(
        &self,
        password: &SecretText,
        hash: Option<String>,
    ) -> Result<Comparison, ServiceError> {
        if password.expose_secret().len() > MAX_BYTES {
            return Ok(Comparison::Different);
        }
        let password = password.clone();
        self.run(move || compare(&password, hash)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let _place = self.queue.try_acquire().map_err(|_| AccountError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| ServiceError::Internal("the queue is open"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_| ServiceError::Internal("hashing a password panicked"))?
    }
}

fn hasher() -> Result<Argon2<'static>, ServiceError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| ServiceError::Internal("Argon2 parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &SecretText) -> Result<String, ServiceError> {
    let salt: [u8; 16] = make_random()?;
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map_err(|_| ServiceError::Internal("a password is hashed"))?;
    Ok(hash.to_string())
}

fn compare(password: &SecretText, stored: Option<String>) -> Result<Comparison, ServiceError> {
    let Some(stored) = stored else {
        hash(password)?;
        return Ok(Comparison::Different);
    };
    let stored = PasswordHash::new(&stored).map_err(|_| ServiceError::Internal("a stored hash is in PHC form"))?;
    let hasher = hasher()?;
    if hasher.verify_password(password.expose_secret().as_bytes(), &stored).is_err() {
        return Ok(Comparison::Different);
    }
    let is_todays = Params::try_from(&stored).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, hasher.params().p_cost())
    });
    Ok(if is_todays { Comparison::Equal } else { Comparison::EqualOutdated })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretText {
        Zeroizing::new(text.to_owned()).into()
    }

    #[test]
    fn refuses_what_is_guessed_first_and_asks_for_no_digits_or_signs() {
        let address = EmailAddress::parse("ada.lovelace@example.com").unwrap();
        for text in ["elf twigs hum so", "ada.lovelace and her engine", "ünïcödé wörds", &"x1y2z".repeat(200)] {
            assert!(check_new_password(&secret(text), Some(&address)).is_ok(), "{text}");
        }
        for text in [
            "short one 1",
            "PasswordPassword",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "ada.lovelace123",
            "Ada.Lovelace@example.com",
            "two lines\nare not one",
            &"x1y2z".repeat(300),
        ] {
            assert!(check_new_password(&secret(text), Some(&address)).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_with_its_parameters_and_matches_one_password() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&secret("elf twigs hum so")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=32768,t=3,p=1$"), "{hash}");
        let compare = async |text: &str, hash: Option<&str>| {
            passwords.compare(&secret(text), hash.map(str::to_owned)).await.unwrap()
        };
        assert_eq!(compare("elf twigs hum so", Some(&hash)).await, Comparison::Equal);
        assert_eq!(compare("elf twigs hum sp", Some(&hash)).await, Comparison::Different);
        assert_eq!(compare("elf twigs hum so", None).await, Comparison::Different);
        let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap());
        let old: PasswordHash = weaker.hash_password_with_salt(b"elf twigs hum so", &[7; 16]).unwrap();
        assert_eq!(compare("elf twigs hum so", Some(&old.to_string())).await, Comparison::EqualOutdated);
    }

    #[tokio::test]
    async fn a_crowd_is_turned_away_and_not_hashed_for() {
        let passwords = Passwords::default();
        let _crowd = passwords.queue.acquire_many(u32::try_from(IN_QUEUE).unwrap()).await.unwrap();
        let refused = passwords.hash(&secret("elf twigs hum so")).await.unwrap_err();
        assert_eq!(refused.code(), "busy");
    }
}
