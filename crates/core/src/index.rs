use alloc::{collections::BTreeMap, string::String};

use crate::{
    claims::Domain,
    name::{HostName, Name},
};

/// From host to entry (P-4.5). Holds positions in the list of domains.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    exact: BTreeMap<HostName, usize>,
    one_label: BTreeMap<String, usize>,
    any_depth: BTreeMap<String, usize>,
}

impl Index {
    pub(crate) fn derive(domains: &[Domain]) -> Self {
        let mut index = Self::default();
        for (position, domain) in domains.iter().enumerate() {
            match &domain.name {
                Name::Exact(host) => index.exact.insert(host.clone(), position),
                Name::OneLabel(name) => index.one_label.insert(name.as_str().into(), position),
                Name::AnyDepth(name) => index.any_depth.insert(name.as_str().into(), position),
            };
        }
        index
    }

    /// The most specific entry alone.
    pub(crate) fn find(&self, host: &HostName) -> Option<usize> {
        if let Some(position) = self.exact.get(host) {
            return Some(*position);
        }
        let HostName::Dns(name) = host else {
            return None;
        };
        let one_label = name.parent().and_then(|parent| self.one_label.get(parent));
        one_label.or_else(|| name.self_and_ancestors().find_map(|name| self.any_depth.get(name))).copied()
    }
}
