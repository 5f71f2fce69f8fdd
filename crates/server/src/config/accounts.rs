use std::{net::IpAddr, path::PathBuf};

use pintle_service::SignUp;
use secrecy::SecretString;

use super::{
    certificates::check_certificates,
    options::Options,
    value::{OptionValue, parse_one},
};

/// Who may have an account.
#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// Who may make one.
    pub sign_up: SignUp,
    /// Whether more than a password is needed.
    pub require_second_factor: bool,
    /// Whether people sign in with a provider of single sign-on alone.
    pub require_sso: bool,
}

/// The mail server that takes our mails.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User to sign in as, if it asks for that.
    pub username: Option<String>,
    /// That user's password.
    pub password: Option<SecretString>,
    /// The sender, as in `Pintle <pintle@example.com>`.
    pub from: String,
    /// PEM file of a CA to accept besides those of the machine.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS is asked for, and no mail is sent without.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: for a mail server on the same machine.
    None,
}

impl AccountsConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            sign_up: options.value(
                "accounts.sign_up",
                SignUp::Closed,
                "Who may make an account: `open`, whoever has an e-mail address; `invited`, whoever has one that a member \
                 of an organization invited; `closed`, nobody but with a code that `pintle admin link` made",
            ),
            require_second_factor: options.value(
                "accounts.require_second_factor",
                false,
                "Whether somebody who signed in with a password alone can do no more than set up an authenticator",
            ),
            require_sso: options.value(
                "accounts.require_sso",
                false,
                "Whether people sign in with a provider of single sign-on (`[oidc.NAME]`) alone",
            ),
        }
    }
}

impl SmtpConfig {
    /// `None` where no host is named.
    pub(super) fn read(options: &mut Options) -> Option<Self> {
        let host: Option<String> =
            options.optional("smtp.host", "no mail is sent", "The mail server that takes the server's mails");
        let security = options.value(
            "smtp.security",
            SmtpSecurity::Starttls,
            "`starttls`, `tls` (from the first byte), or `none`, which is for a mail server on the same machine",
        );
        let port: Option<u16> = options.optional("smtp.port", "587, with `tls` 465, with `none` 25", "Its port");
        let username = options.optional("smtp.username", "none", "User to sign in to the mail server as");
        let password = options.secret("smtp.password", "none", "Password of that user");
        let from: Option<String> =
            options.optional("smtp.from", "needed with `smtp.host`", "The sender, as in `Pintle <pintle@example.com>`");
        let ca_file: Option<PathBuf> =
            options.optional("smtp.ca_file", "none", "PEM file of a CA to accept besides those of this machine");
        if let Some(path) = &ca_file {
            check_certificates(options, "smtp_unusable", "smtp.ca_file", path);
        }
        let host = host?;
        let from = from.unwrap_or_else(|| {
            options.refuse("smtp.from", "it is needed to send mail", "name the sender, as in `pintle@example.com`");
            String::new()
        });
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if security == SmtpSecurity::None && !is_here {
            let hint = "use `starttls` or `tls`: mails hold codes that open accounts";
            options.refuse("smtp.security", "only a mail server on this machine is spoken to without TLS", hint);
        }
        Some(Self { port: port.unwrap_or(security.port()), host, security, username, password, from, ca_file })
    }
}

impl SmtpSecurity {
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl OptionValue for SmtpSecurity {
    fn parse(elements: &[String]) -> Result<Self, String> {
        match parse_one::<String>(elements, "text")?.as_str() {
            "starttls" => Ok(Self::Starttls),
            "tls" => Ok(Self::Tls),
            "none" => Ok(Self::None),
            _ => Err("`starttls`, `tls` or `none`".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
        .to_owned()
    }
}

impl OptionValue for SignUp {
    fn parse(elements: &[String]) -> Result<Self, String> {
        match parse_one::<String>(elements, "text")?.as_str() {
            "open" => Ok(Self::Open),
            "invited" => Ok(Self::Invited),
            "closed" => Ok(Self::Closed),
            _ => Err("`open`, `invited` or `closed`".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Open => "open",
            Self::Invited => "invited",
            Self::Closed => "closed",
        }
        .to_owned()
    }
}

impl OptionValue for u16 {
    const SHAPE: super::value::Shape = super::value::Shape::Number;

    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one(elements, "a port, from 1 to 65535")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
