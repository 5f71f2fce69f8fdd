mod ct;
mod report;

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use pintle_core::Mode;
use pintle_discover::Endpoint;
use pintle_sdk::{Authorities, Error, Pintle};
use tokio::{net::lookup_host, time::timeout};

use self::report::CheckReport;
use crate::{CommandError, ExitStatus, context::Context, fetch::set_up, guarding::load_authorities, root::load_bundle};

/// Handshake, and five seconds more for the refresh that precedes a refusal (P-4.11).
const CHECK_LIMIT: Duration = Duration::from_secs(20);

/// Options of `check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Host that the app connects to, and port [default: 443]
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    /// The bundle that the app embeds
    #[arg(long, value_name = "FILE", default_value = "pintle.json")]
    bundle: PathBuf,
    /// What the app does with hosts that have no entry
    #[arg(long, value_name = "MODE", value_parser = ["strict", "permissive"], default_value = "strict")]
    mode: String,
    /// Certificates (PEM or DER) that the app trusts as CAs besides those of this machine
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Connect to this address instead of the host's own: a server that is not in DNS yet, or a suspicious one
    #[arg(long, value_name = "HOST[:PORT]")]
    connect: Option<String>,
}

pub(crate) async fn run(args: &CheckArgs, context: &Context) -> Result<ExitStatus, CommandError> {
    let endpoint = Endpoint::parse(&args.host)?;
    let target = args.connect.as_deref().map(Endpoint::parse).transpose()?;
    let mode = if args.mode == "permissive" { Mode::Permissive } else { Mode::Strict };
    let mut builder = Pintle::builder(load_bundle(&args.bundle)?).dangerous_allow_http_loopback().mode(mode);
    if let Some(path) = &args.ca {
        builder = builder.connection_authorities(Authorities::PlatformAnd(load_authorities(path)?));
    }
    let pintle = set_up(builder, &args.bundle.display().to_string()).await?;
    let address = resolve(target.as_ref().unwrap_or(&endpoint)).await?;
    let host = endpoint.host.to_string();
    let unreachable = |error| CommandError::Unreachable { endpoint: endpoint.clone(), error };
    let probe = match timeout(CHECK_LIMIT, pintle.probe(&host, Some(address))).await {
        Ok(Ok(probe)) => probe,
        Ok(Err(Error::Unreachable { error, .. })) => return Err(unreachable(error)),
        Ok(Err(error)) => return Err(CommandError::Internal(error.to_string())),
        Err(_) => return Err(unreachable(io::ErrorKind::TimedOut.into())),
    };

    let snapshot = pintle.snapshot();
    let report = CheckReport::new(&endpoint, address, &args.mode, &probe, snapshot.config());
    context.output.show(&report, |report, text| report.write_text(context.now, text))?;
    Ok(if report.allowed { ExitStatus::Success } else { ExitStatus::Refused })
}

/// The first address of an endpoint.
async fn resolve(endpoint: &Endpoint) -> Result<SocketAddr, CommandError> {
    let unreachable = |error| CommandError::Unreachable { endpoint: endpoint.clone(), error };
    let mut addresses = lookup_host((endpoint.host.to_string(), endpoint.port)).await.map_err(unreachable)?;
    addresses.next().ok_or_else(|| unreachable(io::ErrorKind::NotFound.into()))
}
