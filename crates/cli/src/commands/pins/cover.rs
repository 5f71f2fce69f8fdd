//! What entries lack to cover given keys. One rule, for the draft that is changed and for the release that may be signed
//! unasked.

use std::collections::BTreeMap;

use pintle_core::{
    HostName, UnixTime,
    claims::{Claims, Domain, Pin, PinDigest, PinMatch, find_domain},
    name::Name,
};

/// Keys that entries are to cover.
#[derive(Debug)]
pub(crate) struct Cover {
    /// By the name of the entry.
    pub(super) wanted: BTreeMap<String, Vec<PinDigest>>,
    pub(super) others: Others,
}

/// What becomes of pins that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They stay: one of them may be the next key, or a backup.
    Keep,
    Remove,
}

/// What becomes of one pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Keep,
    Add,
    /// It is there, and has expired: it gets no end.
    Renew,
    Remove,
}

impl Cover {
    /// What becomes of the pins of the entry called `domain`: first what is added, then what is removed.
    pub(super) fn settle(&self, domain: &str, pins: &[Pin], now: UnixTime) -> Vec<(Action, Pin)> {
        let Some(wanted) = self.wanted.get(domain) else { return Vec::new() };
        let mut steps: Vec<_> = wanted.iter().map(|digest| settle_one(*digest, pins, now)).collect();
        if self.others == Others::Remove {
            let others = pins.iter().filter(|pin| !wanted.contains(&pin.digest));
            steps.extend(others.map(|pin| (Action::Remove, *pin)));
        }
        steps
    }

    /// Whether all of it is so in `claims`.
    pub(super) fn is_met_by(&self, claims: &Claims, now: UnixTime) -> bool {
        let is_met = |name: &String| {
            let domain = claims.domains.iter().find(|domain| domain.name.to_string() == *name);
            domain.is_some_and(|domain| {
                self.settle(name, &domain.pins, now).iter().all(|(action, _)| *action == Action::Keep)
            })
        };
        !claims.withdrawn && self.wanted.keys().all(is_met)
    }

    /// `claims`, made to cover it; entries that are not there are not added.
    pub(crate) fn apply(&self, claims: &Claims, now: UnixTime) -> Claims {
        let mut claims = claims.clone();
        for domain in &mut claims.domains {
            for (action, pin) in self.settle(&domain.name.to_string(), &domain.pins, now) {
                match action {
                    Action::Keep => {}
                    Action::Add => domain.pins.push(pin),
                    Action::Renew | Action::Remove => domain.pins.retain(|other| *other != pin),
                }
                if action == Action::Renew {
                    domain.pins.push(Pin { expires_at: None, ..pin });
                }
            }
        }
        claims
    }
}

fn settle_one(digest: PinDigest, pins: &[Pin], now: UnixTime) -> (Action, Pin) {
    let same = || pins.iter().filter(|pin| pin.digest == digest && pin.matches != PinMatch::Issuer);
    let counts = |pin: &&Pin| pin.expires_at.is_none_or(|end| end > now);
    match (same().find(counts), same().next()) {
        (Some(pin), _) => (Action::Keep, *pin),
        (None, Some(pin)) => (Action::Renew, *pin),
        (None, None) => (Action::Add, Pin { digest, matches: PinMatch::Leaf, expires_at: None }),
    }
}

/// Names of the entries under which a server with a certificate for `name` may be met. A certificate for `*.example.com` may
/// stand behind the entry of each of its hosts; a name that is none stands behind nothing.
pub(super) fn list_covering(name: &str, entries: &[Domain]) -> Vec<String> {
    let covering = |entries: &[Domain], host: &str| {
        let host = HostName::parse_connection(host).ok()?;
        find_domain(entries, &host).map(|entry| entry.name.to_string())
    };
    let Some(base) = name.strip_prefix("*.") else { return covering(entries, name).into_iter().collect() };
    let base = base.trim_end_matches('.').to_lowercase();
    let Ok(wildcard) = Name::parse(&format!("*.{base}")) else { return Vec::new() };
    let (exact, patterns): (Vec<_>, Vec<_>) =
        entries.iter().cloned().partition(|entry| matches!(entry.name, Name::Exact(_)));
    // With the exact entries aside, every host right below the base has the same entry.
    let pattern = covering(&patterns, &format!("any.{base}"));
    let hosts_of_it = [Domain::new(wildcard, Vec::new())];
    let exact = exact.iter().map(|entry| entry.name.to_string());
    pattern.into_iter().chain(exact.filter(|name| covering(&hosts_of_it, name).is_some())).collect()
}

