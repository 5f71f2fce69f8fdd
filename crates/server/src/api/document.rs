//! The OpenAPI document: what the handlers say of themselves, and what follows from it for each of them.

mod problems;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};

use super::{extract, idempotency};
use problems::{Needed, put_problems};

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// What the door must know of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// Needs no credential.
    pub(super) is_public: bool,
    /// Names of the query parameters it takes.
    pub(super) query: BTreeSet<String>,
    /// What it answers holds something that is shown once: it is not kept anywhere.
    pub(super) answers_secret: bool,
}

/// Every route of the document, by path and method.
#[derive(Clone, Debug)]
pub(super) struct Routes(BTreeMap<(String, String), Route>);

impl Routes {
    pub(super) fn read(document: &Value) -> Self {
        let describe = |(path, method, operation): (&str, &str, &Value)| {
            ((path.to_owned(), method.to_owned()), describe(document, operation))
        };
        Self(operations(document).map(describe).collect())
    }

    /// The route that `method` reaches under the path pattern `path`.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<&Route> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.0.get(&(path.to_owned(), method.as_str().to_lowercase()))
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| Some((path.as_str(), *method, item.get(*method)?)))
    })
}

fn describe(document: &Value, operation: &Value) -> Route {
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let query = parameters.filter(|parameter| parameter.get("in") == Some(&json!("query")));
    let names = query.filter_map(|parameter| parameter.get("name")?.as_str());
    let responses = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    let mut successes = responses.filter(|(status, _)| status.starts_with('2'));
    Route {
        is_public: is_public(operation),
        query: names.map(str::to_owned).collect(),
        answers_secret: successes.any(|(_, response)| holds_secret(document, response, &mut BTreeSet::new())),
    }
}

fn is_public(operation: &Value) -> bool {
    let alternatives = operation.get("security").and_then(Value::as_array);
    alternatives.is_some_and(|all| all.is_empty() || all.contains(&json!({})))
}

/// Whether a schema, or one that it refers to, has the format of secrets.
fn holds_secret<'a>(document: &'a Value, value: &'a Value, seen: &mut BTreeSet<&'a str>) -> bool {
    match value {
        Value::Object(members) => {
            if members.get("format") == Some(&json!("password")) {
                return true;
            }
            let target = members.get("$ref").and_then(Value::as_str).filter(|target| seen.insert(target));
            let referred = target.and_then(|target| document.pointer(target.strip_prefix('#')?));
            referred.is_some_and(|referred| holds_secret(document, referred, seen))
                || members.values().any(|member| holds_secret(document, member, seen))
        }
        Value::Array(entries) => entries.iter().any(|entry| holds_secret(document, entry, seen)),
        _ => false,
    }
}

/// Adds to each operation what every one of its kind has.
pub(super) fn complete(document: &mut Value) {
    let mut shared = serde_json::Map::new();
    complete_operations(document, &mut shared);
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), shared.into());
    }
}

fn complete_operations(document: &mut Value, shared: &mut serde_json::Map<String, Value>) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for item in paths.values_mut() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                complete_operation(method, operation, shared);
            }
        }
    }
}

fn complete_operation(method: &str, operation: &mut Value, shared: &mut serde_json::Map<String, Value>) {
    if method == "post" && !is_public(operation) {
        add_parameter(operation, idempotency::describe_header());
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter.get("name") == Some(&json!("If-Match"))
            && let Some(parameter) = parameter.as_object_mut()
        {
            parameter.insert("schema".to_owned(), extract::describe_if_match());
        }
    }
    let needed = operation.get("x-permission").and_then(Value::as_str).and_then(Needed::parse);
    if let (Some(scope), Some(operation)) = (needed.and_then(Needed::scope), operation.as_object_mut()) {
        operation.insert("x-scope".to_owned(), scope);
    }
    put_problems(operation, shared);
}

fn add_parameter(operation: &mut Value, parameter: Value) {
    let Some(operation) = operation.as_object_mut() else { return };
    if let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut() {
        parameters.push(parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_behind_references() {
        let document = json!({
            "components": { "schemas": {
                "Token": { "properties": { "token": { "type": "string", "format": "password" } } },
                "Loop": { "properties": { "next": { "$ref": "#/components/schemas/Loop" } } },
            }},
        });
        let found = |schema: Value| holds_secret(&document, &schema, &mut BTreeSet::new());
        assert!(found(json!({ "items": { "$ref": "#/components/schemas/Token" } })));
        assert!(!found(json!({ "$ref": "#/components/schemas/Loop" })));
    }
}
