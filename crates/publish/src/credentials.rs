use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where the credentials of a target come from; never the credentials themselves. As text `environment`, `instance` or
/// `file:/PATH`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CredentialSource {
    /// The variables that the cloud's own tools read: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`; `GOOGLE_APPLICATION_CREDENTIALS`; `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_TOKEN`, or
    /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.
    #[default]
    Environment,
    /// The role of this machine, container or pod.
    Instance,
    /// A file in the cloud's own format, read for every use: AWS's with `[default]`, Google's JSON, for Azure the account
    /// key or a SAS token alone.
    File(PathBuf),
}

impl FromStr for CredentialSource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match (text, text.strip_prefix("file:")) {
            ("environment", _) => Ok(Self::Environment),
            ("instance", _) => Ok(Self::Instance),
            (_, Some(path)) if PathBuf::from(path).is_absolute() => Ok(Self::File(path.into())),
            _ => Err("`environment`, `instance` or `file:/PATH`"),
        }
    }
}

impl TryFrom<String> for CredentialSource {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}

impl From<CredentialSource> for String {
    fn from(source: CredentialSource) -> Self {
        source.to_string()
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Instance => f.write_str("instance"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
