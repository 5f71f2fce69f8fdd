//! Accepting a configuration (section 3), in the order of its text.

use crate::{
    KeyId, UnixTime,
    claims::{Claims, Domain, OnStale},
    crypto,
    error::ConfigError,
    index::Index,
    jws::{CONFIG_TYPE, UnverifiedJws},
    limits::{MAX_CLOCK_SKEW_SECS, MAX_CONFIG_BYTES},
    name::{HostName, HostRef},
    root::Root,
    state::{Floor, State},
    succession::Chain,
};

/// A configuration that was verified for one root. Only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedConfig {
    claims: Claims,
    kid: KeyId,
    recovery_seq: u64,
    index: Index,
}

/// What acceptance gives: the configuration, and the state to keep in place of the old one (P-3.9).
#[derive(Clone, Debug)]
#[must_use]
pub struct Accepted {
    /// The configuration now in force.
    pub config: VerifiedConfig,
    /// The state to persist together with the file.
    pub state: State,
}

/// Verifies `bytes` as a configuration of `root` (section 3).
///
/// `state` is what the last acceptance for this root returned, [`State::default`] before the first; `now` is the
/// system clock. Any error means that nothing changes.
pub fn verify(bytes: &[u8], root: &Root, state: &State, now: UnixTime) -> Result<Accepted, ConfigError> {
    // P-3.1
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(ConfigError::TooLarge { bytes: bytes.len(), limit: MAX_CONFIG_BYTES });
    }
    let jws = UnverifiedJws::parse(bytes, CONFIG_TYPE)?;
    // P-3.2
    let chain = Chain::evaluate(&jws.succession, root)?;
    let kid = chain.current.kid();
    if KeyId::parse(&jws.kid) != Some(kid) {
        return Err(ConfigError::KeyUnknown { found: jws.kid, expected: kid });
    }
    // P-3.3
    let payload = jws.into_payload_signed_by(&chain.current).ok_or(ConfigError::SignatureInvalid { kid })?;
    // P-3.4
    let (claims, index) = Claims::parse_and_index(&payload)?;
    // P-3.5
    check_project(&claims, root)?;
    // P-3.6
    check_times(&claims, root, now)?;
    // P-3.7
    let found =
        Floor { recovery_seq: chain.recovery_seq, version: claims.version, claims_digest: crypto::sha256(&payload) };
    let recovered = check_floor(&found, &chain, state)?;
    // P-3.8; after a recovery the thief's time floor is void as well.
    let stored_time_floor = if recovered { UnixTime::default() } else { state.time_floor };
    let time_floor = stored_time_floor.max(claims.issued_at);
    let config = VerifiedConfig { claims, kid, recovery_seq: chain.recovery_seq, index };
    config.check_not_expired(effective_time(now, root, stored_time_floor))?;
    // P-3.9
    let state = State { floor: Some(found), chain: chain.links, time_floor, withdrawn: config.claims.withdrawn };
    Ok(Accepted { config, state })
}

/// `T` of section 3: the clock, bounded from below by what is known to have passed (P-3.12).
#[must_use]
pub fn effective_time(now: UnixTime, root: &Root, time_floor: UnixTime) -> UnixTime {
    now.max(root.built_at()).max(time_floor)
}

fn check_project(claims: &Claims, root: &Root) -> Result<(), ConfigError> {
    if claims.organization == *root.organization() && claims.project == *root.project() {
        return Ok(());
    }
    Err(ConfigError::WrongProject {
        expected: (root.organization().clone(), root.project().clone()),
        found: (claims.organization.clone(), claims.project.clone()),
    })
}

fn check_times(claims: &Claims, root: &Root, now: UnixTime) -> Result<(), ConfigError> {
    let latest = now.max(root.built_at()).saturating_add_secs(MAX_CLOCK_SKEW_SECS);
    for (claim, value) in [("iat", Some(claims.issued_at)), ("nbf", claims.not_before)] {
        if let Some(value) = value.filter(|value| *value > latest) {
            return Err(ConfigError::NotYetValid { claim, value, latest });
        }
    }
    Ok(())
}

/// Whether the file recovers from everything accepted so far: a higher `r` replaces floor, chain and time floor.
fn check_floor(found: &Floor, chain: &Chain, state: &State) -> Result<bool, ConfigError> {
    let Some(floor) = &state.floor else {
        return Ok(false);
    };
    if found.position() < floor.position() {
        return Err(ConfigError::Rollback { found: found.position(), floor: floor.position() });
    }
    if found.recovery_seq > floor.recovery_seq {
        return Ok(true);
    }
    if found.position() == floor.position() && found.claims_digest != floor.claims_digest {
        return Err(ConfigError::Equivocation { version: found.version });
    }
    chain.check_continues(&state.chain)?;
    Ok(false)
}

impl VerifiedConfig {
    /// What the project says.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that signed it.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.kid
    }

    /// `r` of P-3.7.
    #[must_use]
    pub const fn recovery_seq(&self) -> u64 {
        self.recovery_seq
    }

    /// The entry for `host` (P-4.5): exact, else `*.`, else the longest `**.`; never merged.
    #[must_use]
    pub fn domain_for(&self, host: &HostName) -> Option<&Domain> {
        self.entry_for(host.as_host_ref())
    }

    pub(crate) fn entry_for(&self, host: HostRef<'_>) -> Option<&Domain> {
        self.index.find(&self.claims.domains, host)
    }

    /// Whether `exp` has passed at `t` (P-3.8).
    #[must_use]
    pub fn is_past_expiry(&self, t: UnixTime) -> bool {
        self.claims.expires_at.is_some_and(|expires_at| t >= expires_at)
    }

    pub(crate) fn check_not_expired(&self, t: UnixTime) -> Result<(), ConfigError> {
        match self.claims.expires_at {
            Some(expired_at) if t >= expired_at && self.claims.on_stale == OnStale::Fail => {
                Err(ConfigError::Expired { expired_at, now: t })
            }
            _ => Ok(()),
        }
    }
}
