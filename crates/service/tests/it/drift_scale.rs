//! Ten thousand domains on one machine, with a clock that is ours: `cargo xtask bench monitor`.

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use base64ct::{Base64, Encoding};
use pintle_core::{crypto::sha256, der::Certificate};
use pintle_discover::{AddressPolicy, Prober, Resolve};
use pintle_path::Roots;
use pintle_service::{
    MonitorSettings, Progress,
    guard::{GuardSettings, LookSettings},
};
use pintle_store::{DomainId, DomainRow, DraftDomain, PinId, PinRow, Project, ProjectId};
use pintle_testkit::{certificate::Authority, site::Site};

use crate::support::{NOW, Plane};

const DOMAINS: usize = 10_000;
const CONCURRENCY: usize = 32;

/// Every name leads here.
#[derive(Debug)]
struct Loopback;

#[async_trait]
impl Resolve for Loopback {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}

/// Resident memory of this process, in MB.
fn resident_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// User and system time of this process, in seconds: the server it looks at included.
fn processor_secs() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The 14th and 15th of all, in hundredths.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

async fn fill(plane: &Plane, site: &Site, digest: &str) {
    let tx = plane.store.write().await.unwrap();
    let project: Project = tx.load_project(&ProjectId::parse(&plane.project).unwrap()).await.unwrap().unwrap();
    for number in 0..DOMAINS {
        let name = format!("d{number}.bench.example");
        let domain = DomainRow {
            id: DomainId::make(NOW.as_secs()),
            project_id: project.row.id.clone(),
            name: name.clone(),
            display_name: name.clone(),
            enforce_percent: 100.into(),
            trust: "platform".into(),
            ct_policy: "off".into(),
            ct_min: 2.into(),
            ct_logs: None,
            auto_draft: "off".to_owned(),
            rotation: None,
            watch: Some(format!("{name}:{}", site.address().port())),
            created_at: NOW.as_secs().into(),
        };
        let pin = PinRow {
            id: PinId::make(NOW.as_secs()),
            domain_id: domain.id.clone(),
            pin_type: "spki-sha256".into(),
            digest: digest.into(),
            pin_match: "leaf".into(),
            expires_at: None,
            source: "by_hand".into(),
            label: None,
            created_at: NOW.as_secs().into(),
        };
        tx.insert_domain(&project.scope, domain.clone()).await.unwrap();
        tx.insert_pin(&DraftDomain { row: domain, pins: Vec::new(), proposed: Vec::new() }, pin).await.unwrap();
    }
    tx.raise_revision(&project.scope).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; it measures"]
async fn ten_thousand_domains_are_looked_at_in_flat_memory() {
    let root = Authority::root("Root");
    let certificate = root.issue(&["*.bench.example"]);
    let site = Site::start(&certificate).await;
    let mut roots = Roots::default();
    roots.add_certificate(root.certificate().clone()).unwrap();
    let prober = Prober::new(AddressPolicy::anywhere()).with_resolver(Arc::new(Loopback));
    let look = LookSettings { prober, ..LookSettings::new(AddressPolicy::anywhere()) };
    let settings = MonitorSettings { look, interval_secs: 3600, concurrency: CONCURRENCY };
    let guard = GuardSettings { look: None, roots: Arc::new(roots) };
    let plane = Plane::new().await.with_guard(guard).with_monitor(settings);
    let leaf = Certificate::parse(certificate.leaf()).unwrap();
    fill(&plane, &site, &Base64::encode_string(&sha256(leaf.spki()))).await;
    plane.go_live().await;
    plane.service.run_next_look(NOW).await.unwrap();
    let hours: u64 = std::env::var("PINTLE_BENCH_HOURS").map_or(6, |hours| hours.parse().unwrap());
    let mut measured = Vec::new();
    // An hour, a minute at a time: what is due is spread over it.
    for hour in 0..hours {
        let (began, processor, mut highest) = (Instant::now(), processor_secs(), resident_mb());
        let (mut most, mut total) = (0, 0);
        for minute in 0..60 {
            let now = crate::drift::at(hour * 3600 + minute * 60 + 59);
            let connections = site.seen().handshakes;
            while plane.service.run_next_look(now).await.unwrap() == Progress::Done {
                highest = highest.max(resident_mb());
            }
            let looks = site.seen().handshakes - connections;
            (most, total) = (most.max(looks), total + looks);
        }
        let hour =
            Hour { handshakes: total, most, processor_secs: processor_secs() - processor, resident_mb: resident_mb() };
        println!("{hour}; {:.0} s on the clock, {highest} MB at most", began.elapsed().as_secs_f64());
        measured.push(hour);
    }
    println!("memory grows by {:.1} MB an hour, limit {GROWTH_MB}", judge(&measured));
}

/// What an hour of watching took.
struct Hour {
    handshakes: usize,
    /// In one minute.
    most: usize,
    /// Of the server that is looked at, too.
    processor_secs: f64,
    /// At its end.
    resident_mb: u64,
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handshakes, most, processor_secs, resident_mb } = self;
        write!(
            f,
            "{handshakes} handshakes, at most {most} in a minute; {processor_secs:.0} s of processor; {resident_mb} MB"
        )
    }
}

/// The limits, and by how many MB memory grows in an hour. The first hour looks at everything twice, since all of it is new.
fn judge(hours: &[Hour]) -> f64 {
    let (Some((_, later)), Some(last)) = (hours.split_first(), hours.last()) else { return 0.0 };
    for hour in later {
        assert!(hour.handshakes >= DOMAINS, "every domain is looked at: {hour}");
        assert!(hour.most <= 3 * hour.handshakes / 60, "looks are spread over the hour: {hour}");
        assert!(hour.processor_secs <= PROCESSOR_SECS, "a small server has other things to do: {hour}");
    }
    let Some(first) = later.first().filter(|_| later.len() > 1) else { return 0.0 };
    let growth_mb = (last.resident_mb as f64 - first.resident_mb as f64) / (later.len() - 1) as f64;
    assert!(growth_mb <= GROWTH_MB, "memory is flat: {growth_mb:.1} MB an hour");
    growth_mb
}

/// A tenth of one processor, in an hour.
const PROCESSOR_SECS: f64 = 360.0;
/// Of resident memory, in an hour: what the allocator keeps for later.
const GROWTH_MB: f64 = 3.0;
