//! Files, read with a limit and written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use crate::CommandError;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Only its owner (mode 0600).
    Owner,
    /// Everybody the umask allows.
    Everybody,
}

/// What happens to a file of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and writing fails.
    Keep,
    /// The new one takes its place in one step.
    Replace,
}

/// Reads a file of at most `limit_bytes`; `-` is standard input.
pub(crate) fn read_file(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, CommandError> {
    let unreadable = |error| CommandError::Read { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    let more_than_allowed = limit_bytes.saturating_add(1);
    if path == Path::new("-") {
        io::stdin().lock().take(more_than_allowed).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(more_than_allowed).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > limit_bytes {
        return Err(CommandError::FileTooLarge { path: path.to_owned(), limit_bytes });
    }
    Ok(bytes)
}

/// Reads a text file of at most `limit_bytes`.
pub(crate) fn read_text_file(path: &Path, limit_bytes: u64) -> Result<String, CommandError> {
    String::from_utf8(read_file(path, limit_bytes)?).map_err(|error| CommandError::Read {
        path: path.to_owned(),
        error: io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()),
    })
}

/// A file that appears under its name only once all of it is on disk. Dropped before, nothing is left of it.
pub(crate) struct NewFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl NewFile {
    /// Begins a file; missing directories are made, for their owner alone.
    pub(crate) fn create(path: &Path, audience: Audience) -> Result<Self, CommandError> {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let file = create_private_directory(directory).and_then(|()| make_temporary(directory, audience));
        let file = file.map_err(|error| CommandError::Write { path: path.to_owned(), error })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Where what is written goes.
    pub(crate) fn writer(&mut self) -> &mut impl Write {
        &mut self.file
    }

    /// Why it could not be written, as an error of the command.
    pub(crate) fn unwritable(&self, error: io::Error) -> CommandError {
        CommandError::Write { path: self.path.clone(), error }
    }

    /// Gives the file its name.
    pub(crate) fn keep(self, existing: Existing) -> Result<(), CommandError> {
        self.file.as_file().sync_all().map_err(|error| self.unwritable(error))?;
        let Self { path, file } = self;
        let persisted = match existing {
            Existing::Replace => file.persist(&path),
            Existing::Keep => file.persist_noclobber(&path),
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Err(CommandError::Exists { path }),
            Err(failed) => Err(CommandError::Write { path, error: failed.error }),
        }
    }
}

/// Writes a whole file; see [`NewFile`].
pub(crate) fn write_file(
    path: &Path,
    contents: &[u8],
    audience: Audience,
    existing: Existing,
) -> Result<(), CommandError> {
    let mut file = NewFile::create(path, audience)?;
    file.writer().write_all(contents).map_err(|error| file.unwritable(error))?;
    file.keep(existing)
}

/// Whether other users of this machine may read or change the file; not known, it is not said.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_path: &Path) -> bool {
    false
}

#[cfg(unix)]
fn create_private_directory(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create_private_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

#[cfg(unix)]
fn make_temporary(directory: &Path, audience: Audience) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match audience {
        Audience::Owner => 0o600,
        Audience::Everybody => 0o666,
    };
    Builder::new().prefix(".pintle-").permissions(fs::Permissions::from_mode(mode)).tempfile_in(directory)
}

#[cfg(not(unix))]
fn make_temporary(directory: &Path, _audience: Audience) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".pintle-").tempfile_in(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/key.pem");
        write_file(&path, b"secret", Audience::Owner, Existing::Keep).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn keeping_refuses_and_replacing_replaces() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_file(&path, b"first", Audience::Owner, Existing::Keep).unwrap();
        let refused = write_file(&path, b"second", Audience::Owner, Existing::Keep).unwrap_err();
        assert_eq!(refused.code(), "file_exists");
        assert_eq!(read_file(&path, 100).unwrap(), b"first");
        write_file(&path, b"third", Audience::Owner, Existing::Replace).unwrap();
        assert_eq!(read_file(&path, 100).unwrap(), b"third");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn reads_no_more_than_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_file(&path, 5).unwrap(), b"12345");
        assert_eq!(read_file(&path, 4).unwrap_err().code(), "file_too_large");
    }
}
