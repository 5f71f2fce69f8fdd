use pintle_core::{ConfigError, Root, UnixTime, root::SetupError, succession::Chain};
use pintle_publish::{CredentialSource, Place};
use serde::{Deserialize, Serialize};

use super::{Sighting, verify_even_expired};

/// A release of 4 MiB, as text in JSON, and what stands around it.
pub const MAX_EXPORT_BYTES: u64 = 5 * 1024 * 1024;
const FORMAT: u64 = 1;
const MAX_TARGETS: usize = 32;

/// Everything that signing and publishing takes without a server, verified. No secret is in it.
#[derive(Clone, Debug)]
pub struct Export {
    root: Root,
    content: ExportContent,
}

/// What an export says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportContent {
    /// When it was made; seconds since 1970 UTC.
    pub made_at: u64,
    /// `NAME/ENVIRONMENT`, for people.
    pub project: String,
    /// The release in force, as signed.
    pub release: String,
    /// The statements from the first key to the present one (section 5); a new release carries them.
    #[serde(default)]
    pub succession: Vec<String>,
    /// The highest number that the server had given to a release.
    pub last_version: u64,
    /// Whether the project asks for a second person, who then looks at an emergency release after the fact.
    #[serde(default)]
    pub second_person: bool,
    /// Where releases are published, but for the server itself.
    pub targets: Vec<Target>,
}

/// Where releases are published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Without secrets.
    pub place: Place,
    /// Where its credentials come from; never the credentials.
    #[serde(default)]
    pub credentials: CredentialSource,
}

/// Why something is no export. The codes are stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Not its JSON.
    #[error("it is no emergency export: {0}")]
    Malformed(String),
    /// Of a later version.
    #[error("it has format {found}, and this version reads {FORMAT}")]
    Format {
        /// What it says.
        found: u64,
    },
    /// The bundle in it.
    #[error("its bundle: {0}")]
    Bundle(#[from] SetupError),
    /// The release or the succession in it is not genuine.
    #[error("{part} in it is not genuine: {error}")]
    NotGenuine {
        /// `the release` or `the succession`.
        part: &'static str,
        /// What the core says.
        error: ConfigError,
    },
    /// The release has a higher number than the last one given.
    #[error("it says that {last_version} is the last number, and holds release {version}")]
    Numbers {
        /// As it says.
        last_version: u64,
        /// Of the release.
        version: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u64,
    bundle: serde_json::Value,
    #[serde(flatten)]
    content: ExportContent,
}

#[derive(Deserialize)]
struct Format {
    format: u64,
}

impl Export {
    /// Puts together what was verified here.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn make(root: Root, content: ExportContent, now: UnixTime) -> Result<Self, ExportError> {
        let genuine = |part| move |error| ExportError::NotGenuine { part, error };
        let release = verify_even_expired(content.release.as_bytes(), &root, now).map_err(genuine("the release"))?;
        Chain::evaluate(&content.succession, &root).map_err(genuine("the succession"))?;
        let version = release.config.claims().version;
        if content.last_version < version {
            return Err(ExportError::Numbers { last_version: content.last_version, version });
        }
        if content.targets.len() > MAX_TARGETS {
            return Err(ExportError::Malformed(format!("it names more than {MAX_TARGETS} targets")));
        }
        Ok(Self { root, content })
    }

    /// Reads an export and verifies everything in it that devices would.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn parse(bytes: &[u8], now: UnixTime) -> Result<Self, ExportError> {
        let malformed = |error: serde_json::Error| ExportError::Malformed(error.to_string());
        let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
        if format != FORMAT {
            return Err(ExportError::Format { found: format });
        }
        let file: File = serde_json::from_slice(bytes).map_err(malformed)?;
        // A server on this machine is a trial; a configuration is authentic by its signature however it came.
        let root = Root::dangerous_parse_bundle_with_http_loopback(file.bundle.to_string().as_bytes())?;
        Self::make(root, file.content, now)
    }

    /// As it is written.
    pub fn to_json(&self) -> Vec<u8> {
        let bundle = serde_json::from_str(&self.root.to_bundle_json()).unwrap_or_default();
        let file = File { format: FORMAT, bundle, content: self.content.clone() };
        // Text, numbers and lists always serialise.
        let mut json = serde_json::to_vec_pretty(&file).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// What the first apps embed: everything is verified with it.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// What it says.
    pub const fn content(&self) -> &ExportContent {
        &self.content
    }

    /// The release in it, as something that was found.
    pub fn sighting(&self) -> Sighting {
        Sighting { source: "the export".to_owned(), bytes: self.content.release.clone().into_bytes() }
    }
}
