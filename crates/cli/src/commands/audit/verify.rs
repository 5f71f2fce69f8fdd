//! Proves that a log is as it was written.

use std::path::Path;

use pintle_api::{AuditEventResponse, AuditExportHeader, AuditPoint, AuditRecord, AuditVerifier};
use pintle_core::UnixTime;
use serde::Serialize;

use crate::{CommandError, context::Context, file::read_text_file, moment::show_moment};

/// More than a busy organization writes in years.
const MAX_EXPORT_BYTES: u64 = 1024 * 1024 * 1024;

/// What was verified.
#[derive(Serialize)]
struct Verified {
    chain: String,
    events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<u64>,
    /// `SEQ:HASH`, to be remembered.
    head: String,
    /// Whether a remembered head was compared.
    is_compared: bool,
}

/// A verification on its way.
struct Progress {
    source_name: String,
    chain: String,
    verifier: AuditVerifier,
    head: Option<AuditPoint>,
    events: u64,
    span: Option<(u64, u64)>,
    is_compared: bool,
}

pub(super) async fn run(file: Option<&Path>, remembered: Option<&str>, context: &Context) -> Result<(), CommandError> {
    let remembered = remembered.map(parse_point).transpose()?;
    let verified = match file {
        Some(path) => verify_file(path, remembered)?,
        None => verify_server(remembered, context).await?,
    };
    context.output.show(&verified, |verified, text| {
        let moment = |at: Option<u64>| at.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default();
        let compared =
            if verified.is_compared { "yes: it leads on from there" } else { "no: give it with --remembered" };
        text.line("The log is as it was written.").gap().fields(&[
            ("chain", verified.chain.clone()),
            ("events", verified.events.to_string()),
            ("from", moment(verified.first_at)),
            ("to", moment(verified.last_at)),
            ("compared", compared.to_owned()),
            ("head", verified.head.clone()),
        ]);
    })
}

async fn verify_server(remembered: Option<AuditPoint>, context: &Context) -> Result<Verified, CommandError> {
    let client = context.connect()?;
    let organization = context.find_organization(&client).await?;
    let chain = client.read_audit_chain(&organization.id).await?;
    let source = format!("the audit log of {}", organization.name);
    let mut progress = Progress::begin(source, chain.chain, chain.checkpoint, chain.head, remembered)?;
    let mut list = client.list_audit_events(&organization.id).filter("order", "oldest");
    while let Some(page) = list.next_page().await? {
        for event in page {
            progress.feed(&event)?;
        }
    }
    progress.finish()
}

fn verify_file(path: &Path, remembered: Option<AuditPoint>) -> Result<Verified, CommandError> {
    let not_an_export = || CommandError::AuditExport { path: path.to_owned() };
    let text = read_text_file(path, MAX_EXPORT_BYTES)?;
    let mut lines = text.lines();
    let header: AuditExportHeader =
        lines.next().and_then(|line| serde_json::from_str(line).ok()).ok_or_else(not_an_export)?;
    if header.pintle_audit_export != 1 || !header.is_complete {
        return Err(not_an_export());
    }
    let chain = header.chain;
    let source = path.display().to_string();
    let mut progress = Progress::begin(source, chain.chain, chain.checkpoint, chain.head, remembered)?;
    for line in lines {
        let event: Result<AuditEventResponse, _> = serde_json::from_str(line);
        progress.feed(&event.map_err(|_| progress.fail(progress.unreadable()))?)?;
    }
    progress.finish()
}

impl Progress {
    fn begin(
        source_name: String,
        chain: String,
        checkpoint: Option<AuditPoint>,
        head: Option<AuditPoint>,
        remembered: Option<AuditPoint>,
    ) -> Result<Self, CommandError> {
        let is_compared = remembered.is_some();
        let verifier = AuditVerifier::new(checkpoint, remembered)
            .map_err(|error| CommandError::AuditChain { source_name: source_name.clone(), error })?;
        Ok(Self { source_name, chain, verifier, head, events: 0, span: None, is_compared })
    }

    fn feed(&mut self, event: &AuditEventResponse) -> Result<(), CommandError> {
        let record: AuditRecord = match self.verifier.feed(event) {
            Ok(record) => record,
            Err(error) => return Err(self.fail(error)),
        };
        self.events += 1;
        self.span = Some((self.span.map_or(record.at, |(first, _)| first), record.at));
        Ok(())
    }

    fn unreadable(&self) -> pintle_api::AuditChainError {
        pintle_api::AuditChainError::Unreadable { seq: self.verifier.last().seq.saturating_add(1) }
    }

    fn fail(&self, error: pintle_api::AuditChainError) -> CommandError {
        CommandError::AuditChain { source_name: self.source_name.clone(), error }
    }

    fn finish(self) -> Result<Verified, CommandError> {
        let source_name = self.source_name;
        let head = self.verifier.finish(self.head.as_ref());
        let head = head.map_err(|error| CommandError::AuditChain { source_name, error })?;
        Ok(Verified {
            chain: self.chain,
            events: self.events,
            first_at: self.span.map(|(first, _)| first),
            last_at: self.span.map(|(_, last)| last),
            head: format!("{}:{}", head.seq, head.hash),
            is_compared: self.is_compared,
        })
    }
}

fn parse_point(text: &str) -> Result<AuditPoint, CommandError> {
    let parsed = text.split_once(':').and_then(|(seq, hash)| {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        Some(AuditPoint { seq: seq.parse().ok()?, hash: hash.to_owned() }).filter(|_| is_hash)
    });
    parsed.ok_or_else(|| CommandError::Value {
        code: "head_invalid",
        value: text.to_owned(),
        expected: "a head as `pintle audit verify` prints it: a number, a colon and 64 hexadecimal digits",
    })
}
