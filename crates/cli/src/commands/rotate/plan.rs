use std::time::Duration;

use clap::Args;
use pintle_api::DomainResponse;
use pintle_core::UnixTime;
use pintle_service::rotation::{Renewal, RotationPhase, RotationStanding, ServedKey, ServedSight, judge_rotation};
use serde::Serialize;

use super::Change;
use crate::{
    CommandError,
    context::Context,
    guarding::look_at_domain,
    moment::{parse_span_secs, show_moment},
    output::{CAREFUL, GOOD, STRONG, Text},
    word::word,
};

/// Options of `rotate plan`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Domain of the draft
    domain: String,
    /// Do not connect to the domain's servers from this machine
    #[arg(long)]
    no_probe: bool,
}

/// Options of `rotate watch`.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
    /// Domain of the draft
    domain: String,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "15s")]
    every: String,
    /// When to give up
    #[arg(long, value_name = "TIME", default_value = "1h")]
    timeout: String,
}

/// Where a change stands, as commands show it.
#[derive(Serialize)]
pub(super) struct PlanReport {
    domain: String,
    phase: RotationPhase,
    next_step: String,
    next: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_since: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_from: Option<u64>,
    away_days: u16,
    /// Whether a server presents the next key though installations may not know it yet.
    is_early: bool,
    served: Vec<ServedReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateReport>,
    /// The next pin must be live by then to be known everywhere when the certificate in use ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_by: Option<u64>,
}

#[derive(PartialEq, Serialize)]
struct ServedReport {
    endpoint: String,
    key: ServedKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct CertificateReport {
    issuer: String,
    lifetime_days: u64,
    not_after: u64,
    renewal_expected_at: u64,
}

pub(super) async fn run(args: &PlanArgs, context: &Context) -> Result<(), CommandError> {
    let change = Change::load(context, &args.domain).await?;
    let standing = change.stand(!args.no_probe, context.now).await;
    let report = PlanReport::new(&change, &standing);
    context.output.show(&report, PlanReport::write_text)
}

pub(super) async fn watch(args: &WatchArgs, context: &Context) -> Result<(), CommandError> {
    let every = Duration::from_secs(parse_span_secs(&args.every)?.max(1));
    let timeout = Duration::from_secs(parse_span_secs(&args.timeout)?);
    let change = Change::load(context, &args.domain).await?;
    let started = tokio::time::Instant::now();
    let mut last_seen: Option<Vec<ServedReport>> = None;
    loop {
        let now = context.now.saturating_add_secs(started.elapsed().as_secs());
        let standing = change.stand(true, now).await;
        let seen: Vec<_> = standing.served.iter().map(ServedReport::new).collect();
        if last_seen.as_ref() != Some(&seen) {
            context.output.say(|text| {
                text.styled_line(STRONG, &show_moment(now));
                write_served(&seen, text);
            });
            last_seen = Some(seen);
        }
        let is_over = matches!(standing.phase, RotationPhase::Switched | RotationPhase::Retiring | RotationPhase::Done);
        if is_over {
            return context.output.show(&PlanReport::new(&change, &standing), PlanReport::write_text);
        }
        if started.elapsed() + every > timeout {
            return Err(CommandError::NotSwitched { domain: change.domain.name.clone() });
        }
        tokio::time::sleep(every).await;
    }
}

impl Change {
    /// Where it stands, looked at from this machine if that is wanted.
    pub(super) async fn stand(&self, may_look: bool, now: UnixTime) -> RotationStanding {
        let observations = if may_look { look_at_domain(&self.domain).await } else { Vec::new() };
        judge_rotation(&self.rotation, &observations, now)
    }
}

impl PlanReport {
    pub(super) fn new(change: &Change, standing: &RotationStanding) -> Self {
        let Change { domain, rotation, .. } = change;
        Self {
            domain: domain.name.clone(),
            phase: standing.phase,
            next_step: describe_step(standing.phase, domain, rotation.safe_from),
            next: format!("{}:{}", word(&rotation.next.pin_type), rotation.next.digest),
            live_since: rotation.live_since,
            safe_from: rotation.safe_from,
            away_days: rotation.away_days,
            is_early: standing.is_early,
            served: standing.served.iter().map(ServedReport::new).collect(),
            certificate: standing.renewal.as_ref().map(CertificateReport::new),
            release_by: standing.release_by.map(UnixTime::as_secs),
        }
    }

