//! Targets of a project: places that the operator offers, and nothing else.

use std::{fs, path::Path};

use pintle_api::{
    AddTargetRequest, ListQuery, ReleaseState, ReleaseTargetResponse, Role, TargetState, TargetTestResponse,
};
use pintle_core::{Root, UnixTime, root::BaseUrl};
use pintle_publish::{CredentialSource, Place, Purge};
use pintle_service::{Actor, Destination, Lane, Offer, Progress, ServiceError};
use pintle_testkit::cdn::{Cdn, Reply};

use crate::support::{NOW, Plane, base_url, code};

fn later(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

fn destination(name: &str, place: &str) -> Destination {
    Destination {
        name: name.into(),
        place: place.parse::<Place>().unwrap(),
        credentials: CredentialSource::Environment,
        offer: Offer::Everybody,
        public_url: None,
        purge: None,
    }
}

fn directory(name: &str, folder: &Path) -> Destination {
    destination(name, &format!("dir:{}", folder.join(name).display()))
}

async fn plane(destinations: Vec<Destination>) -> Plane {
    Plane::new().await.with_destinations(destinations)
}

impl Plane {
    async fn add_target(&self, actor: &Actor, name: &str) -> Result<(), ServiceError> {
        let request = AddTargetRequest { destination: name.into() };
        self.service.add_target(actor, self.path(), &request, NOW).await.map(drop)
    }

    async fn run_jobs(&self, now: UnixTime) {
        while !matches!(self.service.run_next_job(now).await.unwrap(), Progress::Idle { .. }) {}
    }

    async fn release_state(&self, version: u64) -> ReleaseState {
        self.service.read_release(&self.owner, self.path(), version).await.unwrap().state
    }

    async fn at(&self, version: u64, name: &str) -> ReleaseTargetResponse {
        let release = self.service.read_release(&self.owner, self.path(), version).await.unwrap();
        release.targets.into_iter().find(|target| target.target == name).unwrap()
    }

    fn files(&self, folder: &Path, name: &str) -> std::path::PathBuf {
        folder.join(name).join(&self.organization).join(&self.project)
    }
}

#[tokio::test]
async fn apps_learn_every_url_under_which_the_project_lies() {
    let folder = tempfile::tempdir().unwrap();
    let url = |text: &str| BaseUrl::parse(text).unwrap();
    let named = |name: &str, text: &str| Destination { public_url: Some(url(text)), ..directory(name, folder.path()) };
    let plane = plane(vec![
        named("own", "https://pins.customer.example"),
        named("foreign", "https://pins.foreign.example"),
        named("same", "https://second.example/cdn"),
    ])
    .await
    .with_fail_over(vec![url("https://second.example/cdn")]);
    for target in ["own", "same"] {
        plane.add_target(&plane.owner, target).await.unwrap();
    }
    let first = base_url();
    let expected = [first.as_str(), "https://second.example/cdn", "https://pins.customer.example"];
    let project = plane.service.read_project(&plane.owner, plane.path()).await.unwrap();
    assert_eq!(project.urls, expected);
    plane.release().await;
    plane.run_jobs(NOW).await;
    let bundle = plane.service.read_bundle(&plane.owner, plane.path()).await.unwrap();
    for bundle in [bundle, plane.published("pintle.json").await.unwrap()] {
        let root = Root::parse_bundle(bundle.as_bytes()).unwrap();
        assert_eq!(root.urls().iter().map(BaseUrl::as_str).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_new_target_gets_the_live_release_and_every_one_that_follows() {
    let folder = tempfile::tempdir().unwrap();
    let plane = plane(vec![directory("www", folder.path())]).await;
    plane.release().await;
    plane.run_jobs(NOW).await;
    plane.add_target(&plane.owner, "www").await.unwrap();
    assert_eq!(plane.last_event().await.action, "target.added");
    plane.run_jobs(NOW).await;
    let pointer = plane.files(folder.path(), "www").join("pins.jws");
    assert_eq!(fs::read_to_string(&pointer).ok(), plane.published("pins.jws").await);
    assert_eq!((plane.release_state(1).await, plane.at(1, "www").await.state), (ReleaseState::Live, TargetState::Live));
    plane.release().await;
    plane.run_jobs(NOW).await;
    assert_eq!(fs::read_to_string(&pointer).ok(), plane.published("pins.jws").await);
    assert_eq!((plane.release_state(2).await, plane.at(2, "www").await.state), (ReleaseState::Live, TargetState::Live));
    assert_eq!(code(plane.add_target(&plane.owner, "www").await), "already_exists");
}

#[tokio::test]
async fn a_dead_target_holds_up_no_other_and_is_told_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dead"), "a file, not a directory").unwrap();
    let plane = plane(vec![directory("dead", folder.path()), directory("www", folder.path())]).await;
    for name in ["dead", "www"] {
        plane.add_target(&plane.owner, name).await.unwrap();
    }
    plane.release().await;
    plane.run_jobs(NOW).await;
    assert!(plane.published("pins.jws").await.is_some());
    assert!(plane.files(folder.path(), "www").join("pins.jws").exists());
    assert_eq!(plane.release_state(1).await, ReleaseState::Publishing);
    let dead = plane.at(1, "dead").await;
    assert_eq!(dead.state, TargetState::Failed);
    assert!(dead.error.unwrap().contains("target_"), "a code and a remedy");
    // It is tried again, and then the release is live.
    fs::remove_file(folder.path().join("dead")).unwrap();
    plane.run_jobs(later(60)).await;
    assert_eq!(
        (plane.release_state(1).await, plane.at(1, "dead").await.state),
        (ReleaseState::Live, TargetState::Live)
    );
}

#[tokio::test]
async fn without_its_dead_target_a_release_is_live() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dead"), "a file, not a directory").unwrap();
    let plane = plane(vec![directory("dead", folder.path())]).await;
    plane.add_target(&plane.owner, "dead").await.unwrap();
    plane.release().await;
    plane.run_jobs(NOW).await;
    assert_eq!(plane.release_state(1).await, ReleaseState::Publishing);
    plane.service.remove_target(&plane.owner, plane.path(), "dead", false, NOW).await.unwrap();
    assert_eq!(plane.release_state(1).await, ReleaseState::Live);
    plane.run_jobs(later(600)).await;
    assert_eq!(plane.service.run_next_job(later(600)).await.unwrap(), Progress::Idle { next_at: None });
}

#[tokio::test]
async fn a_late_target_never_goes_back_to_an_older_release() {
    let folder = tempfile::tempdir().unwrap();
    let plane = plane(vec![directory("www", folder.path())]).await;
    plane.add_target(&plane.owner, "www").await.unwrap();
    fs::write(folder.path().join("www"), "a file, not a directory").unwrap();
    plane.release().await;
    plane.run_jobs(NOW).await;
    plane.release().await;
    fs::remove_file(folder.path().join("www")).unwrap();
    for secs in [0, 300, 600] {
        plane.run_jobs(later(secs)).await;
    }
    let pointer = fs::read_to_string(plane.files(folder.path(), "www").join("pins.jws")).unwrap();
    assert_eq!(Some(pointer), plane.published("pins.jws").await);
    assert_eq!(plane.release_state(2).await, ReleaseState::Live);
}

#[tokio::test]
async fn a_removed_target_keeps_its_files_or_loses_them() {
    let folder = tempfile::tempdir().unwrap();
    let plane = plane(vec![directory("kept", folder.path()), directory("cleared", folder.path())]).await;
    for name in ["kept", "cleared"] {
        plane.add_target(&plane.owner, name).await.unwrap();
    }
    plane.release().await;
    plane.run_jobs(NOW).await;
    plane.service.remove_target(&plane.owner, plane.path(), "kept", false, NOW).await.unwrap();
    plane.service.remove_target(&plane.owner, plane.path(), "cleared", true, NOW).await.unwrap();
    plane.run_jobs(NOW).await;
    assert!(plane.files(folder.path(), "kept").join("pins.jws").exists());
    assert!(!plane.files(folder.path(), "cleared").exists());
    let gone = plane.service.remove_target(&plane.owner, plane.path(), "kept", false, NOW).await;
    assert_eq!(code(gone), "not_found");
}

#[tokio::test]
async fn a_deleted_project_leaves_its_targets() {
    let folder = tempfile::tempdir().unwrap();
    let plane = plane(vec![directory("www", folder.path())]).await;
    plane.add_target(&plane.owner, "www").await.unwrap();
    plane.release().await;
    plane.run_jobs(NOW).await;
    let files = plane.files(folder.path(), "www");
    assert!(files.exists());
    plane.service.delete_project(&plane.owner, plane.path(), NOW).await.unwrap();
    plane.run_jobs(NOW).await;
    assert!(!files.exists());
}

#[tokio::test]
async fn what_the_operator_does_not_offer_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let other = Destination {
        offer: Offer::Organizations(vec!["org_somebody_else".into()]),
        ..directory("theirs", folder.path())
    };
    let plane = plane(vec![other, directory("www", folder.path())]).await;
    for name in ["theirs", "nowhere", "dir:/etc", "../www", "s3://bucket?region=x"] {
        assert_eq!(code(plane.add_target(&plane.owner, name).await), "destination_not_offered", "{name}");
        let tested = plane.service.test_target(&plane.owner, plane.path(), name, NOW).await;
        assert_eq!(code(tested), "destination_not_offered", "{name}");
    }
    let query = ListQuery::default();
    let offered = plane.service.list_offered_destinations(&plane.owner, &plane.organization, &query);
    let names: Vec<_> = offered.await.unwrap().items.into_iter().map(|offered| offered.name).collect();
    assert_eq!(names, ["www"]);
}

/// The operator changed his mind after it was added: nothing goes there any more, and it says so.
#[tokio::test]
async fn an_offer_that_is_withdrawn_ends_publication_there() {
    let folder = tempfile::tempdir().unwrap();
    let plane = plane(vec![directory("www", folder.path())]).await;
    plane.add_target(&plane.owner, "www").await.unwrap();
    let plane = plane.with_destinations(Vec::new());
    plane.release().await;
    plane.run_jobs(NOW).await;
    assert!(!folder.path().join("www").exists());
    assert_eq!(plane.at(1, "www").await.state, TargetState::Failed);
    let listed = plane.service.list_targets(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap();
    assert_eq!(listed.items.first().map(|target| target.place.is_none()), Some(true));
}

#[tokio::test]
async fn targets_are_for_those_who_manage_them_and_ten_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..11).map(|number| format!("www-{number}")).collect();
    let plane = plane(names.iter().map(|name| directory(name, folder.path())).collect()).await;
    let publisher = plane.add_member(Role::Publisher).await;
    assert_eq!(code(plane.add_target(&publisher, "www-0").await), "role_insufficient");
    let stranger = plane.add_account("read admin").await;
    assert_eq!(code(plane.add_target(&stranger, "www-0").await), "not_found");
    for name in names.iter().take(10) {
        plane.add_target(&plane.owner, name).await.unwrap();
    }
    assert_eq!(code(plane.add_target(&plane.owner, "www-10").await), "targets_too_many");
}

