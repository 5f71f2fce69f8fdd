//! The change of the key of a domain's servers: begun, read, ended.

use pintle_api::{PinMatch, PinResponse, PinType, RotationPin, RotationResponse, StartRotationRequest};
use pintle_core::{UnixTime, claims::Claims};
use pintle_store::{DomainId, DraftDomain, Project, ReadTx};
use serde_json::json;

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    guard::{Endpoint, look},
    input::core_type,
    respond,
    rotation::{CACHE_SECS, PinName, RotationRecord, RotationStanding, judge_rotation},
};

/// Releases that are read back to find since when the next pin is known: as many as a change can take.
const MAX_HISTORY: u64 = 50;
const MAX_AWAY_DAYS: u16 = 365;

impl Service {
    /// Begins the change of the key of a domain's servers, in the place of one that is under way. The draft stays as it is.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`] for a pin that is not the domain's or does not name a server's own key, and those of
    /// access.
    pub async fn start_rotation(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        request: &StartRotationRequest,
        now: UnixTime,
    ) -> Result<RotationResponse, ServiceError> {
        if request.away_days > MAX_AWAY_DAYS {
            return Err(ServiceError::ValueInvalid { member: "away_days", expected: "0 to 365 days" });
        }
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::EditDraft).await?;
        let domain = find_domain(&tx, &project, domain).await?;
        let retiring = request.retiring.iter().filter(|id| **id != request.next);
        let record = RotationRecord {
            next: name_pin(&domain, "next", &request.next)?,
            retiring: retiring.map(|id| name_pin(&domain, "retiring", id)).collect::<Result<_, _>>()?,
            started_at: now.as_secs(),
            away_days: request.away_days,
        };
        let stored = serde_json::to_string(&record).map_err(|_| ServiceError::Internal("a rotation is JSON"))?;
        tx.save_rotation(&project.scope, &domain.row.id, Some(&stored)).await?;
        let answer = self.describe_rotation(&tx, &project, &domain, record).await?;
        let event = Event::in_project(&project.scope, AuditAction::RotationStarted, "domain", domain.row.id.as_str());
        let after =
            json!({ "next": answer.next.digest, "retiring": answer.retiring.len(), "away_days": request.away_days });
        tx.commit(event.named(&domain.row.name).after(after)).await?;
        Ok(answer)
    }

    /// How far the change of a domain's key has come, as far as drafts and releases tell.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where none is under way, and those of access.
    pub async fn read_rotation(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
    ) -> Result<RotationResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let domain = find_domain(&tx, &project, domain).await?;
        let record = find_record(&domain)?;
        self.describe_rotation(&tx, &project, &domain, record).await
    }

    /// Where the change of a domain's key stands, its servers looked at from here: as far as this server may look at all.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where none is under way, [`GuardError::Busy`](crate::GuardError::Busy), and those of access.
    pub async fn look_at_rotation(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        now: UnixTime,
    ) -> Result<(RotationResponse, RotationStanding), ServiceError> {
        let project = find_project(&self.store.read().await?, actor, path, Permission::Read).await?;
        let rotation = self.read_rotation(actor, path, domain).await?;
        let domain = self.read_domain(actor, path, domain).await?;
        let named: Vec<_> = domain.watch.iter().filter_map(|text| Endpoint::parse(text).ok()).collect();
        let endpoints = if named.is_empty() { Endpoint::parse(&domain.name).into_iter().collect() } else { named };
        let observations = match &self.guard.look {
            Some(settings) => {
                let _turn = self.guard_turns.wait(project.scope.organization()).await?;
                look(endpoints, settings).await
            }
            None => Vec::new(),
        };
        let standing = judge_rotation(&rotation, &observations, now);
        Ok((rotation, standing))
    }

    /// Ends the change of a domain's key, wherever it stands. Pins stay as they are.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where none is under way, and those of access.
    pub async fn end_rotation(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::EditDraft).await?;
        let domain = find_domain(&tx, &project, domain).await?;
        let record = find_record(&domain)?;
        tx.save_rotation(&project.scope, &domain.row.id, None).await?;
        let event = Event::in_project(&project.scope, AuditAction::RotationEnded, "domain", domain.row.id.as_str());
        tx.commit(event.named(&domain.row.name).before(json!({ "next": record.next.digest }))).await
    }

    async fn describe_rotation(
        &self,
        tx: &ReadTx,
        project: &Project,
        domain: &DraftDomain,
        record: RotationRecord,
    ) -> Result<RotationResponse, ServiceError> {
        let life = self.trace_pins(tx, project, &domain.row.name, &record).await?;
        let drafted = domain.pins.iter().map(respond::pin).collect::<Result<Vec<_>, _>>()?;
        let describe = |pin: PinName, is_live: bool| RotationPin {
            is_drafted: drafted.iter().any(|row| row.pin_type == pin.pin_type && row.digest == pin.digest),
            is_live,
            pin_type: pin.pin_type,
            digest: pin.digest,
        };
        let window_secs = life.refresh_secs + CACHE_SECS + u64::from(record.away_days) * 86_400;
        Ok(RotationResponse {
            next: describe(record.next, life.next_since.is_some()),
            retiring: record.retiring.into_iter().zip(life.retiring).map(|(pin, live)| describe(pin, live)).collect(),
            started_at: record.started_at,
            away_days: record.away_days,
            live_since: life.next_since,
            safe_from: life.next_since.map(|since| since.saturating_add(window_secs)),
            window_secs,
        })
    }

    /// Reads releases back from the one that is live, as long as they have the next pin.
    async fn trace_pins(
        &self,
        tx: &ReadTx,
        project: &Project,
        name: &str,
        record: &RotationRecord,
    ) -> Result<PinLife, ServiceError> {
        let mut life = PinLife { retiring: vec![false; record.retiring.len()], ..PinLife::default() };
        let mut is_newest = true;
        for release in tx.list_committed_releases(&project.scope, MAX_HISTORY).await? {
            let Some(live_at) = release.live_at else { continue };
            let claims = self.load_release_claims(tx, project, release.version.value()).await?;
            // Installations still go by the interval of what they hold: that of the release before as well.
            life.refresh_secs = life.refresh_secs.max(claims.refresh_secs);
            if is_newest {
                life.retiring = record.retiring.iter().map(|pin| says(&claims, name, pin)).collect();
                is_newest = false;
            }
            if claims.withdrawn || !says(&claims, name, &record.next) {
                break;
            }
            life.next_since = Some(live_at.value());
        }
        Ok(life)
    }
}

