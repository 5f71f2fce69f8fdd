//! Arbitrary chains of truly signed statements, one after the other: who ends up signing for whom (section 5).
#![no_main]

use std::{cell::RefCell, collections::HashMap, sync::LazyLock};

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use pintle_core::{Code, Root, State, verify};
use pintle_fuzz::{NOW, ROOT, make_key, public_key, sign_by};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

/// The embedded key, the recovery key, and three that become or want to become current.
const EMBEDDED: u8 = 0;
const RECOVERY: u8 = 1;
const KEYS: u8 = 5;

static SIGNERS: LazyLock<Vec<EcdsaKeyPair>> =
    LazyLock::new(|| (0..KEYS).map(|_| make_key(&ECDSA_P256_SHA256_FIXED_SIGNING)).collect());
static WITH_RECOVERY: LazyLock<Root> = LazyLock::new(|| {
    let root = ROOT.clone().with_public_key(public_key(signer(EMBEDDED))).expect("another key");
    root.with_recovery_key(public_key(signer(RECOVERY))).expect("another key")
});

#[derive(Arbitrary, Debug)]
struct Case {
    first: Release,
    second: Release,
}

#[derive(Arbitrary, Debug)]
struct Release {
    first_seq: u8,
    steps: Vec<Step>,
    /// Signs the file instead of the last key.
    thief: Option<u8>,
    is_second_version: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
struct Step {
    signer: u8,
    key: u8,
}

/// What an accepted release leaves behind.
struct Known {
    position: (u64, u64),
    links: Vec<(u64, Step)>,
}

fuzz_target!(|case: Case| {
    let mut state = State::default();
    let mut known = None;
    for release in [case.first, case.second] {
        let release = release.bounded();
        let expected = release.expected(known.as_ref());
        match (verify(release.file().as_bytes(), &WITH_RECOVERY, &state, NOW), expected) {
            (Ok(accepted), Ok(now_known)) => {
                assert_eq!(accepted.config.recovery_seq(), now_known.position.0);
                state = accepted.state;
                known = Some(now_known);
            }
            (Err(error), Err(code)) => assert_eq!(error.code(), code, "{release:?}: {error}"),
            (got, expected) => panic!("{release:?}: {got:?}, not {:?}", expected.map(|known| known.position)),
        }
    }
});

impl Release {
    /// With few enough steps to try many, and keys that exist.
    fn bounded(self) -> Self {
        let steps = self.steps.iter().take(5).map(|step| Step { signer: step.signer % KEYS, key: step.key % KEYS });
        let (steps, thief) = (steps.collect(), self.thief.map(|key| key % KEYS));
        Self { first_seq: 1 + self.first_seq % 3, steps, thief, ..self }
    }

    fn version(&self) -> u64 {
        if self.is_second_version { 2 } else { 1 }
    }

    fn links(&self) -> Vec<(u64, Step)> {
        (u64::from(self.first_seq)..).zip(self.steps.iter().copied()).collect()
    }

    fn last_key(&self) -> u8 {
        self.steps.last().map_or(EMBEDDED, |step| step.key)
    }

    fn file(&self) -> String {
        let signer = signer(self.thief.unwrap_or(self.last_key()));
        let kid = public_key(signer).kid().to_string();
        let statements: Vec<String> = self.links().into_iter().map(statement).collect();
        let mut header = serde_json::json!({"alg": "ES256", "kid": kid, "typ": "pintle-config+jwt"});
        if !statements.is_empty() {
            header["succ"] = statements.into();
        }
        let claims = serde_json::json!({
            "fmt": 1, "iss": ROOT.organization().as_str(), "sub": ROOT.project().as_str(), "ver": self.version(),
            "iat": NOW.as_secs(), "domains": [],
        });
        sign_by(signer, header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// Section 5 and P-3.7 by the plainest means.
    fn expected(&self, known: Option<&Known>) -> Result<Known, Code> {
        let links = self.links();
        let repeated = |(index, (_, step)): (usize, &(u64, Step))| {
            step.key == RECOVERY || links.iter().take(index).any(|(_, earlier)| earlier.key == step.key)
        };
        let begins_well = self.first_seq == 1 || links.first().is_none_or(|(_, step)| step.signer == RECOVERY);
        if !begins_well || links.iter().enumerate().any(repeated) {
            return Err(Code::ConfigMalformed);
        }
        let recovered = links.iter().rposition(|(_, step)| step.signer == RECOVERY);
        let embedded = links.iter().position(|(_, step)| step.key == EMBEDDED);
        let begin = recovered.or(embedded);
        let mut current = begin.map_or(EMBEDDED, |index| links[index].1.key);
        for (_, step) in links.iter().skip(begin.map_or(0, |index| index + 1)) {
            if step.signer != current {
                return Err(Code::ConfigKeyUnknown);
            }
            current = step.key;
        }
        if self.thief.is_some_and(|thief| thief != current) {
            return Err(Code::ConfigKeyUnknown);
        }
        let recovery_seq = recovered.map_or(0, |index| links[index].0);
        let now_known = Known { position: (recovery_seq, self.version()), links };
        known.map_or(Ok(()), |known| known.allows(&now_known)).map(|()| now_known)
    }
}

impl Known {
    fn allows(&self, next: &Self) -> Result<(), Code> {
        let recovery_seq = next.position.0;
        if next.position < self.position {
            return Err(Code::ConfigRollback);
        }
        if recovery_seq > self.position.0 {
            return Ok(());
        }
        let forks = |(seq, step): &(u64, Step)| {
            *seq >= recovery_seq && self.links.iter().any(|(other, kept)| other == seq && kept != step)
        };
        let last_seq = |known: &Self| known.links.last().map_or(0, |(seq, _)| *seq);
        match next.links.iter().any(forks) {
            true => Err(Code::ConfigEquivocation),
            false if last_seq(next) < last_seq(self) => Err(Code::ConfigRollback),
            false => Ok(()),
        }
    }
}

fn signer(key: u8) -> &'static EcdsaKeyPair {
    &SIGNERS[usize::from(key)]
}

/// Signed once: there are not many.
fn statement((seq, step): (u64, Step)) -> String {
    thread_local!(static SIGNED: RefCell<HashMap<(u64, u8, u8), String>> = RefCell::default());
    SIGNED.with_borrow_mut(|signed| {
        let make = || {
            let kid = public_key(signer(step.signer)).kid().to_string();
            let header = serde_json::json!({"alg": "ES256", "kid": kid, "typ": "pintle-succession+jwt"});
            let claims = serde_json::json!({
                "iss": ROOT.organization().as_str(), "sub": ROOT.project().as_str(), "seq": seq, "iat": NOW.as_secs(),
                "key": public_key(signer(step.key)).to_base64(),
            });
            sign_by(signer(step.signer), header.to_string().as_bytes(), claims.to_string().as_bytes())
        };
        signed.entry((seq, step.signer, step.key)).or_insert_with(make).clone()
    })
}
