//! `pintle targets`: buckets of a cloud and directories, with and without a server.

use std::fs;

use pintle_testkit::clouds::{ENVIRONMENT, ObjectStore};
use serde_json::Value;

use crate::{moto::Moto, workshop::Workshop};

fn failed(stdout: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(stdout).unwrap();
    let steps = report["steps"].as_array().unwrap().iter().filter(|step| step["code"].is_string());
    steps.map(|step| format!("{} {}", step["step"].as_str().unwrap(), step["code"].as_str().unwrap())).collect()
}

#[test]
fn any_place_is_tried_without_a_server() {
    let workshop = Workshop::open();
    let place = format!("dir:{}", workshop.path("www").display());
    let fine = workshop.run(&["targets", "test", &place]);
    assert_eq!(fine.status, 0, "{fine:?}");
    assert!(fine.stdout.contains("It can be used.") && fine.stdout.contains("conditions  fine"), "{fine:?}");
    workshop.write("file", "");
    let place = format!("dir:{}", workshop.path("file").display());
    let broken = workshop.run(&["targets", "test", &place, "--output", "json"]);
    assert_ne!(broken.status, 0);
    assert_eq!(failed(&broken.stdout), ["write target_failed"], "{broken:?}");
    assert!(broken.stderr.contains("target_unusable"), "{broken:?}");
    let none = workshop.run(&["targets", "test", "ftp:x"]);
    assert!(none.stderr.contains("place_invalid"), "{none:?}");
}

#[test]
fn a_release_reaches_a_bucket_that_the_operator_offers() {
    let store = ObjectStore::s3();
    let workshop = Workshop::open();
    // From here, with the variables of the cloud.
    let tried = workshop.run_with(&["targets", "test", &store.place, "--output", "json"], &ENVIRONMENT);
    assert_eq!(tried.status, 0, "{tried:?}");
    let missing = store.place.replace("//pins?", "//pens?");
    let missing = workshop.run_with(&["targets", "test", &missing, "--output", "json"], &ENVIRONMENT);
    assert_eq!(failed(&missing.stdout), ["write target_bucket_missing"], "{missing:?}");

    // By a server, with a file that only it knows.
    let credentials = workshop.path("credentials");
    fs::write(&credentials, "[default]\naws_access_key_id = test\naws_secret_access_key = test\n").unwrap();
    let config = format!(
        "[destinations.cloud]\nplace = \"{}\"\ncredentials = \"file:{}\"\norganizations = [\"*\"]\n\
         public_url = \"http://{}/pins\"\n",
        store.place,
        credentials.display(),
        store.address
    );
    workshop.write("pintle.toml", config);
    let server = workshop.serve();
    for arguments in [
        &["login", "--server", &server.url, "--token-file", "token"][..],
        &["orgs", "create", "Acme"],
        &["projects", "create", "shop"],
        &["keys", "generate"],
        &["keys", "register"],
        &["domains", "add", "api.example.com"],
        &["pins", "add", "api.example.com", "--pin", "spki-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        &["targets", "add", "cloud"],
        &["release", "--yes"],
    ] {
        let run = workshop.run(arguments);
        assert_eq!(run.status, 0, "{arguments:?}: {run:?}");
    }
    let listed = workshop.json(&["targets", "list"]);
    assert_eq!(listed["items"][0]["place"], store.place.as_str());
    let release = workshop.json(&["releases", "show", "1"]);
    let at_cloud = release["targets"].as_array().unwrap().iter().find(|target| target["target"] == "cloud").unwrap();
    assert_eq!((&release["state"], &at_cloud["state"]), (&"live".into(), &"live".into()), "{release}");
    let removed = workshop.json(&["targets", "remove", "cloud", "--unpublish"]);
    assert_eq!(removed["unpublish"], true);
    let refused = workshop.run(&["targets", "add", "elsewhere", "--output", "json"]);
    assert!(refused.stderr.contains("destination_not_offered"), "{refused:?}");
}

/// The rights of a publisher that `docs/howto/own-cdn.md` shows.
fn documented_rights() -> Value {
    const PAGE: &str = include_str!("../../../../docs/howto/own-cdn.md");
    let blocks = PAGE.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut rights = blocks.filter(|block| block.contains("s3:PutObject"));
    serde_json::from_str(rights.next().unwrap()).unwrap()
}

#[test]
fn the_documented_rights_are_those_that_a_publisher_to_s3_needs() {
    const MISSING: [Option<&str>; 4] = [None, Some("s3:GetObject"), Some("s3:PutObject"), Some("s3:DeleteObject")];
    let policies = MISSING.map(|missing| {
        let mut rights = documented_rights();
        for statement in rights["Statement"].as_array_mut().unwrap() {
            if let Some(actions) = statement["Action"].as_array_mut() {
                actions.retain(|action| Some(action.as_str().unwrap()) != missing);
            }
        }
        rights.to_string()
    });
    let moto = Moto::start(1 + 3 * 4);
    let told = moto.python(&format!(
        "import json\n\
         iam, s3, keys = client('iam'), client('s3'), []\n\
         s3.create_bucket(Bucket='acme-pins', CreateBucketConfiguration={{'LocationConstraint': 'eu-central-1'}})\n\
         for number, policy in enumerate({policies:?}):\n    \
             name = f'publisher{{number}}'\n    \
             iam.create_user(UserName=name)\n    \
             iam.put_user_policy(UserName=name, PolicyName='publish', PolicyDocument=policy)\n    \
             key = iam.create_access_key(UserName=name)['AccessKey']\n    \
             keys.append([key['AccessKeyId'], key['SecretAccessKey']])\n\
         print(json.dumps(keys))\n"
    ));
    let keys: [[String; 2]; 4] = serde_json::from_str(&told).unwrap();
    let workshop = Workshop::open();
    let place = format!("s3://acme-pins?region=eu-central-1&endpoint={}", moto.url);
    for (missing, [id, secret]) in MISSING.iter().zip(&keys) {
        let environment = [("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret)];
        let tried = workshop.run_with(&["targets", "test", &place, "--output", "json"], &environment);
        let failures = failed(&tried.stdout);
        let is_denied = failures.iter().any(|failure| failure.ends_with("target_denied"));
        assert_eq!((is_denied, failures.is_empty()), (missing.is_some(), missing.is_none()), "{missing:?}: {tried:?}");
    }
}
