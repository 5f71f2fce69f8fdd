use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use clap::Args;
use pintle_api::{Finding, Severity};
use pintle_core::{State, VerifiedConfig, claims::Claims, limits::MAX_CONFIG_BYTES, verify};
use pintle_discover::Endpoint;
use pintle_service::guard::Watch;
use serde::Serialize;

use super::release::{derive_root, find_published};
use crate::{
    CommandError, ExitStatus,
    context::Context,
    file::read_file,
    guarding::{LocalAnswer, LocalGuard, LookArgs, load_watch, write_findings},
    output::{BAD, GOOD},
    root::{load_bundle, parse_root},
};

/// Options of `guard`.
#[derive(Args, Clone, Debug)]
pub struct GuardCommandArgs {
    /// Judge this file, without a server: a signed configuration, or claims as JSON
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The bundle that apps embed, to verify signed files with
    #[arg(long, value_name = "FILE", default_value = "pintle.json", requires = "file")]
    bundle: PathBuf,
    /// The signed configuration that apps have now, to compare with
    #[arg(long, value_name = "FILE", requires = "file")]
    previous: Option<PathBuf>,
    /// With --file: a host that stands for a wildcard, or serves on another port; repeat it
    #[arg(long, value_name = "HOST[:PORT]", requires = "file")]
    watch: Vec<String>,
    #[command(flatten)]
    look: LookArgs,
    /// The exit status is 7 from this severity on
    #[arg(long, value_name = "SEVERITY", value_parser = ["error", "warning"], default_value = "error")]
    fail_on: String,
}

#[derive(Serialize)]
struct Report {
    /// Whether the exit status is 0.
    passed: bool,
    findings: Vec<Finding>,
}

pub(crate) async fn run(args: &GuardCommandArgs, context: &Context) -> Result<ExitStatus, CommandError> {
    let findings = match &args.file {
        Some(path) => args.judge_file(path, context).await?.findings,
        None => args.judge_draft(context).await?,
    };
    let limit = if args.fail_on == "warning" { Severity::Warning } else { Severity::Error };
    let passed = findings.iter().all(|finding| finding.severity < limit);
    let report = Report { passed, findings };
    context.output.show(&report, |report, text| {
        write_findings(&report.findings, text);
        let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        match (errors, report.findings.is_empty()) {
            (0, true) => text.styled_line(GOOD, "The guard finds nothing."),
            (0, false) => text.styled_line(GOOD, "No error: the guard would let it be released."),
            (1, _) => text.styled_line(BAD, "1 error: the guard would refuse to release it."),
            _ => text.styled_line(BAD, &format!("{errors} errors: the guard would refuse to release it.")),
        };
    })?;
    Ok(if passed { ExitStatus::Success } else { ExitStatus::Refused })
}

impl GuardCommandArgs {
    /// The server's answer about the draft, and what this machine sees of the same claims.
    async fn judge_draft(&self, context: &Context) -> Result<Vec<Finding>, CommandError> {
        let client = context.connect()?;
        let project = context.find_project(&client).await?;
        let answer = client.guard_draft(project.reference()).await?;
        if self.look.no_probe {
            return Ok(answer.findings);
        }
        let payload = Base64::decode_vec(&answer.claims)
            .map_err(|_| CommandError::PreparedMismatch { what: "the claims are not base64".to_owned() })?;
        let claims = parse_claims(&payload, "the draft")?;
        let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
        let root = derive_root(&project.response, registered)?;
        let published = find_published(&project.response, &root, context.now).await.ok();
        let guard = LocalGuard {
            look: &self.look,
            watch: &load_watch(&client, &project).await?,
            previous: published.as_ref(),
            now: context.now,
        };
        Ok(guard.judge_claims(&claims).await?.merge(&answer.findings))
    }

    async fn judge_file(&self, path: &std::path::Path, context: &Context) -> Result<LocalAnswer, CommandError> {
        let bytes = read_file(path, MAX_CONFIG_BYTES as u64)?;
        let previous = self.previous.as_deref().map(|path| self.verify_file(path, context)).transpose()?;
        let guard =
            LocalGuard { look: &self.look, watch: &Watch::new(), previous: previous.as_ref(), now: context.now };
        let is_json = bytes.trim_ascii_start().first() == Some(&b'{');
        if is_json {
            let claims = parse_claims(&bytes, &path.display().to_string())?;
            let watch = self.parse_watch(&claims)?;
            return LocalGuard { watch: &watch, ..guard }.judge_claims(&claims).await;
        }
        let next = self.verify_file(path, context)?;
        let watch = self.parse_watch(next.claims())?;
        LocalGuard { watch: &watch, ..guard }.judge(&next).await
    }

    fn verify_file(&self, path: &std::path::Path, context: &Context) -> Result<VerifiedConfig, CommandError> {
        let root = parse_root(&load_bundle(&self.bundle)?, &self.bundle.display().to_string())?;
        let accepted = verify(&read_file(path, MAX_CONFIG_BYTES as u64)?, &root, &State::default(), context.now)
            .map_err(|error| CommandError::Config { source_name: path.display().to_string(), error })?;
        Ok(accepted.config)
    }

    /// A host that an entry names itself is looked at there; any other stands for every wildcard. The core says which entry
    /// decides about it.
    fn parse_watch(&self, claims: &Claims) -> Result<Watch, CommandError> {
        let endpoints: Vec<_> = self.watch.iter().map(|text| Endpoint::parse(text)).collect::<Result<_, _>>()?;
        let mut watch = Watch::new();
        for endpoint in endpoints {
            let host = endpoint.host.to_string();
            let is_exact = claims.domains.iter().any(|domain| domain.name.to_string() == host);
            let wildcard =
                claims.domains.iter().map(|domain| domain.name.to_string()).find(|name| name.starts_with('*'));
            if let Some(name) = if is_exact { Some(host) } else { wildcard } {
                watch.entry(name).or_default().push(endpoint);
            }
        }
        Ok(watch)
    }
}

fn parse_claims(bytes: &[u8], source_name: &str) -> Result<Claims, CommandError> {
    Claims::parse(bytes).map_err(|error| CommandError::Config { source_name: source_name.to_owned(), error })
}
