//! How many requests the built-in origin answers, beside nginx with the same file in the same run: `cargo xtask bench origin`.
//! The load comes from `wrk`, over 32 connections that are kept.

use std::{fs, path::Path, process::Command};

use pintle_testkit::clouds::{Running, free_port, wait_for};

use crate::{
    edges::write_nginx,
    support::{Server, http},
};

const ROUNDS: usize = 3;
const SECONDS: &str = "5s";
/// Of what nginx does with a file, which asks no database whether it is still the one.
const MIN_RATIO: f64 = 0.2;
/// A file is asked for once in 60 s (P-7.2) by each edge that serves it: so many, and their CDN is among the largest.
const EDGES: f64 = 300.0;
const FRESH_SECS: f64 = 60.0;

/// What one run of `wrk` measured.
#[derive(Clone, Copy)]
struct Load {
    per_second: f64,
    p99_millis: f64,
}

impl Load {
    /// Asks for `url`, with the entity tag of what the edge has if it has something.
    fn put_on(url: &str, etag: Option<&str>) -> Self {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "-c32", "--latency", "-d", SECONDS]);
        if let Some(etag) = etag {
            wrk.args(["-H", &format!("If-None-Match: {etag}")]);
        }
        let Ok(output) = wrk.arg(url).output() else {
            panic!("there is no wrk: `cargo xtask bench origin` installs it")
        };
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
        let after = |word: &str| said.split_once(word).unwrap().1.split_whitespace().next().unwrap();
        Self { per_second: after("Requests/sec:").parse().unwrap(), p99_millis: read_millis(after("99%")) }
    }
}

/// As `wrk` writes times.
fn read_millis(text: &str) -> f64 {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let factor = match text.trim_start_matches(digits) {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        unit => panic!("{unit}"),
    };
    digits.parse::<f64>().unwrap() * factor
}

/// nginx on the directory `files` in `folder`.
fn start_nginx(folder: &Path) -> (Running, String) {
    let port = free_port();
    let config = write_nginx(folder, free_port(), port, "127.0.0.1:1").display().to_string();
    let (path, log) = (folder.display().to_string(), folder.join("error.log").display().to_string());
    let arguments = ["-p", &path, "-e", &log, "-c", &config, "-g", "daemon off; master_process off;"];
    let running = Running::start(Path::new("/usr/sbin/nginx"), &arguments);
    (running, format!("http://{}/o/p/pins.jws", wait_for(port)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and a machine of its own: the body of `cargo xtask bench origin`"]
async fn the_origin_answers_what_a_large_cdn_asks() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let jws = project.release(&server.admin).await;
    let origin = project.file(&server, "pins.jws");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("files/o/p")).unwrap();
    fs::write(folder.path().join("files/o/p/pins.jws"), &jws).unwrap();
    let (_nginx, nginx) = start_nginx(folder.path());

    println!(
        "{:>8} {:>12} {:>16} {:>12} {:>10} {:>12}",
        "answer", "origin", "99 % within", "nginx", "ratio", "projects"
    );
    for answer in ["200", "304"] {
        let mut loads = Vec::new();
        for url in [&origin, &nginx] {
            let first = http().get(url).send().await.unwrap();
            let etag = (answer == "304").then(|| first.headers()["etag"].to_str().unwrap().to_owned());
            loads.push((url.clone(), etag, Vec::new()));
        }
        for _ in 0..ROUNDS {
            for (url, etag, measured) in &mut loads {
                let (url, etag) = (url.clone(), etag.clone());
                measured.push(tokio::task::spawn_blocking(move || Load::put_on(&url, etag.as_deref())).await.unwrap());
            }
        }
        let median = |measured: &mut Vec<Load>| {
            measured.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
            measured[ROUNDS / 2]
        };
        let [(_, _, ours), (_, _, theirs)] = &mut loads[..] else { unreachable!() };
        let (ours, theirs) = (median(ours), median(theirs));
        // With half of what it has.
        let projects = ours.per_second / 2.0 * FRESH_SECS / EDGES;
        let ratio = ours.per_second / theirs.per_second;
        println!(
            "{answer:>8} {:>10.0}/s {:>13.1} ms {:>10.0}/s {:>10.2} {projects:>12.0}",
            ours.per_second, ours.p99_millis, theirs.per_second, ratio,
        );
        assert!(ratio >= MIN_RATIO, "{MIN_RATIO} of what nginx does is the limit");
    }
    server.stop().await;
}
