use pintle_api::{
    AddDomainRequest, AddPinRequest, CtLogRequest, CtRequest, Enforce, EnforceWord, PinMatch, PinType, Problem,
    RegisterKeyRequest, ReplaceCtLogsRequest, Trust, UpdateDomainRequest, UpdateDraftRequest,
};
use pintle_sign::{Signer, SigningKey};
use reqwest::StatusCode;

use crate::support::{Project, Server, code, http};

fn domain(name: &str) -> AddDomainRequest {
    AddDomainRequest {
        watch: Vec::new(),
        name: name.into(),
        enforce: Enforce::default(),
        trust: Trust::default(),
        ct: CtRequest::default(),
        auto_draft: pintle_api::AutoDraft::default(),
    }
}

fn pin() -> AddPinRequest {
    AddPinRequest {
        pin_type: PinType::SpkiSha256,
        digest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
        pin_match: PinMatch::Leaf,
        expires_at: None,
        source: pintle_api::PinOrigin::ByHand,
        label: Some("today's key".into()),
    }
}

/// One log, whose key happens to be the project's.
fn ct_logs(project: &Project) -> ReplaceCtLogsRequest {
    let key = project.key.public_key().to_base64();
    let log = CtLogRequest { key, operator: "Acme".into(), name: "Acme 2027".into(), usable_until: None };
    ReplaceCtLogsRequest { as_of: 1, logs: vec![log] }
}

#[tokio::test]
async fn an_owner_walks_every_route() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let (client, id) = (&server.admin, project.id());
    assert_eq!(client.whoami().await.unwrap().account_name, "admin");
    assert_eq!(client.list_organizations().all().await.unwrap().len(), 1);
    assert_eq!(client.read_organization(&project.organization).await.unwrap().name, "Acme");
    assert_eq!(client.list_projects(&project.organization).all().await.unwrap().len(), 1);
    let key = RegisterKeyRequest { public_key: project.key.public_key().to_base64(), recovery_key: None };
    assert_eq!(client.register_key(id, &key).await.unwrap().urls, [format!("{}/cdn", server.url)]);

    let added = client.add_domain(id, &domain("api.example.com")).await.unwrap();
    let report =
        UpdateDomainRequest { enforce: Some(Enforce::Word(EnforceWord::Report)), ..UpdateDomainRequest::default() };
    let changed = client.update_domain(id, &added.id, &report).await.unwrap();
    assert_eq!(changed.enforce, Enforce::Word(EnforceWord::Report));
    let pinned = client.add_pin(id, &added.id, &pin()).await.unwrap();
    let listed = client.list_domains(id).all().await.unwrap();
    assert_eq!(listed.first().map(|domain| domain.pins.as_slice()), Some(&[pinned.clone()][..]));
    client.remove_pin(id, &added.id, &pinned.id).await.unwrap();
    client.remove_domain(id, &added.id).await.unwrap();

    let settings = UpdateDraftRequest { refresh_secs: Some(300), ..UpdateDraftRequest::default() };
    assert_eq!(client.update_draft(id, &settings).await.unwrap().settings.refresh_secs, 300);
    assert_eq!(client.read_draft(id).await.unwrap().settings.refresh_secs, 300);
    let logs = client.replace_ct_logs(id, &ct_logs(&project)).await.unwrap();
    assert_eq!((logs.as_of, logs.logs.len()), (Some(1), 1));
    assert_eq!(client.read_ct_logs(id).await.unwrap(), logs);
    project.release(client).await;
    assert_eq!(client.list_releases(id).all().await.unwrap().len(), 1);
    let read = client.read_project(id).await.unwrap();
    assert_eq!((read.latest_release, read.live_release), (Some(1), Some(1)));
    let next = SigningKey::generate().unwrap();
    let statement = pintle_api::AcceptStatementRequest { jws: project.statement(1, &next) };
    let accepted = client.accept_statement(id, &statement).await.unwrap();
    assert_eq!(accepted.kid, next.public_key().kid().to_string());
    assert_eq!(client.read_project(id).await.unwrap().key.unwrap().kid, accepted.kid);
    assert_eq!(client.list_statements(id).all().await.unwrap(), [accepted]);
    let again = pintle_api::AcceptStatementRequest { jws: project.statement(1, &SigningKey::generate().unwrap()) };
    let refused = client.accept_statement(id, &again).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("statement_out_of_turn", Some(409)));
    server.stop().await;
}

