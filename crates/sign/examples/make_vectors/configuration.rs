//! Signed configurations and succession statements, well formed or not.

use pintle_core::crypto;
use serde_json::{Value, json};

use crate::key::{Key, key, standard, url};

/// 2027-01-15T08:00:00Z: the clock of every case that does not say otherwise.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Claims of release `ver` issued at [`NOW`], with `more` (`,"name":value…`) at the end.
pub(crate) fn claims_of(ver: u64, more: &str) -> String {
    format!(r#"{{"fmt":1,"iss":"acme","sub":"app","ver":{ver},"iat":{NOW},"domains":[]{more}}}"#)
}

/// Claims of release 1 with the given value for `domains`.
pub(crate) fn claims_with_domains(domains: &str, more: &str) -> String {
    format!(r#"{{"fmt":1,"iss":"acme","sub":"app","ver":1,"iat":{NOW},"domains":{domains}{more}}}"#)
}

/// The header of P-2.2 for `signer`, with `more` at the end.
pub(crate) fn header(signer: &Key, more: &str) -> String {
    format!(r#"{{"alg":"ES256","typ":"pintle-config+jwt","kid":"{}"{more}}}"#, signer.kid())
}

/// A compact JWS over exactly these bytes.
pub(crate) fn jws(signer: &Key, header: &[u8], payload: &[u8]) -> String {
    jws_of_parts(signer, &url(header), &url(payload))
}

/// A compact JWS over these two parts as they are spelled.
pub(crate) fn jws_of_parts(signer: &Key, header: &str, payload: &str) -> String {
    let input = format!("{header}.{payload}");
    let signature = url(&signer.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// A well-formed file.
pub(crate) fn file(signer: &Key, payload: &str) -> String {
    jws(signer, header(signer, "").as_bytes(), payload.as_bytes())
}

/// A file with a succession chain in its header.
pub(crate) fn file_with_chain(signer: &Key, chain: &[Statement], payload: &str) -> String {
    let texts: Vec<_> = chain.iter().map(|statement| statement.jws.as_str()).collect();
    let more = format!(r#","succ":{}"#, json!(texts));
    jws(signer, header(signer, &more).as_bytes(), payload.as_bytes())
}

/// A succession statement, and what an accepting implementation remembers of it.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) jws: String,
    link: Value,
}

/// The statement of P-5.1.
pub(crate) fn statement(signer: &str, seq: u64, next: &str) -> Statement {
    let (signer, next) = (key(signer), key(next));
    let claims = statement_claims("acme", "app", seq, &next.base64());
    statement_of(&signer, &statement_header(&signer), &claims, seq, &next)
}

pub(crate) fn statement_of(signer: &Key, header: &str, claims: &str, seq: u64, next: &Key) -> Statement {
    let link = json!({ "seq": seq, "key": next.base64(), "signer": signer.kid() });
    Statement { jws: jws(signer, header.as_bytes(), claims.as_bytes()), link }
}

pub(crate) fn statement_header(signer: &Key) -> String {
    format!(r#"{{"alg":"ES256","typ":"pintle-succession+jwt","kid":"{}"}}"#, signer.kid())
}

pub(crate) fn statement_claims(organization: &str, project: &str, seq: u64, next: &str) -> String {
    format!(r#"{{"iss":"{organization}","sub":"{project}","seq":{seq},"iat":{NOW},"key":"{next}"}}"#)
}

/// What is stored after a file was accepted (P-3.9).
pub(crate) struct State {
    pub(crate) recovery_seq: u64,
    pub(crate) ver: u64,
    pub(crate) payload: String,
    pub(crate) chain: Vec<Statement>,
    pub(crate) time_floor: u64,
    pub(crate) withdrawn: bool,
}

impl State {
    /// After release `ver` with `payload`, without succession, issued at [`NOW`].
    pub(crate) fn after(ver: u64, payload: &str) -> Self {
        Self { recovery_seq: 0, ver, payload: payload.into(), chain: vec![], time_floor: NOW, withdrawn: false }
    }

    pub(crate) fn to_json(&self) -> Value {
        let links: Vec<_> = self.chain.iter().map(|statement| statement.link.clone()).collect();
        json!({
            "floor": {
                "recovery_seq": self.recovery_seq,
                "version": self.ver,
                "claims_digest": standard(&crypto::sha256(self.payload.as_bytes())),
            },
            "chain": links,
            "time_floor": self.time_floor,
            "withdrawn": self.withdrawn,
        })
    }
}

/// The bundle of a root (P-1.2).
pub(crate) fn bundle(public_key: &Key, recovery_key: Option<&Key>, built_at: Option<u64>) -> Value {
    let mut bundle = json!({
        "organization": "acme",
        "project": "app",
        "public_key": public_key.base64(),
        "urls": ["https://cdn.example"],
    });
    if let Some(recovery_key) = recovery_key {
        bundle["recovery_key"] = recovery_key.base64().into();
    }
    if let Some(built_at) = built_at {
        bundle["built_at"] = built_at.into();
    }
    bundle
}
