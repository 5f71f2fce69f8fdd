//! Whether a target can be used: every step of a publication with a file that means nothing.

use std::time::SystemTime;
#[cfg(feature = "http")]
use std::time::{Duration, UNIX_EPOCH};

use pintle_core::{OrganizationId, ProjectId};

use crate::{Address, Bucket, BucketError, Cause, Condition, Object, Stored};

/// What a step of a test tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A file can be written where there is none.
    Write,
    /// It reads back as it was written.
    Read,
    /// The bucket keeps media type and cache header.
    Headers,
    /// Of two publishers one wins: the bucket honours conditions.
    Conditions,
    /// The public URL shows the file, with its headers, an entity tag, and 304 to whoever has it.
    Public,
    /// The file can be removed.
    Remove,
}

impl Step {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Headers => "headers",
            Self::Conditions => "conditions",
            Self::Public => "public",
            Self::Remove => "remove",
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// What is wrong; `None`: nothing.
    pub trouble: Option<Trouble>,
}

/// What is wrong with a target, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable code.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// The remedy.
    pub hint: String,
}

impl Trouble {
    fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }
}

impl From<&BucketError> for Trouble {
    fn from(error: &BucketError) -> Self {
        match error.cause() {
            Some(cause) => Self::new(cause.code(), error.to_string(), cause.hint()),
            None => {
                Self::new("target_changed", error.to_string(), "somebody else tests or publishes right now: try again")
            }
        }
    }
}

/// Writes, reads, compares and removes a file of `project`, in the order of a publication. `public_url` is where apps
/// would find the files of this target. The first step that fails ends the test, but for the removal, which is tried
/// whatever happened.
pub async fn probe(
    bucket: &dyn Bucket,
    organization: &OrganizationId,
    project: &ProjectId,
    public_url: Option<&str>,
) -> Vec<Finding> {
    let address = Address { organization: organization.clone(), project: project.clone(), object: Object::Probe };
    let mut findings = Vec::new();
    let written = try_steps(bucket, &address, public_url, &mut findings).await;
    let removed = match bucket.remove(&address).await {
        Ok(()) => bucket.read(&address).await.map(|stored| stored.is_none()),
        Err(error) => Err(error),
    };
    if written {
        let trouble = match removed {
            Ok(true) => None,
            Ok(false) => Some(Trouble::new(
                "target_keeps_removed",
                "a removed file is still there",
                "turn off what caches reads of the bucket itself",
            )),
            Err(error) => Some(Trouble::from(&error)),
        };
        findings.push(Finding { step: Step::Remove, trouble });
    }
    findings
}

/// Whether a file was written.
async fn try_steps(
    bucket: &dyn Bucket,
    address: &Address,
    public_url: Option<&str>,
    findings: &mut Vec<Finding>,
) -> bool {
    let mut note = |step, result: Result<(), Trouble>| {
        let is_fine = result.is_ok();
        findings.push(Finding { step, trouble: result.err() });
        is_fine
    };
    // It says nothing, and differs from every other.
    let [first, second] = ["first", "second"].map(|word| format!("pintle probe, {word}, {:?}", SystemTime::now()));
    if !note(Step::Write, write_first(bucket, address, first.as_bytes()).await.map_err(|error| Trouble::from(&error))) {
        return false;
    }
    let stored = match bucket.read(address).await {
        Ok(Some(stored)) if stored.body == first.as_bytes() => stored,
        Ok(_) => {
            let trouble = Trouble::new(
                "target_not_read_back",
                "the file does not read back as it was written",
                "turn off what changes files on their way: compression, rewriting, a cache before the bucket",
            );
            note(Step::Read, Err(trouble));
            return true;
        }
        Err(error) => {
            note(Step::Read, Err(Trouble::from(&error)));
            return true;
        }
    };
    note(Step::Read, Ok(()));
    if stored.headers.is_some() && !note(Step::Headers, check_stored_headers(&stored)) {
        return true;
    }
    let replaced = check_conditions(bucket, address, &stored, second.as_bytes()).await;
    if !note(Step::Conditions, replaced) {
        return true;
    }
    #[cfg(feature = "http")]
    if let Some(url) = public_url {
        note(Step::Public, public::check(url, address, second.as_bytes()).await);
    }
    #[cfg(not(feature = "http"))]
    let _ = public_url;
    true
}

async fn write_first(bucket: &dyn Bucket, address: &Address, body: &[u8]) -> Result<(), BucketError> {
    match bucket.write(address, body, &Condition::Absent).await {
        // Left behind by a test that was cut short.
        Err(BucketError::ConditionFailed) => {
            bucket.remove(address).await?;
            bucket.write(address, body, &Condition::Absent).await
        }
        written => written,
    }
}

fn check_stored_headers(stored: &Stored) -> Result<(), Trouble> {
    let headers = stored.headers.clone().unwrap_or_default();
    let lost = |name: &str, found: Option<String>, expected: &str| {
        Err(Trouble::new(
            "target_header_lost",
            format!("the bucket keeps {name} as {}, not {expected}", found.as_deref().unwrap_or("nothing")),
            "use a store that keeps headers, or set them where the files are served",
        ))
    };
    if headers.media_type.as_deref() != Some(Object::Probe.media_type()) {
        return lost("Content-Type", headers.media_type, Object::Probe.media_type());
    }
    if headers.cache_control.as_deref() != Some(Object::Probe.cache_control()) {
        return lost("Cache-Control", headers.cache_control, Object::Probe.cache_control());
    }
    Ok(())
}

