//! The dashboard in the hands of somebody who may only read: what it offers, and what it does when asked all the same.

use std::collections::BTreeMap;

use pintle_api::client::Client;
use pintle_store::{AccountId, Role};
use reqwest::StatusCode;

use crate::{accounts::sign_in, pages::Browser, permissions::make_world, support::Server};

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) browser: Browser,
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl World {
    /// Somebody of this role, in an organization that has everything.
    pub(crate) async fn start(role: Role) -> Self {
        let server = Server::start().await;
        let browser = Browser::signed_in(&server).await;
        let who = sign_in(&Client::anonymous(&server.url).unwrap(), &server).await.whoami().await.unwrap();
        let ids = make_world(&server, &[(role, AccountId::parse(&who.account_id).unwrap())]).await;
        Self { server, browser, ids }
    }

    pub(crate) fn path(&self, template: &str) -> String {
        let project =
            template.replace("{P}", "/orgs/{organization}/projects/{project}").replace("{O}", "/orgs/{organization}");
        self.ids.iter().fold(project, |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    /// What happened in the organization, without what was refused.
    async fn events(&self) -> Vec<String> {
        let organization = self.ids.get("organization").unwrap();
        let events = self.server.admin.list_audit_events(organization).all().await.unwrap();
        let action = |record: &str| serde_json::from_str::<pintle_api::AuditRecord>(record).unwrap().action;
        events.iter().map(|event| action(event.record.get())).filter(|action| action != "permission.denied").collect()
    }
}

/// Pages of those who may more.
const CLOSED: [(&str, StatusCode); 10] = [
    ("{P}/copy", StatusCode::NOT_FOUND),
    ("{P}/domains/{domain}/pins/{pin}", StatusCode::NOT_FOUND),
    ("{P}/key/import", StatusCode::NOT_FOUND),
    ("{P}/key/recover", StatusCode::NOT_FOUND),
    ("{P}/key/discard", StatusCode::NOT_FOUND),
    ("{P}/key/password", StatusCode::METHOD_NOT_ALLOWED),
    ("{P}/key/rotate", StatusCode::METHOD_NOT_ALLOWED),
    ("{P}/withdraw", StatusCode::NOT_FOUND),
    ("{O}/webhooks", StatusCode::FORBIDDEN),
    ("{O}/webhooks/{webhook}", StatusCode::FORBIDDEN),
];

/// What an auditor reads: nothing there offers more than to read.
const OPEN: [&str; 11] = [
    "{P}",
    "{P}/domains",
    "{P}/domains/{domain}",
    "{P}/domains/{domain}/rotation",
    "{P}/draft",
    "{P}/draft/settings",
    "{P}/releases/1",
    "{P}/key",
    "{P}/targets",
    "{P}/monitor",
    "{O}/agents",
];

/// Forms that the pages above do not show to an auditor, with what makes them whole.
const FORMS: [(&str, &[(&str, &str)]); 30] = [
    ("{P}/key/password", &[]),
    ("{P}/key/rotate", &[]),
    ("{P}/key/download", &[]),
    ("{P}/key/discard", &[]),
    ("{P}/key/keep", &[("pem", "x")]),
    ("{P}/key/succession", &[("jws", "a.b.c")]),
    ("{P}/key", &[("public_key", "x")]),
    ("{P}/withdraw", &[("confirmation", "App")]),
    ("{P}/release", &[]),
    ("{P}/releases", &[("jws", "a.b.c")]),
    ("{P}/releases/1/cancel", &[]),
    ("{P}/domains/{domain}/rotation", &[("next", "{pin}"), ("away_days", "7")]),
    ("{P}/domains/{domain}/rotation/finish", &[]),
    ("{P}/domains/{domain}/rotation/end", &[]),
    ("{P}/draft/settings", &[("refresh_secs", "60"), ("expiry", "never")]),
    ("{P}/draft/ct-logs", &[]),
    ("{P}/domains/{domain}/settings", &[("enforce", "always")]),
    ("{P}/domains/{domain}/pins", &[("digest", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]),
    ("{P}/domains/{domain}/proposed/{pin}/accept", &[]),
    ("{P}/domains/{domain}/proposed/{pin}/dismiss", &[]),
    ("{P}/domains/{domain}/pins/{pin}", &[("label", "mine")]),
    ("{P}/copy", &[("name", "App"), ("environment", "copy")]),
    ("{O}/agents", &[("name", "office"), ("public_key", "x")]),
    ("{O}/agents/{agent}/remove", &[]),
    ("{O}/tokens/{token}/revoke", &[]),
    ("{O}/webhooks", &[("url", "https://hooks.example.com/x")]),
    ("{O}/webhooks/{webhook}/test", &[]),
    ("{O}/webhooks/{webhook}/secret", &[]),
    ("{O}/webhooks/{webhook}/remove", &[]),
    ("{O}/webhooks/{webhook}/messages/{message}/replay", &[]),
];

#[tokio::test]
async fn an_auditor_is_offered_nothing_and_changes_nothing() {
    let world = Box::pin(World::start(Role::Auditor)).await;
    let token = world.browser.token().await;
    let before = world.events().await;
    for (template, expected) in CLOSED {
        assert_eq!(world.browser.get(&world.path(template)).await.status(), expected, "{template}");
    }
    for template in OPEN {
        let page = world.browser.read(&world.path(template)).await;
        let offered: Vec<_> =
            page.split("<form method=\"post\"").skip(1).filter(|form| !form.contains("/sign-out")).collect();
        assert!(offered.is_empty(), "{template}: {offered:?}");
    }
    for (template, fields) in FORMS {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, world.path(value))).collect();
        let fields = fields.iter().map(|(name, value)| (*name, value.as_str())).chain([("form_token", token.as_str())]);
        let answer = world.browser.send(&world.path(template), &fields.collect::<Vec<_>>()).await;
        let status = answer.status();
        assert!(matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{template}: {status}");
    }
    assert_eq!(world.events().await, before, "something happened");
    world.server.stop().await;
}

/// Links of other sites come with the cookie, so that looking must leave no trace.
#[tokio::test]
async fn reading_pages_changes_nothing() {
    let world = Box::pin(World::start(Role::Owner)).await;
    let before = world.events().await;
    let pages = OPEN.iter().copied().chain(CLOSED.iter().map(|(template, _)| *template));
    for template in pages.chain(["{P}/settings", "{P}/setup", "{P}/delete", "{O}/members", "{O}/notifications"]) {
        let answer = world.browser.get(&world.path(template)).await;
        let (status, page) = (answer.status(), answer.text().await.unwrap());
        assert!(!status.is_server_error(), "{template}: {status}");
        assert!(!page.contains("ENCRYPTED PRIVATE KEY"), "{template} brings the key");
    }
    assert_eq!(world.events().await, before, "a page was read, and something happened");
    let token = world.browser.token().await;
    for act in ["{P}/key/password", "{P}/key/rotate"] {
        let foreign = world.browser.send(&world.path(act), &[]).await;
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "{act} without the token");
        let answer = world.browser.send(&world.path(act), &[("form_token", &token)]).await;
        assert!(answer.text().await.unwrap().contains("ENCRYPTED PRIVATE KEY"), "{act}");
    }
    let after = world.events().await;
    let fetched = after.iter().filter(|action| *action == "key.fetched").count();
    assert_eq!((after.len(), fetched), (before.len() + 2, 2), "each time the key was fetched is written down");
    world.server.stop().await;
}

#[tokio::test]
async fn withdrawing_asks_for_the_name_and_who_it_is() {
    let world = Box::pin(World::start(Role::Owner)).await;
    let (path, token) = (world.path("{P}/withdraw"), world.browser.token().await);
    let before = world.events().await;
    let send = async |name: &str| world.browser.send(&path, &[("form_token", &token), ("confirmation", name)]).await;
    for wrong in ["", "app", "App test"] {
        let page = send(wrong).await.text().await.unwrap();
        assert!(page.contains("not the project&#39;s name"), "{wrong:?}");
    }
    world.server.execute("UPDATE session SET authenticated_at = 0").await;
    let answer = send("App").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(answer.headers()["location"].to_str().unwrap().starts_with("/account/confirm-identity"));
    assert_eq!(world.events().await, before, "something was prepared");
    world.server.stop().await;
}

/// Who may release opens the key to sign, and not to put it under another password.
#[tokio::test]
async fn a_publisher_does_nothing_with_the_key_but_sign() {
    let world = Box::pin(World::start(Role::Publisher)).await;
    let (token, before) = (world.browser.token().await, world.events().await);
    for act in ["{P}/key/password", "{P}/key/rotate"] {
        let answer = world.browser.send(&world.path(act), &[("form_token", &token)]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{act}");
    }
    for page in ["{P}/key/import", "{P}/key/recover", "{P}/key/discard"] {
        assert_eq!(world.browser.get(&world.path(page)).await.status(), StatusCode::NOT_FOUND, "{page}");
    }
    let acts = [
        ("{P}/key", ("public_key", "x")),
        ("{P}/key/keep", ("pem", "x")),
        ("{P}/key/succession", ("jws", "a.b.c")),
        ("{P}/key/discard", ("", "")),
    ];
    for (act, field) in acts {
        let answer = world.browser.send(&world.path(act), &[("form_token", &token), field]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{act}");
    }
    let page = world.browser.read(&world.path("{P}/key")).await;
    for offered in ["/key/password", "/key/discard", "/key/rotate", "/key/recover", "/key/import"] {
        assert!(!page.contains(offered), "{offered}");
    }
    assert_eq!(world.events().await, before, "the key was fetched");
    world.server.stop().await;
}
