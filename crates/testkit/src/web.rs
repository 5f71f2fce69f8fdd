//! A web service on loopback, with whatever answers a test wants of it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use crate::http::{Request, read_request};

/// Answers one request per connection, and keeps what it was asked. It ends when dropped.
#[derive(Debug)]
pub struct WebServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    task: AbortHandle,
}

/// What it answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status line without the version, and headers.
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// 200 with this body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { head: "200 OK".to_owned(), body: body.into() }
    }

    /// A status, as `404 Not Found`, and nothing else.
    #[must_use]
    pub fn status(status: &str) -> Self {
        Self { head: status.to_owned(), body: Vec::new() }
    }

    /// With one more header, as `Retry-After: 1`.
    #[must_use]
    pub fn with_header(self, header: &str) -> Self {
        Self { head: format!("{}\r\n{header}", self.head), ..self }
    }

    /// What it holds.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl WebServer {
    /// `answer` gets path and query.
    pub async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answer).await
    }

    /// The same at this address.
    pub async fn start_at(address: SocketAddr, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port of loopback");
        let address = listener.local_addr().expect("it listens");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, asked) = (Arc::clone(&answer), Arc::clone(&kept));
                tokio::spawn(async move { serve(stream, &*answer, &asked).await });
            }
        });
        Self { address, asked, task: task.abort_handle() }
    }

    /// Where it answers, without path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: &impl Fn(&str) -> Answer, asked: &Mutex<Vec<Request>>) -> Option<()> {
    let request = read_request(&mut stream).await?;
    let answer = answer(&request.path);
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let head = format!("HTTP/1.1 {}\r\nConnection: close\r\n\r\n", answer.head);
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&answer.body).await.ok()
}
