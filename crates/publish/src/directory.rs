use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::{Address, Bucket, BucketError, Cause, Condition, Stored, Tag};

/// Serialises writers, also those of other processes; readers need no lock.
const LOCK_FILE: &str = ".pintle-lock";

/// A bucket in a directory, for any web server that serves files. Media types and cache headers are that server's
/// configuration: a file system keeps none.
#[derive(Clone, Debug)]
pub struct DirectoryBucket {
    root: Arc<Path>,
    name: String,
}

impl DirectoryBucket {
    /// A bucket in the directory `root`, which is created with the first write.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root: PathBuf = root.into();
        Self { name: format!("directory {}", root.display()), root: root.into() }
    }

    async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Path) -> Result<T, BucketError> + Send + 'static,
    ) -> Result<T, BucketError> {
        let root = Arc::clone(&self.root);
        tokio::task::spawn_blocking(move || task(&root)).await.map_err(BucketError::unavailable)?
    }
}

#[async_trait]
impl Bucket for DirectoryBucket {
    fn name(&self) -> &str {
        &self.name
    }

    async fn read(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        let path = address.to_string();
        self.run(move |root| load(&root.join(path))).await
    }

    async fn write(&self, address: &Address, body: &[u8], condition: &Condition) -> Result<(), BucketError> {
        let (path, body, condition) = (address.to_string(), body.to_owned(), condition.clone());
        self.run(move |root| save(root, &root.join(path), &body, &condition)).await
    }

    async fn remove(&self, address: &Address) -> Result<(), BucketError> {
        let path = address.to_string();
        self.run(move |root| remove(root, &root.join(path)).map_err(explain)).await
    }
}

fn explain(error: io::Error) -> BucketError {
    let cause = match error.kind() {
        io::ErrorKind::PermissionDenied => Cause::Denied,
        io::ErrorKind::ReadOnlyFilesystem => Cause::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::Full,
        _ => Cause::Unknown,
    };
    BucketError::because(cause, error)
}

fn load(path: &Path) -> Result<Option<Stored>, BucketError> {
    match fs::read(path) {
        Ok(body) => Ok(Some(Stored { tag: derive_tag(&body), body, headers: None })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(explain(error)),
    }
}

fn save(root: &Path, path: &Path, body: &[u8], condition: &Condition) -> Result<(), BucketError> {
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(explain)?;
    // Held until this function returns: condition and write are one step.
    let _lock = lock(root).map_err(explain)?;
    let holds = match (load(path)?, condition) {
        (None, Condition::Absent) => true,
        (Some(stored), Condition::Unchanged(tag)) => stored.tag == *tag,
        _ => false,
    };
    if !holds {
        return Err(BucketError::ConditionFailed);
    }
    replace_durably(root, folder, path, body).map_err(explain)
}

/// Keeps other writers out until the file is dropped.
fn lock(root: &Path) -> io::Result<File> {
    let lock = File::options().create(true).truncate(false).write(true).open(root.join(LOCK_FILE))?;
    lock.lock()?;
    Ok(lock)
}

/// Folders that hold nothing any more go with their last file.
fn remove(root: &Path, path: &Path) -> io::Result<()> {
    if !path.try_exists()? {
        return Ok(());
    }
    let _lock = lock(root)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != root) {
        if fs::remove_dir(folder).is_err() {
            // Not empty: what was removed from it must stay removed.
            return File::open(folder)?.sync_all();
        }
    }
    File::open(root)?.sync_all()
}

fn replace_durably(root: &Path, folder: &Path, path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = readable_by_all(&mut tempfile::Builder::new()).prefix(".pintle-").tempfile_in(folder)?;
    file.write_all(body)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The rename lasts only once its directory is on disk, and a new directory only once the one above it is.
    for directory in folder.ancestors().take_while(|directory| directory.starts_with(root)) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// A web server usually runs as another user; nothing published is secret.
#[cfg(unix)]
fn readable_by_all<'a, 'b, 'c>(builder: &'a mut tempfile::Builder<'b, 'c>) -> &'a mut tempfile::Builder<'b, 'c> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all<'a, 'b, 'c>(builder: &'a mut tempfile::Builder<'b, 'c>) -> &'a mut tempfile::Builder<'b, 'c> {
    builder
}

fn derive_tag(body: &[u8]) -> Tag {
    Tag(Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_contract;

    #[tokio::test]
    async fn keeps_the_contract_of_a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        check_contract(&DirectoryBucket::new(folder.path().join("new"))).await.unwrap();
    }

    #[tokio::test]
    async fn folders_go_with_their_last_file() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = DirectoryBucket::new(folder.path());
        let files = ["o/p/pins.jws", "o/p/releases/1.jws"].map(|path| Address::parse(path).unwrap());
        for file in &files {
            bucket.write(file, b"one", &Condition::Absent).await.unwrap();
        }
        bucket.remove(&files[1]).await.unwrap();
        assert!(folder.path().join("o/p/pins.jws").exists() && !folder.path().join("o/p/releases").exists());
        bucket.remove(&files[0]).await.unwrap();
        assert!(!folder.path().join("o").exists());
    }

    #[tokio::test]
    async fn leaves_nothing_but_the_files_behind() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = DirectoryBucket::new(folder.path());
        let address = Address::parse("o/p/pins.jws").unwrap();
        bucket.write(&address, b"one", &Condition::Absent).await.unwrap();
        let names: Vec<_> =
            fs::read_dir(folder.path().join("o/p")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["pins.jws"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn other_users_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let bucket = DirectoryBucket::new(folder.path());
        bucket.write(&Address::parse("o/p/pins.jws").unwrap(), b"one", &Condition::Absent).await.unwrap();
        let mode = fs::metadata(folder.path().join("o/p/pins.jws")).unwrap().permissions().mode();
        assert_eq!(mode & 0o044, 0o044);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_written_is_unavailable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let refused =
            DirectoryBucket::new(file).write(&Address::parse("o/p/pins.jws").unwrap(), b"", &Condition::Absent).await;
        assert!(matches!(refused, Err(BucketError::Unavailable { .. })));
    }
}
