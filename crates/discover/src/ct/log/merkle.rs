//! The tree of RFC 6962 §2.1, as far as it must be known to go on with it.

use pintle_core::crypto::sha256;

/// The roots of the full subtrees that the first `size` leaves make, largest first: all that is needed to append more, and to
/// tell the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frontier {
    size: u64,
    peaks: Vec<[u8; 32]>,
}

impl Frontier {
    /// Of `size` leaves; none if there cannot be so many peaks.
    pub(super) fn new(size: u64, peaks: Vec<[u8; 32]>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// The one before leaf `index`, out of the audit path of that leaf in a tree of `tree_size` (RFC 6962 §2.1.1): what hangs to
    /// the left of the path is what came before the leaf.
    pub(super) fn from_audit_path(index: u64, tree_size: u64, path: &[[u8; 32]]) -> Option<Self> {
        let (mut node, mut last) = (index, tree_size.checked_sub(1)?);
        let mut peaks = Vec::new();
        for sibling in path {
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                peaks.push(*sibling);
                while node & 1 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            }
            (node, last) = (node >> 1, last >> 1);
        }
        peaks.reverse();
        Self::new(index, peaks).filter(|_| last == 0)
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn append(&mut self, leaf_hash: [u8; 32]) {
        let mut node = leaf_hash;
        for _ in 0..self.size.trailing_ones() {
            // As many peaks as the size has ones.
            let Some(left) = self.peaks.pop() else { break };
            node = hash_children(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    pub(super) fn root(&self) -> [u8; 32] {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| hash_children(&left, &right));
        folded.unwrap_or_else(|| sha256(&[]))
    }

    pub(super) fn into_peaks(self) -> Vec<[u8; 32]> {
        self.peaks
    }
}

pub(super) fn hash_leaf(leaf: &[u8]) -> [u8; 32] {
    sha256(&[&[0], leaf].concat())
}

fn hash_children(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[1], &left[..], &right[..]].concat())
}

#[cfg(test)]
mod tests {
    use pintle_testkit::ct::{audit_path, tree_hash};

    use super::*;

    fn leaves(size: u8) -> Vec<[u8; 32]> {
        (0..size).map(|number| hash_leaf(&[number])).collect()
    }

    #[test]
    fn appending_makes_the_root_of_the_standard() {
        let mut frontier = Frontier::default();
        for size in 0..70 {
            assert_eq!(frontier.root(), tree_hash(&leaves(size)), "{size}");
            frontier.append(hash_leaf(&[size]));
        }
    }

    #[test]
    fn what_hangs_left_of_an_audit_path_is_what_came_before() {
        for size in 1..40 {
            let leaves = leaves(size);
            for index in 0..leaves.len() {
                let path = audit_path(index, &leaves);
                let mut frontier = Frontier::from_audit_path(index as u64, u64::from(size), &path).unwrap();
                leaves.iter().skip(index).for_each(|leaf| frontier.append(*leaf));
                assert_eq!(frontier.root(), tree_hash(&leaves), "{index} of {size}");
                assert_eq!(Frontier::from_audit_path(index as u64, u64::from(size) * 2, &path), None, "too short");
                let longer = [&path[..], &[[0; 32]]].concat();
                assert_eq!(Frontier::from_audit_path(index as u64, u64::from(size), &longer), None, "too long");
            }
        }
        assert_eq!(Frontier::from_audit_path(0, 0, &[]), None);
        assert_eq!(Frontier::new(3, vec![[0; 32]]), None);
    }
}
