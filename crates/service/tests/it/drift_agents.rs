//! Probe agents: whose word counts, for what, and how long.

use base64ct::{Base64, Encoding};
use pintle_api::{
    AddProbeAgentRequest, DriftState, ListQuery, PROBE_REPORT_CONTEXT, ProbeAgentResponse, ProbeReport,
    ProbeReportRequest, ProbeReportResponse, ProbedDomain, ProbedEndpoint, ProbedSight, Role, Scope,
};
use pintle_core::UnixTime;
use pintle_service::{Actor, ServiceError};
use pintle_sign::{Signer as _, SigningKey};
use pintle_testkit::certificate::{Authority, SiteCertificate};

use crate::{
    drift::{Watched, at},
    support::{NOW, Plane, code},
};

/// An agent of the plane's organization, and its key.
struct Agent {
    key: SigningKey,
    row: ProbeAgentResponse,
}

impl Agent {
    async fn new(plane: &Plane, name: &str) -> Self {
        let key = SigningKey::generate().unwrap();
        let request = AddProbeAgentRequest { name: name.into(), public_key: key.public_key().to_base64() };
        let row = plane.service.add_probe_agent(&plane.owner, &plane.organization, &request, NOW).await.unwrap();
        Self { key, row }
    }

    fn report(&self, plane: &Plane, seq: u64, domains: Vec<ProbedDomain>) -> ProbeReport {
        ProbeReport {
            agent: self.row.id.clone(),
            organization: plane.organization.clone(),
            project: plane.project.clone(),
            sent_at: NOW.as_secs(),
            seq,
            domains,
        }
    }

    fn sign(&self, report: &ProbeReport) -> ProbeReportRequest {
        self.sign_text(&serde_json::to_string(report).unwrap())
    }

    fn sign_text(&self, report: &str) -> ProbeReportRequest {
        let signature = self.key.sign(format!("{PROBE_REPORT_CONTEXT}{report}").as_bytes()).unwrap();
        ProbeReportRequest {
            agent: self.row.id.clone(),
            report: report.to_owned(),
            signature: Base64::encode_string(&signature),
        }
    }
}

impl Plane {
    async fn report(&self, request: &ProbeReportRequest) -> Result<ProbeReportResponse, ServiceError> {
        self.report_as(&self.owner, request, NOW).await
    }

    async fn report_as(
        &self,
        actor: &Actor,
        request: &ProbeReportRequest,
        now: UnixTime,
    ) -> Result<ProbeReportResponse, ServiceError> {
        self.service.report_probe(actor, self.path(), request, now).await
    }
}

fn seen(watched: &Watched, certificate: &SiteCertificate) -> Vec<ProbedDomain> {
    let chain = ProbedSight::Chain {
        address: Some("10.0.0.1:443".into()),
        certificates: vec![Base64::encode_string(certificate.leaf())],
        ocsp_response: String::new(),
    };
    let endpoint = ProbedEndpoint { endpoint: watched.site.address().to_string(), sights: vec![chain] };
    vec![ProbedDomain { domain: "127.0.0.1".into(), endpoints: vec![endpoint] }]
}

#[tokio::test]
async fn what_an_agent_saw_is_judged_here_and_stands_beside_what_the_server_sees() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    let agent = Agent::new(plane, "office").await;
    let tasks = plane.service.list_probe_tasks(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap();
    assert_eq!((tasks.items[0].domain.as_str(), tasks.items[0].endpoints.len()), ("127.0.0.1", 1));
    let stranger = Authority::root("Stranger").issue(&["127.0.0.1"]);
    let answer = plane.report(&agent.sign(&agent.report(plane, 1, seen(&watched, &stranger)))).await.unwrap();
    assert_eq!(answer.drift[0].state, Some(DriftState::UnexpectedIssuer));
    assert_eq!(
        plane.domain_states().await,
        [("office", DriftState::UnexpectedIssuer), ("server", DriftState::Match)]
            .map(|(vantage, state)| (vantage.to_owned(), state))
    );
    let alert = plane.open_alerts("issuer_unexpected").await;
    assert_eq!(alert[0].subject, "127.0.0.1 seen from office");
    for (seq, expected) in [(2, DriftState::UnexpectedIssuer), (3, DriftState::Match)] {
        let answer =
            plane.report(&agent.sign(&agent.report(plane, seq, seen(&watched, &watched.first)))).await.unwrap();
        assert_eq!(answer.drift[0].state, Some(expected));
    }
    // Whoever is removed leaves nothing that anybody believes.
    plane.service.remove_probe_agent(&plane.owner, &plane.organization, &agent.row.id, NOW).await.unwrap();
    assert_eq!(plane.domain_states().await.len(), 1);
    let late = agent.sign(&agent.report(plane, 9, seen(&watched, &stranger)));
    assert_eq!(code(plane.report(&late).await), "report_signature_invalid");
}

