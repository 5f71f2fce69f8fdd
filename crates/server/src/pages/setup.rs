//! What an app embeds, and the lines that use it. The lines are files of `setup/`, which each SDK's tests compile as they stand;
//! the values of their example root are replaced by the project's.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};
use pintle_api::{DomainResponse, ListQuery};
use serde::Deserialize;

use super::{
    failure::PageError,
    frame::{Frame, render},
    place::InProject,
};
use crate::app::App;

pub(super) fn router() -> Router<App> {
    let project = "/orgs/{organization}/projects/{project}";
    Router::new()
        .route(&format!("{project}/setup"), get(set_up))
        .route(&format!("{project}/pintle.json"), get(download_bundle))
}

const EXAMPLE_HOST: &str = "api.example.com";
/// Lines with this make a whole program for the compiler.
const NOT_SHOWN: &str = "not shown";

/// `pintle.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Root {
    organization: String,
    project: String,
    public_key: String,
    recovery_key: Option<String>,
    urls: Vec<String>,
}

/// The root that the files of `setup/` name.
static EXAMPLE: LazyLock<Option<Root>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../setup/pintle.json")).ok());

/// One way to use the root.
struct Language {
    name: &'static str,
    /// Text to copy, each after a word on it.
    blocks: &'static [(&'static str, &'static str)],
    note: &'static str,
}

const WITHOUT_FILE: &str = "The same without the file:";

const LANGUAGES: [Language; 6] = [
    Language {
        name: "Rust",
        blocks: &[
            ("", "[dependencies]\npintle-sdk = { path = \"pintle/crates/sdk\", features = [\"disk\", \"reqwest\"] }\n"),
            ("", include_str!("../../setup/app.rs")),
        ],
        note: "hyper, tonic, tungstenite, ureq: docs/sdk/rust.md.",
    },
    Language {
        name: "Python",
        blocks: &[("", include_str!("../../setup/app.py")), (WITHOUT_FILE, include_str!("../../setup/values.py"))],
        note: "httpx, aiohttp, urllib3 and any ssl.SSLContext: see the README of the package.",
    },
    Language {
        name: "Node.js",
        blocks: &[("", include_str!("../../setup/app.js")), (WITHOUT_FILE, include_str!("../../setup/values.js"))],
        note: "fetch (undici), http2, ws: see the README of the package.",
    },
    Language {
        name: "Kotlin and Java, with OkHttp",
        blocks: &[("", include_str!("../../setup/app.kt")), (WITHOUT_FILE, include_str!("../../setup/values.kt"))],
        note: "HttpsURLConnection, java.net.http, Ktor, and Android: see the README of the package.",
    },
    Language {
        name: "Swift, with URLSession",
        blocks: &[("", include_str!("../../setup/app.swift"))],
        note: "A URLSession of your own, Network.framework, and what was tested where: see the README of the package.",
    },
    Language {
        name: "C and C++, with libcurl",
        blocks: &[
            ("", include_str!("../../setup/app.c")),
            (
                "",
                "cc app.c adapters/pintle_curl.c adapters/pintle_openssl.c $(pkg-config --cflags --libs pintle libcurl openssl)\n",
            ),
        ],
        note: "OpenSSL alone: see the README of the library.",
    },
];

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    place: InProject,
    /// Where the project has a key.
    embedded: Option<Embedded>,
}

/// What an app of the project embeds.
struct Embedded {
    /// `pintle.json` itself.
    bundle: String,
    root: Root,
    /// A host that the app connects to.
    host: String,
    /// Whether it is none of the project's.
    is_example: bool,
}

impl Embedded {
    /// `None` for what is no bundle.
    fn read(bundle: String, domains: &[DomainResponse]) -> Option<Self> {
        let root = serde_json::from_str(&bundle).ok()?;
        let own = domains.iter().map(|domain| &domain.name).find(|name| !name.starts_with('*'));
        let host = own.cloned().unwrap_or_else(|| EXAMPLE_HOST.to_owned());
        Some(Self { bundle, root, host, is_example: own.is_none() })
    }

