//! Unattended release of keys that somebody declared beforehand, and of nothing else.

use std::collections::BTreeMap;

use pintle_api::{Custody, DraftResponse, PinOrigin, PinResponse, ReleaseResponse, client::Client};
use pintle_core::claims::{PinDigest, PinType};

use super::super::{
    cover::{Cover, Others},
    sync::release_covering,
};
use crate::{
    CommandError,
    commands::release::SigningArgs,
    context::{Context, Project},
    guarding::GuardArgs,
    word::word,
};

/// Releases the draft if all that apps lack of it are keys from signing requests and files, and the project's key is in a KMS.
/// What a look or CT alone saw, a removal, a setting: all that waits for a person.
pub(super) async fn release(
    signing: &SigningArgs,
    guard: &GuardArgs,
    client: &Client,
    project: &Project,
    context: &Context,
) -> Result<Option<ReleaseResponse>, CommandError> {
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    if registered.custody != Custody::Kms {
        return Err(CommandError::NotUnattended { custody: word(&registered.custody) });
    }
    let draft = client.read_draft(project.reference()).await?;
    let cover = Cover { wanted: list_declared(&draft), others: Others::Keep };
    Ok(release_covering(&cover, signing, guard, client, project, context).await?.into_made())
}

fn list_declared(draft: &DraftResponse) -> BTreeMap<String, Vec<PinDigest>> {
    let is_declared = |pin: &&PinResponse| matches!(pin.source, PinOrigin::Csr | PinOrigin::File);
    let digest = |pin: &PinResponse| PinDigest::parse(PinType::parse(&word(&pin.pin_type))?, &pin.digest);
    let domains = draft.domains.iter().map(|domain| {
        let declared: Vec<_> = domain.pins.iter().filter(is_declared).filter_map(digest).collect();
        (domain.name.clone(), declared)
    });
    domains.filter(|(_, declared)| !declared.is_empty()).collect()
}
