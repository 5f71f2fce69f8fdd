//! static-ct: a log that is files. Tiles hold 256 entries, or 256 hashes of the tree, each.

use std::{sync::Arc, time::Duration};

use base64ct::{Base64, Encoding};
use pintle_core::crypto;

use super::{Entry, Frontier, Reader, TreeHead};
use crate::{ct::CtError, web::Question};

/// Entries, or nodes, of a full tile.
const TILE: u64 = 256;
const HASH_BYTES: usize = 32;
/// A tree of 2^40 leaves has no more.
const LEVELS: u32 = 6;
/// Signature type of an RFC 6962 tree head in a note.
const TREE_HEAD_SIGNATURE: u8 = 0x05;
const KEEP_CHECKPOINT: Duration = Duration::from_secs(60);
/// Full tiles never change; one that is not full has another name for each size.
const KEEP_TILE: Duration = Duration::from_secs(3600);

impl Reader<'_> {
    /// A note: origin, size and root, a line each, and signatures after an empty line.
    pub(super) async fn read_checkpoint(&self) -> Result<TreeHead, CtError> {
        let note = self.ask_file("checkpoint", KEEP_CHECKPOINT).await?;
        let (head, signature) = std::str::from_utf8(&note)
            .ok()
            .and_then(|note| parse_checkpoint(note, &self.log_id()))
            .ok_or_else(|| self.unreadable("checkpoint with a signature of its key"))?;
        self.verify_head(head, &signature)
    }

    /// What lies before the tile that holds entry `wanted`, out of the tiles of hashes.
    pub(super) async fn read_tiled_frontier(&self, head: &TreeHead, wanted: u64) -> Result<Frontier, CtError> {
        let mut frontier = Frontier::default();
        self.extend(&mut frontier, wanted - wanted % TILE, head).await?;
        Ok(frontier)
    }

    /// Appends what the tiles of hashes of `head` say of the leaves up to `size`, in the largest pieces that there are.
    pub(super) async fn extend(&self, frontier: &mut Frontier, size: u64, head: &TreeHead) -> Result<(), CtError> {
        while frontier.size() < size {
            let at = frontier.size();
            let fits = |level: &u32| at.is_multiple_of(width_of(*level)) && size - at >= width_of(*level);
            let level = (1..LEVELS).take_while(fits).last().unwrap_or(0);
            let (index, nodes) = (at / width_of(level), head.size / width_of(level));
            let tile = self.ask_tile(&level.to_string(), index / TILE, nodes).await?;
            let hash = tile.chunks_exact(HASH_BYTES).nth(usize::try_from(index % TILE).unwrap_or(usize::MAX));
            let hash = hash.and_then(|hash| hash.try_into().ok()).ok_or_else(|| self.unreadable("tile of hashes"))?;
            frontier.append_subtree(level * TILE.ilog2(), hash);
        }
        Ok(())
    }

    /// Whether the tree of `head` goes on from `earlier`, a smaller one.
    pub(super) async fn extends_by_tiles(&self, earlier: &TreeHead, head: &TreeHead) -> Result<bool, CtError> {
        let mut frontier = Frontier::default();
        self.extend(&mut frontier, earlier.size, head).await?;
        if frontier.root() != earlier.root {
            return Ok(false);
        }
        self.extend(&mut frontier, head.size, head).await?;
        Ok(frontier.root() == head.root)
    }

    /// The entries of the tile that begins with entry `first`.
    pub(super) async fn read_data_tile(&self, first: u64, head: &TreeHead) -> Result<Vec<Entry>, CtError> {
        let tile = self.ask_tile("data", first / TILE, head.size).await?;
        let mut rest = &tile[..];
        let mut entries = Vec::new();
        while !rest.is_empty() {
            entries.push(Entry::parse_from_tile(&mut rest).ok_or_else(|| self.unreadable("tile of entries"))?);
        }
        if entries.len() as u64 == TILE.min(head.size - first) {
            Ok(entries)
        } else {
            Err(self.unreadable("tile of entries"))
        }
    }

    /// Tile `index` of a level with `nodes` nodes in all.
    async fn ask_tile(&self, level: &str, index: u64, nodes: u64) -> Result<Arc<[u8]>, CtError> {
        let width = nodes.saturating_sub(index.saturating_mul(TILE)).min(TILE);
        let partial = if width < TILE { format!(".p/{width}") } else { String::new() };
        self.ask_file(&format!("tile/{level}/{}{partial}", encode_index(index)), KEEP_TILE).await
    }

    async fn ask_file(&self, path: &str, keep: Duration) -> Result<Arc<[u8]>, CtError> {
        let mut url = self.log.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        Ok(self.client.ask(&Question { url, token: None, keep }).await?)
    }
}

/// Leaves below one node of a level.
fn width_of(level: u32) -> u64 {
    TILE.saturating_pow(level)
}

/// `1234067` is `x001/x234/067`.
fn encode_index(index: u64) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    text
}

/// The head, and the `digitally-signed` struct of the log's own signature line.
fn parse_checkpoint(note: &str, log_id: &[u8; 32]) -> Option<(TreeHead, Vec<u8>)> {
    let (text, signatures) = note.split_once("\n\n")?;
    let mut lines = text.lines();
    let (origin, size, root) = (lines.next()?, lines.next()?.parse().ok()?, lines.next()?);
    let root = Base64::decode_vec(root).ok()?.try_into().ok()?;
    let key_id = crypto::sha256(&[origin.as_bytes(), b"\n", &[TREE_HEAD_SIGNATURE], log_id].concat());
    let signature = signatures.lines().find_map(|line| {
        let encoded = line.strip_prefix("\u{2014} ")?.strip_prefix(origin)?.strip_prefix(' ')?;
        let signature = Base64::decode_vec(encoded).ok()?;
        signature.strip_prefix(key_id.get(..4)?).map(<[u8]>::to_vec)
    })?;
    let (timestamp, signature) = signature.split_first_chunk::<8>()?;
    Some((TreeHead { size, timestamp_millis: u64::from_be_bytes(*timestamp), root }, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_number_of_a_tile_as_a_path() {
        for (index, path) in [(0, "000"), (5, "005"), (67, "067"), (1000, "x001/000"), (1_234_067, "x001/x234/067")] {
            assert_eq!(encode_index(index), path);
        }
    }
}
