//! One entry of a log (RFC 6962 §3.4; TileLeaf of static-ct).

use pintle_core::{HostName, UnixTime};

use super::{super::LoggedCertificate, merkle::hash_leaf};

/// An entry, and where it belongs in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) leaf_hash: [u8; 32],
    contents: Contents,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Contents {
    Certificate(Vec<u8>),
    /// The TBSCertificate alone: it is all that a log commits to.
    Precertificate(Vec<u8>),
}

/// `version` and `leaf_type` of the only MerkleTreeLeaf there is.
const LEAF_PREFIX: [u8; 2] = [0, 0];

impl Entry {
    /// One MerkleTreeLeaf, and nothing after it.
    pub(super) fn parse_leaf(leaf: &[u8]) -> Option<Self> {
        let mut rest = Bytes(leaf.strip_prefix(&LEAF_PREFIX)?);
        let contents = rest.read_timestamped_entry()?;
        rest.0.is_empty().then(|| Self { leaf_hash: hash_leaf(leaf), contents })
    }

    /// The TileLeaf at the beginning of `tile`, which goes on after it.
    pub(super) fn parse_from_tile(tile: &mut &[u8]) -> Option<Self> {
        let mut rest = Bytes(tile);
        let contents = rest.read_timestamped_entry()?;
        let entry = tile.get(..tile.len() - rest.0.len())?;
        if matches!(contents, Contents::Precertificate(_)) {
            rest.read_vector::<3>()?;
        }
        // Fingerprints of the chain.
        rest.read_vector::<2>()?;
        *tile = rest.0;
        Some(Self { leaf_hash: hash_leaf(&[&LEAF_PREFIX, entry].concat()), contents })
    }

    pub(super) fn certificate_for(&self, host: &HostName, now: UnixTime) -> Option<LoggedCertificate> {
        match &self.contents {
            Contents::Certificate(der) => LoggedCertificate::parse_for(der, host, now),
            Contents::Precertificate(tbs) => {
                let logged = LoggedCertificate::parse_for(&wrap(tbs)?, host, now)?;
                Some(LoggedCertificate { is_precertificate: true, ..logged })
            }
        }
    }
}

/// The form of a certificate around a TBSCertificate, with a signature that is none: what is read of it is inside.
fn wrap(tbs: &[u8]) -> Option<Vec<u8>> {
    /// AlgorithmIdentifier of ECDSA with SHA-256, and an empty BIT STRING.
    const NO_SIGNATURE: [u8; 15] = [0x30, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2, 3, 1, 0];
    let length = u32::try_from(tbs.len() + NO_SIGNATURE.len()).ok()?;
    let mut header = vec![0x30];
    match length.to_be_bytes() {
        [0, 0, 0, short @ 0..=0x7F] => header.push(short),
        [0, 0, 0, a] => header.extend([0x81, a]),
        [0, 0, a, b] => header.extend([0x82, a, b]),
        [0, a, b, c] => header.extend([0x83, a, b, c]),
        bytes => {
            header.push(0x84);
            header.extend(bytes);
        }
    }
    Some([&header, tbs, &NO_SIGNATURE].concat())
}

/// What is left to read, in the presentation language of TLS.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn read_timestamped_entry(&mut self) -> Option<Contents> {
        let _timestamp = self.read(8)?;
        let contents = match self.read(2)? {
            [0, 0] => Contents::Certificate(self.read_vector::<3>()?.to_vec()),
            [0, 1] => {
                let _issuer_key_hash = self.read(32)?;
                Contents::Precertificate(self.read_vector::<3>()?.to_vec())
            }
            _ => return None,
        };
        let _extensions = self.read_vector::<2>()?;
        Some(contents)
    }

    fn read(&mut self, length: usize) -> Option<&'a [u8]> {
        let (read, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(read)
    }

    /// Behind its length in `N` bytes.
    fn read_vector<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = self.read(N)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.read(length)
    }
}
