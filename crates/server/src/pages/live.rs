//! How far a release is, told as it happens: server-sent events until every target has it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures_util::stream;
use pintle_api::{ReleaseResponse, ReleaseState, ReleaseTargetResponse, SessionSecret, TargetState};
use pintle_service::{ProjectPath, RequestContext};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{
    chart::{Span, Strip, WIDTH},
    cookie::read_session,
    failure::PageError,
    place::InProject,
    releases::{mood, target_mood},
    show::{span, words},
};
use crate::{api::describe_request, app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/orgs/{organization}/projects/{project}/releases/{version}/events", get(watch))
}

/// How often a stream looks. Targets are written to by any of the servers, so that none of them would be told.
const PERIOD: Duration = Duration::from_secs(1);
/// Browsers that were left open: they come again by themselves as long as somebody has the page.
const MAX_AGE: Duration = Duration::from_secs(300);
/// Streams hold a connection and look into the database: so many at once, in all and for one account.
const MAX_STREAMS: usize = 256;
const MAX_STREAMS_OF_ONE: usize = 8;

/// How far a release is, in the words and measures of its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Progress {
    state: String,
    mood: &'static str,
    pub(super) targets: Vec<TargetProgress>,
    is_settled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct TargetProgress {
    pub(super) target: String,
    pub(super) state: String,
    pub(super) mood: &'static str,
    pub(super) says: String,
    /// Of its bar: when it was there, measured by the slowest.
    width: u64,
}

impl Progress {
    pub(super) fn new(release: &ReleaseResponse) -> Self {
        let took = |target: &ReleaseTargetResponse| Some(target.live_at?.saturating_sub(release.accepted_at));
        let slowest = release.targets.iter().filter_map(took).max().unwrap_or_default();
        let targets = release.targets.iter().map(|target| TargetProgress {
            target: target.target.clone(),
            state: words(&target.state),
            mood: target_mood(&target.state),
            says: match (&target.error, took(target)) {
                (Some(error), _) if target.state == TargetState::Failed => error.clone(),
                (_, Some(0)) => "read back at once".to_owned(),
                (_, Some(secs)) => format!("read back {} after it was accepted", span(secs)),
                _ => "not there yet".to_owned(),
            },
            // One second more on both sides: who is there at once has a bar, too.
            width: took(target).map_or(0, |secs| (secs + 1).saturating_mul(WIDTH) / (slowest + 1)),
        });
        Self {
            state: words(&release.state),
            mood: mood(&release.state),
            targets: targets.collect(),
            is_settled: is_settled(&release.state),
        }
    }
}

impl TargetProgress {
    /// The picture of it.
    pub(super) fn strip(&self) -> Strip {
        let says = format!("{}: {}, {}", self.target, self.state, self.says);
        let bar = Span { left: 0, width: self.width, mood: self.mood, says: self.says.clone() };
        Strip { spans: vec![bar], words: says }
    }
}

/// Whether nothing more happens to it by itself.
pub(super) fn is_settled(state: &ReleaseState) -> bool {
    match state {
        ReleaseState::AwaitingApproval
        | ReleaseState::Scheduled
        | ReleaseState::Accepted
        | ReleaseState::Publishing => false,
        ReleaseState::Live | ReleaseState::Superseded | ReleaseState::Cancelled | ReleaseState::Voided => true,
    }
}

/// How many streams each account has open.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashMap<String, usize>>);

/// The place of an open stream; free again when it is dropped.
#[derive(Debug)]
struct Ticket {
    streams: Arc<Streams>,
    account: String,
}

impl Streams {
    fn take(self: &Arc<Self>, account: &str) -> Option<Ticket> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.get(account).copied().unwrap_or_default();
        if own >= MAX_STREAMS_OF_ONE || open.values().sum::<usize>() >= MAX_STREAMS {
            return None;
        }
        open.insert(account.to_owned(), own + 1);
        Some(Ticket { streams: Arc::clone(self), account: account.to_owned() })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.account) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(open.remove(&self.account)),
        }
    }
}

