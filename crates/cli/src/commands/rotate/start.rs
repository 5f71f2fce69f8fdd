use std::path::{Path, PathBuf};

use clap::Args;
use pintle_api::{AddPinRequest, DomainResponse, PinMatch, PinOrigin, PinResponse, StartRotationRequest};
use pintle_core::claims::{PinDigest, PinType};
use pintle_discover::{CertificateFacts, FileContents};
use pintle_service::{
    guard::{Observation, Sight},
    rotation::judge_rotation,
};
use pintle_sign::SigningKey;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use super::{Change, plan::PlanReport};
use crate::{
    CommandError,
    commands::{
        domains::find_domain,
        look::load_contents,
        pins::{find_pin, parse_pin},
    },
    context::Context,
    file::{Audience, Existing, write_file},
    guarding::look_at_domain,
    word::{parse_word, word},
};

/// Longest common name (RFC 5280, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// Options of `rotate start`.
#[derive(Args, Clone, Debug)]
pub struct StartArgs {
    /// Domain of the draft
    domain: String,
    #[command(flatten)]
    next: NextKey,
    /// Where the signing request of --new-key goes [default: beside it, as FILE.csr]
    #[arg(long, value_name = "FILE", requires = "new_key")]
    csr: Option<PathBuf>,
    /// A further name for the signing request; repeat it [default: the domain alone]
    #[arg(long, value_name = "NAME", requires = "new_key")]
    name: Vec<String>,
    /// A pin to be retired: its label, id, TYPE:DIGEST, or the beginning of its digest; repeat it [default: those of what
    /// servers present now]
    #[arg(long, value_name = "PIN")]
    retire: Vec<String>,
    /// How many days an app may be offline and still know the next key when servers change
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    away: u16,
    /// Do not connect to the domain's servers from this machine
    #[arg(long, requires = "retire")]
    no_probe: bool,
}

/// The key that servers go on to.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct NextKey {
    /// Make a P-256 key for the server in FILE (PKCS#8 in PEM, readable by you alone), and its signing request
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
    /// Take the key of a signing request
    #[arg(long, value_name = "FILE")]
    from_csr: Option<PathBuf>,
    /// Take the key of a certificate: PEM, DER or PKCS#7
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Take a pin itself, as one that the draft has for a backup: spki-sha256:BASE64
    #[arg(long, value_name = "TYPE:BASE64")]
    pin: Option<String>,
}

pub(super) async fn run(args: &StartArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, &args.domain).await?;
    let observations = if args.no_probe { Vec::new() } else { look_at_domain(&domain).await };
    let retiring = args.find_retiring(&domain, &observations)?;
    let (digest, source) = args.take_key(&domain, context)?;
    let next = match domain.pins.iter().find(|pin| is_pin(pin, &digest) && pin.pin_match != PinMatch::Issuer) {
        Some(pin) => pin.id.clone(),
        None => {
            let request = AddPinRequest {
                pin_type: parse_word(digest.kind().as_str(), "pin_type_invalid", "a pin type")?,
                digest: digest.to_base64(),
                pin_match: PinMatch::Leaf,
                expires_at: None,
                source,
                label: Some("next key".to_owned()),
            };
            client.add_pin(project.reference(), &domain.id, &request).await?.id
        }
    };
    let request = StartRotationRequest { next, retiring, away_days: args.away };
    let rotation = client.start_rotation(project.reference(), &domain.id, &request).await?;
    let standing = judge_rotation(&rotation, &observations, context.now);
    let change = Change { client, project, domain, rotation };
    context.output.show(&PlanReport::new(&change, &standing), PlanReport::write_text)
}

