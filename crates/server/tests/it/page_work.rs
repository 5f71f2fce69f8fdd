//! What is set on pages is what the command line sets.

use base64ct::{Base64, Encoding as _};
use pintle_api::{
    CreateTokenRequest, CtPolicy, Expiry, ListQuery, OnStale, PinExpiry, Scope, TokenLifetime, UpdatePinRequest,
    client::ProjectRef,
};
use pintle_sign::{Signer as _, SigningKey};
use pintle_store::{DomainId, PinId, ProposedPinRow, Role};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{page_roles::World, pages::Browser, support::Server};

const DIGEST: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

impl World {
    fn project(&self) -> ProjectRef<'_> {
        let id = |name: &str| self.ids.get(name).unwrap().as_str();
        ProjectRef { organization: id("organization"), project: id("project") }
    }

    async fn submit(&self, template: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let token = self.browser.token().await;
        let fields: Vec<_> = fields.iter().copied().chain([("form_token", token.as_str())]).collect();
        self.browser.send(&self.path(template), &fields).await
    }

    /// Sends a form that is taken.
    async fn submit_well(&self, template: &str, fields: &[(&str, &str)]) {
        let answer = self.submit(template, fields).await;
        let status = answer.status();
        assert_eq!(status, StatusCode::SEE_OTHER, "{template}: {}", answer.text().await.unwrap());
    }
}

#[tokio::test]
async fn what_holds_for_all_domains_is_set_on_a_page() {
    let world = Box::pin(World::start(Role::Editor)).await;
    let fields = |refresh: &'static str, deny: &'static str| {
        [("refresh_secs", refresh), ("expiry", "never"), ("on_stale", "fail"), ("deny", deny)]
    };
    world.submit_well("{P}/draft/settings", &fields("3600", DIGEST)).await;
    let settings = world.server.admin.read_draft(world.project()).await.unwrap().settings;
    assert_eq!((settings.refresh_secs, settings.on_stale, settings.expiry), (3600, OnStale::Fail, Expiry::Never));
    assert_eq!(settings.deny, [DIGEST]);
    let page = world.browser.read(&world.path("{P}/draft")).await;
    assert!(page.contains("every 60 minutes") && page.contains("1 key is refused everywhere"), "{page}");
    for wrong in [fields("5", DIGEST), fields("3600", "not base64")] {
        let page = world.submit("{P}/draft/settings", &wrong).await.text().await.unwrap();
        assert!(page.contains("Must be") && page.contains(wrong[3].1), "{page}");
    }
    assert_eq!(world.server.admin.read_draft(world.project()).await.unwrap().settings, settings);
    world.server.stop().await;
}

/// The list of one log, as browsers publish it.
fn make_list() -> (String, String) {
    let key = SigningKey::generate().unwrap().public_key().to_base64();
    let id = Base64::encode_string(&Sha256::digest(Base64::decode_vec(&key).unwrap()));
    let log = json!({ "description": "Yeti", "log_id": id, "key": key, "state": { "usable": {} } });
    let list = json!({ "operators": [{ "name": "Acme", "logs": [log], "tiled_logs": [] }] });
    (list.to_string(), id)
}

