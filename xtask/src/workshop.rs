//! The folder all commands work in, and how other programs are run there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What apps of phones are compiled for: Android with 64 and 32 bits, iOS.
pub(crate) const PHONES: [&str; 3] = ["aarch64-linux-android", "armv7-linux-androideabi", "aarch64-apple-ios"];
/// The processor of most phones, with a system whose programs QEMU runs.
pub(crate) const ARM: &str = "aarch64-unknown-linux-gnu";

/// The workspace's root folder.
pub(crate) struct Workshop {
    root: PathBuf,
    cargo: OsString,
}

/// One program with its arguments and additions to its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) program: Program,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Cargo,
    /// Cargo for the targets of [`PHONES`], and for [`ARM`].
    CargoForPhones,
    CargoDeny,
    /// Of the environment that `setup` fills.
    Python,
    Node,
    Maven,
    Make,
    /// The first argument, in the Debian that `setup` makes for Swift.
    InSwift,
}

/// What a program run with its output passed on said of itself.
pub(crate) struct Outcome {
    pub(crate) succeeded: bool,
    /// Lines that tell of a test that did not run: `test: reason`.
    pub(crate) skips: Vec<String>,
}

impl Workshop {
    /// Finds the workspace through the environment cargo sets for `cargo xtask`, never through a path compiled in: a
    /// target folder may be shared by several clones.
    pub(crate) fn open() -> Result<Self> {
        let package =
            env::var_os("CARGO_MANIFEST_DIR").context("run me as `cargo xtask`: CARGO_MANIFEST_DIR is missing")?;
        let root = Path::new(&package).parent().context("xtask has no parent folder")?.to_owned();
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Ok(Self { root, cargo })
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Where `setup` installs; fixed, so that tests find it without being told.
    pub(crate) fn tools(&self) -> PathBuf {
        self.path("target/tools")
    }

    /// Where programs are looked for, those of the Python environment that `setup` fills first.
    pub(crate) fn path_with_tools(&self) -> Result<OsString> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = iter::once(self.tools().join("venv/bin")).chain(env::split_paths(&path));
        Ok(env::join_paths(folders)?)
    }

    /// A command in the root folder, without what cargo told this program about its own package: build scripts (ring's)
    /// watch those variables, and half the workspace would be rebuilt whenever `cargo test` and `cargo xtask` alternate.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// The cargo that started this program, so the same toolchain.
    pub(crate) fn cargo(&self) -> Command {
        self.command(&self.cargo)
    }

    /// The same with a C compiler that knows the processors of phones; of their systems it has no header, and ring needs none.
    fn cargo_for_phones(&self) -> Command {
        let mut command = self.cargo();
        let sdk = self.path("xtask/phones");
        let plain = format!("-nostdlibinc -ffreestanding -DRING_CORE_NOSTDLIBINC=1 -I{}", sdk.display());
        for target in PHONES {
            let name = target.replace('-', "_");
            // As Android's own compiler is set for the oldest of its 32-bit phones.
            let more = if target.starts_with("armv7") { " -march=armv7-a -mfpu=neon -mfloat-abi=softfp" } else { "" };
            command.env(format!("CC_{name}"), "clang").env(format!("CFLAGS_{name}"), format!("{plain}{more}"));
        }
        // Or it is looked for with Apple's tools.
        command.env("SDKROOT", sdk);
        let arm = ARM.replace('-', "_");
        let gcc = "aarch64-linux-gnu-gcc";
        command.env(format!("CC_{arm}"), gcc).env(format!("CARGO_TARGET_{}_LINKER", arm.to_uppercase()), gcc);
        command.env(format!("CARGO_TARGET_{}_RUNNER", arm.to_uppercase()), "qemu-aarch64 -L /usr/aarch64-linux-gnu");
        command
    }

    /// Names of the packages in the workspace.
    pub(crate) fn members(&self) -> Result<Vec<String>> {
        let mut command = self.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Value = serde_json::from_str(&read(command)?).context("cargo metadata is not JSON")?;
        let packages =
            metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists no packages")?;
        let names = packages.iter().map(|package| package.get("name").and_then(Value::as_str).map(str::to_owned));
        names.collect::<Option<_>>().context("cargo metadata shows a package without a name")
    }

    /// Maven with what `setup` fetched, and without a network.
    pub(crate) fn maven(&self) -> Command {
        let mut command = self.command("mvn");
        command.args(["--batch-mode", "--no-transfer-progress", "--offline"]);
        command.arg(format!("-Dmaven.repo.local={}", self.tools().join("maven").display()));
        command
    }

    /// A command whose first argument is run in the Debian that `setup` makes for Swift; see [`path_in_swift`](Self::path_in_swift).
    pub(crate) fn in_swift(&self) -> Command {
        let mut command = self.unshare();
        command.args(["sh", "-euc", ENTER_SWIFT, "sh"]).arg(self.tools().join("swift")).arg(&self.root);
        command
    }

    /// What is mounted in it, nobody else sees.
    pub(crate) fn unshare(&self) -> Command {
        let mut command = self.command("unshare");
        command.arg("--mount");
        if !is_root() {
            command.arg("--map-root-user");
        }
        command
    }

    /// How a path below ours is called in that Debian.
    pub(crate) fn path_in_swift(&self, path: &Path) -> Result<PathBuf> {
        let relative = path.strip_prefix(&self.root).with_context(|| format!("{} is not in here", path.display()))?;
        Ok(Path::new("/pintle").join(relative))
    }

