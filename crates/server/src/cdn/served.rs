use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{body::Bytes, http::HeaderValue};
use pintle_publish::{Address, Stored};

/// Enough for the pointers of thousands of projects; old files make room for new ones.
const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;

/// How long a file is served that the database no longer confirms: `stale-if-error` of P-7.2.
const MAX_UNCONFIRMED: Duration = Duration::from_secs(604_800);

/// A file ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct ServedFile {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
    /// How long ago the database had it, if it does not answer now.
    pub(crate) age: Option<Duration>,
}

/// What was served last, kept in memory so that apps go on while the database is in trouble.
#[derive(Debug, Default)]
pub(crate) struct ServedFiles {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Address, KeptFile>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct KeptFile {
    file: ServedFile,
    used: u64,
    /// The database had it when it was asked at this time.
    confirmed_at: Instant,
}

impl ServedFiles {
    /// Remembers the answer to a question asked at `asked_at`, and gives back what is to be sent: that file, or a later
    /// one that another request brought meanwhile.
    pub(crate) fn save(&self, address: &Address, stored: Stored, asked_at: Instant) -> ServedFile {
        let mut kept = self.lock();
        kept.clock += 1;
        let clock = kept.clock;
        if let Some(known) = kept.files.get_mut(address)
            && (known.file.etag.as_bytes() == stored.tag.0.as_bytes() || known.confirmed_at > asked_at)
        {
            known.used = clock;
            known.confirmed_at = known.confirmed_at.max(asked_at);
            return known.file.clone();
        }
        kept.remove(address);
        // A tag is a quoted hexadecimal number.
        let etag = HeaderValue::try_from(stored.tag.0).unwrap_or(HeaderValue::from_static("\"\""));
        let file = ServedFile { body: stored.body.into(), etag, age: None };
        kept.bytes += file.body.len();
        kept.files.insert(address.clone(), KeptFile { file: file.clone(), used: clock, confirmed_at: asked_at });
        kept.make_room();
        file
    }

    /// The file as it was when the database last answered, with its age; unless that is too long ago.
    pub(crate) fn load(&self, address: &Address, now: Instant) -> Option<ServedFile> {
        let kept = self.lock();
        let known = kept.files.get(address)?;
        let age = now.saturating_duration_since(known.confirmed_at);
        (age <= MAX_UNCONFIRMED).then(|| ServedFile { age: Some(age), ..known.file.clone() })
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
        if let Some(known) = self.files.remove(address) {
            self.bytes = self.bytes.saturating_sub(known.file.body.len());
        }
    }

    fn make_room(&mut self) {
        while self.bytes > MAX_KEPT_BYTES {
            let oldest = self.files.iter().min_by_key(|(_, known)| known.used).map(|(address, _)| address.clone());
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

    fn stored(body: &[u8], tag: &str) -> Stored {
        Stored { body: body.to_vec(), tag: Tag(format!("\"{tag}\"")), headers: None }
    }

    #[test]
    fn the_least_recently_served_files_make_room() {
        let (served, now) = (ServedFiles::default(), Instant::now());
        let save = |version: u64| {
            served.save(&address(version), stored(&vec![0; MAX_KEPT_BYTES / 2], &version.to_string()), now)
        };
        save(1);
        save(2);
        save(1);
        save(3);
        assert!(served.load(&address(2), now).is_none());
        assert!(served.load(&address(1), now).is_some() && served.load(&address(3), now).is_some());
    }

    #[test]
    fn a_file_that_is_gone_is_not_kept() {
        let (served, now) = (ServedFiles::default(), Instant::now());
        served.save(&address(1), stored(b"x", "1"), now);
        served.remove(&address(1));
        assert!(served.load(&address(1), now).is_none());
    }

    #[test]
    fn an_answer_that_was_long_under_way_does_not_replace_a_later_one() {
        let (served, now) = (ServedFiles::default(), Instant::now());
        let earlier = now.checked_sub(Duration::from_secs(1)).unwrap();
        served.save(&address(1), stored(b"new", "2"), now);
        assert_eq!(served.save(&address(1), stored(b"old", "1"), earlier).body, "new");
        assert_eq!(served.load(&address(1), now).unwrap().body, "new");
    }

    #[test]
    fn an_unconfirmed_file_tells_its_age_and_is_served_for_a_week() {
        let (served, now) = (ServedFiles::default(), Instant::now());
        assert_eq!(served.save(&address(1), stored(b"x", "1"), now).age, None);
        assert_eq!(served.load(&address(1), now + Duration::from_secs(90)).unwrap().age, Some(Duration::from_secs(90)));
        assert!(served.load(&address(1), now + MAX_UNCONFIRMED).is_some());
        assert!(served.load(&address(1), now + MAX_UNCONFIRMED + Duration::from_secs(1)).is_none());
        // An answer, even of the same file, begins a new week.
        served.save(&address(1), stored(b"x", "1"), now + Duration::from_secs(60));
        assert!(served.load(&address(1), now + MAX_UNCONFIRMED + Duration::from_secs(1)).is_some());
    }
}
