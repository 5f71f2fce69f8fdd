//! What apps report of violations, over HTTP.

use pintle_api::ViolationsQuery;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Server, http};

async fn post(server: &Server, body: &Value) -> StatusCode {
    http().post(format!("{}/reports", server.url)).json(body).send().await.unwrap().status()
}

#[tokio::test]
async fn reports_are_taken_of_anybody_and_tell_nobody_anything() {
    let server = Server::start().await;
    let project = server.add_project().await;
    project.release(&server.admin).await;
    let id = project.id();
    let report = |project: &str| {
        let counts = json!([{ "code": "domain_not_registered", "version": 1, "refused": 4, "later": true }]);
        json!({ "format": 1, "organization": id.organization, "project": project, "counts": counts })
    };
    let server = server.restart_changed(|config| config.reports.enabled = true).await;
    for named in ["prj_01kb0000000000000000000000", id.project, id.project] {
        assert_eq!(post(&server, &report(named)).await, StatusCode::NO_CONTENT, "{named}");
    }
    // What was not written yet is written when it stops.
    let server = server.restart_changed(|config| config.reports.enabled = true).await;
    let violations = server.admin.list_violations(id, &ViolationsQuery::default()).await.unwrap();
    let sums: Vec<_> = violations.sums.iter().map(|sum| (&sum.domain, sum.refused, sum.reports)).collect();
    assert_eq!(sums, [(&None, 8, 2)]);

    for wrong in [json!([]), json!({ "format": 2, "organization": "o", "project": "p", "counts": [] })] {
        assert_eq!(post(&server, &wrong).await, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let large = json!({ "format": 1, "organization": "o".repeat(20_000), "project": "p", "counts": [] });
    assert_eq!(post(&server, &large).await, StatusCode::PAYLOAD_TOO_LARGE);
    server.stop().await;
}

#[tokio::test]
async fn reports_are_limited_by_address_and_off_unless_asked_for() {
    let empty = json!({ "format": 1, "organization": "o", "project": "p", "counts": [] });
    let server = Server::start_changed(|config| {
        config.reports.enabled = true;
        config.reports.address_per_minute = 1;
    })
    .await;
    assert_eq!(post(&server, &empty).await, StatusCode::NO_CONTENT);
    assert_eq!(post(&server, &empty).await, StatusCode::TOO_MANY_REQUESTS);
    server.stop().await;
    let server = Server::start().await;
    assert_eq!(post(&server, &empty).await, StatusCode::NOT_FOUND);
    server.stop().await;
}
