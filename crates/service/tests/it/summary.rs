//! What is kept of a draft is told while it is true, and to those alone who may read the draft.

use std::sync::Arc;

use pintle_api::{
    Expiry, FindingCode, PinExpiry, ReplaceCtLogsRequest, Trust, UpdateDomainRequest, UpdateDraftRequest,
    UpdatePinRequest,
};
use pintle_core::UnixTime;
use pintle_service::{DraftSummary, OriginBucket, ProjectPath, Service};

use crate::support::{NOW, Plane, base_url, code};

impl Plane {
    async fn summarize(&self, now: UnixTime) -> DraftSummary {
        self.service.summarize_draft(&self.owner, self.path(), 9, now).await.unwrap()
    }

    /// That the summary is what the draft says; before the next change, so that there is something kept to be outdated.
    async fn check_summary(&self, after: &str) {
        let draft = self.service.read_draft(&self.owner, self.path(), NOW).await.unwrap();
        for _ in 0..2 {
            let summary = self.summarize(NOW).await;
            assert_eq!(summary.changes[..], draft.changes, "{after}");
            assert_eq!(summary.findings, draft.findings, "{after}");
            assert_eq!(summary.domain_count, draft.domains.len(), "{after}");
            assert_eq!(summary.urgent.len(), draft.domains.len(), "{after}");
            assert!(draft.domains.iter().all(|domain| summary.urgent.contains(domain)), "{after}");
        }
    }
}

#[tokio::test]
async fn every_change_of_a_draft_is_seen_at_once_whoever_makes_it() {
    let plane = Plane::new().await;
    plane.check_summary("nothing").await;
    let domain = plane.add_domain("a.example").await.unwrap();
    plane.check_summary("a domain").await;
    let pin = plane.add_pin(&domain, 1).await.unwrap();
    plane.check_summary("a pin").await;
    plane.release().await;
    plane.check_summary("a release").await;
    assert!(plane.summarize(NOW).await.changes.is_empty());

    // The summary is kept by `plane`; another process changes what it is of.
    let store = plane.open_another_store().await;
    let other = Service::new(store.clone(), vec![Arc::new(OriginBucket::new(store))], base_url());
    let (owner, path) = (&plane.owner, plane.path());
    let request = UpdatePinRequest { label: None, expiry: Some(PinExpiry::At(NOW.as_secs() + 9)) };
    other.update_pin(owner, path, &domain.id, &pin.id, &request, None, NOW).await.unwrap();
    plane.check_summary("a pin's end").await;
    let request = UpdateDomainRequest { trust: Some(Trust::Pins), ..UpdateDomainRequest::default() };
    other.update_domain(owner, path, &domain.id, &request, None, NOW).await.unwrap();
    plane.check_summary("a domain's settings").await;
    let request = UpdateDraftRequest { expiry: Some(Expiry::Never), ..UpdateDraftRequest::default() };
    other.update_draft(owner, path, &request, None, NOW).await.unwrap();
    plane.check_summary("the draft's settings").await;
    let request = ReplaceCtLogsRequest { as_of: NOW.as_secs() - 1, logs: Vec::new() };
    other.replace_ct_logs(owner, path, &request, None, NOW).await.unwrap();
    plane.check_summary("CT logs").await;
    other.remove_pin(owner, path, &domain.id, &pin.id, None, NOW).await.unwrap();
    plane.check_summary("a pin less").await;
    other.remove_domain(owner, path, &domain.id, None, NOW).await.unwrap();
    plane.check_summary("a domain less").await;
}

#[tokio::test]
async fn a_summary_is_derived_once_and_its_findings_know_the_time() {
    const DAY_SECS: u64 = 86_400;
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    for byte in 1..3 {
        let pin = plane.add_pin(&domain, byte).await.unwrap();
        let request = UpdatePinRequest { label: None, expiry: Some(PinExpiry::At(NOW.as_secs() + 100 * DAY_SECS)) };
        let (owner, path) = (&plane.owner, plane.path());
        plane.service.update_pin(owner, path, &domain.id, &pin.id, &request, None, NOW).await.unwrap();
    }
    let first = plane.summarize(NOW).await;
    assert_eq!(first.findings, []);
    for (days, expected) in [(80, FindingCode::PinsExpireSoon), (100, FindingCode::NoUsablePin)] {
        let later = plane.summarize(NOW.saturating_add_secs(days * DAY_SECS)).await;
        assert!(Arc::ptr_eq(&first.changes, &later.changes), "derived again");
        assert_eq!(later.findings.first().map(|finding| finding.code), Some(expected));
    }
}

#[tokio::test]
async fn what_is_kept_of_one_project_is_told_of_no_other_and_to_no_stranger() {
    let mut plane = Plane::new().await;
    let (mine, other) = (plane.project.clone(), plane.add_project("staging").await);
    for (project, domain) in [(&mine, "a.example"), (&other, "b.example")] {
        plane.project.clone_from(project);
        plane.add_domain(domain).await.unwrap();
    }
    // Of the same revision, and neither was released.
    for (project, domain) in [(&mine, "a.example"), (&other, "b.example"), (&mine, "a.example")] {
        plane.project.clone_from(project);
        let summary = plane.summarize(NOW).await;
        assert_eq!(summary.urgent.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>(), [domain]);
        assert!(summary.changes.iter().any(|change| change.subject == format!("domain {domain}")));
    }
    let stranger = plane.add_account("read").await;
    let path = ProjectPath { organization: &plane.organization, project: &mine };
    assert_eq!(code(plane.service.summarize_draft(&stranger, path, 9, NOW).await), "not_found");
}
