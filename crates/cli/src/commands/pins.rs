use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use pintle_api::{AddPinRequest, DomainResponse, PinExpiry, PinOrigin, PinResponse, UpdatePinRequest};
use pintle_core::{
    UnixTime,
    claims::{PinDigest, PinMatch, PinType},
};
use pintle_discover::{AddressPolicy, CertificateFacts, Endpoint, MAX_FILE_BYTES, Offer, Prober, parse_certificates};

use super::domains::find_domain;
use crate::{
    CommandError,
    context::Context,
    file::read_file,
    moment::{parse_moment, show_moment, show_moment_from},
    output::{Listing, STRONG, Text},
    word::{parse_word, word},
};

/// Commands about the pins of the draft.
#[derive(Subcommand, Clone, Debug)]
pub enum PinsCommand {
    /// Add a pin to a domain of the draft
    #[command(after_help = "\
What a server shows is what the network lets you see: compare it with what you know of the certificate before you \
release it. --from-file and --pin need no such trust.")]
    Add(AddArgs),
    /// List the pins of the draft
    List {
        /// Only of this domain
        domain: Option<String>,
    },
    /// Change label or expiry of a pin of the draft
    Set {
        /// Domain of the draft
        domain: String,
        /// The pin: its label, id, TYPE:DIGEST, or the beginning of its digest
        pin: String,
        /// What changes
        #[command(flatten)]
        changes: PinChanges,
    },
    /// Remove a pin from a domain of the draft
    Remove {
        /// Domain of the draft
        domain: String,
        /// The pin: its label, id, TYPE:DIGEST, or the beginning of its digest
        pin: String,
    },
}

/// Options of `pins add`.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// Domain of the draft [default: the host given to --from-host]
    #[arg(required_unless_present = "from_host")]
    domain: Option<String>,
    #[command(flatten)]
    source: PinSource,
    /// What to pin: the key survives renewals that keep it, the certificate does not
    #[arg(
        long = "type", value_name = "TYPE", default_value = PinType::SpkiSha256.as_str(),
        value_parser = PossibleValuesParser::new(PinType::ALL.iter().map(|kind| kind.as_str())), conflicts_with = "pin"
    )]
    pin_type: String,
    /// Pin the server's own certificate (the first of the chain); the default
    #[arg(long, conflicts_with_all = ["issuer", "pin"])]
    leaf: bool,
    /// Pin the certificate that issued it (the second of the chain)
    #[arg(long, conflicts_with = "pin")]
    issuer: bool,
    /// Where in the verified path the pin may match [default: where the certificate stood, leaf or issuer]
    #[arg(
        long = "match", value_name = "WHERE",
        value_parser = PossibleValuesParser::new(PinMatch::ALL.iter().map(|place| place.as_str()))
    )]
    pin_match: Option<String>,
    /// A note for people, never published
    #[arg(long)]
    label: Option<String>,
    /// When the pin stops counting, as in 2027-06-30
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

/// What `pins set` changes.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct PinChanges {
    /// A note for people, never published; empty: none
    #[arg(long)]
    label: Option<String>,
    /// When the pin stops counting, as in 2027-06-30, or `never`
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

/// Where a pin comes from.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct PinSource {
    /// Look at what a server presents; without a value, at the domain itself on port 443
    #[arg(long, value_name = "HOST[:PORT]", num_args = 0..=1, default_missing_value = "")]
    from_host: Option<String>,
    /// Read certificates from a file, PEM or DER
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Give the pin itself, as in spki-sha256:BASE64
    #[arg(long, value_name = "TYPE:BASE64")]
    pin: Option<String>,
}

impl PinSource {
    fn origin(&self) -> PinOrigin {
        match (&self.from_host, &self.from_file) {
            (Some(_), _) => PinOrigin::Fetched,
            (None, Some(_)) => PinOrigin::File,
            (None, None) => PinOrigin::ByHand,
        }
    }
}

