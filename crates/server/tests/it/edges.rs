//! nginx, Varnish and Caddy, the real ones, with the configurations of `deploy/`: an edge does as the files' headers say.
//!
//! Time is short instead of fake: the origin says `max-age=1`, and the edge obeys. That the real files say 60 and 30 s, and
//! that the edge passes that on unchanged, is shown with the real origin. Together: a release is seen within 90 s.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pintle_testkit::{
    cdn::{Cdn, Reply},
    clouds::{Running, free_port, wait_for},
};
use reqwest::{Response, StatusCode};

use crate::support::{Server, http};

const SHORT: &str = "public, max-age=1, stale-while-revalidate=1, stale-if-error=604800";
/// max-age and stale-while-revalidate, and a second for what is rounded.
const SHORT_PROMISE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
enum Edge {
    Nginx,
    Varnish,
}

/// A running edge in a folder of its own.
struct RunningEdge {
    url: String,
    _edge: Running,
    _folder: tempfile::TempDir,
}

fn deployed(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)).unwrap()
}

/// What an operator adapts; each must be there.
fn adapt(mut text: String, changes: &[(&str, &str)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is no longer in the file");
        text = text.replace(from, to);
    }
    text
}

/// Without TLS, on loopback, with every path in `folder`, before the origin at `origin`; the directory server on `files`.
pub(crate) fn write_nginx(folder: &Path, port: u16, files: u16, origin: &str) -> PathBuf {
    let inside = |name: &str| folder.join(name).display().to_string();
    let text = adapt(
        deployed("nginx.conf"),
        &[
            ("listen 443 ssl;", &format!("listen 127.0.0.1:{port};")),
            ("listen 8443 ssl;", &format!("listen 127.0.0.1:{files};")),
            ("server 127.0.0.1:8440;", &format!("server {origin};")),
            ("/run/nginx.pid", &inside("pid")),
            ("/var/log/nginx", &inside("")),
            ("/var/cache/nginx/pintle", &inside("cache")),
            ("/srv/www/pins", &inside("files")),
            ("        ssl_certificate ", "        # "),
            ("        ssl_certificate_key ", "        # "),
            ("        ssl_protocols ", "        # "),
        ],
    );
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| {
        let place = inside(name);
        format!("    {name}_temp_path {place};\n")
    });
    let text = text.replacen("http {\n", &format!("http {{\n{}", temporary.concat()), 1);
    let file = folder.join("nginx.conf");
    fs::write(&file, text).unwrap();
    file
}

impl RunningEdge {
    fn start(edge: Edge, origin: &str) -> Self {
        let origin = origin.trim_start_matches("http://");
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = folder.path().display().to_string();
        let running = match edge {
            Edge::Nginx => {
                let file = write_nginx(folder.path(), port, free_port(), origin).display().to_string();
                let arguments = [
                    "-p",
                    &path,
                    "-e",
                    &format!("{path}/error.log"),
                    "-c",
                    &file,
                    "-g",
                    "daemon off; master_process off;",
                ];
                Running::start(Path::new("/usr/sbin/nginx"), &arguments)
            }
            Edge::Varnish => {
                let (host, backend_port) = origin.split_once(':').unwrap();
                let text = adapt(
                    deployed("varnish.vcl"),
                    &[
                        (".host = \"127.0.0.1\"", &format!(".host = \"{host}\"")),
                        (".port = \"8440\"", &format!(".port = \"{backend_port}\"")),
                    ],
                );
                let file = folder.path().join("pintle.vcl");
                fs::write(&file, text).unwrap();
                let (address, file) = (format!("127.0.0.1:{port}"), file.display().to_string());
                let name = format!("{path}/run");
                let arguments =
                    ["-F", "-n", &name, "-f", &file, "-a", &address, "-s", "malloc,16m", "-T", "none", "-j", "none"];
                Running::start(Path::new("/usr/sbin/varnishd"), &arguments)
            }
        };
        Self { url: format!("http://{}", wait_for(port)), _edge: running, _folder: folder }
    }

