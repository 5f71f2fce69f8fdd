use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{body::Bytes, http::HeaderValue};
use pintle_publish::{Address, Stored};

/// Enough for the pointers of thousands of projects; old files make room for new ones.
const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;

/// A file ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct ServedFile {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
}

/// What was served last, kept in memory so that apps go on while the database is in trouble.
#[derive(Debug, Default)]
pub(crate) struct ServedFiles {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Address, (u64, ServedFile)>,
    bytes: usize,
    clock: u64,
}

impl ServedFiles {
    /// Remembers the file and gives it back ready to be sent.
    pub(crate) fn save(&self, address: &Address, stored: Stored) -> ServedFile {
        let mut kept = self.lock();
        kept.clock += 1;
        let clock = kept.clock;
        if let Some((used, file)) = kept.files.get_mut(address)
            && file.etag.as_bytes() == stored.tag.0.as_bytes()
        {
            *used = clock;
            return file.clone();
        }
        kept.remove(address);
        // A tag is a quoted hexadecimal number.
        let etag = HeaderValue::try_from(stored.tag.0).unwrap_or(HeaderValue::from_static("\"\""));
        let file = ServedFile { body: stored.body.into(), etag };
        kept.bytes += file.body.len();
        kept.files.insert(address.clone(), (clock, file.clone()));
        kept.make_room();
        file
    }

    pub(crate) fn load(&self, address: &Address) -> Option<ServedFile> {
        self.lock().files.get(address).map(|(_, file)| file.clone())
    }

    pub(crate) fn remove(&self, address: &Address) {
        self.lock().remove(address);
    }

    /// A panic elsewhere leaves at worst a wrong count of bytes: no reason to stop serving.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, address: &Address) {
        if let Some((_, file)) = self.files.remove(address) {
            self.bytes = self.bytes.saturating_sub(file.body.len());
        }
    }

    fn make_room(&mut self) {
        while self.bytes > MAX_KEPT_BYTES {
            let oldest = self.files.iter().min_by_key(|(_, (used, _))| *used).map(|(address, _)| address.clone());
            let Some(oldest) = oldest else { return };
            self.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_publish::Tag;

    fn address(version: u64) -> Address {
        Address::parse(&format!("o/p/releases/{version}.jws")).unwrap()
    }

    #[test]
    fn the_least_recently_served_files_make_room() {
        let served = ServedFiles::default();
        let save = |version| {
            let stored = Stored { body: vec![0; MAX_KEPT_BYTES / 2], tag: Tag(format!("\"{version}\"")) };
            served.save(&address(version), stored)
        };
        save(1);
        save(2);
        save(1);
        save(3);
        assert!(served.load(&address(2)).is_none());
        assert!(served.load(&address(1)).is_some() && served.load(&address(3)).is_some());
    }

    #[test]
    fn a_file_that_is_gone_is_not_kept() {
        let served = ServedFiles::default();
        served.save(&address(1), Stored { body: b"x".to_vec(), tag: Tag("\"1\"".into()) });
        served.remove(&address(1));
        assert!(served.load(&address(1)).is_none());
    }
}