pub(crate) async fn run(command: &PinsCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        PinsCommand::Add(args) => add(args, context).await,
        PinsCommand::List { domain } => list(domain.as_deref(), context).await,
        PinsCommand::Set { domain, pin, changes } => set(domain, pin, changes, context).await,
        PinsCommand::Remove { domain, pin } => remove(domain, pin, context).await,
    }
}

async fn add(args: &AddArgs, context: &Context) -> Result<(), CommandError> {
    // Everything given is read before the first question to the server.
    let endpoint = args.endpoint()?;
    let expires_at = args.expires_at.as_deref().map(parse_moment).transpose()?;
    let domain_name = match (&args.domain, &endpoint) {
        (Some(domain), _) => domain.clone(),
        (None, Some(endpoint)) => endpoint.host.to_string(),
        (None, None) => return Err(CommandError::Internal("neither a domain nor a host was given".to_owned())),
    };
    let digest = match &args.source.pin {
        Some(pin) => parse_pin(pin)?,
        None => args.look(endpoint.as_ref(), context).await?,
    };
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, &domain_name).await?;
    let default_match = if args.issuer { PinMatch::Issuer } else { PinMatch::Leaf };
    let request = AddPinRequest {
        pin_type: parse_word(digest.kind().as_str(), "pin_type_invalid", "a pin type")?,
        digest: digest.to_base64(),
        pin_match: parse_word(
            args.pin_match.as_deref().unwrap_or(default_match.as_str()),
            "pin_match_invalid",
            "`leaf`, `issuer` or `any`",
        )?,
        expires_at: expires_at.map(UnixTime::as_secs),
        source: args.source.origin(),
        label: args.label.clone(),
    };
    let added = client.add_pin(project.reference(), &domain.id, &request).await?;
    context.output.show(&added, |added, text| write_rows(std::slice::from_ref(added), text))
}

impl AddArgs {
    fn endpoint(&self) -> Result<Option<Endpoint>, CommandError> {
        match (self.source.from_host.as_deref(), self.domain.as_deref()) {
            (None, _) => Ok(None),
            (Some(""), Some(domain)) => Ok(Some(Endpoint::parse(domain)?)),
            (Some(host), _) => Ok(Some(Endpoint::parse(host)?)),
        }
    }

    /// Looks at the certificates of a host or file, says what is there, and derives the pin asked for.
    async fn look(&self, endpoint: Option<&Endpoint>, context: &Context) -> Result<PinDigest, CommandError> {
        let (chain, source_name) = load_chain(endpoint, self.source.from_file.as_deref()).await?;
        let position = usize::from(self.issuer);
        let certificate = chain
            .get(position)
            .ok_or_else(|| CommandError::NotFound { kind: "issuer certificate", name: source_name.clone() })?;
        let facts = CertificateFacts::parse(certificate)
            .map_err(|error| CommandError::Certificate { source_name: source_name.clone(), error })?;
        context.output.say(|text| {
            text.styled_line(STRONG, &format!("{source_name} shows, at position {position}"));
            text.indented(|text| write_facts(&facts, context.now, text));
            if endpoint.is_some() {
                text.line("The network alone vouches for this: compare it with what you know.");
            }
            text.gap();
        });
        PinType::parse(&self.pin_type)
            .and_then(|kind| facts.pin(kind))
            .ok_or_else(|| CommandError::Internal(format!("no pin of type {}", self.pin_type)))
    }
}

