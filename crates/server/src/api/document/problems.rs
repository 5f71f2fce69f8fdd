//! The problems that a route may answer with, by status: those that follow from what it takes and from who may ask, and
//! those that its handler names (`x-problems`).

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use pintle_api::Problem;
use pintle_service::Permission;
use serde_json::{Value, json};

use super::is_public;

/// Among the codes of a handler: any code of the protocol core may come.
const CORE: &str = "core";

type Problems<'a> = BTreeMap<u16, BTreeSet<&'a str>>;

/// Puts each status that can come in the place of `default`; what many routes answer alike is said once, in `shared`.
pub(super) fn put_problems(operation: &mut Value, shared: &mut serde_json::Map<String, Value>) {
    let mut responses = Vec::new();
    for (status, codes) in list_problems(operation) {
        let name = codes.iter().fold(status.to_string(), |name, code| format!("{name}.{code}"));
        responses.push((status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") })));
        shared.entry(name).or_insert_with(|| describe(status, &codes));
    }
    if let Some(documented) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        documented.remove("default");
        documented.extend(responses);
        // OpenAPI wants a description of every answer.
        for (status, response) in documented.iter_mut() {
            if let Some(response) = response.as_object_mut().filter(|response| !response.contains_key("$ref")) {
                response.entry("description").or_insert_with(|| json!(phrase_of(status.parse().unwrap_or_default())));
            }
        }
    }
}

fn list_problems(operation: &Value) -> Problems<'_> {
    let mut problems = Problems::from([
        (400, BTreeSet::from(["query_invalid"])),
        (429, BTreeSet::from(["rate_limited"])),
        (500, BTreeSet::from(["internal_error"])),
        (503, BTreeSet::from(["database_unavailable", "stopping", "timed_out"])),
    ]);
    let mut add = |status: u16, codes: &[&'static str]| problems.entry(status).or_default().extend(codes);
    let parameters = || operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let takes = |place: &str, name: &str| {
        parameters().any(|known| known.get("in") == Some(&json!(place)) && known.get("name") == Some(&json!(name)))
    };
    if !is_public(operation) {
        add(401, &["session_invalid", "token_invalid", "token_missing"]);
    }
    match operation.get("x-permission").and_then(Value::as_str).and_then(Needed::parse) {
        Some(Needed::Permission(permission)) if permission.roles().len() < Permission::Read.roles().len() => {
            add(403, &["role_insufficient", "scope_missing", "second_factor_required", "sso_required"]);
        }
        Some(Needed::Permission(_) | Needed::Scope(_)) => {
            add(403, &["scope_missing", "second_factor_required", "sso_required"]);
        }
        Some(Needed::Person) => {
            add(403, &["person_needed", "second_factor_required", "sso_required", "step_up_needed"]);
        }
        _ => {}
    }
    if parameters().any(|known| known.get("in") == Some(&json!("path"))) {
        add(404, &["not_found"]);
    }
    if operation.get("requestBody").is_some() {
        add(400, &["body_broken", "json_invalid"]);
        add(413, &["body_too_large"]);
        add(415, &["media_type_unsupported"]);
        add(422, &["value_invalid"]);
    }
    if takes("query", "limit") {
        add(422, &["cursor_invalid", "value_invalid"]);
    }
    if takes("header", "If-Match") {
        add(400, &["if_match_invalid"]);
        add(412, &["revision_mismatch"]);
    }
    if takes("header", "Idempotency-Key") {
        add(400, &["body_broken", "idempotency_key_invalid"]);
        add(409, &["idempotency_answer_not_kept", "idempotency_in_progress"]);
        add(413, &["body_too_large"]);
        add(422, &["idempotency_key_reused"]);
    }
    for (status, codes) in operation.get("x-problems").and_then(Value::as_object).into_iter().flatten() {
        if let Ok(status) = status.parse() {
            let codes = codes.as_array().into_iter().flatten();
            problems.entry(status).or_default().extend(codes.filter_map(Value::as_str));
        }
    }
    problems
}

fn describe(status: u16, codes: &BTreeSet<&str>) -> Value {
    let phrase = phrase_of(status);
    let mut listed = codes.iter().filter(|code| **code != CORE).map(|code| format!("`{code}`")).collect::<Vec<_>>();
    let mut members = json!({ "status": { "const": status } });
    if codes.contains(CORE) {
        listed.push("a code of the protocol core".to_owned());
    } else if let Some(members) = members.as_object_mut() {
        members.insert("code".to_owned(), json!({ "enum": codes }));
    }
    let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Problem" }, { "properties": members }] });
    let mut content = serde_json::Map::new();
    content.insert(Problem::MEDIA_TYPE.to_owned(), json!({ "schema": schema }));
    let mut response = json!({ "description": format!("{phrase}: {}", listed.join(", ")), "content": content });
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    let headers = match status {
        401 => json!({ "WWW-Authenticate": header("How to authenticate", json!({ "type": "string" })) }),
        429 | 503 => {
            json!({ "Retry-After": header("Seconds to wait", json!({ "type": "integer", "minimum": 1 })) })
        }
        _ => return response,
    };
    if let Some(response) = response.as_object_mut() {
        response.insert("headers".to_owned(), headers);
    }
    response
}

fn phrase_of(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// What `x-permission` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// No credential.
    Nothing,
    /// Any valid credential.
    SignedIn,
    /// The session of somebody who signed in a short while ago.
    Person,
    /// A credential with this scope, in no organization or in one the caller makes.
    Scope(&'static str),
    /// A role in the organization that has it, and a credential with its scope.
    Permission(Permission),
}

impl Needed {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Nothing),
            "signed_in" => Some(Self::SignedIn),
            "person" => Some(Self::Person),
            "scope:read" => Some(Self::Scope("read")),
            "scope:edit" => Some(Self::Scope("edit")),
            "scope:release" => Some(Self::Scope("release")),
            "scope:admin" => Some(Self::Scope("admin")),
            word => Permission::ALL.iter().find(|known| known.as_str() == word).copied().map(Self::Permission),
        }
    }

    /// The scope that a credential must have.
    pub(super) fn scope(self) -> Option<Value> {
        match self {
            Self::Nothing | Self::SignedIn | Self::Person => None,
            Self::Scope(word) => Some(json!(word)),
            Self::Permission(permission) => serde_json::to_value(permission.scope()).ok(),
        }
    }
}
