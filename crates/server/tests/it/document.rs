use std::{fs, path::Path};

use pintle_server::openapi_json;
use serde_json::Value;

use crate::support::{Server, http};

/// `UPDATE_OPENAPI=1` rewrites the document instead of failing.
#[test]
fn the_checked_in_document_is_the_one_the_handlers_make() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let made = openapi_json();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "docs/openapi.json is out of date: run this test again with UPDATE_OPENAPI=1");
}

#[test]
fn every_schema_that_is_named_is_described() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document.pointer(&format!("/components/schemas/{name}")).is_some(), "{name}");
    }
}

fn document() -> Value {
    serde_json::from_str(&openapi_json()).unwrap()
}

/// The operations with their names.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document.get("paths").unwrap().as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

#[test]
fn every_list_is_read_page_by_page() {
    let document = document();
    let mut lists = 0;
    for (name, operation) in operations(&document) {
        let answer = operation.pointer("/responses/200/content/application~1json/schema/$ref");
        let schema = answer.and_then(Value::as_str).and_then(|target| document.pointer(target.strip_prefix('#')?));
        if schema.is_some_and(|schema| schema.pointer("/properties/items").is_some()) {
            let parameters = operation.get("parameters").unwrap().to_string();
            assert!(parameters.contains("\"cursor\"") && parameters.contains("\"limit\""), "{name} takes `ListQuery`");
            assert!(schema.unwrap().pointer("/properties/next_cursor").is_some(), "{name} answers a `ListResponse`");
            lists += 1;
        }
    }
    assert!(lists >= 5, "{lists}");
}

/// Answers with a secret are not kept for repeated requests; they are told by the format.
#[test]
fn what_is_named_like_a_secret_has_the_format_of_one() {
    let document = document();
    for (schema, description) in document.pointer("/components/schemas").unwrap().as_object().unwrap() {
        if !schema.ends_with("Response") {
            continue;
        }
        for (member, described) in description.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_like_one = ["token", "secret", "password", "codes", "link", "session"].contains(&member.as_str())
                || ["_secret", "_token", "_password", "_codes", "_link", "_uri"]
                    .iter()
                    .any(|end| member.ends_with(end));
            if is_like_one
                && !described.get("$ref").or_else(|| described.pointer("/items/$ref")).is_some_and(Value::is_string)
            {
                let format = described.get("format").or_else(|| described.pointer("/items/format"));
                assert_eq!(format, Some(&Value::from("password")), "{schema}.{member}: `#[schema(format = Password)]`");
            }
        }
    }
}

#[tokio::test]
async fn the_server_serves_its_document() {
    let server = Server::start().await;
    let answer = http().get(format!("{}/api/v1/openapi.json", server.url)).send().await.unwrap();
    let served: Value = answer.json().await.unwrap();
    assert_eq!(served, document());
    server.stop().await;
}
