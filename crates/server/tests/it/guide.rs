//! `docs/api.md`: its commands, run by a shell and curl against a server.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use pintle_api::CreateOrganizationRequest;

use crate::support::{Server, http};

/// What the commands of the page print, in order.
const SAID: [&str; 7] = [
    "\"account_name\":\"admin\"",
    "query_invalid",
    "\"name\":\"Acme\"",
    "\"next_cursor\"",
    "\"items\"",
    "etag: \"1\"",
    "\"refresh_secs\":300",
];

#[tokio::test]
async fn the_commands_of_the_guide_do_what_it_says() {
    let server = Server::start().await;
    let project = server.add_project().await;
    for name in ["Beta", "Gamma"] {
        server.admin.create_organization(&CreateOrganizationRequest { name: name.into() }).await.unwrap();
    }
    let list =
        http().get(format!("{}/api/v1/organizations?limit=2", server.url)).bearer_auth(server.token.expose_secret());
    let list: serde_json::Value = list.send().await.unwrap().json().await.unwrap();
    let cursor = list.get("next_cursor").unwrap().as_str().unwrap();

    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md")).unwrap();
    let commands: Vec<&str> = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let script = commands
        .join("echo\n")
        .replace("http://127.0.0.1:8440", &server.url)
        .replace("token=pintle_…", &format!("token={}", server.token.expose_secret()))
        .replace("org_…", &project.organization)
        .replace("prj_…", &project.project)
        .replace("cursor=WyJBY21lIiwib3JnXzAx…", &format!("cursor={cursor}"))
        .replace("\"7\"", "\"1\"");
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", &script]).stdin(Stdio::null()).env("no_proxy", "*");
    let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut rest = said.as_str();
    for expected in SAID {
        let at = rest.find(expected).unwrap_or_else(|| panic!("no {expected} in {rest}\nof {said}"));
        rest = rest.split_at(at).1;
    }
    server.stop().await;
}
