//! What members are told of, and what each chooses to be told.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    AlertQuery, AlertResponse, AlertSeverity, DueDateResponse, DueKind, ListQuery, MailChoice, NotificationsResponse,
    ProjectResponse, UpdateNotificationsRequest,
};

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::{InOrganization, Query},
    show::{prose, word, words},
    sign_in::form_encode,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let notifications = "/orgs/{organization}/notifications";
    Router::new()
        .route("/orgs/{organization}/alerts", get(list))
        .route(notifications, get(ask_choices).post(choose))
        .route(&format!("{notifications}/calendar"), post(make_calendar))
        .route(&format!("{notifications}/calendar/remove"), post(remove_calendar))
}

const WHICH: [(&str, &str); 2] = [("open", "What holds now"), ("all", "All")];
const MAILS: [(&str, &str); 3] = [("immediate", "At once"), ("digest", "Once a day, together"), ("off", "No mail")];

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    frame: Frame,
    place: InOrganization,
    alerts: Vec<AlertResponse>,
    /// What ends within a month.
    due: Vec<DueDateResponse>,
    projects: Vec<ProjectResponse>,
    kinds: Vec<(String, String)>,
    form: Form,
    /// Query of the next page.
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "notifications.html")]
struct ChoicesPage {
    frame: Frame,
    place: InOrganization,
    choices: NotificationsResponse,
    form: Form,
    /// URL of a calendar made just now: shown this once.
    calendar: Option<String>,
}

impl AlertsPage {
    /// `name environment` of a project, for what is about one.
    fn project_name(&self, id: &str) -> Option<String> {
        let project = self.projects.iter().find(|project| project.id == id)?;
        Some(format!("{} {}", project.name, project.environment))
    }
}

/// What urgency means for the eye.
pub(super) fn severity_mood(severity: &AlertSeverity) -> &'static str {
    match severity {
        AlertSeverity::Info => "past",
        AlertSeverity::Warning => "soon",
        AlertSeverity::Critical => "bad",
    }
}

/// Where somebody looks into it.
pub(super) fn whither(alert: &AlertResponse) -> Option<String> {
    let organization = format!("/orgs/{}", alert.organization_id);
    let Some(project) = &alert.project_id else {
        return match alert.kind.as_str() {
            "webhook_disabled" => Some(format!("{organization}/webhooks")),
            "agent_silent" => Some(format!("{organization}/agents")),
            _ => None,
        };
    };
    // A look from elsewhere than the server says so after the name.
    let name = || form_encode("name", alert.subject.split(' ').next().unwrap_or_default());
    let below = match alert.kind.as_str() {
        "project_deleted" => return None,
        "certificate_expiring"
        | "pin_expiring"
        | "drift_mismatch"
        | "drift_backup_only"
        | "host_unreachable"
        | "certificate_unpinned"
        | "issuer_unexpected"
        | "sct_unmet"
        | "violations_jumped" => {
            format!("/domains?{}", name())
        }
        "configuration_expiring" => "/draft".to_owned(),
        "targets_differ" | "cdn_stale" => "/monitor".to_owned(),
        "target_failing" => "/targets".to_owned(),
        "release_live" | "approval_needed" | "release_voided" | "guard_overridden" | "release_imported" => {
            "/releases".to_owned()
        }
        "key_changed" => "/key".to_owned(),
        _ => String::new(),
    };
    Some(format!("{organization}/projects/{project}{below}"))
}

/// What happened once is over as it begins.
pub(super) fn is_moment(alert: &AlertResponse) -> bool {
    alert.resolved_at == Some(alert.raised_at)
}

fn show_due(kind: &DueKind) -> &'static str {
    match kind {
        DueKind::Certificate => "certificate",
        DueKind::Pin => "pin",
        DueKind::Configuration => "release",
    }
}