#[tokio::test]
async fn a_cdn_is_told_and_its_failure_leaves_the_release_live() {
    let folder = tempfile::tempdir().unwrap();
    let cdn = Cdn::start(Reply::Status(200, Vec::new())).await;
    let url = format!("{}/purge?file={{url_encoded}}", cdn.url());
    let told = Destination {
        public_url: Some(BaseUrl::parse("https://pins.acme.example").unwrap()),
        purge: Some(Purge::request("PURGE", &url, Some("Authorization: Bearer hidden")).unwrap()),
        ..directory("told", folder.path())
    };
    let by_command = Destination {
        public_url: Some(BaseUrl::parse("https://pins.acme.example").unwrap()),
        purge: Some(Purge::Command(vec!["false".into(), "{path}".into()])),
        ..directory("failing", folder.path())
    };
    let plane = plane(vec![told, by_command]).await;
    for name in ["told", "failing"] {
        plane.add_target(&plane.owner, name).await.unwrap();
    }
    plane.release().await;
    plane.run_jobs(NOW).await;
    let requests = cdn.requests();
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    let file = |name: &str| {
        format!("/purge?file=https%3A%2F%2Fpins.acme.example%2F{}%2F{}%2F{name}", plane.organization, plane.project)
    };
    assert_eq!(paths, [file("pins.jws"), file("pintle.json")]);
    assert!(
        requests
            .iter()
            .all(|request| { request.method == "PURGE" && request.header("authorization") == Some("Bearer hidden") })
    );
    let failing = plane.at(1, "failing").await;
    assert_eq!((plane.release_state(1).await, failing.state), (ReleaseState::Live, TargetState::Live));
    assert!(failing.error.unwrap().contains("the CDN was not told"));
    assert_eq!(plane.at(1, "told").await.error, None);
}