    pub(crate) fn command_of(&self, run: &Run) -> Command {
        let mut command = match run.program {
            Program::Cargo => self.cargo(),
            Program::CargoForPhones => self.cargo_for_phones(),
            Program::CargoDeny => self.command(self.tools().join("bin/cargo-deny")),
            Program::Python => self.command(self.tools().join("venv/bin/python")),
            Program::Node => self.command("node"),
            Program::Maven => self.maven(),
            Program::Make => self.command("make"),
            Program::InSwift => self.in_swift(),
        };
        command.args(&run.arguments).envs(run.environment.iter().copied());
        command
    }

    /// Runs with the output passed on as it comes, and collects the tests that say they did not run.
    pub(crate) fn run(&self, run: &Run) -> Result<Outcome> {
        let mut command = self.command_of(run);
        if env::var_os("CARGO_TERM_COLOR").is_none() && io::stdout().is_terminal() {
            // The pipes below would hide the terminal from cargo.
            command.env("CARGO_TERM_COLOR", "always");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start: {run}"))?;
        let (stdout, stderr) = (child.stdout.take().context("no stdout")?, child.stderr.take().context("no stderr")?);
        let mut skips = thread::scope(|scope| {
            let told = scope.spawn(|| pass_on(stderr, io::stderr()));
            let mut skips = pass_on(stdout, io::stdout())?;
            skips.extend(told.join().map_err(|_| anyhow::anyhow!("the reader of stderr failed"))??);
            anyhow::Ok(skips)
        })?;
        skips.sort();
        skips.dedup();
        Ok(Outcome { succeeded: child.wait()?.success(), skips })
    }
}

impl Run {
    /// `line` is split at white space: our own arguments hold none.
    pub(crate) fn parse(program: Program, line: &str) -> Self {
        Self { program, arguments: line.split_whitespace().map(str::to_owned).collect(), environment: Vec::new() }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}='{value}' ")?;
        }
        f.write_str(match self.program {
            Program::Cargo | Program::CargoForPhones => "cargo",
            Program::CargoDeny => "target/tools/bin/cargo-deny",
            Program::Python => "target/tools/venv/bin/python",
            Program::Node => "node",
            Program::Maven => "mvn",
            Program::Make => "make",
            Program::InSwift => "chroot target/tools/swift",
        })?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

/// Mounts what is needed where nobody else sees it, and where it ends with the last process.
const ENTER_SWIFT: &str = r#"
folder=$1
mount --rbind /proc "$folder/proc"
mount --rbind /dev "$folder/dev"
mount --bind "$2" "$folder/pintle"
shift 2
cd /
exec chroot "$folder" "$@"
"#;

pub(crate) fn is_root() -> bool {
    let mut ask = Command::new("id");
    ask.arg("-u");
    read(ask).is_ok_and(|id| id.trim() == "0")
}

/// Runs to the end without showing anything and returns stdout; the error says what the program said.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    ensure!(
        output.status.success(),
        "{} failed ({}): {}",
        command.get_program().to_string_lossy(),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn pass_on(from: impl Read, mut to: impl Write) -> Result<Vec<String>> {
    let mut from = BufReader::new(from);
    let mut skips = Vec::new();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        skips.extend(skip_in(&String::from_utf8_lossy(&line)));
        line.clear();
    }
    Ok(skips)
}

/// `test: reason` if the line tells of a test that did not run: our own `SKIPPED:` line, or the harness's about `#[ignore]`.
fn skip_in(line: &str) -> Option<String> {
    let line = line.trim_end();
    if let Some(skip) = line.strip_prefix("SKIPPED: ") {
        return Some(skip.to_owned());
    }
    let (test, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let (before, reason) = result.split_once("ignored")?;
    // Before the word there may be a colour, nothing else.
    (before.is_empty() || before.starts_with('\u{1b}')).then(|| match reason.split_once(", ") {
        Some((_, reason)) => format!("{test}: {reason}"),
        None => format!("{test}: ignored without a reason"),
    })
}

/// Runs with the output shown; the error names the whole command.
pub(crate) fn show(mut command: Command) -> Result<()> {
    let words: Vec<_> =
        iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    let line = words.join(" ");
    let status = command.status().with_context(|| format!("cannot start: {line}"))?;
    ensure!(status.success(), "failed ({status}): {line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_a_skipped_test_only_if_it_is_one() {
        assert_eq!(
            skip_in("SKIPPED: proxy_is_refused: no mitmdump\n").as_deref(),
            Some("proxy_is_refused: no mitmdump")
        );
        assert_eq!(skip_in("test a::b ... ignored, takes an hour\n").as_deref(), Some("a::b: takes an hour"));
        assert_eq!(
            skip_in("test a::b ... \u{1b}[33mignored\u{1b}[m\n").as_deref(),
            Some("a::b: ignored without a reason")
        );
        assert_eq!(skip_in("test refuses_what_it_ignored ... ok\n"), None);
        assert_eq!(skip_in("12 |     writeln!(stderr, \"SKIPPED: {test}\")\n"), None);
        assert_eq!(skip_in("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n"), None);
    }

    #[test]
    fn output_is_passed_on_byte_for_byte() {
        let mut passed = Vec::new();
        let skips = pass_on(&b"one\n\xff\nSKIPPED: t: r\nno newline"[..], &mut passed).unwrap();
        assert_eq!(passed, b"one\n\xff\nSKIPPED: t: r\nno newline");
        assert_eq!(skips, ["t: r"]);
    }
}
