//! Places that are told of alerts.

use std::io::Read as _;

use clap::{Subcommand, ValueEnum};
use pintle_api::{CreateWebhookRequest, SecretText, WebhookFormat, WebhookMessageResponse, WebhookResponse};
use pintle_core::UnixTime;
use zeroize::Zeroizing;

use crate::{
    CommandError,
    context::Context,
    moment::{show_moment, show_moment_from},
    output::{BAD, GOOD, Listing, Text},
    word::word,
};

/// Longer URLs are no URLs.
const MAX_URL_BYTES: u64 = 4096;

/// Commands about webhooks of the organization.
#[derive(Subcommand, Clone, Debug)]
pub enum WebhooksCommand {
    /// List webhooks, and how they fare
    List,
    /// Tell a URL of alerts; its secret is shown once
    #[command(after_help = "\
Messages are signed as Standard Webhooks 1.0 has it: the receiver checks them with a library of that name and the secret. \
A URL that carries a secret, as those of Slack do, is better given on standard input: `pintle webhooks add - < FILE`. \
docs/howto/alerts.md shows a receiver.")]
    Add {
        /// `https://…`, or `-` for standard input
        url: String,
        /// `standard` (JSON, signed) or `slack` (what Slack and those who speak like it take)
        #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, default_value = "standard")]
        format: Format,
        /// Kinds of alerts, separated by commas [default: all]
        #[arg(long, value_name = "KINDS", value_delimiter = ',')]
        kinds: Vec<String>,
    },
    /// Send a message that means nothing, and say what became of it; one that is taken brings a disabled webhook back
    Test {
        /// Its id (whk_…)
        webhook: String,
    },
    /// Make another secret; for a day messages are signed with both
    RotateSecret {
        /// Its id (whk_…)
        webhook: String,
    },
    /// List the messages of a webhook, newest first
    Messages {
        /// Its id (whk_…)
        webhook: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Send a message again, with the id it had
    Replay {
        /// Its id (whk_…)
        webhook: String,
        /// The message (msg_…)
        message: String,
    },
    /// Remove a webhook, with its messages
    Remove {
        /// Its id (whk_…)
        webhook: String,
    },
}

/// What a webhook sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Standard Webhooks.
    Standard,
    /// What Slack takes.
    Slack,
}

pub(crate) async fn run(command: &WebhooksCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let id = context.find_organization(&client).await?.id;
    let output = context.output;
    match command {
        WebhooksCommand::List => {
            let list = Listing { items: client.list_webhooks(&id).all().await? };
            output.show(&list, |list, text| write_rows(&list.items, text))
        }
        WebhooksCommand::Add { url, format, kinds } => {
            let format = match format {
                Format::Standard => WebhookFormat::Standard,
                Format::Slack => WebhookFormat::Slack,
            };
            let request = CreateWebhookRequest { url: load_url(url)?, format, kinds: kinds.clone() };
            let created = client.create_webhook(&id, &request).await?;
            output.show(&created, |created, text| {
                text.line(&format!("{} is told of alerts.", created.webhook.url));
                text.fields(&[
                    ("webhook", created.webhook.id.clone()),
                    ("secret", created.secret.expose_secret().to_owned()),
                ]);
                text.line(&format!(
                    "The secret is not shown again. Try it: pintle webhooks test {}",
                    created.webhook.id
                ));
            })
        }
        WebhooksCommand::Test { webhook } => {
            let result = client.test_webhook(&id, webhook).await?;
            output.show(&result, |result, text| {
                match &result.error {
                    None => text.styled_line(GOOD, "It was taken."),
                    Some(error) => text.labelled_line(BAD, "It was not taken", error),
                };
            })?;
            if result.delivered { Ok(()) } else { Err(CommandError::WebhookUnusable { webhook: webhook.clone() }) }
        }
        WebhooksCommand::RotateSecret { webhook } => {
            let rotated = client.rotate_webhook_secret(&id, webhook).await?;
            output.show(&rotated, |rotated, text| {
                text.fields(&[
                    ("secret", rotated.secret.expose_secret().to_owned()),
                    ("former one until", show_moment(UnixTime::from_secs(rotated.former_secret_until))),
                ]);
                text.line("It is not shown again. Until then messages carry a signature of each.");
            })
        }
        WebhooksCommand::Messages { webhook, limit } => {
            let mut list = client.list_webhook_messages(&id, webhook);
            let mut items = Vec::new();
            while items.len() < *limit
                && let Some(page) = list.next_page().await?
            {
                items.extend(page);
            }
            items.truncate(*limit);
            output.show(&Listing { items }, |list, text| write_messages(&list.items, context.now, text))
        }
        WebhooksCommand::Replay { webhook, message } => {
            let replayed = client.replay_webhook_message(&id, webhook, message).await?;
            output.show(&replayed, |replayed, text| {
                text.line(&format!("{} is sent again.", replayed.id));
            })
        }
        WebhooksCommand::Remove { webhook } => {
            client.remove_webhook(&id, webhook).await?;
            output.show(&serde_json::json!({ "id": webhook }), |_, text| {
                text.line(&format!("{webhook} is told nothing any more."));
            })
        }
    }
}

fn load_url(given: &str) -> Result<SecretText, CommandError> {
    if given != "-" {
        return Ok(Zeroizing::new(given.to_owned()).into());
    }
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().take(MAX_URL_BYTES).read_to_string(&mut text);
    read.map_err(|error| CommandError::Read { path: "standard input".into(), error })?;
    Ok(Zeroizing::new(text.trim().to_owned()).into())
}

fn write_rows(webhooks: &[WebhookResponse], text: &mut Text) {
    let row = |webhook: &WebhookResponse| {
        let state = match (webhook.disabled_at, webhook.failing_since) {
            (Some(_), _) => "disabled".to_owned(),
            (None, Some(since)) => format!("failing since {}", show_moment(UnixTime::from_secs(since))),
            (None, None) => "works".to_owned(),
        };
        let kinds = if webhook.kinds.is_empty() { "all".to_owned() } else { webhook.kinds.join(", ") };
        vec![webhook.id.clone(), webhook.url.clone(), word(&webhook.format), kinds, webhook.waiting.to_string(), state]
    };
    let rows: Vec<_> = webhooks.iter().map(row).collect();
    text.table(&["ID", "URL", "FORMAT", "KINDS", "WAITING", "STATE"], &rows, "No webhooks.");
}

fn write_messages(messages: &[WebhookMessageResponse], now: UnixTime, text: &mut Text) {
    let row = |message: &WebhookMessageResponse| {
        let state = match (message.delivered_at, message.next_attempt_at) {
            (Some(at), _) => format!("taken {}", show_moment(UnixTime::from_secs(at))),
            (None, Some(at)) => format!("next attempt {}", show_moment_from(UnixTime::from_secs(at), now)),
            (None, None) => "given up".to_owned(),
        };
        let created = show_moment(UnixTime::from_secs(message.created_at));
        let error = message.error.clone().unwrap_or_default();
        vec![message.id.clone(), message.kind.clone(), created, message.attempts.to_string(), state, error]
    };
    let rows: Vec<_> = messages.iter().map(row).collect();
    text.table(&["ID", "KIND", "MADE", "ATTEMPTS", "STATE", "LAST ERROR"], &rows, "No messages.");
}
