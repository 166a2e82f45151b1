//! The codecs that subscribers take. A browser names the same codecs for all its slots, and all browsers of one make
//! name the same. So each list is kept once for all slots of a room that have it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::media::peer::sdp::Codec;

/// So many lists are remembered: sounds and pictures of a few makes. A slot whose list is not among them has its own.
const REMEMBERED: usize = 8;

/// The lists of a room that were named last.
#[derive(Debug, Default)]
pub(in crate::media) struct Taken {
    lists: VecDeque<Arc<[Codec]>>,
}

impl Taken {
    /// One list of these codecs, the same for all subscribers that name them.
    pub(super) fn list(&mut self, codecs: &[Codec]) -> Arc<[Codec]> {
        let mut lists = self.lists.iter();
        if let Some(known) = lists.find(|list| ***list == *codecs) {
            return Arc::clone(known);
        }
        let list: Arc<[Codec]> = Arc::from(codecs);
        if self.lists.len() >= REMEMBERED {
            self.lists.pop_front();
        }
        self.lists.push_back(Arc::clone(&list));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::peer::codec::offered;
    use crate::protocol::object::MediaKind;

    #[test]
    fn slots_that_take_the_same_share_one_list() {
        let mut taken = Taken::default();
        let pictures = offered(MediaKind::Video);
        let first = taken.list(pictures);
        let sounds = taken.list(offered(MediaKind::Audio));
        assert!(!Arc::ptr_eq(&first, &sounds));
        let again = taken.list(pictures);
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(&*first, pictures);
    }

    #[test]
    fn strange_lists_are_not_all_remembered() {
        let mut taken = Taken::default();
        let pictures = offered(MediaKind::Video);
        for payload_type in 0..100 {
            let mut strange = pictures.to_vec();
            strange[0].payload_type = payload_type;
            assert_eq!(*taken.list(&strange), *strange);
        }
        assert_eq!(taken.lists.len(), REMEMBERED);
    }
}
