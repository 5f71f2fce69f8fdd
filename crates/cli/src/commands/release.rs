mod progress;

use base64ct::{Base64, Encoding};
use clap::Args;
use pintle_api::{
    AcceptReleaseRequest, PrepareReleaseRequest, PreparedReleaseResponse, ProjectKeyResponse, ProjectResponse,
    ReleaseContent, ReleaseResponse, Unchanged, client::Client,
};
use pintle_core::{
    OrganizationId, ProjectId, PublicKey, Root, State, UnixTime, VerifiedConfig,
    claims::Claims,
    limits::MAX_CLOCK_SKEW_SECS,
    root::{BaseUrl, SetupError},
    succession::Chain,
    verify,
};
use pintle_sign::{SignedConfig, sign_config};
use serde::Serialize;

use self::progress::wait_until_live;
use super::{pins::Cover, releases::write_one};
use crate::{
    CommandError,
    context::{Context, Project},
    fetch::fetch_config,
    guarding::{GuardArgs, LocalGuard, check_findings, explain_refusal, load_watch, write_findings},
    key::{KeyArgs, OpenKey},
    moment::{parse_moment, parse_span_secs},
    output::{CAREFUL, GOOD, STRONG, Text},
    review::{is_same_content, write_review},
    secret::confirm,
};

/// Options of `release`.
#[derive(Args, Clone, Debug)]
pub struct ReleaseArgs {
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    guard: GuardArgs,
    /// Release although nothing changed, which renews the dates
    #[arg(long)]
    renew: bool,
    /// Rehearse: review, open the key, sign and verify here, then throw the signature away; nothing is published or kept
    #[arg(long, conflicts_with = "at")]
    dry_run: bool,
    /// Publish it then, as in 2027-06-30T06:00:00Z, instead of at once; `pintle releases cancel` takes it back
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// How something is signed and followed to its end.
#[derive(Args, Clone, Debug)]
pub struct SigningArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Sign without asking
    #[arg(long, short)]
    yes: bool,
    /// Return once the server has accepted it
    #[arg(long)]
    no_wait: bool,
    /// How long to wait until it is live
    #[arg(long, value_name = "SPAN", default_value = "2m", conflicts_with = "no_wait")]
    timeout: String,
}

/// What is released, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intent {
    pub(crate) content: ReleaseContent,
    pub(crate) unchanged: Unchanged,
    pub(crate) publish_at: Option<UnixTime>,
}

pub(crate) async fn run(args: &ReleaseArgs, context: &Context) -> Result<(), CommandError> {
    let intent = Intent {
        content: ReleaseContent::Draft,
        unchanged: if args.renew { Unchanged::Release } else { Unchanged::Refuse },
        publish_at: args.at.as_deref().map(parse_moment).transpose()?,
    };
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    if args.dry_run {
        let signed = args.signing.rehearse(intent, &args.guard, &client, &project, context).await?;
        return context.output.show(&Rehearsal::new(&signed), Rehearsal::write_text);
    }
    let release = args.signing.release(intent, &args.guard, &client, &project, context).await?;
    context.output.show(&release, write_one)
}

/// Result of `release --dry-run`.
#[derive(Serialize)]
struct Rehearsal {
    /// The number that the release would have, unless another comes first.
    version: u64,
    /// RFC 7638 thumbprint of the key that signed.
    kid: String,
    /// What apps would fetch.
    file_bytes: usize,
    /// Always false.
    published: bool,
}

impl Rehearsal {
    fn new(signed: &SignedConfig) -> Self {
        let config = signed.config();
        Self {
            version: config.claims().version,
            kid: config.kid().to_string(),
            file_bytes: signed.as_bytes().len(),
            published: false,
        }
    }

    fn write_text(&self, text: &mut Text) {
        text.fields(&[
            ("would be release", self.version.to_string()),
            ("signed with", self.kid.clone()),
            ("file", format!("{} bytes", self.file_bytes)),
        ]);
        text.gap().styled_line(GOOD, "Rehearsed: the key signed, and an app would accept the file.");
        text.line("Nothing was published. The signature is thrown away, and the server keeps nothing of it.");
    }
}

