//! What holds for the whole configuration: how long it is fresh and valid, which keys are refused everywhere, and which logs of
//! Certificate Transparency count.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    CtLogRequest, CtLogsResponse, DraftSettings, Expiry, OnStale, ReplaceCtLogsRequest, UpdateDraftRequest,
};
use pintle_core::UnixTime;
use pintle_discover::parse_log_list;

use super::{
    failure::{PageError, Refusal},
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::InProject,
    show::{every, is_same, parse_day, show_span, word},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let draft = "/orgs/{organization}/projects/{project}/draft";
    Router::new()
        .route(&format!("{draft}/settings"), get(ask).post(change))
        .route(&format!("{draft}/ct-logs"), post(import))
}

const DAY_SECS: u64 = 86_400;
const REFRESH_SECS: [u64; 6] = [60, 600, 3600, 6 * 3600, DAY_SECS, 7 * DAY_SECS];
const EXPIRY_DAYS: [u64; 5] = [30, 90, 180, 365, 730];
const ON_STALE: [(&str, &str); 2] =
    [("keep", "Goes on enforcing it, and reports that"), ("fail", "Refuses every connection")];

#[derive(Template)]
#[template(path = "draft_settings.html")]
struct SettingsPage {
    frame: Frame,
    place: InProject,
    settings: DraftSettings,
    ct: CtLogsResponse,
    form: Form,
    /// Of a list that was read just now: logs that it has and that do not count, each with why.
    left_out: Vec<String>,
}

impl SettingsPage {
    /// The values that are offered, and the one in force where it is none of them.
    fn choices(own: u64, offered: impl IntoIterator<Item = u64>, says: fn(&u64) -> String) -> Vec<(String, String)> {
        let mut seconds: Vec<_> = offered.into_iter().chain(Some(own).filter(|own| *own > 0)).collect();
        seconds.sort_unstable();
        seconds.dedup();
        seconds.into_iter().map(|secs| (secs.to_string(), says(&secs))).collect()
    }

    fn refresh_choices(&self) -> Vec<(String, String)> {
        Self::choices(self.settings.refresh_secs, REFRESH_SECS, every)
    }

    fn expiry_choices(&self) -> Vec<(String, String)> {
        let own = match self.settings.expiry {
            Expiry::AfterSecs(secs) => secs,
            Expiry::Never => 0,
        };
        let mut choices = Self::choices(own, EXPIRY_DAYS.map(|days| days * DAY_SECS), show_span);
        choices.push(("never".to_owned(), "without end".to_owned()));
        choices
    }
}

async fn ask(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    show(&app, place, None, Vec::new()).await
}

async fn show(
    app: &App,
    place: InProject,
    refused: Option<Form>,
    left_out: Vec<String>,
) -> Result<Response, PageError> {
    let settings = app.service.summarize_draft(&place.actor, place.id(), 0, now()).await?.settings;
    let ct = app.service.read_ct_logs(&place.actor, place.id()).await?;
    let expiry = match settings.expiry {
        Expiry::AfterSecs(secs) => secs.to_string(),
        Expiry::Never => "never".to_owned(),
    };
    let form = refused.unwrap_or_else(|| {
        Form::of(&[
            ("refresh_secs", &settings.refresh_secs.to_string()),
            ("expiry", &expiry),
            ("on_stale", &word(&settings.on_stale)),
            ("deny", &settings.deny.join("\n")),
        ])
    });
    let (frame, place) = (place.frame.clone(), place.at("draft"));
    Ok(render(&SettingsPage { frame, place, settings, ct, form, left_out }))
}

async fn change(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = UpdateDraftRequest {
        // What is no number is no value of the page's own.
        refresh_secs: Some(fields.text("refresh_secs").parse().unwrap_or_default()),
        on_stale: Some(if fields.text("on_stale") == "fail" { OnStale::Fail } else { OnStale::Keep }),
        expiry: Some(match fields.text("expiry") {
            "never" => Expiry::Never,
            secs => Expiry::AfterSecs(secs.parse().unwrap_or_default()),
        }),
        deny: Some(fields.text("deny").split_ascii_whitespace().map(str::to_owned).collect()),
    };
    match app.service.update_draft(&place.actor, place.id(), &request, None, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/draft", place.path()), "changed")),
        Err(error) => show(&app, place, Some(Form::refused(fields, error)?), Vec::new()).await,
    }
}

/// A list of logs out of a file, in the place of the one before.
async fn import(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, file }: Submitted,
) -> Result<Response, PageError> {
    // Nobody else has megabytes read.
    if !place.can().edit() {
        return Err(PageError::NOT_FOUND);
    }
    let (request, left_out) = match read_list(&fields, file.as_deref().unwrap_or_default()) {
        Ok(read) => read,
        Err(refusal) => return show(&app, place, Some(Form::refused_here(fields, refusal)), Vec::new()).await,
    };
    match app.service.replace_ct_logs(&place.actor, place.id(), &request, None, now()).await {
        Ok(_) if left_out.is_empty() => Ok(go_on(&format!("{}/draft/settings", place.path()), "logs-replaced")),
        Ok(_) => show(&app, place, None, left_out).await,
        Err(error) => show(&app, place, Some(Form::refused(fields, error)?), Vec::new()).await,
    }
}

fn read_list(fields: &Fields, bytes: &[u8]) -> Result<(ReplaceCtLogsRequest, Vec<String>), Refusal> {
    let list = parse_log_list(bytes).map_err(|error| Refusal::local("list", "log_list_invalid", &error.to_string()))?;
    let given = parse_day(fields.text("as_of"))
        .map_err(|()| Refusal::local("as_of", "as_of_invalid", "must be a day, as in 2027-06-30"))?;
    let as_of = list.as_of.map(UnixTime::as_secs).or(given);
    let needed = "the list does not say when it was made: say it here";
    let as_of = as_of.ok_or_else(|| Refusal::local("as_of", "as_of_needed", needed))?;
    let logs = list.accepted.iter().map(|listed| CtLogRequest {
        key: listed.log.key().to_base64(),
        operator: listed.log.operator().to_owned(),
        name: listed.name.clone(),
        usable_until: listed.log.usable_until().map(UnixTime::as_secs),
    });
    let left_out = list.left_out.iter().map(|log| format!("{} {}: {}", log.operator, log.name, log.reason)).collect();
    Ok((ReplaceCtLogsRequest { as_of, logs: logs.collect() }, left_out))
}
