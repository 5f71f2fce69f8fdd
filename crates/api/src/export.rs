use serde::Serialize;

/// A line of a file with everything that an organization owns (JSON Lines). The first one is of the kind `organization`, the last
/// one of the kind `end`, so that half a file is seen to be half.
///
/// The value is written as it came, never by way of another form: the hash of an audit record covers its text.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ExportLine<'a, T> {
    /// One word: `organization`, `member`, `invitation`, `token`, `project`, `draft`, `ct_logs`, `key_ciphertext`, `left_out`,
    /// `statement`, `release`, `audit_event`, `end`.
    pub kind: &'a str,
    /// As the API answers it.
    pub value: &'a T,
}
