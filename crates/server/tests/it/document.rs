use std::{fs, path::Path};

use pintle_server::openapi_json;

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
    let document: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document.pointer(&format!("/components/schemas/{name}")).is_some(), "{name}");
    }
}

#[tokio::test]
async fn the_server_serves_its_document() {
    let server = Server::start().await;
    let answer = http().get(format!("{}/api/v1/openapi.json", server.url)).send().await.unwrap();
    let served: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(served, serde_json::from_str::<serde_json::Value>(&openapi_json()).unwrap());
    server.stop().await;
}
