//! Where a browser comes back to after it signed in elsewhere (RFC 8252, 7.3): a port of this machine, open for one answer.

use std::time::Duration;

use pintle_api::{FinishSsoRequest, SecretText, SsoStep};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;
use zeroize::Zeroizing;

use crate::CommandError;

/// As long as the server waits.
const PATIENCE: Duration = Duration::from_secs(600);
/// A browser sends its request at once; others get no more of our time.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// Cookies of other programs on this address included.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// A port that waits for a browser.
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// What a browser brought.
enum Answer {
    Code {
        code: Zeroizing<String>,
        iss: Option<String>,
    },
    /// The provider's word for why not.
    Refused(String),
}

impl Loopback {
    pub(crate) async fn open() -> Result<Self, CommandError> {
        let failed = |error| CommandError::Loopback { error };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The redirect URI that leads here.
    pub(crate) fn redirect_uri(&self, provider: &str) -> String {
        format!("http://127.0.0.1:{}/sso/{provider}", self.port)
    }

    /// Waits for the answer to `step`. What is none, as whatever a page of the web sends here, is turned away.
    pub(crate) async fn wait(self, provider: &str, step: SsoStep) -> Result<FinishSsoRequest, CommandError> {
        let answer = tokio::time::timeout(PATIENCE, self.accept(provider, &step.state)).await;
        match answer.map_err(|_| CommandError::SsoTimeout)?? {
            Answer::Code { code, iss } => Ok(FinishSsoRequest {
                provider: provider.to_owned(),
                pending: step.pending,
                state: step.state,
                code: SecretText::from(code),
                iss,
            }),
            Answer::Refused(reason) => Err(CommandError::SsoDenied { reason }),
        }
    }

    async fn accept(&self, provider: &str, state: &str) -> Result<Answer, CommandError> {
        loop {
            let (mut stream, _) = self.listener.accept().await.map_err(|error| CommandError::Loopback { error })?;
            let served = tokio::time::timeout(REQUEST_PATIENCE, serve(&mut stream, provider, state)).await;
            if let Ok(Some(answer)) = served {
                return Ok(answer);
            }
        }
    }
}

/// Reads one request and answers it.
async fn serve(stream: &mut TcpStream, provider: &str, state: &str) -> Option<Answer> {
    let request = read_request(stream).await?;
    let answer = parse_answer(&request, provider, state);
    let (status, text) = match &answer {
        Some(Answer::Code { .. }) => ("200 OK", "Pintle has your answer. You can close this page."),
        Some(Answer::Refused(_)) => ("200 OK", "You are not signed in. You can close this page."),
        None => ("404 Not Found", "There is nothing here."),
    };
    let page = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         referrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    // Whether the browser shows it or not: the answer is here.
    let _shown = stream.write_all(page.as_bytes()).await;
    let _closed = stream.shutdown().await;
    answer
}

/// The first line of a request, once all of its head is there.
async fn read_request(stream: &mut TcpStream) -> Option<Zeroizing<String>> {
    let mut head = Zeroizing::new(Vec::new());
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= MAX_REQUEST_BYTES || stream.read_buf(&mut *head).await.ok()? == 0 {
            return None;
        }
    }
    let head = std::str::from_utf8(&head).ok()?;
    head.lines().next().map(|line| Zeroizing::new(line.to_owned()))
}

/// What `GET /sso/PROVIDER?…` says, if it is the answer to `state`.
fn parse_answer(line: &str, provider: &str, state: &str) -> Option<Answer> {
    let target = line.strip_prefix("GET ")?.split_once(' ')?.0;
    let url = Url::parse("http://127.0.0.1").ok()?.join(target).ok()?;
    let find = |wanted: &str| {
        let mut values = url.query_pairs().filter(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
        // A parameter that comes twice says two things.
        values.next().filter(|_| values.next().is_none())
    };
    if url.path() != format!("/sso/{provider}") || find("state").as_deref() != Some(state) {
        return None;
    }
    match (find("code"), find("error")) {
        (Some(code), None) => Some(Answer::Code { code: Zeroizing::new(code), iss: find("iss") }),
        (None, Some(error)) => Some(Answer::Refused(error.chars().filter(|c| c.is_ascii_graphic()).take(64).collect())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_what_was_asked_is_one() {
        let parse = |target: &str| match parse_answer(&format!("GET {target} HTTP/1.1"), "corp", "s1") {
            Some(Answer::Code { code, iss }) => format!("{} {}", *code, iss.unwrap_or_default()),
            Some(Answer::Refused(reason)) => format!("refused: {reason}"),
            None => "none".to_owned(),
        };
        assert_eq!(parse("/sso/corp?code=c%2F1&state=s1&iss=https%3A%2F%2Fx"), "c/1 https://x");
        assert_eq!(parse("/sso/corp?error=access_denied&state=s1"), "refused: access_denied");
        for target in [
            "/sso/corp?code=c&state=s2",
            "/sso/corp?code=c",
            "/sso/corp?code=c&code=d&state=s1",
            "/sso/corp?code=c&state=s1&state=s1",
            "/sso/other?code=c&state=s1",
            "/sso/corp?state=s1",
            "/favicon.ico",
            "//evil.example/sso/corp/?code=c&state=s1",
        ] {
            assert_eq!(parse(target), "none", "{target}");
        }
        assert!(parse_answer("POST /sso/corp?code=c&state=s1 HTTP/1.1", "corp", "s1").is_none());
    }
}
