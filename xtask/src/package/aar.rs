//! The AAR: the jar with native libraries that were built elsewhere, as Android's build wants them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Build, Made, jar};
use crate::workshop::{Workshop, show};

const LIBRARY: &str = "libpintle_jvm.so";
/// What Android calls its platforms, and the machine that ELF names for each.
const ABIS: [(&str, u16); 4] = [("arm64-v8a", 183), ("armeabi-v7a", 40), ("x86", 3), ("x86_64", 62)];
const MANIFEST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="pintle.android">
    <uses-sdk android:minSdkVersion="24" />
    <uses-permission android:name="android.permission.INTERNET" />
</manifest>
"#;

/// Made after the jar. `libraries` holds a folder per ABI, as `jniLibs` does.
pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path, libraries: &Path) -> Result<Vec<Made>> {
    let stage = scratch.join("aar/stage");
    fs::create_dir_all(&stage)?;
    let abis = copy_libraries(workshop, libraries, &stage.join("jni"))?;
    fs::write(stage.join("AndroidManifest.xml"), MANIFEST)?;
    // Build tools look for it; there are no resources.
    fs::write(stage.join("R.txt"), "")?;
    fs::copy(workshop.path("bindings/jvm/resources/META-INF/proguard/pintle.pro"), stage.join("proguard.txt"))?;
    let classes = scratch.join("aar/classes");
    jar::unpack(workshop, &out.join("pintle-0.1.0.jar"), &classes)?;
    fs::remove_dir_all(classes.join("pintle/native"))?;
    let zip = |file: &Path, folder: &Path| {
        let mut zip = workshop.command("jar");
        // The same bytes from the same files; zip knows no earlier time.
        zip.args(["--create", "--no-manifest", "--date=1980-01-01T00:00:02Z", "--file"]).arg(file);
        zip.arg("-C").arg(folder).arg(".");
        show(zip)
    };
    zip(&stage.join("classes.jar"), &classes)?;
    let file = out.join("pintle-0.1.0.aar");
    zip(&file, &stage)?;
    Ok(abis.into_iter().map(|library| Made { file: file.clone(), library: Some(library) }).collect())
}

fn copy_libraries(workshop: &Workshop, from: &Path, to: &Path) -> Result<Vec<PathBuf>> {
    let mut copied = Vec::new();
    for (abi, machine) in ABIS {
        let library = from.join(abi).join(LIBRARY);
        if !library.exists() {
            continue;
        }
        let bytes = fs::read(&library).with_context(|| format!("cannot read {}", library.display()))?;
        expect_android(&bytes, machine).with_context(|| library.display().to_string())?;
        Build::Shipped.inspect(workshop, &library, &[&library])?;
        let copy = to.join(abi).join(LIBRARY);
        fs::create_dir_all(to.join(abi))?;
        fs::copy(&library, &copy)?;
        copied.push(copy);
    }
    let names = ABIS.map(|(abi, _)| format!("{abi}/{LIBRARY}"));
    ensure!(!copied.is_empty(), "{} holds none of {}", from.display(), names.join(", "));
    Ok(copied)
}

/// A library for another machine, or for a Linux that is not Android, would fail on the device alone.
fn expect_android(elf: &[u8], machine: u16) -> Result<()> {
    ensure!(elf.starts_with(b"\x7fELF"), "this is no ELF file");
    let of_file = elf.get(18..20).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes);
    ensure!(of_file == Some(machine), "it is for machine {of_file:?} of ELF, not {machine}");
    let is_glibc = elf.windows(9).any(|window| window == b"libc.so.6");
    ensure!(!is_glibc, "it needs glibc's libc.so.6, which Android lacks: build it with the NDK");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_would_fail_on_the_device_is_refused() {
        let elf = |machine: u16, needs: &[u8]| {
            let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
            elf.resize(18, 0);
            elf.extend(machine.to_le_bytes());
            elf.extend(needs);
            elf
        };
        expect_android(&elf(183, b"\0libc.so\0"), 183).unwrap();
        for (elf, machine) in [(elf(183, b"\0libc.so\0"), 62), (elf(62, b"\0libc.so.6\0"), 62), (b"MZ".to_vec(), 62)] {
            expect_android(&elf, machine).unwrap_err();
        }
    }
}
