//! Ten thousand domains on one machine. `cargo test --release -p pintle-service --test it -- --ignored drift_scale --nocapture`

use std::{
    fs, io,
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
    // An hour, a minute at a time: what is due is spread over it.
    for hour in 0..2 {
        let (began, processor, before) = (Instant::now(), processor_secs(), resident_mb());
        let (mut highest, mut most, mut total) = (before, 0, 0);
        for minute in 0..60 {
            let now = crate::drift::at(hour * 3600 + minute * 60 + 59);
            let connections = site.seen().handshakes;
            while plane.service.run_next_look(now).await.unwrap() == Progress::Done {
                highest = highest.max(resident_mb());
            }
            let looks = site.seen().handshakes - connections;
            (most, total) = (most.max(looks), total + looks);
        }
        println!(
            "hour {hour}: {total} handshakes, at most {most} in a minute; {:.0} s on the clock, {:.0} s of processor; \
             {before} MB before, {highest} MB at most, {} MB after",
            began.elapsed().as_secs_f64(),
            processor_secs() - processor,
            resident_mb(),
        );
        assert!(highest < before + 100, "memory is flat");
    }
}
