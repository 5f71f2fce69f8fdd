//! Decoding and verifying configurations for whoever asks.

use pintle_api::{DecodeRequest, DecodeResponse, Problem};
use pintle_core::limits::MAX_CONFIG_BYTES;

use crate::support::{Server, http};

async fn ask(server: &Server, config: &str, bundle: Option<&str>) -> (u16, String) {
    let request = DecodeRequest { config: config.to_owned(), bundle: bundle.map(str::to_owned) };
    let url = format!("{}/api/v1/decode", server.url);
    let answer = http().post(url).json(&request).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn decode(server: &Server, config: &str, bundle: Option<&str>) -> DecodeResponse {
    let (status, body) = ask(server, config, bundle).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn refuse(server: &Server, config: &str, bundle: Option<&str>) -> (u16, String) {
    let (status, body) = ask(server, config, bundle).await;
    let problem: Problem = serde_json::from_str(&body).unwrap();
    (status, problem.code)
}

#[tokio::test]
async fn a_configuration_is_told_and_verified_only_with_its_bundle() {
    let server = Server::start().await;
    let (project, other) = (server.add_project().await, server.add_project().await);
    let config = project.release(&server.admin).await;
    other.release(&server.admin).await;
    let bundle = async |project: &crate::support::Project| {
        http().get(project.file(&server, "pintle.json")).send().await.unwrap().text().await.unwrap()
    };
    let own = bundle(&project).await;

    let alone = decode(&server, &config, None).await;
    assert_eq!((alone.verified, &alone.refusal), (false, &None), "nobody said whose signature counts");
    assert_eq!((&alone.claims["ver"], &alone.header["alg"]), (&1.into(), &"ES256".into()));
    let verified = decode(&server, &format!("{config}\n"), Some(&own)).await;
    assert_eq!((verified.verified, &verified.refusal, &verified.claims), (true, &None, &alone.claims));

    let foreign = decode(&server, &config, Some(&bundle(&other).await)).await;
    assert_eq!((foreign.verified, foreign.refusal.unwrap().code.as_str()), (false, "config_key_unknown"));
    let (signed, _) = config.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(86));
    let forged = decode(&server, &forged, Some(&own)).await;
    assert_eq!((forged.verified, forged.refusal.unwrap().code.as_str()), (false, "config_signature_invalid"));
    server.stop().await;
}

#[tokio::test]
async fn what_is_none_is_refused_and_decoding_can_be_limited_and_switched_off() {
    let server = Server::start_changed(|config| config.decode.address_per_minute = 5).await;
    let refused = |status: u16, code: &str| (status, code.to_owned());
    for text in ["", "hello", "a.b.c"] {
        assert_eq!(refuse(&server, text, None).await, refused(422, "config_malformed"), "{text}");
    }
    let large = "a".repeat(MAX_CONFIG_BYTES + 1);
    assert_eq!(refuse(&server, &large, None).await, refused(422, "config_too_large"));
    assert_eq!(refuse(&server, "a.b.c", Some("{}")).await, refused(422, "bundle_invalid"));
    assert_eq!(refuse(&server, "", None).await, refused(429, "rate_limited"));
    server.stop().await;
    let server = Server::start_changed(|config| config.decode.enabled = false).await;
    assert_eq!(refuse(&server, "", None).await, refused(403, "decode_off"));
    server.stop().await;
}
