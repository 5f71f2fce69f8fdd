//! `pintle mirror`: follows a project's published files, and brings what verifies to where its apps can reach it.
//!
//! ```text
//! URLs of the bundle ─► SDK's refresh machine ─► state (file, floor) ─► publish: targets, archive, listener
//! carried-over file  ─► core::verify ───────────┘
//! ```

use std::{
    future::pending,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{ArgGroup, Args};
use pintle_cli::{ExitStatus, Failure, Format, Output, Text};
use pintle_core::{
    ConfigError, Root, UnixTime,
    limits::MAX_CONFIG_BYTES,
    root::{BaseUrl, SetupError},
    verify,
};
use pintle_publish::{
    Bucket, CredentialSource, DirectoryBucket, OpenError, Outcome, Place, Publication, PublishError, open, publish,
};
use pintle_sdk::{Error, FetchError, Memory, Pintle, Record, StoreError, disk::DiskStore};
use serde::Serialize;
use tokio::net::TcpListener;

/// Where it remembers the highest release when nothing else is said.
const DEFAULT_STATE: &str = "pintle-mirror";
const FILES: &str = "files";
const MAX_BUNDLE_BYTES: u64 = 64 * 1024;

/// Options of `mirror`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(group(ArgGroup::new("destination").args(["to", "listen", "archive"]).required(true).multiple(true)))]
pub(crate) struct MirrorArgs {
    /// The bundle of the project to follow: where its files are, and whose signature counts
    #[arg(long, value_name = "FILE", default_value = "pintle.json")]
    bundle: PathBuf,
    /// Write to this target, as in dir:/srv/www/pins or s3://BUCKET?region=REGION; repeat it
    #[arg(long, value_name = "PLACE")]
    to: Vec<Place>,
    /// Where credentials for --to come from: `environment`, `instance` or file:/PATH
    #[arg(long, value_name = "SOURCE", default_value_t = CredentialSource::Environment)]
    credentials: CredentialSource,
    /// Serve the files over plain HTTP here, with the origin's headers: put a TLS proxy before it
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write the signed file here, to be carried to where no network leads
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// Take the signed file from here instead of the network: what --archive wrote, or any `pins.jws`
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where apps reach this mirror, for the pintle.json it writes; repeat it [default: the URLs of the bundle]
    #[arg(long, value_name = "URL")]
    url: Vec<String>,
    /// Where the highest release seen is remembered: nothing lower is ever taken again
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STATE)]
    state: PathBuf,
    /// Look once and end; with --from alone that is all there is to do
    #[arg(long, conflicts_with = "listen")]
    once: bool,
    /// How long to wait between looks, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
}

/// Why nothing, or not everything, was mirrored. What lay at the targets before lies there still.
#[derive(Debug, thiserror::Error)]
enum MirrorError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Bundle { path: PathBuf, error: SetupError },
    #[error("{source_name}: {error}")]
    Config { source_name: String, error: ConfigError },
    #[error("no URL of the bundle gave a newer or the same release: {0}")]
    Fetch(FetchError),
    #[error("{0}")]
    Sdk(Error),
    #[error("what is remembered cannot be kept: {0}")]
    Store(StoreError),
    #[error("release {version} was fetched and could not be kept in {}", path.display())]
    NotKept { version: u64, path: PathBuf },
    #[error("{place}: {error}")]
    Open { place: String, error: OpenError },
    #[error("{name}: {error}")]
    Publish { name: String, error: PublishError },
    #[error("{name} shows a higher release, which stays")]
    Superseded { name: String },
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: io::Error },
    #[error("the runtime cannot start: {0}")]
    Runtime(io::Error),
}

impl MirrorError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { error, .. } if error.kind() == io::ErrorKind::NotFound => "file_not_found",
            Self::Read { .. } => "file_unreadable",
            Self::Write { .. } => "file_unwritable",
            Self::Bundle { .. } => "setup_invalid",
            Self::Config { error, .. } => error.code().as_str(),
            Self::Fetch(_) | Self::Sdk(_) => "fetch_failed",
            Self::Store(_) | Self::NotKept { .. } => "store_failed",
            Self::Open { .. } => "target_unusable",
            Self::Publish { .. } => "target_failed",
            Self::Superseded { .. } => "target_newer",
            Self::Listen { .. } => "listen_failed",
            Self::Runtime(_) => "internal_error",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the path; `pintle bundle` writes a bundle, --archive a file to carry",
            Self::Write { .. } => "check the disk and its permissions; what was there before is there still",
            Self::Bundle { .. } => "take pintle.json as the project published it",
            Self::Config { .. } => "it was refused as an app would refuse it; what was mirrored before stays",
            Self::Fetch(_) | Self::Sdk(_) => {
                "check the network and the URLs of the bundle; what was mirrored before stays"
            }
            Self::Store(_) | Self::NotKept { .. } => "check the disk, and that the state directory is writable",
            Self::Open { .. } => "check the place and its credentials",
            Self::Publish { .. } => {
                "check disk, permissions and credentials; the next look goes on where this one ended"
            }
            Self::Superseded { .. } => "somebody else writes there, or the state directory is another mirror's",
            Self::Listen { .. } => "choose another address",
            Self::Runtime(_) => "check the limits of this machine",
        }
    }

    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Read { error, .. } if error.kind() == io::ErrorKind::NotFound => ExitStatus::NotFound,
            Self::Config { .. } => ExitStatus::Refused,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Bundle { .. }
            | Self::Open { .. }
            | Self::Store(_)
            | Self::NotKept { .. } => ExitStatus::Input,
            Self::Fetch(FetchError::Config(_)) => ExitStatus::Refused,
            Self::Fetch(_) | Self::Sdk(_) | Self::Publish { .. } => ExitStatus::Unavailable,
            Self::Superseded { .. } | Self::Listen { .. } => ExitStatus::Conflict,
            Self::Runtime(_) => ExitStatus::Internal,
        }
    }

    fn to_failure(&self) -> Failure {
        Failure { code: self.code().to_owned(), message: self.to_string(), hint: Some(self.hint().to_owned()) }
    }
}

