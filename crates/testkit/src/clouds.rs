//! Object stores that answer like those of the clouds: moto for S3, Azurite for Azure Blob, fake-gcs-server for Google
//! Cloud Storage. `cargo xtask setup` installs them. Each runs on a loopback port of its own choice or a free one, and
//! ends with the test, however that ends.

#[cfg(feature = "world")]
mod translate;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Bucket or container that every store is started with.
pub const BUCKET: &str = "pins";

/// Credentials that moto and Azurite know, as variables of the environment; all of them published by their makers.
pub const ENVIRONMENT: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    ),
];

/// What Azurite's well-known key allows until 2099.
pub const AZURE_SAS: &str = "sv=2019-12-12&ss=b&srt=co&sp=rwdlac&se=2099-01-01T00:00:00Z&spr=http,https&sig=6vpAp0KmS9Tf7dzQ3OKjhvfG1pwQNsYvYh48PYXwAHE%3D";

/// Holds a program, and ends it when its own standard input closes: with the test, however that ends.
const HOLD: &str = r#""$@" </dev/null & child=$!; cat >/dev/null; kill "$child" 2>/dev/null; wait "$child""#;

const PATIENCE: Duration = Duration::from_secs(30);
/// Where [`free_port`] looks.
const FIRST_PORT: u32 = 10_000;
const PORTS: u32 = 20_000;

/// A program that runs as long as this value lives.
#[derive(Debug)]
pub struct Running {
    shell: Child,
    stdin: Option<ChildStdin>,
}

impl Running {
    /// Starts `program` with `arguments`, silently.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        Self::spawn(program, arguments, Stdio::null())
    }

    fn spawn(program: &Path, arguments: &[&str], stderr: Stdio) -> Self {
        assert!(program.exists(), "{} is missing: run `cargo xtask setup`", program.display());
        let mut shell = Command::new("sh")
            .args(["-c", HOLD, "hold"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("a shell");
        let stdin = shell.stdin.take();
        Self { shell, stdin }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.shell.wait();
    }
}

/// An object store with one empty bucket, [`BUCKET`].
#[derive(Debug)]
pub struct ObjectStore {
    /// Where it is, as Pintle writes places.
    pub place: String,
    /// Its address and port.
    pub address: String,
    _running: Running,
}

impl ObjectStore {
    /// Amazon S3, by moto.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    pub fn s3() -> Self {
        let program = tools().join("venv/bin/moto_server");
        let mut running = Running::spawn(&program, &["-H", "127.0.0.1", "-p", "0"], Stdio::piped());
        let stderr = running.shell.stderr.take().expect("was piped");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| line.split_once("Running on http://").map(|(_, rest)| rest.trim().to_owned()));
        let address = address.expect("moto says where it listens");
        // Whatever else it says goes nowhere, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let (bucket, location) = (
            format!("/{BUCKET}"),
            "<CreateBucketConfiguration><LocationConstraint>eu-central-1\
            </LocationConstraint></CreateBucketConfiguration>",
        );
        let key = "authorization: AWS4-HMAC-SHA256 Credential=test/20200101/eu-central-1/s3/aws4_request, \
                   SignedHeaders=host, Signature=0\r\n";
        ask(&address, "PUT", &bucket, key, location);
        let place = format!("s3://{BUCKET}?region=eu-central-1&endpoint=http://{address}");
        Self { place, address, _running: running }
    }

    /// Azure Blob Storage, by Azurite.
    ///
    /// # Panics
    /// As [`s3`](Self::s3).
    pub fn azure() -> Self {
        let port = free_port();
        let program = tools().join("node/node_modules/.bin/azurite-blob");
        let running = Running::start(
            &program,
            &[
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                &port.to_string(),
                "--inMemoryPersistence",
                "--disableTelemetry",
                "--skipApiVersionCheck",
                "--silent",
            ],
        );
        let address = wait_for(port);
        ask(&address, "PUT", &format!("/devstoreaccount1/{BUCKET}?restype=container&{AZURE_SAS}"), "", "");
        let place = format!("azure://devstoreaccount1/{BUCKET}?endpoint=http://{address}/devstoreaccount1");
        Self { place, address, _running: running }
    }

    /// Google Cloud Storage, by fake-gcs-server; `None` where there was no Go to build it. It knows the JSON interface and not the XML one, which is what is spoken
    /// to Google: writes and removals are translated on the way, their conditions checked by the server.
    ///
    /// # Panics
    /// When it does not start.
    #[cfg(feature = "world")]
    pub async fn gcs() -> Option<Self> {
        let port = free_port();
        let (text, program) = (port.to_string(), tools().join("bin/fake-gcs-server"));
        if !program.exists() {
            return None;
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let arguments =
            ["-scheme", "http", "-host", "127.0.0.1", "-port", &text, "-backend", "memory", "-public-host", &address];
        let running = Running::start(&program, &arguments);
        let server = wait_for(port);
        let body = format!("{{\"name\":\"{BUCKET}\"}}");
        ask(&server, "POST", "/storage/v1/b?project=pintle", "content-type: application/json\r\n", &body);
        tokio::spawn(translate::serve(listener, server));
        Some(Self { place: format!("gs://{BUCKET}?endpoint=http://{address}"), address, _running: running })
    }
}

/// A loopback port that nobody listens on, and that nobody who asks for any port (0) is given meanwhile: Linux takes those from
/// 32768 on.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Processes side by side begin at different places.
    let start = std::process::id().wrapping_mul(97);
    let mut ports = (0..PORTS).map(|_| {
        let nth = start.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed)) % PORTS;
        u16::try_from(FIRST_PORT + nth).expect("below 32768")
    });
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// Waits until somebody listens on `port`; address and port.
///
/// # Panics
/// When nobody does for half a minute.
pub fn wait_for(port: u16) -> String {
    let (address, start) = (format!("127.0.0.1:{port}"), Instant::now());
    while TcpStream::connect(&address).is_err() {
        assert!(start.elapsed() < PATIENCE, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
    address
}

/// Where `cargo xtask setup` puts programs.
pub fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools")
}

fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) {
    let answer = exchange(address, method, path, headers, body.as_bytes());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
}

/// The whole answer, as it comes.
fn exchange(address: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    answer
}
