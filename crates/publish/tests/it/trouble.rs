//! What goes wrong with stores: the cause is told with its remedy, nothing is half published, no secret is shown.

use std::sync::Arc;

use pintle_publish::{
    Address, Bucket, BucketError, Cause, Condition, CredentialSource, OpenError, Place, Stored, open,
};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    clouds::{ENVIRONMENT, ObjectStore, free_port},
    disk::SmallDisk,
};

fn environment(name: &str) -> Option<String> {
    ENVIRONMENT.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
}

fn open_place(place: &str) -> Arc<dyn Bucket> {
    open(&place.parse::<Place>().unwrap(), &CredentialSource::Environment, &environment).unwrap()
}

fn pointer() -> Address {
    Address::parse("o/p/pins.jws").unwrap()
}

fn cause<T: std::fmt::Debug>(result: Result<T, BucketError>) -> Cause {
    result.unwrap_err().cause().unwrap()
}

async fn causes(place: &str) -> [Cause; 2] {
    let bucket = open_place(place);
    let write = bucket.write(&pointer(), b"x", &Condition::Absent).await;
    [cause(bucket.read(&pointer()).await), cause(write)]
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_missing_file() {
    let (s3, azure) = (ObjectStore::s3(), ObjectStore::azure());
    for place in [s3.place.replace("pins?", "pens?"), azure.place.replace("/pins?", "/pens?")] {
        assert_eq!(causes(&place).await, [Cause::BucketMissing; 2], "{place}");
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let place = format!("s3://pins?endpoint=http://127.0.0.1:{}", free_port());
    assert_eq!(causes(&place).await, [Cause::Unreachable; 2]);
}

/// Answers as the clouds document them, which their stand-ins do not give.
#[tokio::test]
async fn what_a_store_says_is_understood() {
    let cases = [
        (403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", Cause::Denied),
        (
            403,
            "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
            Cause::ClockOff,
        ),
        (403, "<Error><Code>SignatureDoesNotMatch</Code><Message>No.</Message></Error>", Cause::CredentialsRefused),
        (403, "<Error><Code>InvalidAccessKeyId</Code></Error>", Cause::CredentialsRefused),
        (
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'x' is wrong; expecting 'y'</Message></Error>",
            Cause::RegionWrong,
        ),
        (
            301,
            "<Error><Code>PermanentRedirect</Code><Message>Use another endpoint.</Message></Error>",
            Cause::RegionWrong,
        ),
        (
            501,
            "<Error><Code>NotImplemented</Code><Message>A header is not implemented.</Message></Error>",
            Cause::ConditionsUnsupported,
        ),
        (503, "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>", Cause::Throttled),
        (500, "<html>\u{7}oops</html>", Cause::Unknown),
    ];
    for (status, body, expected) in cases {
        let cdn = Cdn::start(Reply::Refusal(status, body)).await;
        let place = format!("s3://pins?endpoint={}", cdn.url());
        assert_eq!(causes(&place).await, [expected; 2], "{body}");
    }
}

#[tokio::test]
async fn what_is_told_holds_no_secret_and_no_control_characters() {
    let cdn = Cdn::start(Reply::Refusal(403, "<Error><Code>X\u{1b}[31m</Code></Error>")).await;
    let place = format!("azure://account/pins?endpoint={}", cdn.url());
    let sas = |name: &str| (name == "AZURE_STORAGE_SAS_TOKEN").then(|| "sv=2019-12-12&sig=c2VjcmV0".to_owned());
    let bucket = open(&place.parse().unwrap(), &CredentialSource::Environment, &sas).unwrap();
    for result in [bucket.read(&pointer()).await.map(drop), bucket.remove(&pointer()).await] {
        let told = format!("{0} {0:?}", result.unwrap_err());
        assert!(!told.contains("c2VjcmV0") && !told.contains('\u{1b}'), "{told}");
    }
    drop(cdn);
    let told = format!("{0} {0:?} {bucket:?}", bucket.read(&pointer()).await.unwrap_err());
    assert!(!told.contains("c2VjcmV0"), "{told}");
}

#[test]
fn without_credentials_a_store_is_not_even_asked() {
    for place in ["s3://pins?region=x", "gs://pins", "azure://account/pins"] {
        let place: Place = place.parse().unwrap();
        for source in [CredentialSource::Environment, CredentialSource::File("/nonexistent".into())] {
            match open(&place, &source, &|_| None) {
                Err(OpenError::Credentials(error)) => assert_eq!(error.cause(), Some(Cause::CredentialsMissing)),
                other => panic!("{place}: {other:?}"),
            }
        }
    }
}

/// A proxy that hangs up in the middle of the upload: the old file stays, whole.
#[tokio::test]
async fn an_upload_that_is_cut_leaves_the_old_file() {
    let store = ObjectStore::s3();
    let direct = open_place(&store.place);
    direct.write(&pointer(), b"old", &Condition::Absent).await.unwrap();
    let Stored { tag, .. } = direct.read(&pointer()).await.unwrap().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap().to_string();
    tokio::spawn(cut_after(listener, store.address.clone(), 100_000));
    let cut = open_place(&store.place.replace(&store.address, &proxy));
    let failed = cut.write(&pointer(), &[b'x'; 300_000], &Condition::Unchanged(tag)).await;
    assert!(matches!(failed, Err(BucketError::Unavailable { .. })), "{failed:?}");
    assert_eq!(direct.read(&pointer()).await.unwrap().unwrap().body, b"old");
}

async fn cut_after(listener: tokio::net::TcpListener, to: String, bytes: u64) {
    use tokio::io::AsyncReadExt as _;
    while let Ok((client, _)) = listener.accept().await {
        let mut server = tokio::net::TcpStream::connect(&to).await.unwrap();
        let _ = tokio::io::copy(&mut client.take(bytes), &mut server).await;
    }
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 64, "a_full_disk_leaves_the_old_file") else { return };
    let bucket = open_place(&format!("dir:{}", folder.path().display()));
    bucket.write(&pointer(), b"old", &Condition::Absent).await.unwrap();
    let tag = bucket.read(&pointer()).await.unwrap().unwrap().tag;
    let full = bucket.write(&pointer(), &[b'x'; 300_000], &Condition::Unchanged(tag)).await;
    let stands = bucket.read(&pointer()).await.unwrap().unwrap().body;
    disk.make_read_only();
    let read_only = bucket.write(&Address::parse("o/q/pins.jws").unwrap(), b"new", &Condition::Absent).await;
    assert_eq!((cause(full), cause(read_only)), (Cause::Full, Cause::ReadOnly));
    assert_eq!(stands, b"old");
}
