//! Packages of Debian: which there are, what each is for, and how they are installed.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workshop::{Workshop, is_root, read, show};

pub(super) struct DebianPackage {
    name: &'static str,
    probe: &'static [&'static str],
    used_for: &'static str,
}

/// Debian packages, each with the program that shows it is there and what the tests want it for.
pub(super) const DEBIAN_PACKAGES: [DebianPackage; 16] = [
    DebianPackage { name: "caddy", probe: &["caddy", "version"], used_for: "a web server for a directory" },
    DebianPackage {
        name: "chromium",
        probe: &["chromium", "--version"],
        used_for: "a browser that looks at the dashboard",
    },
    DebianPackage { name: "curl", probe: &["curl", "--version"], used_for: "an HTTP client nobody here wrote" },
    DebianPackage { name: "g++", probe: &["c++", "--version"], used_for: "building libFuzzer" },
    DebianPackage { name: "git", probe: &["git", "--version"], used_for: "fetching the advisory database" },
    DebianPackage {
        name: "libcurl4-openssl-dev",
        probe: &["curl-config", "--features"],
        used_for: "the C library's adapter for libcurl",
    },
    DebianPackage {
        name: "libssl-dev",
        probe: &["sh", "-c", "ls /usr/include/openssl/ssl.h"],
        used_for: "the C library's adapter for OpenSSL",
    },
    DebianPackage {
        name: "nginx-light",
        // Servers stand outside the search path of most people.
        probe: &["sh", "-c", "ls /usr/sbin/nginx"],
        used_for: "the edge of a CDN",
    },
    DebianPackage {
        name: "openssl",
        probe: &["openssl", "version"],
        used_for: "keys and certificates made by another program",
    },
    DebianPackage {
        name: "pkg-config",
        probe: &["pkg-config", "--version"],
        used_for: "finding the C library as its users do",
    },
    DebianPackage {
        name: "postgresql",
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"],
        used_for: "the database of larger installations",
    },
    DebianPackage { name: "rsync", probe: &["rsync", "--version"], used_for: "carrying a directory to an edge" },
    DebianPackage {
        name: "softhsm2",
        probe: &["softhsm2-util", "--version"],
        used_for: "keys in a hardware security module",
    },
    DebianPackage {
        name: "squid-openssl",
        probe: &["sh", "-c", "ls /usr/sbin/squid"],
        used_for: "a company's proxy that inspects TLS",
    },
    DebianPackage {
        name: "testssl.sh",
        probe: &["testssl", "--version"],
        used_for: "a second opinion on the server's TLS",
    },
    DebianPackage {
        name: "varnish",
        probe: &["sh", "-c", "ls /usr/sbin/varnishd"],
        used_for: "the other edge of a CDN",
    },
];

pub(super) const PYTHON: DebianPackage = DebianPackage {
    name: "python3-venv",
    probe: &["python3", "-c", "import ensurepip, ssl, venv"],
    used_for: "attackers and clouds written in Python",
};

pub(super) const JAVA: [DebianPackage; 2] = [
    DebianPackage {
        name: "default-jdk-headless",
        probe: &["javac", "--version"],
        used_for: "the SDK for Kotlin and Java",
    },
    DebianPackage { name: "maven", probe: &["mvn", "--version"], used_for: "building and testing it" },
];

/// What makes a Debian in a folder.
pub(super) const DEBOOTSTRAP: [DebianPackage; 2] = [
    DebianPackage {
        name: "debootstrap",
        probe: &["sh", "-c", "ls /usr/sbin/debootstrap"],
        used_for: "a Debian in a folder, with Swift in it",
    },
    DebianPackage {
        name: "debian-archive-keyring",
        probe: &["sh", "-c", "ls /usr/share/keyrings/debian-archive-keyring.gpg"],
        used_for: "knowing Debian's packages by their signatures",
    },
];
pub(super) const DOXYGEN: DebianPackage =
    DebianPackage { name: "doxygen", probe: &["doxygen", "--version"], used_for: "the reference of the C library" };

pub(super) const WRK: DebianPackage = DebianPackage {
    name: "wrk",
    // It knows no way to say its version and end well.
    probe: &["sh", "-c", "command -v wrk"],
    used_for: "asking the origin for a file as fast as it can",
};

pub(super) const ARM_TOOLS: [DebianPackage; 4] = [
    DebianPackage {
        name: "clang",
        probe: &["clang", "--version"],
        used_for: "compiling ring's C for the processors of phones",
    },
    DebianPackage {
        name: "gcc-aarch64-linux-gnu",
        probe: &["aarch64-linux-gnu-gcc", "--version"],
        used_for: "linking programs for 64-bit ARM",
    },
    DebianPackage {
        name: "libc6-dev-arm64-cross",
        probe: &["sh", "-c", "ls /usr/aarch64-linux-gnu/lib/libc.so"],
        used_for: "what they stand on",
    },
    DebianPackage { name: "qemu-user", probe: &["qemu-aarch64", "--version"], used_for: "running them" },
];

pub(super) fn install_debian(workshop: &Workshop, packages: &[DebianPackage]) -> Result<()> {
    let missing: Vec<&DebianPackage> = packages.iter().filter(|package| !answers(workshop, package.probe)).collect();
    if missing.is_empty() {
        let names: Vec<&str> = packages.iter().map(|package| package.name).collect();
        println!("setup: {}: there", names.join(", "));
        return Ok(());
    }
    for package in &missing {
        println!("setup: installing {} (for {})", package.name, package.used_for);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let by_hand = format!("the tests need {}; install it by hand and run me again", names.join(", "));
    ensure!(answers(workshop, &["apt-get", "--version"]), "{by_hand}: there is no apt-get here");
    apt_get(workshop, &["update"]).with_context(|| by_hand.clone())?;
    apt_get(workshop, &[&["install", "--yes", "--no-install-recommends"], names.as_slice()].concat())
        .with_context(|| by_hand.clone())?;
    for package in missing {
        ensure!(
            answers(workshop, package.probe),
            "{} is installed, but `{}` still fails",
            package.name,
            package.probe.join(" ")
        );
    }
    Ok(())
}

fn apt_get(workshop: &Workshop, arguments: &[&str]) -> Result<()> {
    let mut command = as_root(workshop, &["apt-get"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet").args(arguments);
    // The tests start servers of their own; those of the packages stay off.
    command.env("RUNLEVEL", "1");
    show(command)
}

pub(super) fn as_root(workshop: &Workshop, line: &[&str]) -> Command {
    // `-n`: a set-up that stops to ask for a password hangs in CI.
    command(workshop, &[if is_root() { &[] } else { &["sudo", "-n"][..] }, line].concat())
}

pub(super) fn command(workshop: &Workshop, line: &[&str]) -> Command {
    let mut words = line.iter();
    let mut command = workshop.command(words.next().copied().unwrap_or_default());
    command.args(words);
    command
}

pub(super) fn answers(workshop: &Workshop, line: &[&str]) -> bool {
    read(command(workshop, line)).is_ok()
}
