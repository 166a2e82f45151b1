//! Data of people that outlives their membership. It is bounded, because a guest counts as a new person each time.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::protocol::ids::UserId;

/// The most people that data is kept of. Beyond that the entry that was written the longest ago is forgotten.
pub const MAX_RECENT: usize = 5_000;

/// One value for each of the people whose entries were written last.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    from = "Vec<(UserId, V)>",
    into = "Vec<(UserId, V)>",
    bound(
        serialize = "V: Clone + Serialize",
        deserialize = "V: Deserialize<'de>"
    )
)]
pub struct Recent<V> {
    of: HashMap<UserId, V>,
    /// The same people, from the oldest entry to the newest.
    order: VecDeque<UserId>,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<V> From<Vec<(UserId, V)>> for Recent<V> {
    /// From the oldest entry to the newest.
    fn from(known: Vec<(UserId, V)>) -> Self {
        let mut recent = Self::default();
        for (user, value) in known {
            recent.put(user, value);
        }
        recent
    }
}

impl<V> From<Recent<V>> for Vec<(UserId, V)> {
    fn from(recent: Recent<V>) -> Self {
        let Recent { mut of, order } = recent;
        let known = order.into_iter();
        known
            .filter_map(|user| of.remove(&user).map(|value| (user, value)))
            .collect()
    }
}

impl<V> Recent<V> {
    pub fn find(&self, user: &UserId) -> Option<&V> {
        self.of.get(user)
    }

    pub fn forget(&mut self, user: &UserId) {
        if self.of.remove(user).is_some() {
            self.order.retain(|known| known != user);
        }
    }

    pub fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.of.retain(|_, value| keep(value));
        self.order.retain(|user| self.of.contains_key(user));
    }

    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Sets the value of a person.
    pub fn put(&mut self, user: UserId, value: V) {
        if self.of.insert(user.clone(), value).is_some() {
            self.order.retain(|known| *known != user);
        }
        self.order.push_back(user);
        if self.order.len() > MAX_RECENT
            && let Some(oldest) = self.order.pop_front()
        {
            self.of.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_was_used_the_longest_ago_is_forgotten() {
        let id = |number: usize| UserId::try_from(format!("u-{number}")).unwrap();
        let mut recent = Recent::default();
        for number in 0..MAX_RECENT {
            recent.put(id(number), number);
        }
        recent.put(id(0), 7);
        recent.put(id(MAX_RECENT), MAX_RECENT);
        assert_eq!(recent.find(&id(0)), Some(&7), "heard of again");
        assert_eq!(recent.find(&id(1)), None);
        assert_eq!(recent.find(&id(2)), Some(&2));
        assert_eq!((recent.len(), recent.order.len()), (MAX_RECENT, MAX_RECENT));
        recent.forget(&id(0));
        recent.forget(&id(0));
        assert_eq!(recent.find(&id(0)), None);
        recent.retain(|number| *number < 9);
        assert_eq!((recent.len(), recent.order.len()), (7, 7));
    }
}
