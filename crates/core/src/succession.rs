//! Changing the signing key without an app release (section 5).

use alloc::{string::String, vec::Vec};

use crate::{
    error::{ConfigError, Malformed, MalformedReason},
    json::{Document, Value},
    jws::{SUCCESSION_TYPE, UnverifiedJws},
    key::PublicKey,
    root::{OrganizationId, ProjectId, Root},
};

/// One step of an accepted chain, as kept in [`State`](crate::State) (P-3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `seq` of the statement.
    pub seq: u64,
    /// The key it names.
    pub key: PublicKey,
    /// `kid` of the statement's signer.
    pub signer: String,
}

/// A chain evaluated from the embedded keys (P-5.3).
#[derive(Clone, Debug)]
pub struct Chain {
    /// The key that signs the file.
    pub(crate) current: PublicKey,
    /// `r` of P-3.7.
    pub(crate) recovery_seq: u64,
    /// Every statement of the chain, in order.
    pub(crate) links: Vec<Link>,
}

/// A statement whose signature has not been checked (P-5.1): only [`Chain::evaluate`] says whether it counts.
pub struct UnverifiedStatement<'a> {
    jws: UnverifiedJws<'a>,
    organization: OrganizationId,
    project: ProjectId,
    seq: u64,
    key: PublicKey,
}

impl Chain {
    /// The key that `statements` (compact JWS, `seq` rising by one) lead to from the keys of `root` (P-5.2, P-5.3); none
    /// lead to the embedded key. How many a file may carry is judged where its header is read.
    pub fn evaluate(statements: &[String], root: &Root) -> Result<Self, ConfigError> {
        let statements = parse_statements(statements, root)
            .map_err(|error| ConfigError::Malformed(error.within("succ").within("header")))?;

        let recovered = root.recovery_key().and_then(|recovery_key| {
            statements.iter().rposition(|statement| statement.is_signed_by(recovery_key, root))
        });
        let embedded = statements.iter().position(|statement| statement.key == *root.public_key());
        let (mut current, unverified_from, recovery_seq) = match (recovered, embedded) {
            (Some(index), _) => {
                let Some(statement) = statements.get(index) else {
                    return Err(untrusted(0));
                };
                (statement.key, index + 1, statement.seq)
            }
            (None, Some(index)) => (*root.public_key(), index + 1, 0),
            (None, None) => match statements.first() {
                Some(first) if first.seq != 1 => return Err(untrusted(first.seq)),
                _ => (*root.public_key(), 0, 0),
            },
        };
        for statement in statements.iter().skip(unverified_from) {
            if !statement.is_signed_by(&current, root) {
                return Err(untrusted(statement.seq));
            }
            current = statement.key;
        }
        let links = statements
            .into_iter()
            .map(|statement| Link { seq: statement.seq, key: statement.key, signer: statement.jws.kid })
            .collect();
        Ok(Self { current, recovery_seq, links })
    }

    /// The key at the end.
    #[must_use]
    pub const fn current_key(&self) -> &PublicKey {
        &self.current
    }

    /// `r` of P-3.7: `seq` of the last recovery-signed statement, 0 if there is none.
    #[must_use]
    pub const fn recovery_seq(&self) -> u64 {
        self.recovery_seq
    }

    /// Every statement, in order.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// P-5.4, for two chains of the same `r`.
    pub(crate) fn check_continues(&self, stored: &[Link]) -> Result<(), ConfigError> {
        for link in self.links.iter().filter(|link| link.seq >= self.recovery_seq) {
            if let Some(accepted) = stored.iter().find(|accepted| accepted.seq == link.seq)
                && accepted != link
            {
                return Err(ConfigError::SuccessionFork { seq: link.seq });
            }
        }
        let last_seq = |links: &[Link]| links.last().map_or(0, |link| link.seq);
        let (found, accepted) = (last_seq(&self.links), last_seq(stored));
        if found < accepted { Err(ConfigError::SuccessionRollback { found, accepted }) } else { Ok(()) }
    }
}

impl<'a> UnverifiedStatement<'a> {
    /// Reads one statement (P-5.1).
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let jws = UnverifiedJws::parse(text.as_bytes(), SUCCESSION_TYPE)?;
        let document = Document::parse(jws.dangerous_unverified_payload())?;
        let claims = document.object()?;
        let organization = claims.required("iss", |value| {
            OrganizationId::parse(value.text()?).map_err(|_| expected("an organization id"))
        })?;
        let project =
            claims.required("sub", |value| ProjectId::parse(value.text()?).map_err(|_| expected("a project id")))?;
        let seq = claims.required("seq", |value| match value.integer()? {
            0 => Err(expected("1 or more")),
            seq => Ok(seq),
        })?;
        claims.required("iat", Value::integer)?;
        let key = claims.required("key", |value| {
            PublicKey::parse_base64(value.text()?).map_err(|_| expected("a P-256 public key"))
        })?;
        claims.refuse_all_but(&["iss", "sub", "seq", "iat", "key"])?;
        Ok(Self { jws, organization, project, seq, key })
    }

    /// Its `seq`.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The key it names as the next one.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// P-5.1: `kid`, signature, `iss` and `sub` all fit.
    fn is_signed_by(&self, key: &PublicKey, root: &Root) -> bool {
        self.jws.kid == alloc::format!("{}", key.kid())
            && self.organization == *root.organization()
            && self.project == *root.project()
            && self.jws.is_signed_by(key)
    }
}

fn untrusted(seq: u64) -> ConfigError {
    ConfigError::SuccessionUntrusted { seq }
}

/// The form of P-5.1 and P-5.2.
fn parse_statements<'a>(statements: &'a [String], root: &Root) -> Result<Vec<UnverifiedStatement<'a>>, Malformed> {
    let statements = statements
        .iter()
        .enumerate()
        .map(|(index, text)| UnverifiedStatement::parse(text).map_err(|error| error.within_index(index)))
        .collect::<Result<Vec<_>, _>>()?;
    let at = |index, reason: MalformedReason, member| Err(Malformed::from(reason).within(member).within_index(index));
    for (index, pair) in statements.windows(2).enumerate() {
        if let [before, after] = pair
            && after.seq != before.seq + 1
        {
            return at(index + 1, MalformedReason::Value { expected: "one more than the statement before" }, "seq");
        }
    }
    if let (Some(first), Some(recovery_key)) = (statements.first(), root.recovery_key())
        && first.seq != 1
        && first.jws.kid != alloc::format!("{}", recovery_key.kid())
    {
        return at(0, MalformedReason::Value { expected: "1, or signed by the recovery key" }, "seq");
    }
    for (index, statement) in statements.iter().enumerate() {
        let repeated = statements.iter().take(index).any(|earlier| earlier.key == statement.key);
        if repeated || Some(&statement.key) == root.recovery_key() {
            return at(index, MalformedReason::Repeated, "key");
        }
    }
    Ok(statements)
}

fn expected(expected: &'static str) -> Malformed {
    MalformedReason::Value { expected }.into()
}