impl SigningArgs {
    /// Has it prepared, shows it, signs it here, submits it and follows it to its end.
    pub(crate) async fn release(
        &self,
        intent: Intent,
        guard: &GuardArgs,
        client: &Client,
        project: &Project,
        context: &Context,
    ) -> Result<ReleaseResponse, CommandError> {
        self.release_with(intent, Consent::Ask, guard, client, project, context).await
    }

    /// The same; without `--yes` it is asked as `consent` says.
    pub(crate) async fn release_with(
        &self,
        intent: Intent,
        consent: Consent<'_>,
        guard: &GuardArgs,
        client: &Client,
        project: &Project,
        context: &Context,
    ) -> Result<ReleaseResponse, CommandError> {
        let wait_secs = parse_span_secs(&self.timeout)?;
        let key = self.open_registered_key(project, context).await?;
        let plan = Plan {
            key: &key,
            intent,
            guard,
            consent: if self.yes { Consent::Given } else { consent },
            wait_secs: (!self.no_wait).then_some(wait_secs),
        };
        release(&plan, client, project, context).await
    }

    /// Does what a release does until it would be submitted.
    async fn rehearse(
        &self,
        intent: Intent,
        guard: &GuardArgs,
        client: &Client,
        project: &Project,
        context: &Context,
    ) -> Result<SignedConfig, CommandError> {
        let key = self.open_registered_key(project, context).await?;
        let plan = Plan { key: &key, intent, guard, consent: Consent::Given, wait_secs: None };
        sign(&plan, Purpose::Rehearsal, client, project, context).await
    }

    async fn open_registered_key(&self, project: &Project, context: &Context) -> Result<OpenKey, CommandError> {
        // A wrong key is found before anything is prepared.
        let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
        self.key.open_registered(registered, context).await
    }
}

/// How a draft becomes a release.
pub(crate) struct Plan<'a> {
    /// Signs it.
    pub(crate) key: &'a OpenKey,
    /// What is released, and when.
    pub(crate) intent: Intent,
    /// What the guard may do here, and what it is overruled in.
    pub(crate) guard: &'a GuardArgs,
    /// Whether somebody is asked before it is signed.
    pub(crate) consent: Consent<'a>,
    /// How long to wait until it is live; none: not at all.
    pub(crate) wait_secs: Option<u64>,
}

/// Whether the user is asked before something is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Consent<'a> {
    /// It was given on the command line.
    Given,
    /// It was given for what apps have now; anything else is asked.
    AskIfChanged,
    /// It was given for what apps have now with these pins; anything else is asked.
    AskIfMoreThan(&'a Cover),
    /// It is asked.
    Ask,
}

/// What something is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Release,
    /// To see that it can be done.
    Rehearsal,
}

/// Has a release prepared, shows it, signs it here, submits it and waits until it is live.
pub(crate) async fn release(
    plan: &Plan<'_>,
    client: &Client,
    project: &Project,
    context: &Context,
) -> Result<ReleaseResponse, CommandError> {
    let signed = sign(plan, Purpose::Release, client, project, context).await?;
    let publish_at = plan.intent.publish_at.map(UnixTime::as_secs);
    let request = AcceptReleaseRequest { jws: signed.as_str().to_owned(), publish_at };
    let accepted = client.accept_release(project.reference(), &request).await?;
    match plan.wait_secs {
        None => Ok(accepted),
        Some(wait_secs) => wait_until_live(client, project, accepted, wait_secs, context).await,
    }
}

