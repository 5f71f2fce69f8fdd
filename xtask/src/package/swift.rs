//! The Swift package, with a static library for this platform: used by an empty package as its README says, and by the example.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::trial::{Server, try_app};
use super::{Build, Made, pack};
use crate::workshop::{Workshop, read, show};
use crate::{notices, shipping};

const NAME: &str = "pintle-swift";
const PROJECT: &str = r#"// swift-tools-version: 5.10
import PackageDescription

let package = Package(
    name: "app",
    dependencies: [.package(path: "../pintle-swift")],
    targets: [.executableTarget(name: "app", dependencies: [.product(name: "Pintle", package: "pintle-swift")])]
)
"#;

/// Made after the C package, whose library it holds; unpacked, and used in an empty project as its README says.
pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path) -> Result<Made> {
    let stage = scratch.join("swift/stage");
    let package = stage.join(NAME);
    fs::create_dir_all(&package)?;
    let mut copy = workshop.command("cp");
    // The header is the one of the C library.
    copy.args(["--recursive", "--dereference"]);
    copy.args(["Package.swift", "README.md", "Sources"].map(|name| workshop.path("bindings/swift").join(name)));
    show({
        copy.arg(&package);
        copy
    })?;
    let mut native = workshop.command("make");
    native.args(["--silent", "-C", "bindings/swift", "native"]).arg(format!("OUT={}/native", package.display()));
    show(native)?;
    let library = package.join("native/lib/libpintle_c.a");
    notices::write(workshop, "pintle-c", &shipping::host(workshop)?, &package)?;
    Build::Shipped.inspect(workshop, &package, &[&library])?;
    let file = out.join(format!("{NAME}.tar.gz"));
    pack(workshop, &file, &stage, NAME)?;

    let mut unpack = workshop.command("tar");
    unpack.arg("-xzf").arg(&file).arg("-C").arg(scratch.join("swift"));
    show(unpack)?;
    notices::expect(&scratch.join("swift").join(NAME))?;
    run_quick_start(workshop, scratch)?;
    run_example(workshop, scratch)?;
    Ok(Made { file, library: Some(library) })
}

fn run_quick_start(workshop: &Workshop, scratch: &Path) -> Result<()> {
    let project = scratch.join("swift/quick-start");
    fs::create_dir_all(project.join("Sources/app"))?;
    fs::write(project.join("Package.swift"), PROJECT)?;
    fs::write(project.join("Sources/app/main.swift"), quick_start(workshop)?)?;
    let _server = Server::start(workshop, "pinned_leaf", &project)?;
    let mut run = in_swift(workshop, scratch, &project)?;
    run.args(["swift", "run", "--quiet", "app"]);
    let answer = read(run)?;
    let count: usize = answer.trim().parse().with_context(|| format!("not a number of codes: {answer}"))?;
    ensure!(count > 25, "only {count} codes");
    Ok(())
}

/// The first block of the README, with the CDN of the tests, which is on this machine.
fn quick_start(workshop: &Workshop) -> Result<String> {
    let readme = fs::read_to_string(workshop.path("bindings/swift/README.md"))?;
    let block = readme.split("```swift\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.context("the README has no quick start")?;
    let here = "\noptions.dangerousAllowHTTPLoopback = true\nlet pins =";
    let block = block.replacen("let options", "var options", 1).replacen("\nlet pins =", here, 1);
    ensure!(block.contains(here), "the quick start of the README sets nothing up");
    Ok(format!("{block}\nprint(pins.generation > 0 ? Pintle.codes.count : 0)\n"))
}

fn run_example(workshop: &Workshop, scratch: &Path) -> Result<()> {
    let project = scratch.join("swift/example");
    let mut copy = workshop.command("cp");
    copy.arg("--recursive").arg(workshop.path("examples/swift")).arg(&project);
    show(copy)?;
    let manifest = fs::read_to_string(project.join("Package.swift"))?;
    let by_path = "../../bindings/swift";
    ensure!(manifest.contains(by_path), "examples/swift/Package.swift names the package in another way");
    fs::write(project.join("Package.swift"), manifest.replace(by_path, "../pintle-swift"))?;
    let mut build = in_swift(workshop, scratch, &project)?;
    build.args(["swift", "build", "--quiet"]);
    show(build)?;
    try_app(workshop, &project, |trial| {
        let inside = |path: &Path| workshop.path_in_swift(path);
        let mut run = in_swift(workshop, scratch, &project)?;
        run.arg(format!("SSL_CERT_FILE={}", inside(&trial.ca)?.display())).arg(".build/debug/App");
        run.arg(inside(&trial.bundle)?).arg(&trial.url);
        Ok(run)
    })
}

/// `env` in `folder`, which finds the package's library; more variables and a command follow.
pub(crate) fn in_swift(workshop: &Workshop, scratch: &Path, folder: &Path) -> Result<Command> {
    let [inside, home, found] = [folder.to_owned(), scratch.join("swift/home"), scratch.join("swift").join(NAME)]
        .map(|path| workshop.path_in_swift(&path));
    let mut run = workshop.in_swift();
    run.arg("env").arg(format!("--chdir={}", inside?.display()));
    run.arg(format!("HOME={}", home?.display())).arg("no_proxy=*");
    run.arg(format!("PKG_CONFIG_PATH={}/native/lib/pkgconfig", found?.display()));
    Ok(run)
}
