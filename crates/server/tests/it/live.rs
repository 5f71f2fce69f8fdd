//! Pages that are told of a release as it happens: until when, and by whom.

use std::time::Duration;

use pintle_api::{Approval, UpdateProjectRequest};
use pintle_store::AccountId;
use reqwest::{Response, StatusCode, header};
use tokio::time::timeout;

use crate::{
    accounts::sign_in,
    pages::Browser,
    support::{Project, Server},
};

/// Longer than a stream looks away, shorter than it lives.
const SOON: Duration = Duration::from_secs(10);

/// A member whose browser looks at a release that waits for a second person.
struct Watching {
    server: Server,
    project: Project,
    member: Browser,
    account: AccountId,
}

impl Watching {
    async fn start() -> Self {
        let server = Server::start().await;
        let project = server.add_project().await;
        let member = Browser::signed_in(&server).await;
        let stranger = pintle_api::client::Client::anonymous(&server.url).unwrap();
        let who = sign_in(&stranger, &server).await.whoami().await.unwrap();
        let account = AccountId::parse(&who.account_id).unwrap();
        server.add_member(&project.organization, &account, "publisher").await;
        let second_person =
            UpdateProjectRequest { approval: Some(Approval::SecondPerson), ..UpdateProjectRequest::default() };
        server.admin.update_project(project.id(), &second_person).await.unwrap();
        project.submit(&server.admin).await;
        Self { server, project, member, account }
    }

    fn path(&self) -> String {
        format!("/orgs/{}/projects/{}/releases/1/events", self.project.organization, self.project.project)
    }

    async fn open(&self) -> Response {
        let mut stream = self.member.get(&self.path()).await;
        assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert!(told(&mut stream).await.unwrap().contains("\"state\":\"awaiting approval\""));
        stream
    }
}

/// The next event; `None` at the end.
async fn told(stream: &mut Response) -> Option<String> {
    let chunk = timeout(SOON, stream.chunk()).await.unwrap().unwrap();
    chunk.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_page_is_told_until_the_release_has_settled() {
    let watching = Box::pin(Watching::start()).await;
    let mut stream = watching.open().await;
    watching.server.admin.cancel_release(watching.project.id(), 1).await.unwrap();
    let news = told(&mut stream).await.unwrap();
    assert!(news.contains("\"state\":\"cancelled\"") && news.contains("\"is_settled\":true"), "{news}");
    assert_eq!(told(&mut stream).await, None);
    watching.server.stop().await;
}

#[tokio::test]
async fn who_signs_out_or_is_no_member_any_more_is_told_nothing() {
    let watching = Box::pin(Watching::start()).await;
    let mut stream = watching.open().await;
    let sql = format!("DELETE FROM membership WHERE account_id = '{}'", watching.account);
    watching.server.execute(&sql).await;
    assert_eq!(told(&mut stream).await, None);
    assert_eq!(watching.member.get(&watching.path()).await.status(), StatusCode::NOT_FOUND);

    watching.server.add_member(&watching.project.organization, &watching.account, "auditor").await;
    let mut stream = watching.open().await;
    let token = watching.member.token().await;
    watching.member.send("/sign-out", &[("form_token", &token)]).await;
    assert_eq!(told(&mut stream).await, None);
    assert_eq!(watching.member.get(&watching.path()).await.status(), StatusCode::SEE_OTHER);
    watching.server.stop().await;
}

#[tokio::test]
async fn one_account_follows_so_many_pages_and_no_more_and_none_keeps_the_server_from_stopping() {
    let watching = Box::pin(Watching::start()).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(watching.open().await);
    }
    let ninth = watching.member.get(&watching.path()).await;
    assert_eq!(ninth.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(ninth.text().await.unwrap().contains("streams_busy"));
    let (_folder, stopped) = watching.server.begin_to_stop();
    for stream in &mut streams {
        assert_eq!(told(stream).await, None);
    }
    timeout(SOON, stopped).await.unwrap().unwrap().unwrap();
}