/// What shows again and again that the reader is signed in.
struct Credential {
    session: SessionSecret,
    context: RequestContext,
}

impl FromRequestParts<App> for Credential {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let session = read_session(&parts.headers, app.is_https).ok_or(PageError::SIGNED_OUT)?;
        Ok(Self { session, context: describe_request(parts) })
    }
}

/// A look after the other, until the release has settled, the reader is signed out or no member any more, the page was open
/// too long, or the server stops.
struct Watch {
    app: App,
    credential: Credential,
    organization: String,
    project: String,
    version: u64,
    end: Instant,
    told: Option<Progress>,
    _ticket: Ticket,
}

impl Watch {
    async fn look(&self) -> Option<Progress> {
        let Credential { session, context } = &self.credential;
        let actor = self.app.service.authenticate(session.expose_secret(), context.clone(), now()).await.ok()?;
        let path = ProjectPath { organization: &self.organization, project: &self.project };
        let release = self.app.service.read_release(&actor, path, self.version).await.ok()?;
        Some(Progress::new(&release))
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(told) = &self.told {
                if told.is_settled || Instant::now() >= self.end {
                    return None;
                }
                tokio::select! {
                    () = sleep(PERIOD) => {}
                    _ = self.app.stopping.wait_for(|stopping| *stopping) => return None,
                }
            }
            let progress = self.look().await?;
            if self.told.as_ref() != Some(&progress) {
                let event = Event::default().json_data(&progress).ok()?;
                self.told = Some(progress);
                return Some((Ok(event), self));
            }
        }
    }
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

async fn watch(
    State(app): State<App>,
    place: InProject,
    Path(Version { version }): Path<Version>,
    credential: Credential,
) -> Result<Response, PageError> {
    app.service.read_release(&place.actor, place.id(), version).await?;
    let ticket = app.streams.take(place.actor.account_id()).ok_or(PageError::STREAMS_BUSY)?;
    let watch = Watch {
        app,
        credential,
        organization: place.organization.id,
        project: place.project.id,
        version,
        end: Instant::now() + MAX_AGE,
        told: None,
        _ticket: ticket,
    };
    Ok(Sse::new(stream::unfold(watch, Watch::next)).keep_alive(KeepAlive::default()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_one_account_and_in_all() {
        let streams = Arc::new(Streams::default());
        let mut own: Vec<_> = (0..MAX_STREAMS_OF_ONE).map(|_| streams.take("acc_1").unwrap()).collect();
        assert!(streams.take("acc_1").is_none());
        drop(own.pop());
        own.push(streams.take("acc_1").expect("a place that was left is free"));
        let others: Vec<_> = (own.len()..MAX_STREAMS).map(|number| streams.take(&format!("acc_x{number}"))).collect();
        assert!(others.iter().all(Option::is_some));
        assert!(streams.take("acc_late").is_none());
        drop((own, others));
        assert!(streams.0.lock().unwrap().is_empty(), "nothing is remembered of who left");
    }

    #[test]
    fn bars_are_measured_by_the_slowest_target() {
        let target = |target: &str, live_at: Option<u64>| {
            let state = if live_at.is_some() { "live" } else { "failed" };
            let mut target = serde_json::json!({ "target": target, "state": state });
            match live_at {
                Some(at) => target["live_at"] = at.into(),
                None => target["error"] = "no route".into(),
            }
            target
        };
        let release = serde_json::from_value(serde_json::json!({
            "id": "rel_1", "version": 1, "state": "publishing", "claims_sha256": "", "accepted_at": 100,
            "targets": [target("origin", Some(100)), target("cdn", Some(109)), target("s3", None)]
        }));
        let progress = Progress::new(&release.unwrap());
        assert_eq!(progress.targets.iter().map(|target| target.width).collect::<Vec<_>>(), [100, 1000, 0]);
        let says: Vec<_> = progress.targets.iter().map(|target| target.says.as_str()).collect();
        assert_eq!(says, ["read back at once", "read back 9 seconds after it was accepted", "no route"]);
        assert!(!progress.is_settled);
    }
}
