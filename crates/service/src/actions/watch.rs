use std::collections::{BTreeMap, BTreeSet};

use pintle_core::{UnixTime, claims::Claims};
use pintle_store::{DueDateRow, DueKind, MailChoice, NotificationChoiceRow, Page, ProbeAgentRow, Project, ReadTx};

use crate::{
    Service, ServiceError,
    address::EmailAddress,
    alert::{
        Alert, AlertKind, DAY_SECS, alert_kind, forget_due, is_to_be_judged, judge_due, note_due, queue_digest, raise,
        resolve,
    },
    day::write_minute,
};

const PROJECTS_AT_ONCE: u64 = 100;
const AGENTS_AT_ONCE: u64 = 100;
/// A certificate that nothing saw for so long is none of the domain's any more.
const CERTIFICATE_SECS: u64 = 14 * DAY_SECS;
/// Messages can be sent again for so long.
const MESSAGE_SECS: u64 = 30 * DAY_SECS;
/// What could not be mailed for so long is old news.
const NOTICE_SECS: u64 = 14 * DAY_SECS;

impl Service {
    /// Looks at what ends soon in every project and tells whoever is to know; sends digests on their way; forgets alerts
    /// past the retention of the audit log. Safe to call from several places, as often as one likes.
    ///
    /// # Errors
    /// [`ServiceError::Store`], [`ServiceError::Internal`].
    pub async fn watch(&self, now: UnixTime) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let page = Page { after, limit: PROJECTS_AT_ONCE };
            let projects = self.store.read().await?.list_watched_projects(&page).await?;
            for project in &projects {
                self.watch_project(project, now).await?;
            }
            after = projects.last().map(|project| project.row.id.to_string());
            if (projects.len() as u64) < PROJECTS_AT_ONCE {
                break;
            }
        }
        self.watch_agents(now).await?;
        self.queue_digests(now).await?;
        let tx = self.begin_system_change(now).await?;
        tx.delete_old_alerts(now.as_secs().saturating_sub(self.audit_retention_secs)).await?;
        tx.delete_old_messages(now.as_secs().saturating_sub(MESSAGE_SECS)).await?;
        tx.delete_old_notices(now.as_secs().saturating_sub(NOTICE_SECS)).await?;
        tx.commit_recorded().await
    }

    async fn watch_project(&self, project: &Project, now: UnixTime) -> Result<(), ServiceError> {
        let scope = &project.scope;
        let view = self.store.read().await?;
        let known = view.list_due_dates(scope).await?;
        let released = self.list_release_ends(&view, project, now).await?;
        let open = list_open(&view, project).await?;
        drop(view);
        let is_released = |due: &&DueDateRow| released.contains_key(&key(due));
        let is_gone = |due: &&DueDateRow| match due.kind {
            DueKind::Certificate => due.noted_at.value().saturating_add(CERTIFICATE_SECS) < now.as_secs(),
            DueKind::Pin | DueKind::Configuration => !is_released(due),
        };
        let old: BTreeMap<_, u64> = known.iter().map(|due| (key(due), due.due_at.value())).collect();
        let changed = released.values().filter(|due| old.get(&key(due)) != Some(&due.due_at.value()));
        let (changed, gone) = (changed.collect::<Vec<_>>(), known.iter().filter(is_gone).collect::<Vec<_>>());
        let stays = |due: &&DueDateRow| !is_gone(due) && !changed.iter().any(|other| key(other) == key(due));
        let judged = known.iter().filter(stays);
        let judged: Vec<_> =
            judged.filter(|due| is_to_be_judged(&self.alerts, due, open.contains(&key(due)), now)).collect();
        if changed.is_empty() && gone.is_empty() && judged.is_empty() {
            return Ok(());
        }
        let tx = self.begin_system_change(now).await?;
        if tx.load_project(scope.project()).await?.is_none() {
            return Ok(());
        }
        for due in gone {
            forget_due(&tx, scope, due, now).await?;
        }
        for due in changed {
            note_due(&tx, &self.alerts, scope, due.clone(), now).await?;
        }
        for due in judged {
            judge_due(&tx, &self.alerts, scope, due, now).await?;
        }
        tx.commit_recorded().await
    }

    /// An agent that fell silent sees nothing any more, and nobody would notice.
    async fn watch_agents(&self, now: UnixTime) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let page = Page { after, limit: AGENTS_AT_ONCE };
            let agents = self.store.read().await?.list_watched_agents(&page).await?;
            for agent in &agents {
                self.watch_agent(agent, now).await?;
            }
            after = agents.last().map(|agent| agent.id.to_string());
            if (agents.len() as u64) < AGENTS_AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn watch_agent(&self, agent: &ProbeAgentRow, now: UnixTime) -> Result<(), ServiceError> {
        let last = agent.last_report_at.unwrap_or(agent.added_at).value();
        let is_silent = last.saturating_add(self.alerts.agent_silence_secs) <= now.as_secs();
        let detail = format!("Its last word came on {}.", write_minute(UnixTime::from_secs(last)));
        let alert = about_agent(agent, detail);
        let view = self.store.read().await?;
        let is_told = view.find_open_alert(&agent.organization_id, &alert.open_key()).await?.is_some();
        drop(view);
        if is_silent == is_told {
            return Ok(());
        }
        let tx = self.begin_system_change(now).await?;
        // Its report, or its removal, may have come meanwhile.
        let current = tx.find_probe_agent(&agent.organization_id, &agent.id).await?;
        match current.filter(|current| current.last_report_at == agent.last_report_at) {
            Some(_) if is_silent => raise(&tx, alert, now).await?,
            Some(_) => resolve(&tx, &alert, now).await?,
            None => return Ok(()),
        }
        tx.commit_recorded().await
    }

    /// What ends of the release that is live.
    async fn list_release_ends(
        &self,
        tx: &ReadTx,
        project: &Project,
        now: UnixTime,
    ) -> Result<BTreeMap<(String, String), DueDateRow>, ServiceError> {
        let Some(live) = tx.find_live_release(&project.scope).await? else { return Ok(BTreeMap::new()) };
        let claims = self.load_release_claims(tx, project, live.version.value()).await?;
        let ends = list_ends(&claims).into_iter().map(|(kind, subject, due_at)| {
            let project_id = project.row.id.clone();
            DueDateRow { project_id, kind, subject, due_at: due_at.as_secs().into(), noted_at: now.as_secs().into() }
        });
        Ok(ends.map(|due| (key(&due), due)).collect())
    }

    /// Has the mail of the day sent, once a day to each account, whichever instance comes first.
    async fn queue_digests(&self, now: UnixTime) -> Result<(), ServiceError> {
        let due_at = self.alerts.last_digest(now);
        if self.store.read().await?.list_digest_choices(due_at).await?.is_empty() {
            return Ok(());
        }
        let tx = self.begin_system_change(now).await?;
        for choice in tx.list_digest_choices(due_at).await? {
            if choice.mail == MailChoice::Digest
                && let Some(email) = tx.find_email(&choice.account_id).await?
            {
                queue_digest(&tx, &choice.account_id, &EmailAddress::parse(&email.address)?, now).await?;
            }
            tx.save_notification_choice(NotificationChoiceRow { digest_at: Some(now.as_secs().into()), ..choice })
                .await?;
        }
        tx.commit_recorded().await?;
        self.accounts.mails.notify_one();
        Ok(())
    }
}

