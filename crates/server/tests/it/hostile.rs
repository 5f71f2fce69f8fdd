//! Clients that break the rules of HTTP, on raw sockets.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::Server;

/// Sends `head` and then `more` over and over, until the server answers or closes; what it answered.
async fn send(server: &Server, head: &str, more: &[u8], times: usize) -> String {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let (head, more) = (head.as_bytes().to_vec(), more.to_vec());
    let sender = tokio::spawn(async move {
        let _ = writer.write_all(&head).await;
        for _ in 0..times {
            if writer.write_all(&more).await.is_err() {
                break;
            }
        }
        writer
    });
    let mut answer = vec![0; 16 * 1024];
    let count = tokio::time::timeout(Duration::from_secs(40), reader.read(&mut answer)).await.unwrap();
    drop(sender);
    // A reset while the client still sends is an end, too.
    answer.truncate(count.unwrap_or_default());
    String::from_utf8(answer).unwrap()
}

fn post(token: &str, headers: &str) -> String {
    format!(
        "POST /api/v1/organizations HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{headers}\r\n"
    )
}

#[tokio::test]
async fn endless_heads_and_bodies_are_cut_off() {
    let server = Server::start().await;
    let token = server.token.expose_secret();
    let endless_head = send(&server, "GET / HTTP/1.1\r\nhost: h\r\nx: ", &[b'a'; 8192], 1000).await;
    assert!(endless_head.starts_with("HTTP/1.1 431 ") || endless_head.is_empty(), "{endless_head}");
    let many = "x: y\r\n".repeat(100);
    let many_headers = send(&server, "GET / HTTP/1.1\r\n", many.as_bytes(), 10).await;
    assert!(many_headers.starts_with("HTTP/1.1 431 "), "{many_headers}");
    let announced = send(&server, &post(token, "content-length: 99999999999\r\n"), b"", 0).await;
    assert!(announced.contains("body_too_large"), "{announced}");
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    let chunked = send(&server, &post(token, "transfer-encoding: chunked\r\n"), &chunk, 1000).await;
    assert!(chunked.contains("body_too_large"), "{chunked}");
    server.stop().await;
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let server = Server::start().await;
    for head in [
        "GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nhost : h\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip\r\ncontent-length: 3\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = send(&server, head, b"", 0).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{head:?}: {answer}");
    }
    server.admin.whoami().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn members_in_an_array_are_no_object() {
    let server = Server::start().await;
    for (body, status) in [(r#"["Acme"]"#, 422), (r#"{"name":"Acme"}"#, 201)] {
        let head = post(server.token.expose_secret(), &format!("content-length: {}\r\n", body.len()));
        let answer = send(&server, &(head + body), b"", 0).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
    }
    server.stop().await;
}

/// As long as a request may take: the slowest test there is.
#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::start().await;
    let head = post(server.token.expose_secret(), "content-length: 20\r\n");
    let answer = send(&server, &head, b"{", 1).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("timed_out"), "{answer}");
    server.stop().await;
}
