use std::{sync::Arc, time::Duration};

use pintle_service::{Progress, Service};
use tokio::sync::watch;

use crate::clock::now;

/// How long the publisher sleeps when it knows of nothing: a bound on surprises, as a wake-up lost in a crash.
const MAX_SLEEP: Duration = Duration::from_secs(30);
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Publishes whatever is due until `stopping` says so; a job that has begun is finished.
pub(crate) async fn run_publisher(service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        let sleep = match service.publish_next(now()).await {
            Ok(Progress::Idle { next_at }) => {
                next_at.map_or(MAX_SLEEP, |at| MAX_SLEEP.min(Duration::from_secs(at.secs_since(now()))))
            }
            Ok(Progress::Done { .. } | Progress::Postponed { .. }) => continue,
            Err(error) => {
                tracing::error!(error.code = error.code(), %error, "the publisher failed; it will try again");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = service.wait_for_job() => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}
