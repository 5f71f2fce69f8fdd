mod declared;
mod logged;

use base64ct::{Base64, Encoding};
use clap::Args;
use pintle_api::{
    AddPinRequest, DomainResponse, PinMatch, PinOrigin, PinResponse, PinType, ReleaseResponse, client::Client,
};
use pintle_core::{
    HostName, UnixTime,
    claims::{Claims, PinDigest},
};
use pintle_service::guard::{RefreshAction, RefreshStep, plan_refresh, rehearse};
use serde::Serialize;

pub use self::logged::LoggedArgs;
use super::{add::parse_pin, show_pin};
use crate::{
    CommandError,
    commands::{domains::find_domain, release::SigningArgs},
    context::{Context, Project},
    guarding::{GuardArgs, load_watch, look_around},
    moment::show_moment,
    output::{CAREFUL, GOOD, STRONG, Text},
    word::word,
};

/// Options of `pins refresh`.
#[derive(Args, Clone, Debug)]
pub struct RefreshArgs {
    /// Only this domain of the draft
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// Also remove pins that have expired
    #[arg(long)]
    remove_expired: bool,
    /// Show what would be added and removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Add nothing that is only seen; release the draft unasked if apps lack nothing of it but keys from signing requests
    /// and files, and the project's key is in a KMS: for cron and CI
    #[arg(long, conflicts_with_all = ["yes", "ct_add", "remove_expired", "dry_run", "domain"])]
    release_declared: bool,
    #[command(flatten)]
    logged: LoggedArgs,
    #[command(flatten, next_help_heading = "Looking, and with --release-declared")]
    guard: GuardArgs,
    #[command(flatten, next_help_heading = "With --release-declared")]
    signing: SigningArgs,
}

/// Result of `pins refresh`.
#[derive(Serialize)]
struct RefreshReport {
    steps: Vec<StepReport>,
    /// Whether the draft says so now.
    applied: bool,
    /// The release that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseResponse>,
}

#[derive(Serialize)]
struct StepReport {
    domain: String,
    /// Where it was seen, as `host:port`, or the host that CT was asked about; absent for expired pins.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    action: &'static str,
    /// `TYPE:DIGEST` of what is added or removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    why: String,
}

pub(super) async fn run(args: &RefreshArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domains = match &args.domain {
        Some(name) => vec![find_domain(&client, &project, name).await?],
        None => client.list_domains(project.reference()).all().await?,
    };
    let applied = !args.dry_run && !args.release_declared;
    let mut report = RefreshReport { steps: Vec::new(), applied, release: None };
    for (mut step, source) in args.plan(&domains, &client, &project, context).await? {
        let Some(domain) = domains.iter().find(|domain| domain.name == step.domain) else { continue };
        if args.release_declared && step.action == "add" {
            step.action = "waits";
        }
        if let (Some(pin), "add", false) = (&step.pin, step.action, args.dry_run) {
            client
                .add_pin(project.reference(), &domain.id, &make_request(&parse_pin(pin)?, source, context.now))
                .await?;
        }
        report.steps.push(step);
    }
    if args.remove_expired {
        for (domain, pin) in domains.iter().flat_map(|domain| find_expired(domain, context.now)) {
            if !args.dry_run {
                client.remove_pin(project.reference(), &domain.id, &pin.id).await?;
            }
            report.steps.push(StepReport::expired(domain, pin));
        }
    }
    if args.release_declared {
        report.release = declared::release(&args.signing, &args.guard, &client, &project, context).await?;
    }
    context.output.show(&report, RefreshReport::write_text)
}

impl RefreshArgs {
    async fn plan(
        &self,
        domains: &[DomainResponse],
        client: &Client,
        project: &Project,
        context: &Context,
    ) -> Result<Vec<(StepReport, PinOrigin)>, CommandError> {
        if self.guard.look.no_probe && !self.logged.ct {
            return Ok(Vec::new());
        }
        let draft = client.guard_draft(project.reference()).await?;
        let payload = Base64::decode_vec(&draft.claims)
            .map_err(|_| CommandError::PreparedMismatch { what: "the claims are not base64".to_owned() })?;
        let claims = Claims::parse(&payload)
            .map_err(|error| CommandError::Config { source_name: "the draft".to_owned(), error })?;
        let config = rehearse(&claims, context.now).map_err(|error| CommandError::Internal(error.to_string()))?;
        let is_wanted = |name: &str| domains.iter().any(|domain| domain.name == name);
        let mut wanted = claims;
        wanted.domains.retain(|domain| is_wanted(&domain.name.to_string()));
        let watch = load_watch(client, project).await?;
        let seen = if self.guard.look.no_probe { Vec::new() } else { look_around(&wanted, &watch).await };
        let live = plan_refresh(&config, &seen, &self.guard.look.load_roots()?, context.now);
        let live: Vec<_> = live.iter().map(|step| (StepReport::new(step), PinOrigin::Fetched)).collect();
        let logged = self.logged.plan(&config, &wanted, &watch, context).await?;
        let is_live = |step: &StepReport| live.iter().any(|(seen, _)| seen.adds_same_pin(step));
        let logged: Vec<_> =
            logged.into_iter().filter(|step| !is_live(step)).map(|step| (step, PinOrigin::Ct)).collect();
        Ok(live.into_iter().chain(logged).collect())
    }
}

