//! Whose turn it is to have live servers looked at.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use pintle_store::OrganizationId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::GuardError;

/// Looks of one organization side by side. Each makes hundreds of connections to where its drafts say: more of them would
/// leave no file descriptor to serve apps with, and make a weapon of the server.
const AT_ONCE: usize = 2;
/// A look and its wait are shorter than a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The looks that requests wait for. Each organization waits for its own alone.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    of: Mutex<HashMap<OrganizationId, Weak<Semaphore>>>,
}

impl Turns {
    /// Waits until it is the organization's turn, which lasts as long as what is returned.
    ///
    /// # Errors
    /// [`GuardError::Busy`].
    pub(crate) async fn wait(&self, organization: &OrganizationId) -> Result<OwnedSemaphorePermit, GuardError> {
        let turn = timeout(PATIENCE, self.turns_of(organization).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(GuardError::Busy)
    }

    fn turns_of(&self, organization: &OrganizationId) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = of.get(organization).and_then(Weak::upgrade) {
            return turns;
        }
        of.retain(|_, turns| turns.strong_count() > 0);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        of.insert(organization.clone(), Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_organization_has_two_looks_at_once_and_keeps_nobody_else_waiting() {
        let turns = Turns::default();
        let (ours, theirs) = (OrganizationId::make(1), OrganizationId::make(2));
        let (first, second) = (turns.wait(&ours).await.unwrap(), turns.wait(&ours).await.unwrap());
        assert_eq!(turns.wait(&ours).await.unwrap_err(), GuardError::Busy);
        assert!(turns.wait(&theirs).await.is_ok());
        drop(first);
        let _third = turns.wait(&ours).await.unwrap();
        drop(second);
        assert_eq!(turns.of.lock().unwrap().len(), 2, "those without a look are forgotten with the next newcomer");
    }
}
