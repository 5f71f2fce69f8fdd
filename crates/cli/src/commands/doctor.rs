//! Looks at everything a release needs, from here to the CDN, and says what to do about what is wrong.

use std::time::Instant;

use anstyle::Style;
use clap::Args;
use pintle_api::client::Client;
use pintle_core::{UnixTime, limits::MAX_CLOCK_SKEW_SECS};
use pintle_sign::KeyReference;
use serde::Serialize;

use crate::{
    CommandError, ExitStatus,
    commands::release::{derive_root, find_published},
    context::{Context, Project},
    file::is_open_to_others,
    key::{KeyArgs, KeyRole},
    moment::{parse_http_date, show_moment_from, show_span},
    output::{BAD, CAREFUL, GOOD, Text},
    word::word,
};

/// More than this is worth a look; as much as [`MAX_CLOCK_SKEW_SECS`] keeps a release from being signed.
const CAREFUL_SKEW_SECS: u64 = 60;

/// Options of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    #[command(flatten)]
    key: KeyArgs,
}

/// Result of `doctor`.
#[derive(Serialize)]
struct DoctorReport {
    /// Whether nothing failed.
    healthy: bool,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    message: String,
    /// Stable code of what failed, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    fn style(self) -> Style {
        match self {
            Self::Ok => GOOD,
            Self::Warn => CAREFUL,
            Self::Fail => BAD,
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, message: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Ok, message: message.into(), code: None, hint: None });
    }

    fn warn(&mut self, check: &'static str, message: impl Into<String>, hint: &str) {
        let hint = Some(hint.to_owned());
        self.0.push(Finding { check, verdict: Verdict::Warn, message: message.into(), code: None, hint });
    }

    /// Records the failure, or hands on what succeeded.
    fn keep<T>(&mut self, check: &'static str, result: Result<T, CommandError>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let (message, code, hint) = (error.to_string(), Some(error.code().to_owned()), error.hint());
        self.0.push(Finding { check, verdict: Verdict::Fail, message, code, hint });
        None
    }
}

pub(crate) async fn run(args: &DoctorArgs, context: &Context) -> Result<ExitStatus, CommandError> {
    let mut findings = Findings::default();
    examine(args, context, &mut findings).await;
    let healthy = !findings.0.iter().any(|finding| finding.verdict == Verdict::Fail);
    let report = DoctorReport { healthy, findings: findings.0 };
    context.output.show(&report, write_text)?;
    Ok(if healthy { ExitStatus::Success } else { ExitStatus::Failed })
}

/// Each step needs the one before it; what cannot be looked at any more is not mentioned.
async fn examine(args: &DoctorArgs, context: &Context, findings: &mut Findings) {
    findings.ok("settings", context.directory.settings_path().display().to_string());
    let Some(server) = findings.keep("server", context.server()) else { return };
    examine_server(server, context.now, findings).await;
    let Some(client) = findings.keep("sign-in", context.connect()) else { return };
    let whoami = client.whoami().await.map_err(CommandError::from);
    let Some(account) = findings.keep("sign-in", whoami) else { return };
    let scopes: Vec<_> = account.scopes.iter().map(word).collect();
    findings.ok("sign-in", format!("{}, who may {}", account.account_name, scopes.join(", ")));
    let Some(project) = findings.keep("project", context.find_project(&client).await) else { return };
    findings.ok("project", format!("{} ({})", project.display_name(), project.response.id));
    examine_key(args, &project, context, findings).await;
    examine_releases(&project, context, findings).await;
    examine_draft(&client, &project, findings).await;
}

async fn examine_server(server: &str, now: UnixTime, findings: &mut Findings) {
    let asked = Instant::now();
    let answer = Client::read_server_date(server).await.map_err(CommandError::from);
    let Some(date) = findings.keep("server", answer) else { return };
    findings.ok("server", format!("{server} answers, in {} ms", asked.elapsed().as_millis()));
    let Some(there) = date.as_deref().and_then(parse_http_date) else {
        return findings.warn("clock", "the server does not say what time it is", "compare both clocks by hand");
    };
    let skew_secs = there.secs_since(now).max(now.secs_since(there));
    let apart = || format!("{} apart from the server's", show_span(skew_secs));
    let hint = "synchronise both clocks, as by NTP: dates in releases count on every device";
    match skew_secs {
        0..=CAREFUL_SKEW_SECS => findings.ok("clock", "agrees with the server's"),
        secs if secs <= MAX_CLOCK_SKEW_SECS => findings.warn("clock", apart(), hint),
        _ => findings.0.push(Finding {
            check: "clock",
            verdict: Verdict::Fail,
            message: apart(),
            code: Some("clock_skew".to_owned()),
            hint: Some(hint.to_owned()),
        }),
    }
}

