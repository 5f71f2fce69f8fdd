use pintle_core::{Root, State, UnixTime, verify};
use reqwest::{Method, StatusCode};

use crate::support::{Server, execute, http};

#[tokio::test]
async fn a_live_release_is_served_with_its_tag_type_and_cache_rules() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let jws = project.release(&server.admin).await;
    for (file, media_type, cache) in [
        ("pins.jws", "application/jose", "public, max-age=60, stale-while-revalidate=30, stale-if-error=604800"),
        ("releases/1.jws", "application/jose", "public, max-age=31536000, immutable"),
        ("pintle.json", "application/json", "public, max-age=60, stale-while-revalidate=30, stale-if-error=604800"),
    ] {
        let answer = http().get(project.file(&server, file)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!((header("content-type"), header("cache-control")), (media_type.to_owned(), cache.to_owned()));
        assert_eq!(
            (header("x-content-type-options").as_str(), header("access-control-allow-origin").as_str()),
            ("nosniff", "*")
        );
        assert!(header("etag").starts_with('"'), "strong");
        if file != "pintle.json" {
            assert_eq!(answer.text().await.unwrap(), jws, "{file}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_device_can_verify_what_it_fetched() {
    let server = Server::start().await;
    let project = server.add_project().await;
    project.release(&server.admin).await;
    let fetch = async |file| http().get(project.file(&server, file)).send().await.unwrap().bytes().await.unwrap();
    let root = Root::dangerous_parse_bundle_with_http_loopback(&fetch("pintle.json").await).unwrap();
    let config = fetch("pins.jws").await;
    let now = UnixTime::from_secs(2_000_000_000);
    assert_eq!(verify(&config, &root, &State::default(), now).unwrap().config.claims().version, 1);
    server.stop().await;
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let server = Server::start().await;
    let project = server.add_project().await;
    project.release(&server.admin).await;
    let url = project.file(&server, "pins.jws");
    let etag = http().get(&url).send().await.unwrap().headers().get("etag").unwrap().clone();
    let weak = format!("W/{}", etag.to_str().unwrap());
    for tags in [etag.to_str().unwrap(), &weak, "\"other\", *", &format!("\"other\" , {weak}")] {
        let answer = http().get(&url).header("if-none-match", tags).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{tags}");
        assert_eq!(answer.headers().get("etag"), Some(&etag));
        assert!(answer.headers().get("cache-control").unwrap().to_str().unwrap().starts_with("public"));
        assert!(answer.bytes().await.unwrap().is_empty());
    }
    let changed = http().get(&url).header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    project.release(&server.admin).await;
    let newer = http().get(&url).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(newer.status(), StatusCode::OK, "a release changes the tag");
    server.stop().await;
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let jws = project.release(&server.admin).await;
    let answer = http().head(project.file(&server, "pins.jws")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers().get("content-length").unwrap().to_str().unwrap(), jws.len().to_string());
    assert!(answer.headers().contains_key("etag"));
    assert!(answer.bytes().await.unwrap().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let server = Server::start().await;
    let project = server.add_project().await;
    project.release(&server.admin).await;
    for file in ["releases/2.jws", "releases/01.jws", "pins.jws/", "..%2Fpins.jws", "%ff", "", "secret"] {
        let answer = http().get(project.file(&server, file)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{file}");
    }
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let answer = http().request(method, project.file(&server, "pins.jws")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_was_served_is_served_on_while_the_database_is_gone() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let jws = project.release(&server.admin).await;
    let served = http().get(project.file(&server, "pins.jws")).send().await.unwrap();
    assert_eq!(served.text().await.unwrap(), jws);
    // The table is taken away under the running server.
    execute(server.folder.path(), "ALTER TABLE published_object RENAME TO elsewhere").await;
    let again = http().get(project.file(&server, "pins.jws")).send().await.unwrap();
    assert!(again.headers().contains_key("age"), "caches shall not keep it as long as a fresh one");
    assert_eq!((again.status(), again.text().await.unwrap()), (StatusCode::OK, jws));
    let never_served = http().get(project.file(&server, "releases/1.jws")).send().await.unwrap();
    assert_eq!(never_served.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(never_served.headers().contains_key("retry-after"));
    server.stop().await;
}
