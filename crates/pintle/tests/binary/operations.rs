//! What a service manager and a log collector see.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use crate::workshop::{Server, Workshop};

/// One request on a connection of its own; the whole answer.
fn ask(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_log_tells_requests_apart_and_keeps_no_secret_and_no_address() {
    let workshop = Workshop::open();
    workshop.write("pintle.toml", "[proxy]\ntrusted = [\"127.0.0.1/32\"]\n");
    let server = workshop.serve_with(&["--log", "debug", "--log-format", "json"]);
    let token = fs::read_to_string(workshop.path("token")).unwrap();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.run(&["keys", "generate"]);
    workshop.json(&["projects", "create", "shop"]);
    let headers = "host: h\r\nx-forwarded-for: 203.0.113.77\r\nx-request-id: trace-of-proxy\r\nconnection: close\r\n";
    // A token where none belongs, a wrong one, an address in the path, and one of an IPv6 client.
    for request in [
        format!("GET /api/v1/whoami HTTP/1.1\r\n{headers}authorization: Bearer {token}\r\n\r\n"),
        format!("GET /api/v1/{token}?token={token} HTTP/1.1\r\n{headers}\r\n"),
        format!("GET /api/v1/whoami HTTP/1.1\r\n{headers}authorization: Bearer {token}x\r\n\r\n"),
        format!("GET /cdn/203.0.113.77 HTTP/1.1\r\n{headers}\r\n"),
        format!("GET /healthz HTTP/1.1\r\n{}\r\n", headers.replace("203.0.113.77", "2001:db8::77")),
        "broken\r\n\r\n".to_owned(),
    ] {
        assert!(ask(&server, &request).starts_with("HTTP/1.1 "), "{request}");
    }
    assert!(server.terminate().success());
    let log = fs::read_to_string(workshop.path("log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of_request = |line: &&Value| line["span"]["request.id"] == "trace-of-proxy";
    let answered = lines.iter().filter(of_request).find(|line| line["message"] == "answered").unwrap();
    assert_eq!(answered["span"]["http.route"], "/api/v1/whoami");
    let secret = token.rsplit('_').next().unwrap();
    for kept_out in [secret, "203.0.113.77", "2001:db8::77"] {
        assert!(!log.contains(kept_out), "{kept_out} in {log}");
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_a_server_at_once() {
    let workshop = Workshop::open();
    workshop.write("pintle.toml", "[stop]\ndelay_secs = 600\n");
    let server = workshop.serve();
    server.signal();
    let get = "GET /readyz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    while !ask(&server, get).starts_with("HTTP/1.1 503 ") {}
    server.signal();
    assert_eq!(server.wait().code(), Some(8));
    assert!(fs::read_to_string(workshop.path("log")).unwrap().contains("error[interrupted]: "));
    // What was left is no obstacle.
    workshop.write("pintle.toml", "");
    assert!(workshop.serve().terminate().success());
}