/// Has a release prepared, shows it and signs it here.
async fn sign(
    plan: &Plan<'_>,
    purpose: Purpose,
    client: &Client,
    project: &Project,
    context: &Context,
) -> Result<SignedConfig, CommandError> {
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let root = derive_root(&project.response, registered)?;
    let Intent { content, unchanged, .. } = plan.intent;
    let overrides = plan.guard.parse()?;
    let request = PrepareReleaseRequest {
        unchanged,
        content,
        rehearsal: purpose == Purpose::Rehearsal,
        override_request: overrides.clone(),
    };
    let prepared = client.prepare_release(project.reference(), &request).await;
    let prepared = prepared.map_err(|error| explain_refusal(error, context))?;
    let payload = Base64::decode_vec(&prepared.claims)
        .map_err(|_| CommandError::PreparedMismatch { what: "the claims are not base64".to_owned() })?;
    let published = find_published(&project.response, &root, context.now).await;
    let floor = published.as_ref().ok().map(|config| (config.recovery_seq(), config.claims().version));
    let claims = check_prepared(&payload, &prepared, &root, floor, context.now)?;
    check_content(&claims, content, client, project, &root).await?;
    let guard = LocalGuard {
        look: &plan.guard.look,
        watch: &load_watch(client, project).await?,
        previous: published.as_ref().ok(),
        now: context.now,
    };
    let findings = guard.judge_claims(&claims).await?.merge(&prepared.findings);
    let published = published.as_ref().map(VerifiedConfig::claims).map_err(String::as_str);

    context.output.say(|text| {
        let title =
            format!("Release {} of {}, to be signed with {}", claims.version, project.display_name(), plan.key.name());
        text.styled_line(STRONG, &title).gap();
        write_review(published, &claims, context.now, text);
        text.gap();
        write_findings(&findings, text);
        text.gap();
    });
    check_findings(&findings, overrides.as_ref())?;
    let is_asked = match plan.consent {
        Consent::Given => false,
        Consent::AskIfChanged => !published.is_ok_and(|published| is_same_content(published, &claims)),
        Consent::AskIfMoreThan(cover) => {
            let expected = published.ok().map(|published| cover.apply(published, context.now));
            let is_more = !expected.is_some_and(|expected| is_same_content(&expected, &claims));
            if is_more {
                context.output.say(|text| {
                    text.styled_line(CAREFUL, "This says more than these pins: look at what else is in the draft.");
                });
            }
            is_more
        }
        Consent::Ask => true,
    };
    if is_asked && !confirm("Sign and release this?")? {
        return Err(CommandError::Declined { what: "signed" });
    }
    // Handed out only if the chain leads apps from the project's first key to this one.
    Ok(sign_config(plan.key.signer(), &payload, &prepared.succession, &root)?)
}

/// The root that the first apps of this project embed.
pub(crate) fn derive_root(project: &ProjectResponse, registered: &ProjectKeyResponse) -> Result<Root, CommandError> {
    let unusable = |error: SetupError| CommandError::Bundle { source_name: "the server's project".to_owned(), error };
    let organization = OrganizationId::parse(&project.organization_id)
        .map_err(|error| unusable(SetupError::Id { member: "organization", error }))?;
    let id = ProjectId::parse(&project.id).map_err(|error| unusable(SetupError::Id { member: "project", error }))?;
    let urls: Result<Vec<_>, _> = project.urls.iter().map(|url| BaseUrl::dangerous_parse_http_loopback(url)).collect();
    let urls = urls.map_err(|error| unusable(error.into()))?;
    let key =
        |member, text: &str| PublicKey::parse_base64(text).map_err(|error| unusable(SetupError::Key { member, error }));
    let public_key = key("public_key", &registered.original_public_key)?;
    let root = Root::new(organization, id, public_key, urls).map_err(unusable)?;
    match &registered.recovery_key {
        None => Ok(root),
        Some(text) => root.with_recovery_key(key("recovery_key", text)?).map_err(unusable),
    }
}

/// What apps have now, or why that is not known.
pub(crate) async fn find_published(
    project: &ProjectResponse,
    root: &Root,
    now: UnixTime,
) -> Result<VerifiedConfig, String> {
    if project.latest_release.is_none() {
        return Err("nothing was released yet".to_owned());
    }
    let fetched =
        fetch_config(root.to_bundle_json().as_bytes(), "the project").await.map_err(|error| error.to_string())?;
    let accepted = verify(&fetched.bytes, &fetched.root, &State::default(), now).map_err(|error| error.to_string())?;
    Ok(accepted.config)
}