/// Result of one look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct MirrorReport {
    organization: String,
    project: String,
    release: u64,
    withdrawn: bool,
    /// Where it is, read back.
    at: Vec<String>,
}

pub(crate) fn run(args: &MirrorArgs, format: Format) -> ExitStatus {
    let runtime = match tokio::runtime::Runtime::new().map_err(MirrorError::Runtime) {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, format),
    };
    match runtime.block_on(mirror(args, format)) {
        Ok(()) => ExitStatus::Success,
        Err(error) => fail(&error, format),
    }
}

fn fail(error: &MirrorError, format: Format) -> ExitStatus {
    error.to_failure().report(format);
    error.exit_status()
}

async fn mirror(args: &MirrorArgs, format: Format) -> Result<(), MirrorError> {
    let mirror = Mirror::open(args).await?;
    let listening = match args.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    if args.once || (args.from.is_some() && args.listen.is_none()) {
        return show(&mirror.look(args).await?, format);
    }
    let server = async {
        match listening {
            Some(listener) => pintle_server::serve_files(listener, mirror.files(), pending()).await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = server => Ok(()),
        followed = mirror.follow(args, format) => followed,
        () = crate::serve::wait_for_signal() => Ok(()),
    }
}

fn show(report: &MirrorReport, format: Format) -> Result<(), MirrorError> {
    let shown = Output { format }.show(report, |report, text: &mut Text| {
        let kind = if report.withdrawn { "withdrawal" } else { "release" };
        text.line(&format!(
            "{kind} {} of {}/{}: {}",
            report.release,
            report.organization,
            report.project,
            report.at.join(", ")
        ));
    });
    shown.map_err(|error| MirrorError::Write {
        path: "standard output".into(),
        error: io::Error::other(error.to_string()),
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, MirrorError> {
    let failed = |error| MirrorError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shown = Output { format: Format::Text }.show(&(), |(), text| {
        text.line(&format!("The mirror serves at http://{address}"));
    });
    shown.map_err(|error| failed(io::Error::other(error.to_string())))?;
    Ok(listener)
}

struct Mirror {
    root: Root,
    /// The root with the URLs that the bundle beside the files names.
    published_root: Root,
    store: DiskStore,
    buckets: Vec<Arc<dyn Bucket>>,
    files: PathBuf,
    /// What fetches, if the network is asked.
    sdk: Option<Pintle>,
}

impl Mirror {
    async fn open(args: &MirrorArgs) -> Result<Self, MirrorError> {
        let bundle = read(&args.bundle, MAX_BUNDLE_BYTES)?;
        let unusable = |error| MirrorError::Bundle { path: args.bundle.clone(), error };
        let root = Root::dangerous_parse_bundle_with_http_loopback(&bundle).map_err(unusable)?;
        let published_root = with_urls(&root, &args.url).map_err(unusable)?;
        let environment = |name: &str| std::env::var(name).ok();
        let mut buckets = Vec::new();
        for place in &args.to {
            let opened = open(place, &args.credentials, &environment);
            buckets.push(opened.map_err(|error| MirrorError::Open { place: place.to_string(), error })?);
        }
        let files = args.state.join(FILES);
        if args.listen.is_some() {
            buckets.push(Arc::new(DirectoryBucket::new(&files)) as Arc<dyn Bucket>);
        }
        let sdk = match &args.from {
            Some(_) => None,
            None => {
                let is_https = Root::parse_bundle(&bundle).is_ok();
                let builder = Pintle::builder(bundle).storage_dir(&args.state);
                // Behind that door no proxy of the environment is used.
                let builder = if is_https { builder } else { builder.dangerous_allow_http_loopback() };
                Some(builder.start().await.map_err(MirrorError::Sdk)?)
            }
        };
        let store = DiskStore::new(&args.state, &root);
        Ok(Self { root, published_root, store, buckets, files, sdk })
    }

    fn files(&self) -> Arc<dyn Bucket> {
        Arc::new(DirectoryBucket::new(&self.files))
    }

    /// Looks again and again. What goes wrong is told once, and tried again.
    async fn follow(&self, args: &MirrorArgs, format: Format) -> Result<(), MirrorError> {
        let mut told: Result<MirrorReport, String> = Err(String::new());
        loop {
            let looked = self.look(args).await;
            match &looked {
                Ok(report) if told.as_ref() != Ok(report) => show(report, format)?,
                Err(error) if told.as_ref() != Err(&error.to_string()) => error.to_failure().report(format),
                _ => {}
            }
            // What was accepted before still goes where it has to, even while the network is gone.
            if looked.is_err() {
                let _told_already = self.deliver(args).await;
            }
            told = looked.map_err(|error| error.to_string());
            tokio::time::sleep(Duration::from_secs(args.interval)).await;
        }
    }

    async fn look(&self, args: &MirrorArgs) -> Result<MirrorReport, MirrorError> {
        match (&args.from, &self.sdk) {
            (Some(path), _) => self.take(path)?,
            (None, Some(sdk)) => {
                sdk.refresh().await.map_err(MirrorError::Fetch)?;
                self.check_is_kept(sdk, &args.state)?;
            }
            (None, None) => {}
        }
        self.deliver(args).await
    }

    /// What was fetched lies in the state, from which everything is delivered. The SDK goes on without its disk; a mirror would
    /// show an older release and call it the current one.
    fn check_is_kept(&self, sdk: &Pintle, state: &Path) -> Result<(), MirrorError> {
        let record = self.store.load().map_err(MirrorError::Store)?.record;
        let snapshot = sdk.snapshot();
        let Some(config) = snapshot.config() else { return Ok(()) };
        let memory = &record.memory.state;
        let kept = record.config.and_then(|bytes| verify(&bytes, &self.root, memory, now()).ok());
        if kept.is_some_and(|kept| kept.config.claims() == config.claims()) {
            return Ok(());
        }
        Err(MirrorError::NotKept { version: config.claims().version, path: state.to_owned() })
    }

    /// Accepts a file that was carried here, as the refresh machine accepts one that was fetched.
    fn take(&self, path: &Path) -> Result<(), MirrorError> {
        let bytes = read(path, MAX_CONFIG_BYTES as u64)?;
        let known = self.store.load().map_err(MirrorError::Store)?.record.memory;
        let accepted = verify(&bytes, &self.root, &known.state, now())
            .map_err(|error| MirrorError::Config { source_name: path.display().to_string(), error })?;
        let memory = Memory { state: accepted.state, ..known };
        self.store.save(&Record { config: Some(bytes), memory }).map_err(MirrorError::Store)
    }

    /// Brings what is accepted to every destination, staged and read back.
    async fn deliver(&self, args: &MirrorArgs) -> Result<MirrorReport, MirrorError> {
        let record = self.store.load().map_err(MirrorError::Store)?.record;
        let missing = || MirrorError::Fetch(FetchError::Lost);
        let bytes = record.config.ok_or_else(missing)?;
        let refused = |error| MirrorError::Config { source_name: "the release in force".to_owned(), error };
        // Not below the floor, whatever the disk says: the file is verified each time (P-3.10).
        let accepted = verify(&bytes, &self.root, &record.memory.state, now()).map_err(refused)?;
        let publication = Publication::verify(self.published_root.clone(), bytes.clone(), now()).map_err(refused)?;
        let mut at = Vec::new();
        for bucket in &self.buckets {
            let name = bucket.name().to_owned();
            match publish(bucket.as_ref(), &publication, now()).await {
                Ok(Outcome::Live) => at.push(name),
                Ok(Outcome::Superseded) => return Err(MirrorError::Superseded { name }),
                Err(error) => return Err(MirrorError::Publish { name, error }),
            }
        }
        if let Some(path) = &args.archive {
            write_whole(path, &bytes)?;
            at.push(path.display().to_string());
        }
        let claims = accepted.config.claims();
        Ok(MirrorReport {
            organization: claims.organization.to_string(),
            project: claims.project.to_string(),
            release: claims.version,
            withdrawn: claims.withdrawn,
            at,
        })
    }
}

/// The same root, reached under other URLs: an app that embeds them loses nothing.
fn with_urls(root: &Root, urls: &[String]) -> Result<Root, SetupError> {
    if urls.is_empty() {
        return Ok(root.clone());
    }
    let urls = urls.iter().map(|url| BaseUrl::dangerous_parse_http_loopback(url)).collect::<Result<Vec<_>, _>>()?;
    let moved = Root::new(root.organization().clone(), root.project().clone(), *root.public_key(), urls)?;
    match root.recovery_key() {
        Some(key) => moved.with_recovery_key(*key),
        None => Ok(moved),
    }
}

fn read(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, MirrorError> {
    use std::io::Read as _;
    let failed = |error| MirrorError::Read { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(failed(io::Error::other(format!("it is larger than {limit_bytes} bytes"))));
    }
    Ok(bytes)
}

/// The old file or the new one, never a part.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MirrorError> {
    use std::io::Write as _;
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let written = (|| {
        let mut file = tempfile::Builder::new().prefix(".pintle-").tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|failed| failed.error)
    })();
    written.map(drop).map_err(|error| MirrorError::Write { path: path.to_owned(), error })
}

fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
