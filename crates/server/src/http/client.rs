//! Whose address a request comes from: the socket's, unless trusted proxies stand in front. Then the list of
//! `X-Forwarded-For` is walked from the right, past trusted proxies, to the first address that is none: what
//! stands further left was written by the caller and proves nothing.

use super::server::PeerAddress;
use crate::config::Edge;
use axum::extract::Request;
use std::net::{IpAddr, Ipv4Addr};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub(super) IpAddr);

impl ClientAddress {
    pub(super) fn of(request: &Request, edge: &Edge) -> Self {
        // Without a socket (in process) everybody is this machine.
        let peer = request.extensions().get::<PeerAddress>().map(|peer| peer.0.ip());
        let lists = request.headers().get_all(FORWARDED_FOR).iter();
        let lists: Vec<&str> = lists.map(|value| value.to_str().unwrap_or_default()).collect();
        Self(walk(peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), &lists, edge))
    }
}

/// Walks the lists of `X-Forwarded-For`, in the order in which they came.
pub(super) fn walk(peer: IpAddr, lists: &[&str], edge: &Edge) -> IpAddr {
    let mut address = peer;
    let hops = lists.iter().flat_map(|list| list.split(',')).map(str::trim).collect::<Vec<_>>();
    for hop in hops.into_iter().rev() {
        if !edge.trusts(address) {
            break;
        }
        // A hop that is no address was not written by a proxy that is worth its trust.
        let Some(next) = read(hop) else { break };
        address = next;
    }
    address
}

/// An address, with or without a port.
fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let plain = || hop.parse().ok();
    let with_port = || hop.rsplit_once(':').and_then(|(address, _)| address.parse().ok());
    bare.and_then(|address| address.parse().ok()).or_else(plain).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Enforced, Limits};

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &str) -> String {
        let trusted_proxies = trusted.split(',').filter_map(|network| network.parse().ok()).collect();
        let edge = Edge {
            limits: Limits::PUBLISHED,
            enforced: Enforced::Yes,
            trusted_proxies,
            cors_origins: vec![],
            connections: 0,
            admin_listen: None,
        };
        walk(peer.parse().unwrap(), forwarded, &edge).to_string()
    }

    #[test]
    fn the_list_is_walked_from_the_right_past_trusted_proxies_only() {
        let proxies = "10.0.0.0/8,192.168.1.1/32";
        for (peer, forwarded, expected) in [
            // nobody in front: the header is the caller's own invention
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            // one proxy
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // the caller wrote the first entry itself
            ("10.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
            // two proxies, in one list and in two headers
            ("10.0.0.1", &["198.51.100.1, 192.168.1.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.1, 192.168.1.1"], "198.51.100.1"),
            // ports and brackets
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            // nonsense ends the walk at the last proxy that made sense
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(seen(peer, forwarded, proxies), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"], ""), "10.0.0.1");
    }
}
