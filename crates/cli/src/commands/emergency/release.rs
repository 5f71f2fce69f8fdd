use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use pintle_core::{Root, claims::Claims, succession::Chain, verify};
use pintle_publish::{Outcome, Publication, Purge};
use pintle_service::{
    emergency::{
        Arrival, Base, Edit, Export, MAX_EXPORT_BYTES, OpenTarget, Sighting, Target, find_base, publish_to_all,
        verify_even_expired,
    },
    guard::Watch,
};
use pintle_sign::{canonical_claims, sign_config};
use serde::Serialize;

use super::{
    DEFAULT_EXPORT, DEFAULT_SIGNED, TargetArgs,
    edits::EditArgs,
    load_signed, open_all,
    purge::{PurgeArgs, PurgeReport, tell},
    read_all,
};
use crate::{
    CommandError,
    commands::look::WayArgs,
    context::Context,
    error::EmergencyFailure,
    fetch::fetch_config,
    file::{Audience, Existing, read_file, write_file},
    guarding::{GuardArgs, LocalGuard, check_findings, write_findings},
    key::{KeyArgs, KeyRole},
    moment::parse_span_secs,
    output::{BAD, CAREFUL, GOOD, STRONG, Text},
    review::write_review,
    root::load_root,
    secret::confirm,
};

/// The CDN may be down as well: it is asked for this long.
const FETCH_LIMIT: Duration = Duration::from_secs(15);

/// Options of `emergency release`.
#[derive(Args, Clone, Debug)]
pub struct EmergencyReleaseArgs {
    #[command(flatten)]
    known: KnownArgs,
    #[command(flatten)]
    edits: EditArgs,
    #[command(flatten)]
    way: WayArgs,
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    purge: PurgeArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    guard: GuardArgs,
    /// Where the signed release is kept, to be finished after an interruption and given to the server afterwards
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SIGNED)]
    signed: PathBuf,
    /// Sign and publish without asking
    #[arg(long, short)]
    yes: bool,
    /// Rehearse: everything but signing and publishing
    #[arg(long)]
    dry_run: bool,
    /// How long one target may take
    #[arg(long, value_name = "SPAN", default_value = "60s")]
    timeout: String,
}

/// What is known of the project.
#[derive(Args, Clone, Debug)]
pub struct KnownArgs {
    /// The export of a good day
    #[arg(long, value_name = "FILE", default_value = DEFAULT_EXPORT)]
    export: PathBuf,
    /// Instead of an export: the app's bundle; what is live is fetched, or given with --live
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    bundle: Option<PathBuf>,
    /// The live file, if the CDN cannot be asked from here
    #[arg(long, value_name = "FILE")]
    live: Option<PathBuf>,
}

/// What there is to go on from.
struct Known {
    root: Root,
    succession: Vec<String>,
    last_version: u64,
    targets: Vec<Target>,
    project: String,
    second_person: bool,
    /// The release in the export.
    exported: Option<Sighting>,
}

/// Result of `emergency release`.
#[derive(Serialize)]
struct EmergencyReport {
    release: u64,
    follows: u64,
    /// The signed release; none of a rehearsal.
    file: Option<PathBuf>,
    published: bool,
    targets: Vec<TargetReport>,
    /// Of the CDNs that were told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<PurgeReport>,
    /// Signing to the last read-back; milliseconds.
    took_ms: u128,
}

#[derive(Serialize)]
struct TargetReport {
    target: String,
    /// `live`, `superseded`, `failed` or `waiting`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(crate) async fn run(args: &EmergencyReleaseArgs, context: &Context) -> Result<(), CommandError> {
    let limit = Duration::from_secs(parse_span_secs(&args.timeout)?);
    let known = args.known.load(context)?;
    let given = args.targets.targets();
    let places = if given.is_empty() { &known.targets } else { &given };
    if places.is_empty() {
        return Err(EmergencyFailure::NoTargets.into());
    }
    let targets = open_all(places)?;
    let purge = args.purge.read()?;
    let edits = args.edits.load(&args.way, context).await?;
    let overrides = args.guard.parse()?;
    let sightings = known.look(args.known.live.as_deref(), &targets, limit, context).await?;
    let base = find_base_and_tell(&known.root, sightings.clone(), context)?;
    let succession = base.continue_succession(&known.succession, &known.root).map_err(not_acceptable)?;

