//! What Certificate Transparency knows of hosts, for every command that asks.

mod heads;

use std::path::{Path, PathBuf};

use clap::{Args, builder::PossibleValuesParser, value_parser};
use pintle_core::{
    HostName, UnixTime,
    claims::{PinDigest, PinType},
};
use pintle_discover::{
    CtApi, CtError, CtSource, ListedLog, LoggedCertificate, MAX_LOG_LIST_BYTES, ReadableLog, WebClient,
    limits::MAX_LOG_ENTRIES, parse_log_list, put_in_order, read_logs,
};
use secrecy::SecretString;

use self::heads::Heads;
use crate::{
    CommandError,
    context::Context,
    file::read_file,
    moment::{show_moment, show_moment_from},
    output::{CAREFUL, STRONG, Text},
};

/// Whom to ask what Certificate Transparency logs hold.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct CtArgs {
    /// Who reads the CT logs: crt.sh, or the Cert Spotter API, which takes a token from PINTLE_CT_TOKEN
    #[arg(
        long, value_name = "SOURCE", default_value = CtApi::CrtSh.as_str(),
        value_parser = PossibleValuesParser::new(CtApi::ALL.iter().map(|api| api.as_str()))
    )]
    ct_source: String,
    /// Where it answers, if not where it does for the public
    #[arg(long, value_name = "URL")]
    ct_url: Option<String>,
    /// Read the logs of this list (v3 JSON) themselves instead: what they hold is proved by their signatures
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ct_source", "ct_url"])]
    ct_log_list: Option<PathBuf>,
    /// How many of the newest entries of each of these logs to read; a busy one gets some 100 every second
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = value_parser!(u64).range(1..=MAX_LOG_ENTRIES))]
    ct_entries: u64,
    /// Remember in this file what these logs signed; one that shrank or forked since is not read
    #[arg(long, value_name = "FILE", requires = "ct_log_list")]
    ct_heads: Option<PathBuf>,
}

/// Who is asked, or what is read.
enum Origin {
    Source(CtSource),
    Logs { logs: Vec<ReadableLog>, entries: u64, heads: Option<PathBuf> },
}

/// What is known of a host.
pub(crate) struct Known {
    /// Newest first.
    pub(crate) certificates: Vec<LoggedCertificate>,
    /// Logs that could not be read, or believed, and why.
    pub(crate) unread: Vec<String>,
}

/// A source, ready to be asked about any number of hosts.
pub(crate) struct CtSearch {
    client: WebClient,
    origin: Origin,
    pub(crate) source_name: String,
}

