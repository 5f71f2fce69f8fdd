//! From Google's XML interface to its JSON one, as far as files are written and removed.

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use super::exchange;
use crate::http::{Request, read_request, write_response};

const BOUNDARY: &str = "between-the-parts";

pub(super) async fn serve(listener: TcpListener, server: String) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, server.clone()));
    }
}

async fn answer(mut stream: TcpStream, server: String) -> Option<()> {
    loop {
        let request = read_request(&mut stream).await?;
        let (method, server) = (request.method.clone(), server.clone());
        let raw = tokio::task::spawn_blocking(move || forward(&server, &request)).await.ok()?;
        if method == "GET" {
            // As it came, which says that the connection ends.
            return stream.write_all(&raw).await.ok();
        }
        let text = String::from_utf8_lossy(&raw);
        let status: u16 = text.split(' ').nth(1)?.parse().ok()?;
        let field = |name: &str| Some(text.split_once(&format!("\"{name}\":\""))?.1.split_once('"')?.0.to_owned());
        let (etag, generation) = (field("etag").unwrap_or_default(), field("generation").unwrap_or_default());
        let headers = [("etag", etag.as_str()), ("x-goog-generation", generation.as_str())];
        write_response(&mut stream, status, &headers, b"").await?;
    }
}

fn forward(server: &str, request: &Request) -> Vec<u8> {
    let (bucket, name) = request.path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let encoded = name.replace('/', "%2F");
    match request.method.as_str() {
        "PUT" => {
            let header = |name| request.header(name).unwrap_or_default();
            let condition =
                request.header("x-goog-if-generation-match").map(|value| format!("&ifGenerationMatch={value}"));
            let path = format!(
                "/upload/storage/v1/b/{bucket}/o?uploadType=multipart&name={encoded}{}",
                condition.unwrap_or_default()
            );
            let facts = format!(
                "{{\"name\":\"{name}\",\"contentType\":\"{}\",\"cacheControl\":\"{}\"}}",
                header("content-type"),
                header("cache-control")
            );
            let start = format!(
                "--{BOUNDARY}\r\ncontent-type: application/json\r\n\r\n{facts}\r\n--{BOUNDARY}\r\ncontent-type: {}\r\n\r\n",
                header("content-type")
            );
            let end = format!("\r\n--{BOUNDARY}--\r\n");
            let body = [start.as_bytes(), &request.body, end.as_bytes()].concat();
            exchange(server, "POST", &path, &format!("content-type: multipart/related; boundary={BOUNDARY}\r\n"), &body)
        }
        "DELETE" => exchange(server, "DELETE", &format!("/storage/v1/b/{bucket}/o/{encoded}"), "", b""),
        method => {
            let host = request.header("host").unwrap_or_default();
            exchange_as(server, host, method, &request.path)
        }
    }
}

/// The server tells downloads by the host that is asked for.
fn exchange_as(server: &str, host: &str, method: &str, path: &str) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(server).expect("it listens");
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    answer
}
