//! `pintle targets test`: each thing that a store or what serves it gets wrong is found at its step, with a remedy.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use pintle_core::{OrganizationId, ProjectId};
use pintle_publish::{
    Address, Bucket, BucketError, Condition, DirectoryBucket, Finding, Step, Stored, StoredHeaders, probe,
};
use pintle_testkit::web::{Answer, WebServer};

async fn findings(bucket: &dyn Bucket, public_url: Option<&str>) -> Vec<Finding> {
    probe(bucket, &OrganizationId::parse("o").unwrap(), &ProjectId::parse("p").unwrap(), public_url).await
}

/// Step, code and message of everything that is wrong.
fn troubles(findings: &[Finding]) -> Vec<(Step, &'static str, String)> {
    let troubles = findings.iter().filter_map(|finding| Some((finding.step, finding.trouble.as_ref()?)));
    troubles
        .map(|(step, trouble)| {
            assert!(!trouble.hint.is_empty(), "{trouble:?}");
            (step, trouble.code, trouble.message.clone())
        })
        .collect()
}

/// What serves the files: each of these is got wrong by somebody's configuration.
#[derive(Clone)]
struct Serving {
    status: &'static str,
    media_type: Option<&'static str>,
    cache_control: Option<&'static str>,
    etag: bool,
    not_modified: bool,
    date: SystemTime,
    body: Option<&'static str>,
}

impl Serving {
    fn good() -> Self {
        Self {
            status: "200 OK",
            media_type: Some("application/jose"),
            cache_control: Some("public, max-age=60"),
            etag: true,
            not_modified: true,
            date: SystemTime::now(),
            body: None,
        }
    }

    async fn start(self, folder: PathBuf) -> WebServer {
        let asked = AtomicUsize::new(0);
        WebServer::start(move |path| {
            let is_second = asked.fetch_add(1, Ordering::Relaxed) == 1;
            let mut answer = match self.status {
                _ if is_second && self.not_modified => Answer::status("304 Not Modified"),
                "200 OK" => Answer::ok(match self.body {
                    Some(body) => body.into(),
                    None => fs::read(folder.join(path.trim_start_matches('/'))).unwrap(),
                }),
                status => Answer::status(status),
            };
            let etag = self.etag.then(|| "\"1\"".to_owned());
            for (name, value) in [
                ("Content-Type", self.media_type.map(str::to_owned)),
                ("Cache-Control", self.cache_control.map(str::to_owned)),
                ("ETag", etag),
                ("Date", Some(httpdate::fmt_http_date(self.date))),
                ("Location", self.status.starts_with('3').then(|| "https://login.example".to_owned())),
            ] {
                if let Some(value) = value {
                    answer = answer.with_header(&format!("{name}: {value}"));
                }
            }
            answer
        })
        .await
    }
}

#[tokio::test]
async fn whatever_is_served_wrong_is_named() {
    let good = Serving::good();
    let day = Duration::from_secs(86_400);
    let header = "target_public_header";
    let cases = [
        (good.clone(), None),
        (Serving { status: "403 Forbidden", ..good.clone() }, Some(("target_not_public", "403"))),
        (Serving { status: "302 Found", ..good.clone() }, Some(("target_not_public", "302"))),
        (Serving { body: Some("{}"), ..good.clone() }, Some(("target_public_differs", "something else"))),
        (Serving { media_type: Some("text/plain"), ..good.clone() }, Some((header, "Content-Type is `text/plain`"))),
        (Serving { media_type: None, ..good.clone() }, Some((header, "Content-Type is ``"))),
        (Serving { cache_control: Some("max-age=3600"), ..good.clone() }, Some((header, "max-age=3600"))),
        (Serving { cache_control: None, ..good.clone() }, Some((header, "Cache-Control is ``"))),
        (Serving { etag: false, ..good.clone() }, Some((header, "no ETag"))),
        (Serving { not_modified: false, ..good.clone() }, Some((header, "200, not 304"))),
        (Serving { date: SystemTime::now() - day, ..good.clone() }, Some(("target_clock_off", "differ by 86"))),
        (Serving { date: SystemTime::now() + day, ..good }, Some(("target_clock_off", "differ by 86"))),
    ];
    for (serving, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = serving.start(folder.path().to_owned()).await;
        let found = troubles(&findings(&DirectoryBucket::new(folder.path()), Some(&server.url())).await);
        match (expected, &found[..]) {
            (None, []) => {}
            (Some((code, words)), [(Step::Public, found_code, message)]) => {
                assert!(*found_code == code && message.contains(words), "{found:?} and not {code} {words}");
            }
            other => panic!("{other:?}"),
        }
        assert!(is_empty(folder.path()), "the probe is gone again");
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().all(|entry| entry.unwrap().file_name() == ".pintle-lock")
}

/// A store that breaks its contract in one way.
#[derive(Debug)]
struct Careless {
    inner: DirectoryBucket,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    LosesMediaType,
    LosesCacheControl,
    ChangesFiles,
    IgnoresAbsent,
    IgnoresChanges,
    KeepsRemoved,
}

#[async_trait]
impl Bucket for Careless {
    fn name(&self) -> &str {
        "careless"
    }

    async fn read(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        let object = address.object;
        let headers = StoredHeaders {
            media_type: (self.fault != Fault::LosesMediaType).then(|| object.media_type().to_owned()),
            cache_control: (self.fault != Fault::LosesCacheControl).then(|| object.cache_control().to_owned()),
        };
        let stored = self.inner.read(address).await?;
        Ok(stored.map(|mut stored| {
            if self.fault == Fault::ChangesFiles {
                stored.body.push(b'\n');
            }
            Stored { headers: Some(headers), ..stored }
        }))
    }

    async fn write(&self, address: &Address, body: &[u8], condition: &Condition) -> Result<(), BucketError> {
        let ignores = match condition {
            Condition::Absent => self.fault == Fault::IgnoresAbsent,
            Condition::Unchanged(_) => self.fault == Fault::IgnoresChanges,
        };
        let condition = match self.inner.read(address).await? {
            Some(stored) if ignores => Condition::Unchanged(stored.tag),
            _ => condition.clone(),
        };
        self.inner.write(address, body, &condition).await
    }

    async fn remove(&self, address: &Address) -> Result<(), BucketError> {
        if self.fault == Fault::KeepsRemoved { Ok(()) } else { self.inner.remove(address).await }
    }
}

#[tokio::test]
async fn a_store_that_breaks_its_contract_is_found_out() {
    for (fault, expected) in [
        (Fault::LosesMediaType, (Step::Headers, "target_header_lost")),
        (Fault::LosesCacheControl, (Step::Headers, "target_header_lost")),
        (Fault::ChangesFiles, (Step::Read, "target_not_read_back")),
        (Fault::IgnoresAbsent, (Step::Conditions, "target_conditions_unsupported")),
        (Fault::IgnoresChanges, (Step::Conditions, "target_conditions_unsupported")),
        (Fault::KeepsRemoved, (Step::Remove, "target_keeps_removed")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Careless { inner: DirectoryBucket::new(folder.path()), fault };
        let found = troubles(&findings(&bucket, None).await);
        let found: Vec<_> = found.iter().map(|(step, code, _)| (*step, *code)).collect();
        assert_eq!(found, [expected], "{fault:?}");
    }
}
