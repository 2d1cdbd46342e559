//! Name resolution that hands out only addresses that may be reached, so that what is checked is what is connected to.

use super::policy::EgressPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{net::SocketAddr, sync::Arc};

/// The operating system's resolver behind the policy.
#[derive(Debug)]
pub(super) struct PolicyResolver(pub(super) Arc<EgressPolicy>);

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            // Port 0 stands for the port of the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Addrs = Box::new(policy.filter(name.as_str(), found)?.into_iter());
            Ok(allowed)
        })
    }
}