#[cfg(test)]
mod tests {
    use pintle_core::{OrganizationId, ProjectId};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn digest(byte: u8) -> PinDigest {
        PinDigest::SpkiSha256([byte; 32])
    }

    fn pin(byte: u8, matches: PinMatch, expires_at: Option<u64>) -> Pin {
        Pin { digest: digest(byte), matches, expires_at: expires_at.map(UnixTime::from_secs) }
    }

    fn cover(wanted: &[u8], others: Others) -> Cover {
        let wanted = wanted.iter().map(|byte| digest(*byte)).collect();
        Cover { wanted: BTreeMap::from([("a.example".to_owned(), wanted)]), others }
    }

    #[test]
    fn adds_what_is_missing_and_drops_nothing_unasked() {
        let leaf = |byte| pin(byte, PinMatch::Leaf, None);
        let pins = [leaf(1), leaf(2), pin(3, PinMatch::Any, None), pin(4, PinMatch::Issuer, None)];
        let keep = cover(&[1, 3, 4, 5], Others::Keep);
        let settled = [
            (Action::Keep, leaf(1)),
            (Action::Keep, pin(3, PinMatch::Any, None)),
            (Action::Add, leaf(4)),
            (Action::Add, leaf(5)),
        ];
        assert_eq!(keep.settle("a.example", &pins, NOW), settled);
        assert_eq!(keep.settle("b.example", &pins, NOW), [], "an entry that nobody asked about");
        let only = cover(&[5], Others::Remove);
        let settled = only.settle("a.example", &pins[..2], NOW);
        assert_eq!(settled, [(Action::Add, leaf(5)), (Action::Remove, leaf(1)), (Action::Remove, leaf(2))]);
    }

    #[test]
    fn a_pin_that_has_expired_covers_nothing_and_gets_no_end() {
        let at = NOW.as_secs();
        let (over, lasting) = (pin(1, PinMatch::Leaf, Some(at)), pin(1, PinMatch::Leaf, Some(at + 1)));
        let cover = cover(&[1], Others::Keep);
        assert_eq!(cover.settle("a.example", &[over], NOW), [(Action::Renew, over)]);
        assert_eq!(cover.settle("a.example", &[lasting], NOW), [(Action::Keep, lasting)]);
    }

    #[test]
    fn claims_that_are_made_to_cover_it_do() {
        let (organization, project) = (OrganizationId::parse("o").unwrap(), ProjectId::parse("p").unwrap());
        let mut claims = Claims::new(organization, project, 1, NOW);
        let over = pin(1, PinMatch::Leaf, Some(1));
        claims.domains.push(Domain::new(Name::parse("a.example").unwrap(), vec![over, pin(2, PinMatch::Leaf, None)]));
        for (others, left) in [(Others::Keep, 3), (Others::Remove, 2)] {
            let cover = cover(&[1, 3], others);
            assert!(!cover.is_met_by(&claims, NOW));
            let covering = cover.apply(&claims, NOW);
            assert!(cover.is_met_by(&covering, NOW));
            assert_eq!(covering.domains[0].pins.len(), left);
            assert!(!cover.is_met_by(&Claims { withdrawn: true, ..covering }, NOW));
        }
        let elsewhere = Cover { wanted: BTreeMap::from([("b.example".to_owned(), vec![])]), others: Others::Keep };
        assert!(!elsewhere.is_met_by(&claims, NOW), "an entry that apps do not know yet");
    }

    #[test]
    fn a_certificate_stands_behind_the_entries_that_decide_about_its_hosts() {
        let names = ["api.example.com", "*.example.com", "**.example.com", "a.b.example.com", "192.0.2.1"];
        let entries: Vec<_> = names.iter().map(|name| Domain::new(Name::parse(name).unwrap(), Vec::new())).collect();
        for (name, covering) in [
            ("API.example.com.", &["api.example.com"][..]),
            ("www.example.com", &["*.example.com"]),
            ("example.com", &["**.example.com"]),
            ("x.b.example.com", &["**.example.com"]),
            ("*.example.com", &["*.example.com", "api.example.com"]),
            ("*.b.example.com", &["**.example.com", "a.b.example.com"]),
            ("192.0.2.1", &["192.0.2.1"]),
            ("example.org", &[]),
            ("ada@example.com", &[]),
            ("*.192.0.2.1", &["192.0.2.1"][..0]),
        ] {
            assert_eq!(list_covering(name, &entries), covering, "{name}");
        }
    }
}
