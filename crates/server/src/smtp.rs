//! Hands mails over by SMTP.

use std::{fs, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use pintle_core::root::BaseUrl;
use pintle_service::{Mailer, MailerError, OutgoingMail};
use secrecy::ExposeSecret as _;

use crate::{ServerError, SmtpConfig, SmtpSecurity};

/// For every step of the conversation; a mail is tried again anyway.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A mail server that takes our mails.
#[derive(Debug)]
pub(crate) struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Connects to nothing yet. `public_url` gives the name we greet with.
    pub(crate) fn new(config: &SmtpConfig, public_url: &BaseUrl) -> Result<Self, ServerError> {
        let refused = |problem: &dyn ToString| ServerError::Smtp(problem.to_string());
        let from = config.from.parse().map_err(|error| refused(&format!("`from` is no address: {error}")))?;
        let tls = match config.security {
            SmtpSecurity::None => Tls::None,
            SmtpSecurity::Starttls => Tls::Required(tls(config)?),
            SmtpSecurity::Tls => Tls::Wrapper(tls(config)?),
        };
        let url = public_url.to_string();
        let host = url.split('/').nth(2).and_then(|host| host.split(':').next()).unwrap_or("localhost");
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .hello_name(ClientId::Domain(host.to_owned()))
            .timeout(Some(TIMEOUT));
        if let Some(user) = &config.username {
            let password = config.password.as_ref().map(|password| password.expose_secret().to_owned());
            builder = builder.credentials(Credentials::new(user.clone(), password.unwrap_or_default()));
        }
        Ok(Self { transport: builder.build(), from })
    }
}

/// The CA store of this machine, and the CA of an internal mail server, if one is named.
fn tls(config: &SmtpConfig) -> Result<TlsParameters, ServerError> {
    let refused = |problem: &dyn ToString| ServerError::Smtp(problem.to_string());
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let pem = fs::read(path).map_err(|error| refused(&format!("{}: {error}", path.display())))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|error| refused(&format!("{}: {error}", path.display())))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| refused(&error))
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailerError> {
        // The builder's errors may quote the address; the log must not.
        let to = mail.to.parse().map_err(|_| MailerError("the address is none for SMTP".to_owned()))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|_| MailerError("the mail cannot be written".to_owned()))?;
        self.transport.send(message).await.map(|_| ()).map_err(|error| MailerError(describe(&error)))
    }
}

/// What went wrong, without what the mail server says, which may name the address.
fn describe(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(status) => format!("the mail server refused it with status {status}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_tls() => format!("no TLS with the mail server: {error}"),
        None => format!("the mail server cannot be used: {error}"),
    }
}
