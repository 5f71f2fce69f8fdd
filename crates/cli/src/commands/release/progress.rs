//! A release on its way to apps, as somebody at a terminal sees it.

use std::time::Duration;

use pintle_api::{ReleaseResponse, ReleaseState, ReleaseTargetResponse, TargetState, client::Client};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::{Context, Project},
    moment::show_moment,
    output::{CAREFUL, GOOD, Text},
    word::word,
};

/// How often the server is asked how far the publication is.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Follows a release until it is live or waits for somebody. Interrupted, nothing is lost: the server goes on by itself.
pub(super) async fn wait_until_live(
    client: &Client,
    project: &Project,
    accepted: ReleaseResponse,
    wait_secs: u64,
    context: &Context,
) -> Result<ReleaseResponse, CommandError> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait_secs);
    let mut release = accepted;
    let mut shown = Vec::new();
    loop {
        let lines = describe(&release);
        context.output.say(|text| {
            for (line, style) in lines.iter().filter(|line| !shown.contains(*line)) {
                style.write(line, text);
            }
        });
        shown = lines;
        if !matches!(release.state, ReleaseState::Accepted | ReleaseState::Publishing) {
            return Ok(release);
        }
        let not_yet = CommandError::NotLiveYet { version: release.version, waited_secs: wait_secs };
        if tokio::time::Instant::now() >= deadline {
            return Err(not_yet);
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            _ = tokio::signal::ctrl_c() => return Err(CommandError::Interrupted { version: release.version }),
        }
        release = client.read_release(project.reference(), release.version).await?;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Careful,
}

impl Tone {
    fn write(self, line: &str, text: &mut Text) {
        match self {
            Self::Plain => text.line(line),
            Self::Good => text.styled_line(GOOD, line),
            Self::Careful => text.styled_line(CAREFUL, line),
        };
    }
}

/// One line per target that was tried, and one for the whole.
fn describe(release: &ReleaseResponse) -> Vec<(String, Tone)> {
    let tried = release.targets.iter().filter(|target| target.state != TargetState::Waiting);
    let mut lines: Vec<_> = tried.map(describe_target).collect();
    let version = release.version;
    lines.push(match release.state {
        ReleaseState::Live => {
            let since = release.live_at.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default();
            (format!("release {version}: live on every target since {since}"), Tone::Good)
        }
        ReleaseState::AwaitingApproval => {
            (format!("release {version} waits for another person: pintle releases approve {version}"), Tone::Careful)
        }
        ReleaseState::Scheduled => {
            let at = release.publish_at.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default();
            (format!("release {version} goes out at {at}; pintle releases cancel {version} takes it back"), Tone::Plain)
        }
        state => (format!("release {version}: {}", word(&state)), Tone::Plain),
    });
    lines
}

fn describe_target(target: &ReleaseTargetResponse) -> (String, Tone) {
    let name = &target.target;
    match (target.state, &target.error) {
        (TargetState::Live, _) => (format!("  {name}: live, read back"), Tone::Plain),
        (TargetState::Failed, error) => {
            let why = error.as_deref().unwrap_or("no reason was given");
            (format!("  {name}: failed, tried again soon: {why}"), Tone::Careful)
        }
        (state, _) => (format!("  {name}: {}", word(&state)), Tone::Plain),
    }
}
