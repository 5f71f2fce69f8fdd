//! Every route × who may use it. The routes, and what each needs, come from the OpenAPI document (`x-permission`); who has
//! it, from the one table of permissions. A route that the document says nothing of fails here.

use std::collections::{BTreeMap, BTreeSet};

use pintle_api::{
    AddDomainRequest, AddPinRequest, AddProbeAgentRequest, AddTargetRequest, ApiToken, CreateInvitationRequest,
    CreateTokenRequest, CreateWebhookRequest, CtRequest, Enforce, PinMatch, PinType, Scope, SecretText,
    StartRotationRequest, TokenLifetime, Trust, WebhookFormat, client::ProjectRef,
};
use pintle_service::Permission;
use pintle_sign::Signer as _;
use pintle_store::{
    AccountId, AlertId, AlertRow, MessageId, OrganizationId, Role, SessionId, SessionRow, WebhookId, WebhookMessageRow,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ALL_SCOPES, Project, Server, http};

/// From the least to the most, so that the first who may do something finds what it is to be done to.
const ROLES: [(Role, &str); 5] = [
    (Role::Auditor, "auditor"),
    (Role::Editor, "editor"),
    (Role::Publisher, "publisher"),
    (Role::Admin, "admin"),
    (Role::Owner, "owner"),
];
const SCOPES: [(Scope, &str); 4] =
    [(Scope::Read, "read"), (Scope::Edit, "edit"), (Scope::Release, "release"), (Scope::Admin, "admin")];

/// One route of the document.
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) operation: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    needed: Needed,
    body: Option<Value>,
}

enum Needed {
    Nothing,
    SignedIn,
    Person,
    Scope(Scope),
    Permission(Permission),
}

impl Route {
    pub(crate) fn is_public(&self) -> bool {
        matches!(self.needed, Needed::Nothing)
    }
}

fn document() -> Value {
    serde_json::from_str(&pintle_server::openapi_json()).unwrap()
}

pub(crate) fn routes() -> Vec<Route> {
    let document = document();
    let mut routes = Vec::new();
    for (path, methods) in document.get("paths").unwrap().as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            routes.push(read_route(&document, path, method, operation));
        }
    }
    routes
}

fn read_route(document: &Value, path: &str, method: &str, operation: &Value) -> Route {
    let name = format!("{} {path}", method.to_uppercase());
    let word = operation.get("x-permission").and_then(Value::as_str);
    let word = word.unwrap_or_else(|| panic!("{name}: its handler names no `x-permission`"));
    let needed = match word.strip_prefix("scope:") {
        Some(scope) => Needed::Scope(serde_json::from_value(json!(scope)).unwrap()),
        None if word == "public" => Needed::Nothing,
        None if word == "signed_in" => Needed::SignedIn,
        None if word == "person" => Needed::Person,
        None => {
            let known = Permission::ALL.iter().find(|permission| permission.as_str() == word);
            Needed::Permission(*known.unwrap_or_else(|| panic!("{name}: there is no permission `{word}`")))
        }
    };
    let is_public = operation.get("security") == Some(&json!([{}]));
    assert_eq!(matches!(needed, Needed::Nothing), is_public, "{name}: `x-permission` and `security` disagree");
    let body = operation.pointer("/requestBody/content/application~1json/schema").map(|schema| {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        let schema = target.and_then(|target| document.pointer(target)).unwrap_or(schema);
        let example = schema.pointer("/examples/0").or_else(|| schema.get("example"));
        example.cloned().unwrap_or_else(|| panic!("{name}: its request has no example"))
    });
    let operation = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
    Route { name, operation, method: method.to_uppercase().parse().unwrap(), path: path.to_owned(), needed, body }
}

/// What the ids in a path stand for.
pub(crate) type Ids = BTreeMap<&'static str, String>;

