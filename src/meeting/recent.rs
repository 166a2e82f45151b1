//! What a meeting keeps of people beyond their membership: bounded, as people without accounts are new ones each time.

use std::collections::{HashMap, VecDeque};

use crate::protocol::ids::UserId;

/// Of how many people something is kept. Beyond it whoever was heard of the longest ago is forgotten.
pub(super) const MAX_RECENT: usize = 5_000;

/// Something of each of the people who were heard of last.
#[derive(Debug, Clone)]
pub(super) struct Recent<V> {
    of: HashMap<UserId, V>,
    /// The same people, from the one who was heard of the longest ago to the last one.
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

impl<V> Recent<V> {
    pub(super) fn find(&self, user: &UserId) -> Option<&V> {
        self.of.get(user)
    }

    pub(super) fn forget(&mut self, user: &UserId) {
        if self.of.remove(user).is_some() {
            self.order.retain(|known| known != user);
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.of.retain(|_, value| keep(value));
        self.order.retain(|user| self.of.contains_key(user));
    }

    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    /// Keeps something of somebody, in place of what was kept before.
    pub(super) fn put(&mut self, user: UserId, value: V) {
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
    fn whoever_was_heard_of_the_longest_ago_is_forgotten() {
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
