//! Changing the signing key (section 5), the thief included.

use serde_json::json;

use super::{Attempt, Verify, attempt};
use crate::{
    configuration::{
        self, MAX_INTEGER, NOW, State, Statement, claims_of, file, file_with_chain, header, jws, statement,
        statement_claims, statement_header, statement_of,
    },
    key::key,
    suite::Suite,
};

const MALFORMED: &str = "config_malformed";
const UNKNOWN: &str = "config_key_unknown";
const ROLLBACK: &str = "config_rollback";
const EQUIVOCATION: &str = "config_equivocation";
const RECOVERABLE: &str = "with recovery";

/// Release `ver` signed by the key named `signer` at the end of `chain`.
fn release(signer: &str, chain: &[Statement], ver: u64) -> Attempt {
    let (signer, payload) = (key(signer), claims_of(ver, ""));
    attempt(if chain.is_empty() { file(&signer, &payload) } else { file_with_chain(&signer, chain, &payload) })
}

/// What is stored after [`release`].
fn stored(recovery_seq: u64, chain: &[Statement], ver: u64) -> State {
    State { recovery_seq, chain: chain.to_vec(), ..State::after(ver, &claims_of(ver, "")) }
}

/// `count` statements from `signing` over numbered keys; the last one is `chain COUNT`.
fn long_chain(count: u64) -> Vec<Statement> {
    (1..=count)
        .map(|seq| {
            let signer = if seq == 1 { "signing".into() } else { format!("chain {}", seq - 1) };
            statement(&signer, seq, &format!("chain {seq}"))
        })
        .collect()
}

pub(super) fn chains() -> Suite {
    let mut suite = Verify::new("verify/succession.json", "Succession chains, evaluated for themselves.");
    suite.0.share("bundles", "second embedded", configuration::bundle(&key("second"), None, None));
    suite.0.share(
        "bundles",
        "second embedded, with recovery",
        configuration::bundle(&key("second"), Some(&key("recovery")), None),
    );
    followed(&mut suite);
    recovered(&mut suite);
    untrusted(&mut suite);
    malformed_statements(&mut suite);
    malformed_chains(&mut suite);
    suite.0
}

fn followed(suite: &mut Verify) {
    let (first, second) = (statement("signing", 1, "second"), statement("second", 2, "third"));
    let both = [first.clone(), second.clone()];
    let back = [first, statement("second", 2, "signing")];
    let long = long_chain(32);
    for (name, root, signer, chain) in [
        ("one-statement", "plain", "second", &both[..1]),
        ("two-statements", "plain", "third", &both),
        ("32-statements", "plain", "chain 32", &long),
        ("back-to-the-embedded-key", "plain", "signing", &back),
        ("app-has-the-current-key", "second embedded", "second", &both[..1]),
        ("app-has-a-key-in-the-middle", "second embedded", "third", &both),
        ("app-with-recovery-key-has-a-key-in-the-middle", "second embedded, with recovery", "third", &both),
    ] {
        suite.accepts(
            name,
            &["P-5.1", "P-5.2", "P-5.3", "P-3.2"],
            release(signer, chain, 1).under(root),
            &stored(0, chain, 1),
        );
    }
    // Before the embedded key nothing is evaluated: the app was built knowing better.
    let forged = [statement("thief", 1, "second"), second];
    let attempt = release("third", &forged, 1).under("second embedded");
    suite.accepts("forged-statement-before-the-embedded-key", &["P-5.3"], attempt, &stored(0, &forged, 1));
}

