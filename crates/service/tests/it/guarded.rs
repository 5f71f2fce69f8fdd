//! The guard in the way of releases: who gets past it, and what stays of that.

use std::sync::Arc;

use pintle_api::{
    FindingCode, FindingOverride, OverrideRequest, PrepareReleaseRequest, PreparedReleaseResponse, ReleaseContent,
    Role, UpdateDomainRequest,
};
use pintle_discover::{AddressPolicy, Endpoint};
use pintle_service::{
    Actor, ServiceError,
    guard::{GuardSettings, LookSettings, Sight, look},
};
use pintle_testkit::certificate::Authority;

use crate::support::{NOW, Plane, code};

fn overriding(domain: Option<&str>, reason: &str) -> PrepareReleaseRequest {
    let wanted = FindingOverride { code: FindingCode::NoUsablePin, domain: domain.map(str::to_owned) };
    let override_request = Some(OverrideRequest { findings: vec![wanted], reason: reason.to_owned() });
    PrepareReleaseRequest { override_request, ..PrepareReleaseRequest::default() }
}

impl Plane {
    async fn prepare_as(
        &self,
        actor: &Actor,
        request: &PrepareReleaseRequest,
    ) -> Result<PreparedReleaseResponse, ServiceError> {
        self.service.prepare_release(actor, self.path(), request, NOW).await
    }
}

#[tokio::test]
async fn a_bricking_draft_is_refused_with_what_was_found_and_nothing_is_prepared() {
    let plane = Plane::new().await;
    plane.add_domain("a.example").await.unwrap();
    let refused = plane.prepare().await;
    let Err(ServiceError::Guard(pintle_service::GuardError::Refused { findings, errors })) = refused else {
        unreachable!("{refused:?}")
    };
    assert_eq!((findings[0].code, errors), (FindingCode::NoUsablePin, 1));
    let view = plane.store.read().await.unwrap();
    assert!(plane.last_event().await.action != "release.prepared");
    drop(view);
    let draft = plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap();
    assert_eq!(draft.findings[0].code, FindingCode::NoUsablePin);
    let answer = plane.service.guard_draft(&plane.owner, plane.path(), NOW).await.unwrap();
    assert_eq!((answer.findings[0].code, answer.revision), (FindingCode::NoUsablePin, draft.revision));
}

#[tokio::test]
async fn an_override_names_its_domain_and_stays_in_log_and_history() {
    let plane = Plane::new().await;
    plane.add_domain("a.example").await.unwrap();
    assert_eq!(code(plane.prepare_as(&plane.owner, &overriding(Some("b.example"), "x")).await), "guard_refused");
    let prepared = plane.prepare_as(&plane.owner, &overriding(Some("a.example"), "its server is gone")).await.unwrap();
    let events = plane.audit().await;
    let event = events.iter().find(|event| event.action == "release.guard_overridden").unwrap();
    let told = event.after.as_ref().unwrap();
    assert_eq!(told["reason"], "its server is gone");
    assert_eq!(told["findings"][0]["domain"], "a.example");
    let release = plane.accept(&plane.sign(&prepared)).await.unwrap();
    let overridden = release.overridden.clone().unwrap();
    assert_eq!(
        (overridden.reason.as_str(), &*overridden.overridden_by),
        ("its server is gone", plane.owner.account_id())
    );
    assert_eq!(overridden.findings[0].code, FindingCode::NoUsablePin);
    let read = plane.service.read_release(&plane.owner, plane.path(), release.version).await.unwrap();
    assert_eq!(read.overridden, release.overridden);
}

#[tokio::test]
async fn who_may_release_may_not_override_unless_the_role_says_so() {
    let plane = Plane::new().await;
    plane.add_domain("a.example").await.unwrap();
    for (role, expected) in
        [(Role::Publisher, "role_insufficient"), (Role::Editor, "role_insufficient"), (Role::Admin, "ok")]
    {
        let member = plane.add_member(role).await;
        assert_eq!(code(plane.prepare_as(&member, &overriding(None, "I say so")).await), expected, "{role:?}");
    }
    let publisher = plane.add_member(Role::Publisher).await;
    assert_eq!(code(plane.prepare_as(&publisher, &PrepareReleaseRequest::default()).await), "guard_refused");
    assert_eq!(
        code(plane.service.guard_draft(&plane.add_member(Role::Auditor).await, plane.path(), NOW).await),
        "role_insufficient"
    );
}

