//! All allocations, and the addresses by which they are known.

use std::net::{IpAddr, SocketAddr};

use super::allocation::Allocation;
use super::{Client, Server};

/// The first port of relayed addresses. The standard recommends the dynamic range (RFC 8656 §7.2), so that real ports
/// stay free. Here ports are only numbers, and a lower start gives more of them.
const FIRST_PORT: u16 = 16_384;

/// A family of addresses (RFC 8656 §18.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// As it is written.
    pub fn read(value: &[u8]) -> Option<Self> {
        match value {
            [1, _, _, _] => Some(Self::V4),
            [2, _, _, _] => Some(Self::V6),
            _ => None,
        }
    }

    /// The family of an address as it is written. An IPv4-mapped IPv6 address does not count as IPv4.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl Server {
    /// The IP of relayed addresses of this family: one of our own. Loopback is used only if there is no other.
    pub(super) fn relay_ip(&self, family: Family) -> Option<IpAddr> {
        let of_family = || {
            let ips = self.media.iter().map(SocketAddr::ip);
            ips.filter(move |ip| Family::of(*ip) == family)
        };
        of_family()
            .find(|ip| !ip.is_loopback())
            .or_else(|| of_family().next())
    }

    /// A free relayed address that is no media address.
    pub(super) fn free_address(&mut self, ip: IpAddr, is_even: bool) -> Option<SocketAddr> {
        let ports = u16::MAX - FIRST_PORT + 1;
        for _ in 0..ports {
            let address = SocketAddr::new(ip, FIRST_PORT + self.next_port);
            self.next_port = (self.next_port + 1) % ports;
            let fits = !is_even || address.port().is_multiple_of(2);
            let is_taken = self.relayed.contains_key(&address) || self.media.contains(&address);
            if fits && !is_taken {
                return Some(address);
            }
        }
        None
    }

    pub(super) fn keep(&mut self, client: Client, allocation: Allocation) {
        if let Some(member) = self.members.get_mut(&allocation.participant) {
            member.allocations += 1;
        }
        self.relayed.insert(allocation.relayed, client);
        self.by_id.insert(allocation.id, client);
        self.allocations.insert(client, allocation);
    }

    /// Frees what a client has.
    pub(super) fn free_at(&mut self, client: Client) {
        let Some(allocation) = self.allocations.remove(&client) else {
            return;
        };
        self.relayed.remove(&allocation.relayed);
        self.by_id.remove(&allocation.id);
        if let Some(member) = self.members.get_mut(&allocation.participant) {
            member.allocations -= 1;
        }
    }

    pub(super) fn free(&mut self, is_over: impl Fn(&Allocation) -> bool) {
        let allocations = self.allocations.iter();
        let over: Vec<Client> = allocations
            .filter(|(_, allocation)| is_over(allocation))
            .map(|(client, _)| *client)
            .collect();
        for client in over {
            self.free_at(client);
        }
    }
}
