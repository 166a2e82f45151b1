//! How many sessions without a socket are kept: in all, for each address and for each account, as with open sockets.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::budgets::ws as budgets;
use crate::network::Network;
use crate::protocol::ids::UserId;

/// The places of the sessions that are kept. Clones share them.
#[derive(Debug, Clone)]
pub struct Kept(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    is_shared_out: bool,
    held: Mutex<Held>,
    total: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Held {
    by_address: HashMap<Network, usize>,
    by_user: HashMap<UserId, usize>,
}

/// The owner of a session that asks for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Where its socket came from.
    pub address: Network,
    /// Its user.
    pub user: UserId,
    /// It is in no room.
    pub is_nowhere: bool,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    owner: Owner,
}

impl Kept {
    /// `most` in all. Unless they are shared out, each address and account may have as many as there are.
    pub fn new(most: usize, is_shared_out: bool) -> Self {
        Self(Arc::new(Shared {
            most,
            is_shared_out,
            held: Mutex::default(),
            total: watch::Sender::new(0),
        }))
    }

    /// A place, if there is one.
    pub fn take(&self, owner: Owner) -> Option<Place> {
        let mut held = self.0.lock();
        if !self.0.has_place(&held, &owner) {
            return None;
        }
        *held.by_address.entry(owner.address).or_default() += 1;
        *held.by_user.entry(owner.user.clone()).or_default() += 1;
        self.0.total.send_modify(|total| *total += 1);
        let shared = Arc::clone(&self.0);
        Some(Place { shared, owner })
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        *self.0.total.borrow()
    }

    /// Waits until none is kept any more: for ordered shutdown.
    pub async fn ended(&self) {
        let mut total = self.0.total.subscribe();
        // The sender lives as long as `self`, so waiting can only end in success.
        let _ = total.wait_for(|kept| *kept == 0).await;
    }
}

impl Shared {
    fn has_place(&self, held: &Held, owner: &Owner) -> bool {
        let total = *self.total.borrow();
        let left = self.most.saturating_sub(total);
        if left == 0 {
            return false;
        }
        if !self.is_shared_out {
            return true;
        }
        let part = |of: usize, percent: usize| (of * percent).div_ceil(100);
        let of_address = held.by_address.get(&owner.address).copied().unwrap_or(0);
        let of_user = held.by_user.get(&owner.user).copied().unwrap_or(0);
        of_address < part(of_address + left, budgets::KEPT_OF_ADDRESS.size())
            && of_user < budgets::KEPT_OF_ACCOUNT.size()
            && (!owner.is_nowhere || total < part(self.most, budgets::KEPT_NOWHERE.size()))
    }

    /// Counting cannot fail half-way, so what a panicked thread left is sound.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.shared.lock();
        give_back(&mut held.by_address, self.owner.address);
        give_back(&mut held.by_user, self.owner.user.clone());
        self.shared.total.send_modify(|total| *total -= 1);
    }
}

fn give_back<K: Hash + Eq>(held: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut entry) = held.entry(key) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(address: u32, user: &str, is_nowhere: bool) -> Owner {
        Owner {
            address: Network::of(std::net::Ipv4Addr::from_bits(0xc000_0200 + address).into()),
            user: UserId::try_from(user.to_owned()).unwrap(),
            is_nowhere,
        }
    }

    /// Takes places for the owners that `of` makes, until there is none left.
    fn greedy(kept: &Kept, of: impl Fn(usize) -> Owner) -> Vec<Place> {
        (0..).map_while(|at| kept.take(of(at))).collect()
    }

    #[test]
    fn an_address_an_account_and_those_in_no_room_have_their_shares() {
        let most = budgets::KEPT.size();
        let kept = Kept::new(most, true);
        let of_address = greedy(&kept, |at| owner(1, &format!("u{at}"), false));
        assert_eq!(of_address.len(), most / 2);
        assert!(
            kept.take(owner(2, "bo", false)).is_some(),
            "others find one"
        );
        assert!(kept.take(owner(2, "bo", true)).is_none(), "those in a room");
        drop(of_address);
        assert_eq!(kept.count(), 0);

        let kept = Kept::new(most, true);
        let of_account = greedy(&kept, |at| owner(u32::try_from(at).unwrap(), "ada", false));
        assert_eq!(of_account.len(), budgets::KEPT_OF_ACCOUNT.size());

        let kept = Kept::new(most, true);
        let nowhere = greedy(&kept, |at| {
            owner(u32::try_from(at).unwrap(), &format!("u{at}"), true)
        });
        assert_eq!(nowhere.len(), most / 2);
    }

    #[test]
    fn without_limits_one_may_have_all_and_nobody_more_than_there_are() {
        let kept = Kept::new(100, false);
        assert_eq!(greedy(&kept, |_| owner(1, "ada", true)).len(), 100);
        let none = Kept::new(0, true);
        assert!(none.take(owner(1, "ada", false)).is_none());
    }

    #[tokio::test]
    async fn an_ordered_end_waits_for_the_last() {
        let kept = Kept::new(2, true);
        let place = kept.take(owner(1, "ada", false));
        let mut ended = std::pin::pin!(kept.ended());
        assert!(futures_util::FutureExt::now_or_never(ended.as_mut()).is_none());
        drop(place);
        ended.await;
    }
}
