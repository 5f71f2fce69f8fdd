//! The cases of kind `object` in `vectors/`.

use pintle_publish::Address;
use pintle_testkit::vectors::load;
use serde_json::{Value, json};

fn answer(path: &str) -> Value {
    let Some(address) = Address::parse(path) else { return Value::Null };
    assert_eq!(address.to_string(), path, "an object has one path");
    json!({ "media_type": address.object.media_type(), "cache_control": address.object.cache_control() })
}

#[test]
fn objects_lie_and_are_served_as_the_vectors_say() {
    let suites = load().into_iter().filter(|suite| suite.kind == "object");
    let cases: Vec<_> = suites.flat_map(|suite| suite.cases).collect();
    assert!(cases.len() > 20, "the cases were not found");
    for case in cases {
        let path = case.input.get("path").and_then(Value::as_str).expect("a path");
        assert_eq!(answer(path), case.expect, "{}", case.name);
    }
}
