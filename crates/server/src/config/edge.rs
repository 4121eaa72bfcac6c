//! How the server meets the network: rate limits, proxies in front, origins of browsers.

use super::file::ConfigError;
use super::settings::{OnOff, ServeSettings};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// How many requests a minute each rule lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Prices, by network.
    pub prices: u32,
    /// Balance, transactions and profile, by account.
    pub account: u32,
    /// Purchases, by account.
    pub rent: u32,
    /// Reading one purchase, by purchase.
    pub read_one: u32,
    /// Reading purchases, by account.
    pub read_all: u32,
    /// Refused webhooks, by provider.
    pub hook: u32,
    /// Signing in and what belongs to it, by address and network.
    pub sign_in: u32,
    /// Everything else, by network.
    pub other: u32,
}

impl Limits {
    /// The published numbers.
    pub const PUBLISHED: Self = Self {
        prices: 100,
        account: 60,
        rent: 30,
        read_one: 60,
        read_all: 600,
        hook: 60,
        sign_in: 10,
        other: 300,
    };
}

/// Whether limits are enforced; the headers are sent either way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforced {
    /// They are.
    Yes,
    /// Everything is let through.
    No,
}

/// How the server meets the network.
#[derive(Clone, Debug)]
pub struct Edge {
    /// How much each rule lets through.
    pub limits: Limits,
    /// Whether that is enforced.
    pub enforced: Enforced,
    /// Proxies whose word on the caller's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that browsers may call from with credentials.
    pub cors_origins: Vec<String>,
    /// Most connections of one network at once; zero: any number.
    pub connections: u32,
    /// Where the routes of admins are served, if not beside all others.
    pub admin_listen: Option<SocketAddr>,
}

/// Enough for a busy customer behind one address, far from all that a server has.
const CONNECTIONS: u32 = 512;

impl Edge {
    /// True for a proxy whose word is taken.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

pub(super) fn edge(serve: &ServeSettings) -> Result<Edge, ConfigError> {
    let published = Limits::PUBLISHED;
    let limits = Limits {
        prices: serve.limit_prices.unwrap_or(published.prices),
        account: serve.limit_account.unwrap_or(published.account),
        rent: serve.limit_rent.unwrap_or(published.rent),
        read_one: serve.limit_read_one.unwrap_or(published.read_one),
        read_all: serve.limit_read_all.unwrap_or(published.read_all),
        hook: serve.limit_hook.unwrap_or(published.hook),
        sign_in: serve.limit_sign_in.unwrap_or(published.sign_in),
        other: serve.limit_other.unwrap_or(published.other),
    };
    Ok(Edge {
        limits,
        enforced: if serve.rate_limits == Some(OnOff::Off) { Enforced::No } else { Enforced::Yes },
        trusted_proxies: words(serve.trusted_proxies.as_deref()).map(network).collect::<Result<_, _>>()?,
        cors_origins: words(serve.cors_origins.as_deref()).map(origin).collect::<Result<_, _>>()?,
        connections: serve.limit_connections.unwrap_or(CONNECTIONS),
        admin_listen: serve.admin_listen.as_deref().map(admin_listen).transpose()?,
    })
}

fn admin_listen(text: &str) -> Result<SocketAddr, ConfigError> {
    let sentence = || format!("--admin-listen {text} is not an address and port such as 127.0.0.1:8081.");
    text.parse().map_err(|_not_an_address| ConfigError(sentence()))
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// A network such as `10.0.0.0/8`, or a single address.
fn network(text: &str) -> Result<IpNet, ConfigError> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse::<IpNet>().ok().or_else(single).ok_or_else(|| {
        ConfigError(format!(
            "--trusted-proxies: {text} is neither an address nor a network such as 10.0.0.0/8."
        ))
    })
}

/// An origin such as `https://app.example.com`: no path, and never `*`, because credentials go with it.
fn origin(text: &str) -> Result<String, ConfigError> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(ConfigError(format!(
            "--cors-origins: {text} is not an origin such as https://app.example.com."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge_of(proxies: &str, origins: &str) -> Result<Edge, ConfigError> {
        let (trusted_proxies, cors_origins) = (Some(proxies.to_owned()), Some(origins.to_owned()));
        edge(&ServeSettings { trusted_proxies, cors_origins, ..ServeSettings::default() })
    }

    #[test]
    fn networks_and_single_addresses_are_trusted_proxies() {
        let edge = edge_of("10.0.0.0/8, 2001:db8::1", "").unwrap();
        for (address, trusted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.0.0.1", false),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
        ] {
            assert_eq!(edge.trusts(address.parse().unwrap()), trusted, "{address}");
        }
        assert!(edge_of("10.0.0.0/33", "").is_err() && edge_of("proxy.local", "").is_err());
    }

    #[test]
    fn origins_are_exact_and_never_a_star() {
        assert_eq!(edge_of("", "https://App.example.com").unwrap().cors_origins, ["https://app.example.com"]);
        for bad in ["*", "https://*", "https://a.b/", "ftp://a.b", "a.b"] {
            assert!(edge_of("", bad).is_err(), "{bad}");
        }
    }
}
