use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{InvitationCode, Role};

/// A member of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberResponse {
    /// `acc_…`
    pub account_id: String,
    /// Name of the account.
    pub name: String,
    /// What it is in the organization.
    pub role: Role,
    /// Seconds since 1970 UTC.
    pub joined_at: u64,
}

/// Gives a member another role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "editor"}))]
pub struct UpdateMemberRequest {
    /// The new role: at most the caller's own. Only owners make owners.
    pub role: Role,
}

/// Invites somebody into an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "editor", "email": "ada@example.com"}))]
pub struct CreateInvitationRequest {
    /// What the new member will be: at most the caller's own role.
    pub role: Role,
    /// Who is meant. Where the server sends mail the code goes to this address. Whoever shows the code is let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// An invitation that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationResponse {
    /// `inv_…`
    pub id: String,
    /// What the new member will be.
    pub role: Role,
    /// Who is meant, where the inviter said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// First characters of the code.
    pub prefix: String,
    /// `acc_…` of who invited.
    pub invited_by: String,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
    /// The code is refused from then on: seconds since 1970 UTC.
    pub expires_at: u64,
}

/// A new invitation, and how its code gets to who is invited.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedInvitationResponse {
    /// The invitation.
    pub invitation: InvitationResponse,
    /// To be passed on to who is invited; it lets whoever has it in, and is shown this once. `null`: it goes by mail to the
    /// address that the invitation names, and to nobody else.
    #[schema(value_type = Option<String>, format = Password)]
    pub code: Option<InvitationCode>,
}

/// Becomes a member of the organization that the code belongs to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "pintle_invite_0000000000000000000000000000000000000000000000000000000000000001b041dacc"}))]
pub struct AcceptInvitationRequest {
    /// `pintle_invite_…`
    #[schema(value_type = String, format = Password)]
    pub code: InvitationCode,
}