impl CtArgs {
    pub(crate) fn open(&self) -> Result<CtSearch, CommandError> {
        let client = WebClient::new().map_err(CtError::from)?;
        if let Some(path) = &self.ct_log_list {
            let logs = load_logs(path)?;
            let source_name = format!("the newest entries of {} logs", logs.len());
            return Ok(CtSearch {
                client,
                origin: Origin::Logs { logs, entries: self.ct_entries, heads: self.ct_heads.clone() },
                source_name,
            });
        }
        let api = CtApi::parse(&self.ct_source)
            .ok_or_else(|| CommandError::Internal(format!("no CT source {}", self.ct_source)))?;
        let url = self.ct_url.as_deref().unwrap_or(api.public_url());
        let token = std::env::var("PINTLE_CT_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from);
        let source = CtSource::parse(api, url, token).map_err(|_| CommandError::Value {
            code: "url_invalid",
            value: url.to_owned(),
            expected: "the URL of a CT source: https://HOST/…, or http:// on this machine",
        })?;
        Ok(CtSearch { client, origin: Origin::Source(source), source_name: self.ct_source.clone() })
    }
}

fn load_logs(path: &Path) -> Result<Vec<ReadableLog>, CommandError> {
    let list = parse_log_list(&read_file(path, MAX_LOG_LIST_BYTES as u64)?)
        .map_err(|error| CommandError::LogList { path: path.to_owned(), error })?;
    let logs: Vec<_> = list.accepted.iter().filter_map(ListedLog::reader).collect();
    if logs.is_empty() {
        return Err(CommandError::NotFound {
            kind: "log that says where it is read",
            name: path.display().to_string(),
        });
    }
    Ok(logs)
}

impl CtSearch {
    /// The certificates for `host` that count at `now`. Of several logs one that can be read is enough.
    pub(crate) async fn search(&self, host: &HostName, now: UnixTime) -> Result<Known, CommandError> {
        let (logs, entries, heads) = match &self.origin {
            Origin::Source(source) => {
                let certificates = source.search(&self.client, host, now).await?;
                return Ok(Known { certificates, unread: Vec::new() });
            }
            Origin::Logs { logs, entries, heads } => (logs, *entries, heads),
        };
        let mut known = Known { certificates: Vec::new(), unread: Vec::new() };
        let mut first_error = None;
        let followed = match heads {
            Some(path) => self.follow(logs, path, &mut known, &mut first_error).await?,
            None => logs.clone(),
        };
        for (name, read) in read_logs(&followed, &self.client, std::slice::from_ref(host), entries, now).await {
            match read {
                Ok(tail) => known.certificates.extend(tail.found),
                Err(error) => {
                    known.unread.push(format!("{name}: {error}"));
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if known.unread.len() == logs.len() => Err(error.into()),
            _ => {
                known.certificates = put_in_order(known.certificates);
                Ok(known)
            }
        }
    }

    /// The logs that go on from what the file remembers of them; what they sign now is remembered.
    async fn follow(
        &self,
        logs: &[ReadableLog],
        path: &Path,
        known: &mut Known,
        first_error: &mut Option<CtError>,
    ) -> Result<Vec<ReadableLog>, CommandError> {
        let mut heads = Heads::load(path)?;
        let mut followed = Vec::new();
        for log in logs {
            match log.follow(&self.client, heads.find(log).as_ref()).await {
                Ok(head) => {
                    heads.put(log, &head);
                    followed.push(log.clone());
                }
                Err(error) => {
                    known.unread.push(format!("{}: {error}", log.name()));
                    first_error.get_or_insert(error);
                }
            }
        }
        heads.save(path)?;
        Ok(followed)
    }

    /// The one pin of this type that fits what is known of `host`; it is shown what there is.
    pub(crate) async fn find_pin(
        &self,
        host: &str,
        kind: PinType,
        context: &Context,
    ) -> Result<PinDigest, CommandError> {
        let host = parse_logged_host(host)?;
        let found = self.search(&host, context.now).await?;
        context.output.say(|text| {
            text.styled_line(STRONG, &format!("{} knows, of {host}", self.source_name));
            text.indented(|text| write_logged(&found.certificates, context.now, text));
            write_unread(&found.unread, text);
            text.line("A source may lie or lag, and logs hold what anybody had issued: compare it with what you know.");
            text.gap();
        });
        choose(&found.certificates, kind, &host)
    }
}

/// A name that certificates may be issued for.
pub(crate) fn parse_logged_host(text: &str) -> Result<HostName, CommandError> {
    HostName::parse_connection(text).map_err(|_| CommandError::Value {
        code: "host_invalid",
        value: text.to_owned(),
        expected: "a host name: CT logs hold certificates of hosts",
    })
}

fn choose(found: &[LoggedCertificate], kind: PinType, host: &HostName) -> Result<PinDigest, CommandError> {
    let mut pins: Vec<PinDigest> = Vec::new();
    for pin in found.iter().filter_map(|logged| logged.pin(kind)) {
        if !pins.contains(&pin) {
            pins.push(pin);
        }
    }
    match pins.as_slice() {
        [] => Err(CommandError::NotFound { kind: "certificate in Certificate Transparency", name: host.to_string() }),
        [one] => Ok(*one),
        several => Err(CommandError::Ambiguous {
            kind: "key in Certificate Transparency",
            name: host.to_string(),
            matches: several.iter().map(|pin| format!("{}:{}", kind.as_str(), pin.to_base64())).collect(),
        }),
    }
}

pub(crate) fn write_unread(unread: &[String], text: &mut Text) {
    for problem in unread {
        text.labelled_line(CAREFUL, "not read", problem);
    }
}

pub(crate) fn write_logged(found: &[LoggedCertificate], now: UnixTime, text: &mut Text) {
    let rows: Vec<_> = found
        .iter()
        .map(|logged| {
            let facts = &logged.facts;
            vec![
                show_moment(facts.not_before),
                show_moment_from(facts.not_after, now),
                facts.key.clone(),
                facts.issuer.clone(),
                facts.pin(PinType::SpkiSha256).map(|pin| pin.to_base64()).unwrap_or_default(),
            ]
        })
        .collect();
    text.table(&["VALID FROM", "VALID UNTIL", "KEY", "ISSUER", "SPKI-SHA256"], &rows, "nothing that has not expired");
}
