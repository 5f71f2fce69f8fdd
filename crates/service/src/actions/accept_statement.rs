use pintle_api::{AcceptStatementRequest, StatementResponse};
use pintle_core::{
    Root, UnixTime,
    limits::MAX_SUCCESSION,
    succession::{Chain, Link, UnverifiedStatement},
};
use pintle_store::StatementRow;
use serde_json::json;

use super::keep_key::forget_key;
use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    claims::make_root,
    pending::void_pending,
    respond,
};

impl Service {
    /// Accepts a succession statement: the core confirms that it leads on from the project's current key, or that its
    /// recovery key signed it. From then on the key it names signs releases; what an older key signed and is not
    /// on its way to apps yet is void, because it does not carry the statement. Submitting an accepted statement again answers with what it
    /// became.
    ///
    /// # Errors
    /// [`ServiceError::KeyNotInUse`] before the first release, [`ServiceError::StatementOutOfTurn`],
    /// [`ServiceError::KeyReused`], [`ServiceError::SuccessionFull`], [`ServiceError::Statement`] with the core's code, and
    /// those of access.
    pub async fn accept_statement(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &AcceptStatementRequest,
        now: UnixTime,
    ) -> Result<StatementResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageKeys).await?;
        let scope = &project.scope;
        let root = make_root(&project, &self.base_urls)?;
        let accepted = tx.list_statements(scope).await?;
        if let Some(same) = accepted.iter().find(|statement| statement.jws == request.jws) {
            return respond::statement(same, &root);
        }
        if tx.find_last_release(scope).await?.is_none() {
            return Err(ServiceError::KeyNotInUse);
        }
        let link = verify_next(&accepted, &request.jws, &root)?;
        let statement = StatementRow {
            project_id: project.row.id.clone(),
            seq: link.seq.into(),
            jws: request.jws.clone(),
            public_key: link.key.to_base64(),
            signer_kid: link.signer,
            accepted_by: actor.account_id.clone(),
            accepted_at: now.as_secs().into(),
        };
        tx.insert_statement(scope, statement.clone()).await?;
        forget_key(&tx, scope).await?;
        // What an earlier key signed and nobody has seen yet must not come out any more: the thief may have signed it.
        void_pending(&tx, scope, "another key", |_| true).await?;
        let answer = respond::statement(&statement, &root)?;
        let event = Event::in_project(scope, AuditAction::KeySucceeded, "key", &answer.kid);
        tx.commit(event.after(json!({ "seq": answer.seq, "signed_by": answer.signed_by }))).await?;
        tracing::info!(project.id = %project.row.id, statement.seq = link.seq, key.kid = answer.kid,
            statement.signed_by = ?answer.signed_by, "succession statement accepted");
        Ok(answer)
    }
}

/// The step that `jws` adds to those accepted.
fn verify_next(accepted: &[StatementRow], jws: &str, root: &Root) -> Result<Link, ServiceError> {
    let statement = UnverifiedStatement::parse(jws).map_err(|error| ServiceError::Statement(error.into()))?;
    let expected = accepted.last().map_or(0, |last| last.seq.value()) + 1;
    if statement.seq() != expected {
        return Err(ServiceError::StatementOutOfTurn { found: statement.seq(), expected });
    }
    // Stricter than P-5.2, which sees one chain: a key that was replaced for a reason stays replaced.
    let key = statement.key();
    let is_of_root = key == root.public_key() || Some(key) == root.recovery_key();
    if is_of_root || accepted.iter().any(|earlier| earlier.public_key == key.to_base64()) {
        return Err(ServiceError::KeyReused { kid: key.kid() });
    }
    let statements: Vec<String> =
        accepted.iter().map(|earlier| earlier.jws.as_str()).chain([jws]).map(str::to_owned).collect();
    let chain = Chain::evaluate(&statements, root).map_err(ServiceError::Statement)?;
    let carried = chain.links().iter().filter(|link| link.seq >= chain.recovery_seq());
    if carried.count() > MAX_SUCCESSION {
        return Err(ServiceError::SuccessionFull);
    }
    chain.links().last().cloned().ok_or(ServiceError::Internal("a chain without its last statement"))
}
