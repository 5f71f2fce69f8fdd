//! Column types.

use sea_orm::{DeriveActiveEnum, DeriveValueType, EnumIter};

/// A number from 0 to 2^63 − 1: what both SQLite and PostgreSQL hold in a `BIGINT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, DeriveValueType)]
#[sea_orm(try_from_u64)]
pub struct Unsigned(i64);

impl Unsigned {
    /// The number.
    pub fn value(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }
}

impl From<u64> for Unsigned {
    /// Stops at 2^63 − 1, which no time, count or release number (at most 2^53 − 1) reaches.
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// What a member is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    /// Everything, ownership included.
    Owner,
    /// Everything but ownership.
    Admin,
    /// Edits drafts and releases.
    Publisher,
    /// Edits drafts.
    Editor,
    /// Reads.
    Auditor,
}

/// Whether a passkey is on one device alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum PasskeyBackup {
    /// It never leaves its device.
    NotEligible,
    /// It may be copied, and is not yet.
    Eligible,
    /// Other devices, or a service that keeps it, have it.
    Exists,
}

/// Who holds a project's private signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Custody {
    /// People outside the server: in a file, a token.
    External,
    /// A cloud's key management service.
    Kms,
    /// Whoever knows the password: the server keeps the ciphertext.
    BrowserPassword,
    /// Whoever has the passkey: the server keeps the ciphertext.
    BrowserPasskey,
}

/// Who must agree to a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Approval {
    /// Whoever submits it.
    #[default]
    None,
    /// Somebody else, too.
    SecondPerson,
}

/// What a release says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ReleaseKind {
    /// What to pin.
    #[default]
    Configuration,
    /// That nothing is to be trusted (P-7.5).
    Withdrawal,
}

/// Where a release came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ReleaseSource {
    /// It was prepared here.
    #[default]
    Server,
    /// It was signed and published while no server was there, and imported afterwards.
    External,
}

/// How far a release is at one publish target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum TargetState {
    /// Not tried yet.
    Waiting,
    /// The last attempt failed.
    Failed,
    /// The target shows it, read back.
    Live,
    /// The target shows a newer one.
    Superseded,
}

/// How far the publication of a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ReleaseState {
    /// Waits until somebody else agrees.
    AwaitingApproval,
    /// Waits for its time.
    Scheduled,
    /// Stored; publication is queued.
    Accepted,
    /// A job writes it to the targets.
    Publishing,
    /// Every target serves it.
    Live,
    /// A later release took its place.
    Superseded,
    /// Taken back while it waited.
    Cancelled,
    /// A later release, or another key, made it void while it waited.
    Voided,
}

impl ReleaseState {
    /// States of releases that apps have seen or will see: nothing takes them back.
    pub const COMMITTED: [Self; 4] = [Self::Accepted, Self::Publishing, Self::Live, Self::Superseded];
    /// States of releases that wait for a person or for their time.
    pub const PENDING: [Self; 2] = [Self::AwaitingApproval, Self::Scheduled];
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum JobKind {
    /// Brings a release to every publish target.
    Publish,
    /// Takes the files of a deleted project out of every publish target.
    Unpublish,
    /// Erases a deleted project or organization for good.
    Erase,
    /// Brings a release to one target of its project.
    PublishTarget,
    /// Takes the files of a project out of one place that was its target.
    UnpublishTarget,
}

impl JobKind {
    /// Every kind this version can do.
    pub const ALL: [Self; 5] =
        [Self::Publish, Self::Unpublish, Self::Erase, Self::PublishTarget, Self::UnpublishTarget];
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum AlertChange {
    /// It began to hold, or happened.
    Raised,
    /// It is more urgent than before.
    Worsened,
    /// It is over.
    Resolved,
}

/// Whether and when a member gets mail about alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum MailChoice {
    /// As soon as something is to be told.
    #[default]
    Immediate,
    /// Once a day.
    Digest,
    /// Never.
    Off,
}

/// What a webhook sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum WebhookFormat {
    /// Standard Webhooks.
    Standard,
    /// What Slack takes.
    Slack,
}

/// What ends on a day that is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum DueKind {
    /// A certificate that a server shows.
    Certificate,
    /// A pin of the published release.
    Pin,
    /// The published release itself.
    Configuration,
}

/// What a mail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum MailKind {
    /// Answer to a sign-up: a link, or that there is an account already.
    SignUp,
    /// A link to a new password.
    ResetPassword,
    /// To a new address of an account: a link that makes it count.
    ChangeAddress,
    /// To the former address: there is a new one.
    AddressChanged,
    /// The password was changed.
    PasswordChanged,
    /// An authenticator was added or removed.
    SecondFactorChanged,
    /// An identity of single sign-on was linked or unlinked.
    IdentityChanged,
    /// A passkey was added or removed.
    PasskeyChanged,
    /// The code of an invitation.
    Invitation,
    /// Alerts that are to be told at once.
    Alerts,
    /// Alerts of a day, and what is due.
    Digest,
}
