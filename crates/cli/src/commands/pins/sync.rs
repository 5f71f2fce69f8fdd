//! The draft made to cover the keys of certificates and signing requests, and released if asked: again and again with the
//! same result.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::Args;
use pintle_api::{
    AddPinRequest, DomainResponse, DraftResponse, PinExpiry, PinMatch as ApiMatch, PinOrigin, PinResponse,
    PinType as ApiType, ReleaseContent, ReleaseResponse, ReleaseState, Unchanged, UpdatePinRequest, client::Client,
};
use pintle_core::{
    UnixTime,
    claims::{Domain, Pin, PinDigest, PinMatch, PinType},
    name::Name,
};
use pintle_discover::{CertificateFacts, FileContents};
use serde::Serialize;

use super::cover::{Action, Cover, Others, list_covering};
use crate::{
    CommandError,
    commands::{
        domains::choose_domain,
        look::load_contents,
        release::{Consent, Intent, SigningArgs, derive_root, find_published},
    },
    context::{Context, Project},
    guarding::GuardArgs,
    output::{CAREFUL, GOOD, STRONG, Text},
    word::word,
};

/// Options of `pins sync`.
#[derive(Args, Clone, Debug)]
pub struct SyncArgs {
    /// A certificate (PEM, DER, PKCS#7, PKCS#12; its first counts) or signing request whose key is to be pinned; repeat it
    #[arg(long, value_name = "FILE", required = true)]
    from_file: Vec<PathBuf>,
    /// Domain of the draft; repeat it [default: every one that the names in the file fall under]
    #[arg(long, value_name = "NAME")]
    domain: Vec<String>,
    /// Remove every other pin of these domains, the backup pins as well
    #[arg(long)]
    remove_others: bool,
    #[command(flatten)]
    end: SyncEndArgs,
}

/// How far something is brought into line.
#[derive(Args, Clone, Debug)]
pub struct SyncEndArgs {
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "release")]
    dry_run: bool,
    /// Then release the draft, unless apps have these pins already; it is signed here
    #[arg(long)]
    release: bool,
    #[command(flatten, next_help_heading = "With --release")]
    signing: SigningArgs,
    #[command(flatten, next_help_heading = "With --release")]
    guard: GuardArgs,
}

/// A key that is to be pinned.
pub(crate) struct Wanted {
    pub(crate) digest: PinDigest,
    pub(crate) origin: PinOrigin,
    /// The hosts it is meant for.
    pub(crate) names: Vec<String>,
}

/// What is to be so, by whose names.
pub(crate) struct Sync<'a> {
    pub(crate) wanted: &'a [Wanted],
    /// Domains of the draft; none: those that the names fall under.
    pub(crate) domains: &'a [String],
    pub(crate) others: Others,
    pub(crate) end: &'a SyncEndArgs,
}

/// What came of it.
#[derive(Serialize)]
pub(crate) struct SyncReport {
    outcome: Outcome,
    steps: Vec<StepReport>,
    /// Whether the draft holds what no release says.
    unreleased: bool,
    /// The release that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseResponse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Unchanged,
    WouldChange,
    Drafted,
    /// Accepted before, and apps do not have it yet.
    Pending,
    Released,
}

/// What asking for a release came to.
pub(super) enum Asked {
    /// Apps have what is wanted.
    Needless,
    Pending,
    Made(Box<ReleaseResponse>),
}

#[derive(Serialize)]
struct StepReport {
    domain: String,
    action: &'static str,
    /// `TYPE:DIGEST`
    pin: String,
}

/// One pin of one entry of the draft.
struct Step {
    domain_id: String,
    domain: String,
    action: Action,
    pin: Pin,
    /// Of the pin in the draft, if it is there.
    pin_id: Option<String>,
    origin: PinOrigin,
}

pub(super) async fn run(args: &SyncArgs, context: &Context) -> Result<(), CommandError> {
    let wanted = args.from_file.iter().map(|path| load_wanted(path)).collect::<Result<Vec<_>, _>>()?;
    let nameless = args.from_file.iter().zip(&wanted).find(|(_, wanted)| wanted.names.is_empty());
    if let (Some((path, _)), true) = (nameless, args.domain.is_empty()) {
        return Err(CommandError::Value {
            code: "host_missing",
            value: path.display().to_string(),
            expected: "a file that names its hosts (subjectAltName); without them, say `--domain`",
        });
    }
    let others = if args.remove_others { Others::Remove } else { Others::Keep };
    let sync = Sync { wanted: &wanted, domains: &args.domain, others, end: &args.end };
    context.output.show(&sync.run(context).await?, SyncReport::write_text)
}

