//! TypeIDs: a prefix that says what is named, and a UUIDv7 in 26 characters of lower-case Crockford base32
//! (TypeID specification 0.3).

use sea_orm::DeriveValueType;
use uuid::{NoContext, Timestamp, Uuid};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_CHARS: usize = 26;

/// The text is no id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id that begins with `{prefix}_`")]
pub struct IdError {
    /// The expected kind.
    pub prefix: &'static str,
}

macro_rules! type_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
        pub struct $name(String);

        impl $name {
            /// A fresh id that sorts by `now_secs` (seconds since 1970 UTC).
            pub fn make(now_secs: u64) -> Self {
                Self(make($prefix, now_secs))
            }

            /// Accepts exactly the canonical form.
            ///
            /// # Errors
            /// [`IdError`] for anything else.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_canonical($prefix, text) { Ok(Self(text.to_owned())) } else { Err(IdError { prefix: $prefix }) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        // Asked of every primary key; no database makes ours.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

type_id!(/** An account. */ AccountId, "acc");
type_id!(/** An identity of single sign-on. */ IdentityId, "idn");
type_id!(/** A passkey. */ PasskeyId, "psk");
type_id!(/** An alert. */ AlertId, "alr");
type_id!(/** An API token. */ TokenId, "tok");
type_id!(/** An organization. */ OrganizationId, "org");
type_id!(/** A project. */ ProjectId, "prj");
type_id!(/** A domain of a draft. */ DomainId, "dom");
type_id!(/** A pin of a domain. */ PinId, "pin");
type_id!(/** A release. */ ReleaseId, "rel");
type_id!(/** A message to a webhook. */ MessageId, "msg");
type_id!(/** A webhook. */ WebhookId, "whk");
type_id!(/** An invitation. */ InvitationId, "inv");
type_id!(/** A probe agent. */ AgentId, "agt");
type_id!(/** A job. */ JobId, "job");
type_id!(/** Somebody signed in. */ SessionId, "ses");
type_id!(/** A mail to be sent. */ MailId, "mail");

fn make(prefix: &str, now_secs: u64) -> String {
    let uuid = Uuid::new_v7(Timestamp::from_unix(NoContext, now_secs, 0));
    let mut text = format!("{prefix}_");
    text.push_str(&encode(uuid.as_u128()));
    text
}

fn encode(number: u128) -> String {
    (0..SUFFIX_CHARS)
        .rev()
        .filter_map(|position| ALPHABET.get(usize::from((number >> (5 * position)).to_le_bytes()[0] & 31)))
        .map(|&digit| char::from(digit))
        .collect()
}

fn is_canonical(prefix: &str, text: &str) -> bool {
    let suffix = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    // 26 digits hold 130 bits: a first digit above 7 would exceed a UUID.
    suffix.is_some_and(|suffix| {
        suffix.len() == SUFFIX_CHARS
            && suffix.bytes().all(|byte| ALPHABET.contains(&byte))
            && matches!(suffix.as_bytes().first(), Some(b'0'..=b'7'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_the_typeid_specification_says() {
        // Cases of the specification's `valid.json`.
        assert_eq!(encode(0), "00000000000000000000000000");
        assert_eq!(encode(u128::MAX), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
        let uuid = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(encode(uuid.as_u128()), "01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn a_fresh_id_parses_and_later_ones_sort_after_it() {
        let (first, second) = (ProjectId::make(1_800_000_000), ProjectId::make(1_800_000_001));
        assert_eq!(ProjectId::parse(first.as_str()), Ok(first.clone()));
        assert!(first < second);
    }

    #[test]
    fn refuses_another_kind_and_other_spellings() {
        let id = ProjectId::make(1_800_000_000).to_string();
        for bad in [
            id.replace("prj_", "org_"),
            id.to_uppercase(),
            format!("{id}0"),
            id.replace("prj_", "prj-"),
            "prj_8zzzzzzzzzzzzzzzzzzzzzzzzz".to_owned(),
            "prj_0000000000000000000000000u".to_owned(),
            String::new(),
        ] {
            assert_eq!(ProjectId::parse(&bad), Err(IdError { prefix: "prj" }), "{bad}");
        }
    }
}
