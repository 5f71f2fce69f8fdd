//! Logs read directly: the newest entries of one, each proved to lie where the log's signature says.

mod entry;
mod merkle;
mod rfc6962;
mod tiled;

use std::cmp::Ordering;

use futures_util::StreamExt as _;
use pintle_core::{HostName, PublicKey, UnixTime, crypto};
use reqwest::Url;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use tokio::time::timeout;

use self::{entry::Entry, merkle::Frontier};
use super::{CtError, LoggedCertificate, put_in_order};
use crate::{
    WebClient,
    limits::{MAX_LOG_ENTRIES, SEARCH_LIMIT},
    web::host_of,
};

/// How a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogProtocol {
    /// `ct/v1/get-sth` and so on (RFC 6962 §4).
    Rfc6962,
    /// Files of signed checkpoints and tiles (static-ct).
    Tiled,
}

/// A log that can be read. It is believed where its signature covers what it says, and nowhere else.
#[derive(Clone, Debug)]
pub struct ReadableLog {
    name: String,
    url: Url,
    protocol: LogProtocol,
    key: PublicKey,
}

/// What the newest entries of a log hold for some hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTail {
    /// How many entries the log has.
    pub size: u64,
    /// The first of them that was read; all from there on were.
    pub first: u64,
    /// When the log signed that.
    pub signed_at: UnixTime,
    /// Newest first.
    pub found: Vec<LoggedCertificate>,
}

/// What a log signed: that its tree of `size` entries has this root (RFC 6962 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many entries it has.
    pub size: u64,
    /// When it was signed: milliseconds since 1970 UTC.
    pub timestamp_millis: u64,
    /// Of the tree.
    pub root: [u8; 32],
}

/// Where an answer of a log is, and how long it is as good as a new one.
struct Reader<'a> {
    log: &'a ReadableLog,
    client: &'a WebClient,
}

impl ReadableLog {
    /// A log that answers under `url`: for [`LogProtocol::Tiled`] its monitoring prefix.
    #[must_use]
    pub fn new(name: &str, url: Url, protocol: LogProtocol, key: PublicKey) -> Self {
        Self { name: name.to_owned(), url, protocol, key }
    }

    /// What a list calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The head of the log now, proved to go on from `earlier`, one that was seen before: nothing of that tree was changed or taken
    /// away. A log that shows an older head than that, as one behind caches may, shows nothing new: it is `earlier` still.
    ///
    /// # Errors
    /// [`CtError::Contradiction`] for a log that shrank or forked; other [`CtError`]s.
    pub async fn follow(&self, client: &WebClient, earlier: Option<&TreeHead>) -> Result<TreeHead, CtError> {
        let reader = Reader { log: self, client };
        let follow = reader.follow(earlier);
        timeout(SEARCH_LIMIT, follow).await.map_err(|_| CtError::TimedOut { host: host_of(&self.url) })?
    }

    /// Its id (RFC 6962 §3.2).
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        crypto::sha256(&self.key.spki_der())
    }

    /// Reads the newest `entries` (at most [`MAX_LOG_ENTRIES`]), or some more, and keeps what is for one of `hosts` and has not
    /// expired at `now`. All entries read, together with what the log says of the earlier ones, must make the root that it
    /// signed: so it can neither invent one nor leave one out.
    ///
    /// # Errors
    /// [`CtError`].
    pub async fn read_newest(
        &self,
        client: &WebClient,
        hosts: &[HostName],
        entries: u64,
        now: UnixTime,
    ) -> Result<LogTail, CtError> {
        let reader = Reader { log: self, client };
        let read = reader.read(hosts, entries.min(MAX_LOG_ENTRIES), now);
        timeout(SEARCH_LIMIT, read).await.map_err(|_| CtError::TimedOut { host: host_of(&self.url) })?
    }
}

/// Reads several logs, some at a time: each by its name, with what it holds or why that is not known.
pub async fn read_logs(
    logs: &[ReadableLog],
    client: &WebClient,
    hosts: &[HostName],
    entries: u64,
    now: UnixTime,
) -> Vec<(String, Result<LogTail, CtError>)> {
    let reads =
        logs.iter().map(|log| async move { (log.name.clone(), log.read_newest(client, hosts, entries, now).await) });
    futures_util::stream::iter(reads).buffered(CONCURRENT_LOGS).collect().await
}

