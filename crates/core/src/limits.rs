//! Every limit on foreign input, with the attack it stops.

/// Largest configuration file in bytes (P-2.1): endless data from a hostile CDN.
pub const MAX_CONFIG_BYTES: usize = 4 * 1024 * 1024;
/// Largest decoded JWS header in bytes: it is parsed before the signature is checked. 32 statements need about 20 KiB.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Deepest nesting of JSON arrays and objects, the outermost being 1 (P-2.3): stack exhaustion.
pub const MAX_JSON_DEPTH: usize = 16;
/// Largest integer that every JSON reader keeps exactly, 2^53 − 1 (P-2.3).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// Most statements in a succession chain (P-5.2): each costs a signature check before the file's own.
pub const MAX_SUCCESSION: usize = 32;
/// Most certificates in a chain (P-4.3): each is parsed and hashed in the handshake.
pub const MAX_CHAIN_CERTIFICATES: usize = 32;
/// Most bytes in a chain (P-4.3).
pub const MAX_CHAIN_BYTES: usize = 256 * 1024;
/// Most base URLs in a root (P-1.1).
pub const MAX_URLS: usize = 8;
/// Most characters in an organization or project id (P-1.1).
pub const MAX_ID_CHARS: usize = 64;
/// Most characters in a host name (P-2.8, RFC 1035 §2.3.4).
pub const MAX_NAME_CHARS: usize = 253;
/// Most characters in a label (P-2.8, RFC 1035 §2.3.4).
pub const MAX_LABEL_CHARS: usize = 63;
/// How far `iat` and `nbf` may lie ahead of the device's clock, in seconds (P-3.6).
pub const MAX_CLOCK_SKEW_SECS: u64 = 86_400;
/// Shortest `refresh` in seconds (P-2.4).
pub const MIN_REFRESH_SECS: u64 = 60;
/// Longest `refresh` in seconds (P-2.4).
pub const MAX_REFRESH_SECS: u64 = 604_800;
/// `refresh` where a file does not say (P-2.4).
pub const DEFAULT_REFRESH_SECS: u64 = 600;
