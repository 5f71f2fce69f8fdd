use std::path::Path;

use clap::Args;
use pintle_core::{
    Name,
    claims::{Pin, PinDigest, PinMatch, PinType},
};
use pintle_discover::{CertificateFacts, Endpoint, FileContents};
use pintle_service::emergency::Edit;

use crate::{
    CommandError,
    commands::{
        domains::parse_core_enforce,
        look::{WayArgs, load_contents, write_facts},
        pins::parse_pin,
    },
    context::Context,
    output::STRONG,
};

/// What changes.
#[derive(Args, Clone, Debug)]
#[group(id = "edits", required = true, multiple = true)]
pub struct EditArgs {
    /// Add a pin, as in api.example.com=spki-sha256:BASE64; repeat it
    #[arg(long, value_name = "DOMAIN=PIN")]
    add_pin: Vec<String>,
    /// Pin the key that a server presents, on port 443 of the domain or elsewhere; repeat it
    #[arg(long, value_name = "DOMAIN[=HOST:PORT]")]
    from_host: Vec<String>,
    /// Pin the key of the first certificate in a file, or of a signing request; repeat it
    #[arg(long, value_name = "DOMAIN=FILE")]
    from_file: Vec<String>,
    /// Remove a pin: TYPE:BASE64, or the beginning of its digest; repeat it
    #[arg(long, value_name = "DOMAIN=PIN")]
    remove_pin: Vec<String>,
    /// What a violation does: `always`, `report`, or on how many percent of devices it refuses; repeat it
    #[arg(long, value_name = "DOMAIN=WHEN")]
    enforce: Vec<String>,
    /// Change nothing but number and dates
    #[arg(long)]
    renew: bool,
    /// Tell every app to refuse every connection
    #[arg(long, conflicts_with_all = ["add_pin", "from_host", "from_file", "remove_pin", "enforce", "renew", "restore"])]
    withdraw: bool,
    /// After a withdrawal: begin with what the export holds
    #[arg(long)]
    restore: bool,
}

impl EditArgs {
    pub(super) const fn is_withdrawal(&self) -> bool {
        self.withdraw
    }

    pub(super) const fn is_restoration(&self) -> bool {
        self.restore
    }

    /// The edits, in the order in which they are made; hosts are looked at and files read.
    pub(super) async fn load(&self, way: &WayArgs, context: &Context) -> Result<Vec<Edit>, CommandError> {
        let mut edits = Vec::new();
        for given in &self.add_pin {
            let (domain, pin) = split(given)?;
            edits.push(add(domain, parse_pin(pin)?));
        }
        for given in &self.from_file {
            let (domain, file) = split(given)?;
            edits.push(add(domain, pin_of_file(Path::new(file), context)?));
        }
        for given in &self.from_host {
            let (name, host) = given.split_once('=').unwrap_or((given, given));
            let endpoint = Endpoint::parse(host)?;
            let chain = way.load_chain(&endpoint).await?;
            let digest = pin_of_chain(&chain, &endpoint.to_string(), context)?;
            context.output.say(|text| {
                text.line("The network alone vouches for this: compare it with what you know.").gap();
            });
            edits.push(add(parse_name(name)?, digest));
        }
        for given in &self.remove_pin {
            let (domain, pin) = split(given)?;
            edits.push(Edit::RemovePin { domain, pin: pin.to_owned() });
        }
        for given in &self.enforce {
            let (domain, when) = split(given)?;
            edits.push(Edit::Enforce { domain, enforce: parse_core_enforce(when)? });
        }
        Ok(edits)
    }
}

/// The key of the first certificate, or of a signing request.
fn pin_of_file(path: &Path, context: &Context) -> Result<PinDigest, CommandError> {
    let name = path.display().to_string();
    match load_contents(path, None)? {
        FileContents::Certificates(chain) => pin_of_chain(&chain, &name, context),
        FileContents::Request(request) => request.pin(PinType::SpkiSha256).ok_or_else(|| no_pin(&name)),
    }
}

fn pin_of_chain(chain: &[Vec<u8>], source_name: &str, context: &Context) -> Result<PinDigest, CommandError> {
    let certificate = chain.first().ok_or_else(|| no_pin(source_name))?;
    let facts = CertificateFacts::parse(certificate)
        .map_err(|error| CommandError::Certificate { source_name: source_name.to_owned(), error })?;
    context.output.say(|text| {
        text.styled_line(STRONG, &format!("{source_name} shows"));
        text.indented(|text| write_facts(&facts, context.now, text));
        text.gap();
    });
    facts.pin(PinType::SpkiSha256).ok_or_else(|| no_pin(source_name))
}

fn no_pin(source_name: &str) -> CommandError {
    CommandError::NotFound { kind: "key to pin", name: source_name.to_owned() }
}

fn add(domain: Name, digest: PinDigest) -> Edit {
    Edit::AddPin { domain, pin: Pin { digest, matches: PinMatch::Leaf, expires_at: None } }
}

fn split(given: &str) -> Result<(Name, &str), CommandError> {
    let wrong =
        CommandError::Value { code: "edit_invalid", value: given.to_owned(), expected: "an edit: DOMAIN=VALUE" };
    let (name, value) = given.split_once('=').ok_or(wrong)?;
    Ok((parse_name(name)?, value))
}

fn parse_name(name: &str) -> Result<Name, CommandError> {
    Name::parse(&name.to_lowercase()).map_err(|_| CommandError::Value {
        code: "domain_invalid",
        value: name.to_owned(),
        expected: "a domain as the release names it (`pintle config decode` shows them)",
    })
}

#[cfg(test)]
mod tests {
    use pintle_core::claims::Enforce;

    use super::*;

    #[test]
    fn an_edit_names_its_domain() {
        assert_eq!(split("api.example.com=x").unwrap().1, "x");
        assert_eq!(split("*.Example.com=a=b").unwrap(), (Name::parse("*.example.com").unwrap(), "a=b"));
        assert_eq!(split("api.example.com").unwrap_err().code(), "edit_invalid");
        assert_eq!(split("https://api.example.com=x").unwrap_err().code(), "domain_invalid");
        assert_eq!(parse_core_enforce("25%").unwrap(), Enforce::Percent(25));
        assert_eq!(parse_core_enforce("0").unwrap(), Enforce::Report);
        assert_eq!(parse_core_enforce("100").unwrap(), Enforce::Always);
    }
}
