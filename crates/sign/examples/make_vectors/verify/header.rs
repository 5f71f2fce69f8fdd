//! The file as text, its protected header and its signature (P-2.1, P-2.2, P-3.1 to P-3.3).

use pintle_core::crypto;
use serde_json::json;

use super::{Verify, attempt};
use crate::{
    configuration::{State, claims_of, file, header, jws, jws_of_parts},
    der,
    key::{ORDER, key, standard, url},
    suite::Suite,
};

const MALFORMED: &str = "config_malformed";
const INVALID: &str = "config_signature_invalid";
const UNKNOWN: &str = "config_key_unknown";
const MAX_FILE: usize = 4 * 1024 * 1024;
const MAX_HEADER: usize = 64 * 1024;

pub(super) fn compact_form() -> Suite {
    let mut suite =
        Verify::new("verify/compact_form.json", "The file as text: exactly A.B.C, strict base64url, at most 4 MiB.");
    let signing = key("signing");
    let payload = claims_of(1, "");
    let good = file(&signing, &payload);
    let accepted = State::after(1, &payload);
    suite.accepts("well-formed", &["P-2.1", "P-3.1", "P-3.3", "P-3.9"], attempt(&*good), &accepted);

    let parts: Vec<_> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    for (name, text) in [
        ("empty", String::new()),
        ("one-dot", ".".into()),
        ("only-dots", "..".into()),
        ("one-part", head.into()),
        ("two-parts", format!("{head}.{body}")),
        ("four-parts", format!("{good}.")),
        ("five-parts-as-in-jwe", format!("{good}.{body}.{signature}")),
        ("empty-header", format!(".{body}.{signature}")),
        ("header-and-its-dot-left-out", format!("{body}.{signature}")),
        ("payload-and-its-dot-left-out", format!("{head}.{signature}")),
        ("payload-between-two-dots", format!(".{body}.")),
        ("payload-alone", body.into()),
        ("more-after-a-fourth-dot", format!("{good}.foo")),
        ("empty-signature", format!("{head}.{body}.")),
        ("newline-at-the-end", format!("{good}\n")),
        ("space-at-the-start", format!(" {good}")),
        ("tab-at-the-end", format!("{good}\t")),
        ("byte-order-mark", format!("\u{feff}{good}")),
        ("nul-at-the-end", format!("{good}\0")),
        ("json-serialisation", format!(r#"{{"protected":"{head}","payload":"{body}","signature":"{signature}"}}"#)),
        ("json-instead-of-a-jws", payload.clone()),
        ("letters-outside-ascii", format!("{good}é")),
        ("wrapped-payload", format!("{head}.{}\n{}.{signature}", &body[..20], &body[20..])),
    ] {
        suite.refuses(name, &["P-2.1", "P-3.1"], attempt(text), MALFORMED);
    }
    let not_utf8 = [good.as_bytes(), &[0xFF]].concat();
    suite.refuses("not-utf-8", &["P-2.1"], attempt(json!({ "base64": standard(&not_utf8) })), MALFORMED);

    // Signed as spelled: only the spelling is wrong.
    let spaces = |text: &str, length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    let head = header(&signing, "");
    let ends_uneven = |text: &str| spaces(text, text.len().next_multiple_of(3) + 1);
    let (head, body) = (url(ends_uneven(&head).as_bytes()), url(ends_uneven(&payload).as_bytes()));
    let re_spelled = |part: &str| {
        let last = part.as_bytes()[part.len() - 1];
        // The next letter of the alphabet: another unused bit.
        format!("{}{}", &part[..part.len() - 1], char::from(last + 1))
    };
    let even = jws_of_parts(&signing, &head, &body);
    let with_spaces = State::after(1, &ends_uneven(&payload));
    suite.accepts("white-space-inside-the-json", &["P-2.3"], attempt(&*even), &with_spaces);
    for (name, text) in [
        ("padded-header", jws_of_parts(&signing, &format!("{head}=="), &body)),
        ("padded-payload", jws_of_parts(&signing, &head, &format!("{body}=="))),
        ("padded-signature", format!("{even}==")),
        ("unused-bits-in-the-header", jws_of_parts(&signing, &re_spelled(&head), &body)),
        ("unused-bits-in-the-payload", jws_of_parts(&signing, &head, &re_spelled(&body))),
        ("unused-bits-in-the-signature", re_spelled(&even)),
        (
            "lone-letter-at-the-end-of-the-payload",
            jws_of_parts(&signing, &head, &format!("{}A", url(payload.as_bytes().get(..120).unwrap_or_default()))),
        ),
        (
            "standard-alphabet-in-the-payload",
            jws_of_parts(&signing, &head, &standard(payload.replace("app", "???>>>").as_bytes()).replace('=', "")),
        ),
    ] {
        suite.refuses(name, &["P-2.3", "P-3.1"], attempt(text), MALFORMED);
    }
    sizes(&mut suite);
    suite.0
}

/// Recipes: a text, then a text repeated, then a text. `ICAg` is three spaces.
fn sizes(suite: &mut Verify) {
    let signing = key("signing");
    let padded = |text: &str| format!("{text}{}", " ".repeat(text.len().next_multiple_of(3) - text.len()));
    let (head, payload) = (padded(&header(&signing, "")), padded(&claims_of(1, "")));
    let (head_part, payload_part) = (url(head.as_bytes()), url(payload.as_bytes()));
    let times = (MAX_FILE - head_part.len() - payload_part.len() - 88) / 4;
    let long = format!("{payload}{}", "   ".repeat(times));
    let signed = jws(&signing, head.as_bytes(), long.as_bytes());
    assert_eq!(signed.len(), MAX_FILE);
    let signature = &signed[signed.len() - 87..];
    let recipe = |end: String| json!({ "concat": [format!("{head_part}.{payload_part}"), { "repeat": "ICAg", "times": times }, end] });
    suite.accepts("exactly-4-mib", &["P-2.1", "P-3.1"], attempt(recipe(signature.into())), &State::after(1, &long));
    suite.refuses(
        "one-byte-over-4-mib",
        &["P-2.1", "P-3.1"],
        attempt(recipe(format!("{signature}A"))),
        "config_too_large",
    );
    let zeros = json!({ "concat": [{ "repeat": "\0", "times": MAX_FILE + 1 }] });
    suite.refuses("size-is-judged-before-form", &["P-3.1"], attempt(zeros), "config_too_large");

    let payload = claims_of(1, "");
    for (name, size, fits) in
        [("header-of-64-kib", MAX_HEADER, true), ("header-one-byte-over-64-kib", MAX_HEADER + 1, false)]
    {
        let head = header(&signing, "");
        let (start, rest) = (padded(&head), size - padded(&head).len());
        let (times, end) = (rest / 3, " ".repeat(rest % 3));
        let signed = jws(&signing, format!("{start}{}{end}", "   ".repeat(times)).as_bytes(), payload.as_bytes());
        let (_, rest) = signed.split_once('.').unwrap();
        let file = json!({ "concat": [url(start.as_bytes()), { "repeat": "ICAg", "times": times }, format!("{}.{rest}", url(end.as_bytes()))] });
        if fits {
            suite.accepts(name, &["P-2.2"], attempt(file), &State::after(1, &payload));
        } else {
            suite.refuses(name, &["P-2.2"], attempt(file), MALFORMED);
        }
    }
}

pub(super) fn header_members() -> Suite {
    let mut suite = Verify::new(
        "verify/header.json",
        "The protected header: alg, typ, kid and nothing else but succ. Every file is signed over the header it shows.",
    );
    let (signing, foreign) = (key("signing"), key("foreign"));
    let payload = claims_of(1, "");
    let signed = |header: &str| attempt(jws(&signing, header.as_bytes(), payload.as_bytes()));
    let (kid, other_kid) = (signing.kid(), foreign.kid());
    let accepted = State::after(1, &payload);
    let (alg, typ, kid_member) = (r#""alg":"ES256""#, r#""typ":"pintle-config+jwt""#, format!(r#""kid":"{kid}""#));

    for (name, header) in [
        ("members-in-another-order", format!("{{{kid_member},{typ},{alg}}}")),
        ("white-space-between-members", format!("\n{{ {alg} ,\t{typ},\r\n{kid_member} }} ")),
        ("escaped-letters", format!(r#"{{"\u0061lg":"\u0045S256",{typ},{kid_member}}}"#)),
    ] {
        suite.accepts(name, &["P-2.2", "P-2.3"], signed(&header), &accepted);
    }
    for (name, value) in [
        ("alg-none", r#""none""#),
        ("alg-none-in-capitals", r#""NONE""#),
        ("alg-hs256", r#""HS256""#),
        ("alg-hs512", r#""HS512""#),
        ("alg-rs256", r#""RS256""#),
        ("alg-ps256", r#""PS256""#),
        ("alg-es384", r#""ES384""#),
        ("alg-es256k", r#""ES256K""#),
        ("alg-eddsa", r#""EdDSA""#),
        ("alg-esp256", r#""ESP256""#),
        ("alg-in-lower-case", r#""es256""#),
        ("alg-with-a-space", r#""ES256 ""#),
        ("alg-empty", r#""""#),
        ("alg-null", "null"),
        ("alg-number", "256"),
        ("alg-list", r#"["ES256"]"#),
    ] {
        suite.refuses(name, &["P-2.2"], signed(&format!(r#"{{"alg":{value},{typ},{kid_member}}}"#)), MALFORMED);
    }
    for (name, value) in [
        ("typ-jwt", r#""JWT""#),
        ("typ-of-a-statement", r#""pintle-succession+jwt""#),
        ("typ-in-capitals", r#""PINTLE-CONFIG+JWT""#),
        ("typ-with-application", r#""application/pintle-config+jwt""#),
        ("typ-null", "null"),
        ("typ-list", r#"["pintle-config+jwt"]"#),
    ] {
        suite.refuses(name, &["P-2.2"], signed(&format!(r#"{{{alg},"typ":{value},{kid_member}}}"#)), MALFORMED);
    }
    for (name, header) in [
        ("alg-missing", format!("{{{typ},{kid_member}}}")),
        ("typ-missing", format!("{{{alg},{kid_member}}}")),
        ("kid-missing", format!("{{{alg},{typ}}}")),
        ("empty-object", "{}".into()),
        ("kid-null", format!(r#"{{{alg},{typ},"kid":null}}"#)),
        ("kid-number", format!(r#"{{{alg},{typ},"kid":1}}"#)),
        ("member-name-in-capitals", format!(r#"{{"ALG":"ES256",{typ},{kid_member}}}"#)),
        ("alg-twice", format!("{{{alg},{alg},{typ},{kid_member}}}")),
        ("alg-none-then-es256", format!(r#"{{"alg":"none",{alg},{typ},{kid_member}}}"#)),
        ("alg-es256-then-none", format!(r#"{{{alg},"alg":"none",{typ},{kid_member}}}"#)),
        ("alg-twice-once-escaped", format!(r#"{{{alg},"\u0061lg":"ES256",{typ},{kid_member}}}"#)),
        ("kid-twice", format!(r#"{{{alg},{typ},"kid":"{other_kid}",{kid_member}}}"#)),
        ("an-array", format!("[{{{alg},{typ},{kid_member}}}]")),
        ("a-string", r#""ES256""#.into()),
        ("null", "null".into()),
        ("two-values", format!("{{{alg},{typ},{kid_member}}}{{}}")),
        ("byte-order-mark", format!("\u{feff}{{{alg},{typ},{kid_member}}}")),
        ("comma-at-the-end", format!("{{{alg},{typ},{kid_member},}}")),
        ("a-comment", format!("{{/**/{alg},{typ},{kid_member}}}")),
    ] {
        suite.refuses(name, &["P-2.2", "P-2.3"], signed(&header), MALFORMED);
    }
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCSytikYjKIWI5a0"}"#;
    for (member, value) in [
        ("crit", "[]"),
        ("crit", r#"["exp"]"#),
        ("crit", r#"["b64"]"#),
        ("b64", "true"),
        ("b64", "false"),
        ("zip", r#""DEF""#),
        ("jwk", jwk),
        ("jku", r#""https://attacker.example/keys""#),
        ("x5c", r#"["MIIB"]"#),
        ("x5u", r#""https://attacker.example/cert""#),
        ("x5t", r#""AAAA""#),
        ("x5t#S256", r#""AAAA""#),
        ("cty", r#""JWT""#),
        ("enc", r#""A256GCM""#),
        ("iss", r#""acme""#),
        ("nonce", r#""1""#),
        ("exp", "1900000000"),
        ("unknown", "null"),
        ("", "0"),
    ] {
        let name = format!(
            "member-{}-{}",
            if member.is_empty() { "empty" } else { member },
            value.chars().filter(char::is_ascii_alphanumeric).take(12).collect::<String>()
        );
        suite.refuses(
            &name,
            &["P-2.2"],
            signed(&format!(r#"{{{alg},{typ},{kid_member},"{member}":{value}}}"#)),
            MALFORMED,
        );
    }
    for (name, kid) in [
        ("kid-of-another-key", other_kid),
        ("kid-empty", String::new()),
        ("kid-padded", format!("{kid}=")),
        ("kid-with-a-space", format!("{kid} ")),
        ("kid-cut-short", kid[..42].to_owned()),
        ("kid-of-the-spki-digest", url(&crypto::sha256(&signing.spki()))),
        ("kid-with-another-case", kid.to_ascii_lowercase()),
        ("kid-of-free-text", "signing key 1".into()),
    ] {
        suite.refuses(name, &["P-2.2", "P-3.2"], signed(&format!(r#"{{{alg},{typ},"kid":"{kid}"}}"#)), UNKNOWN);
    }
    hostile_signers(&mut suite, &payload);
    suite.0
}

fn hostile_signers(suite: &mut Verify, payload: &str) {
    let (signing, foreign) = (key("signing"), key("foreign"));
    let kid = signing.kid();
    let of_alg = |alg: &str| url(format!(r#"{{"alg":"{alg}","typ":"pintle-config+jwt","kid":"{kid}"}}"#).as_bytes());
    let body = url(payload.as_bytes());
    let none = of_alg("none");
    suite.refuses("alg-none-without-a-signature", &["P-2.2"], attempt(format!("{none}.{body}.")), MALFORMED);
    let input = format!("{}.{body}", of_alg("HS256"));
    for (name, secret) in [
        ("hs256-with-the-public-key-as-secret", signing.spki()),
        ("hs256-with-the-base64-of-the-public-key-as-secret", signing.base64().into_bytes()),
    ] {
        let mac = url(&hmac_sha256(&secret, input.as_bytes()));
        suite.refuses(name, &["P-2.2"], attempt(format!("{input}.{mac}")), MALFORMED);
    }
    let point = foreign.spki();
    let (x, y) = (url(&point[27..59]), url(&point[59..]));
    let jwk = format!(r#","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    for (name, named) in
        [("foreign-key-in-jwk-under-our-kid", &signing), ("foreign-key-in-jwk-under-its-own-kid", &foreign)]
    {
        let file = jws(&foreign, header(named, &jwk).as_bytes(), payload.as_bytes());
        suite.refuses(name, &["P-2.2"], attempt(file), MALFORMED);
    }
    suite.refuses("foreign-key-under-its-own-kid", &["P-3.2"], attempt(file(&foreign, payload)), UNKNOWN);
    let disguised = jws(&foreign, header(&signing, "").as_bytes(), payload.as_bytes());
    suite.refuses("foreign-key-under-our-kid", &["P-3.3"], attempt(disguised), INVALID);
}

/// RFC 2104.
fn hmac_sha256(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let secret = if secret.len() > 64 { crypto::sha256(secret).to_vec() } else { secret.to_vec() };
    let pad = |byte: u8| -> Vec<u8> { (0..64).map(|index| secret.get(index).copied().unwrap_or(0) ^ byte).collect() };
    let inner = crypto::sha256(&[&pad(0x36)[..], message].concat());
    crypto::sha256(&[&pad(0x5C)[..], &inner].concat())
}

pub(super) fn signatures() -> Suite {
    let mut suite = Verify::new(
        "verify/signature.json",
        "ES256 as raw r and s of 32 bytes each. Another length is a matter of form; another value is an invalid signature.",
    );
    let signing = key("signing");
    let payload = claims_of(1, "");
    let input = format!("{}.{}", url(header(&signing, "").as_bytes()), url(payload.as_bytes()));
    let good = signing.sign(input.as_bytes());
    let with = |signature: &[u8]| attempt(format!("{input}.{}", url(signature)));
    let (r, s) = good.split_at(32);
    let accepted = State::after(1, &payload);
    let other_s = negate(s.try_into().unwrap());
    suite.accepts("as-signed", &["P-3.3"], with(&good), &accepted);
    suite.accepts("s-negated-one-of-the-two-is-high", &["P-2.2"], with(&[r, &other_s].concat()), &accepted);

    let zero = [0; 32];
    let mut one = [0; 32];
    one[31] = 1;
    for (name, signature) in [
        ("der", der::ecdsa_signature(&good)),
        ("63-bytes", good[1..].to_vec()),
        ("65-bytes-zero-first", [&[0], &good[..]].concat()),
        ("65-bytes-zero-last", [&good[..], &[0]].concat()),
        ("32-bytes", r.to_vec()),
        ("96-bytes-as-in-es384", [&good[..], &zero].concat()),
    ] {
        suite.refuses(name, &["P-2.2", "P-3.1"], with(&signature), MALFORMED);
    }
    let flipped = |bit: usize| {
        let mut signature = good;
        signature[bit / 8] ^= 1 << (bit % 8);
        signature.to_vec()
    };
    for (name, signature) in [
        ("all-zero", [zero, zero].concat()),
        ("r-zero", [&zero, s].concat()),
        ("s-zero", [r, &zero].concat()),
        ("r-is-the-order", [&ORDER, s].concat()),
        ("s-is-the-order", [r, &ORDER].concat()),
        ("both-are-the-order", [ORDER, ORDER].concat()),
        ("r-and-s-one", [one, one].concat()),
        ("all-ones", vec![0xFF; 64]),
        ("r-and-s-swapped", [s, r].concat()),
        ("first-bit-flipped", flipped(7)),
        ("last-bit-flipped", flipped(504)),
        ("of-another-payload", signing.sign(b"another").to_vec()),
    ] {
        suite.refuses(name, &["P-2.2", "P-3.3"], with(&signature), INVALID);
    }
    let (head, _) = input.split_once('.').unwrap();
    let tampered = format!("{head}.{}.{}", url(claims_of(2, "").as_bytes()), url(&good));
    suite.refuses("payload-exchanged", &["P-3.3"], attempt(tampered), INVALID);
    let spaced = url(format!(" {}", header(&signing, "")).as_bytes());
    let tampered = format!("{spaced}.{}.{}", url(payload.as_bytes()), url(&good));
    suite.refuses("header-spelled-in-another-way", &["P-3.3"], attempt(tampered), INVALID);
    let empty = format!("{head}..{}", url(&good));
    suite.refuses("payload-removed", &["P-3.3"], attempt(empty), INVALID);
    suite.0
}

/// `n − s`.
fn negate(s: [u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut borrow = 0;
    for index in (0..32).rev() {
        let difference = i16::from(ORDER[index]) - i16::from(s[index]) - borrow;
        borrow = i16::from(difference < 0);
        out[index] = difference.rem_euclid(256).to_be_bytes()[1];
    }
    out
}
