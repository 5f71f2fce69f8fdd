use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

use crate::{
    claims::Domain,
    error::{Malformed, MalformedReason},
    name::{HostRef, Name, parent},
};

/// From host to entry (P-4.5). Holds positions in the list of domains, whose names are the keys; short ones, so that the
/// table of ten thousand hosts stays in a core's own cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    positions: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// A [`Name`] whose text lies elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Exact(HostRef<'a>),
    OneLabel(&'a str),
    AnyDepth(&'a str),
}

impl Index {
    /// Refuses two entries of one name (P-2.5).
    pub(crate) fn derive(domains: &[Domain]) -> Result<Self, Malformed> {
        let hasher = DefaultHashBuilder::default();
        let mut positions = HashTable::with_capacity(domains.len());
        for (index, (position, domain)) in (0..).zip(domains).enumerate() {
            let key = Key::of(&domain.name);
            let is_key = |other: &u32| domain_at(domains, *other).is_some_and(|other| Key::of(&other.name) == key);
            let hash =
                |other: &u32| domain_at(domains, *other).map_or(0, |other| hasher.hash_one(Key::of(&other.name)));
            match positions.entry(hasher.hash_one(key), is_key, hash) {
                Entry::Vacant(place) => place.insert(position),
                Entry::Occupied(_) => {
                    return Err(Malformed::from(MalformedReason::Repeated).within("name").within_index(index));
                }
            };
        }
        Ok(Self { positions, hasher })
    }

    /// The most specific of `domains`, those the index was derived from; it alone decides.
    pub(crate) fn find<'d>(&self, domains: &'d [Domain], host: HostRef<'_>) -> Option<&'d Domain> {
        let entry = |key: Key<'_>| {
            let is_key =
                |position: &u32| domain_at(domains, *position).is_some_and(|domain| Key::of(&domain.name) == key);
            domain_at(domains, *self.positions.find(self.hasher.hash_one(key), is_key)?)
        };
        entry(Key::Exact(host)).or_else(|| {
            let HostRef::Dns(name) = host else {
                return None;
            };
            let one_label = parent(name).and_then(|parent| entry(Key::OneLabel(parent)));
            let mut self_and_ancestors = core::iter::successors(Some(name), |name| parent(name));
            one_label.or_else(|| self_and_ancestors.find_map(|name| entry(Key::AnyDepth(name))))
        })
    }
}

fn domain_at(domains: &[Domain], position: u32) -> Option<&Domain> {
    domains.get(usize::try_from(position).ok()?)
}

impl<'a> Key<'a> {
    fn of(name: &'a Name) -> Self {
        match name {
            Name::Exact(host) => Self::Exact(host.as_host_ref()),
            Name::OneLabel(base) => Self::OneLabel(base.as_str()),
            Name::AnyDepth(base) => Self::AnyDepth(base.as_str()),
        }
    }
}