#[tokio::test]
async fn a_report_counts_once_for_its_project_and_for_five_minutes() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let agent = Agent::new(plane, "office").await;
    let report = agent.report(plane, 7, seen(&watched, &watched.first));
    let signed = agent.sign(&report);
    assert_eq!(code(plane.report(&signed).await), "ok");
    assert_eq!(code(plane.report(&signed).await), "report_replayed");
    assert_eq!(code(plane.report(&agent.sign(&ProbeReport { seq: 6, ..report.clone() })).await), "report_replayed");
    for (now, expected) in [(at(300), "ok"), (at(301), "report_stale")] {
        let seq = 100 + now.as_secs();
        let signed = agent.sign(&ProbeReport { seq, ..report.clone() });
        assert_eq!(code(plane.report_as(&plane.owner, &signed, now).await), expected);
    }
    let ahead = ProbeReport { seq: u64::MAX >> 1, sent_at: NOW.as_secs() + 301, ..report.clone() };
    assert_eq!(code(plane.report(&agent.sign(&ahead)).await), "report_stale");
    let other = plane.add_project("staging").await;
    for wrong in [
        ProbeReport { project: other, seq: 8, ..report.clone() },
        ProbeReport { agent: "agt_0".into(), seq: 8, ..report.clone() },
        ProbeReport { organization: "org_0".into(), seq: 8, ..report.clone() },
    ] {
        assert_eq!(code(plane.report(&agent.sign(&wrong)).await), "report_malformed");
    }
}

#[tokio::test]
async fn only_the_agents_own_key_speaks_for_it() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let (agent, other) = (Agent::new(plane, "office").await, Agent::new(plane, "cellar").await);
    let report = agent.report(plane, 1, seen(&watched, &watched.first));
    let signed = agent.sign(&report);
    let forged = ProbeReportRequest { agent: agent.row.id.clone(), ..other.sign(&report) };
    assert_eq!(code(plane.report(&forged).await), "report_signature_invalid");
    let altered = ProbeReportRequest { report: signed.report.replace("\"seq\":1", "\"seq\":2"), ..signed.clone() };
    assert_eq!(code(plane.report(&altered).await), "report_signature_invalid");
    for signature in ["", "AAAA", "?"] {
        let broken = ProbeReportRequest { signature: signature.into(), ..signed.clone() };
        assert_eq!(code(plane.report(&broken).await), "report_signature_invalid");
    }
    // Signed without the context: a signature that was made for something else.
    let bare = Base64::encode_string(&agent.key.sign(signed.report.as_bytes()).unwrap());
    assert_eq!(code(plane.report(&ProbeReportRequest { signature: bare, ..signed }).await), "report_signature_invalid");
    for text in ["", "{}", "null", &agent.sign(&report).report.replace("\"seq\"", "\"x\":1,\"seq\"")] {
        assert_eq!(code(plane.report(&agent.sign_text(text)).await), "report_malformed", "{text}");
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_believed() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let agent = Agent::new(plane, "office").await;
    let mut domains = seen(&watched, &watched.first);
    domains[0].endpoints[0].endpoint = "127.0.0.1:1".into();
    let answer = plane.report(&agent.sign(&agent.report(plane, 1, domains))).await.unwrap();
    assert_eq!(answer.drift[0].state, Some(DriftState::NotLookedAt), "a host that does not stand for the domain");
    let foreign = vec![ProbedDomain { domain: "b.example".into(), endpoints: vec![] }];
    assert!(plane.report(&agent.sign(&agent.report(plane, 2, foreign))).await.unwrap().drift.is_empty());
    let many =
        |number: usize| (0..number).map(|at| ProbedDomain { domain: format!("{at}.example"), endpoints: vec![] });
    assert_eq!(code(plane.report(&agent.sign(&agent.report(plane, 3, many(101).collect()))).await), "report_malformed");
    let twice = many(1).chain(many(1)).collect();
    assert_eq!(code(plane.report(&agent.sign(&agent.report(plane, 4, twice))).await), "report_malformed");
}

