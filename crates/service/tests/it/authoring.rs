//! The cases of kind `authoring` in `vectors/`.

use base64ct::{Base64, Encoding};
use pintle_api::PrepareReleaseRequest;
use pintle_core::{UnixTime, claims::Claims};
use pintle_testkit::vectors::load;
use serde_json::json;

use crate::support::Plane;

#[tokio::test]
async fn chooses_what_the_vectors_say_where_nobody_chose() {
    let suites = load().into_iter().filter(|suite| suite.kind == "authoring");
    let cases: Vec<_> = suites.flat_map(|suite| suite.cases).collect();
    assert!(!cases.is_empty(), "the cases were not found");
    for case in cases {
        let plane = Plane::new().await;
        let now = UnixTime::from_secs(case.input["prepared_at"].as_u64().unwrap());
        let request = PrepareReleaseRequest::default();
        let prepared = plane.service.prepare_release(&plane.owner, plane.path(), &request, now).await.unwrap();
        let claims = Claims::parse(&Base64::decode_vec(&prepared.claims).unwrap()).unwrap();
        let chosen = json!({
            "ver": claims.version,
            "iat": claims.issued_at.as_secs(),
            "exp": claims.expires_at.map(UnixTime::as_secs),
            "on_stale": claims.on_stale.as_str(),
            "refresh": claims.refresh_secs,
        });
        assert_eq!(chosen, case.expect, "{}", case.name);
    }
}
