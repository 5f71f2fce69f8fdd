use pintle_core::root::BaseUrl;
use pintle_publish::{CredentialSource, Place, Purge};
use pintle_service::{Destination, Offer};
use secrecy::ExposeSecret as _;

use super::{
    options::Options,
    value::{OptionValue, parse_one},
};

/// As people name targets on the command line.
const MAX_NAME_CHARS: usize = 40;

/// Every `[destinations.NAME]`.
pub(super) fn read(options: &mut Options) -> Vec<Destination> {
    let found = options.named("destinations", read_one);
    found.into_values().flatten().collect()
}

fn read_one(options: &mut Options, section: &str) -> Option<Destination> {
    let name = section.rsplit('.').next().unwrap_or_default().to_owned();
    let key = |option: &str| format!("{section}.{option}");
    let place: Option<Place> = options.optional(
        key("place"),
        "needed",
        "Where it is: dir:/PATH, s3://BUCKET?region=REGION (with endpoint=URL for what speaks like S3), gs://BUCKET or \
         azure://ACCOUNT/CONTAINER, each with a prefix if wanted",
    );
    let credentials = options.value(
        key("credentials"),
        CredentialSource::Environment,
        "`environment`: the variables that the cloud's own tools read; `instance`: the role of this machine; \
         `file:/PATH`: a file in the cloud's own format, read for every use",
    );
    let organizations: Vec<String> = options.value(
        key("organizations"),
        Vec::new(),
        "Ids of the organizations whose projects may publish there; `*` for all",
    );
    let public_url: Option<BaseUrl> =
        options.optional(key("public_url"), "none", "Base URL under which apps find the files that lie there");
    let purge = read_purge(options, section);
    let is_documented_only = name == "NAME" && place.is_none();
    if is_documented_only {
        return None;
    }
    let is_plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if !name.chars().all(is_plain) || name.is_empty() || name.len() > MAX_NAME_CHARS {
        options.refuse(&key("place"), "its name is no target name", "use lower-case letters, digits and `-`");
    }
    if organizations.is_empty() {
        options.refuse(
            &key("organizations"),
            "nobody may publish there",
            "list the ids of organizations, as [\"org_…\"], or [\"*\"] for everybody on this server",
        );
    }
    if purge.is_some() && public_url.is_none() {
        options.refuse(&key("public_url"), "it is needed to tell a CDN which file changed", "set it");
    }
    let Some(place) = place else {
        options.refuse(&key("place"), "it is needed", "as in place = \"s3://acme-pins?region=eu-central-1\"");
        return None;
    };
    let is_for_all = organizations.iter().any(|id| id == "*");
    let offer = if is_for_all { Offer::Everybody } else { Offer::Organizations(organizations) };
    Some(Destination { name, place, credentials, offer, public_url, purge })
}

fn read_purge(options: &mut Options, section: &str) -> Option<Purge> {
    let key = |option: &str| format!("{section}.{option}");
    let url: Option<String> = options.optional(
        key("purge_url"),
        "the CDN looks for itself",
        "Request that tells a CDN of a changed file: `{url}`, `{url_encoded}` and `{path}` stand for that file",
    );
    let method: Option<String> = options.optional(key("purge_method"), "POST", "Its method, as PURGE");
    let header = options.secret(&key("purge_header"), "none", "Its header, as in `Authorization: Bearer TOKEN`");
    let words: Vec<String> = options.value(
        key("purge_command"),
        Vec::new(),
        "Program and arguments that tell a CDN instead, run without a shell, with the same words",
    );
    if url.is_some() && !words.is_empty() {
        options.refuse(&key("purge_command"), "there is a `purge_url`, too", "keep one of the two");
    }
    let Some(url) = url else { return (!words.is_empty()).then_some(Purge::Command(words)) };
    let header = header.as_ref().map(|text| text.expose_secret());
    match Purge::request(method.as_deref().unwrap_or("POST"), &url, header) {
        Ok(purge) => Some(purge),
        Err(reason) => {
            options.refuse(&key("purge_url"), reason, "as in POST, https://…, and `Authorization: Bearer TOKEN`");
            None
        }
    }
}

impl OptionValue for Place {
    fn parse(elements: &[String]) -> Result<Self, String> {
        let text: String = parse_one(elements, "a place")?;
        text.parse().map_err(|error: pintle_publish::PlaceError| {
            format!("a place as s3://BUCKET?region=REGION or dir:/PATH: {}", error.reason)
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for CredentialSource {
    fn parse(elements: &[String]) -> Result<Self, String> {
        parse_one::<String>(elements, "text")?.parse().map_err(str::to_owned)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
