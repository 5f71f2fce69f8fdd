//! The cookies of the dashboard, and who comes with them.

use axum::http::{HeaderMap, HeaderValue, header};
use pintle_api::SessionSecret;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The session: sent to this host alone, over TLS alone, and to no script.
pub(super) const SESSION: Cookie = Cookie { name: "pintle", max_age_secs: 30 * 86_400 };
/// What a sign-in of two steps is at.
pub(super) const PENDING: Cookie = Cookie { name: "pintle_pending", max_age_secs: 600 };

pub(super) struct Cookie {
    name: &'static str,
    max_age_secs: u32,
}

impl Cookie {
    /// Browsers hold a name with this prefix to `Secure`, `Path=/` and no `Domain`: no other host can set it. On plain HTTP,
    /// which is for trials on one's own machine, there is no such thing.
    fn full_name(&self, is_https: bool) -> String {
        format!("{}{}", if is_https { "__Host-" } else { "" }, self.name)
    }

    pub(super) fn read(&self, headers: &HeaderMap, is_https: bool) -> Option<Zeroizing<String>> {
        let name = self.full_name(is_https);
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values = pairs
            .flat_map(|pairs| pairs.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name);
        // Two of one name: somebody planted one, and nobody can tell which.
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(Zeroizing::new(value.to_owned())),
            _ => None,
        }
    }

    /// `value` consists of characters that a cookie holds as they are.
    pub(super) fn set(&self, value: &str, is_https: bool) -> Option<HeaderValue> {
        self.write(value, self.max_age_secs, is_https)
    }

    pub(super) fn clear(&self, is_https: bool) -> Option<HeaderValue> {
        self.write("", 0, is_https)
    }

    fn write(&self, value: &str, max_age_secs: u32, is_https: bool) -> Option<HeaderValue> {
        let (name, secure) = (self.full_name(is_https), if is_https { "; Secure" } else { "" });
        let text =
            Zeroizing::new(format!("{name}={value}; Path=/; Max-Age={max_age_secs}; HttpOnly; SameSite=Lax{secure}"));
        let mut value = HeaderValue::try_from(text.as_str()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The secret of the session that comes with a request, if it has the form of one.
pub(super) fn read_session(headers: &HeaderMap, is_https: bool) -> Option<SessionSecret> {
    SessionSecret::parse(&SESSION.read(headers, is_https)?).ok()
}

/// What a form of the session carries: who cannot read its pages cannot know it, and it says nothing of the secret.
pub(super) fn derive_form_token(session: &SessionSecret) -> String {
    let digest = Sha256::new().chain_update(b"pintle form\n").chain_update(session.expose_secret()).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (header::COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn over_tls_only_the_name_that_no_other_host_can_set_counts() {
        let secret = SessionSecret::make(&[7; 32]);
        let text = secret.expose_secret();
        let plain = headers(&[&format!("pintle={text}")]);
        assert!(read_session(&plain, true).is_none());
        assert!(read_session(&plain, false).is_some());
        let secure = headers(&["a=b", &format!("c=d; __Host-pintle={text}")]);
        assert_eq!(read_session(&secure, true).unwrap().sha256(), secret.sha256());
        let cookie = SESSION.set(text, true).unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(
            cookie.starts_with("__Host-pintle=")
                && cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure")
        );
    }

    #[test]
    fn a_planted_second_cookie_signs_nobody_in() {
        let (mine, planted) = (SessionSecret::make(&[7; 32]), SessionSecret::make(&[8; 32]));
        let both = format!("__Host-pintle={}; __Host-pintle={}", planted.expose_secret(), mine.expose_secret());
        assert!(read_session(&headers(&[&both]), true).is_none());
    }

    #[test]
    fn a_token_of_forms_is_each_sessions_own_and_no_part_of_its_secret() {
        let (one, other) = (SessionSecret::make(&[7; 32]), SessionSecret::make(&[8; 32]));
        assert_ne!(derive_form_token(&one), derive_form_token(&other));
        assert!(!one.expose_secret().contains(&derive_form_token(&one)));
    }
}