    if let Some(unfinished) = find_unfinished(args, &known.root, &base, &sightings, &targets, &edits, context)? {
        let version = unfinished.version();
        context.output.say(|text| {
            text.styled_line(STRONG, &format!("Release {version} was signed before and is not live everywhere."));
            text.line("It is finished now; nothing is signed again.").gap();
        });
        return publish(args, &known, &base, &unfinished, &targets, purge.as_ref(), context).await;
    }

    let claims = args.make_claims(&known, &base, &edits, context)?;
    let key = args.key.open(context).await?;
    let expected = Chain::evaluate(&succession, &known.root).map_err(not_acceptable)?.current_key().kid();
    key.check_is_registered(&expected.to_string(), KeyRole::Signing)?;
    let payload = canonical_claims(&claims);
    let guard = LocalGuard {
        look: &args.guard.look,
        // No server tells which hosts stand for a wildcard.
        watch: &Watch::new(),
        previous: Some(&base.accepted.config),
        now: context.now,
    };
    let findings = guard.judge_claims(&claims).await?.findings;
    context.output.say(|text| {
        let title =
            format!("Emergency release {} of {}, to be signed with {}", claims.version, known.project, args.key.name());
        text.styled_line(STRONG, &title).gap();
        write_review(Ok(base.claims()), &claims, context.now, text);
        text.gap().line("It goes straight to:");
        text.indented(|text| {
            for place in places {
                text.line(&place.place.to_string());
            }
        });
        text.gap();
        write_findings(&findings, text);
        text.gap();
    });
    check_findings(&findings, overrides.as_ref())?;
    if args.dry_run {
        let report = EmergencyReport {
            release: claims.version,
            follows: base.claims().version,
            file: None,
            published: false,
            targets: Vec::new(),
            told: Vec::new(),
            took_ms: 0,
        };
        return context.output.show(&report, |report, text| {
            text.styled_line(GOOD, &format!("Rehearsed: release {} could be signed now.", report.release));
            text.line("The key opened, every target was read, and nothing was written.");
        });
    }
    if !args.yes && !confirm("Sign and publish this?")? {
        return Err(CommandError::Declined { what: "signed" });
    }
    let signed = sign_config(key.signer(), &payload, &succession, &known.root)?;
    // As the apps will that have the base now.
    verify(signed.as_bytes(), &known.root, &base.accepted.state, context.now).map(drop).map_err(not_acceptable)?;
    write_file(&args.signed, signed.as_bytes(), Audience::Everybody, Existing::Replace)?;
    let publication = Publication::verify(known.root.clone(), signed.as_bytes().to_vec(), context.now)
        .map_err(not_acceptable)?
        .after([base.claims().version]);
    publish(args, &known, &base, &publication, &targets, purge.as_ref(), context).await
}

impl KnownArgs {
    fn load(&self, context: &Context) -> Result<Known, CommandError> {
        if let Some(path) = &self.bundle {
            let root = load_root(path)?;
            let project = format!("{}/{}", root.organization(), root.project());
            return Ok(Known {
                root,
                succession: Vec::new(),
                last_version: 0,
                targets: Vec::new(),
                project,
                second_person: false,
                exported: None,
            });
        }
        let bytes = read_file(&self.export, MAX_EXPORT_BYTES)?;
        let unusable = |error| EmergencyFailure::Export { path: self.export.clone(), error };
        let export = Export::parse(&bytes, context.now).map_err(unusable)?;
        let content = export.content();
        Ok(Known {
            root: export.root().clone(),
            succession: content.succession.clone(),
            last_version: content.last_version,
            targets: content.targets.clone(),
            project: content.project.clone(),
            second_person: content.second_person,
            exported: Some(export.sighting()),
        })
    }
}