async fn list(
    State(app): State<App>,
    place: InOrganization,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let fields = Fields::of(&pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
    let (actor, organization) = (&place.actor, &place.organization.id);
    let query = AlertQuery {
        limit: None,
        cursor: fields.optional("cursor"),
        open: fields.text("which") != "all",
        kind: fields.optional("kind"),
        project: fields.optional("project"),
    };
    let list = app.service.list_alerts(actor, organization, &query).await?;
    let due = app.service.read_status(actor, organization, None, now()).await?.due;
    let projects = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None };
    let projects = app.service.list_projects(actor, organization, &projects).await?.items;
    let kinds = app.service.read_notifications(actor, organization).await?.kinds;
    let kept = ["which", "kind", "project"].map(|name| form_encode(name, fields.text(name)));
    let next = list.next_cursor.map(|cursor| format!("{}&{}", form_encode("cursor", &cursor), kept.join("&")));
    Ok(render(&AlertsPage {
        alerts: list.items,
        due,
        projects,
        kinds: kinds.into_iter().map(|kind| (kind.kind, kind.title)).collect(),
        form: Form { fields, refusal: None },
        next,
        frame: place.frame.clone(),
        place: place.at("alerts"),
    }))
}

async fn ask_choices(State(app): State<App>, place: InOrganization) -> Result<Response, PageError> {
    show_choices(&app, place, None, None).await
}

async fn show_choices(
    app: &App,
    place: InOrganization,
    form: Option<Form>,
    calendar: Option<String>,
) -> Result<Response, PageError> {
    let choices = app.service.read_notifications(&place.actor, &place.organization.id).await?;
    let form = form.unwrap_or_else(|| {
        let wanted = choices.kinds.iter().filter(|kind| kind.wanted).map(|kind| ("kinds", kind.kind.as_str()));
        let mail = word(&choices.mail);
        Form::of(&[("mail", mail.as_str())].into_iter().chain(wanted).collect::<Vec<_>>())
    });
    let (frame, place) = (place.frame.clone(), place.at("alerts"));
    Ok(render(&ChoicesPage { frame, place, choices, form, calendar }))
}

/// A kind that the page showed and that came back unchecked is not wanted.
async fn choose(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = UpdateNotificationsRequest {
        mail: Some(match fields.text("mail") {
            "immediate" => MailChoice::Immediate,
            "off" => MailChoice::Off,
            _ => MailChoice::Digest,
        }),
        kinds: fields.all("shown").map(|kind| (kind.to_owned(), fields.is_chosen("kinds", kind))).collect(),
    };
    match app.service.update_notifications(&place.actor, &place.organization.id, &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/notifications", place.path()), "changed")),
        Err(error) => show_choices(&app, place, Some(Form::refused(fields, error)?), None).await,
    }
}

async fn make_calendar(
    State(app): State<App>,
    place: InOrganization,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let made = app.service.create_calendar(&place.actor, &place.organization.id, now()).await?;
    show_choices(&app, place, None, Some(made.url.expose_secret().to_owned())).await
}

async fn remove_calendar(
    State(app): State<App>,
    place: InOrganization,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_calendar(&place.actor, &place.organization.id, now()).await?;
    Ok(go_on(&format!("{}/notifications", place.path()), "calendar-removed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_leads_to_what_it_is_about() {
        let whither = |kind: &str, project: Option<&str>| {
            whither(&AlertResponse {
                id: "alr_1".to_owned(),
                kind: kind.to_owned(),
                severity: AlertSeverity::Warning,
                title: String::new(),
                subject: "api.example.com in CT".to_owned(),
                detail: String::new(),
                runbook: String::new(),
                organization_id: "org_1".to_owned(),
                project_id: project.map(str::to_owned),
                raised_at: 1,
                told_at: 1,
                resolved_at: None,
            })
        };
        let project = Some("prj_1");
        let domain = whither("certificate_unpinned", project).unwrap();
        assert_eq!(domain, "/orgs/org_1/projects/prj_1/domains?name=api.example.com");
        assert_eq!(whither("target_failing", project).unwrap(), "/orgs/org_1/projects/prj_1/targets");
        assert_eq!(whither("of_a_later_version", project).unwrap(), "/orgs/org_1/projects/prj_1");
        assert_eq!(whither("webhook_disabled", None).unwrap(), "/orgs/org_1/webhooks");
        assert_eq!(whither("project_deleted", project), None, "its pages are gone");
    }
}