impl StartArgs {
    /// The pins of what servers present, or those named.
    fn find_retiring(&self, domain: &DomainResponse, seen: &[Observation]) -> Result<Vec<String>, CommandError> {
        if !self.retire.is_empty() {
            return self.retire.iter().map(|wanted| Ok(find_pin(domain, wanted)?.id.clone())).collect();
        }
        let sights = seen.iter().flat_map(|observation| &observation.sights);
        let leaves: Vec<_> = sights
            .filter_map(|sight| match sight {
                Sight::Chain { chain, .. } => CertificateFacts::parse(chain.first()?).ok(),
                _ => None,
            })
            .collect();
        if leaves.is_empty() {
            return Err(CommandError::NobodySeen { domain: domain.name.clone() });
        }
        let presented: Vec<_> = leaves.iter().flat_map(|facts| &facts.pins).collect();
        let is_presented =
            |pin: &&PinResponse| pin.pin_match != PinMatch::Issuer && presented.iter().any(|known| is_pin(pin, known));
        Ok(domain.pins.iter().filter(is_presented).map(|pin| pin.id.clone()).collect())
    }

    fn take_key(&self, domain: &DomainResponse, context: &Context) -> Result<(PinDigest, PinOrigin), CommandError> {
        let NextKey { new_key, from_csr, from_file, pin } = &self.next;
        if let Some(path) = new_key {
            return Ok((self.make_key(path, domain, context)?, PinOrigin::Csr));
        }
        if let Some(pin) = pin {
            return Ok((parse_pin(pin)?, PinOrigin::ByHand));
        }
        let path = from_csr.as_ref().or(from_file.as_ref());
        let path = path.ok_or_else(|| CommandError::Internal("no next key was given".to_owned()))?;
        let found = match load_contents(path, None)? {
            FileContents::Request(request) => request.pin(PinType::SpkiSha256).map(|pin| (pin, PinOrigin::Csr)),
            FileContents::Certificates(chain) => {
                let facts = chain.first().and_then(|leaf| CertificateFacts::parse(leaf).ok());
                facts.and_then(|facts| facts.pin(PinType::SpkiSha256)).map(|pin| (pin, PinOrigin::File))
            }
        };
        found.ok_or_else(|| CommandError::NotFound { kind: "key", name: path.display().to_string() })
    }

    /// A key for the server, and what its CA is given.
    fn make_key(&self, path: &Path, domain: &DomainResponse, context: &Context) -> Result<PinDigest, CommandError> {
        let failed = |error: &dyn std::fmt::Display| CommandError::Internal(format!("no signing request: {error}"));
        let request_path = self.csr.clone().unwrap_or_else(|| path.with_added_extension("csr"));
        let key = SigningKey::generate().map_err(|error| failed(&error))?;
        let pem = key.to_pem().map_err(|error| failed(&error))?;
        let pair = KeyPair::from_pem(&pem).map_err(|error| failed(&error))?;
        let names: Vec<_> = list_names(&domain.name).into_iter().chain(self.name.iter().cloned()).collect();
        let mut params = CertificateParams::new(names.clone()).map_err(|error| failed(&error))?;
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = names.first().filter(|name| name.len() <= MAX_COMMON_NAME) {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        let request =
            params.serialize_request(&pair).and_then(|request| request.pem()).map_err(|error| failed(&error))?;
        write_file(path, pem.as_bytes(), Audience::Owner, Existing::Keep)?;
        write_file(&request_path, request.as_bytes(), Audience::Everybody, Existing::Keep)?;
        context.output.say(|text| {
            text.fields(&[("key", path.display().to_string()), ("request", request_path.display().to_string())]).gap();
        });
        match load_contents(&request_path, None)? {
            FileContents::Request(request) => request.pin(PinType::SpkiSha256),
            FileContents::Certificates(_) => None,
        }
        .ok_or_else(|| CommandError::Internal("a signing request without a key".to_owned()))
    }
}

/// The names of a certificate for everything that the entry covers, as far as one can have them.
fn list_names(entry: &str) -> Vec<String> {
    match entry.strip_prefix("**.") {
        Some(parent) => vec![parent.to_owned(), format!("*.{parent}")],
        None => vec![entry.to_owned()],
    }
}

fn is_pin(pin: &PinResponse, digest: &PinDigest) -> bool {
    word(&pin.pin_type) == digest.kind().as_str() && pin.digest == digest.to_base64()
}
