use base64ct::{Base64, Encoding};
use pintle_api::{
    CtLogRequest, CtPolicy, CtRequest, DomainResponse, FindingCode, ReplaceCtLogsRequest, UpdateDomainRequest,
};
use pintle_core::{UnixTime, claims::Claims};
use pintle_service::ServiceError;
use pintle_sign::{Signer, SigningKey};

use crate::support::{NOW, Plane, code};

const DAY_SECS: u64 = 86_400;

fn make_log(operator: &str, name: &str) -> CtLogRequest {
    let key = SigningKey::generate().unwrap().public_key().to_base64();
    CtLogRequest { key, operator: operator.into(), name: name.into(), usable_until: None }
}

fn made_days_ago(days: u64, logs: Vec<CtLogRequest>) -> ReplaceCtLogsRequest {
    ReplaceCtLogsRequest { as_of: NOW.as_secs() - days * DAY_SECS, logs }
}

fn verified() -> CtRequest {
    CtRequest { policy: CtPolicy::Verified, ..CtRequest::default() }
}

impl Plane {
    async fn import(&self, request: &ReplaceCtLogsRequest) -> Result<pintle_api::CtLogsResponse, ServiceError> {
        self.service.replace_ct_logs(&self.owner, self.path(), request, None, NOW).await
    }

    async fn ask(&self, domain: &DomainResponse, ct: CtRequest) -> Result<DomainResponse, ServiceError> {
        let request = UpdateDomainRequest { ct: Some(ct), ..UpdateDomainRequest::default() };
        self.service.update_domain(&self.owner, self.path(), &domain.id, &request, None, NOW).await
    }

    async fn warnings(&self, now: UnixTime) -> Vec<FindingCode> {
        let draft = self.service.read_draft(&self.owner, self.path(), now).await.unwrap();
        let about_ct = |code: &FindingCode| *code != FindingCode::NoUsablePin;
        draft.findings.into_iter().map(|finding| finding.code).filter(about_ct).collect()
    }
}

#[tokio::test]
async fn imported_logs_and_what_domains_ask_of_them_reach_the_signed_claims() {
    let plane = Plane::new().await;
    let domain = plane.add_reporting_domain("a.example").await;
    let closed = CtLogRequest { usable_until: Some(7), ..make_log("beta", "b1") };
    let imported = plane.import(&made_days_ago(1, vec![closed, make_log("alpha", "a1")])).await.unwrap();
    let names: Vec<_> = imported.logs.iter().map(|log| log.name.as_str()).collect();
    assert_eq!(names, ["a1", "b1"]);
    let asked = plane.ask(&domain, verified()).await.unwrap().ct;
    assert_eq!((asked.policy, asked.min, asked.logs), (CtPolicy::Verified, 2, None));

    let prepared = plane.prepare_anyway().await;
    let claims = Claims::parse(&Base64::decode_vec(&prepared.claims).unwrap()).unwrap();
    let logs: Vec<_> = claims.ct_logs.iter().map(|log| (Base64::encode_string(log.id()), log.usable_until())).collect();
    let expected: Vec<_> =
        imported.logs.into_iter().map(|log| (log.id, log.usable_until.map(UnixTime::from_secs))).collect();
    assert_eq!(logs, expected);
    assert_eq!(claims.ct_logs_as_of, Some(UnixTime::from_secs(NOW.as_secs() - DAY_SECS)));
    let changed: Vec<_> = prepared.changes.iter().map(ToString::to_string).collect();
    assert!(changed.iter().any(|line| line.ends_with("CT verified by 2 of all logs")), "{changed:?}");
}

#[tokio::test]
async fn what_could_never_be_met_is_refused_at_once() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let declared = |logs| CtRequest { policy: CtPolicy::Declared, min: None, logs };
    assert_eq!(code(plane.ask(&domain, verified()).await), "ct_logs_missing");
    assert_eq!(code(plane.ask(&domain, declared(None)).await), "draft_invalid", "declared needs logs");
    assert_eq!(code(plane.ask(&domain, declared(Some(vec!["AAAA".into()]))).await), "value_invalid");
    let off = CtRequest { min: Some(1), ..CtRequest::default() };
    assert_eq!(code(plane.ask(&domain, off).await), "value_invalid", "off asks for nothing");

    plane.import(&made_days_ago(0, vec![make_log("alpha", "a"), make_log("beta", "b")])).await.unwrap();
    plane.ask(&domain, verified()).await.unwrap();
    let three = CtRequest { min: Some(3), ..verified() };
    assert_eq!(code(plane.ask(&domain, three).await), "draft_invalid", "there are two logs");
    assert_eq!(code(plane.import(&made_days_ago(0, vec![])).await), "draft_invalid", "a domain needs them");
    let kept = plane.service.read_ct_logs(&plane.owner, plane.path()).await.unwrap();
    assert_eq!(kept.logs.len(), 2, "nothing half-written");
    plane.ask(&domain, CtRequest::default()).await.unwrap();
    plane.import(&made_days_ago(0, vec![])).await.unwrap();
}

#[tokio::test]
async fn a_list_that_contradicts_itself_is_refused() {
    let plane = Plane::new().await;
    let log = make_log("alpha", "a");
    let future = ReplaceCtLogsRequest { as_of: NOW.as_secs() + 1, logs: vec![] };
    let nameless = CtLogRequest { operator: String::new(), ..log.clone() };
    let rsa = CtLogRequest { key: "AAAA".into(), ..log.clone() };
    for request in [
        future,
        made_days_ago(0, vec![log.clone(), log.clone()]),
        made_days_ago(0, vec![nameless]),
        made_days_ago(0, vec![rsa]),
        made_days_ago(0, vec![log; 1001]),
    ] {
        assert_eq!(code(plane.import(&request).await), "value_invalid", "{} logs", request.logs.len());
    }
}

#[tokio::test]
async fn what_protects_less_than_it_seems_is_warned_of() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let list = vec![make_log("alpha", "a1"), make_log("alpha", "a2"), make_log("beta", "b1")];
    let imported = plane.import(&made_days_ago(60, list)).await.unwrap();
    assert_eq!(plane.warnings(NOW).await, [], "nobody uses the logs");
    plane.ask(&domain, verified()).await.unwrap();
    assert_eq!(plane.warnings(NOW).await, []);
    assert_eq!(plane.warnings(NOW.saturating_add_secs(1)).await, [FindingCode::CtListOld]);

    let of_alpha = imported.logs.iter().filter(|log| log.operator == "alpha").map(|log| log.id.clone()).collect();
    plane.ask(&domain, CtRequest { logs: Some(of_alpha), ..verified() }).await.unwrap();
    assert_eq!(plane.warnings(NOW).await, [FindingCode::CtUnsatisfiable]);

    let named = imported.logs.iter().map(|log| log.id.clone()).collect();
    plane.ask(&domain, CtRequest { policy: CtPolicy::Declared, min: None, logs: Some(named) }).await.unwrap();
    assert_eq!(plane.warnings(NOW).await, [FindingCode::CtDeclaredOnly]);
}
