use std::path::PathBuf;

use pintle_service::emergency::{EditError, EmergencyError, ExportError};

use crate::ExitStatus;

/// Why a release without a server did not come about, or not wholly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmergencyFailure {
    /// Not an export, damaged, or not genuine.
    #[error("{}: {error}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: ExportError,
    },
    /// Nothing to go on from.
    #[error(transparent)]
    Base(EmergencyError),
    /// A change that makes no sense.
    #[error(transparent)]
    Edit(EditError),
    /// Nothing was released yet.
    #[error("nothing was released yet, so there is nothing to go on from on a bad day")]
    NothingReleased,
    /// Nowhere to publish.
    #[error("it is not known where to publish")]
    NoTargets,
    /// No way to tell a CDN.
    #[error("the CDN could not be told: {reason}")]
    Purge {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A target cannot be used.
    #[error("{target}: {reason}")]
    Target {
        /// As people write it.
        target: String,
        /// Why.
        reason: String,
    },
    /// Somebody else published meanwhile.
    #[error("somebody else published release {version} or a later one at the same time; theirs stays")]
    Overtaken {
        /// Its number.
        version: u64,
    },
    /// Not live everywhere.
    #[error("release {version} is live on {live} of {targets} targets; what the others showed, they still show")]
    Unfinished {
        /// Its number.
        version: u64,
        /// How many show it.
        live: usize,
        /// Of how many.
        targets: usize,
        /// Where the signed file is.
        path: PathBuf,
    },
    /// A release signed before is not live everywhere.
    #[error("{} holds release {version}, which is not live on every target and says something else", path.display())]
    AnotherUnfinished {
        /// The file.
        path: PathBuf,
        /// Its number.
        version: u64,
    },
}

impl EmergencyFailure {
    /// Stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Export { error: ExportError::NotGenuine { .. } | ExportError::Numbers { .. }, .. } => {
                "export_not_genuine"
            }
            Self::Export { .. } => "export_invalid",
            Self::Base(EmergencyError::NoBase) => "live_release_missing",
            Self::Base(EmergencyError::Split { .. }) => "releases_split",
            Self::Base(EmergencyError::NumbersExhausted { .. }) => "numbers_exhausted",
            Self::Base(EmergencyError::Withdrawn { .. }) => "release_is_withdrawal",
            Self::Base(EmergencyError::Config(error)) => error.code().as_str(),
            Self::Base(_) => "internal_error",
            Self::Edit(EditError::Ambiguous { .. }) => "name_ambiguous",
            Self::Edit(EditError::LastPin { .. }) => "last_pin",
            Self::Edit(_) => "not_found",
            Self::NothingReleased => "nothing_released",
            Self::NoTargets => "no_targets",
            Self::Purge { .. } => "purge_invalid",
            Self::Target { .. } => "target_unusable",
            Self::Overtaken { .. } => "emergency_overtaken",
            Self::Unfinished { .. } => "emergency_unfinished",
            Self::AnotherUnfinished { .. } => "emergency_pending",
        }
    }

    pub(super) fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Export { error: ExportError::NotGenuine { .. } | ExportError::Numbers { .. }, .. }
            | Self::Base(EmergencyError::Split { .. } | EmergencyError::Config(_)) => ExitStatus::Refused,
            Self::Export { .. } | Self::Edit(EditError::LastPin { .. }) | Self::Base(_) => ExitStatus::Input,
            Self::Edit(EditError::Ambiguous { .. }) | Self::NoTargets | Self::Purge { .. } => ExitStatus::Usage,
            Self::Edit(_) | Self::NothingReleased => ExitStatus::NotFound,
            Self::Target { .. } | Self::Unfinished { .. } => ExitStatus::Unavailable,
            Self::Overtaken { .. } | Self::AnotherUnfinished { .. } => ExitStatus::Conflict,
        }
    }

    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Export { error: ExportError::NotGenuine { .. } | ExportError::Numbers { .. }, .. } => {
                "somebody changed it: use another copy, or the bundle out of an app with `--bundle`"
            }
            Self::Export { .. } => "use another copy, or `--bundle FILE` with `--target PLACE`",
            Self::Base(EmergencyError::NoBase) => {
                "give the last file you have with `--live FILE`, or an export with `--export FILE`"
            }
            Self::Base(EmergencyError::Split { .. }) => {
                "two files were signed with your key: find out by whom before you sign a third"
            }
            Self::Base(EmergencyError::Withdrawn { .. }) => "say `--restore`: it begins with what the export holds",
            Self::Base(EmergencyError::NumbersExhausted { .. }) => {
                "only a recovery statement helps now: `pintle keys recover`"
            }
            Self::Base(_) => "compare with what apps have: `pintle config fetch`",
            Self::Edit(EditError::NoDomain(_) | EditError::NoPin { .. }) => {
                "`pintle config decode` shows what a release says"
            }
            Self::Edit(EditError::LastPin { .. }) => "add the pin that takes its place in the same release",
            Self::Edit(_) => "give more of the digest",
            Self::NothingReleased => "make a first release with `pintle release`",
            Self::NoTargets => "say `--target PLACE`, as in dir:/srv/www/pins or s3://BUCKET?region=REGION",
            Self::Purge { .. } => "as in --purge-url 'https://api.cdn.example/purge?url={url_encoded}'",
            Self::Target { .. } => {
                "check its credentials and permissions; to leave it out, name the others with `--target`"
            }
            Self::Overtaken { .. } => {
                "look at what is live (`pintle config fetch`), and run this again if it still makes sense"
            }
            Self::Unfinished { .. } => "run the same command again: it goes on with the same signed file",
            Self::AnotherUnfinished { .. } => {
                "finish it with the options it was made with; or, to give it up, move the file away"
            }
        }
    }
}