#[tokio::test]
async fn a_domain_asks_for_certificate_transparency_by_its_page() {
    let world = Box::pin(World::start(Role::Editor)).await;
    let enforce = ("enforce", "report");
    let page =
        world.submit("{P}/domains/{domain}/settings", &[enforce, ("ct", "verified")]).await.text().await.unwrap();
    assert!(page.contains("id=\"ct-wrong\""), "without logs nothing can be asked for: {page}");
    let (list, id) = make_list();
    let token = world.browser.token().await;
    let import = async |as_of: &str| {
        let part = |name: &str, value: &str| {
            format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = "--edge\r\ncontent-disposition: form-data; name=\"list\"; filename=\"list.json\"\r\n\r\n";
        let body = format!("{}{}{file}{list}\r\n--edge--\r\n", part("form_token", &token), part("as_of", as_of));
        world.browser.send_body(&world.path("{P}/draft/ct-logs"), "multipart/form-data; boundary=edge", body).await
    };
    let page = import("").await.text().await.unwrap();
    assert!(page.contains("id=\"as_of-wrong\""), "the list does not say when it was made: {page}");
    let taken = import("2026-01-01").await;
    assert_eq!(taken.headers()[header::LOCATION], format!("{}?done=logs-replaced", world.path("{P}/draft/settings")));
    let ct = [enforce, ("ct", "declared"), ("ct_min", "1"), ("ct_log", id.as_str()), ("auto_draft", "live")];
    world.submit_well("{P}/domains/{domain}/settings", &ct).await;
    let draft = world.server.admin.read_draft(world.project()).await.unwrap();
    let domain = draft.domains.first().unwrap();
    assert_eq!((domain.ct.policy, domain.ct.min, domain.ct.logs.clone()), (CtPolicy::Declared, 1, Some(vec![id])));
    let page = world.browser.read(&world.path("{P}/domains/{domain}")).await;
    assert!(page.contains("asks that the certificate names 1 CT log of 1 chosen"), "{page}");
    world.submit_well("{P}/domains/{domain}/settings", &[enforce, ("ct", "off"), ("ct_min", "1")]).await;
    let draft = world.server.admin.read_draft(world.project()).await.unwrap();
    assert_eq!(draft.domains.first().unwrap().ct.policy, CtPolicy::Off);
    world.server.stop().await;
}

#[tokio::test]
async fn a_pin_has_an_end_and_a_proposal_an_answer() {
    let world = Box::pin(World::start(Role::Editor)).await;
    let pin = [("type", "spki-sha256"), ("digest", DIGEST), ("match", "leaf")];
    let with = |until: &'static str| pin.into_iter().chain([("until", until)]).collect::<Vec<_>>();
    let page = world.submit("{P}/domains/{domain}/pins", &with("yesterday")).await.text().await.unwrap();
    assert!(page.contains("id=\"until-wrong\"") && page.contains(DIGEST.split('+').next().unwrap()), "{page}");
    world.submit_well("{P}/domains/{domain}/pins", &with("2033-05-18")).await;
    let read = async || world.server.admin.read_draft(world.project()).await.unwrap().domains.remove(0);
    assert!(read().await.pins.iter().any(|pin| pin.expires_at == Some(1_999_987_200)));

    let domain_id = DomainId::parse(&world.ids["domain"]).unwrap();
    let ids = [PinId::make(1), PinId::make(2)];
    for (id, byte) in ids.iter().zip([7, 8]) {
        let row = ProposedPinRow {
            id: id.clone(),
            domain_id: domain_id.clone(),
            pin_type: "spki-sha256".into(),
            digest: Base64::encode_string(&[byte; 32]),
            reason: "world.example presents it".into(),
            proposed_at: 1_800_000_000.into(),
            dismissed_at: None,
        };
        world.server.write(async |tx| tx.insert_proposed_pin(row.clone()).await.unwrap()).await;
    }
    let page = world.browser.read(&world.path("{P}/domains/{domain}")).await;
    assert_eq!(page.matches("world.example presents it").count(), 2, "{page}");
    world.submit_well(&format!("{{P}}/domains/{{domain}}/proposed/{}/accept", ids[0]), &[]).await;
    world.submit_well(&format!("{{P}}/domains/{{domain}}/proposed/{}/dismiss", ids[1]), &[]).await;
    let domain = read().await;
    let pinned = |byte: u8| domain.pins.iter().any(|pin| pin.digest == Base64::encode_string(&[byte; 32]));
    assert!(pinned(7) && !pinned(8) && domain.proposed.is_empty(), "{domain:?}");
    world.server.stop().await;
}

#[tokio::test]
async fn tokens_and_the_plan_of_an_organization_are_shown() {
    let world = Box::pin(World::start(Role::Admin)).await;
    let members = world.path("{O}/members");
    assert!(world.browser.read(&members).await.contains("API tokens for this organization"));
    world.submit_well("{O}/tokens/{token}/revoke", &[]).await;
    assert!(!world.browser.read(&members).await.contains("API tokens for this organization"));
    assert!(!world.browser.read(&world.path("{O}")).await.contains("This server allows"), "nothing is limited here");
    world.server.stop().await;

    let server = Server::start_changed(|config| config.plan.projects_per_organization = Some(3)).await;
    let ada = Browser::signed_in(&server).await;
    let token = ada.token().await;
    let made = ada.send("/orgs/new", &[("name", "Acme"), ("form_token", &token)]).await;
    let page = ada.read(made.headers()[header::LOCATION].to_str().unwrap()).await;
    assert!(page.contains("here are 0 of 3 projects."), "{page}");
    server.stop().await;
}

#[tokio::test]
async fn tokens_of_members_are_read_to_their_end() {
    let world = Box::pin(World::start(Role::Owner)).await;
    let request = CreateTokenRequest {
        name: "one of many".to_owned(),
        scopes: vec![Scope::Read],
        organization_id: Some(world.project().organization.to_owned()),
        project_id: None,
        lifetime: TokenLifetime::Default,
    };
    for _ in 0..ListQuery::DEFAULT_LIMIT {
        world.server.admin.create_token(&request).await.unwrap();
    }
    let (mut path, mut seen) = (world.path("{O}/members"), Vec::new());
    loop {
        let page = world.browser.read(&path).await;
        seen.push(page.matches(&world.path("{O}/tokens/")).count());
        let Some((_, rest)) = page.split_once("href=\"?tokens=") else { break };
        let (cursor, _) = rest.split_once('#').unwrap();
        path = world.path(&format!("{{O}}/members?tokens={cursor}"));
    }
    assert_eq!(seen, [ListQuery::DEFAULT_LIMIT as usize, 1]);
    world.server.stop().await;
}

#[tokio::test]
async fn a_pin_gets_another_label_and_end_on_its_page() {
    let world = Box::pin(World::start(Role::Editor)).await;
    let (domain, pin) = (world.ids.get("domain").unwrap(), world.ids.get("pin").unwrap());
    let read = async || {
        let domains = world.server.admin.list_domains(world.project()).all().await.unwrap();
        let domain = domains.into_iter().find(|found| found.id == *domain).unwrap();
        domain.pins.into_iter().find(|found| found.id == *pin).unwrap()
    };
    let change = async |label: &str, until: &str| {
        world.submit_well("{P}/domains/{domain}/pins/{pin}", &[("label", label), ("until", until)]).await;
    };
    change("key of 2027", "2027-01-15").await;
    let midnight = Some(1_800_000_000 - 8 * 3600);
    assert_eq!((read().await.label.as_deref(), read().await.expires_at), (Some("key of 2027"), midnight));
    let page = world.browser.read(&world.path("{P}/domains/{domain}/pins/{pin}")).await;
    assert!(page.contains("value=\"key of 2027\"") && page.contains("value=\"2027-01-15\""), "{page}");
    let wrong = world.submit("{P}/domains/{domain}/pins/{pin}", &[("label", "kept"), ("until", "soon")]).await;
    let page = wrong.text().await.unwrap();
    assert!(page.contains("id=\"until-wrong\"") && page.contains("value=\"kept\""), "{page}");
    // An end that the command line gave to the second is not cut to its day by who changes the label alone.
    let request = UpdatePinRequest { label: None, expiry: Some(PinExpiry::At(1_800_000_000)) };
    world.server.admin.update_pin(world.project(), domain, pin, &request).await.unwrap();
    change("other", "2027-01-15").await;
    assert_eq!((read().await.label.as_deref(), read().await.expires_at), (Some("other"), Some(1_800_000_000)));
    change("", "").await;
    assert_eq!((read().await.label, read().await.expires_at), (None, None));
    world.server.stop().await;
}

#[tokio::test]
async fn all_that_an_organization_owns_is_downloaded_by_who_may_read_all_of_it() {
    let world = Box::pin(World::start(Role::Owner)).await;
    let answer = world.submit("{O}/export", &[]).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/jsonl");
    assert!(answer.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment; filename=\"org_"));
    let text = answer.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    kinds.dedup();
    let expected = [
        "organization",
        "member",
        "invitation",
        "token",
        "project",
        "draft",
        "ct_logs",
        "key_ciphertext",
        "release",
        "audit_event",
        "end",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(lines.last().unwrap()["value"]["lines"], lines.len() - 1);
    let organization = world.project().organization;
    let events = world.server.admin.list_audit_events(organization).filter("order", "oldest").all().await.unwrap();
    // Hashes cover the text of a record.
    assert!(events.iter().take(3).all(|event| text.contains(event.record.get())));
    world.server.stop().await;

    // An administrator reads all of it, and is offered that; the end of the organization is the owners'.
    let world = Box::pin(World::start(Role::Admin)).await;
    let page = world.browser.read(&world.path("{O}/settings")).await;
    assert!(page.contains("Download everything") && !page.contains("Delete the organization"), "{page}");
    assert_eq!(world.submit("{O}/export", &[]).await.status(), StatusCode::OK);
    world.server.stop().await;

    let world = Box::pin(World::start(Role::Auditor)).await;
    assert!(!world.browser.read(&world.path("{O}/settings")).await.contains("Download everything"));
    let answer = world.submit("{O}/export", &[]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.text().await.unwrap().contains("role"));
    world.server.stop().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_answered_by_a_page() {
    let world = Box::pin(World::start(Role::Auditor)).await;
    for address in ["{P}/domains?limit=many", "{P}/draft?from=nowhere", "{P}/releases?limit=-1"] {
        let answer = world.browser.get(&world.path(address)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{address}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("question mark") && page.contains("<title>"), "{address}: {page}");
    }
    world.server.stop().await;
}