#[tokio::test]
async fn a_stale_revision_is_a_failed_precondition() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let revision = server.admin.read_draft(project.id()).await.unwrap().revision;
    let careful = server.admin.expecting_revision(revision);
    careful.add_domain(project.id(), &domain("a.example")).await.unwrap();
    let refused = careful.add_domain(project.id(), &domain("b.example")).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("revision_mismatch", Some(412)));
    server.stop().await;
}

#[tokio::test]
async fn every_failure_is_a_problem_with_a_stable_code_and_a_hint() {
    let server = Server::start().await;
    let organizations = format!("{}/api/v1/organizations", server.url);
    let post = || http().post(&organizations).bearer_auth(server.token.expose_secret());
    let json = "application/json";
    let cases = [
        (http().get(format!("{}/nowhere", server.url)), 404, "route_not_found"),
        (http().get(format!("{}/api/v1/nowhere", server.url)), 404, "route_not_found"),
        (http().delete(&organizations), 405, "method_not_allowed"),
        (http().get(&organizations), 401, "token_missing"),
        (http().get(&organizations).header("authorization", "Basic eA=="), 401, "token_missing"),
        (http().get(&organizations).bearer_auth("nonsense"), 401, "token_invalid"),
        (post().body("{}"), 415, "media_type_unsupported"),
        (post().header("content-type", json).body("{"), 400, "json_invalid"),
        (post().header("content-type", json).body("{}"), 422, "value_invalid"),
        (post().header("content-type", json).body(r#"{"name":7}"#), 422, "value_invalid"),
        (post().header("content-type", json).body(r#"{"name":"a","nmae":"b"}"#), 422, "value_invalid"),
        (post().header("content-type", json).body(r#"{"name":""}"#), 422, "value_invalid"),
        (
            post().header("content-type", json).body(format!(r#"{{"name":"{}"}}"#, "a".repeat(5_000_000))),
            413,
            "body_too_large",
        ),
    ];
    for (request, status, expected) in cases {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{expected}");
        assert_eq!(answer.headers().get("content-type").unwrap(), Problem::MEDIA_TYPE, "{expected}");
        assert!(answer.headers().contains_key("x-request-id"), "{expected}");
        let problem: Problem = answer.json().await.unwrap();
        assert_eq!((problem.code.as_str(), problem.status), (expected, status));
        assert!(!problem.detail.is_empty() && !problem.title.is_empty());
    }
    server.stop().await;
}

#[tokio::test]
async fn ids_that_are_no_ids_name_nothing() {
    let server = Server::start().await;
    let project = server.add_project().await;
    for id in ["x", "org_", "org_00000000000000000000000000", "%00", "ö"] {
        assert_eq!(code(server.admin.read_organization(id).await), "not_found", "{id}");
    }
    let release = format!(
        "{}/api/v1/organizations/{}/projects/{}/releases/latest",
        server.url, project.organization, project.project
    );
    let answer = http().get(release).bearer_auth(server.token.expose_secret()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn answers_carry_headers_that_keep_browsers_from_guessing() {
    let server = Server::start().await;
    let answer = http().get(format!("{}/api/v1/whoami", server.url)).send().await.unwrap();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(answer.headers().get(name).unwrap(), value);
    }
    assert!(answer.headers().get("access-control-allow-origin").is_none());
    server.stop().await;
}
