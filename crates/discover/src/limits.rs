//! Every limit on what the world sends, with the trouble it stops.

use std::time::Duration;

/// Most addresses of one name that are looked at: a hostile zone lists thousands.
pub const MAX_ADDRESSES: usize = 16;
/// Most bytes read from one connection, what a proxy or mail server says in the clear included: greetings and certificates
/// without end. rustls takes at most 64 KiB of certificates.
pub const MAX_CONNECTION_BYTES: u64 = 128 * 1024;
/// How long one connection may take, from its first packet to the end of the handshake: servers that say nothing, or one
/// byte at a time. A site that needs longer would not serve an app either.
pub const CONNECTION_LIMIT: Duration = Duration::from_secs(10);
/// How long a look at all addresses may take, name resolution included.
pub const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// Most bytes of one answer of an HTTP service, decompressed: a host may have thousands of certificates, and a liar sends without
/// end.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// How long one such answer may take. crt.sh often needs half of it.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// Most bytes of answers that are kept to be used again.
pub const MAX_KEPT_BYTES: usize = 2 * MAX_ANSWER_BYTES;
/// Most certificates fetched for one search: each is a question to somebody else's free service.
pub const MAX_SEARCH_CERTIFICATES: usize = 20;
/// How long one search may take, with all its questions and pauses.
pub const SEARCH_LIMIT: Duration = Duration::from_secs(180);
/// Most entries read of one log at once: some 500 MB of a busy one.
pub const MAX_LOG_ENTRIES: u64 = 100_000;
/// Most issuers' certificates fetched to complete one chain: a liar names another one each time.
pub const MAX_FETCHED_ISSUERS: usize = 4;
/// Most bytes of one of them; some come as PKCS#7 with others.
pub const MAX_ISSUER_BYTES: usize = 64 * 1024;
/// How long completing one chain may take.
pub const COMPLETION_LIMIT: Duration = Duration::from_secs(4);
/// How long asking for CAA records may take, from a name up to its top-level domain.
pub const CAA_LIMIT: Duration = Duration::from_secs(3);
/// Most CAA records of one name that are told.
pub const MAX_CAA_RECORDS: usize = 50;
