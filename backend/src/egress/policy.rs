//! What may be reached: the public internet, and what the admin of the server allowed beyond it.

use super::address::is_public;
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};
use url::{Host, Url};

/// An entry of the list of what may be reached although it is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowRule {
    /// The host of this name, at whatever address: `git.acme.dev`.
    Host(String),
    /// Every host below this domain, but not the domain itself: `*.acme.dev`.
    Below(String),
    /// Every address in this network: `10.1.0.0/16`, or one address: `10.1.2.3`.
    Network(IpNet),
}

/// An entry that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a host name, `*.` and a domain, an IP address nor a network such as 10.1.0.0/16")]
pub struct InvalidAllowRule(String);

impl FromStr for AllowRule {
    type Err = InvalidAllowRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let invalid = || InvalidAllowRule(text.to_owned());
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let (below, name) = text.strip_prefix("*.").map_or((false, text), |domain| (true, domain));
        // As in a URL, so that letter case and non-ASCII names compare; that parser would take an asterisk.
        match Host::parse(name.trim_end_matches('.')) {
            Ok(Host::Domain(name)) if name.is_empty() || name.contains('*') => Err(invalid()),
            Ok(Host::Domain(name)) => Ok(if below { Self::Below(name) } else { Self::Host(name) }),
            Ok(Host::Ipv4(address)) if !below => Ok(Self::Network(IpAddr::V4(address).into())),
            Ok(Host::Ipv6(address)) if !below => Ok(Self::Network(IpAddr::V6(address).into())),
            Ok(Host::Ipv4(_) | Host::Ipv6(_)) | Err(_) => Err(invalid()),
        }
    }
}

/// A host that may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of {host} is not public, and neither it nor the host is allowed")]
pub(super) struct Denied {
    host: String,
}

/// What may be reached. The default allows public addresses only.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    rules: Vec<AllowRule>,
}

impl EgressPolicy {
    /// Public addresses, and what the rules allow beyond them.
    #[must_use]
    pub const fn new(rules: Vec<AllowRule>) -> Self {
        Self { rules }
    }

    /// Refuses an IP address that stands in the URL itself; no resolver sees that. A name is decided on when its
    /// addresses are known: [`EgressPolicy::filter`].
    pub(super) fn check(&self, url: &Url) -> Result<(), Denied> {
        let allowed = match url.host() {
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            None => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(Denied {
                host: url.host_str().unwrap_or_default().to_owned(),
            })
        }
    }

    /// Those of a host's addresses that may be reached; an error if there are some, but none of them may.
    pub(super) fn filter(&self, host: &str, mut addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Denied> {
        let found = !addresses.is_empty();
        if !self.lists(host) {
            addresses.retain(|address| self.allows(address.ip()));
        }
        if found && addresses.is_empty() {
            Err(Denied { host: host.to_owned() })
        } else {
            Ok(addresses)
        }
    }

    fn lists(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.rules.iter().any(|rule| match rule {
            AllowRule::Host(name) => host.eq_ignore_ascii_case(name),
            AllowRule::Below(domain) => host
                .len()
                .checked_sub(domain.len())
                .and_then(|start| host.split_at_checked(start))
                .is_some_and(|(below, end)| {
                    below.len() > 1 && below.ends_with('.') && end.eq_ignore_ascii_case(domain)
                }),
            AllowRule::Network(_) => false,
        })
    }

    fn allows(&self, address: IpAddr) -> bool {
        // An IPv4 address may come as an IPv6 one; rules are written for the former.
        let address = address.to_canonical();
        is_public(address)
            || self
                .rules
                .iter()
                .any(|rule| matches!(rule, AllowRule::Network(network) if network.contains(&address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(rules: &[&str]) -> EgressPolicy {
        EgressPolicy::new(rules.iter().map(|rule| rule.parse().expect("a rule")).collect())
    }

    fn allows_url(policy: &EgressPolicy, url: &str) -> bool {
        policy.check(&url.parse().expect("a URL")).is_ok()
    }

    fn at(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses
            .iter()
            .map(|address| SocketAddr::new(address.parse().expect("an address"), 0))
            .collect()
    }

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        let rule = |text: &str| text.parse::<AllowRule>();
        assert_eq!(rule(" Git.Acme.dev. "), Ok(AllowRule::Host("git.acme.dev".into())));
        assert_eq!(
            rule("bücher.example"),
            Ok(AllowRule::Host("xn--bcher-kva.example".into()))
        );
        assert_eq!(rule("*.acme.dev"), Ok(AllowRule::Below("acme.dev".into())));
        assert_eq!(
            rule("10.1.0.0/16"),
            Ok(AllowRule::Network("10.1.0.0/16".parse().expect("a network")))
        );
        assert_eq!(
            rule("127.0.0.1"),
            Ok(AllowRule::Network("127.0.0.1/32".parse().expect("a network")))
        );
        assert_eq!(rule("::1"), rule("[::1]"));
        for text in [
            "",
            "*",
            "*.",
            "a.*.b",
            "https://acme.dev",
            "acme.dev:443",
            "10.0.0.0/33",
            "*.10.0.0.1",
            "a b",
        ] {
            assert_eq!(rule(text), Err(InvalidAllowRule(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn an_address_in_a_url_is_refused_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            assert!(!allows_url(&policy(&[]), url), "{url}");
        }
        assert!(allows_url(&policy(&[]), "https://140.82.121.3/"));
    }

    #[test]
    fn an_allowed_network_allows_its_addresses_only() {
        let policy = policy(&["10.1.0.0/16", "::1"]);
        assert!(allows_url(&policy, "http://10.1.2.3/"));
        assert!(allows_url(&policy, "http://[::ffff:10.1.2.3]/"));
        assert!(allows_url(&policy, "http://[::1]/"));
        assert!(!allows_url(&policy, "http://10.2.0.1/"));
        assert!(!allows_url(&policy, "http://127.0.0.1/"));
    }

    #[test]
    fn of_a_names_addresses_only_public_ones_are_left() {
        let policy = policy(&[]);
        assert_eq!(
            policy.filter("a.dev", at(&["10.0.0.1", "1.1.1.1", "::1"])),
            Ok(at(&["1.1.1.1"]))
        );
        assert_eq!(
            policy.filter("a.dev", at(&["10.0.0.1", "::1"])),
            Err(Denied { host: "a.dev".into() })
        );
        assert_eq!(policy.filter("a.dev", at(&[])), Ok(at(&[])));
    }

    #[test]
    fn an_allowed_name_may_have_any_address() {
        let policy = policy(&["git.acme.dev", "*.corp.example"]);
        let private = || at(&["10.0.0.1"]);
        for host in [
            "git.acme.dev",
            "GIT.acme.dev",
            "git.acme.dev.",
            "a.corp.example",
            "a.b.CORP.example",
        ] {
            assert_eq!(policy.filter(host, private()), Ok(private()), "{host}");
        }
        for host in [
            "acme.dev",
            "x.git.acme.dev",
            "evilgit.acme.dev",
            "corp.example",
            ".corp.example",
            "acorp.example",
        ] {
            assert!(policy.filter(host, private()).is_err(), "{host}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_rule_never_fails_badly(text in ".{0,40}", host in ".{0,40}") {
            if let Ok(rule) = text.parse::<AllowRule>() {
                let _ = EgressPolicy::new(vec![rule]).filter(&host, Vec::new());
            }
        }
    }
}
