use clap::{Args, Subcommand};
use pintle_api::{
    AddDomainRequest, AutoDraft, CtPolicy, CtRequest, CtResponse, DomainResponse, Enforce, EnforceWord, Trust,
    UpdateDomainRequest, client::Client,
};
use pintle_core::claims;

use crate::{
    CommandError,
    context::{Context, Project},
    output::{Listing, Text},
    word::{parse_word, word},
};

/// Commands about the domains of the draft.
#[derive(Subcommand, Clone, Debug)]
pub enum DomainsCommand {
    /// Add a domain to the draft
    Add {
        /// Host name, `*.example.com` (one more label), `**.example.com` (any depth, and itself) or an IP address
        domain: String,
        /// Its settings
        #[command(flatten)]
        settings: DomainSettings,
    },
    /// List the domains of the draft
    List,
    /// Change how a domain of the draft is enforced
    Set {
        /// As listed
        domain: String,
        /// Its settings
        #[command(flatten)]
        settings: DomainSettings,
    },
    /// Remove a domain and its pins from the draft
    Remove {
        /// As listed
        domain: String,
    },
}

/// Settings of one domain.
#[derive(Args, Clone, Debug)]
pub struct DomainSettings {
    /// What a violation does: `always` refuses, `report` only reports, 1 to 99 refuses on that percentage of devices
    #[arg(long, value_name = "WHEN")]
    enforce: Option<String>,
    /// Whose verdict counts besides the pins: `platform` (CA store and pin), `pins` (a leaf pin alone: private PKI)
    #[arg(long, value_name = "WHOM", value_parser = ["platform", "pins"])]
    trust: Option<String>,
    /// Certificate Transparency: `off`, `declared` (names enough of the --ct-log logs), `verified` (enough SCTs verify)
    #[arg(long, value_name = "POLICY", value_parser = ["off", "declared", "verified"])]
    ct: Option<String>,
    /// How many distinct logs must be met [default: 2]
    #[arg(long, value_name = "N")]
    ct_min: Option<u64>,
    /// A log that counts, by its id as `ct show` lists it; repeat it [default for `verified`: all imported logs]
    #[arg(long, value_name = "ID")]
    ct_log: Vec<String>,
    /// A host of the domain that the guard looks at, as WWW.example.com or api.example.com:8443; repeat it; `none` clears
    #[arg(long, value_name = "HOST[:PORT]")]
    watch: Vec<String>,
    /// What the drift monitor proposes to pin by itself when it sees it: `off`, `live` (what servers show), `live-and-ct`;
    /// a proposal counts for nothing until somebody adds it
    #[arg(long, value_name = "WHAT", value_parser = ["off", "live", "live-and-ct"])]
    auto_draft: Option<String>,
}

impl DomainSettings {
    fn parse(&self, current: &CtResponse) -> Result<UpdateDomainRequest, CommandError> {
        let trust = self.trust.as_deref();
        let auto_draft = self.auto_draft.as_deref().map(|word| word.replace('-', "_"));
        Ok(UpdateDomainRequest {
            enforce: self.enforce.as_deref().map(parse_enforce).transpose()?,
            trust: trust
                .map(|trust| parse_word::<Trust>(trust, "trust_invalid", "`platform` or `pins`"))
                .transpose()?,
            ct: self.parse_ct(current)?,
            watch: match self.watch.as_slice() {
                [] => None,
                [none] if none == "none" => Some(Vec::new()),
                hosts => Some(hosts.to_vec()),
            },
            auto_draft: auto_draft
                .map(|word| parse_word::<AutoDraft>(&word, "auto_draft_invalid", "`off`, `live` or `live-and-ct`"))
                .transpose()?,
        })
    }

    /// What is given beside what holds; another policy begins anew.
    fn parse_ct(&self, current: &CtResponse) -> Result<Option<CtRequest>, CommandError> {
        if self.ct.is_none() && self.ct_min.is_none() && self.ct_log.is_empty() {
            return Ok(None);
        }
        let policy = match self.ct.as_deref() {
            Some(word) => parse_word(word, "ct_policy_invalid", "`off`, `declared` or `verified`")?,
            None => current.policy,
        };
        let kept = (policy == current.policy && policy != CtPolicy::Off).then_some(current);
        let logs = if self.ct_log.is_empty() { kept.and_then(|ct| ct.logs.clone()) } else { Some(self.ct_log.clone()) };
        Ok(Some(CtRequest { policy, min: self.ct_min.or(kept.map(|ct| ct.min)), logs }))
    }
}