    fn languages(&self) -> &'static [Language] {
        &LANGUAGES
    }

    /// The lines as this project's.
    fn fill(&self, lines: &str) -> String {
        let Some(example) = EXAMPLE.as_ref() else { return String::new() };
        let listed = |root: &Root| root.urls.iter().map(|url| format!("\"{url}\"")).collect::<Vec<_>>().join(", ");
        let (own, theirs) = (self.root.recovery_key.as_deref(), example.recovery_key.as_deref().unwrap_or_default());
        let is_shown = |line: &&str| !line.contains(NOT_SHOWN) && (own.is_some() || !line.contains(theirs));
        let lines = lines.lines().filter(is_shown).collect::<Vec<_>>().join("\n");
        let replaced = [
            (listed(example), listed(&self.root)),
            (example.organization.clone(), self.root.organization.clone()),
            (example.project.clone(), self.root.project.clone()),
            (example.public_key.clone(), self.root.public_key.clone()),
            (theirs.to_owned(), own.unwrap_or_default().to_owned()),
            (EXAMPLE_HOST.to_owned(), self.host.clone()),
        ];
        replaced.iter().fold(lines, |lines, (from, to)| lines.replace(from, to))
    }
}

async fn set_up(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    let embedded = match place.project.key {
        Some(_) => {
            let bundle = app.service.read_bundle(&place.actor, place.id()).await?;
            // One of the first serves as an example.
            let first = ListQuery { limit: Some(20), cursor: None };
            let domains = app.service.list_domains(&place.actor, place.id(), &first).await?.items;
            Some(Embedded::read(bundle, &domains).ok_or(PageError::INTERNAL)?)
        }
        None => None,
    };
    Ok(render(&SetupPage { frame: place.frame.clone(), place: place.at("setup"), embedded }))
}

async fn download_bundle(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    let bundle = app.service.read_bundle(&place.actor, place.id()).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"pintle.json\""),
    ];
    Ok((headers, bundle).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(recovery_key: Option<&str>) -> Embedded {
        let root = Root {
            organization: "org_own".to_owned(),
            project: "prj_own".to_owned(),
            public_key: "OWNKEY==".to_owned(),
            recovery_key: recovery_key.map(str::to_owned),
            urls: vec!["https://a.example".to_owned(), "https://b.example".to_owned()],
        };
        Embedded { bundle: String::new(), root, host: "shop.example.net".to_owned(), is_example: false }
    }

    #[test]
    fn nothing_of_the_example_is_left_in_any_language() {
        let example = EXAMPLE.as_ref().unwrap();
        for embedded in [embedded(None), embedded(Some("OWNRECOVERY=="))] {
            for (name, filled) in LANGUAGES.iter().flat_map(|language| {
                language.blocks.iter().map(|(_, lines)| (language.name, embedded.fill(lines))).collect::<Vec<_>>()
            }) {
                let theirs = [&example.organization, &example.project, &example.public_key, &example.urls[0]];
                let rest = theirs.into_iter().chain(&example.recovery_key).map(String::as_str);
                for rest in rest.chain([EXAMPLE_HOST, NOT_SHOWN]) {
                    assert!(!filled.contains(rest), "{name}: {filled}");
                }
            }
        }
    }

    #[test]
    fn each_value_stands_where_it_belongs() {
        let lines = include_str!("../../setup/values.py");
        let with = embedded(Some("OWNRECOVERY==")).fill(lines);
        for line in [
            "    organization=\"org_own\",",
            "    public_key=\"OWNKEY==\",",
            "    recovery_key=\"OWNRECOVERY==\",",
            "    urls=[\"https://a.example\", \"https://b.example\"],",
        ] {
            assert!(with.lines().any(|found| found == line), "{line}: {with}");
        }
        assert!(!embedded(None).fill(lines).contains("recovery_key"));
        assert!(embedded(None).fill(include_str!("../../setup/app.py")).contains("\"https://shop.example.net/\""));
    }

    #[test]
    fn the_crate_has_the_features_that_are_named() {
        let manifest: toml::Table = include_str!("../../../sdk/Cargo.toml").parse().unwrap();
        let named: toml::Table = LANGUAGES[0].blocks[0].1.parse().unwrap();
        for feature in named["dependencies"]["pintle-sdk"]["features"].as_array().unwrap() {
            assert!(manifest["features"].get(feature.as_str().unwrap()).is_some(), "{feature}");
        }
    }
}