/// The condition that an agent is silent.
pub(super) fn about_agent(agent: &ProbeAgentRow, detail: String) -> Alert<'_> {
    Alert::of_organization(AlertKind::AgentSilent, &agent.organization_id, &agent.name, detail)
}

/// Pins are told apart by their domain and the beginning of their digest.
fn list_ends(claims: &Claims) -> Vec<(DueKind, String, UnixTime)> {
    let configuration = claims.expires_at.map(|at| (DueKind::Configuration, "pins.jws".to_owned(), at));
    let pins = claims.domains.iter().flat_map(|domain| {
        let ends = domain.pins.iter().filter_map(|pin| Some((pin, pin.expires_at?)));
        ends.map(|(pin, at)| {
            let digest: String = pin.digest.to_base64().chars().take(12).collect();
            (DueKind::Pin, format!("{} {} {digest}…", domain.name, pin.digest.kind().as_str()), at)
        })
    });
    configuration.into_iter().chain(pins).collect()
}

fn key(due: &DueDateRow) -> (String, String) {
    (alert_kind(due.kind).as_str().to_owned(), due.subject.clone())
}

/// What members know of already.
async fn list_open(tx: &ReadTx, project: &Project) -> Result<BTreeSet<(String, String)>, ServiceError> {
    let mut open = BTreeSet::new();
    for kind in [DueKind::Certificate, DueKind::Pin, DueKind::Configuration].map(alert_kind) {
        let alerts = tx.list_open_alerts_of(&project.scope, kind.as_str()).await?;
        open.extend(alerts.into_iter().map(|alert| (alert.kind, alert.subject)));
    }
    Ok(open)
}