fn parse_enforce(text: &str) -> Result<Enforce, CommandError> {
    const EXPECTED: &str = "`always`, `report` or a percentage from 0 to 100";
    match text.trim_end_matches('%').parse::<u8>() {
        Ok(percent @ 0..=100) => Ok(Enforce::Percent(percent)),
        _ => parse_word::<EnforceWord>(text, "enforce_invalid", EXPECTED).map(Enforce::Word),
    }
}

/// The same, as claims say it (P-2.5).
pub(super) fn parse_core_enforce(text: &str) -> Result<claims::Enforce, CommandError> {
    Ok(match parse_enforce(text)? {
        Enforce::Word(EnforceWord::Always) | Enforce::Percent(100..) => claims::Enforce::Always,
        Enforce::Word(EnforceWord::Report) | Enforce::Percent(0) => claims::Enforce::Report,
        Enforce::Percent(percent) => claims::Enforce::Percent(percent),
    })
}

pub(crate) async fn run(command: &DomainsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    match command {
        DomainsCommand::Add { domain, settings } => {
            let settings = settings.parse(&CtResponse::default())?;
            let request = AddDomainRequest {
                name: domain.clone(),
                enforce: settings.enforce.unwrap_or_default(),
                trust: settings.trust.unwrap_or_default(),
                ct: settings.ct.unwrap_or_default(),
                watch: settings.watch.unwrap_or_default(),
                auto_draft: settings.auto_draft.unwrap_or_default(),
            };
            let added = client.add_domain(project.reference(), &request).await?;
            context.output.show(&added, |added, text| write_rows(std::slice::from_ref(added), text))
        }
        DomainsCommand::List => {
            let list = Listing { items: client.list_domains(project.reference()).all().await? };
            context.output.show(&list, |list, text| write_rows(&list.items, text))
        }
        DomainsCommand::Set { domain, settings } => {
            let found = find_domain(&client, &project, domain).await?;
            let changed = client.update_domain(project.reference(), &found.id, &settings.parse(&found.ct)?).await?;
            context.output.show(&changed, |changed, text| write_rows(std::slice::from_ref(changed), text))
        }
        DomainsCommand::Remove { domain } => {
            let found = find_domain(&client, &project, domain).await?;
            client.remove_domain(project.reference(), &found.id).await?;
            context.output.show(&found, |found, text| {
                text.line(&format!("Removed {} and its {} pins from the draft.", found.display_name, found.pins.len()));
            })
        }
    }
}

/// The domain of the draft with this name (as stored or as typed) or id.
pub(super) async fn find_domain(
    client: &Client,
    project: &Project,
    name: &str,
) -> Result<DomainResponse, CommandError> {
    choose_domain(client.list_domains(project.reference()).all().await?, name)
}

/// The one of `domains` with this name (as stored or as typed) or id.
pub(super) fn choose_domain(
    domains: impl IntoIterator<Item = DomainResponse>,
    name: &str,
) -> Result<DomainResponse, CommandError> {
    let lower_case = name.to_lowercase();
    let fits = |domain: &DomainResponse| {
        domain.name == lower_case || domain.display_name.to_lowercase() == lower_case || domain.id == name
    };
    domains.into_iter().find(fits).ok_or_else(|| CommandError::NotFound { kind: "domain", name: name.to_owned() })
}

/// The name as typed, with the name as stored where it differs.
pub(super) fn show_name(domain: &DomainResponse) -> String {
    if domain.display_name == domain.name {
        domain.name.clone()
    } else {
        format!("{} ({})", domain.display_name, domain.name)
    }
}

pub(super) fn show_enforce(enforce: Enforce) -> String {
    match enforce {
        Enforce::Percent(percent) => format!("{percent}%"),
        Enforce::Word(when) => word(&when),
    }
}

/// `verified: 2 of all logs`, `declared: 2 of 3 logs`.
pub(super) fn show_ct(ct: &CtResponse) -> String {
    let logs = ct.logs.as_ref().map_or_else(|| "all".to_owned(), |logs| logs.len().to_string());
    match ct.policy {
        CtPolicy::Off => word(&ct.policy),
        CtPolicy::Declared | CtPolicy::Verified => format!("{}: {} of {logs} logs", word(&ct.policy), ct.min),
    }
}

pub(super) fn write_rows(domains: &[DomainResponse], text: &mut Text) {
    let rows: Vec<_> = domains
        .iter()
        .map(|domain| {
            vec![
                show_name(domain),
                show_enforce(domain.enforce),
                word(&domain.trust),
                show_ct(&domain.ct),
                domain.pins.len().to_string(),
                domain.watch.join(", "),
                word(&domain.auto_draft).replace('_', "-"),
            ]
        })
        .collect();
    text.table(
        &["DOMAIN", "ENFORCE", "TRUST", "CT", "PINS", "WATCH", "AUTO-DRAFT"],
        &rows,
        "No domain yet. Add one: pintle domains add NAME",
    );
}
