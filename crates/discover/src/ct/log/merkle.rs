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
        self.append_subtree(0, leaf_hash);
    }

    /// The same for the root of a full subtree of 2^`height` leaves; the size must be a multiple of that.
    pub(super) fn append_subtree(&mut self, height: u32, root: [u8; 32]) {
        let mut node = root;
        for _ in 0..(self.size >> height).trailing_ones() {
            // As many peaks as the size has ones.
            let Some(left) = self.peaks.pop() else { break };
            node = hash_children(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1 << height;
    }

    pub(super) fn root(&self) -> [u8; 32] {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| hash_children(&left, &right));
        folded.unwrap_or_else(|| sha256(&[]))
    }
}

/// Whether `proof` shows that the tree of `size` leaves with `root` is the beginning of the larger one (RFC 9162 §2.1.4.2).
pub(super) fn proves_extension(earlier: (u64, [u8; 32]), later: (u64, [u8; 32]), proof: &[[u8; 32]]) -> bool {
    let (Some(mut node), Some(mut last)) = (earlier.0.checked_sub(1), later.0.checked_sub(1)) else { return false };
    if node >= last {
        return false;
    }
    let (mut first, mut rest) = (earlier.1, proof);
    if !earlier.0.is_power_of_two() {
        let Some((head, tail)) = proof.split_first() else { return false };
        (first, rest) = (*head, tail);
    }
    let mut second = first;
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            first = hash_children(sibling, &first);
            second = hash_children(sibling, &second);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            second = hash_children(&second, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && first == earlier.1 && second == later.1
}

pub(super) fn hash_leaf(leaf: &[u8]) -> [u8; 32] {
    sha256(&[&[0], leaf].concat())
}

fn hash_children(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[1], &left[..], &right[..]].concat())
}

#[cfg(test)]
mod tests {
    use pintle_testkit::ct::{audit_path, consistency_proof, tree_hash};

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
    fn a_proof_shows_that_a_tree_went_on_and_nothing_else_does() {
        for size in 2..40 {
            let leaves = leaves(size);
            let later = (u64::from(size), tree_hash(&leaves));
            for before in 1..leaves.len() {
                let earlier = (before as u64, tree_hash(leaves.get(..before).unwrap()));
                let proof = consistency_proof(before, &leaves);
                assert!(proves_extension(earlier, later, &proof), "{before} of {size}");
                assert!(!proves_extension((earlier.0, [7; 32]), later, &proof), "another beginning");
                assert!(!proves_extension(earlier, (later.0, [7; 32]), &proof), "another end");
                assert!(!proves_extension(earlier, later, &[&proof[..], &[[0; 32]]].concat()), "too long");
                assert!(!proves_extension(later, earlier, &proof), "backwards");
                for left_out in 0..proof.len() {
                    let mut shorter = proof.clone();
                    shorter.remove(left_out);
                    assert!(!proves_extension(earlier, later, &shorter), "{before} of {size} without {left_out}");
                }
            }
        }
        assert!(!proves_extension((0, [0; 32]), (0, [0; 32]), &[]));
    }

    #[test]
    fn subtrees_are_as_good_as_their_leaves() {
        let leaves = leaves(64);
        for height in 0..4 {
            let mut frontier = Frontier::default();
            leaves.chunks(1 << height).for_each(|chunk| frontier.append_subtree(height, tree_hash(chunk)));
            assert_eq!((frontier.size(), frontier.root()), (64, tree_hash(&leaves)), "{height}");
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
