use std::net::SocketAddr;

use super::options::Options;

/// The dashboard.
#[derive(Clone, Debug)]
pub struct PagesConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// Address of a listener for it alone; `listen` serves it, too, where there is none.
    pub listen: Option<SocketAddr>,
    /// Whom to tell of a weakness of this installation, as `mailto:security@example.com`; without, no `security.txt`.
    pub security_contact: Option<String>,
}

impl PagesConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        let config = Self {
            enabled: options.value("pages.enabled", true, "Whether there is a dashboard"),
            listen: options.optional(
                "pages.listen",
                "`listen` serves it",
                "Address of a listener for the dashboard alone, as one that only the office reaches; `public_url` leads there",
            ),
            security_contact: options.optional(
                "pages.security_contact",
                "no `security.txt`",
                "Whom to tell of a weakness of this installation, for `/.well-known/security.txt`: a mailto: or https: URL",
            ),
        };
        let is_contact = |text: &String| {
            ["mailto:", "https://"].iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_control)
        };
        if config.security_contact.as_ref().is_some_and(|contact| !is_contact(contact)) {
            options.refuse("pages.security_contact", "it is no contact", "write it as mailto:security@example.com");
        }
        config
    }
}
