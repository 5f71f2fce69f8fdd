//! Looking from inside another network, for a server that cannot see there.

use std::{path::PathBuf, time::Duration};

use base64ct::{Base64, Encoding};
use clap::{Args, Subcommand};
use pintle_api::{
    AddProbeAgentRequest, Concern, DriftResponse, DriftState, PROBE_REPORT_CONTEXT, ProbeAgentResponse, ProbeReport,
    ProbeReportRequest, ProbeTaskResponse, ProbedDomain, ProbedEndpoint, ProbedSight, client::Client,
};
use pintle_core::{PublicKey, UnixTime};
use pintle_discover::{AddressPolicy, Endpoint};
use pintle_service::guard::{LookSettings, Observation, Sight, look};
use pintle_sign::KeyReference;
use serde::Serialize;

use crate::{
    CommandError,
    context::{Context, Project},
    key::{KeyArgs, OpenKey, open_key},
    moment::{parse_span_secs, show_moment},
    output::{BAD, CAREFUL, GOOD, Listing, STRONG, Text},
    read_clock,
};

/// Domains that are looked at, and reported, together.
const DOMAINS_AT_ONCE: usize = 50;
/// All of them together may take so long: the report is refused when it is five minutes old.
const LOOK_LIMIT: Duration = Duration::from_secs(120);

/// Commands about looking from inside other networks.
#[derive(Subcommand, Clone, Debug)]
pub enum ProbeCommand {
    /// Look at the domains of the live release from this machine, and report to the server, signed
    #[command(after_help = "\
It needs a token with the scope `read`, best limited to the project, and the key whose public half was registered with \
`pintle probe add`: reports count by their signature. Names are resolved here, and connections made wherever they lead. The server \
judges what is reported; `pintle drift` shows it under the agent's name.")]
    Run(RunArgs),
    /// List the agents of the organization, and when each reported last
    List,
    /// Let a machine inside another network report: its name becomes a vantage point
    Add {
        /// What `pintle drift` calls it: a-z, 0-9 and `-`
        name: String,
        /// Its key, made with `pintle keys generate --out agent.pem`; only the public half is sent
        #[arg(long, value_name = "KEY", required_unless_present = "public_key")]
        key: Option<KeyReference>,
        /// Its public half alone, in base64, where the key is on another machine
        #[arg(long, value_name = "BASE64", conflicts_with = "key")]
        public_key: Option<String>,
        /// Read the key's password from the first line of FILE
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Take no report of an agent any more, and believe nothing on its word
    Remove {
        /// Its name
        name: String,
    },
}

/// Options of `probe run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Look once, instead of again and again
    #[arg(long)]
    once: bool,
    /// From one look to the next, as in 30m
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = parse_interval)]
    interval: u64,
}

fn parse_interval(text: &str) -> Result<u64, String> {
    match parse_span_secs(text) {
        Ok(secs @ 60..=604_800) => Ok(secs),
        _ => Err("expected a span from 1m to 7d".to_owned()),
    }
}

/// Result of one look.
#[derive(Serialize)]
struct Report {
    agent: String,
    /// How many domains the server took.
    reported: usize,
    drift: Vec<DriftResponse>,
}

pub(crate) async fn run(command: &ProbeCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        ProbeCommand::Run(args) => run_agent(args, &client, context).await,
        ProbeCommand::List => {
            let organization = context.find_organization(&client).await?;
            let list = Listing { items: client.list_probe_agents(&organization.id).all().await? };
            context.output.show(&list, |list, text| write_agents(&list.items, text))
        }
        ProbeCommand::Add { name, key, public_key, password_file } => {
            let organization = context.find_organization(&client).await?;
            let public_key = match (key, public_key) {
                (Some(key), _) => open_key(key, password_file.as_deref(), context).await?.public_key().to_base64(),
                (None, text) => text.clone().unwrap_or_default(),
            };
            let request = AddProbeAgentRequest { name: name.clone(), public_key };
            let added = client.add_probe_agent(&organization.id, &request).await?;
            context.output.show(&added, |added, text| {
                text.line(&format!("{} may report what it sees. On its machine:", added.name));
                text.line("  pintle probe run --key agent.pem");
            })
        }
        ProbeCommand::Remove { name } => {
            let organization = context.find_organization(&client).await?;
            let agents = client.list_probe_agents(&organization.id).all().await?;
            let agent = agents.into_iter().find(|agent| agent.name == *name || agent.id == *name);
            let agent = agent.ok_or_else(|| no_such_agent(name))?;
            client.remove_probe_agent(&organization.id, &agent.id).await?;
            context.output.show(&serde_json::json!({ "name": agent.name, "id": agent.id }), |_, text| {
                text.line(&format!("Nothing is believed on the word of {} any more.", agent.name));
            })
        }
    }
}

fn no_such_agent(name: &str) -> CommandError {
    CommandError::NotFound { kind: "probe agent", name: name.to_owned() }
}