/// Reads the prepared bytes and refuses what is not this project's next release after `floor` (`r` and `ver`): what is signed cannot be unsigned.
fn check_prepared(
    payload: &[u8],
    prepared: &PreparedReleaseResponse,
    root: &Root,
    floor: Option<(u64, u64)>,
    now: UnixTime,
) -> Result<Claims, CommandError> {
    let claims = Claims::parse(payload)
        .map_err(|error| CommandError::Config { source_name: "the prepared release".to_owned(), error })?;
    let mismatch = |what: String| Err(CommandError::PreparedMismatch { what });
    if claims.organization != *root.organization() || claims.project != *root.project() {
        return mismatch(format!("it is for {}/{}", claims.organization, claims.project));
    }
    if claims.version != prepared.version {
        return mismatch(format!("it says {} and its claims say {}", prepared.version, claims.version));
    }
    // Recovery first, then the number (P-3.7): what a thief published counts no more.
    let recovery_seq = Chain::evaluate(&prepared.succession, root)
        .map_err(|error| CommandError::Config { source_name: "the prepared succession".to_owned(), error })?
        .recovery_seq();
    if let Some((_, published)) = floor.filter(|floor| *floor >= (recovery_seq, claims.version)) {
        return mismatch(format!("its number {} does not exceed {published}, which is published", claims.version));
    }
    let distance_secs = claims.issued_at.secs_since(now).max(now.secs_since(claims.issued_at));
    if distance_secs > MAX_CLOCK_SKEW_SECS {
        return mismatch(format!("its date is {distance_secs} seconds away from this machine's clock"));
    }
    Ok(claims)
}

/// Refuses claims that say something else than what was asked for.
async fn check_content(
    claims: &Claims,
    content: ReleaseContent,
    client: &Client,
    project: &Project,
    root: &Root,
) -> Result<(), CommandError> {
    let mismatch = |what: &str| Err(CommandError::PreparedMismatch { what: what.to_owned() });
    if claims.withdrawn != (content == ReleaseContent::Withdrawal) {
        return mismatch(if claims.withdrawn { "it is a withdrawal" } else { "it is no withdrawal" });
    }
    let ReleaseContent::Release(version) = content else { return Ok(()) };
    let file = client.read_release_file(project.reference(), version).await?;
    // As on the day it was accepted: what has expired since is to be released anew.
    let then = UnixTime::from_secs(client.read_release(project.reference(), version).await?.accepted_at);
    let earlier = verify(&file, root, &State::default(), then)
        .map_err(|error| CommandError::Config { source_name: format!("release {version}"), error })?
        .config;
    if is_same_content(earlier.claims(), claims) { Ok(()) } else { mismatch("it does not say what that release said") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_sign::{Signer as _, SigningKey, canonical_claims};

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn make_root() -> Root {
        let urls = vec![BaseUrl::parse("https://cdn.example").unwrap()];
        let key = SigningKey::generate().unwrap().public_key();
        Root::new(OrganizationId::parse("org_1").unwrap(), ProjectId::parse("prj_1").unwrap(), key, urls).unwrap()
    }

    fn make_claims(root: &Root, version: u64) -> Claims {
        Claims::new(root.organization().clone(), root.project().clone(), version, NOW)
    }

    fn check(claims: &Claims, said_version: u64, root: &Root, floor: Option<(u64, u64)>) -> Result<Claims, String> {
        let prepared = serde_json::json!({
            "version": said_version, "claims": "", "issued_at": 0, "kid": "", "changes": [], "findings": [],
        });
        let prepared = serde_json::from_value(prepared).unwrap();
        check_prepared(&canonical_claims(claims), &prepared, root, floor, NOW).map_err(|error| error.code().to_owned())
    }

    #[test]
    fn signs_only_the_next_release_of_its_own_project() {
        let root = make_root();
        let mismatch = Err("prepared_mismatch".to_owned());
        let good = make_claims(&root, 4);
        assert_eq!(check(&good, 4, &root, Some((0, 3))), Ok(good.clone()));
        assert_eq!(check(&good, 4, &root, None), Ok(good.clone()));

        assert_eq!(check(&good, 5, &root, None), mismatch, "another number than announced");
        assert_eq!(check(&good, 4, &root, Some((0, 4))), mismatch, "a number that is published already");
        assert_eq!(check(&good, 4, &root, Some((1, 3))), mismatch, "from before a recovery");
        let foreign = Claims { project: ProjectId::parse("prj_2").unwrap(), ..good.clone() };
        assert_eq!(check(&foreign, 4, &root, None), mismatch, "another project");
        let postdated = Claims { issued_at: NOW.saturating_add_secs(MAX_CLOCK_SKEW_SECS + 1), ..good };
        assert_eq!(check(&postdated, 4, &root, None), mismatch, "a date in the future");
    }
}
