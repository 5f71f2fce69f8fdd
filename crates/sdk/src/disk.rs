//! The store on disk (P-3.10): two files per root, each written atomically, writers one at a time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use pintle_core::{Root, limits::MAX_CONFIG_BYTES};

use crate::{Memory, Record, StoreError, StorePart, record::to_hex};

const CONFIG: &str = "pins.jws";
const MEMORY: &str = "state.json";
const LOCK: &str = "lock";
/// One more than a configuration may have, and more than a memory has: whatever else lies there is not taken in.
const MAX_BYTES: u64 = MAX_CONFIG_BYTES as u64 + 1;

/// A directory that keeps the record of one root.
#[derive(Clone, Debug)]
pub struct DiskStore {
    dir: PathBuf,
}

/// What a store held.
#[derive(Debug, Default)]
pub struct Loaded {
    /// As far as it could be read.
    pub record: Record,
    /// The part that could not, renamed out of the way.
    pub set_aside: Option<StorePart>,
}

impl DiskStore {
    /// The store of `root` under `dir`. Another root has another one (P-3.10). Touches nothing yet.
    #[must_use]
    pub fn new(dir: &Path, root: &Root) -> Self {
        Self { dir: dir.join(to_hex(&root.store_key())) }
    }

    /// Reads what is there; nothing is no error.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        // In the order opposite to `save`: whoever writes meanwhile leaves a floor below the file here, too.
        let memory = self.read(MEMORY)?.map(|bytes| Memory::parse_json(&bytes));
        let config = self.read(CONFIG)?;
        let damaged = matches!(memory, Some(Err(_)));
        if damaged {
            self.set_aside(StorePart::Memory)?;
        }
        let memory = memory.and_then(Result::ok).unwrap_or_default();
        Ok(Loaded { record: Record { config, memory }, set_aside: damaged.then_some(StorePart::Memory) })
    }

    /// Writes `record`, unless another process already keeps what it must not replace: neither floor nor succession chain
    /// goes back. The draw that is there first stays (P-2.5).
    ///
    /// The file goes first: a crash in between leaves a floor below the file, never a file below its floor.
    pub fn save(&self, record: &Record) -> Result<(), StoreError> {
        fs::create_dir_all(&self.dir).map_err(|error| store_error(&self.dir, &error))?;
        let _lock = self.lock()?;
        let kept = self.read(MEMORY)?.and_then(|bytes| Memory::parse_json(&bytes).ok()).unwrap_or_default();
        if !kept.gives_way_to(&record.memory) {
            return Ok(());
        }
        if let Some(config) = &record.config {
            self.write(CONFIG, config)?;
        }
        let mut memory = record.memory.clone();
        memory.draw = kept.draw.or(memory.draw);
        if kept.position().0 == record.memory.position().0 {
            // After a recovery (P-3.7) the earlier time floor is void.
            memory.state.time_floor = memory.state.time_floor.max(kept.state.time_floor);
        }
        self.write(MEMORY, &memory.to_json())
    }

    /// Renames a damaged part out of the way, for someone to look at.
    pub fn set_aside(&self, part: StorePart) -> Result<(), StoreError> {
        let from = self.dir.join(match part {
            StorePart::Config => CONFIG,
            StorePart::Memory => MEMORY,
        });
        fs::rename(&from, from.with_extension("rejected")).map_err(|error| store_error(&from, &error))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.dir.join(name);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(store_error(&path, &error)),
        }
    }

    /// Atomic: a reader sees the old bytes or the new ones, after a crash too.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.dir.join(name);
        let temporary = path.with_extension("tmp");
        let written = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            sync_dir(&self.dir)
        })();
        written.map_err(|error| store_error(&path, &error))
    }

    /// Held until the file is dropped, by one process at a time.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.dir.join(LOCK);
        let locked = OpenOptions::new().create(true).truncate(false).write(true).open(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|error| store_error(&path, &error))
    }
}

fn store_error(path: &Path, error: &io::Error) -> StoreError {
    StoreError { path: path.to_owned(), kind: error.kind() }
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Directories cannot be opened for syncing here; a rename is durable once the file system says so.
#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
