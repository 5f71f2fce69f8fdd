//! JSON (P-2.3), shown in the claims.

use super::{Verify, attempt};
use crate::{
    configuration::{State, claims_of, file, header, jws},
    key::key,
    suite::Suite,
};

const MALFORMED: &str = "config_malformed";

pub(super) fn make_suite() -> Suite {
    let mut suite = Verify::new(
        "verify/json.json",
        "JSON: strict, no duplicates, no null, plain integers, depth 16. Every file is well signed.",
    );
    let signing = key("signing");
    let accepts = |suite: &mut Verify, name: &str, rules: &[&str], payload: &str| {
        suite.accepts(name, rules, attempt(file(&signing, payload)), &State::after(1, payload));
    };
    for (name, payload) in [
        (
            "members-in-reverse-order",
            r#"{"domains":[],"iat":1800000000,"ver":1,"sub":"app","iss":"acme","fmt":1}"#.into(),
        ),
        (
            "white-space-everywhere",
            "\r\n\t { \"fmt\" : 1 , \"iss\":\"acme\",\"sub\":\"app\",\"ver\":1,\"iat\":1800000000,\"domains\":[ ] }\n"
                .into(),
        ),
        (
            "escaped-name-and-value",
            r#"{"\u0066mt":1,"iss":"\u0061cme","sub":"app","ver":1,"iat":1800000000,"domains":[]}"#.into(),
        ),
        ("ignored-null", claims_of(1, r#","x":null"#)),
        (
            "ignored-numbers-of-every-form",
            claims_of(1, r#","x":[-0,-1,1.0,1e3,1E+3,0.5,9007199254740992,18446744073709551616,1e300,1e-400]"#),
        ),
        (
            "ignored-strings-of-every-form",
            claims_of(1, r#","x":["\ud83d\ude00","😀","\u0000","\"\\\/\b\f\n\r\t","\u007f"]"#),
        ),
        ("ignored-names-that-differ-in-case", claims_of(1, r#","x":1,"X":2,"Iss":"other""#)),
        ("same-name-in-different-objects", claims_of(1, r#","x":{"a":1},"y":{"a":1}"#)),
        ("depth-16", claims_of(1, &format!(r#","x":{}1{}"#, "[".repeat(15), "]".repeat(15)))),
        ("depth-16-of-objects", claims_of(1, &format!(r#","x":{}1{}"#, r#"{"a":"#.repeat(15), "}".repeat(15)))),
    ] {
        accepts(&mut suite, name, &["P-2.3", "P-9.1"], &payload);
    }
    for (name, payload) in [
        ("empty-payload", String::new()),
        ("not-an-object", "[]".into()),
        ("null", "null".into()),
        ("byte-order-mark", format!("\u{feff}{}", claims_of(1, ""))),
        ("two-values", format!("{}{{}}", claims_of(1, ""))),
        ("text-after-the-object", format!("{}x", claims_of(1, ""))),
        ("cut-short", claims_of(1, "").trim_end_matches('}').into()),
        ("comma-at-the-end", claims_of(1, ",")),
        ("single-quotes", claims_of(1, ",'x':1")),
        ("name-without-quotes", claims_of(1, ",x:1")),
        ("comment", claims_of(1, r#","x":1/*c*/"#)),
        ("control-character-in-a-string", claims_of(1, ",\"x\":\"\u{1}\"")),
        ("tab-in-a-string", claims_of(1, ",\"x\":\"\t\"")),
        ("unknown-escape", claims_of(1, r#","x":"\x41""#)),
        ("non-breaking-space-between-members", claims_of(1, ",\u{a0}\"x\":1")),
        ("lone-high-surrogate", claims_of(1, r#","x":"\ud83d""#)),
        ("lone-low-surrogate", claims_of(1, r#","x":"\ude00""#)),
        ("surrogates-in-the-wrong-order", claims_of(1, r#","x":"\ude00\ud83d""#)),
        ("lone-surrogate-in-a-name", claims_of(1, r#","\ud83d":1"#)),
        ("name-twice", claims_of(1, r#","ver":1"#)),
        ("name-twice-once-escaped", claims_of(1, r#","v\u0065r":1"#)),
        ("ignored-name-twice", claims_of(1, r#","x":1,"x":1"#)),
        ("ignored-name-twice-once-escaped", claims_of(1, r#","x":1,"\u0078":1"#)),
        ("name-twice-in-an-ignored-object", claims_of(1, r#","x":{"a":1,"a":1}"#)),
        ("name-twice-deep-in-an-ignored-list", claims_of(1, r#","x":[[{"y":[{"a":1,"b":2,"a":3}]}]]"#)),
        ("empty-name-twice", claims_of(1, r#","":1,"":2"#)),
        ("depth-17", claims_of(1, &format!(r#","x":{}1{}"#, "[".repeat(16), "]".repeat(16)))),
        ("depth-17-of-objects", claims_of(1, &format!(r#","x":{}1{}"#, r#"{"a":"#.repeat(16), "}".repeat(16)))),
        ("depth-17-of-empty-lists", claims_of(1, &format!(r#","x":{}{}"#, "[".repeat(16), "]".repeat(16)))),
        ("depth-10000", claims_of(1, &format!(r#","x":{}"#, "[".repeat(10_000)))),
        ("number-beyond-a-double", claims_of(1, r#","x":1e400"#)),
        ("negative-number-beyond-a-double", claims_of(1, r#","x":-1e400"#)),
        ("number-with-leading-zero", claims_of(1, r#","x":01"#)),
        ("number-with-plus", claims_of(1, r#","x":+1"#)),
        ("number-without-integer-part", claims_of(1, r#","x":.5"#)),
        ("number-without-fraction", claims_of(1, r#","x":1."#)),
        ("hexadecimal-number", claims_of(1, r#","x":0x1"#)),
        ("nan", claims_of(1, r#","x":NaN"#)),
        ("infinity", claims_of(1, r#","x":-Infinity"#)),
        ("capital-true", claims_of(1, r#","x":True"#)),
    ] {
        suite.refuses(name, &["P-2.3"], attempt(file(&signing, &payload)), MALFORMED);
    }
    let bytes = |text: &str, bytes: &[u8]| {
        [claims_of(1, "").trim_end_matches('}').as_bytes(), text.as_bytes(), bytes, b"\"}"].concat()
    };
    for (name, payload) in [
        ("invalid-utf-8", bytes(r#","x":""#, &[0xFF])),
        ("overlong-utf-8", bytes(r#","x":""#, &[0xC0, 0xAF])),
        ("surrogate-in-utf-8", bytes(r#","x":""#, &[0xED, 0xA0, 0x80])),
        ("utf-8-cut-short", bytes(r#","x":""#, &[0xE2, 0x82])),
        ("utf-16", claims_of(1, "").encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ] {
        let file = jws(&signing, header(&signing, "").as_bytes(), &payload);
        suite.refuses(name, &["P-2.3"], attempt(file), MALFORMED);
    }
    suite.0
}
