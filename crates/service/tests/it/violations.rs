//! What apps report: counted, believed by nobody, forgotten.

use pintle_api::{
    DomainResponse, Enforce, EnforceWord, ReportedCount, UpdateDomainRequest, ViolationReport, ViolationSum,
    ViolationsQuery,
};
use pintle_core::UnixTime;

use crate::support::{NOW, Plane, code};

const DAY: u64 = 86_400;

impl Plane {
    fn violation_report(&self, domain: Option<&str>, code: &str, version: u64, refused: u64) -> ViolationReport {
        let count = ReportedCount {
            domain: domain.map(str::to_owned),
            code: code.to_owned(),
            version: Some(version),
            refused,
            reported: 0,
        };
        let (organization, project) = (self.organization.clone(), self.project.clone());
        ViolationReport { format: 1, organization, project, counts: vec![count] }
    }

    async fn sums(&self, days: u64, now: UnixTime) -> Vec<ViolationSum> {
        let query = ViolationsQuery { days: Some(days) };
        self.service.list_violations(&self.owner, self.path(), &query, now).await.unwrap().sums
    }

    /// A plane that takes reports, with one entry that only reports, released.
    async fn collecting() -> (Self, DomainResponse) {
        let plane = Self::new().await;
        let plane = plane.with_violation_reports();
        let domain = plane.add_reporting_domain("a.example").await;
        plane.add_pin(&domain, 1).await.unwrap();
        plane.add_pin(&domain, 2).await.unwrap();
        plane.release().await;
        plane.service.record_violations(NOW).await.unwrap();
        (plane, domain)
    }
}

#[tokio::test]
async fn reports_are_summed_by_day_entry_code_and_release() {
    let (plane, _) = Plane::collecting().await;
    for refused in [2, 3] {
        plane.service.note_violations(&plane.violation_report(Some("a.example"), "pin_mismatch", 1, refused));
    }
    plane.service.note_violations(&plane.violation_report(None, "domain_not_registered", 1, 1));
    plane.service.record_violations(NOW).await.unwrap();
    plane.service.note_violations(&plane.violation_report(Some("a.example"), "pin_mismatch", 1, 1_000_000));
    plane.service.record_violations(NOW).await.unwrap();
    let sums: Vec<_> =
        plane.sums(1, NOW).await.into_iter().map(|sum| (sum.domain, sum.code, sum.refused, sum.reports)).collect();
    assert_eq!(
        sums,
        [
            (None, "domain_not_registered".to_owned(), 1, 1),
            (Some("a.example".to_owned()), "pin_mismatch".to_owned(), 2 + 3 + 10_000, 3),
        ]
    );
    let later = NOW.saturating_add_secs(DAY);
    assert_eq!(plane.sums(1, later).await, [], "yesterday");
    assert_eq!(plane.sums(2, later).await.len(), 2);
    plane.service.remove_old_events(NOW.saturating_add_secs(91 * DAY)).await.unwrap();
    assert_eq!(plane.sums(2, later).await, [], "forgotten");
    let query = ViolationsQuery { days: Some(91) };
    let refused = plane.service.list_violations(&plane.owner, plane.path(), &query, NOW).await;
    assert_eq!(code(refused), "value_invalid");
}

#[tokio::test]
async fn what_the_project_does_not_have_is_dropped() {
    let (plane, _) = Plane::collecting().await;
    let mut foreign = plane.violation_report(Some("a.example"), "pin_mismatch", 1, 1);
    foreign.project = "prj_01kb0000000000000000000000".into();
    for report in [
        foreign,
        plane.violation_report(Some("b.example"), "pin_mismatch", 1, 1),
        plane.violation_report(Some("a.example"), "made_up", 1, 1),
        plane.violation_report(Some("a.example"), "pin_mismatch", 2, 1),
        plane.violation_report(Some("a.example"), "pin_mismatch", 1, 0),
    ] {
        plane.service.note_violations(&report);
    }
    plane.service.record_violations(NOW).await.unwrap();
    assert_eq!(plane.sums(7, NOW).await, []);
    assert!(
        !Plane::new().await.service.note_violations(&plane.violation_report(None, "pin_mismatch", 1, 1)),
        "not asked to"
    );
}

#[tokio::test]
async fn a_jump_keeps_an_entry_from_being_enforced() {
    let (plane, domain) = Plane::collecting().await;
    for _ in 0..20 {
        plane.service.note_violations(&plane.violation_report(Some("a.example"), "pin_mismatch", 1, 1));
    }
    plane.service.record_violations(NOW).await.unwrap();
    let enforce = Some(Enforce::Word(EnforceWord::Always));
    let request = UpdateDomainRequest { enforce, ..UpdateDomainRequest::default() };
    plane.service.update_domain(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap();
    let findings = plane.service.guard_draft(&plane.owner, plane.path(), NOW).await.unwrap().findings;
    assert!(findings.iter().any(|finding| finding.code.as_str() == "violations_jumped"), "{findings:#?}");
    assert_eq!(code(plane.prepare().await), "guard_refused");
}
