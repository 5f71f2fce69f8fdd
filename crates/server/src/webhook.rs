//! Carries webhooks by HTTP, to where the policy allows and nowhere else.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use pintle_discover::{AddressPolicy, Resolve, SystemResolver};
use pintle_service::{OutgoingMessage, SendError, WebhookSender};
use reqwest::{
    Client, StatusCode, Url,
    header::{HeaderValue, RETRY_AFTER},
};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::ServerError;

/// For the whole attempt, resolution included: shorter than a request for a test may take.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends messages. The address that a name leads to is judged, and the very address is connected to: a second answer that
/// differs (DNS rebinding) has nobody to hear it. Redirects are not followed, proxies not used, and of an answer no more
/// is read than its head.
#[derive(Debug)]
pub(crate) struct HttpSender {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    tls: rustls::ClientConfig,
}

impl HttpSender {
    pub(crate) fn new(policy: AddressPolicy) -> Result<Self, ServerError> {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| ServerError::Webhooks(error.to_string()))?
            .with_no_client_auth();
        Ok(Self { policy, resolver: Arc::new(SystemResolver), tls })
    }

    async fn attempt(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        let url = &message.url;
        let (host, addresses) = self.find_addresses(url).await?;
        let client = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .resolve_to_addrs(&host, &addresses)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("pintle-server/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| failed("no connection can be made"))?;
        let mut request = client.post(url.clone()).header("content-type", "application/json");
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(message.body.clone()).send().await.map_err(|error| failed(describe(&error)))?;
        judge(answer.status(), answer.headers().get(RETRY_AFTER))
    }

    /// The addresses of the host that may be connected to; all of them must.
    async fn find_addresses(&self, url: &Url) -> Result<(String, Vec<SocketAddr>), SendError> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(failed("the URL has no host"));
        };
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let resolved = match name.parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.resolve(name).await.map_err(|_| failed("the name of its host does not resolve"))?,
        };
        if resolved.is_empty() {
            return Err(failed("the name of its host does not resolve"));
        }
        let addresses: Vec<_> = resolved.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        for address in &addresses {
            self.check(url, *address)?;
        }
        Ok((host.to_owned(), addresses))
    }

    /// Plain HTTP is for networks that the operator named: elsewhere everybody on the way would read along.
    fn check(&self, url: &Url, address: SocketAddr) -> Result<(), SendError> {
        self.policy.check(address).map_err(|error| failed(&error.to_string()))?;
        let is_public = AddressPolicy::public().with_ports([address.port()]).check(address).is_ok();
        if url.scheme() == "http" && is_public {
            return Err(failed("plain http is for networks that the operator of the server allows; use https"));
        }
        Ok(())
    }
}

#[async_trait]
impl WebhookSender for HttpSender {
    fn takes_plain_http(&self) -> bool {
        self.policy.has_networks()
    }

    async fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        match tokio::time::timeout(TIMEOUT, self.attempt(message)).await {
            Ok(sent) => sent,
            Err(_) => Err(failed("it did not answer in time")),
        }
    }
}

fn judge(status: StatusCode, retry_after: Option<&HeaderValue>) -> Result<(), SendError> {
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        return Err(failed(&format!("it answers {}, and redirects are not followed", status.as_u16())));
    }
    let message = format!("it answers {}", status.as_u16());
    // Seconds; a date, which RFC 9110 allows as well, would be one of another clock.
    let asks = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let retry_after_secs = retry_after.filter(|_| asks).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Err(SendError { message, is_gone: status == StatusCode::GONE, retry_after_secs })
}

fn failed(message: &str) -> SendError {
    SendError { message: message.to_owned(), is_gone: false, retry_after_secs: None }
}

/// Without the URL, and without what the other side says.
fn describe(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection, or no TLS with it"
    } else {
        "the connection broke"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io, net::IpAddr};

    #[derive(Debug)]
    struct Fixed(Vec<IpAddr>);

    #[async_trait]
    impl Resolve for Fixed {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    async fn find(url: &str, addresses: &[&str], policy: AddressPolicy) -> Result<usize, String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let sender = HttpSender { resolver: Arc::new(Fixed(addresses)), ..HttpSender::new(policy).unwrap() };
        let found = sender.find_addresses(&Url::parse(url).unwrap()).await;
        found.map(|(_, addresses)| addresses.len()).map_err(|error| error.message)
    }

    #[tokio::test]
    async fn names_and_literals_that_lead_inside_are_refused_whatever_they_are_called() {
        let public = AddressPolicy::public;
        assert_eq!(find("https://hooks.example.com/x", &["1.1.1.1", "2606:4700::1111"], public()).await, Ok(2));
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1"] {
            let refused = find("https://hooks.example.com/x", &["1.1.1.1", address], public()).await;
            assert!(refused.unwrap_err().contains("public internet"), "{address}");
        }
        for url in [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://017700000001/",
        ] {
            assert!(find(url, &["1.1.1.1"], public()).await.unwrap_err().contains("public internet"), "{url}");
        }
        for url in ["https://hooks.example.com:22/", "https://hooks.example.com:6379/"] {
            assert!(find(url, &["1.1.1.1"], public()).await.unwrap_err().contains("port"), "{url}");
        }
    }

    #[test]
    fn a_wait_is_heard_from_those_who_may_ask_for_one() {
        let wait = |status: u16, value: &'static str| {
            let status = StatusCode::from_u16(status).unwrap();
            judge(status, Some(&HeaderValue::from_static(value))).unwrap_err().retry_after_secs
        };
        assert_eq!((wait(429, "120"), wait(503, " 7 ")), (Some(120), Some(7)));
        for (status, value) in [(500, "120"), (302, "120"), (429, "Wed, 21 Oct 2026 07:28:00 GMT"), (429, "-1")] {
            assert_eq!(wait(status, value), None, "{status} {value}");
        }
    }

    #[tokio::test]
    async fn plain_http_is_for_networks_of_the_operator() {
        let policy = || AddressPolicy::public().with_networks(["10.1.0.0/16".parse().unwrap()]).with_ports([80]);
        assert_eq!(find("http://hooks.corp/x", &["10.1.2.3"], policy()).await, Ok(1));
        for address in ["1.1.1.1", "10.2.0.1"] {
            assert!(find("http://hooks.corp/x", &[address], policy()).await.is_err(), "{address}");
        }
    }
}
