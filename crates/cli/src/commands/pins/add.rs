use std::path::{Path, PathBuf};

use clap::{Args, builder::PossibleValuesParser};
use pintle_api::{AddPinRequest, PinOrigin};
use pintle_core::{
    UnixTime,
    claims::{PinDigest, PinMatch, PinType},
};
use pintle_discover::{CertificateFacts, Endpoint, FileContents, FileError, SigningRequest};

use super::write_rows;
use crate::{
    CommandError,
    commands::{
        domains::find_domain,
        logged::CtArgs,
        look::{CompleteArgs, WayArgs, load_contents, show_names, write_facts},
    },
    context::Context,
    moment::parse_moment,
    output::{CAREFUL, STRONG, Text},
    word::parse_word,
};

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
    #[arg(long, conflicts_with_all = ["pin", "from_csr", "from_ct"])]
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
    #[command(flatten)]
    way: WayArgs,
    #[command(flatten)]
    complete: CompleteArgs,
    #[command(flatten)]
    ct: CtArgs,
    /// Read the password of a PKCS#12 file from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "from_file")]
    password_file: Option<PathBuf>,
}

/// Where a pin comes from.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct PinSource {
    /// Look at what a server presents; without a value, at the domain itself on port 443, or on the one that
    /// DOMAIN:PORT says
    #[arg(long, value_name = "HOST[:PORT]", num_args = 0..=1, default_missing_value = "")]
    from_host: Option<String>,
    /// Read certificates from a file: PEM, DER, PKCS#7 or PKCS#12
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Pin the key of a certificate signing request: the next key, before its certificate exists
    #[arg(long, value_name = "FILE")]
    from_csr: Option<PathBuf>,
    /// Ask Certificate Transparency for the key of a host's certificates; without a value, of the domain itself
    #[arg(long, value_name = "HOST", num_args = 0..=1, default_missing_value = "")]
    from_ct: Option<String>,
    /// Give the pin itself, as in spki-sha256:BASE64
    #[arg(long, value_name = "TYPE:BASE64")]
    pin: Option<String>,
}

/// What was looked at, and can be pinned.
enum Subject {
    Certificate(Box<CertificateFacts>),
    Request(SigningRequest),
}

pub(super) async fn run(args: &AddArgs, context: &Context) -> Result<(), CommandError> {
    // Everything given is read before the first question to the server.
    let endpoint = args.endpoint()?;
    let expires_at = args.expires_at.as_deref().map(parse_moment).transpose()?;
    let domain_name = match (&args.domain, &endpoint) {
        // As `api.example.com:8443 --from-host`, which names both at once.
        (Some(_), Some(endpoint)) if args.source.from_host.as_deref() == Some("") => endpoint.host.to_string(),
        (Some(domain), _) => domain.clone(),
        (None, Some(endpoint)) => endpoint.host.to_string(),
        (None, None) => return Err(CommandError::Internal("neither a domain nor a host was given".to_owned())),
    };
    let (digest, source) = match (&args.source.pin, args.source.from_ct.as_deref()) {
        (Some(pin), _) => (parse_pin(pin)?, PinOrigin::ByHand),
        (None, Some(host)) => {
            let host = if host.is_empty() { &domain_name } else { host };
            (args.ct.open()?.find_pin(host, args.kind()?, context).await?, PinOrigin::Ct)
        }
        (None, None) => args.look(endpoint.as_ref(), context).await?,
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
        source,
        label: args.label.clone(),
    };
    let added = client.add_pin(project.reference(), &domain.id, &request).await?;
    context.output.show(&added, |added, text| write_rows(std::slice::from_ref(added), text))
}

impl AddArgs {
    fn kind(&self) -> Result<PinType, CommandError> {
        PinType::parse(&self.pin_type).ok_or_else(|| CommandError::Internal(format!("no pin type {}", self.pin_type)))
    }

    fn endpoint(&self) -> Result<Option<Endpoint>, CommandError> {
        match (self.source.from_host.as_deref(), self.domain.as_deref()) {
            (None, _) => Ok(None),
            (Some(""), Some(domain)) => Ok(Some(Endpoint::parse(domain)?)),
            (Some(host), _) => Ok(Some(Endpoint::parse(host)?)),
        }
    }

