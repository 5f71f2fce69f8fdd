//! Every route that changes something of an organization leaves an event in the audit log.

use std::collections::BTreeMap;

use pintle_api::{RemoveTargetQuery, client::ProjectRef};
use pintle_store::{AuditChain, Store};
use pintle_testkit::database::database_in;
use reqwest::Method;

use crate::{
    permissions::{Ids, Route, ask, make_world, routes},
    support::Server,
};

/// Written by a job whenever it likes, and no trace of the request asked about.
const NOT_OF_A_CHANGE: [&str; 4] = ["token.new_network", "token.refused", "permission.denied", "security.counted"];

/// What an example and the world of this test cannot make succeed. That these are no exceptions, the type of a change says:
/// it is committed with an event, or not at all.
const NEED_MORE_THAN_AN_EXAMPLE: [&str; 10] = [
    "accept_invitation",
    "accept_release",
    "accept_statement",
    "add_probe_agent",
    "approve_release",
    "cancel_release",
    "register_key",
    "report_probe",
    "start_rotation",
    "store_key",
];

/// Makes room for what the example of a route adds.
async fn prepare(server: &Server, operation: &str, ids: &Ids) {
    let id = |name: &str| ids.get(name).unwrap().as_str();
    let project = ProjectRef { organization: id("organization"), project: id("project") };
    match operation {
        "add_pin" => server.admin.remove_pin(project, id("domain"), id("pin")).await.unwrap(),
        "add_target" => {
            server.admin.remove_target(project, id("target"), &RemoveTargetQuery::default()).await.unwrap();
        }
        "remove_calendar" => drop(server.admin.create_calendar(id("organization")).await.unwrap()),
        "prepare_release" => server.admin.remove_domain(project, id("domain")).await.unwrap(),
        _ => {}
    }
}

/// How many events there are, of all chains.
async fn count(server: &Server) -> usize {
    let store = Store::open(&database_in(server.folder.path()).parse().unwrap()).await.unwrap();
    let tx = store.read().await.unwrap();
    let mut chains: BTreeMap<String, AuditChain> = BTreeMap::new();
    for chain in tx.list_audit_chains().await.unwrap() {
        chains.insert(chain.as_str().to_owned(), chain);
    }
    let mut total = 0;
    for chain in chains.values() {
        let events = tx.list_audit_events(chain, 0, 100_000).await.unwrap();
        total += events.iter().filter(|event| !NOT_OF_A_CHANGE.contains(&event.action.as_str())).count();
    }
    drop(tx);
    store.close().await.unwrap();
    total
}

#[tokio::test]
async fn every_route_that_changes_something_leaves_an_event() {
    let server = Server::start().await;
    let mut without_success = Vec::new();
    let changes = |route: &&Route| route.method != Method::GET && route.path.contains("{organization}");
    for route in routes().iter().filter(changes) {
        let ids = make_world(&server, &[]).await;
        prepare(&server, &route.operation, &ids).await;
        let before = count(&server).await;
        let (status, code) = ask(&server, route, &ids, Some(&server.token)).await;
        if (200..300).contains(&status) {
            assert!(count(&server).await > before, "{}: {status}, and no event", route.name);
        } else {
            without_success.push((route.operation.clone(), code));
        }
    }
    let unexpected: Vec<_> = without_success
        .iter()
        .filter(|(operation, _)| !NEED_MORE_THAN_AN_EXAMPLE.contains(&operation.as_str()))
        .collect();
    assert!(unexpected.is_empty(), "nothing was changed that could leave an event: {unexpected:?}");
    server.stop().await;
}
