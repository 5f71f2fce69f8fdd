//! What the operator's monitoring reads: OpenMetrics text on a listener of its own.
//!
//! No label holds an address, an id or a path with ids: routes are named by their template.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::{app::App, clock::now};

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// From a file out of memory to the time-out of requests.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

type Number = Gauge<u64, AtomicU64>;

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    connections: Family<ListenerLabels, Number>,
    database_up: Number,
    database_connections: Family<StateLabels, Number>,
    jobs: Number,
    oldest_job_seconds: Number,
    releases: Family<StateLabels, Number>,
    process: Process,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("pintle");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let make: fn() -> Histogram = || Histogram::new(BUCKETS);
        let seconds = Family::new_with_constructor(make);
        let help = "Time from the head of a request to that of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, seconds.clone());
        let connections = Family::default();
        registry.register("http_connections", "Connections that are open", connections.clone());
        let database_up = Number::default();
        registry.register("database_up", "1 if the database answers, else 0", database_up.clone());
        let database_connections = Family::default();
        let help = "Connections of the reading pool";
        registry.register("database_connections", help, database_connections.clone());
        let jobs = Number::default();
        registry.register("jobs", "Jobs that are not done", jobs.clone());
        let oldest_job_seconds = Number::default();
        let help = "Age of the oldest job; a release is as long on its way to the targets";
        registry.register_with_unit("oldest_job_age", help, Unit::Seconds, oldest_job_seconds.clone());
        let releases = Family::default();
        registry.register("releases", "Releases by state of publication", releases.clone());
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The program that runs", Info::new(version));
        let process = Process::register(&mut registry);
        Self {
            registry,
            requests,
            seconds,
            connections,
            database_up,
            database_connections,
            jobs,
            oldest_job_seconds,
            releases,
            process,
        }
    }

    /// The number of open connections of a listener.
    pub(crate) fn connections(&self, listener: &'static str) -> Number {
        self.connections.get_or_create_owned(&ListenerLabels { listener })
    }

    /// Asks for what is not counted as it happens.
    async fn look(&self, app: &App) {
        let pool = app.service.measure_pool();
        let set = |family: &Family<StateLabels, Number>, state, value| {
            family.get_or_create(&StateLabels { state }).set(value);
        };
        set(&self.database_connections, "idle", pool.idle);
        set(&self.database_connections, "busy", pool.open.saturating_sub(pool.idle));
        let workload = app.service.measure_workload().await;
        self.database_up.set(u64::from(workload.is_ok()));
        if let Ok(workload) = workload {
            self.jobs.set(workload.jobs);
            let age = workload.oldest_job_at.map_or(0, |at| now().as_secs().saturating_sub(at));
            self.oldest_job_seconds.set(age);
            set(&self.releases, "publishing", workload.publishing);
            set(&self.releases, "live", workload.live);
        }
        self.process.look();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// What the system says of this process.
struct Process {
    resident: Number,
    open_files: Number,
    threads: Number,
}

impl Process {
    fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("process");
        let (resident, open_files, threads) = (Number::default(), Number::default(), Number::default());
        registry.register_with_unit("resident_memory", "Memory in use", Unit::Bytes, resident.clone());
        registry.register("open_files", "Open file descriptors, sockets included", open_files.clone());
        registry.register("threads", "Threads", threads.clone());
        let start = Number::default();
        start.set(now().as_secs());
        registry.register_with_unit("start_time", "Start, since 1970 UTC", Unit::Seconds, start);
        Self { resident, open_files, threads }
    }

    /// Linux tells; elsewhere the numbers stay 0.
    fn look(&self) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        self.resident.set(number("VmRSS:").unwrap_or_default() * 1024);
        self.threads.set(number("Threads:").unwrap_or_default());
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.open_files.set(u64::try_from(files).unwrap_or_default());
    }
}

pub(crate) fn router() -> Router<App> {
    Router::new().route("/metrics", get(show))
}

async fn show(State(app): State<App>) -> Response {
    app.metrics.look(&app).await;
    let mut text = String::new();
    match encode(&mut text, &app.metrics.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response(),
        Err(_) => crate::api::internal_failure(),
    }
}

/// Counts a request by its route and how it ended.
pub(crate) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let labels = RouteLabels { method, route: route.clone() };
    metrics.seconds.get_or_create(&labels).observe(begun.elapsed().as_secs_f64());
    metrics.requests.get_or_create(&RequestLabels { method, route, status: response.status().as_u16() }).inc();
    response
}

/// Whoever invents methods does not invent labels.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
