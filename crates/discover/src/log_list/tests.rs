use serde_json::{Value, json};

use super::*;

const P256: [u8; 91] = {
    let mut der = [7; 91];
    let prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let mut at = 0;
    while at < prefix.len() {
        der[at] = prefix[at];
        at += 1;
    }
    der
};

/// A key of its own for every `number`.
fn p256(number: u8) -> Vec<u8> {
    let mut der = P256.to_vec();
    der[90] = number;
    der
}

fn log(name: &str, key: &[u8], state: &Value) -> Value {
    let id = Base64::encode_string(&crypto::sha256(key));
    json!({ "description": name, "log_id": id, "key": Base64::encode_string(key), "state": state })
}

fn list(logs: &[Value], tiled_logs: &[Value]) -> Value {
    json!({ "log_list_timestamp": "1970-01-02T00:00:00Z",
        "operators": [{ "name": "Acme", "logs": logs, "tiled_logs": tiled_logs }] })
}

fn parse(list: &Value) -> Result<LogList, LogListError> {
    parse_log_list(list.to_string().as_bytes())
}

fn at(time: &str) -> Value {
    json!({ "timestamp": time })
}

#[test]
fn logs_of_both_kinds_count_from_qualified_on_and_read_only_ones_up_to_their_end() {
    let closed = json!({ "readonly": { "timestamp": "1970-01-01T03:00:00+01:00", "final_tree_head": {} } });
    let parsed = parse(&list(
        &[log("a", &p256(1), &json!({ "usable": at("2024-01-01T00:00:00Z") })), log("b", &p256(2), &closed)],
        &[log("c", &p256(3), &json!({ "qualified": {} }))],
    ))
    .unwrap();
    assert_eq!(parsed.as_of, Some(UnixTime::from_secs(86_400)));
    let shown: Vec<_> =
        parsed.accepted.iter().map(|log| (log.name.as_str(), log.log.operator(), log.log.usable_until())).collect();
    let until = Some(UnixTime::from_secs(7200));
    assert_eq!(shown, [("a", "Acme", None), ("b", "Acme", until), ("c", "Acme", None)]);
    assert!(parsed.left_out.is_empty());
}

#[test]
fn everything_else_is_named_and_left_out() {
    let usable = json!({ "usable": {} });
    let rsa = [0x30, 0x82, 1, 0x22, 0x30, 0x0D];
    let parsed = parse(&list(
        &[
            log("good", &p256(0), &usable),
            log("pending", &p256(1), &json!({ "pending": {} })),
            log("retired", &p256(2), &json!({ "usable": {}, "retired": {} })),
            log("rejected", &p256(3), &json!({ "rejected": {} })),
            log("stateless", &p256(4), &json!({})),
            log("frozen", &p256(5), &json!({ "usable": {}, "frozen": {} })),
            log("rsa", &rsa, &usable),
        ],
        &[],
    ))
    .unwrap();
    let shown: Vec<_> = parsed.left_out.into_iter().map(|log| (log.name, log.reason)).collect();
    let expected = [
        ("pending", LeftOutReason::Pending),
        ("retired", LeftOutReason::Retired),
        ("rejected", LeftOutReason::Rejected),
        ("stateless", LeftOutReason::NoState),
        ("frozen", LeftOutReason::UnknownState("frozen".to_owned())),
        ("rsa", LeftOutReason::KeyNotP256),
    ];
    assert_eq!(shown, expected.map(|(name, reason)| (name.to_owned(), reason)));
    assert_eq!(parsed.accepted.len(), 1);
}

#[test]
fn a_mimic_log_is_left_out_whatever_its_state() {
    for id in MIMIC_LOG_IDS {
        let mut bytes = [0; 32];
        Base64::decode(id, &mut bytes).unwrap();
        let states = BTreeMap::from([("usable".to_owned(), serde_json::from_str("{}").unwrap())]);
        let key = PublicKey::from_spki_der(&P256).ok();
        assert_eq!(judge(&bytes, key, &states), Ok(Err(LeftOutReason::Mimic)));
        assert!(judge(&[0; 32], key, &states).unwrap().is_ok());
    }
}

#[test]
fn a_contradiction_fails_the_whole_list() {
    let good = || log("good", &p256(0), &json!({ "usable": {} }));
    let changed = |edit: fn(&mut Value)| {
        let mut bad = log("bad", &p256(1), &json!({ "usable": {} }));
        edit(&mut bad);
        parse(&list(&[good(), bad], &[])).unwrap_err()
    };
    let name = || "bad".to_owned();
    assert_eq!(changed(|log| log["key"] = json!("?")), LogListError::Key { name: name() });
    assert_eq!(changed(|log| log["log_id"] = json!("AA==")), LogListError::Id { name: name() });
    assert_eq!(
        changed(|log| log["state"] = json!({ "readonly": at("soon") })),
        LogListError::Time { text: "soon".to_owned() }
    );
    assert_eq!(changed(|log| log["state"] = json!({ "readonly": {} })), LogListError::Time { text: String::new() });
    let duplicate = parse(&list(&[good()], &[log("bad", &p256(0), &json!({}))])).unwrap_err();
    assert_eq!(duplicate, LogListError::Duplicate { name: name() });
}

#[test]
fn files_that_are_no_list_or_too_large_are_refused() {
    for text in ["", "{}", "[]", r#"{"operators":7}"#, r#"{"operators":[],"operators":[]}"#] {
        assert!(matches!(parse_log_list(text.as_bytes()), Err(LogListError::Shape(_))), "{text}");
    }
    assert_eq!(parse_log_list(br#"{"operators":[]}"#), Err(LogListError::NothingAccepted { left_out: 0 }));
    assert_eq!(parse_log_list(&vec![b' '; MAX_LOG_LIST_BYTES + 1]), Err(LogListError::TooLarge));
    let number = |number: usize| log("n", &number.to_be_bytes(), &json!({}));
    let crowd: Vec<_> = (0..=MAX_LOGS).map(number).collect();
    assert_eq!(parse(&list(&crowd, &[])), Err(LogListError::TooManyLogs));
}
