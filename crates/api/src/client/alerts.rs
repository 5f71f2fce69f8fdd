use reqwest::Method;

use super::{Client, ClientError, List, parse_json};
use crate::{
    AlertResponse, CreateWebhookRequest, CreatedCalendarResponse, CreatedWebhookResponse, NotificationsResponse,
    RotatedSecretResponse, StatusResponse, UpdateNotificationsRequest, WebhookMessageResponse, WebhookResponse,
    WebhookTestResponse,
};

/// Alerts, and how they are told.
impl Client {
    /// The alerts of an organization that the filters of the route let through, the newest first.
    pub fn list_alerts(&self, organization: &str) -> List<AlertResponse> {
        List::new(self, &["organizations", organization, "alerts"])
    }

    /// One alert.
    pub async fn read_alert(&self, organization: &str, alert: &str) -> Result<AlertResponse, ClientError> {
        self.send(Method::GET, &["organizations", organization, "alerts", alert]).await
    }

    /// What is open in an organization, and what ends within so many days.
    pub async fn read_status(&self, organization: &str, days: u64) -> Result<StatusResponse, ClientError> {
        let request = self.request(Method::GET, &["organizations", organization, "status"])?.query(&[("days", days)]);
        parse_json(&self.exchange(request).await?)
    }

    /// What the caller is told of in an organization.
    pub async fn read_notifications(&self, organization: &str) -> Result<NotificationsResponse, ClientError> {
        self.send(Method::GET, &["organizations", organization, "notifications"]).await
    }

    /// Changes what the caller is told of.
    pub async fn update_notifications(
        &self,
        organization: &str,
        body: &UpdateNotificationsRequest,
    ) -> Result<NotificationsResponse, ClientError> {
        self.send_json(Method::PATCH, &["organizations", organization, "notifications"], body).await
    }

    /// Gives the caller a calendar of what ends.
    pub async fn create_calendar(&self, organization: &str) -> Result<CreatedCalendarResponse, ClientError> {
        self.send(Method::POST, &["organizations", organization, "notifications", "calendar"]).await
    }

    /// Takes the caller's calendar away.
    pub async fn remove_calendar(&self, organization: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["organizations", organization, "notifications", "calendar"]).await
    }

    /// Adds a webhook.
    pub async fn create_webhook(
        &self,
        organization: &str,
        body: &CreateWebhookRequest,
    ) -> Result<CreatedWebhookResponse, ClientError> {
        self.send_json(Method::POST, &["organizations", organization, "webhooks"], body).await
    }

    /// The webhooks of an organization, oldest first.
    pub fn list_webhooks(&self, organization: &str) -> List<WebhookResponse> {
        List::new(self, &["organizations", organization, "webhooks"])
    }

    /// Removes a webhook, with its messages.
    pub async fn remove_webhook(&self, organization: &str, webhook: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["organizations", organization, "webhooks", webhook]).await
    }

    /// Gives a webhook another secret.
    pub async fn rotate_webhook_secret(
        &self,
        organization: &str,
        webhook: &str,
    ) -> Result<RotatedSecretResponse, ClientError> {
        self.send(Method::POST, &["organizations", organization, "webhooks", webhook, "secret"]).await
    }

    /// Sends a webhook a message that means nothing.
    pub async fn test_webhook(&self, organization: &str, webhook: &str) -> Result<WebhookTestResponse, ClientError> {
        self.send(Method::POST, &["organizations", organization, "webhooks", webhook, "test"]).await
    }

    /// The messages of a webhook, the newest first.
    pub fn list_webhook_messages(&self, organization: &str, webhook: &str) -> List<WebhookMessageResponse> {
        List::new(self, &["organizations", organization, "webhooks", webhook, "messages"])
    }

    /// Sends a message again.
    pub async fn replay_webhook_message(
        &self,
        organization: &str,
        webhook: &str,
        message: &str,
    ) -> Result<WebhookMessageResponse, ClientError> {
        let path = ["organizations", organization, "webhooks", webhook, "messages", message, "replay"];
        self.send(Method::POST, &path).await
    }
}