impl Known {
    /// Everything that shows the project's release: the export, the CDN or a file, and every target.
    async fn look(
        &self,
        live: Option<&Path>,
        targets: &[OpenTarget],
        limit: Duration,
        context: &Context,
    ) -> Result<Vec<Sighting>, CommandError> {
        let mut sightings: Vec<_> = self.exported.iter().cloned().collect();
        match live {
            Some(path) => sightings.push(Sighting { source: path.display().to_string(), bytes: load_signed(path)? }),
            None => sightings.extend(self.fetch_live(context).await),
        }
        sightings.extend(read_all(targets, &self.root, limit).await?);
        Ok(sightings)
    }

    /// What apps get. On a bad day that may be nothing.
    async fn fetch_live(&self, context: &Context) -> Option<Sighting> {
        let bundle = self.root.to_bundle_json();
        let fetched = tokio::time::timeout(FETCH_LIMIT, fetch_config(bundle.as_bytes(), "the bundle")).await;
        let reason = match fetched {
            Ok(Ok(fetched)) => return Some(Sighting { source: "the CDN".to_owned(), bytes: fetched.bytes }),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} seconds", FETCH_LIMIT.as_secs()),
        };
        context.output.say(|text| {
            text.styled_line(CAREFUL, &format!("warning[live_unknown]: what apps get now is not known: {reason}"));
        });
        None
    }
}

impl EmergencyReleaseArgs {
    fn make_claims(
        &self,
        known: &Known,
        base: &Base,
        edits: &[Edit],
        context: &Context,
    ) -> Result<Claims, CommandError> {
        let last = known.last_version.max(base.claims().version);
        let failed = |error| CommandError::from(EmergencyFailure::Base(error));
        if self.edits.is_withdrawal() {
            return base.next_withdrawal(last, context.now).map_err(failed);
        }
        let mut claims = if self.edits.is_restoration() {
            let exported = known.exported.iter().cloned().collect();
            let (earlier, _) = find_base(&known.root, exported, context.now).map_err(failed)?;
            earlier.next_claims(last, context.now).map_err(failed)?
        } else {
            base.next_claims(last, context.now).map_err(failed)?
        };
        Edit::apply_all(edits, &mut claims).map_err(EmergencyFailure::Edit)?;
        Ok(claims)
    }
}

fn find_base_and_tell(root: &Root, sightings: Vec<Sighting>, context: &Context) -> Result<Base, CommandError> {
    let (base, rejected) = find_base(root, sightings, context.now).map_err(EmergencyFailure::Base)?;
    context.output.say(|text| {
        for (source, error) in &rejected {
            text.styled_line(BAD, &format!("warning[not_genuine]: {source} shows no genuine release: {error}"));
        }
        text.line(&format!("It goes on from release {}, as {} shows it.", base.claims().version, base.source)).gap();
    });
    Ok(base)
}

