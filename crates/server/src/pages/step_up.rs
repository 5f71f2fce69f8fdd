//! Signing in again before a dangerous act, and ways back to where somebody was.

use super::sign_in::form_encode;

/// Where to sign in, to come back to `back`.
pub(super) fn sign_in_path(back: &str) -> String {
    if back == "/" { "/sign-in".to_owned() } else { format!("/sign-in?{}", form_encode("next", back)) }
}

/// Where to show again who one is, to come back to `back`.
pub(super) fn path(back: &str) -> String {
    format!("/account/confirm-identity?{}", form_encode("next", back))
}

/// `text`, if it is a path of this server; the beginning otherwise. Browsers read `//host` and `/\host` as another server.
pub(super) fn safe_path(text: &str) -> &str {
    let is_path = text.starts_with('/') && !text.starts_with("//") && !text.contains(['\\', '\t', '\n', '\r']);
    if is_path { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_leads_to_no_other_server() {
        assert_eq!(safe_path("/orgs/org_1?done=x"), "/orgs/org_1?done=x");
        for elsewhere in
            ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", ""]
        {
            assert_eq!(safe_path(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn a_way_back_cannot_add_parameters() {
        assert_eq!(sign_in_path("/a?b=c&next=//evil"), "/sign-in?next=/a%3Fb%3Dc%26next%3D//evil");
    }
}