/// An organization with a member of every role, and a project with whatever routes ask for.
pub(crate) async fn make_world(server: &Server, members: &[(Role, AccountId)]) -> Ids {
    let project = server.add_project().await;
    for (role, account) in members {
        let word = ROLES.iter().find(|(known, _)| known == role).unwrap().1;
        server.add_member(&project.organization, account, word).await;
    }
    let (domain, pin) = add_pin(server, &project).await;
    let rotation = StartRotationRequest { next: pin.clone(), retiring: Vec::new(), away_days: 7 };
    server.admin.start_rotation(project.id(), &domain, &rotation).await.unwrap();
    project.submit(&server.admin).await;
    project.store_key(&server.admin).await;
    let target = AddTargetRequest { destination: "www".into() };
    server.admin.add_target(project.id(), &target).await.unwrap();
    let member = server.add_account("somebody").await;
    server.add_member(&project.organization, &member, "auditor").await;
    let (invitation, token) = add_invitation_and_token(server, &project.organization).await;
    let agent = AddProbeAgentRequest { name: "world".into(), public_key: project.key.public_key().to_base64() };
    let agent = server.admin.add_probe_agent(&project.organization, &agent).await.unwrap().id;
    let (alert, webhook, message) = add_alert_and_webhook(server, &project.organization).await;
    BTreeMap::from([
        ("agent", agent),
        ("alert", alert),
        ("webhook", webhook),
        ("message", message),
        ("calendar", "pintle_cal_none".to_owned()),
        ("account", member.to_string()),
        ("invitation", invitation),
        ("token", token),
        ("organization", project.organization),
        ("project", project.project),
        ("domain", domain),
        ("pin", pin),
        ("session", add_session(server).await),
        ("identity", "idn_none".to_owned()),
        ("target", "www".to_owned()),
        ("passkey", "psk_none".to_owned()),
        ("version", "1".to_owned()),
    ])
}

async fn add_pin(server: &Server, project: &Project) -> (String, String) {
    let domain = AddDomainRequest {
        watch: Vec::new(),
        name: "world.example".into(),
        enforce: Enforce::default(),
        trust: Trust::default(),
        ct: CtRequest::default(),
        auto_draft: pintle_api::AutoDraft::default(),
    };
    let pin = AddPinRequest {
        pin_type: PinType::SpkiSha256,
        digest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
        pin_match: PinMatch::Leaf,
        expires_at: None,
        source: pintle_api::PinOrigin::ByHand,
        label: None,
    };
    let domain = server.admin.add_domain(project.id(), &domain).await.unwrap().id;
    let pin = server.admin.add_pin(project.id(), &domain, &pin).await.unwrap().id;
    (domain, pin)
}

async fn add_invitation_and_token(server: &Server, organization: &str) -> (String, String) {
    let request = CreateInvitationRequest { role: pintle_api::Role::Editor, email: None };
    let invitation = server.admin.create_invitation(organization, &request).await.unwrap().invitation.id;
    let request = CreateTokenRequest {
        name: "world".into(),
        scopes: vec![Scope::Read],
        organization_id: Some(organization.to_owned()),
        project_id: None,
        lifetime: TokenLifetime::Default,
    };
    let token = server.admin.create_token(&request).await.unwrap().token.id;
    (invitation, token)
}

/// Something that happened, and a webhook that was to be told of it, at an address that nobody may send to.
async fn add_alert_and_webhook(server: &Server, organization: &str) -> (String, String, String) {
    let url: SecretText = zeroize::Zeroizing::new("https://192.0.2.1/".to_owned()).into();
    let request = CreateWebhookRequest { url, format: WebhookFormat::Standard, kinds: vec!["cdn_stale".to_owned()] };
    let webhook = server.admin.create_webhook(organization, &request).await.unwrap().webhook.id;
    let (id, message_id) = (AlertId::make(1), MessageId::make(1));
    let alert = AlertRow {
        id: id.clone(),
        organization_id: OrganizationId::parse(organization).unwrap(),
        project_id: None,
        kind: "mail_undelivered".into(),
        severity: "warning".into(),
        subject: "acc_none".into(),
        detail: "It was not taken.".into(),
        stage: 0.into(),
        raised_at: 1.into(),
        told_at: 1.into(),
        resolved_at: None,
        open_key: Some("world".into()),
    };
    let message = WebhookMessageRow {
        id: message_id.clone(),
        webhook_id: WebhookId::parse(&webhook).unwrap(),
        kind: "cdn_stale".into(),
        body: "{}".into(),
        attempts: 1.into(),
        run_at: None,
        lease: None,
        delivered_at: Some(1.into()),
        error: None,
        // Not so long ago that it is forgotten.
        created_at: 4_000_000_000.into(),
    };
    server
        .write(async |tx| {
            tx.insert_alert(alert.clone()).await.unwrap();
            tx.insert_message(message.clone()).await.unwrap();
        })
        .await;
    (id.to_string(), webhook, message_id.to_string())
}

