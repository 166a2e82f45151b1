//! The tokens that resume a session: each is used once, and each use gives a new one.
//!
//! A token is 128 random bits. Its SHA-256 is kept. The answer with a new token can be lost, so the used token stays
//! good until the new one was used.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// How many tokens are good at once. After several new ones in a row, the client may have received any of them.
const MOST_GOOD: usize = 4;

/// The tokens of one session, as hashes. They cannot be guessed, so no slower hash is needed.
#[derive(Debug, Default)]
pub struct ResumeTokens {
    /// The good ones, the oldest first.
    good: VecDeque<[u8; 32]>,
}

impl ResumeTokens {
    /// The first token after a log-in. Earlier ones become void.
    pub fn begin(&mut self) -> String {
        self.good.clear();
        self.issue()
    }

    /// A further token. Earlier ones stay good until one of them, or this one, was used.
    pub fn issue(&mut self) -> String {
        let mut bytes = [0u8; 16];
        rand::rng().fill_bytes(&mut bytes);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        if self.good.len() >= MOST_GOOD {
            self.good.pop_front();
        }
        self.good.push_back(digest(&token));
        token
    }

    /// The hashes of the good tokens, for [`ResumeTokens::restored`].
    pub fn kept(&self) -> Vec<String> {
        let good = self.good.iter();
        good.map(|hash| URL_SAFE_NO_PAD.encode(hash)).collect()
    }

    /// Restores tokens from their hashes. Entries that are no hash are left out.
    pub fn restored(kept: &[String]) -> Self {
        let hash = |text: &String| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        let newest = kept.len().saturating_sub(MOST_GOOD);
        Self {
            good: kept[newest..].iter().filter_map(hash).collect(),
        }
    }

    /// Whether `token` is good. The time that this takes tells nothing about it.
    pub fn admits(&self, token: &str) -> bool {
        self.find(token).is_some()
    }

    /// Uses `token`, and returns the next one. None if it is not good.
    pub fn redeem(&mut self, token: &str) -> Option<String> {
        let used = self.find(token)?;
        self.good.retain(|known| *known == used);
        Some(self.issue())
    }

    /// The session cannot be resumed any more.
    pub fn clear(&mut self) {
        self.good.clear();
    }

    fn find(&self, token: &str) -> Option<[u8; 32]> {
        let asked = digest(token);
        let mut found = Choice::from(0);
        for known in &self.good {
            found |= known.ct_eq(&asked);
        }
        bool::from(found).then_some(asked)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_128_bits_and_no_two_are_alike() {
        let mut tokens = ResumeTokens::default();
        let (one, two) = (tokens.begin(), tokens.issue());
        assert_eq!(URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 16);
        assert_ne!(one, two);
    }

    #[test]
    fn the_one_before_is_good_until_the_new_one_was_used() {
        let mut tokens = ResumeTokens::default();
        let first = tokens.begin();
        let lost = tokens.redeem(&first).unwrap();
        // The answer was lost, and the client tries again.
        let second = tokens.redeem(&first).unwrap();
        assert!(!tokens.admits(&lost), "nobody has it");
        let third = tokens.redeem(&second).unwrap();
        assert_eq!(tokens.redeem(&first), None, "it was used twice");
        assert!(tokens.admits(&second) && tokens.admits(&third));
    }

    #[test]
    fn of_several_that_were_given_the_client_may_have_any() {
        let mut tokens = ResumeTokens::default();
        let (first, second, third) = (tokens.begin(), tokens.issue(), tokens.issue());
        for token in [&first, &second, &third] {
            assert!(tokens.admits(token));
        }
        tokens.redeem(&second).unwrap();
        assert!(!tokens.admits(&first) && !tokens.admits(&third));
        for _ in 0..2 * MOST_GOOD {
            tokens.issue();
        }
        assert_eq!(tokens.good.len(), MOST_GOOD);
    }

    #[test]
    fn tokens_that_are_restored_are_as_good_as_before() {
        let mut tokens = ResumeTokens::default();
        let (first, second) = (tokens.begin(), tokens.issue());
        let kept = tokens.kept();
        assert!(kept.iter().all(|hash| *hash != first && *hash != second));
        let mut restored = ResumeTokens::restored(&kept);
        assert!(restored.admits(&first) && restored.redeem(&second).is_some());
        assert!(!restored.admits(&first));
        assert!(!ResumeTokens::restored(&["no hash".to_owned()]).admits(""));
    }

    #[test]
    fn who_logs_in_anew_or_out_leaves_no_good_token_behind() {
        let mut tokens = ResumeTokens::default();
        let first = tokens.begin();
        let second = tokens.begin();
        assert!(!tokens.admits(&first) && tokens.admits(&second));
        tokens.clear();
        assert_eq!(tokens.redeem(&second), None);
        assert!(!tokens.admits(""));
    }
}
