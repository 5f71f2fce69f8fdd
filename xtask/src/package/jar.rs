//! The jar, with the library of this platform: installed into an empty Maven project, where the blocks of its README run against
//! a pinned server, and the example.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::trial::{Server, blocks, try_app};
use super::{Build, Made};
use crate::workshop::{Workshop, read, show};
use crate::{notices, shipping};

const LICENCE: &str = "Pintle is licensed under the terms of META-INF/pintle/LICENSE-MIT or META-INF/pintle/LICENSE-APACHE, at your
choice. META-INF/pintle/THIRD-PARTY.txt and THIRD-PARTY-RUST.html beside it have the terms of what the native library holds of others.
";

pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path) -> Result<Made> {
    let built = Build::Shipped.library(workshop, "pintle-jvm")?;
    let libraries = scratch.join("native");
    let library = libraries.join(format!("{OS}-{ARCH}")).join(built.file_name().context("a library without a name")?);
    fs::create_dir_all(library.parent().context("a file in no folder")?)?;
    fs::copy(&built, &library).with_context(|| format!("cannot copy {}", library.display()))?;
    let meta = scratch.join("meta");
    // In a folder of its own: Android's build refuses two jars that have a file by one path.
    notices::write(workshop, "pintle-jvm", &shipping::host(workshop)?, &meta.join("pintle"))?;
    fs::write(meta.join("LICENSE"), LICENCE)?;
    let mut install = workshop.maven();
    install.args(["--quiet", "--file", "bindings/jvm/pom.xml", "-Dmaven.test.skip=true", "install"]);
    install.arg(format!("-Dpintle.target={}", scratch.display()));
    install.arg(format!("-Dpintle.native={}", libraries.display()));
    install.arg(format!("-Dpintle.meta={}", meta.display()));
    show(install)?;
    let jar = scratch.join("jvm/pintle-0.1.0.jar");
    let file = out.join("pintle-0.1.0.jar");
    fs::copy(&jar, &file).with_context(|| format!("cannot copy {}", jar.display()))?;
    let is_door = |window: &[u8]| window == b"TestDoor";
    ensure!(!fs::read(&file)?.windows(8).any(is_door), "the jar holds the door for tests");
    let unpacked = scratch.join("unpacked-jar");
    unpack(workshop, &file, &unpacked)?;
    ensure!(unpacked.join("META-INF/LICENSE").is_file(), "the jar does not name its licence");
    notices::expect(&unpacked.join("META-INF/pintle"))?;
    Build::Shipped.inspect(workshop, &unpacked, &[&library])?;
    run_readme(workshop, &scratch.join("maven"))?;
    Ok(Made { file, library: Some(library) })
}

pub(super) fn unpack(workshop: &Workshop, jar: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut unpack = workshop.command("jar");
    unpack.current_dir(folder).arg("--extract").arg("--file").arg(jar);
    show(unpack)
}

fn run_readme(workshop: &Workshop, project: &Path) -> Result<()> {
    let mut server = Server::start(workshop, "pinned_leaf", project)?;
    write_project(workshop, project, server.port)?;
    let mut compile = workshop.maven();
    compile.args(["--quiet", "--file"]).arg(project.join("pom.xml"));
    compile.args(["compile", "dependency:build-classpath"]);
    compile.arg(format!("-Dmdep.outputFile={}", project.join("classpath").display()));
    show(compile)?;
    let classpath = format!("target/classes:{}", fs::read_to_string(project.join("classpath"))?);
    for main in ["MainKt", "FromJava"] {
        let mut run = java_trusting(workshop, &project.join("ca.pem"))?;
        run.current_dir(project).args(["-cp", &classpath, main]);
        show(run).with_context(|| format!("the README's blocks ({main})"))?;
    }
    let requests = server.requests()?;
    ensure!(requests == 5, "the README's blocks made {requests} requests");
    try_app(workshop, project, |trial| {
        let mut run = java_trusting(workshop, &trial.ca)?;
        run.current_dir(project).args(["-cp", &classpath, "AppKt"]).arg(&trial.bundle).arg(&trial.url);
        Ok(run)
    })
}

/// Java takes authorities by a key store alone, and `keytool` one at a time.
fn java_trusting(workshop: &Workshop, ca: &Path) -> Result<Command> {
    let trusted = ca.with_extension("p12");
    if !trusted.exists() {
        let end = "-----END CERTIFICATE-----\n";
        for (number, certificate) in fs::read_to_string(ca)?.split_inclusive(end).enumerate() {
            let file = ca.with_extension(format!("{number}.pem"));
            fs::write(&file, certificate)?;
            let mut import = workshop.command("keytool");
            import.args(["-importcert", "-noprompt", "-storepass", "secret", "-alias", &number.to_string(), "-file"]);
            import.arg(&file).arg("-keystore").arg(&trusted);
            read(import)?;
        }
    }
    let mut run = workshop.command("java");
    run.arg("-Djavax.net.ssl.trustStorePassword=secret");
    run.arg(format!("-Djavax.net.ssl.trustStore={}", trusted.display()));
    Ok(run)
}

/// The blocks as they stand, but for where they ask and that the configuration lies on this machine.
fn write_project(workshop: &Workshop, project: &Path, port: u64) -> Result<()> {
    let readme = fs::read_to_string(workshop.path("bindings/jvm/README.md"))?;
    let readme = readme
        .replace("https://api.example.com/", &format!("https://localhost:{port}/"))
        .replace(".setup()", ".dangerousAllowHttpLoopback().setup()")
        .replace("/var/lib/myapp/pins", "kept");
    let kotlin = blocks(&readme, "kotlin");
    let (imports, lines): (Vec<&str>, Vec<&str>) = kotlin.lines().partition(|line| line.starts_with("import "));
    let main = format!(
        "{}\n\nfun main() = kotlinx.coroutines.runBlocking<Unit> {{\n{}\nkotlin.system.exitProcess(0)\n}}\n",
        imports.join("\n"),
        lines.join("\n")
    );
    let java = format!(
        "import java.io.File;\nimport okhttp3.*;\nimport pintle.*;\n\nclass FromJava {{\n\
         public static void main(String[] none) throws Exception {{\n{}System.exit(0);\n}}\n}}\n",
        blocks(&readme, "java")
    );
    let example = |name: &str| fs::read_to_string(workshop.path("examples/kotlin").join(name));
    let (pom, app) = (example("pom.xml")?, example("src/App.kt")?);
    for (name, text) in [("pom.xml", pom), ("src/App.kt", app), ("src/Main.kt", main), ("src/FromJava.java", java)] {
        let file = project.join(name);
        fs::create_dir_all(file.parent().context("a file in no folder")?)?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
