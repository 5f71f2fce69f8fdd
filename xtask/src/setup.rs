//! Installs what the tests need beyond Rust. Every tool first looks whether it is there already.

mod debian;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use self::debian::{
    ARM_TOOLS, DEBIAN_PACKAGES, DEBOOTSTRAP, DOXYGEN, JAVA, PYTHON, WRK, answers, as_root, command, install_debian,
};
use crate::workshop::{ARM, PHONES, Workshop, read, show};

const CARGO_DENY: &str = "0.20.2";
/// Servers that no other registry has: a program, and what it is built from.
const GO_PROGRAMS: [(&str, &str); 2] = [
    ("fake-gcs-server", "github.com/fsouza/fake-gcs-server@v1.56.1"),
    ("pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"),
];
/// Environments below target/tools, with what they hold. The first is what most tests and Zig use.
const PYTHON_TOOLS: PythonTools = PythonTools { name: "venv", requirements: "xtask/requirements.txt" };
const CERTBOT: PythonTools = PythonTools { name: "certbot", requirements: "xtask/certbot.txt" };
const ZIG_REQUIREMENTS: &str = "xtask/zig.txt";
const MAVEN_PROJECT: &str = "bindings/jvm/pom.xml";
/// An app that uses what that makes.
const MAVEN_APP: &str = "examples/kotlin/pom.xml";
/// Programs from npm, in folders of their own below target/tools.
const NODE_TESTS: NodeTools = NodeTools { name: "node", project: "xtask" };
const NODE_DOCUMENTATION: NodeTools = NodeTools { name: "typedoc", project: "xtask/typedoc" };

/// Maven finds out what it needs when it needs it: a project of the same shape makes it need everything.
const MAVEN_SEED: [(&str, &str); 2] = [
    ("lib/Seed.kt", "package pintle\n\nclass Seed\n"),
    (
        "test/SeedTest.kt",
        "package pintle\n\nimport org.junit.jupiter.api.Test\n\nclass SeedTest {\n    @Test\n    fun grows() {\n        Seed()\n    }\n}\n",
    ),
];

/// The first release of Debian that has Swift.
const SWIFT_RELEASE: &str = "trixie";
const SWIFT_PACKAGES: &str = "swiftlang,libc6-dev,libssl-dev";
const SWIFT_STAMP: &str = "swift-installed.txt";

struct NodeTools {
    name: &'static str,
    /// The folder with package.json and package-lock.json.
    project: &'static str,
}

struct PythonTools {
    name: &'static str,
    requirements: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    /// Programs from the Linux distribution.
    Debian,
    /// Attackers and clouds of the end-to-end tests, mitmproxy and moto among them, and certbot, in Python environments of
    /// their own.
    Python,
    /// What is written for Node: an object store, an identity provider, what drives a browser and what checks scripts.
    Node,
    /// A JDK, Maven, and a repository with what the SDK for Kotlin and Java is built and tested with.
    Java,
    /// The Google Cloud Storage and the certificate authority (ACME) of the tests, where there is Go to build them.
    Go,
    CargoDeny,
    /// A Debian in a folder, which has the Swift that most distributions lack.
    Swift,
    /// Rust's standard library for phones, where rustup has it, C compilers that know their processors, and one to run it on.
    Phones,
    /// What `docs` needs and no test does: doxygen, TypeDoc.
    Documentation,
    /// What `bench origin` needs and no test does: wrk, which asks for one file as fast as it can.
    Load,
    /// What `package` and `dist` need and no test does: zig, which links against an old glibc. After Python.
    Zig,
}

impl Tool {
    /// What tests need.
    pub(crate) const ALL: [Self; 8] =
        [Self::Debian, Self::Python, Self::Node, Self::Java, Self::Go, Self::CargoDeny, Self::Swift, Self::Phones];
}

