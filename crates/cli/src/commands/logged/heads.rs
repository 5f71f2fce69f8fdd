//! What logs signed when they were read last: one that shrank or forked since is not read.

use std::{collections::BTreeMap, io, path::Path};

use base64ct::{Base64, Encoding};
use pintle_discover::{ReadableLog, TreeHead};
use serde::{Deserialize, Serialize};

use crate::{
    CommandError,
    file::{Audience, Existing, read_file, write_file},
};

/// Some hundred bytes a log, and there are a few dozen.
const MAX_HEADS_BYTES: u64 = 1024 * 1024;

/// The heads by the ids of their logs, in base64.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Heads(BTreeMap<String, Head>);

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    size: u64,
    timestamp_millis: u64,
    root: String,
}

impl Heads {
    /// Those of a file; none where there is no file yet.
    pub(super) fn load(path: &Path) -> Result<Self, CommandError> {
        let bytes = match read_file(path, MAX_HEADS_BYTES) {
            Err(CommandError::Read { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            read => read?,
        };
        let unreadable = |error: serde_json::Error| CommandError::Read { path: path.to_owned(), error: error.into() };
        serde_json::from_slice(&bytes).map_err(unreadable)
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), CommandError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| CommandError::Internal(error.to_string()))?;
        write_file(path, &text, Audience::Owner, Existing::Replace)
    }

    pub(super) fn find(&self, log: &ReadableLog) -> Option<TreeHead> {
        let head = self.0.get(&key(log))?;
        let root = Base64::decode_vec(&head.root).ok()?.try_into().ok()?;
        Some(TreeHead { size: head.size, timestamp_millis: head.timestamp_millis, root })
    }

    pub(super) fn put(&mut self, log: &ReadableLog, head: &TreeHead) {
        let root = Base64::encode_string(&head.root);
        self.0.insert(key(log), Head { size: head.size, timestamp_millis: head.timestamp_millis, root });
    }
}

fn key(log: &ReadableLog) -> String {
    Base64::encode_string(&log.id())
}