/// A release that was signed here and does not lie on every target yet. One that does, or that something higher took the
/// place of, is history: its file may be replaced.
fn find_unfinished(
    args: &EmergencyReleaseArgs,
    root: &Root,
    base: &Base,
    sightings: &[Sighting],
    targets: &[OpenTarget],
    edits: &[Edit],
    context: &Context,
) -> Result<Option<Publication>, CommandError> {
    if args.dry_run || !args.signed.exists() {
        return Ok(None);
    }
    let bytes = load_signed(&args.signed)?;
    let signed = verify_even_expired(&bytes, root, context.now)
        .map_err(|error| CommandError::Config { source_name: args.signed.display().to_string(), error })?;
    let shown = targets
        .iter()
        .filter(|target| {
            let source = target.target.place.to_string();
            sightings.iter().any(|sighting| sighting.source == source && sighting.bytes == bytes)
        })
        .count();
    let position =
        |accepted: &pintle_core::Accepted| (accepted.config.recovery_seq(), accepted.config.claims().version);
    let is_overtaken = position(&base.accepted) > position(&signed);
    if shown == targets.len() || is_overtaken {
        return Ok(None);
    }
    let claims = signed.config.claims();
    if claims.withdrawn != args.edits.is_withdrawal() || !(claims.withdrawn || Edit::are_made(edits, claims)) {
        let (path, version) = (args.signed.clone(), claims.version);
        return Err(EmergencyFailure::AnotherUnfinished { path, version }.into());
    }
    let publication = Publication::verify(root.clone(), bytes, context.now).map_err(not_acceptable)?;
    Ok(Some(publication))
}

async fn publish(
    args: &EmergencyReleaseArgs,
    known: &Known,
    base: &Base,
    publication: &Publication,
    targets: &[OpenTarget],
    purge: Option<&Purge>,
    context: &Context,
) -> Result<(), CommandError> {
    let limit = Duration::from_secs(parse_span_secs(&args.timeout)?);
    let begun = Instant::now();
    let arrivals = publish_to_all(targets, publication, limit, context.now).await;
    let version = publication.version();
    let mut report = EmergencyReport {
        release: version,
        follows: base.claims().version,
        file: Some(args.signed.clone()),
        published: arrivals.iter().all(Arrival::is_live),
        targets: arrivals.iter().map(describe).collect(),
        told: Vec::new(),
        took_ms: begun.elapsed().as_millis(),
    };
    if !report.published {
        context.output.say(|text| write_targets(&report.targets, text));
        let is_overtaken = arrivals.iter().any(Arrival::is_overtaken);
        let (path, live) = (args.signed.clone(), arrivals.iter().filter(|arrival| arrival.is_live()).count());
        return Err(match is_overtaken {
            true => EmergencyFailure::Overtaken { version },
            false => EmergencyFailure::Unfinished { version, live, targets: arrivals.len(), path },
        }
        .into());
    }
    if let Some(purge) = purge {
        report.told = tell(purge, &known.root).await;
    }
    context.output.show(&report, |report, text| {
        write_targets(&report.targets, text);
        for PurgeReport { url, error } in &report.told {
            match error {
                None => text.line(&format!("  {url}: told")),
                Some(error) => {
                    text.styled_line(CAREFUL, &format!("  warning[cdn_not_told]: {url}: {error}"));
                    text.line("  It shows the release when its copy ends; tell it by hand if that is too late.")
                }
            };
        }
        text.styled_line(GOOD, &format!("release {}: live on every target, read back", report.release));
        text.line(&format!("The signed file is {}. When the server is back:", args.signed.display()));
        text.line("  pintle emergency reconcile");
        if known.second_person {
            text.line("The project asks for a second person, who looks at it then: pintle releases approve");
        }
    })
}

fn describe(arrival: &Arrival) -> TargetReport {
    let (state, error) = match &arrival.result {
        None => ("waiting", None),
        Some(Ok(Outcome::Live)) => ("live", None),
        Some(Ok(Outcome::Superseded)) => ("superseded", None),
        Some(Err(error)) => ("failed", Some(error.to_string())),
    };
    TargetReport { target: arrival.target.clone(), state, error }
}

fn write_targets(targets: &[TargetReport], text: &mut Text) {
    for target in targets {
        match &target.error {
            None => text.line(&format!("  {}: {}", target.target, target.state)),
            Some(error) => text.styled_line(CAREFUL, &format!("  {}: {}: {error}", target.target, target.state)),
        };
    }
}

fn not_acceptable(error: pintle_core::ConfigError) -> CommandError {
    CommandError::Config { source_name: "the release".to_owned(), error }
}