#[tokio::test]
async fn agents_are_added_by_admins_and_their_tokens_need_no_more_than_to_read() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let request = |name: &str| AddProbeAgentRequest {
        name: name.into(),
        public_key: SigningKey::generate().unwrap().public_key().to_base64(),
    };
    let add = async |actor: &Actor, request: &AddProbeAgentRequest| {
        code(plane.service.add_probe_agent(actor, &plane.organization, request, NOW).await)
    };
    for (role, expected) in [(Role::Editor, "role_insufficient"), (Role::Admin, "ok")] {
        let member = plane.add_member(role).await;
        assert_eq!(add(&member, &request("office")).await, expected);
    }
    assert_eq!(add(&plane.owner, &request("office")).await, "already_exists");
    for name in ["", "server", "ct", "Office", "a b", &"x".repeat(33)] {
        assert_eq!(add(&plane.owner, &request(name)).await, "value_invalid", "{name}");
    }
    let none = AddProbeAgentRequest { public_key: "AAAA".into(), ..request("cellar") };
    assert_eq!(add(&plane.owner, &none).await, "setup_invalid");
    let agent = Agent::new(plane, "cellar").await;
    let token = plane.service.create_token(&plane.owner, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    let reader = plane.sign_in(&token.secret).await.unwrap();
    let signed = agent.sign(&agent.report(plane, 1, seen(&watched, &watched.first)));
    assert_eq!(code(plane.report_as(&reader, &signed, NOW).await), "ok");
    let stranger = plane.add_account("read edit release admin").await;
    assert_eq!(code(plane.report_as(&stranger, &signed, NOW).await), "not_found");
}

#[tokio::test]
async fn a_silent_agent_is_told_once_until_it_reports_or_is_removed() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let agent = Agent::new(plane, "office").await;
    let open = async || {
        let request = pintle_api::AlertQuery { open: true, ..pintle_api::AlertQuery::default() };
        let list = plane.service.list_alerts(&plane.owner, &plane.organization, &request).await.unwrap().items;
        list.into_iter().filter(|alert| alert.kind == "agent_silent").collect::<Vec<_>>()
    };
    let limit_secs = 26 * 3600;
    plane.service.watch(at(limit_secs - 1)).await.unwrap();
    assert!(open().await.is_empty());
    for more in [0, 600, 1200] {
        plane.service.watch(at(limit_secs + more)).await.unwrap();
        let told = open().await;
        assert_eq!((told.len(), told[0].subject.as_str()), (1, "office"));
        assert_eq!(told[0].told_at, at(limit_secs).as_secs());
    }
    let report =
        ProbeReport { sent_at: at(limit_secs).as_secs(), ..agent.report(plane, 1, seen(&watched, &watched.first)) };
    plane.report_as(&plane.owner, &agent.sign(&report), at(limit_secs)).await.unwrap();
    plane.service.watch(at(limit_secs + 1800)).await.unwrap();
    assert!(open().await.is_empty(), "it is back");
    plane.service.watch(at(3 * limit_secs)).await.unwrap();
    assert_eq!(open().await.len(), 1);
    plane.service.remove_probe_agent(&plane.owner, &plane.organization, &agent.row.id, NOW).await.unwrap();
    assert!(open().await.is_empty());
}
