use std::{sync::Arc, time::Duration};

use pintle_service::{Lane, Progress, Service, ServiceError};
use tokio::sync::watch;

use crate::clock::now;

/// How long it sleeps when it knows of nothing: what a job waits at most whose instance died before it took it; another
/// one on the same database looks for it then.
const MAX_SLEEP: Duration = Duration::from_secs(5);
/// Retention is counted in days.
const BETWEEN_CLEANINGS: Duration = Duration::from_secs(3600);
/// Days are told, and a digest goes within so much of its hour.
const BETWEEN_LOOKS: Duration = Duration::from_secs(600);
/// Reports are gathered for so long, and new projects not known to them.
const BETWEEN_COUNTS: Duration = Duration::from_secs(15);
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What a worker works off. Mails have one of their own, so that a slow mail server delays no release.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Worker {
    Jobs,
    Mails,
    /// Stores of other people, each as slow as it likes.
    Targets,
    /// Servers of other people: what they serve.
    Monitor,
    /// Those who read CT logs, likewise.
    Logs,
    /// Webhooks, likewise.
    Messages,
}

impl Worker {
    async fn turn(self, service: &Service) -> Result<Progress, ServiceError> {
        match self {
            Self::Jobs => service.run_next_job_of(Lane::Own, now()).await,
            Self::Targets => service.run_next_job_of(Lane::Targets, now()).await,
            Self::Mails => service.send_next_mail(now()).await,
            Self::Monitor => service.run_next_look(now()).await,
            Self::Logs => service.run_next_ct_search(now()).await,
            Self::Messages => service.send_next_message(now()).await,
        }
    }

    async fn wait(self, service: &Service) {
        match self {
            Self::Jobs => service.wait_for_job().await,
            Self::Targets => service.wait_for_target_job().await,
            Self::Mails => service.wait_for_mail().await,
            // What is due comes of time alone.
            Self::Monitor | Self::Logs => std::future::pending().await,
            Self::Messages => service.wait_for_message().await,
        }
    }
}

/// Does whatever is due until `stopping` says so, or nobody is left to say so; a job that has begun is finished.
pub(crate) async fn run_jobs(worker: Worker, service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        let Some(sleep) = run_turn(worker, &service).await else { continue };
        tokio::select! {
            () = worker.wait(&service) => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Writes security events into the audit log, for ever.
pub(crate) async fn run_recorder(service: Arc<Service>) {
    loop {
        let sleep = match service.record_security_events(now()).await {
            Ok(next_at) => next_at.map_or(MAX_SLEEP, |at| MAX_SLEEP.min(Duration::from_secs(at.secs_since(now())))),
            Err(error) => {
                tracing::error!(error.code = error.code(), %error, "security events not written; it will be tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        tokio::select! {
            () = service.wait_for_security_event() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Writes what apps report of violations, for ever.
pub(crate) async fn run_counter(service: Arc<Service>) {
    loop {
        tokio::time::sleep(BETWEEN_COUNTS).await;
        count(&service).await;
    }
}

/// Writes what apps reported, and learns whose reports count.
pub(crate) async fn count(service: &Service) {
    if let Err(error) = service.record_violations(now()).await {
        tracing::error!(error.code = error.code(), %error, "reports of violations not written; they are lost");
    }
}

/// Removes what was kept long enough, now and then, for ever.
pub(crate) async fn run_cleaner(service: Arc<Service>) {
    loop {
        let sleep = match service.remove_old_events(now()).await {
            Ok(_) => BETWEEN_CLEANINGS,
            Err(error) => {
                tracing::error!(error.code = error.code(), %error, "old events not removed; it will be tried again");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(sleep).await;
    }
}

/// Looks at what ends soon, and sends digests on their way, for ever.
pub(crate) async fn run_watcher(service: Arc<Service>) {
    loop {
        let sleep = match service.watch(now()).await {
            Ok(()) => BETWEEN_LOOKS,
            Err(error) => {
                tracing::error!(error.code = error.code(), %error, "what ends soon was not looked at; it will be tried again");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(sleep).await;
    }
}

/// Writes what is left of them, once nobody is served any more.
pub(crate) async fn record_the_rest(service: &Service) {
    if let Err(error) = service.record_last_security_events(now()).await {
        tracing::error!(error.code = error.code(), %error, "the last security events are lost");
    }
    count(service).await;
}

/// One turn; how long to sleep after it, if at all.
async fn run_turn(worker: Worker, service: &Arc<Service>) -> Option<Duration> {
    let turn = Arc::clone(service);
    // In a task of its own, so that a panic costs this turn alone.
    match tokio::spawn(async move { worker.turn(&turn).await }).await {
        Ok(Ok(Progress::Done | Progress::Postponed)) => None,
        Ok(Ok(Progress::Idle { next_at })) => {
            Some(next_at.map_or(MAX_SLEEP, |at| MAX_SLEEP.min(Duration::from_secs(at.secs_since(now())))))
        }
        Ok(Err(error)) => {
            tracing::error!(error.code = error.code(), %error, ?worker, "the jobs failed; they will be tried again");
            Some(AFTER_FAILURE)
        }
        Err(error) => {
            tracing::error!(%error, ?worker, "a job panicked; it will be tried again");
            Some(AFTER_FAILURE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::root::BaseUrl;
    use pintle_store::Store;

    #[tokio::test]
    async fn ends_when_nobody_is_left_to_stop_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
        let url = BaseUrl::parse("https://pins.example.com/cdn").unwrap();
        let (stop, stopping) = watch::channel(false);
        drop(stop);
        let jobs = run_jobs(Worker::Jobs, Arc::new(Service::new(store, Vec::new(), url)), stopping);
        tokio::time::timeout(Duration::from_secs(10), jobs).await.unwrap();
    }
}