    async fn get(&self, path: &str) -> Response {
        http().get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn text(&self) -> String {
        let answer = self.get("/cdn/o/p/pins.jws?whatever").await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    }
}

fn file(text: &str) -> Reply {
    Reply::Cached { body: text.into(), cache_control: SHORT }
}

/// Asks until the edge shows `text`; how long that took.
async fn wait_for_text(edge: &RunningEdge, text: &str) -> Duration {
    let start = Instant::now();
    while edge.text().await != text {
        assert!(start.elapsed() < 5 * SHORT_PROMISE, "{text} never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    start.elapsed()
}

async fn an_edge_does_as_the_files_say(edge: Edge) {
    let origin = Cdn::start(file("one")).await;
    let edge = RunningEdge::start(edge, origin.url());

    // Cached: the origin is asked once, whatever stands behind the question mark.
    for query in ["", "?a", "?b=1"] {
        let answer = edge.get(&format!("/cdn/o/p/pins.jws{query}")).await;
        assert_eq!(answer.headers().get("cache-control").unwrap(), SHORT);
        assert_eq!(answer.text().await.unwrap(), "one");
    }
    assert_eq!(origin.requests().len(), 1);

    // 304 to whoever has the file.
    let etag = edge.get("/cdn/o/p/pins.jws").await.headers().get("etag").unwrap().clone();
    let again = http().get(format!("{}/cdn/o/p/pins.jws", edge.url)).header("if-none-match", etag.clone());
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);

    // Revalidated: the edge asks with the tag, and the origin need not send the file again.
    let start = Instant::now();
    let asks_with_tag = |request: &pintle_testkit::Request| request.header("if-none-match") == etag.to_str().ok();
    while !origin.requests().iter().any(asks_with_tag) {
        assert!(start.elapsed() < 5 * SHORT_PROMISE, "it never asks again");
        assert_eq!(edge.text().await, "one");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // A release is seen within what the header promises.
    origin.set(file("two"));
    let took = wait_for_text(&edge, "two").await;
    assert!(took <= SHORT_PROMISE, "{took:?}");

    // The origin fails, in one way and another, for longer than the file is fresh: the copy is served.
    for trouble in [Reply::Closed, Reply::Refusal(503, "down"), Reply::Refusal(500, "oops")] {
        origin.set(trouble.clone());
        let (start, before) = (Instant::now(), origin.requests().len());
        while start.elapsed() < SHORT_PROMISE {
            assert_eq!(edge.text().await, "two", "{trouble:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(origin.requests().len() > before, "it did ask");
    }

    // And back again.
    origin.set(file("three"));
    wait_for_text(&edge, "three").await;

    // Nothing but reading, nothing but files.
    let written = http().post(format!("{}/cdn/o/p/pins.jws", edge.url)).send().await.unwrap();
    assert!(written.status().is_client_error(), "{}", written.status());
    assert_eq!(edge.get("/api/v1/whoami").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nginx_does_as_the_files_say() {
    an_edge_does_as_the_files_say(Edge::Nginx).await;
}

#[tokio::test]
async fn varnish_does_as_the_files_say() {
    an_edge_does_as_the_files_say(Edge::Varnish).await;
}

#[tokio::test]
async fn edges_pass_on_what_the_real_origin_says() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let jws = project.release(&server.admin).await;
    for edge in [Edge::Nginx, Edge::Varnish] {
        let edge = RunningEdge::start(edge, &server.url);
        for name in ["pins.jws", "releases/1.jws", "pintle.json"] {
            let path = project.file(&server, name).replace(&server.url, "");
            let (direct, through) =
                (http().get(project.file(&server, name)).send().await.unwrap(), edge.get(&path).await);
            for header in
                ["cache-control", "content-type", "etag", "access-control-allow-origin", "x-content-type-options"]
            {
                assert_eq!(direct.headers().get(header), through.headers().get(header), "{name}: {header}");
            }
            let (direct, through) = (direct.bytes().await.unwrap(), through.bytes().await.unwrap());
            assert!(direct == through && (name == "pintle.json" || through == jws.as_bytes()), "{name}");
        }
    }
    server.stop().await;
}

/// What a web server shows of the directory `files` in `folder`, which it is started on by `start`.
async fn a_directory_is_served_as_the_origin_would(start: impl FnOnce(&Path, u16) -> Running) {
    use pintle_publish::{Address, Bucket as _, Condition, DirectoryBucket, probe};
    let folder = tempfile::tempdir().unwrap();
    let bucket = DirectoryBucket::new(folder.path().join("files"));
    for name in ["o/p/pins.jws", "o/p/releases/7.jws", "o/p/pintle.json"] {
        bucket.write(&Address::parse(name).unwrap(), b"{}", &Condition::Absent).await.unwrap();
    }
    let port = free_port();
    let _running = start(folder.path(), port);
    let url = format!("http://{}", wait_for(port));
    for name in ["o/p/pins.jws", "o/p/releases/7.jws", "o/p/pintle.json"] {
        let object = Address::parse(name).unwrap().object;
        let answer = http().get(format!("{url}/{name}")).send().await.unwrap();
        assert_eq!(answer.headers().get("content-type").unwrap(), object.media_type(), "{name}");
        assert_eq!(answer.headers().get("cache-control").unwrap(), object.cache_control(), "{name}");
        assert_eq!(answer.headers().get("access-control-allow-origin").unwrap(), "*", "{name}");
        assert_eq!(answer.headers().get("x-content-type-options").unwrap(), "nosniff", "{name}");
        assert!(answer.headers().contains_key("etag"), "{name}");
    }
    for name in [".pintle-lock", "o/p/", "o/p/releases/", "o/p/releases/07.jws"] {
        assert_eq!(http().get(format!("{url}/{name}")).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{name}");
    }
    // What `pintle targets test` says of such a directory.
    let (organization, project) =
        (pintle_core::OrganizationId::parse("o").unwrap(), pintle_core::ProjectId::parse("p").unwrap());
    let findings = probe(&bucket, &organization, &project, Some(&url)).await;
    assert!(findings.iter().all(|finding| finding.trouble.is_none()), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.step == pintle_publish::Step::Public));
}

#[tokio::test]
async fn nginx_serves_a_directory_as_the_origin_would() {
    a_directory_is_served_as_the_origin_would(|folder, port| {
        let path = folder.display().to_string();
        let config = write_nginx(folder, free_port(), port, "127.0.0.1:1").display().to_string();
        let log = format!("{path}/error.log");
        let arguments = ["-p", &path, "-e", &log, "-c", &config, "-g", "daemon off; master_process off;"];
        Running::start(Path::new("/usr/sbin/nginx"), &arguments)
    })
    .await;
}

#[tokio::test]
async fn caddy_serves_a_directory_as_the_origin_would() {
    a_directory_is_served_as_the_origin_would(|folder, port| {
        let files = folder.join("files").display().to_string();
        let changes = [("pins.acme.example {", &*format!("http://127.0.0.1:{port} {{")), ("/srv/www/pins", &files)];
        let config = folder.join("Caddyfile");
        fs::write(&config, format!("{{\n\tadmin off\n}}\n{}", adapt(deployed("Caddyfile"), &changes))).unwrap();
        let (config, home) = (config.display().to_string(), format!("HOME={}", folder.display()));
        let arguments = ["-u", "XDG_CONFIG_HOME", "-u", "XDG_DATA_HOME", &home];
        let run = ["caddy", "run", "--adapter", "caddyfile", "--config", &config];
        Running::start(Path::new("/usr/bin/env"), &[&arguments[..], &run].concat())
    })
    .await;
}

/// The two commands of docs/howto/own-cdn.md, with a folder for the other machine: nobody sees a pointer to what is not there.
#[tokio::test]
async fn rsync_carries_releases_before_the_pointers_to_them() {
    use pintle_publish::{Address, Bucket as _, Condition, DirectoryBucket};
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let bucket = DirectoryBucket::new(&here);
    for name in ["o/p/pins.jws", "o/p/releases/7.jws", "o/p/pintle.json"] {
        bucket.write(&Address::parse(name).unwrap(), name.as_bytes(), &Condition::Absent).await.unwrap();
    }
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/howto/own-cdn.md")).unwrap();
    let commands: Vec<_> = page.lines().filter(|line| line.starts_with("rsync ")).collect();
    assert_eq!(commands.len(), 2);
    let seen = [&["o/p/releases/7.jws"][..], &["o/p/pins.jws", "o/p/pintle.json", "o/p/releases/7.jws"]];
    for (command, expected) in commands.into_iter().zip(seen) {
        let changes = [
            ("edge:/srv/www/pins/", &*format!("{}/", there.display())),
            ("/srv/www/pins/", &format!("{}/", here.display())),
        ];
        let run = std::process::Command::new("sh").args(["-ec", &adapt(command.into(), &changes)]).status();
        assert!(run.unwrap().success(), "{command}");
        assert_eq!(list_files(&there, &there), expected, "{command}");
    }
}

/// Paths below `root`, in order.
fn list_files(root: &Path, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(list_files(root, &path));
        } else {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}