impl Reader<'_> {
    async fn read_head(&self) -> Result<TreeHead, CtError> {
        match self.log.protocol {
            LogProtocol::Rfc6962 => self.read_signed_head().await,
            LogProtocol::Tiled => self.read_checkpoint().await,
        }
    }

    async fn follow(&self, earlier: Option<&TreeHead>) -> Result<TreeHead, CtError> {
        let head = self.read_head().await?;
        let Some(earlier) = earlier else { return Ok(head) };
        match head.size.cmp(&earlier.size) {
            Ordering::Less if head.timestamp_millis > earlier.timestamp_millis => {
                Err(self.contradiction("it signed a smaller tree than before"))
            }
            Ordering::Less => Ok(*earlier),
            Ordering::Equal if head.root != earlier.root => {
                Err(self.contradiction("it signed two trees of one size: it has forked"))
            }
            Ordering::Equal => Ok(head),
            Ordering::Greater if earlier.size == 0 => Ok(head),
            Ordering::Greater => {
                let extends = match self.log.protocol {
                    LogProtocol::Rfc6962 => self.extends_by_proof(earlier, &head).await?,
                    LogProtocol::Tiled => self.extends_by_tiles(earlier, &head).await?,
                };
                if extends { Ok(head) } else { Err(self.contradiction("its tree does not go on from the one before")) }
            }
        }
    }

    async fn read(&self, hosts: &[HostName], entries: u64, now: UnixTime) -> Result<LogTail, CtError> {
        let head = self.read_head().await?;
        let wanted = head.size.saturating_sub(entries);
        let (mut frontier, mut found) = match self.log.protocol {
            LogProtocol::Rfc6962 => (None, Vec::new()),
            LogProtocol::Tiled => (Some(self.read_tiled_frontier(&head, wanted).await?), Vec::new()),
        };
        let first = frontier.as_ref().map_or(wanted, Frontier::size);
        let mut at = first;
        while at < head.size {
            let batch = match self.log.protocol {
                LogProtocol::Rfc6962 => self.read_batch(at, &head).await?,
                LogProtocol::Tiled => self.read_data_tile(at, &head).await?,
            };
            for entry in &batch {
                let frontier = match &mut frontier {
                    Some(frontier) => frontier,
                    none => none.insert(self.read_proved_frontier(at, entry, &head).await?),
                };
                frontier.append(entry.leaf_hash);
                found.extend(hosts.iter().find_map(|host| entry.certificate_for(host, now)));
            }
            at += batch.len() as u64;
        }
        // An empty tree has a root, too.
        if frontier.unwrap_or_default().root() != head.root {
            return Err(self.contradiction("its entries do not make the root that it signed"));
        }
        let signed_at = UnixTime::from_secs(head.timestamp_millis / 1000);
        Ok(LogTail { size: head.size, first, signed_at, found: put_in_order(found) })
    }

    /// `signature` is a `digitally-signed` struct of RFC 5246 over a TreeHeadSignature.
    fn verify_head(&self, head: TreeHead, signature: &[u8]) -> Result<TreeHead, CtError> {
        const ECDSA_WITH_SHA256: [u8; 2] = [4, 3];
        const VERSION_1: u8 = 0;
        const TREE_HASH: u8 = 1;
        let mut signed = vec![VERSION_1, TREE_HASH];
        signed.extend(head.timestamp_millis.to_be_bytes());
        signed.extend(head.size.to_be_bytes());
        signed.extend(head.root);
        let der = signature.strip_prefix(&ECDSA_WITH_SHA256).and_then(|rest| {
            let (length, der) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)) == der.len()).then_some(der)
        });
        let spki = self.log.key.spki_der();
        let point = spki.get(spki.len() - POINT_BYTES..).unwrap_or_default();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        match der.map(|der| key.verify(&signed, der)) {
            Some(Ok(())) => Ok(head),
            _ => Err(self.contradiction("its tree head is not signed with its key")),
        }
    }

    fn unreadable(&self, expected: &'static str) -> CtError {
        CtError::Unreadable { host: host_of(&self.log.url), expected }
    }

    fn contradiction(&self, what: &'static str) -> CtError {
        CtError::Contradiction { log: self.log.name.clone(), what }
    }

    fn log_id(&self) -> [u8; 32] {
        self.log.id()
    }
}

/// Each is another operator's machine.
const CONCURRENT_LOGS: usize = 8;
/// An uncompressed point of P-256.
const POINT_BYTES: usize = 65;
