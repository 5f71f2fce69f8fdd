use std::{fmt, io, net::IpAddr};

use async_trait::async_trait;
use tokio::net::lookup_host;

/// Turns names into addresses.
///
/// Contract: it is asked once per name and look, and nothing asks again behind its back: what it answers is judged and
/// then connected to, so a second answer that differs (DNS rebinding) has nobody to hear it. It need not be honest.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync {
    /// Every address of `name`, in the order to be tried.
    ///
    /// # Errors
    /// What the resolver says; an unknown name is an error or an empty list.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system: it knows the hosts file, split horizons and the company's search domains, as
/// every app on the machine does.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}