async fn examine_key(args: &DoctorArgs, project: &Project, context: &Context, findings: &mut Findings) {
    const CHECK: &str = "signing key";
    let Some(registered) = findings.keep(CHECK, project.response.key.as_ref().ok_or(CommandError::NoProjectKey)) else {
        return;
    };
    let shown = args.key.name_for(registered);
    let key = match args.key.open_unasked(&shown, context).await {
        Err(error) if ["key_password_needed", "token_pin_needed"].contains(&error.code()) => {
            let hint = "give --password-file or PINTLE_KEY_PASSWORD to compare it with the project's";
            return findings.warn(CHECK, format!("{shown} asks for a password and was not opened"), hint);
        }
        // Who only prepares releases has no key here.
        Err(error) if error.code() == "file_not_found" => {
            let hint = "releases cannot be signed here; name the key with --key or PINTLE_KEY if it is elsewhere";
            return findings.warn(CHECK, format!("there is no {shown}"), hint);
        }
        loaded => findings.keep(CHECK, loaded),
    };
    let Some(key) = key else { return };
    let checked = key.check_is_registered(&registered.kid, KeyRole::Signing);
    if findings.keep(CHECK, checked).is_none() {
        return;
    }
    if let KeyReference::File(path) = &shown
        && is_open_to_others(path)
    {
        return findings.warn(CHECK, format!("other users can read {shown}"), &format!("chmod 600 {shown}"));
    }
    findings.ok(CHECK, format!("{shown} is the project's, {}", registered.kid));
}

/// What is accepted, what is on the targets, and what apps really get.
async fn examine_releases(project: &Project, context: &Context, findings: &mut Findings) {
    let (latest, live) = (project.response.latest_release, project.response.live_release);
    let Some(latest) = latest else {
        return findings.warn("release", "nothing was released yet", "`pintle release` signs and publishes the draft");
    };
    if live == Some(latest) {
        findings.ok("release", format!("{latest} is live on every target"));
    } else {
        let live = live.map_or("none is".to_owned(), |live| format!("{live} is"));
        let hint = "it is on its way; if it stays, the server's log says what a target answers";
        findings.warn("release", format!("{latest} is accepted, {live} live on every target"), hint);
    }
    let Some(registered) = project.response.key.as_ref() else { return };
    let Some(root) = findings.keep("CDN", derive_root(&project.response, registered)) else { return };
    let published = match find_published(&project.response, &root, context.now).await {
        Ok(published) => published,
        Err(message) => {
            let hint = "apps go on with what they have; is the CDN up, and do the URLs of the project lead to it?";
            return findings.0.push(Finding {
                check: "CDN",
                verdict: Verdict::Fail,
                message,
                code: Some("fetch_failed".to_owned()),
                hint: Some(hint.to_owned()),
            });
        }
    };
    let claims = published.claims();
    let serves = format!("apps get release {}, and it verifies", claims.version);
    match claims.expires_at {
        _ if Some(claims.version) != live => {
            let hint = "a cache may hold it for a minute; if it stays, look at the CDN";
            findings.warn("CDN", format!("{serves}; that is not the live one"), hint);
        }
        Some(expiry) if expiry <= context.now => {
            let message = format!("{serves}; it expired at {}", show_moment_from(expiry, context.now));
            findings.warn("CDN", message, "`pintle release --renew` renews the dates");
        }
        _ => findings.ok("CDN", serves),
    }
}

async fn examine_draft(client: &Client, project: &Project, findings: &mut Findings) {
    let draft = client.read_draft(project.reference()).await.map_err(CommandError::from);
    let Some(draft) = findings.keep("draft", draft) else { return };
    match draft.changes.len() {
        0 => findings.ok("draft", "nothing is staged"),
        1 => findings.ok("draft", "1 change is staged: `pintle draft show`, `pintle release`"),
        count => findings.ok("draft", format!("{count} changes are staged: `pintle draft show`, `pintle release`")),
    }
    for finding in draft.findings {
        findings.warn("draft", finding.detail, &finding.advice);
    }
}

fn write_text(report: &DoctorReport, text: &mut Text) {
    let width = report.findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    for finding in &report.findings {
        let verdict = word(&finding.verdict);
        let line = format!("{:width$}  {}", finding.check, finding.message);
        text.labelled_line(finding.verdict.style(), &format!("{verdict:<4}"), &line);
        if let Some(hint) = &finding.hint {
            text.line(&format!("{:indent$}hint: {hint}", "", indent = width + 8));
        }
    }
}