/// Leaves `body` in the file.
async fn check_conditions(bucket: &dyn Bucket, address: &Address, first: &Stored, body: &[u8]) -> Result<(), Trouble> {
    let ignored =
        |what: &str| Err(Trouble::new(Cause::ConditionsUnsupported.code(), what, Cause::ConditionsUnsupported.hint()));
    let unchanged = Condition::Unchanged(first.tag.clone());
    bucket.write(address, body, &unchanged).await.map_err(|error| Trouble::from(&error))?;
    for (condition, what) in [
        (Condition::Absent, "a file is overwritten although it was to be written only where there is none"),
        (unchanged, "a file is overwritten although somebody else changed it"),
    ] {
        match bucket.write(address, b"refuse me", &condition).await {
            Err(BucketError::ConditionFailed) => {}
            Ok(()) => return ignored(what),
            Err(error) => return Err(Trouble::from(&error)),
        }
    }
    Ok(())
}

/// How far this machine's clock is from `date`, an HTTP date.
#[cfg(feature = "http")]
fn measure_clock(date: &str) -> Option<Duration> {
    let there = httpdate::parse_http_date(date).ok()?;
    let here = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(there.duration_since(UNIX_EPOCH).ok()?.abs_diff(here))
}

/// What apps see.
#[cfg(feature = "http")]
mod public {
    use std::time::Duration;

    use reqwest::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, HeaderName, IF_NONE_MATCH},
    };

    use super::{Trouble, measure_clock};
    use crate::{Address, Cause, Object, http::make_http};

    const MAX_BODY_BYTES: usize = 64 * 1024;
    /// Beyond that, clouds refuse signatures and devices misjudge expiry.
    const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(120);

    pub(super) async fn check(base: &str, address: &Address, body: &[u8]) -> Result<(), Trouble> {
        let url = format!("{}/{address}", base.trim_end_matches('/'));
        let unreachable = |error: &dyn std::error::Error| {
            let mut innermost = error;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            Trouble::new(
                Cause::Unreachable.code(),
                format!("{url}: {innermost}"),
                "check name, certificate and firewall of what serves the files",
            )
        };
        let http = make_http().map_err(|error| unreachable(&error))?;
        let answer = http.get(&url).send().await.map_err(|error| unreachable(&error))?;
        if answer.status() != StatusCode::OK {
            let status = answer.status().as_u16();
            return Err(Trouble::new(
                "target_not_public",
                format!("{url} answers {status}"),
                "let everybody read the files; check the path that the CDN adds, and that it asks this very bucket",
            ));
        }
        let header = |name: HeaderName| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (media_type, cache_control) = (header(CONTENT_TYPE), header(CACHE_CONTROL));
        let (etag, date) = (header(ETAG), header(DATE));
        let found = read_bounded(answer).await.map_err(|error| unreachable(&error))?;
        if found != body {
            return Err(Trouble::new(
                "target_public_differs",
                format!("{url} shows something else than was written"),
                "the public URL belongs to another bucket, or a cache keeps files longer than it was told",
            ));
        }
        let wrong = |message: String, hint: &str| Err(Trouble::new("target_public_header", message, hint));
        let serve_as =
            "let whatever serves the files pass on the headers of the bucket, or set them as deploy/nginx.conf does";
        if media_type != Object::Probe.media_type() {
            return wrong(format!("Content-Type is `{media_type}`, not `{}`", Object::Probe.media_type()), serve_as);
        }
        match find_max_age(&cache_control) {
            Some(secs) if secs <= 60 => {}
            _ => {
                return wrong(
                    format!("Cache-Control is `{cache_control}`: apps would learn of a release too late"),
                    "let it say max-age=60 at most for pins.jws and pintle.json",
                );
            }
        }
        if etag.is_empty() {
            return wrong("there is no ETag: every check downloads the whole file".to_owned(), serve_as);
        }
        let again = http.get(&url).header(IF_NONE_MATCH, &etag).send().await.map_err(|error| unreachable(&error))?;
        if again.status() != StatusCode::NOT_MODIFIED {
            let status = again.status().as_u16();
            return wrong(format!("it answers {status}, not 304, to whoever has the file"), serve_as);
        }
        match measure_clock(&date) {
            Some(difference) if difference > MAX_CLOCK_DIFFERENCE => Err(Trouble::new(
                Cause::ClockOff.code(),
                format!("this machine's clock and that of {url} differ by {} s", difference.as_secs()),
                Cause::ClockOff.hint(),
            )),
            _ => Ok(()),
        }
    }

    async fn read_bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY_BYTES {
                break;
            }
        }
        Ok(body)
    }

    fn find_max_age(cache_control: &str) -> Option<u64> {
        let mut directives = cache_control.split(',').map(|directive| directive.trim().to_ascii_lowercase());
        directives.find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok())
    }
}