fn make_request(pin: &PinDigest, source: PinOrigin, now: UnixTime) -> AddPinRequest {
    let seen = if source == PinOrigin::Ct { "in CT" } else { "live" };
    AddPinRequest {
        pin_type: PinType::SpkiSha256,
        digest: pin.to_base64(),
        pin_match: PinMatch::Leaf,
        expires_at: None,
        source,
        label: Some(format!("seen {seen} {}", show_moment(now))),
    }
}

fn find_expired(domain: &DomainResponse, now: UnixTime) -> impl Iterator<Item = (&DomainResponse, &PinResponse)> {
    let is_over = move |pin: &&PinResponse| pin.expires_at.is_some_and(|end| UnixTime::from_secs(end) <= now);
    domain.pins.iter().filter(is_over).map(move |pin| (domain, pin))
}

impl StepReport {
    fn new(step: &RefreshStep) -> Self {
        let (action, pin, why) = match &step.action {
            RefreshAction::Keep => ("keep", None, "a pin matches what it serves".to_owned()),
            RefreshAction::Add(pin) => {
                let pin = format!("{}:{}", pin.kind().as_str(), pin.to_base64());
                ("add", Some(pin), "it serves this key, and no pin matches".to_owned())
            }
            RefreshAction::Leave(code) => {
                ("leave", None, format!("apps would refuse what it serves whatever is pinned: {}", code.as_str()))
            }
            RefreshAction::NotSeen(problem) => ("not_seen", None, problem.clone()),
        };
        Self { domain: step.domain.clone(), endpoint: Some(step.endpoint.to_string()), action, pin, why }
    }

    fn about(domain: &str, host: &HostName, action: &'static str, pin: Option<&PinDigest>, why: String) -> Self {
        let pin = pin.map(|pin| format!("{}:{}", pin.kind().as_str(), pin.to_base64()));
        Self { domain: domain.to_owned(), endpoint: Some(host.to_string()), action, pin, why }
    }

    fn adds_same_pin(&self, other: &Self) -> bool {
        self.action == "add" && self.domain == other.domain && self.pin == other.pin
    }

    fn expired(domain: &DomainResponse, pin: &PinResponse) -> Self {
        let why = "it has expired and counts no more".to_owned();
        Self { domain: domain.name.clone(), endpoint: None, action: "remove", pin: Some(show_pin(pin)), why }
    }
}

impl RefreshReport {
    fn write_text(&self, text: &mut Text) {
        for step in &self.steps {
            let style = match step.action {
                "keep" => STRONG,
                "add" => GOOD,
                _ => CAREFUL,
            };
            let subject = step.pin.as_ref().or(step.endpoint.as_ref()).unwrap_or(&step.domain);
            text.labelled_line(
                style,
                &format!("{:8}", step.action),
                &format!("{}  {subject}: {}", step.domain, step.why),
            );
        }
        let waiting = self.steps.iter().filter(|step| step.action == "waits").count();
        if waiting > 0 {
            text.line(&format!(
                "{waiting} keys were only seen: `pintle pins refresh` adds them when a person runs it."
            ));
        }
        if let Some(release) = &self.release {
            text.line(&format!("Release {}: {}.", release.version, word(&release.state).replace('_', " ")));
            return;
        }
        let changes = self.steps.iter().filter(|step| matches!(step.action, "add" | "remove")).count();
        let told = if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") };
        match (changes, self.applied) {
            (0, _) => text.line("Nothing to change."),
            (_, false) => text.line(&format!("{told}, none made (--dry-run).")),
            (_, true) => text.line(&format!("{told} in the draft: look at what was changed, then `pintle release`.")),
        };
    }
}