#[tokio::test]
async fn a_slow_target_holds_up_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    fs::write(&file, "[default]\naws_access_key_id = test\naws_secret_access_key = test\n").unwrap();
    let cdn = Cdn::start(Reply::Closed).await;
    cdn.hold(true);
    let slow = destination("slow", &format!("s3://pins?endpoint={}", cdn.url()));
    let slow = Destination { credentials: CredentialSource::File(file), ..slow };
    let plane = plane(vec![slow, directory("www", folder.path())]).await;
    plane.add_target(&plane.owner, "slow").await.unwrap();
    plane.release().await;
    let turn = plane.service.run_next_job_of(Lane::Targets, NOW);
    tokio::pin!(turn);
    let others = async {
        cdn.wait_for_requests(1).await;
        plane.add_target(&plane.owner, "www").await.unwrap();
        for lane in [Lane::Own, Lane::Targets] {
            assert_eq!(plane.service.run_next_job_of(lane, NOW).await.unwrap(), Progress::Done, "{lane:?}");
        }
    };
    tokio::select! {
        _ = &mut turn => unreachable!("nobody answered"),
        () = others => {}
    }
    assert!(plane.published("pins.jws").await.is_some());
    assert!(plane.files(folder.path(), "www").join("pins.jws").exists());
    cdn.hold(false);
    assert_eq!(turn.await.unwrap(), Progress::Postponed);
    let slow = plane.at(1, "slow").await;
    assert_eq!((slow.state, plane.release_state(1).await), (TargetState::Failed, ReleaseState::Publishing));
    assert!(slow.error.unwrap().contains("target_unreachable"));
}

#[tokio::test]
async fn a_test_says_what_a_destination_lacks_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dead"), "a file, not a directory").unwrap();
    let nowhere = destination("nowhere", "s3://pins?endpoint=http://127.0.0.1:9");
    let nowhere = Destination { credentials: CredentialSource::File("/nonexistent".into()), ..nowhere };
    let plane = plane(vec![directory("www", folder.path()), directory("dead", folder.path()), nowhere]).await;
    let test = async |name: &str| plane.service.test_target(&plane.owner, plane.path(), name, NOW).await.unwrap();
    let failed = |report: &TargetTestResponse| -> Vec<String> {
        let steps = report.steps.iter().filter(|step| step.code.is_some());
        steps.map(|step| format!("{} {}", step.step, step.code.as_deref().unwrap_or_default())).collect()
    };
    let fine = test("www").await;
    assert!(fine.usable, "{fine:?}");
    let steps: Vec<_> = fine.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["write", "read", "conditions", "remove"]);
    assert!(!plane.files(folder.path(), "www").exists());
    assert_eq!(failed(&test("dead").await), ["write target_failed"]);
    assert_eq!(failed(&test("nowhere").await), ["open target_credentials_missing"]);
}
