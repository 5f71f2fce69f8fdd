use pintle_api::{AddProbeAgentRequest, ListQuery, ListResponse, ProbeAgentResponse};
use pintle_core::{PublicKey, UnixTime, root::SetupError};
use pintle_store::{AgentId, ProbeAgentRow, StoreError, Unsigned};

use super::watch::about_agent;
use crate::{
    Actor, AuditAction, Permission, ProbeError, Service, ServiceError,
    access::{find_organization, find_organization_around},
    alert::resolve,
    audit::Event,
    drift::{CT, SERVER, tell_end},
    page::{close_page, open_page},
};

/// More vantage points than anybody keeps an eye on.
const MAX_AGENTS: u64 = 50;
const MAX_NAME_CHARS: usize = 32;
/// Vantage points that are nobody's.
const RESERVED: [&str; 2] = [SERVER, CT];

impl Service {
    /// Lets a program inside another network report what it sees there of the organization's domains.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], [`ServiceError::KeyInvalid`], [`ServiceError::AlreadyExists`], [`ProbeError::TooMany`],
    /// and those of access.
    pub async fn add_probe_agent(
        &self,
        actor: &Actor,
        organization: &str,
        request: &AddProbeAgentRequest,
        now: UnixTime,
    ) -> Result<ProbeAgentResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageProbes).await?;
        check_name(&request.name)?;
        let key = PublicKey::parse_base64(&request.public_key)
            .map_err(|error| SetupError::Key { member: "public_key", error })?;
        if tx.count_probe_agents(&member.organization.id).await? >= MAX_AGENTS {
            return Err(ProbeError::TooMany { limit: MAX_AGENTS }.into());
        }
        let row = ProbeAgentRow {
            id: AgentId::make(now.as_secs()),
            organization_id: member.organization.id.clone(),
            name: request.name.clone(),
            public_key: key.to_base64(),
            added_by: actor.account_id.clone(),
            added_at: now.as_secs().into(),
            last_seq: 0.into(),
            last_report_at: None,
        };
        match tx.insert_probe_agent(row.clone()).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "probe agent" }),
            added => added?,
        }
        let event = Event::new(&member.scope, AuditAction::ProbeAgentAdded, "probe_agent", row.id.as_str());
        let kid = key.kid().to_string();
        tx.commit(event.named(&row.name).after(serde_json::json!({ "kid": kid }))).await?;
        Ok(describe(&row))
    }

    /// The probe agents of the organization, by name.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], and those of access.
    pub async fn list_probe_agents(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
    ) -> Result<ListResponse<ProbeAgentResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let page = open_page::<String>(query)?;
        let rows = tx.list_probe_agents(&member.organization.id, &page).await?;
        close_page(&page, rows, |row| row.name.clone(), |row| Ok(describe(row)))
    }

    /// Takes no report of an agent any more, and believes nothing on its word.
    ///
    /// # Errors
    /// Those of access.
    pub async fn remove_probe_agent(
        &self,
        actor: &Actor,
        organization: &str,
        agent: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageProbes).await?;
        let missing = ServiceError::NotFound { what: "probe agent" };
        let Ok(id) = AgentId::parse(agent) else { return Err(missing) };
        let row = tx.find_probe_agent(&member.organization.id, &id).await?.ok_or(missing)?;
        for (scope, gone) in tx.delete_probe_agent(&row).await? {
            tell_end(&tx, &scope, &gone).await?;
        }
        resolve(&tx, &about_agent(&row, String::new()), now).await?;
        let event = Event::new(&member.scope, AuditAction::ProbeAgentRemoved, "probe_agent", row.id.as_str());
        tx.commit(event.named(&row.name)).await
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(is_allowed) && !RESERVED.contains(&name) {
        return Ok(());
    }
    Err(ServiceError::ValueInvalid {
        member: "name",
        expected: "1 to 32 characters out of a-z, 0-9 and `-`, other than `server` and `ct`",
    })
}

fn describe(row: &ProbeAgentRow) -> ProbeAgentResponse {
    ProbeAgentResponse {
        id: row.id.to_string(),
        name: row.name.clone(),
        public_key: row.public_key.clone(),
        added_by: row.added_by.to_string(),
        added_at: row.added_at.value(),
        last_report_at: row.last_report_at.map(Unsigned::value),
    }
}