/// The certificates that a host presents or a file holds, leaf first, and what to call where they come from.
pub(super) async fn load_chain(
    endpoint: Option<&Endpoint>,
    file: Option<&Path>,
) -> Result<(Vec<Vec<u8>>, String), CommandError> {
    match (endpoint, file) {
        (Some(endpoint), _) => {
            let prober = Prober::new(AddressPolicy::anywhere()).with_offers(&[Offer::Any]);
            Ok((prober.probe(endpoint).await?.first()?.chain.clone(), endpoint.to_string()))
        }
        (None, Some(path)) => {
            let chain = parse_certificates(&read_file(path, MAX_FILE_BYTES as u64)?)
                .map_err(|error| CommandError::CertificateFile { path: path.to_owned(), error })?;
            Ok((chain, path.display().to_string()))
        }
        (None, None) => Err(CommandError::Internal("there is nothing to look at".to_owned())),
    }
}

fn parse_pin(text: &str) -> Result<PinDigest, CommandError> {
    let wrong = |expected| CommandError::Value { code: "pin_invalid", value: text.to_owned(), expected };
    let (kind, digest) = text.split_once(':').ok_or_else(|| wrong("a pin: TYPE:BASE64"))?;
    let kind = PinType::parse(kind)
        .ok_or_else(|| wrong("a pin: its type is none of spki-sha256, spki-sha512, cert-sha256, cert-sha512"))?;
    PinDigest::parse(kind, digest).ok_or_else(|| {
        wrong(match kind {
            PinType::SpkiSha256 | PinType::CertSha256 => "a pin: its digest must be base64 (with padding) of 32 bytes",
            PinType::SpkiSha512 | PinType::CertSha512 => "a pin: its digest must be base64 (with padding) of 64 bytes",
        })
    })
}

pub(super) fn write_facts(facts: &CertificateFacts, now: UnixTime, text: &mut Text) {
    text.fields(&[
        ("subject", facts.subject.clone()),
        ("issuer", facts.issuer.clone()),
        ("names", facts.names.join(", ")),
        ("valid from", show_moment(facts.not_before)),
        ("valid until", show_moment_from(facts.not_after, now)),
        ("key", facts.key.clone()),
        ("is a CA", if facts.is_ca { "yes" } else { "no" }.to_owned()),
    ]);
}

async fn list(domain: Option<&str>, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domains = match domain {
        Some(name) => vec![find_domain(&client, &project, name).await?],
        None => client.list_domains(project.reference()).all().await?,
    };
    context.output.show(&Listing { items: domains }, |list, text| {
        if list.items.is_empty() {
            text.line("No domain yet. Add one: pintle domains add NAME");
        }
        for (at, domain) in list.items.iter().enumerate() {
            if at > 0 {
                text.gap();
            }
            text.styled_line(STRONG, &super::domains::show_name(domain));
            text.indented(|text| write_rows(&domain.pins, text));
        }
    })
}

async fn set(domain: &str, pin: &str, changes: &PinChanges, context: &Context) -> Result<(), CommandError> {
    let expiry = match changes.expires_at.as_deref() {
        Some("never") => Some(PinExpiry::Never),
        Some(time) => Some(PinExpiry::At(parse_moment(time)?.as_secs())),
        None => None,
    };
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, domain).await?;
    let found = find_pin(&domain, pin)?;
    let request = UpdatePinRequest { label: changes.label.clone(), expiry };
    let changed = client.update_pin(project.reference(), &domain.id, &found.id, &request).await?;
    context.output.show(&changed, |changed, text| write_rows(std::slice::from_ref(changed), text))
}

async fn remove(domain: &str, pin: &str, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, domain).await?;
    let found = find_pin(&domain, pin)?;
    client.remove_pin(project.reference(), &domain.id, &found.id).await?;
    context.output.show(found, |found, text| {
        text.line(&format!("Removed {} from {} in the draft.", show_pin(found), domain.display_name));
    })
}