/// The admin's, at some browser.
async fn add_session(server: &Server) -> String {
    let id = SessionId::make(1);
    let session = SessionRow {
        id: id.clone(),
        account_id: AccountId::parse(&server.admin.whoami().await.unwrap().account_id).unwrap(),
        secret_sha256: id.to_string(),
        method: "password".into(),
        client: "a browser".into(),
        network_tag: None,
        created_at: 1.into(),
        authenticated_at: 1.into(),
        last_used_at: 4_000_000_000.into(),
        expires_at: 4_000_000_000.into(),
    };
    server.write(async |tx| tx.insert_session(session.clone()).await.unwrap()).await;
    id.to_string()
}

async fn read_draft(server: &Server, ids: &Ids) -> pintle_api::DraftResponse {
    let (organization, project) = (ids.get("organization").unwrap(), ids.get("project").unwrap());
    server.admin.read_draft(ProjectRef { organization, project }).await.unwrap()
}

fn fill(path: &str, ids: &Ids) -> String {
    let filled = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
    assert!(!filled.contains('{'), "{filled}: the test's world has no such thing; add it to `make_world`");
    filled
}

/// Status and code of the answer.
pub(crate) async fn ask(server: &Server, route: &Route, ids: &Ids, token: Option<&ApiToken>) -> (u16, String) {
    let mut request = http().request(route.method.clone(), format!("{}{}", server.url, fill(&route.path, ids)));
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    if let Some(body) = &route.body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
    (status, body.get("code").and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The caller was let in, whatever came of it there. `finds`: what the path names is there.
fn assert_allowed(answer: &(u16, String), finds: bool, who: &str) {
    let (status, code) = answer;
    assert!(![401, 403].contains(status) && (*status != 404 || !finds), "{who}: {status} {code}");
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_of_permissions_names_and_nobody_else() {
    let server = Server::start().await;
    let mut members = Vec::new();
    let mut tokens = Vec::new();
    for (role, name) in ROLES {
        let account = server.add_account(name).await;
        tokens.push((role, server.add_token(&account, ALL_SCOPES, None).await));
        members.push((role, account));
    }
    let stranger = server.add_stranger().await;
    for route in routes() {
        let ids = make_world(&server, &members).await;
        let before = read_draft(&server, &ids).await;
        let name = &route.name;
        let anonymous = ask(&server, &route, &ids, None).await;
        let is_of_organization = route.path.contains("{organization}");
        match &route.needed {
            // What is wrong with it is told by the action, not by the door.
            Needed::Nothing => assert_ne!(anonymous.1, "token_missing", "{name} anonymous"),
            _ => assert_eq!(anonymous, refusal(401, "token_missing"), "{name} anonymous"),
        }
        let outside = ask(&server, &route, &ids, Some(&stranger)).await;
        match &route.needed {
            Needed::Permission(_) => assert_eq!(outside, refusal(404, "not_found"), "{name} stranger"),
            Needed::Person => assert_eq!(outside, refusal(403, "person_needed"), "{name} token"),
            Needed::Nothing => assert_ne!(outside.1, "token_invalid", "{name} stranger"),
            _ => assert_allowed(&outside, false, &format!("{name} stranger")),
        }
        assert_eq!(matches!(route.needed, Needed::Permission(_)), is_of_organization, "{name}: whose is it?");
        let Needed::Permission(permission) = route.needed else { continue };
        let may = |role: &Role| permission.roles().contains(role);
        for (role, token) in tokens.iter().filter(|(role, _)| !may(role)) {
            let answer = ask(&server, &route, &ids, Some(token)).await;
            assert_eq!(answer, refusal(403, "role_insufficient"), "{name} {role:?}");
        }
        assert_eq!(read_draft(&server, &ids).await, before, "{name}: refused, and yet something changed");
        let mut is_there = true;
        for (role, token) in tokens.iter().filter(|(role, _)| may(role)) {
            let answer = ask(&server, &route, &ids, Some(token)).await;
            assert_allowed(&answer, is_there, &format!("{name} {role:?}"));
            // What the first one deleted is not there for the next.
            is_there = route.method == Method::GET;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scopes_even_for_an_owner() {
    let server = Server::start().await;
    let mut tokens = Vec::new();
    for (scope, word) in SCOPES {
        tokens.push((scope, server.add_admin_token(word).await));
    }
    for route in routes() {
        let needed = match route.needed {
            Needed::Nothing | Needed::SignedIn | Needed::Person => continue,
            Needed::Scope(scope) => scope,
            Needed::Permission(permission) => permission.scope(),
        };
        let ids = make_world(&server, &[]).await;
        for (scope, token) in &tokens {
            let answer = ask(&server, &route, &ids, Some(token)).await;
            let who = format!("{} with {scope:?}", route.name);
            if *scope == needed {
                assert_allowed(&answer, true, &who);
            } else {
                assert_eq!(answer, refusal(403, "scope_missing"), "{who}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn another_tenants_ids_name_nothing_at_any_place_of_a_path() {
    let server = Server::start().await;
    let (mine, theirs) = (make_world(&server, &[]).await, make_world(&server, &[]).await);
    let mut tried = BTreeSet::new();
    for route in routes() {
        // The owner of both: what is refused is refused for the mixture alone. A version is a number, not an id, and a
        // target is a name of the operator's.
        let places = mine.keys().filter(|name| {
            !["version", "session", "identity", "target"].contains(*name) && route.path.contains(&format!("{{{name}}}"))
        });
        let places: Vec<_> = places.collect();
        for place in places.iter().filter(|_| places.len() > 1) {
            let mut mixed = mine.clone();
            mixed.insert(place, theirs.get(*place).unwrap().clone());
            let answer = ask(&server, &route, &mixed, Some(&server.token)).await;
            assert_eq!(answer, refusal(404, "not_found"), "{} with another {place}", route.name);
            tried.insert(**place);
        }
    }
    assert_eq!(
        tried.into_iter().collect::<Vec<_>>(),
        [
            "account",
            "agent",
            "alert",
            "domain",
            "invitation",
            "message",
            "organization",
            "pin",
            "project",
            "token",
            "webhook"
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_unknown_expired_or_gone_opens_no_route() {
    let server = Server::start().await;
    let ids = make_world(&server, &[]).await;
    let account = server.add_account("late").await;
    let expired = server.add_token(&account, ALL_SCOPES, Some(2)).await;
    let gone = server.add_token(&account, ALL_SCOPES, None).await;
    server.execute(&format!("DELETE FROM api_token WHERE prefix = '{}'", gone.prefix())).await;
    let unknown = ApiToken::make(&[1; 32]);
    for route in routes().iter().filter(|route| !matches!(route.needed, Needed::Nothing)) {
        for (what, token) in [("expired", &expired), ("gone", &gone), ("unknown", &unknown)] {
            let answer = ask(&server, route, &ids, Some(token)).await;
            assert_eq!(answer, refusal(401, "token_invalid"), "{} with a token that is {what}", route.name);
        }
    }
    server.stop().await;
}
