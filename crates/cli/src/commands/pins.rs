mod add;
mod cover;
mod proposed;
mod refresh;
mod sync;

use clap::{Args, Subcommand};
use pintle_api::{DomainResponse, PinExpiry, PinResponse, UpdatePinRequest};
use pintle_core::UnixTime;

pub(super) use self::add::parse_pin;
pub use self::{
    add::{AddArgs, PinSource},
    refresh::{LoggedArgs, RefreshArgs},
    sync::{SyncArgs, SyncEndArgs},
};
pub(crate) use self::{
    cover::{Cover, Others},
    sync::{Sync, SyncReport, Wanted, load_wanted},
};

use super::domains::find_domain;
use crate::{
    CommandError,
    context::Context,
    moment::{parse_moment, show_moment},
    output::{Listing, STRONG, Text},
    word::word,
};

/// Commands about the pins of the draft.
#[derive(Subcommand, Clone, Debug)]
pub enum PinsCommand {
    /// Add a pin to a domain of the draft
    #[command(after_help = "\
What a server shows is what the network lets you see: compare it with what you know of the certificate before you \
release it. --from-file, --from-csr and --pin need no such trust.")]
    Add(Box<AddArgs>),
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
    /// Add pins for what the domains' servers serve now and no pin matches; remove none that counts
    #[command(after_help = "\
Each server is looked at from this machine, at every address, and what it serves is decided as by an app with the draft. \
Where no pin matches, the key of the server's certificate is added to the draft, if apps would accept it otherwise. A pin \
that counts is never removed here, seen or not: it may be the backup. Nothing is signed: look at what was added before you \
release it, since routes and names can be hijacked.")]
    Refresh(Box<RefreshArgs>),
    /// Make the draft cover the keys of certificates and signing requests, and release it if asked; for CI
    #[command(after_help = "\
Run again it changes nothing, says \"unchanged\", and releases nothing. A key is pinned as spki-sha256 of the server's own \
certificate; a pin of it that has expired gets no end. Other pins stay: one may be the next key or a backup. A draft that \
somebody else changes meanwhile is looked at once more. With --release nobody is asked while the release says what apps \
have, with these pins, and nothing else; what others staged is signed only after a question, or with --yes.")]
    Sync(Box<SyncArgs>),
    /// Pin a key that the drift monitor proposes (`pintle domains set --auto-draft`); compare it with what you know first
    Accept {
        /// Domain of the draft
        domain: String,
        /// The proposal: its id, TYPE:DIGEST, or the beginning of its digest
        pin: String,
    },
    /// Say no to a key that the drift monitor proposes: it is not proposed again
    Dismiss {
        /// Domain of the draft
        domain: String,
        /// The proposal: its id, TYPE:DIGEST, or the beginning of its digest
        pin: String,
    },
    /// Remove a pin from a domain of the draft
    Remove {
        /// Domain of the draft
        domain: String,
        /// The pin: its label, id, TYPE:DIGEST, or the beginning of its digest
        pin: String,
    },
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

pub(crate) async fn run(command: &PinsCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        PinsCommand::Add(args) => add::run(args, context).await,
        PinsCommand::List { domain } => list(domain.as_deref(), context).await,
        PinsCommand::Set { domain, pin, changes } => set(domain, pin, changes, context).await,
        PinsCommand::Sync(args) => sync::run(args, context).await,
        PinsCommand::Accept { domain, pin } => proposed::accept(domain, pin, context).await,
        PinsCommand::Dismiss { domain, pin } => proposed::dismiss(domain, pin, context).await,
        PinsCommand::Remove { domain, pin } => remove(domain, pin, context).await,
        PinsCommand::Refresh(args) => refresh::run(args, context).await,
    }
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
            text.indented(|text| {
                write_rows(&domain.pins, text);
                proposed::write(domain, text);
            });
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
pub(super) fn find_pin<'a>(domain: &'a DomainResponse, wanted: &str) -> Result<&'a PinResponse, CommandError> {
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

    #[test]
    fn finds_a_pin_by_label_digest_or_its_beginning_and_never_guesses() {
        let pin = |id: &str, digest: &str, label: Option<&str>| PinResponse {
            id: id.to_owned(),
            pin_type: pintle_api::PinType::SpkiSha256,
            digest: digest.to_owned(),
            pin_match: pintle_api::PinMatch::Leaf,
            expires_at: None,
            source: pintle_api::PinOrigin::ByHand,
            label: label.map(str::to_owned),
            created_at: 0,
        };
        let domain = DomainResponse {
            watch: Vec::new(),
            auto_draft: pintle_api::AutoDraft::default(),
            proposed: Vec::new(),
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