fn recovered(suite: &mut Verify) {
    let recovery = |seq, next| statement("recovery", seq, next);
    let stolen = statement("signing", 1, "thief");
    for (name, signer, r, chain) in [
        ("recovery-alone", "second", 7, vec![recovery(7, "second")]),
        ("recovery-with-the-largest-seq", "second", MAX_INTEGER, vec![recovery(MAX_INTEGER, "second")]),
        ("recovery-after-the-thief", "second", 2, vec![stolen.clone(), recovery(2, "second")]),
        ("recovery-to-the-embedded-key", "signing", 2, vec![stolen, recovery(2, "signing")]),
        ("succession-after-recovery", "third", 3, vec![recovery(3, "second"), statement("second", 4, "third")]),
        ("recovery-twice", "third", 4, vec![recovery(3, "second"), recovery(4, "third")]),
        (
            "recovery-between-successions",
            "fourth",
            2,
            vec![statement("signing", 1, "second"), recovery(2, "third"), statement("third", 3, "fourth")],
        ),
        ("unverifiable-before-recovery", "second", 2, vec![statement("foreign", 1, "thief"), recovery(2, "second")]),
    ] {
        let accepted = stored(r, &chain, 1);
        suite.accepts(name, &["P-5.2", "P-5.3", "P-5.5"], release(signer, &chain, 1).under(RECOVERABLE), &accepted);
    }
    // r counts only what the recovery key of this root signed.
    let chain = [statement("recovery", 7, "second"), statement("second", 8, "third")];
    let attempt = release("third", &chain, 1).under("second embedded");
    suite.accepts(
        "recovery-before-the-embedded-key-without-a-recovery-key",
        &["P-5.3", "P-3.7"],
        attempt,
        &stored(0, &chain, 1),
    );
    let mid = [statement("signing", 1, "second"), recovery(2, "third")];
    let attempt = release("third", &mid, 1).under("second embedded, with recovery");
    suite.accepts("recovery-after-the-embedded-key", &["P-5.3"], attempt, &stored(2, &mid, 1));
}

fn untrusted(suite: &mut Verify) {
    let first = statement("signing", 1, "second");
    let (signing, recovery) = (key("signing"), key("recovery"));
    let second = key("second");
    let of_project = |organization: &str, project: &str, signer: &crate::key::Key, seq| {
        let claims = statement_claims(organization, project, seq, &second.base64());
        statement_of(signer, &statement_header(signer), &claims, seq, &second)
    };
    let claims = statement_claims("acme", "app", 1, &second.base64());
    let disguised = |kid: &crate::key::Key| statement_of(&key("thief"), &statement_header(kid), &claims, 1, &second);
    let by_thief = statement("thief", 1, "second");
    for (name, root, signer, chain) in [
        ("chain-names-another-key-than-the-signer", "plain", "signing", vec![first.clone()]),
        ("successor-without-a-chain", "plain", "second", vec![]),
        (
            "signer-is-in-the-middle-of-the-chain",
            "plain",
            "second",
            vec![first.clone(), statement("second", 2, "third")],
        ),
        ("statement-by-a-foreign-key", "plain", "second", vec![by_thief]),
        ("statement-by-a-foreign-key-under-our-kid", "plain", "second", vec![disguised(&signing)]),
        ("statement-by-a-foreign-key-under-the-recovery-kid", RECOVERABLE, "second", vec![disguised(&recovery)]),
        (
            "statement-by-our-key-under-a-foreign-kid",
            "plain",
            "second",
            vec![statement_of(&signing, &statement_header(&key("thief")), &claims, 1, &second)],
        ),
        ("second-statement-by-the-first-key", "plain", "third", vec![first.clone(), statement("signing", 2, "third")]),
        ("second-statement-by-a-thief", "plain", "third", vec![first, statement("thief", 2, "third")]),
        ("statement-by-its-own-key", "plain", "second", vec![statement("second", 1, "second")]),
        ("statement-of-another-project", "plain", "second", vec![of_project("acme", "other", &signing, 1)]),
        ("statement-of-another-organization", "plain", "second", vec![of_project("other", "app", &signing, 1)]),
        (
            "recovery-statement-of-another-project",
            RECOVERABLE,
            "second",
            vec![of_project("acme", "other", &recovery, 1)],
        ),
        ("recovery-statement-without-a-recovery-key", "plain", "second", vec![statement("recovery", 1, "second")]),
        (
            "recovery-statement-of-high-seq-without-a-recovery-key",
            "plain",
            "second",
            vec![statement("recovery", 7, "second")],
        ),
        ("chain-from-seq-2-without-a-recovery-key", "plain", "second", vec![statement("signing", 2, "second")]),
        (
            "thief-continues-after-recovery",
            RECOVERABLE,
            "thief",
            vec![statement("recovery", 1, "second"), statement("signing", 2, "thief")],
        ),
        ("recovery-key-signs-the-file", RECOVERABLE, "recovery", vec![]),
    ] {
        suite.refuses(name, &["P-5.1", "P-5.3", "P-3.2"], release(signer, &chain, 1).under(root), UNKNOWN);
    }
}