fn write_agents(agents: &[ProbeAgentResponse], text: &mut Text) {
    let cells = |agent: &ProbeAgentResponse| {
        let last = agent.last_report_at.map_or("never".to_owned(), |at| show_moment(UnixTime::from_secs(at)));
        let kid = PublicKey::parse_base64(&agent.public_key).map(|key| key.kid().to_string()).unwrap_or_default();
        vec![agent.name.clone(), last, kid]
    };
    let rows: Vec<_> = agents.iter().map(cells).collect();
    text.table(&["NAME", "LAST REPORT", "KEY"], &rows, "There is no agent: `pintle probe add` makes one.");
}

async fn run_agent(args: &RunArgs, client: &Client, context: &Context) -> Result<(), CommandError> {
    let project = context.find_project(client).await?;
    let key = args.key.open(context).await?;
    let public_key = key.public_key().to_base64();
    let agents = client.list_probe_agents(&project.response.organization_id).all().await?;
    let agent =
        agents.into_iter().find(|agent| agent.public_key == public_key).ok_or_else(|| no_such_agent(&key.kid()))?;
    let agent = Agent { client, project: &project, key: &key, agent };
    if args.once {
        let report = agent.look_around().await?;
        return context.output.show(&report, write_report);
    }
    loop {
        match agent.look_around().await {
            Ok(report) => context.output.show(&report, write_report)?,
            // The next look may find the server again.
            Err(error) => error.to_failure().report(context.output.format),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

struct Agent<'a> {
    client: &'a Client,
    project: &'a Project,
    key: &'a OpenKey,
    agent: ProbeAgentResponse,
}

impl Agent<'_> {
    /// Looks at every domain, and reports part by part.
    async fn look_around(&self) -> Result<Report, CommandError> {
        let tasks = self.client.list_probe_tasks(self.project.reference()).all().await?;
        let mut report = Report { agent: self.agent.name.clone(), reported: 0, drift: Vec::new() };
        for tasks in tasks.chunks(DOMAINS_AT_ONCE) {
            let answer = self.client.report_probe(self.project.reference(), &self.sign(look_at(tasks).await)?).await?;
            report.reported += answer.drift.len();
            report.drift.extend(answer.drift);
        }
        Ok(report)
    }

    fn sign(&self, domains: Vec<ProbedDomain>) -> Result<ProbeReportRequest, CommandError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let report = ProbeReport {
            agent: self.agent.id.clone(),
            organization: self.project.response.organization_id.clone(),
            project: self.project.response.id.clone(),
            sent_at: read_clock().as_secs(),
            // Rises without a memory, also for reports of one second.
            seq: u64::try_from(now.as_micros()).unwrap_or(u64::MAX),
            domains,
        };
        let text = serde_json::to_string(&report).map_err(|error| CommandError::Internal(error.to_string()))?;
        let signed = format!("{PROBE_REPORT_CONTEXT}{text}");
        let signature = self.key.signer().sign(signed.as_bytes())?;
        Ok(ProbeReportRequest {
            agent: self.agent.id.clone(),
            report: text,
            signature: Base64::encode_string(&signature),
        })
    }
}

async fn look_at(tasks: &[ProbeTaskResponse]) -> Vec<ProbedDomain> {
    let parse = |task: &ProbeTaskResponse| -> Vec<Endpoint> {
        task.endpoints.iter().filter_map(|text| Endpoint::parse(text).ok()).collect()
    };
    let mut endpoints: Vec<_> = tasks.iter().flat_map(parse).collect();
    endpoints.dedup();
    let settings = LookSettings { total_limit: LOOK_LIMIT, ..LookSettings::new(AddressPolicy::anywhere()) };
    let seen = look(endpoints, &settings).await;
    let domain = |task: &ProbeTaskResponse| {
        let own = parse(task);
        let endpoints = seen.iter().filter(|seen| own.contains(&seen.endpoint)).map(describe).collect();
        ProbedDomain { domain: task.domain.clone(), endpoints }
    };
    tasks.iter().map(domain).collect()
}

fn describe(seen: &Observation) -> ProbedEndpoint {
    let sight = |sight: &Sight| match sight {
        Sight::Chain { address, chain, ocsp_response } => ProbedSight::Chain {
            address: address.map(|address| address.to_string()),
            certificates: chain.iter().map(|der| Base64::encode_string(der)).collect(),
            ocsp_response: Base64::encode_string(ocsp_response),
        },
        Sight::Unreachable { problem } => ProbedSight::Unreachable(problem.clone()),
        Sight::NotLookedAt { problem } => ProbedSight::NotLookedAt(problem.clone()),
    };
    ProbedEndpoint { endpoint: seen.endpoint.to_string(), sights: seen.sights.iter().map(sight).collect() }
}

fn write_report(report: &Report, text: &mut Text) {
    let number = if report.reported == 1 { "1 domain".to_owned() } else { format!("{} domains", report.reported) };
    text.styled_line(STRONG, &format!("{} reported {number}.", report.agent));
    let mut is_fine = true;
    for row in &report.drift {
        let Some(state) = row.state.filter(|state| state.concern() > Concern::None) else { continue };
        is_fine = false;
        let style = if state.concern() == Concern::Error { BAD } else { CAREFUL };
        text.labelled_line(style, &format!("{}[{}]", DriftState::as_str(state), row.subject), &row.detail);
    }
    if is_fine {
        text.styled_line(GOOD, "Nothing needs to be done.");
    }
}