    /// Looks at a host or file, says what is there, and derives the pin asked for.
    async fn look(
        &self,
        endpoint: Option<&Endpoint>,
        context: &Context,
    ) -> Result<(PinDigest, PinOrigin), CommandError> {
        let (subject, source_name, origin) = match (endpoint, &self.source.from_file, &self.source.from_csr) {
            (Some(endpoint), ..) => {
                let name = endpoint.to_string();
                (self.choose(&self.load_chain(endpoint, context).await?, &name)?, name, PinOrigin::Fetched)
            }
            (None, Some(path), _) => {
                let name = path.display().to_string();
                match load_contents(path, self.password_file.as_deref())? {
                    FileContents::Certificates(chain) => (self.choose(&chain, &name)?, name, PinOrigin::File),
                    FileContents::Request(request) => (Subject::Request(request), name, PinOrigin::Csr),
                }
            }
            (None, None, Some(path)) => (load_request(path)?, path.display().to_string(), PinOrigin::Csr),
            (None, None, None) => return Err(CommandError::Internal("there is nothing to look at".to_owned())),
        };
        context.output.say(|text| {
            subject.write(&source_name, usize::from(self.issuer), context.now, text);
            if endpoint.is_some() {
                text.line("The network alone vouches for this: compare it with what you know.");
            }
            text.gap();
        });
        let pin = subject.pin(self.kind()?).ok_or_else(|| CommandError::Value {
            code: "pin_type_invalid",
            value: self.pin_type.clone(),
            expected: "a pin that a signing request can give: spki-sha256 or spki-sha512",
        })?;
        Ok((pin, origin))
    }

    /// What the server sends, and what it does not if that was asked for.
    async fn load_chain(&self, endpoint: &Endpoint, context: &Context) -> Result<Vec<Vec<u8>>, CommandError> {
        let fetcher = self.complete.fetcher()?;
        let mut chain = self.way.load_chain(endpoint).await?;
        if let Some(fetcher) = fetcher {
            let completion = fetcher.complete(&chain).await;
            if let Some(problem) = completion.problem {
                context.output.say(|text| {
                    text.labelled_line(CAREFUL, "incomplete", &problem.to_string());
                });
            }
            chain.extend(completion.fetched.into_iter().map(|issuer| issuer.certificate));
        }
        Ok(chain)
    }

    fn choose(&self, chain: &[Vec<u8>], source_name: &str) -> Result<Subject, CommandError> {
        let certificate = chain
            .get(usize::from(self.issuer))
            .ok_or_else(|| CommandError::NotFound { kind: "issuer certificate", name: source_name.to_owned() })?;
        match CertificateFacts::parse(certificate) {
            Ok(facts) => Ok(Subject::Certificate(Box::new(facts))),
            Err(error) => Err(CommandError::Certificate { source_name: source_name.to_owned(), error }),
        }
    }
}

fn load_request(path: &Path) -> Result<Subject, CommandError> {
    match load_contents(path, None)? {
        FileContents::Request(request) => Ok(Subject::Request(request)),
        FileContents::Certificates(_) => {
            let error = FileError::OtherContents { found: "certificates, no signing request" };
            Err(CommandError::CertificateFile { path: path.to_owned(), error })
        }
    }
}

impl Subject {
    fn pin(&self, kind: PinType) -> Option<PinDigest> {
        match self {
            Self::Certificate(facts) => facts.pin(kind),
            Self::Request(request) => request.pin(kind),
        }
    }

    fn write(&self, source_name: &str, position: usize, now: UnixTime, text: &mut Text) {
        match self {
            Self::Certificate(facts) => {
                text.styled_line(STRONG, &format!("{source_name} shows, at position {position}"));
                text.indented(|text| write_facts(facts, now, text));
            }
            Self::Request(request) => {
                text.styled_line(STRONG, &format!("{source_name} asks for a certificate, signed by its own key"));
                text.indented(|text| {
                    text.fields(&[
                        ("subject", request.subject.clone()),
                        ("names", show_names(&request.names, request.names.len() as u64)),
                        ("key", request.key.clone()),
                    ]);
                });
            }
        }
    }
}

pub(in crate::commands) fn parse_pin(text: &str) -> Result<PinDigest, CommandError> {
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
}