/// The key of a file's first certificate, or of its signing request.
pub(crate) fn load_wanted(path: &Path) -> Result<Wanted, CommandError> {
    let source_name = path.display().to_string();
    let (digest, names, origin) = match load_contents(path, None)? {
        FileContents::Request(request) => (request.pin(PinType::SpkiSha256), request.names, PinOrigin::Csr),
        FileContents::Certificates(chain) => {
            let missing = || CommandError::NotFound { kind: "certificate", name: source_name.clone() };
            let facts = CertificateFacts::parse(chain.first().ok_or_else(missing)?)
                .map_err(|error| CommandError::Certificate { source_name: source_name.clone(), error })?;
            (facts.pin(PinType::SpkiSha256), facts.names, PinOrigin::File)
        }
    };
    let digest = digest.ok_or_else(|| CommandError::Internal(format!("{source_name} has no key")))?;
    Ok(Wanted { digest, origin, names })
}

impl Sync<'_> {
    /// Brings the draft into line, and releases it if asked. A key that concerns no domain of the draft is `not_found`.
    pub(crate) async fn run(&self, context: &Context) -> Result<SyncReport, CommandError> {
        let client = context.connect()?;
        let project = context.find_project(&client).await?;
        let (cover, draft, mut steps) = self.settle_draft(&client, &project, context.now).await?;
        let is_changed = steps.iter().any(Step::is_change);
        steps.sort_by(|a, b| a.domain.cmp(&b.domain));
        let asked = if self.end.release {
            release_covering(&cover, &self.end.signing, &self.end.guard, &client, &project, context).await?
        } else {
            Asked::Needless
        };
        let outcome = match (&asked, is_changed) {
            (Asked::Made(_), _) => Outcome::Released,
            (Asked::Pending, _) => Outcome::Pending,
            (Asked::Needless, false) => Outcome::Unchanged,
            (Asked::Needless, true) if self.end.dry_run => Outcome::WouldChange,
            (Asked::Needless, true) => Outcome::Drafted,
        };
        Ok(SyncReport {
            outcome,
            steps: steps.iter().map(Step::report).collect(),
            unreleased: outcome != Outcome::Released && !draft.changes.is_empty(),
            release: asked.into_made(),
        })
    }

    /// Changes the draft step by step, each only while it is as it was looked at; once it may be looked at anew.
    async fn settle_draft(
        &self,
        client: &Client,
        project: &Project,
        now: UnixTime,
    ) -> Result<(Cover, DraftResponse, Vec<Step>), CommandError> {
        let mut done: Vec<Step> = Vec::new();
        let mut is_second_look = false;
        loop {
            let draft = client.read_draft(project.reference()).await?;
            let cover = self.find_cover(&draft)?;
            let mut steps = self.plan(&cover, &draft, now)?;
            let next = steps.iter().position(Step::is_change).filter(|_| !self.end.dry_run);
            let Some(next) = next else {
                steps.retain(|step| !done.iter().any(|done| done.is_about_same_pin(step)));
                done.extend(steps);
                return Ok((cover, draft, done));
            };
            let step = steps.swap_remove(next);
            match step.apply(&client.expecting_revision(draft.revision), project).await {
                Ok(()) => done.push(step),
                Err(CommandError::Api(error)) if error.code() == "revision_mismatch" && !is_second_look => {
                    is_second_look = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn find_cover(&self, draft: &DraftResponse) -> Result<Cover, CommandError> {
        let mut wanted: BTreeMap<String, Vec<PinDigest>> = BTreeMap::new();
        let entries = draft.domains.iter().map(parse_entry).collect::<Result<Vec<_>, _>>()?;
        for one in self.wanted {
            let names: BTreeSet<_> = if self.domains.is_empty() {
                one.names.iter().flat_map(|name| list_covering(name, &entries)).collect()
            } else {
                self.domains.iter().map(|name| find_name(draft, name)).collect::<Result<_, _>>()?
            };
            if names.is_empty() {
                return Err(CommandError::NotFound { kind: "domain", name: one.names.join(", ") });
            }
            for name in names {
                let digests = wanted.entry(name).or_default();
                if !digests.contains(&one.digest) {
                    digests.push(one.digest);
                }
            }
        }
        Ok(Cover { wanted, others: self.others })
    }

    fn plan(&self, cover: &Cover, draft: &DraftResponse, now: UnixTime) -> Result<Vec<Step>, CommandError> {
        let mut steps = Vec::new();
        for domain in &draft.domains {
            let pins = domain.pins.iter().map(parse_pin).collect::<Result<Vec<_>, _>>()?;
            let id_of = |pin: &Pin| {
                let mut known = pins.iter().zip(&domain.pins);
                known.find_map(|(known, response)| (known == pin).then(|| response.id.clone()))
            };
            steps.extend(cover.settle(&domain.name, &pins, now).into_iter().map(|(action, pin)| {
                Step {
                    domain_id: domain.id.clone(),
                    domain: domain.name.clone(),
                    action,
                    pin,
                    pin_id: id_of(&pin),
                    origin: self
                        .wanted
                        .iter()
                        .find(|wanted| wanted.digest == pin.digest)
                        .map_or_else(PinOrigin::default, |wanted| wanted.origin),
                }
            }));
        }
        Ok(steps)
    }
}

/// Releases the draft unless apps have what is wanted. Nobody is asked while it says what apps have, with these pins, and
/// nothing else.
pub(super) async fn release_covering(
    cover: &Cover,
    signing: &SigningArgs,
    guard: &GuardArgs,
    client: &Client,
    project: &Project,
    context: &Context,
) -> Result<Asked, CommandError> {
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let published = find_published(&project.response, &derive_root(&project.response, registered)?, context.now).await;
    if published.is_ok_and(|published| cover.is_met_by(published.claims(), context.now)) {
        return Ok(Asked::Needless);
    }
    let intent = Intent { content: ReleaseContent::Draft, unchanged: Unchanged::Refuse, publish_at: None };
    match signing.release_with(intent, Consent::AskIfMoreThan(cover), guard, client, project, context).await {
        Ok(release) => Ok(Asked::Made(Box::new(release))),
        Err(CommandError::Api(error)) if error.code() == "draft_unchanged" => Ok(Asked::Pending),
        Err(error) => Err(error),
    }
}

impl Asked {
    pub(super) fn into_made(self) -> Option<ReleaseResponse> {
        if let Self::Made(release) = self { Some(*release) } else { None }
    }
}

impl Step {
    fn is_change(&self) -> bool {
        self.action != Action::Keep
    }

    fn is_about_same_pin(&self, other: &Self) -> bool {
        self.domain_id == other.domain_id && self.pin.digest == other.pin.digest
    }

    async fn apply(&self, client: &Client, project: &Project) -> Result<(), CommandError> {
        let project = project.reference();
        match (self.action, &self.pin_id) {
            (Action::Add, _) => {
                let request = AddPinRequest {
                    pin_type: ApiType::SpkiSha256,
                    digest: self.pin.digest.to_base64(),
                    pin_match: ApiMatch::Leaf,
                    expires_at: None,
                    source: self.origin,
                    label: None,
                };
                client.add_pin(project, &self.domain_id, &request).await?;
            }
            (Action::Renew, Some(id)) => {
                let request = UpdatePinRequest { label: None, expiry: Some(PinExpiry::Never) };
                client.update_pin(project, &self.domain_id, id, &request).await?;
            }
            (Action::Remove, Some(id)) => client.remove_pin(project, &self.domain_id, id).await?,
            (Action::Keep, _) | (_, None) => {}
        }
        Ok(())
    }

    fn report(&self) -> StepReport {
        let action = match self.action {
            Action::Keep => "keep",
            Action::Add => "add",
            Action::Renew => "renew",
            Action::Remove => "remove",
        };
        let pin = format!("{}:{}", self.pin.digest.kind().as_str(), self.pin.digest.to_base64());
        StepReport { domain: self.domain.clone(), action, pin }
    }
}

impl SyncReport {
    /// Whether a release that was asked for has not reached apps, or will only when somebody else agrees.
    pub(crate) fn is_pending(&self) -> bool {
        let is_live = |release: &ReleaseResponse| release.state == ReleaseState::Live;
        self.outcome == Outcome::Pending || self.release.as_ref().is_some_and(|release| !is_live(release))
    }

    pub(crate) fn write_text(&self, text: &mut Text) {
        for step in &self.steps {
            let style = match step.action {
                "keep" => STRONG,
                "remove" => CAREFUL,
                _ => GOOD,
            };
            text.labelled_line(style, &format!("{:6}", step.action), &format!("{}  {}", step.domain, step.pin));
        }
        match (self.outcome, &self.release) {
            (Outcome::Released, Some(release)) => {
                text.line(&format!("Release {}: {}.", release.version, word(&release.state).replace('_', " ")))
            }
            (Outcome::WouldChange, _) => text.line("Nothing was changed (--dry-run)."),
            (Outcome::Pending, _) => text.line("Accepted before, and not live yet: `pintle releases list`."),
            (Outcome::Drafted, _) => text.line("The draft is changed: look at it, then `pintle release`."),
            _ if self.unreleased => {
                text.line("Unchanged. The draft holds what no release says yet: `pintle draft show`.")
            }
            _ => text.line("Unchanged."),
        };
    }
}

/// The name of the entry called `name`.
fn find_name(draft: &DraftResponse, name: &str) -> Result<String, CommandError> {
    choose_domain(draft.domains.iter().cloned(), name).map(|domain| domain.name)
}

fn parse_entry(domain: &DomainResponse) -> Result<Domain, CommandError> {
    let name = Name::parse(&domain.name).map_err(|_| unreadable(&domain.name))?;
    Ok(Domain::new(name, Vec::new()))
}

fn parse_pin(pin: &PinResponse) -> Result<Pin, CommandError> {
    let digest = PinType::parse(&word(&pin.pin_type)).and_then(|kind| PinDigest::parse(kind, &pin.digest));
    let matches = PinMatch::parse(&word(&pin.pin_match));
    let (Some(digest), Some(matches)) = (digest, matches) else { return Err(unreadable(&pin.id)) };
    Ok(Pin { digest, matches, expires_at: pin.expires_at.map(UnixTime::from_secs) })
}

fn unreadable(what: &str) -> CommandError {
    CommandError::Internal(format!("the server's draft cannot be read: {what}"))
}
