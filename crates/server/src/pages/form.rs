//! Forms: how they arrive, and how they are shown again with what was typed and what is wrong beside its field.

use askama::{Template, filters::HtmlSafe};
use axum::{
    Form as UrlEncoded,
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
    http::header,
};
use pintle_api::SecretText;
use pintle_service::ServiceError;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{
    cookie::{derive_form_token, read_session},
    failure::{PageError, Refusal},
};
use crate::app::App;

/// Name of the field that shows that a form came from a page of this session.
const TOKEN: &str = "form_token";

/// What was typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), Zeroizing::new((*value).to_owned()))).collect())
    }

    fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// Without the white space around it; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    pub(super) fn owned(&self, name: &str) -> String {
        self.text(name).to_owned()
    }

    /// `None` where nothing was typed.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        Some(self.owned(name)).filter(|text| !text.is_empty())
    }

    /// As it was typed, spaces and all.
    pub(super) fn secret(&self, name: &str) -> SecretText {
        Zeroizing::new(self.raw(name).to_owned()).into()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_chosen(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|found| found == value)
    }
}

/// A form that a page of this session sent, and the file with it.
pub(super) struct Submitted {
    pub(super) fields: Fields,
    pub(super) file: Option<Bytes>,
}

impl FromRequest<App> for Submitted {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let expected = read_session(request.headers(), app.is_https).as_ref().map(derive_form_token);
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let submitted = if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            read_multipart(request, app).await?
        } else {
            let UrlEncoded(pairs) = UrlEncoded::<Vec<(String, String)>>::from_request(request, app)
                .await
                .map_err(|_| PageError::FORM_BROKEN)?;
            let pairs = pairs.into_iter().map(|(name, value)| (name, Zeroizing::new(value)));
            Self { fields: Fields(pairs.collect()), file: None }
        };
        match expected {
            Some(token) if !bool::from(submitted.fields.raw(TOKEN).as_bytes().ct_eq(token.as_bytes())) => {
                Err(PageError::FORM_STALE)
            }
            _ => Ok(submitted),
        }
    }
}

async fn read_multipart(request: Request, app: &App) -> Result<Submitted, PageError> {
    let broken = |_| PageError::FORM_BROKEN;
    let mut parts = Multipart::from_request(request, app).await.map_err(|_| PageError::FORM_BROKEN)?;
    let (mut fields, mut file) = (Vec::new(), None);
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            let bytes = part.bytes().await.map_err(broken)?;
            file = file.or(Some(bytes)).filter(|bytes| !bytes.is_empty());
        } else {
            fields.push((name, Zeroizing::new(part.text().await.map_err(broken)?)));
        }
    }
    Ok(Submitted { fields: Fields(fields), file })
}

/// A form on a page: what stands in its fields, and why it was not taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) fields: Fields,
    pub(super) refusal: Option<Refusal>,
}

impl Form {
    /// With values to begin with.
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self { fields: Fields::of(pairs), refusal: None }
    }

    /// As it was sent, and why it was not taken.
    ///
    /// # Errors
    /// What no other entry would mend.
    pub(super) fn refused(fields: Fields, error: impl Into<ServiceError>) -> Result<Self, PageError> {
        Ok(Self { fields, refusal: Some(Refusal::of(error.into())?) })
    }

    /// The same, for a reason of the page's own.
    pub(super) fn refused_here(fields: Fields, refusal: Refusal) -> Self {
        Self { fields, refusal: Some(refusal) }
    }

    fn refusal_at(&self, name: &str) -> Option<&Refusal> {
        self.refusal.as_ref().filter(|refusal| refusal.field == name)
    }

    /// What is wrong with the form as a whole, or with a field that it does not show.
    pub(super) fn alert(&self, shown: &[&str]) -> Alert<'_> {
        Alert { refusal: self.refusal.as_ref().filter(|refusal| !shown.contains(&refusal.field)) }
    }

    pub(super) fn input<'a>(&'a self, name: &'a str, label: &'a str) -> Input<'a> {
        Input {
            name,
            label,
            value: self.fields.text(name),
            refusal: self.refusal_at(name),
            kind: "text",
            help: "",
            auto: "off",
            is_optional: false,
            rows: 0,
            options: &[],
        }
    }

    /// A field whose text is not sent back.
    pub(super) fn secret<'a>(&'a self, name: &'a str, label: &'a str) -> Input<'a> {
        Input { value: "", kind: "password", ..self.input(name, label) }
    }
}

/// What stands above a form.
#[derive(Template)]
#[template(path = "part/alert.html")]
pub(super) struct Alert<'a> {
    refusal: Option<&'a Refusal>,
}

/// A field with its label, its help and what is wrong with it.
#[derive(Template, Clone, Copy)]
#[template(path = "part/input.html")]
pub(super) struct Input<'a> {
    name: &'a str,
    label: &'a str,
    value: &'a str,
    refusal: Option<&'a Refusal>,
    kind: &'a str,
    help: &'a str,
    auto: &'a str,
    is_optional: bool,
    rows: u8,
    options: &'a [(&'a str, &'a str)],
}

impl<'a> Input<'a> {
    pub(super) fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn help(self, help: &'a str) -> Self {
        Self { help, ..self }
    }

    /// What a browser may fill in.
    pub(super) fn auto(self, auto: &'a str) -> Self {
        Self { auto, ..self }
    }

    pub(super) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    pub(super) fn rows(self, rows: u8) -> Self {
        Self { rows, ..self }
    }

    fn is_file(&self) -> bool {
        self.kind == "file"
    }

    fn is_value(&self, word: &str) -> bool {
        self.value == word
    }

    /// One of these values, each with its words.
    pub(super) fn options(self, options: &'a [(&'a str, &'a str)]) -> Self {
        Self { options, ..self }
    }
}

/// Their own templates escape what is in them.
impl HtmlSafe for Input<'_> {}
impl HtmlSafe for Alert<'_> {}
