//! Connections by network: one host must not take all there are. IPv4 is counted by address, IPv6 by /64, which
//! is what one customer of a provider has. What a proxy says does not count here; a trusted proxy is exempt,
//! because everybody comes through it.

use crate::app::limits::Subject;
use crate::config::Edge;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Who is connected how often.
pub(super) struct Seats {
    edge: Edge,
    taken: Mutex<HashMap<Subject, u32>>,
}

/// A connection's seat; dropping it frees it.
pub(super) struct Seat(Option<(Arc<Seats>, Subject)>);

impl Seats {
    pub(super) fn new(edge: Edge) -> Arc<Self> {
        Arc::new(Self { edge, taken: Mutex::default() })
    }

    /// A seat, unless that network has all that it may have.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        if self.edge.connections == 0 || self.edge.trusts(peer) {
            return Some(Seat(None));
        }
        let subject = Subject::network(peer);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(subject.clone()).or_default();
        if *count >= self.edge.connections {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Seat(Some((Arc::clone(self), subject))))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((seats, subject)) = self.0.take() else { return };
        let mut taken = seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&subject) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Enforced, Limits};

    fn seats(connections: u32) -> Arc<Seats> {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let limits = Limits::PUBLISHED;
        Seats::new(Edge {
            limits,
            enforced: Enforced::Yes,
            trusted_proxies,
            cors_origins: vec![],
            connections,
            admin_listen: None,
        })
    }

    fn take(seats: &Arc<Seats>, peer: &str) -> Option<Seat> {
        seats.take(peer.parse().unwrap())
    }

    #[test]
    fn a_network_has_so_many_and_another_has_its_own() {
        let seats = seats(2);
        let held = [take(&seats, "192.0.2.1"), take(&seats, "::ffff:192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(take(&seats, "192.0.2.1").is_none());
        assert!(take(&seats, "192.0.2.2").is_some());
        drop(held);
        assert!(take(&seats, "192.0.2.1").is_some());
        assert!(seats.taken.lock().unwrap().is_empty(), "whoever left is forgotten");
    }

    #[test]
    fn ipv6_is_one_network_by_64() {
        let seats = seats(1);
        let held = take(&seats, "2001:db8:1:2::1");
        assert!(take(&seats, "2001:db8:1:2:ffff::9").is_none());
        assert!(take(&seats, "2001:db8:1:3::1").is_some());
        drop(held);
    }

    #[test]
    fn a_trusted_proxy_is_not_counted_and_zero_is_no_limit() {
        let (few, none) = (seats(1), seats(0));
        let held: Vec<_> = (0..50).flat_map(|_| [take(&few, "10.1.2.3"), take(&none, "192.0.2.1")]).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