/// The pin of `domain` with this label, id, `TYPE:DIGEST`, or beginning of its digest.
fn find_pin<'a>(domain: &'a DomainResponse, wanted: &str) -> Result<&'a PinResponse, CommandError> {
    let is_exact =
        |pin: &&PinResponse| pin.id == wanted || pin.label.as_deref() == Some(wanted) || show_pin(pin) == wanted;
    // Fewer characters would rather be a mistake than a digest.
    let is_beginning = |pin: &&PinResponse| wanted.len() >= 6 && pin.digest.starts_with(wanted);
    let mut matches: Vec<_> = domain.pins.iter().filter(is_exact).collect();
    if matches.is_empty() {
        matches = domain.pins.iter().filter(is_beginning).collect();
    }
    match matches.as_slice() {
        [] => Err(CommandError::NotFound { kind: "pin", name: wanted.to_owned() }),
        [one] => Ok(one),
        several => Err(CommandError::Ambiguous {
            kind: "pin",
            name: wanted.to_owned(),
            matches: several.iter().map(|pin| format!("{} ({})", show_pin(pin), pin.id)).collect(),
        }),
    }
}

fn show_pin(pin: &PinResponse) -> String {
    format!("{}:{}", word(&pin.pin_type), pin.digest)
}

fn write_rows(pins: &[PinResponse], text: &mut Text) {
    let rows: Vec<_> = pins
        .iter()
        .map(|pin| {
            let expires_at = pin.expires_at.map(|at| show_moment(UnixTime::from_secs(at)));
            vec![
                show_pin(pin),
                word(&pin.pin_match),
                expires_at.unwrap_or_else(|| "-".to_owned()),
                word(&pin.source),
                pin.label.clone().unwrap_or_default(),
            ]
        })
        .collect();
    text.table(
        &["PIN", "MATCH", "EXPIRES", "SOURCE", "LABEL"],
        &rows,
        "No pin yet: every connection would be refused.",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=";

    #[test]
    fn reads_a_pin_of_every_type_and_exact_length() {
        assert!(parse_pin(&format!("spki-sha256:{DIGEST}")).is_ok());
        assert!(parse_pin(&format!("cert-sha256:{DIGEST}")).is_ok());
        for wrong in [
            DIGEST.to_owned(),
            format!("sha256:{DIGEST}"),
            format!("spki-sha512:{DIGEST}"),
            format!("spki-sha256:{}", DIGEST.trim_end_matches('=')),
            "spki-sha256:".to_owned(),
        ] {
            assert_eq!(parse_pin(&wrong).unwrap_err().code(), "pin_invalid", "{wrong}");
        }
    }

    #[test]
    fn finds_a_pin_by_label_digest_or_its_beginning_and_never_guesses() {
        let pin = |id: &str, digest: &str, label: Option<&str>| PinResponse {
            id: id.to_owned(),
            pin_type: pintle_api::PinType::SpkiSha256,
            digest: digest.to_owned(),
            pin_match: pintle_api::PinMatch::Leaf,
            expires_at: None,
            source: PinOrigin::ByHand,
            label: label.map(str::to_owned),
            created_at: 0,
        };
        let domain = DomainResponse {
            id: "dom_1".to_owned(),
            name: "api.example.com".to_owned(),
            display_name: "api.example.com".to_owned(),
            enforce: pintle_api::Enforce::default(),
            trust: pintle_api::Trust::default(),
            ct: pintle_api::CtResponse::default(),
            pins: vec![pin("pin_1", "AAAAAAAB", Some("next")), pin("pin_2", "AAAAAAAC", None)],
            created_at: 0,
        };
        let find =
            |wanted| find_pin(&domain, wanted).map(|pin| pin.id.as_str()).map_err(|error| error.code().to_owned());
        assert_eq!(find("next"), Ok("pin_1"));
        assert_eq!(find("pin_2"), Ok("pin_2"));
        assert_eq!(find("spki-sha256:AAAAAAAC"), Ok("pin_2"));
        assert_eq!(find("AAAAAAAC"), Ok("pin_2"));
        assert_eq!(find("AAAAAA"), Err("name_ambiguous".to_owned()));
        assert_eq!(find("A"), Err("not_found".to_owned()));
    }
}