fn malformed_statements(suite: &mut Verify) {
    let (signing, second) = (key("signing"), key("second"));
    let head = statement_header(&signing);
    let claims = statement_claims("acme", "app", 1, &second.base64());
    let spki_cut = &second.base64()[..120];
    let mut cases = Vec::new();
    for (name, head) in [
        ("typ-of-a-file", header(&signing, "")),
        ("alg-none", head.replace("ES256", "none")),
        ("alg-es384", head.replace("ES256", "ES384")),
        ("header-with-succ", head.replace('}', r#","succ":[]}"#)),
        ("header-with-crit", head.replace('}', r#","crit":[]}"#)),
        ("header-without-kid", r#"{"alg":"ES256","typ":"pintle-succession+jwt"}"#.into()),
        ("header-with-a-duplicate", head.replace('}', r#","alg":"ES256"}"#)),
    ] {
        cases.push((name, statement_of(&signing, &head, &claims, 1, &second)));
    }
    for (name, claims) in [
        ("without-iss", claims.replace(r#""iss":"acme","#, "")),
        ("without-sub", claims.replace(r#""sub":"app","#, "")),
        ("without-seq", claims.replace(r#""seq":1,"#, "")),
        ("without-iat", claims.replace(&format!(r#""iat":{NOW},"#), "")),
        ("without-key", format!(r#"{{"iss":"acme","sub":"app","seq":1,"iat":{NOW}}}"#)),
        ("with-another-claim", claims.replace('}', r#","exp":1900000000}"#)),
        ("with-a-duplicate", claims.replace('}', r#","seq":1}"#)),
        ("seq-0", claims.replace(r#""seq":1"#, r#""seq":0"#)),
        ("seq-with-fraction", claims.replace(r#""seq":1"#, r#""seq":1.0"#)),
        ("seq-string", claims.replace(r#""seq":1"#, r#""seq":"1""#)),
        ("iat-null", claims.replace(&NOW.to_string(), "null")),
        ("iss-with-a-slash", claims.replace("acme", "ac/me")),
        ("key-cut-short", claims.replace(&second.base64(), spki_cut)),
        ("key-without-padding", claims.replace("==", "")),
        ("key-null", claims.replace(&format!(r#""{}""#, second.base64()), "null")),
        ("not-json", "key".into()),
        ("byte-order-mark", format!("\u{feff}{claims}")),
    ] {
        cases.push((name, statement_of(&signing, &head, &claims, 1, &second)));
    }
    for (name, statement) in cases {
        suite.refuses(&format!("statement-{name}"), &["P-5.1"], release("second", &[statement], 1), MALFORMED);
    }
    let future = claims.replace(&NOW.to_string(), &MAX_INTEGER.to_string());
    let chain = [statement_of(&signing, &head, &future, 1, &second)];
    suite.accepts(
        "iat-of-a-statement-is-never-compared",
        &["P-5.1"],
        release("second", &chain, 1),
        &stored(0, &chain, 1),
    );
}

fn malformed_chains(suite: &mut Verify) {
    let first = statement("signing", 1, "second");
    let to_recovery_key = |signer, seq| statement(signer, seq, "recovery");
    for (name, root, signer, chain) in [
        ("33-statements", "plain", "chain 33", long_chain(33)),
        ("seq-with-a-gap", "plain", "third", vec![first.clone(), statement("second", 3, "third")]),
        ("seq-repeated", "plain", "third", vec![first.clone(), statement("second", 1, "third")]),
        ("seq-falling", "plain", "third", vec![statement("signing", 2, "second"), statement("second", 1, "third")]),
        ("seq-2-first-not-by-the-recovery-key", RECOVERABLE, "second", vec![statement("signing", 2, "second")]),
        (
            "key-repeated",
            "plain",
            "second",
            vec![first.clone(), statement("second", 2, "third"), statement("third", 3, "second")],
        ),
        ("key-named-twice-in-a-row", "plain", "second", vec![first.clone(), statement("second", 2, "second")]),
        ("recovery-key-as-signing-key", RECOVERABLE, "recovery", vec![to_recovery_key("signing", 1)]),
        ("recovery-key-named-by-itself", RECOVERABLE, "recovery", vec![to_recovery_key("recovery", 1)]),
        (
            "recovery-key-in-the-middle",
            RECOVERABLE,
            "third",
            vec![to_recovery_key("signing", 1), statement("recovery", 2, "third")],
        ),
    ] {
        suite.refuses(name, &["P-5.2"], release(signer, &chain, 1).under(root), MALFORMED);
    }
    let signing = key("signing");
    for (name, succ) in [
        ("succ-empty", "[]".to_owned()),
        ("succ-null", "null".to_owned()),
        ("succ-object", "{}".to_owned()),
        ("succ-string", json!(first.jws).to_string()),
        ("succ-of-numbers", "[1]".to_owned()),
        ("succ-of-empty-text", r#"[""]"#.to_owned()),
        ("succ-nested", format!("[[{}]]", json!(first.jws))),
        ("succ-with-a-newline", format!("[{}]", json!(format!("{}\n", first.jws)))),
    ] {
        let signed =
            jws(&signing, header(&signing, &format!(r#","succ":{succ}"#)).as_bytes(), claims_of(1, "").as_bytes());
        suite.refuses(name, &["P-5.2", "P-2.2"], attempt(signed), MALFORMED);
    }
}

pub(super) fn stored_chains() -> Suite {
    let mut suite = Verify::new(
        "verify/stored_chains.json",
        "Succession chains against what was accepted before; the thief shut out.",
    );
    suite.0.share("bundles", "second embedded", configuration::bundle(&key("second"), None, None));
    let first = statement("signing", 1, "second");
    let both = [first, statement("second", 2, "third")];
    let fork = [statement("signing", 1, "third")];
    let at_one = stored(0, &both[..1], 5);
    let at_two = stored(0, &both, 5);
    let rules = &["P-5.4", "P-3.7"];
    suite.accepts("same-chain", rules, release("second", &both[..1], 6).after(&at_one), &stored(0, &both[..1], 6));
    suite.accepts(
        "first-chain",
        rules,
        release("second", &both[..1], 6).after(&stored(0, &[], 5)),
        &stored(0, &both[..1], 6),
    );
    suite.accepts("longer-chain", rules, release("third", &both, 6).after(&at_one), &stored(0, &both, 6));
    for (name, state, attempt, code) in [
        ("chain-left-out", &at_one, release("signing", &[], 6), ROLLBACK),
        ("shorter-chain", &at_two, release("second", &both[..1], 6), ROLLBACK),
        ("longer-chain-with-an-earlier-release", &at_one, release("third", &both, 4), ROLLBACK),
        ("fork", &at_one, release("third", &fork, 6), EQUIVOCATION),
        ("fork-that-is-shorter", &at_two, release("third", &fork, 6), EQUIVOCATION),
        ("fork-with-the-same-claims", &at_one, release("third", &fork, 5), EQUIVOCATION),
        ("fork-with-an-earlier-release", &at_one, release("third", &fork, 4), ROLLBACK),
        ("shorter-chain-with-the-same-claims", &at_one, release("signing", &[], 5), ROLLBACK),
    ] {
        suite.refuses(name, rules, attempt.after(state), code);
    }
    let other_signer = [statement("foreign", 1, "second"), both[1].clone()];
    let attempt = release("third", &other_signer, 6).under("second embedded").after(&at_two);
    suite.refuses("same-key-named-by-another-signer", rules, attempt, EQUIVOCATION);
    recovery(&mut suite);
    thief(&mut suite);
    suite.0
}

fn recovery(suite: &mut Verify) {
    let rules = &["P-5.4", "P-5.2", "P-3.7"];
    let to_second = statement("recovery", 2, "second");
    let whole = [statement("signing", 1, "thief"), to_second.clone()];
    let (dropped, other) = ([to_second.clone()], [statement("signing", 1, "third"), to_second.clone()]);
    let later = [to_second, statement("second", 3, "third")];
    let (at_whole, at_later) = (stored(2, &whole, 5), stored(2, &later, 5));
    let attempt = |signer: &str, chain: &[Statement], ver, state: &State| {
        release(signer, chain, ver).under(RECOVERABLE).after(state)
    };
    suite.accepts(
        "dropped-before-the-recovery",
        rules,
        attempt("second", &dropped, 6, &at_whole),
        &stored(2, &dropped, 6),
    );
    suite.accepts(
        "another-past-before-the-recovery",
        rules,
        attempt("second", &other, 6, &at_whole),
        &stored(2, &other, 6),
    );
    suite.accepts("continued-after-the-recovery", rules, attempt("third", &later, 6, &at_whole), &stored(2, &later, 6));
    let again = [statement("recovery", 9, "fourth")];
    suite.accepts(
        "second-recovery-with-an-earlier-release",
        rules,
        attempt("fourth", &again, 1, &at_later),
        &stored(9, &again, 1),
    );
    let other_recovery = [statement("recovery", 2, "third")];
    let earlier = [statement("recovery", 1, "second")];
    for (name, signer, chain, ver, state, code) in [
        ("same-recovery-to-another-key", "third", &other_recovery[..], 6, &at_whole, EQUIVOCATION),
        ("recovery-of-lower-seq", "second", &earlier, 6, &at_whole, ROLLBACK),
        ("recovery-left-out", "signing", &[], MAX_INTEGER, &at_whole, ROLLBACK),
        ("ends-before-what-followed-the-recovery", "second", &dropped, 6, &at_later, ROLLBACK),
        ("same-recovery-with-an-earlier-release", "second", &dropped, 4, &at_whole, ROLLBACK),
    ] {
        suite.refuses(name, rules, attempt(signer, chain, ver, state), code);
    }
}

/// A thief holds the signing key, signs the last release number, a full chain and a time far ahead.
fn thief(suite: &mut Verify) {
    let rules = &["P-5.5", "P-3.7", "P-3.9"];
    let loot = long_chain(32);
    let robbed = State { time_floor: NOW + 86_400, ..stored(0, &loot, MAX_INTEGER) };
    let answer = [statement("recovery", 1, "second")];
    let attempt = release("second", &answer, 1).under(RECOVERABLE).after(&robbed);
    suite.accepts("thief-with-the-last-release-and-a-full-chain", rules, attempt, &stored(1, &answer, 1));
    let high = [statement("recovery", 33, "second")];
    let attempt = release("second", &high, 1).under(RECOVERABLE).after(&robbed);
    suite.accepts("recovery-continues-the-thiefs-numbers", rules, attempt, &stored(33, &high, 1));
    let expiring = claims_of(1, &format!(r#","exp":{},"on_stale":"fail""#, NOW + 1000));
    let signed = file_with_chain(&key("second"), &answer, &expiring);
    let after = State { recovery_seq: 1, chain: answer.to_vec(), ..State::after(1, &expiring) };
    let attempt = super::attempt(signed).under(RECOVERABLE).after(&robbed);
    suite.accepts("thiefs-time-floor-does-not-expire-the-recovery", &["P-5.5", "P-3.8"], attempt, &after);
    let back = release("chain 32", &loot, MAX_INTEGER).under(RECOVERABLE).after(&stored(1, &answer, 1));
    suite.refuses("thief-comes-back", rules, back, ROLLBACK);
    let gone = State { withdrawn: true, ..stored(0, &[], MAX_INTEGER) };
    let attempt = release("second", &answer, 1).under(RECOVERABLE).after(&gone);
    suite.accepts("recovery-ends-a-thiefs-withdrawal", &["P-5.5", "P-7.5"], attempt, &stored(1, &answer, 1));
}
