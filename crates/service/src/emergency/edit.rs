use std::collections::BTreeSet;

use pintle_core::{
    Name,
    claims::{Claims, Domain, Enforce, Pin},
};

/// One change of what a release says. Made twice, it changes nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Adds a pin; the domain is there already.
    AddPin {
        /// The entry.
        domain: Name,
        /// The pin.
        pin: Pin,
    },
    /// Removes the pins with this digest.
    RemovePin {
        /// The entry.
        domain: Name,
        /// `TYPE:BASE64`, or the first six characters or more of the digest.
        pin: String,
    },
    /// Says what a violation does.
    Enforce {
        /// The entry.
        domain: Name,
        /// What it does.
        enforce: Enforce,
    },
}

/// Why an edit makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No such entry.
    #[error("the release has no domain `{0}`")]
    NoDomain(String),
    /// No such pin.
    #[error("{domain} has no pin `{pin}`")]
    NoPin {
        /// The entry.
        domain: String,
        /// As given.
        pin: String,
    },
    /// A beginning that fits several.
    #[error("`{pin}` fits more than one pin of {domain}")]
    Ambiguous {
        /// The entry.
        domain: String,
        /// As given.
        pin: String,
    },
    /// The last pin would go.
    #[error("{domain} would be left without a pin, and every app refused")]
    LastPin {
        /// The entry.
        domain: String,
    },
}

impl Edit {
    /// Makes all of `edits`.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn apply_all(edits: &[Self], claims: &mut Claims) -> Result<(), EditError> {
        edits.iter().try_for_each(|edit| edit.apply(claims))?;
        // Judged at the end: a pin may go before its successor comes.
        for edit in edits {
            if let Self::RemovePin { domain, .. } = edit
                && find(claims, domain)?.pins.is_empty()
            {
                return Err(EditError::LastPin { domain: domain.to_string() });
            }
        }
        Ok(())
    }

    /// Whether `claims` say what `edits` ask for already.
    pub fn are_made(edits: &[Self], claims: &Claims) -> bool {
        edits.iter().all(|edit| match edit {
            Self::AddPin { domain, pin } => entry(claims, domain).is_some_and(|entry| entry.pins.contains(pin)),
            Self::RemovePin { domain, pin } => {
                entry(claims, domain).is_none_or(|entry| !entry.pins.iter().any(|known| fits(known, pin)))
            }
            Self::Enforce { domain, enforce } => entry(claims, domain).is_some_and(|entry| entry.enforce == *enforce),
        })
    }

    fn apply(&self, claims: &mut Claims) -> Result<(), EditError> {
        match self {
            Self::AddPin { domain, pin } => {
                let entry = find(claims, domain)?;
                if !entry.pins.contains(pin) {
                    entry.pins.push(*pin);
                }
            }
            Self::RemovePin { domain, pin } => {
                let entry = find(claims, domain)?;
                let digests: BTreeSet<_> =
                    entry.pins.iter().filter(|known| fits(known, pin)).map(|known| known.digest).collect();
                let (domain, pin) = (domain.to_string(), pin.clone());
                match digests.len() {
                    0 => return Err(EditError::NoPin { domain, pin }),
                    1 => entry.pins.retain(|known| !digests.contains(&known.digest)),
                    _ => return Err(EditError::Ambiguous { domain, pin }),
                }
            }
            Self::Enforce { domain, enforce } => find(claims, domain)?.enforce = *enforce,
        }
        Ok(())
    }
}

fn fits(pin: &Pin, wanted: &str) -> bool {
    let digest = pin.digest.to_base64();
    // Fewer characters would rather be a mistake than a digest.
    format!("{}:{digest}", pin.digest.kind().as_str()) == wanted || (wanted.len() >= 6 && digest.starts_with(wanted))
}

fn entry<'a>(claims: &'a Claims, name: &Name) -> Option<&'a Domain> {
    claims.domains.iter().find(|domain| domain.name == *name)
}

fn find<'a>(claims: &'a mut Claims, name: &Name) -> Result<&'a mut Domain, EditError> {
    let found = claims.domains.iter_mut().find(|domain| domain.name == *name);
    found.ok_or_else(|| EditError::NoDomain(name.to_string()))
}
