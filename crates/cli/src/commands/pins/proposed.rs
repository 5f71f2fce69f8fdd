//! What the drift monitor proposes to pin: a person says yes or no.

use pintle_api::{DomainResponse, ProposedPinResponse};

use crate::{
    CommandError,
    commands::domains::find_domain,
    context::Context,
    moment::show_moment,
    output::{CAREFUL, Text},
    word::word,
};

/// Fewer characters would rather be a mistake than a digest.
const MIN_PREFIX_CHARS: usize = 6;

pub(super) async fn accept(domain: &str, wanted: &str, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, domain).await?;
    let proposed = find(&domain, wanted)?;
    let proposed_at = show_moment(pintle_core::UnixTime::from_secs(proposed.proposed_at));
    let request = proposed.to_pin(format!("proposed {proposed_at}"));
    let added = client.add_pin(project.reference(), &domain.id, &request).await?;
    context.output.show(&added, |_, text| {
        text.line(&format!(
            "Pinned {} for {}: look at the draft, then `pintle release`.",
            show(proposed),
            domain.display_name
        ));
    })
}

pub(super) async fn dismiss(domain: &str, wanted: &str, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, domain).await?;
    let proposed = find(&domain, wanted)?;
    client.remove_pin(project.reference(), &domain.id, &proposed.id).await?;
    context.output.show(proposed, |proposed, text| {
        text.line(&format!("{} is not proposed for {} again.", show(proposed), domain.display_name));
    })
}

/// Below the pins of a domain.
pub(super) fn write(domain: &DomainResponse, text: &mut Text) {
    for proposed in &domain.proposed {
        text.labelled_line(CAREFUL, "proposed", &format!("{}: {}", show(proposed), proposed.reason));
    }
    if let Some(first) = domain.proposed.first() {
        let (name, digest) = (&domain.display_name, first.digest.get(..12).unwrap_or_default());
        text.line(&format!(
            "No release holds it until you say so: `pintle pins accept {name} {digest}`, or `dismiss`."
        ));
    }
}

fn find<'a>(domain: &'a DomainResponse, wanted: &str) -> Result<&'a ProposedPinResponse, CommandError> {
    let fits = |proposed: &&ProposedPinResponse| {
        let is_prefix = wanted.len() >= MIN_PREFIX_CHARS && proposed.digest.starts_with(wanted);
        proposed.id == wanted || show(proposed) == wanted || is_prefix
    };
    match domain.proposed.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [one] => Ok(one),
        [] => Err(CommandError::NotFound { kind: "proposed pin", name: wanted.to_owned() }),
        several => Err(CommandError::Ambiguous {
            kind: "proposed pin",
            name: wanted.to_owned(),
            matches: several.iter().map(|proposed| show(proposed)).collect(),
        }),
    }
}

fn show(proposed: &ProposedPinResponse) -> String {
    format!("{}:{}", word(&proposed.pin_type), proposed.digest)
}