#[tokio::test]
async fn an_entry_is_enforced_without_a_warning_once_apps_reported_on_it_for_a_week() {
    let plane = Plane::new().await;
    let domain = plane.add_reporting_domain("a.example").await;
    for byte in [1, 2] {
        plane.add_pin(&domain, byte).await.unwrap();
    }
    plane.release().await;
    let request = UpdateDomainRequest {
        enforce: Some(pintle_api::Enforce::Word(pintle_api::EnforceWord::Always)),
        ..UpdateDomainRequest::default()
    };
    plane.service.update_domain(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap();
    let warns = async |secs: u64| {
        let now = NOW.saturating_add_secs(secs);
        let answer = plane.service.guard_draft(&plane.owner, plane.path(), now).await.unwrap();
        answer.findings.iter().any(|finding| finding.code == FindingCode::NoReportPeriod)
    };
    const WEEK_SECS: u64 = 7 * 86_400;
    assert_eq!((warns(WEEK_SECS - 1).await, warns(WEEK_SECS).await), (true, false));
}

#[tokio::test]
async fn an_override_has_a_reason_and_names_something() {
    let plane = Plane::new().await;
    plane.add_domain("a.example").await.unwrap();
    for reason in ["", "  ", "a\u{1b}b", &"x".repeat(501)] {
        assert_eq!(code(plane.prepare_as(&plane.owner, &overriding(None, reason)).await), "value_invalid", "{reason}");
    }
    let nothing = OverrideRequest { findings: vec![], reason: "x".to_owned() };
    let request = PrepareReleaseRequest { override_request: Some(nothing), ..PrepareReleaseRequest::default() };
    assert_eq!(code(plane.prepare_as(&plane.owner, &request).await), "value_invalid");
    assert_eq!(code(plane.prepare_as(&plane.owner, &overriding(Some("A B"), "x")).await), "value_invalid");
}

#[tokio::test]
async fn a_withdrawal_is_never_in_the_way_of_itself() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let first = plane.add_pin(&domain, 1).await.unwrap();
    plane.release().await;
    plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, &first.id, None, NOW).await.unwrap();
    assert_eq!(code(plane.prepare().await), "guard_refused");
    let request = PrepareReleaseRequest { content: ReleaseContent::Withdrawal, ..PrepareReleaseRequest::default() };
    plane.prepare_as(&plane.owner, &request).await.unwrap();
    let back = PrepareReleaseRequest { content: ReleaseContent::Release(1), ..request };
    assert_eq!(code(plane.prepare_as(&plane.owner, &back).await), "draft_unchanged", "good content is not in the way");
}

#[tokio::test]
async fn watched_hosts_are_covered_by_the_domain() {
    let plane = Plane::new().await;
    let domain = plane.add_reporting_domain("*.a.example").await;
    let watch = async |hosts: &[&str]| {
        let watch = Some(hosts.iter().map(|host| (*host).to_owned()).collect());
        let request = UpdateDomainRequest { watch, ..UpdateDomainRequest::default() };
        plane.service.update_domain(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await
    };
    assert_eq!(
        watch(&["WWW.a.example", "x.a.example:8443"]).await.unwrap().watch,
        ["www.a.example", "x.a.example:8443"].map(|host| Endpoint::parse(host).unwrap().to_string())
    );
    for wrong in ["a.example", "x.y.a.example", "b.example", "x.a.example:0", "https://x.a.example", "169.254.169.254"]
    {
        assert_eq!(code(watch(&[wrong]).await), "value_invalid", "{wrong}");
    }
    assert_eq!(code(watch(&["x.a.example"; 17]).await), "value_invalid");
    assert!(watch(&[]).await.unwrap().watch.is_empty());
}

#[tokio::test]
async fn a_draft_that_changes_while_the_guard_looks_is_judged_anew() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let networks = ["127.0.0.0/8".parse().unwrap()];
    let policy = AddressPolicy::public().with_networks(networks).with_ports([port]);
    let settings = GuardSettings { look: Some(LookSettings::new(policy)), ..GuardSettings::default() };
    let plane = Plane::new().await.with_guard(settings);
    let domain = plane.add_domain("127.0.0.1").await.unwrap();
    plane.add_pin(&domain, 1).await.unwrap();
    let request =
        UpdateDomainRequest { watch: Some(vec![format!("127.0.0.1:{port}")]), ..UpdateDomainRequest::default() };
    plane.service.update_domain(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap();
    let change = async {
        // The guard is looking: it has connected. Only then is the draft changed, and the connection let go.
        let (connection, _) = silent.accept().await.unwrap();
        plane.add_pin(&domain, 2).await.unwrap();
        drop(connection);
        drop(silent);
    };
    let (prepared, ()) = tokio::join!(plane.prepare(), change);
    assert_eq!(code(prepared), "guard_outdated");
    plane.prepare().await.unwrap();
}

#[tokio::test]
async fn looking_ends_in_time_and_leaves_what_the_policy_forbids() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&silent.local_addr().unwrap().to_string()).unwrap();
    let limit = std::time::Duration::from_millis(50);
    let settings = LookSettings { total_limit: limit, concurrency: 8, ..LookSettings::new(AddressPolicy::anywhere()) };
    let seen = look(vec![endpoint.clone(); 10_000], &settings).await;
    assert_eq!(seen.len(), 10_000);
    assert!(seen.iter().all(|seen| matches!(seen.sights.as_slice(), [Sight::NotLookedAt { .. }])));
    let seen = look(vec![endpoint], &LookSettings::new(AddressPolicy::public())).await;
    assert!(matches!(seen[0].sights.as_slice(), [Sight::NotLookedAt { .. }]), "{seen:?}");
}

#[tokio::test]
async fn a_live_server_decides_by_what_it_serves() {
    let root = Authority::root("Root");
    let site = pintle_testkit::site::Site::start(&root.issue(&["127.0.0.1"])).await;
    let address = site.address();
    let mut roots = pintle_path::Roots::default();
    roots.add_certificate(root.certificate().clone()).unwrap();
    let policy = AddressPolicy::public().with_networks(["127.0.0.0/8".parse().unwrap()]).with_ports([address.port()]);
    let settings = GuardSettings { look: Some(LookSettings::new(policy)), roots: Arc::new(roots) };
    let plane = Plane::new().await.with_guard(settings);
    let domain = plane.add_domain("127.0.0.1").await.unwrap();
    plane.add_pin(&domain, 1).await.unwrap();
    let request = UpdateDomainRequest { watch: Some(vec![address.to_string()]), ..UpdateDomainRequest::default() };
    plane.service.update_domain(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap();
    let Err(ServiceError::Guard(pintle_service::GuardError::Refused { findings, .. })) = plane.prepare().await else {
        unreachable!("another key is pinned")
    };
    assert_eq!(findings[0].code, FindingCode::WouldRefuse, "{findings:?}");
}
