//! Disks that are full or read-only.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A file system of its own in a folder, gone with this value.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `kib` KiB over `folder`, which is made. Only root can: else this says so, for `test`, and is `None`.
    pub fn mount(folder: &Path, kib: usize, test: &str) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("a folder");
        let size = format!("size={kib}k");
        let mounted = run(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs"], folder);
        if !mounted {
            writeln!(std::io::stderr(), "SKIPPED: {test}: only root mounts").expect("standard error");
        }
        mounted.then(|| Self { folder: folder.to_owned() })
    }

    /// Writes a file until there is no room left; removing it makes room again.
    pub fn fill(&self) -> PathBuf {
        let path = self.folder.join(".filling");
        let mut file = std::fs::File::create(&path).expect("a file");
        while file.write_all(&[0; 1024]).is_ok() {}
        path
    }

    /// Nothing can be written any more.
    pub fn make_read_only(&self) {
        assert!(run(&["mount", "-o", "remount,ro"], &self.folder), "remounted");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whatever still has a file open holds nothing up.
        run(&["umount", "-l"], &self.folder);
    }
}

fn run(words: &[&str], folder: &Path) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let mut command = Command::new(program);
    let status = command.args(arguments).arg(folder).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