pub(crate) fn install(workshop: &Workshop, tools: impl IntoIterator<Item = Tool>) -> Result<()> {
    for tool in tools {
        match tool {
            Tool::Debian => install_debian(workshop, &DEBIAN_PACKAGES),
            Tool::Python => [PYTHON_TOOLS, CERTBOT].iter().try_for_each(|tools| install_python(workshop, tools)),
            Tool::Node => install_node(workshop, &NODE_TESTS),
            Tool::Java => install_java(workshop),
            Tool::Go => install_go(workshop),
            Tool::CargoDeny => install_cargo_deny(workshop),
            Tool::Swift => install_swift(workshop),
            Tool::Phones => install_phones(workshop),
            Tool::Zig => install_zig(workshop),
            Tool::Load => install_debian(workshop, &[WRK]),
            Tool::Documentation => {
                install_debian(workshop, &[DOXYGEN]).and_then(|()| install_node(workshop, &NODE_DOCUMENTATION))
            }
        }?;
    }
    Ok(())
}

fn install_python(workshop: &Workshop, tools: &PythonTools) -> Result<()> {
    let PythonTools { name, requirements } = tools;
    let wanted =
        fs::read_to_string(workshop.path(requirements)).with_context(|| format!("cannot read {requirements}"))?;
    let environment = workshop.tools().join(name);
    let python = environment.join("bin/python");
    let stamp = environment.join("installed-requirements.txt");
    let is_there = fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if is_there && read_version(workshop, &python).is_ok() {
        println!("setup: {requirements}: there");
        return Ok(());
    }
    install_debian(workshop, &[PYTHON])?;
    println!("setup: installing {requirements} into {}", environment.display());
    let mut create = workshop.command("python3");
    create.args(["-m", "venv", "--clear"]).arg(&environment);
    show(create)?;
    pip_install(workshop, tools)?;
    // Last, so that an interrupted installation is begun again.
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn pip_install(workshop: &Workshop, tools: &PythonTools) -> Result<()> {
    let requirements = tools.requirements;
    let mut fill = workshop.command(workshop.tools().join(tools.name).join("bin/python"));
    // pyperclip has no wheel: built the modern way on every Python, not with whatever setuptools it happens to bring.
    fill.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--use-pep517"]);
    fill.args(["--require-hashes", "--requirement", requirements]);
    show(fill).with_context(|| {
        format!("cannot install {requirements}: it needs Python 3.11 or later and a package index within reach")
    })
}

fn install_zig(workshop: &Workshop) -> Result<()> {
    let mut ask = workshop.command(workshop.tools().join("venv/bin/python"));
    ask.args(["-m", "pip", "install", "--dry-run", "--no-index", "--quiet", "--disable-pip-version-check"]);
    ask.args(["--requirement", ZIG_REQUIREMENTS]);
    if read(ask).is_ok() {
        println!("setup: {ZIG_REQUIREMENTS}: there");
        return Ok(());
    }
    println!("setup: installing {ZIG_REQUIREMENTS}");
    pip_install(workshop, &PythonTools { requirements: ZIG_REQUIREMENTS, ..PYTHON_TOOLS })
}

/// What runs on Node, with the versions and hashes of its lock file.
fn install_node(workshop: &Workshop, tools: &NodeTools) -> Result<()> {
    let folder = workshop.tools().join(tools.name);
    let stamp = folder.join("installed-package-lock.json");
    let [manifest, lock] = ["package.json", "package-lock.json"].map(|file| format!("{}/{file}", tools.project));
    let wanted = fs::read_to_string(workshop.path(&lock)).with_context(|| format!("cannot read {lock}"))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("setup: {lock}: there");
        return Ok(());
    }
    ensure!(
        answers(workshop, &["npm", "--version"]),
        "the tests need Node.js 20 or later with npm; install it and run me again"
    );
    println!("setup: installing {lock} into {}", folder.display());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for file in [manifest, lock] {
        let name = file.rsplit('/').next().unwrap_or(&file);
        fs::copy(workshop.path(&file), folder.join(name)).with_context(|| format!("cannot copy {file}"))?;
    }
    let mut install = workshop.command("npm");
    // Scripts of packages do not run: none that is used needs them.
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix"]).arg(&folder);
    show(install).context("cannot install from npm: it needs the npm registry within reach")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The program that makes the reference for Node.js, once it is installed.
pub(crate) fn typedoc(workshop: &Workshop) -> PathBuf {
    workshop.tools().join(NODE_DOCUMENTATION.name).join("node_modules/typedoc/bin/typedoc")
}

fn install_java(workshop: &Workshop) -> Result<()> {
    let read_project = |name| fs::read_to_string(workshop.path(name)).with_context(|| format!("cannot read {name}"));
    let project = read_project(MAVEN_PROJECT)?;
    let wanted = format!("{project}{}", read_project(MAVEN_APP)?);
    let stamp = workshop.tools().join("maven/installed-projects.xml");
    install_debian(workshop, &JAVA)?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("setup: {MAVEN_PROJECT}: there");
        return Ok(());
    }
    println!("setup: fetching what {MAVEN_PROJECT} names (a minute or two)");
    let seed = workshop.tools().join("maven-seed");
    for (name, text) in MAVEN_SEED.into_iter().chain([("pom.xml", project.as_str())]) {
        let file = seed.join(name);
        let folder = file.parent().context("a file in no folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    for (project, goal) in [(seed.join("pom.xml"), "install"), (workshop.path(MAVEN_APP), "dependency:build-classpath")]
    {
        let mut fetch = workshop.command("mvn");
        fetch.args(["--batch-mode", "--no-transfer-progress", "--quiet", goal, "--file"]).arg(project);
        fetch.arg(format!("-Dmaven.repo.local={}", workshop.tools().join("maven").display()));
        fetch.arg(format!("-Dpintle.target={}", seed.display()));
        show(fetch).context("cannot fetch from Maven Central: it has to be within reach")?;
    }
    for left in [seed, workshop.tools().join("maven/pintle")] {
        fs::remove_dir_all(&left).with_context(|| format!("cannot remove {}", left.display()))?;
    }
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Nobody needs Go for these alone: without, their tests are skipped and say so.
fn install_go(workshop: &Workshop) -> Result<()> {
    GO_PROGRAMS.into_iter().try_for_each(|(name, package)| install_go_program(workshop, name, package))
}

fn install_go_program(workshop: &Workshop, name: &str, package: &str) -> Result<()> {
    let folder = workshop.tools().join("bin");
    let stamp = folder.join(format!("{name}.txt"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == package) {
        println!("setup: {package}: there");
        return Ok(());
    }
    if !answers(workshop, &["go", "version"]) {
        println!("setup: there is no Go to build {package} with: what needs it is skipped");
        return Ok(());
    }
    println!("setup: building {package}");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut install = workshop.command("go");
    install.args(["install", package]).env("GOBIN", &folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-modcacherw");
    show(install).context("cannot build it: it needs Go 1.23 or later and the Go module proxy within reach")?;
    fs::write(&stamp, package).with_context(|| format!("cannot write {}", stamp.display()))
}

fn install_cargo_deny(workshop: &Workshop) -> Result<()> {
    let tools = workshop.tools();
    let wanted = format!("cargo-deny {CARGO_DENY}");
    if read_version(workshop, &tools.join("bin/cargo-deny")).is_ok_and(|version| version == wanted) {
        println!("setup: {wanted}: there");
        return Ok(());
    }
    println!("setup: building {wanted} (a minute or two)");
    let build = tools.join("build");
    let mut install = workshop.cargo();
    // A debug build without debug information: it runs for a second, so its build time is what counts.
    install.args(["install", "--quiet", "--locked", "--force", "--debug", "cargo-deny", "--version", CARGO_DENY]);
    install.arg("--root").arg(&tools).arg("--target-dir").arg(&build).env("CARGO_PROFILE_DEV_DEBUG", "0");
    show(install).context("cannot build cargo-deny: it needs crates.io within reach and a C compiler")?;
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}

/// Why nobody may make that Debian here, or enter it, where the machine says so: without root or in a container that keeps mounts
/// to itself. Whatever else fails is a failure.
pub(crate) fn swift_is_forbidden(workshop: &Workshop) -> Option<String> {
    let is_there = swift_is_there(workshop);
    let mut ask = if is_there { workshop.unshare() } else { as_root(workshop, &["unshare", "--mount"]) };
    ask.arg("true");
    let act = if is_there { "enter the Debian that has Swift" } else { "make a Debian that has Swift" };
    read(ask).err().map(|error| format!("this machine lets nobody {act}: {error:#}"))
}

fn swift_is_there(workshop: &Workshop) -> bool {
    let stamp = fs::read_to_string(workshop.tools().join(SWIFT_STAMP));
    stamp.is_ok_and(|installed| installed == wanted_swift()) && workshop.tools().join("swift").exists()
}

fn wanted_swift() -> String {
    format!("{SWIFT_RELEASE}: {SWIFT_PACKAGES}")
}

/// 2.7 GB and a minute and a half.
fn install_swift(workshop: &Workshop) -> Result<()> {
    let folder = workshop.tools().join("swift");
    let wanted = wanted_swift();
    if swift_is_there(workshop) {
        println!("setup: {wanted}: there");
        return Ok(());
    }
    if let Some(why) = swift_is_forbidden(workshop) {
        println!("setup: {why}: what needs it is skipped");
        return Ok(());
    }
    let stamp = workshop.tools().join(SWIFT_STAMP);
    install_debian(workshop, &DEBOOTSTRAP)?;
    println!("setup: installing {wanted} into {} (a minute or two)", folder.display());
    let mut remove = as_root(workshop, &["rm", "-rf", "--one-file-system"]);
    remove.arg(&folder);
    show(remove)?;
    fs::create_dir_all(workshop.tools()).with_context(|| format!("cannot make {}", workshop.tools().display()))?;
    // What it mounts there ends with it, however it ends.
    let mut make = as_root(workshop, &["unshare", "--mount", "debootstrap", "--variant=minbase"]);
    make.arg(format!("--include={SWIFT_PACKAGES}")).arg(SWIFT_RELEASE).arg(&folder).args(debian_mirror(workshop));
    // It tells every package; where it fails, the last lines say why.
    read(make).context("cannot make it: it needs a Debian mirror within reach")?;
    let mut finish =
        as_root(workshop, &["sh", "-euc", r#"rm -f "$1"/var/cache/apt/archives/*.deb; mkdir "$1/pintle""#, "sh"]);
    finish.arg(&folder);
    show(finish)?;
    // Last, so that an interrupted installation is begun again.
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The mirror this machine uses, if it is a Debian; elsewhere debootstrap knows one.
fn debian_mirror(workshop: &Workshop) -> Option<String> {
    let line = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian"];
    let known = read(command(workshop, &[&["apt-get"][..], &line].concat())).ok()?;
    known.lines().next().map(str::to_owned)
}

/// Why nothing can be compiled for phones here, if so.
pub(crate) fn phones_are_missing(workshop: &Workshop) -> Option<String> {
    let installed = match read(command(workshop, &["rustup", "target", "list", "--installed"])) {
        Ok(installed) => installed,
        Err(error) => return Some(format!("there is no rustup here that could have them: {error:#}")),
    };
    let missing: Vec<&str> = wanted_targets().filter(|phone| !installed.lines().any(|line| line == *phone)).collect();
    (!missing.is_empty()).then(|| format!("rustup has no standard library for {}", missing.join(", ")))
}

fn wanted_targets() -> impl Iterator<Item = &'static str> {
    PHONES.into_iter().chain([ARM])
}

fn install_phones(workshop: &Workshop) -> Result<()> {
    install_debian(workshop, &ARM_TOOLS)?;
    let targets: Vec<&str> = wanted_targets().collect();
    if phones_are_missing(workshop).is_none() {
        println!("setup: {}: there", targets.join(", "));
        return Ok(());
    }
    println!("setup: installing Rust's standard library for {}", targets.join(", "));
    if let Err(error) = read(command(workshop, &[&["rustup", "target", "add"][..], &targets].concat())) {
        println!("setup: {error:#}: what needs them is skipped");
    }
    Ok(())
}

fn read_version(workshop: &Workshop, program: &PathBuf) -> Result<String> {
    let mut command = workshop.command(program);
    command.arg("--version");
    Ok(read(command)?.trim().to_owned())
}