    /// Once nobody remembers it.
    pub(super) fn over(self) -> Self {
        Self { next_step: "nothing: the change is over, and the next key is the only one left".to_owned(), ..self }
    }

    pub(super) fn write_text(&self, text: &mut Text) {
        let moment =
            |at: Option<u64>| at.map_or_else(|| "not yet".to_owned(), |at| show_moment(UnixTime::from_secs(at)));
        text.styled_line(STRONG, &format!("{}: {}", self.domain, word(&self.phase).replace('_', " ")));
        let mut fields = vec![
            ("next key", self.next.clone()),
            ("live since", moment(self.live_since)),
            ("safe from", format!("{}, for apps offline up to {} days", moment(self.safe_from), self.away_days)),
        ];
        if let Some(certificate) = &self.certificate {
            fields.push(("certificate", certificate.describe()));
        }
        if let (Some(release_by), None) = (self.release_by, self.live_since) {
            fields.push(("release by", show_moment(UnixTime::from_secs(release_by))));
        }
        text.indented(|text| {
            text.fields(&fields);
            write_served(&self.served, text);
        });
        if self.is_early {
            text.labelled_line(
                CAREFUL,
                "early",
                "a server presents the next key already: apps that do not know it yet refuse until they have fetched",
            );
        }
        text.gap().labelled_line(GOOD, "next", &self.next_step);
    }
}

impl CertificateReport {
    fn new(renewal: &Renewal) -> Self {
        Self {
            issuer: renewal.issuer.clone(),
            lifetime_days: renewal.lifetime_secs / 86_400,
            not_after: renewal.not_after.as_secs(),
            renewal_expected_at: renewal.expected_at.as_secs(),
        }
    }

    fn describe(&self) -> String {
        let moment = |at| show_moment(UnixTime::from_secs(at));
        format!(
            "of {} for {} days, ends {}; renewal is to be expected around {}",
            self.issuer,
            self.lifetime_days,
            moment(self.not_after),
            moment(self.renewal_expected_at)
        )
    }
}

impl ServedReport {
    fn new(sight: &ServedSight) -> Self {
        Self { endpoint: sight.endpoint.to_string(), key: sight.key, problem: sight.problem.clone() }
    }
}

fn write_served(served: &[ServedReport], text: &mut Text) {
    for sight in served {
        let (style, what) = describe_key(sight.key);
        let problem = sight.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
        text.labelled_line(style, &sight.endpoint, &format!("{what}{problem}"));
    }
    if served.is_empty() {
        text.line("No server was looked at.");
    }
}

fn describe_key(key: ServedKey) -> (anstyle::Style, &'static str) {
    match key {
        ServedKey::Next => (GOOD, "next key"),
        ServedKey::Retiring => (STRONG, "old key"),
        ServedKey::Other => (CAREFUL, "another key"),
        ServedKey::Unseen => (CAREFUL, "not seen"),
    }
}

fn describe_step(phase: RotationPhase, domain: &DomainResponse, safe_from: Option<u64>) -> String {
    let name = &domain.name;
    match phase {
        RotationPhase::NotDrafted => {
            format!("the pin of the next key has left the draft: `pintle rotate start {name}` pins it again")
        }
        RotationPhase::NotReleased => "release the draft: `pintle release`".to_owned(),
        RotationPhase::Spreading => {
            let from = safe_from.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default();
            format!("wait until {from}; then install a certificate of the next key")
        }
        RotationPhase::Ready => {
            format!("install a certificate of the next key, and see it arrive: `pintle rotate watch {name}`")
        }
        RotationPhase::Switching => format!("go on with the servers that lag: `pintle rotate watch {name}`"),
        RotationPhase::Switched => {
            format!("once you will not go back to the old key, retire its pins: `pintle rotate finish {name}`")
        }
        RotationPhase::Retiring => {
            format!("release the draft, then `pintle rotate finish {name}` once more")
        }
        RotationPhase::Done => format!("nothing but `pintle rotate finish {name}`, which ends the change"),
    }
}
