//! Cases of kind `verify`.

use pintle_core::{Floor, PublicKey, State, UnixTime, effective_time, succession::Link, verify};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::material::{File, Material, decode, encode, parse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    root: String,
    state: Option<StateJson>,
    now: u64,
    file: File,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateJson {
    floor: FloorJson,
    chain: Vec<LinkJson>,
    time_floor: u64,
    withdrawn: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FloorJson {
    recovery_seq: u64,
    version: u64,
    claims_digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkJson {
    seq: u64,
    key: String,
    signer: String,
}

pub(crate) fn answer(input: &Value, material: &Material) -> Value {
    let Input { root, state, now, file } = parse(input);
    let (root, now) = (material.root(&root), UnixTime::from_secs(now));
    let state = state.map(|state| state.parse()).unwrap_or_default();
    match verify(&file.bytes(), root, &state, now) {
        Err(error) => json!({ "code": error.code().as_str() }),
        Ok(accepted) => {
            let t = effective_time(now, root, accepted.state.time_floor);
            json!({ "state": state_json(&accepted.state), "stale": accepted.config.is_past_expiry(t) })
        }
    }
}

impl StateJson {
    fn parse(&self) -> State {
        let links = self.chain.iter().map(|link| Link {
            seq: link.seq,
            key: PublicKey::parse_base64(&link.key).expect("a public key"),
            signer: link.signer.clone(),
        });
        State {
            floor: Some(Floor {
                recovery_seq: self.floor.recovery_seq,
                version: self.floor.version,
                claims_digest: decode(&self.floor.claims_digest).try_into().expect("a digest"),
            }),
            chain: links.collect(),
            time_floor: UnixTime::from_secs(self.time_floor),
            withdrawn: self.withdrawn,
        }
    }
}

fn state_json(state: &State) -> Value {
    let floor = state.floor.map(|floor| {
        json!({
            "recovery_seq": floor.recovery_seq,
            "version": floor.version,
            "claims_digest": encode(&floor.claims_digest),
        })
    });
    let links = state.chain.iter();
    let links: Vec<_> =
        links.map(|link| json!({ "seq": link.seq, "key": link.key.to_base64(), "signer": link.signer })).collect();
    json!({ "floor": floor, "chain": links, "time_floor": state.time_floor.as_secs(), "withdrawn": state.withdrawn })
}
