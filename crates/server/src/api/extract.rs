use std::{convert::Infallible, fmt, marker::PhantomData};

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{header, request::Parts},
};
use pintle_service::{Actor, ProjectPath, RequestContext, ServiceError};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, MapAccess, value::MapAccessDeserializer},
};
use utoipa::IntoParams;

use super::{ApiError, Failure, user_agent::describe_client};
use crate::{app::App, client::ClientNetwork, clock::now};

/// Who asks: the account behind the bearer token.
pub(super) struct Caller(pub(super) Actor);

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(actor) = parts.extensions.get::<Actor>() {
            return Ok(Self(actor.clone()));
        }
        let header = parts.headers.get(header::AUTHORIZATION).ok_or(Failure::TokenMissing)?;
        let (scheme, token) =
            header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Failure::TokenMissing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Failure::TokenMissing.into());
        }
        let actor = app.service.authenticate(token, describe_request(parts), now()).await?;
        app.limits.check_caller(&parts.extensions, &app.clients, token, actor.account_id())?;
        Ok(Self(actor))
    }
}

/// Who asks, on a route that anybody may use: `None` for a stranger, and for a credential that no longer counts.
pub(super) struct MaybeCaller(pub(super) Option<Actor>);

impl FromRequestParts<App> for MaybeCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, app).await {
            Ok(Caller(actor)) => Ok(Self(Some(actor))),
            // Whoever asks too often is not let through for asking where a stranger may.
            Err(error) if error.is_rate_limit() => Err(error),
            Err(_) => Ok(Self(None)),
        }
    }
}

/// What may be kept of a request whose sender is not known yet.
pub(crate) struct Visitor(pub(crate) RequestContext);

impl FromRequestParts<App> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(describe_request(parts)))
    }
}

/// What may be kept of the request: its id, the network it came from, and coarsely what it was made with.
pub(crate) fn describe_request(parts: &Parts) -> RequestContext {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    RequestContext {
        request_id: text("x-request-id").map(str::to_owned),
        network: parts.extensions.get::<ClientNetwork>().map(ToString::to_string),
        client: text("user-agent").map(describe_client),
    }
}

/// A JSON body; its failures are problems.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        // serde would take an array for an object's members in their order.
        let Json(Object(body)) = Json::from_request(request, app).await?;
        Ok(Self(body))
    }
}

/// A JSON object, read as `T`.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// The ids in a path. Text that cannot even be read names nothing.
pub(super) struct Ids<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Ids<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, app).await {
            Ok(Path(ids)) => Ok(Self(ids)),
            Err(_) => Err(ServiceError::NotFound { what: "resource" }.into()),
        }
    }
}

/// The revision of the draft that the caller expects (`If-Match`); none, or `*`: any.
pub(super) struct ExpectedRevision(pub(super) Option<u64>);

impl FromRequestParts<App> for ExpectedRevision {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_| Failure::IfMatch)?;
        if text == "*" {
            return Ok(Self(None));
        }
        let number = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|text| text.parse().ok());
        Ok(Self(Some(number.ok_or(Failure::IfMatch)?)))
    }
}

/// The parameters of a query. Unknown ones were refused at the door.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Failure::QueryInvalid(rejection.body_text()).into()),
        }
    }
}

/// Schema of `If-Match` as [`ExpectedRevision`] reads it.
pub(super) fn describe_if_match() -> serde_json::Value {
    serde_json::json!({ "type": "string", "pattern": r#"^(\*|"[0-9]{1,19}")$"#, "examples": [r#""7""#] })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OrganizationIds {
    /// `org_…`
    pub(super) organization: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MemberIds {
    /// `org_…`
    pub(super) organization: String,
    /// `acc_…`
    pub(super) account: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct InvitationIds {
    /// `org_…`
    pub(super) organization: String,
    /// `inv_…`
    pub(super) invitation: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TokenIds {
    /// `tok_…`
    pub(super) token: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OrganizationTokenIds {
    /// `org_…`
    pub(super) organization: String,
    /// `tok_…`
    pub(super) token: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SessionIds {
    /// `ses_…`, or `current`
    pub(super) session: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PasskeyIds {
    /// `psk_…`
    pub(super) passkey: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct IdentityIds {
    /// `idn_…`
    pub(super) identity: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ProbeAgentIds {
    /// `org_…`
    pub(super) organization: String,
    /// `agt_…`
    pub(super) agent: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct AlertIds {
    /// `org_…`
    pub(super) organization: String,
    /// `alr_…`
    pub(super) alert: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CalendarIds {
    /// `pintle_cal_…`, and `.ics` if one likes.
    pub(super) calendar: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct WebhookIds {
    /// `org_…`
    pub(super) organization: String,
    /// `whk_…`
    pub(super) webhook: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MessageIds {
    /// `org_…`
    pub(super) organization: String,
    /// `whk_…`
    pub(super) webhook: String,
    /// `msg_…`
    pub(super) message: String,
}

/// The ids of what belongs to a project.
macro_rules! project_ids {
    ($name:ident $(, $(#[$doc:meta])+ $id:ident: $type:ty)*) => {
        #[derive(Deserialize, IntoParams)]
        #[into_params(parameter_in = Path)]
        pub(super) struct $name {
            /// `org_…`
            organization: String,
            /// `prj_…`
            project: String,
            $($(#[$doc])+ pub(super) $id: $type,)*
        }

        impl $name {
            pub(super) fn project(&self) -> ProjectPath<'_> {
                ProjectPath { organization: &self.organization, project: &self.project }
            }
        }
    };
}

project_ids!(ProjectIds);
project_ids!(DomainIds, /** `dom_…` */ domain: String);
project_ids!(PinIds, /** `dom_…` */ domain: String, /** `pin_…` */ pin: String);
project_ids!(TargetIds, /** Name of the target, which is that of its destination. */ target: String);
project_ids!(ReleaseIds, /** Release number. */ version: u64);