#[derive(Default)]
struct PinLife {
    next_since: Option<u64>,
    /// Whether the live release has each of them.
    retiring: Vec<bool>,
    /// Longest of the releases that installations may hold.
    refresh_secs: u64,
}

fn says(claims: &Claims, name: &str, pin: &PinName) -> bool {
    let entry = claims.domains.iter().find(|domain| domain.name.to_string() == name);
    entry.is_some_and(|domain| {
        let kind = core_type(pin.pin_type);
        domain.pins.iter().any(|known| known.digest.kind() == kind && known.digest.to_base64() == pin.digest)
    })
}

async fn find_domain(tx: &ReadTx, project: &Project, domain: &str) -> Result<DraftDomain, ServiceError> {
    let missing = || ServiceError::NotFound { what: "domain" };
    let id = DomainId::parse(domain).map_err(|_| missing())?;
    tx.find_domain(&project.scope, &id).await?.ok_or_else(missing)
}

fn find_record(domain: &DraftDomain) -> Result<RotationRecord, ServiceError> {
    let stored = domain.row.rotation.as_deref().ok_or(ServiceError::NotFound { what: "rotation" })?;
    serde_json::from_str(stored).map_err(|_| ServiceError::Internal("a stored rotation"))
}

/// A pin of the domain that names what a server itself presents.
fn name_pin(domain: &DraftDomain, member: &'static str, id: &str) -> Result<PinName, ServiceError> {
    let row = domain.pins.iter().find(|row| row.id.as_str() == id);
    let row =
        row.ok_or(ServiceError::ValueInvalid { member, expected: "`pin_…` of a pin of the domain in the draft" })?;
    let PinResponse { pin_type, pin_match, digest, .. } = respond::pin(row)?;
    // The certificate of a next key does not exist yet.
    let is_key = matches!(pin_type, PinType::SpkiSha256 | PinType::SpkiSha512);
    if pin_match == PinMatch::Issuer || (member == "next" && !is_key) {
        let expected = "a pin that matches a server's own certificate; the next one an SPKI pin";
        return Err(ServiceError::ValueInvalid { member, expected });
    }
    Ok(PinName { pin_type, digest })
}
