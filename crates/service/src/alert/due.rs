//! What ends on a day that is known beforehand, and when members are told.

use pintle_core::UnixTime;
use pintle_store::{DueDateRow, DueKind, ProjectScope, WriteTx};

use pintle_api::AlertSeverity;

use super::{Alert, AlertKind, raise, resolve};
use crate::{ServiceError, day::write_minute};

pub(crate) const DAY_SECS: u64 = 86_400;

/// What the operator decides about alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// How many days before something ends members are told, the most first.
    days: Vec<u64>,
    /// The hour, UTC, from which on a day's digest is sent.
    digest_hour: u64,
    /// A probe agent that is silent for so long is told of.
    pub(crate) agent_silence_secs: u64,
}

/// A day: agents may run once a day.
const AGENT_SILENCE_HOURS: u64 = 26;

impl Default for AlertSettings {
    fn default() -> Self {
        Self::new(vec![30, 14, 7, 1], 7)
    }
}

impl AlertSettings {
    /// So many days before something ends, in any order, and the hour of the digest, UTC.
    #[must_use]
    pub fn new(mut days: Vec<u64>, digest_hour: u64) -> Self {
        days.sort_unstable_by(|left, right| right.cmp(left));
        days.dedup();
        Self { days, digest_hour: digest_hour % 24, agent_silence_secs: AGENT_SILENCE_HOURS * 3600 }
    }

    /// The same, with another time that a probe agent may be silent.
    #[must_use]
    pub fn with_agent_silence(self, hours: u64) -> Self {
        Self { agent_silence_secs: hours.saturating_mul(3600), ..self }
    }

    /// The latest time at which a digest was due.
    pub(crate) fn last_digest(&self, now: UnixTime) -> u64 {
        let offset_secs = self.digest_hour * 3600;
        let days = now.as_secs().saturating_sub(offset_secs) / DAY_SECS;
        days * DAY_SECS + offset_secs
    }

    /// How far ahead members look: seconds.
    pub(crate) fn horizon_secs(&self) -> u64 {
        self.days.first().copied().unwrap_or_default().saturating_mul(DAY_SECS)
    }

    /// How many of the days were reached, one more once it has ended.
    fn stage(&self, due_at: UnixTime, now: UnixTime) -> u64 {
        let remaining_secs = due_at.secs_since(now);
        let reached = self.days.iter().filter(|days| remaining_secs <= days.saturating_mul(DAY_SECS)).count() as u64;
        if due_at <= now { reached + 1 } else { reached }
    }
}

/// Notes when something of a project ends, and tells whoever is to know.
pub(crate) async fn note_due(
    tx: &WriteTx,
    settings: &AlertSettings,
    scope: &ProjectScope,
    due: DueDateRow,
    now: UnixTime,
) -> Result<(), ServiceError> {
    tx.save_due_date(due.clone()).await?;
    judge_due(tx, settings, scope, &due, now).await
}

/// Nothing of the kind ends any more.
pub(crate) async fn forget_due(
    tx: &WriteTx,
    scope: &ProjectScope,
    due: &DueDateRow,
    now: UnixTime,
) -> Result<(), ServiceError> {
    tx.delete_due_date(due).await?;
    resolve(tx, &Alert::of_project(alert_kind(due.kind), scope, &due.subject, String::new()), now).await
}

/// Tells whoever is to know, if the day has come.
pub(crate) async fn judge_due(
    tx: &WriteTx,
    settings: &AlertSettings,
    scope: &ProjectScope,
    due: &DueDateRow,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let due_at = UnixTime::from_secs(due.due_at.value());
    let stage = settings.stage(due_at, now);
    let detail = format!("{} {}.", if due_at > now { "It ends on" } else { "It ended on" }, write_minute(due_at));
    let mut alert = Alert::of_project(alert_kind(due.kind), scope, &due.subject, detail);
    if stage == 0 {
        return resolve(tx, &alert, now).await;
    }
    alert.stage = stage;
    if stage >= settings.days.len() as u64 {
        alert.severity = AlertSeverity::Critical;
    }
    raise(tx, alert, now).await
}

/// Whether [`judge_due`] has anything to do, given whether members know already.
pub(crate) fn is_to_be_judged(settings: &AlertSettings, due: &DueDateRow, is_open: bool, now: UnixTime) -> bool {
    is_open || settings.stage(UnixTime::from_secs(due.due_at.value()), now) > 0
}

pub(crate) const fn alert_kind(kind: DueKind) -> AlertKind {
    match kind {
        DueKind::Certificate => AlertKind::CertificateExpiring,
        DueKind::Pin => AlertKind::PinExpiring,
        DueKind::Configuration => AlertKind::ConfigurationExpiring,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    #[test]
    fn each_day_that_is_reached_is_a_stage() {
        let settings = AlertSettings::default();
        let stage = |secs: u64| settings.stage(NOW.saturating_add_secs(secs), NOW);
        let days = |days: u64| days * DAY_SECS;
        assert_eq!([stage(days(30) + 1), stage(days(30)), stage(days(14)), stage(days(7))], [0, 1, 2, 3]);
        assert_eq!([stage(days(1)), stage(1), stage(0)], [4, 4, 5]);
        assert_eq!(AlertSettings::new(vec![1, 60, 1], 31), AlertSettings::new(vec![60, 1], 7));
    }

    #[test]
    fn a_digest_is_due_once_a_day_at_its_hour() {
        let settings = AlertSettings::new(vec![30], 7);
        let midnight = NOW.as_secs() / DAY_SECS * DAY_SECS;
        let at = |hour: u64| settings.last_digest(UnixTime::from_secs(midnight + hour * 3600));
        assert_eq!(at(6), midnight - DAY_SECS + 7 * 3600);
        assert_eq!([at(7), at(8), at(23)], [midnight + 7 * 3600; 3]);
    }
}
