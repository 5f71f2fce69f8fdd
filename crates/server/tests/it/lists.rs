use pintle_api::{CreateOrganizationRequest, ListResponse, OrganizationResponse};
use serde_json::Value;

use crate::support::{Server, http};

async fn ask(server: &Server, query: &str) -> (u16, Value) {
    let url = format!("{}/api/v1/organizations{query}", server.url);
    let answer = http().get(url).bearer_auth(server.token.expose_secret()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_list_is_walked_to_its_end_while_it_grows() {
    let server = Server::start().await;
    for name in ["d", "b", "c"] {
        server.admin.create_organization(&CreateOrganizationRequest { name: name.into() }).await.unwrap();
    }
    let (mut query, mut seen) = ("?limit=1".to_owned(), Vec::new());
    loop {
        let (status, page) = ask(&server, &query).await;
        assert_eq!(status, 200);
        let page: ListResponse<OrganizationResponse> = serde_json::from_value(page).unwrap();
        seen.extend(page.items.into_iter().map(|organization| organization.name));
        if seen == ["b"] {
            // Before the place where the next page begins: neither missed nor seen twice is anything else for it.
            server.admin.create_organization(&CreateOrganizationRequest { name: "a".into() }).await.unwrap();
        }
        let Some(cursor) = page.next_cursor else { break };
        query = format!("?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, ["b", "c", "d"]);
    let all = server.admin.list_organizations().all().await.unwrap();
    assert_eq!(all.into_iter().map(|organization| organization.name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    server.stop().await;
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused() {
    let server = Server::start().await;
    for (query, status, code) in [
        ("?limt=1", 400, "query_invalid"),
        ("?limit=x", 400, "query_invalid"),
        ("?limit=-1", 400, "query_invalid"),
        ("?limit=1&limit=2", 400, "query_invalid"),
        ("?limit=0", 422, "value_invalid"),
        ("?limit=501", 422, "value_invalid"),
        ("?cursor=x", 422, "cursor_invalid"),
        ("?cursor=", 422, "cursor_invalid"),
    ] {
        let (found, problem) = ask(&server, query).await;
        assert_eq!((found, problem.get("code").and_then(Value::as_str)), (status, Some(code)), "{query}");
    }
    server.stop().await;
}
