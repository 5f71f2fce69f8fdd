use pintle_api::{AddressRequest, MailedResponse};
use pintle_core::UnixTime;
use pintle_store::MailKind;

use crate::{Actor, Service, ServiceError, address::EmailAddress, step_up::require_recent_authentication};

impl Service {
    /// Has a code sent to a new address; with it the address counts.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded),
    /// [`AccountError::AddressInvalid`](crate::AccountError::AddressInvalid),
    /// [`AccountError::Busy`](crate::AccountError::Busy), [`ServiceError::Store`].
    pub async fn change_address(
        &self,
        actor: &Actor,
        request: &AddressRequest,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        require_recent_authentication(actor, now)?;
        let address = EmailAddress::parse(&request.email)?;
        let change = self.begin_change(actor, now).await?;
        self.send_to_claimed(change, MailKind::ChangeAddress, &address, Some(&actor.account_id), now).await
    }
}
