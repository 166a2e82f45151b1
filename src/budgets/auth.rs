//! Budgets of log-ins, registrations and password checks.

use std::time::Duration;

use super::{Budget, Per, Unit};

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[
    &LOGINS,
    &LOGINS_BURST,
    &WRONG_LOGINS,
    &WRONG_LOGINS_BURST,
    &WRONG_LOGINS_AT_ACCOUNT,
    &WRONG_LOGINS_AT_ACCOUNT_BURST,
    &WRONG_LOGINS_FROM_EVERYWHERE,
    &WRONG_LOGINS_FROM_EVERYWHERE_BURST,
    &KNOWN_NETWORKS,
    &WRONG_ROOM_PASSWORDS,
    &WRONG_ROOM_PASSWORDS_BURST,
    &WRONG_PASSWORDS_AT_ROOM,
    &WRONG_PASSWORDS_AT_ROOM_BURST,
    &ROOM_PASSWORDS_SET,
    &ROOM_PASSWORDS_SET_BURST,
    &ROOM_PASSWORDS_REMEMBERED,
    &PASSWORDS_WAITING,
    &WRONG_NUMBERS,
    &WRONG_NUMBERS_BURST,
    &INVITES,
    &INVITES_BURST,
    &WRONG_RESUMES,
    &WRONG_RESUMES_BURST,
    &GUESTS,
    &GUESTS_BURST,
    &REGISTRATIONS,
    &REGISTRATIONS_BURST,
];

const SECOND: Option<Duration> = Some(Duration::from_secs(1));
const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
const LIMITED: &str = "The request is answered rate.limited, with the time to wait.";

/// A limit of an address on attempts: in the long run, and at once.
const fn attempts(
    name: &'static str,
    most: u64,
    every: Option<Duration>,
    reason: &'static str,
    test: &'static str,
) -> Budget {
    Budget {
        name,
        per: Per::Address,
        most,
        unit: Unit::Count,
        every,
        then: LIMITED,
        reason,
        test,
    }
}

/// Log-ins with a password, right or wrong, in the long run.
pub const LOGINS: Budget = attempts(
    "auth.logins",
    4,
    SECOND,
    "Each costs a run of Argon2; a school of a thousand people behind one address has logged in after three minutes.",
    "one_address_logs_in_a_school_and_no_more",
);

/// Log-ins at once.
pub const LOGINS_BURST: Budget = attempts(
    "auth.logins.burst",
    400,
    None,
    "The classes of one floor begin at the same minute.",
    "one_address_logs_in_a_school_and_no_more",
);

/// Log-ins with a wrong password, in the long run.
pub const WRONG_LOGINS: Budget = attempts(
    "auth.wrong_logins",
    1,
    SECOND,
    "Of a thousand people a few mistype; an attacker who guesses tries all the time.",
    "one_address_cannot_go_through_many_accounts",
);

/// Log-ins with a wrong password at once.
pub const WRONG_LOGINS_BURST: Budget = attempts(
    "auth.wrong_logins.burst",
    60,
    None,
    "Until a password is checked, its try counts as wrong: a class may be checked at the same time.",
    "one_address_cannot_go_through_many_accounts",
);

/// Log-ins with a wrong password at one account from one address, in the long run.
pub const WRONG_LOGINS_AT_ACCOUNT: Budget = attempts(
    "auth.wrong_logins_at_account",
    6,
    MINUTE,
    "A person tries a few passwords; a stranger is slowed down at the stranger's address, and the owner is not.",
    "a_stranger_cannot_lock_the_owner_out",
);

/// Log-ins with a wrong password at one account from one address, at once.
pub const WRONG_LOGINS_AT_ACCOUNT_BURST: Budget = attempts(
    "auth.wrong_logins_at_account.burst",
    10,
    None,
    "A person who has forgotten which password it was tries several.",
    "a_stranger_cannot_lock_the_owner_out",
);

/// Log-ins with a wrong password at one account from everywhere, in the long run.
pub const WRONG_LOGINS_FROM_EVERYWHERE: Budget = Budget {
    name: "auth.wrong_logins_from_everywhere",
    per: Per::Account,
    most: 20,
    unit: Unit::Count,
    every: MINUTE,
    then: "The log-in is answered rate.limited, but for addresses from which the account has logged in before.",
    reason: "Guessing from very many addresses is slow as well, and does not keep the owner out.",
    test: "guessing_from_everywhere_does_not_lock_the_owner_out",
};

/// Log-ins with a wrong password at one account from everywhere, at once.
pub const WRONG_LOGINS_FROM_EVERYWHERE_BURST: Budget = Budget {
    name: "auth.wrong_logins_from_everywhere.burst",
    most: 100,
    every: None,
    ..WRONG_LOGINS_FROM_EVERYWHERE
};

/// Pairs of an account and an address it has logged in from that are remembered.
pub const KNOWN_NETWORKS: Budget = Budget {
    name: "auth.known_addresses",
    per: Per::Server,
    most: 20_000,
    unit: Unit::Count,
    every: None,
    then: "The earliest is forgotten.",
    reason: "One of them takes 32 bytes; most people use one or two addresses.",
    test: "of_too_many_known_addresses_the_earliest_is_forgotten",
};

/// Wrong room passwords over all rooms, in the long run.
pub const WRONG_ROOM_PASSWORDS: Budget = attempts(
    "auth.wrong_room_passwords",
    30,
    MINUTE,
    "Each costs a run of Argon2, whichever room it is tried at: rooms of one's own give no further tries.",
    "wrong_room_passwords_are_counted_over_all_rooms",
);

/// Wrong room passwords over all rooms at once.
pub const WRONG_ROOM_PASSWORDS_BURST: Budget = attempts(
    "auth.wrong_room_passwords.burst",
    60,
    None,
    "Until a password is checked, its try counts as wrong: two classes may come at the same time.",
    "wrong_room_passwords_are_counted_over_all_rooms",
);

/// Wrong passwords at one room from one address, in the long run.
pub const WRONG_PASSWORDS_AT_ROOM: Budget = attempts(
    "auth.wrong_passwords_at_room",
    10,
    MINUTE,
    "A room's password is often short: it must take years to guess.",
    "wrong_passwords_at_one_room_are_limited",
);

/// Wrong passwords at one room from one address, at once.
pub const WRONG_PASSWORDS_AT_ROOM_BURST: Budget = attempts(
    "auth.wrong_passwords_at_room.burst",
    40,
    None,
    "Until a password is checked, its try counts as wrong: a class comes at the same time.",
    "wrong_passwords_at_one_room_are_limited",
);

/// Passwords given to rooms, in the long run.
pub const ROOM_PASSWORDS_SET: Budget = attempts(
    "auth.room_passwords_set",
    12,
    MINUTE,
    "Each costs a run of Argon2, and those who come into rooms wait for the same runs.",
    "giving_rooms_passwords_is_limited",
);

/// Passwords given to rooms at once.
pub const ROOM_PASSWORDS_SET_BURST: Budget = attempts(
    "auth.room_passwords_set.burst",
    60,
    None,
    "A school plans the rooms of a term in one go.",
    "giving_rooms_passwords_is_limited",
);

/// Good passwords of rooms that are remembered, as keyed hashes.
pub const ROOM_PASSWORDS_REMEMBERED: Budget = Budget {
    name: "auth.room_passwords_remembered",
    per: Per::Server,
    most: 4_096,
    unit: Unit::Count,
    every: None,
    then: "The one that was used longest ago is forgotten: the next who comes costs a run of Argon2.",
    reason: "A class of thirty costs one run of Argon2; one remembered password takes about 100 bytes.",
    test: "of_too_many_good_passwords_the_longest_unused_is_forgotten",
};

/// Passwords that wait to be hashed or checked, in each of two lanes: accounts and rooms.
pub const PASSWORDS_WAITING: Budget = Budget {
    name: "auth.passwords_waiting",
    per: Per::Server,
    most: 256,
    unit: Unit::Count,
    every: None,
    then: "The address with most in the queue gives up its last; it is answered server.busy.",
    reason: "Addresses take turns, so that each waits for those few that came before it; memory bounds the queue.",
    test: "when_the_queue_is_full_the_longest_part_of_it_gives_way",
};

/// Numbers of rooms that do not exist, in the long run.
pub const WRONG_NUMBERS: Budget = attempts(
    "auth.wrong_numbers",
    10,
    MINUTE,
    "Of 900 million numbers a guesser with one address tries five million a year.",
    "guessing_at_numbers_is_limited",
);

/// Numbers of rooms that do not exist, at once.
pub const WRONG_NUMBERS_BURST: Budget = attempts(
    "auth.wrong_numbers.burst",
    20,
    None,
    "People mistype numbers that are read out to them; right ones do not count.",
    "guessing_at_numbers_is_limited",
);

/// Invite links followed to one room from one address, in the long run.
pub const INVITES: Budget = attempts(
    "auth.invites",
    5,
    SECOND,
    "Nobody guesses 128 bits; this keeps the database calm.",
    "following_invites_is_limited",
);

/// Invite links followed to one room from one address, at once.
pub const INVITES_BURST: Budget = attempts(
    "auth.invites.burst",
    300,
    None,
    "A school follows its link within a minute.",
    "following_invites_is_limited",
);

/// Wrong resume tokens, in the long run.
pub const WRONG_RESUMES: Budget = attempts(
    "auth.wrong_resumes",
    10,
    MINUTE,
    "A token of 128 bits is not guessed; a client whose token is void logs in instead of trying on.",
    "wrong_resume_tokens_are_limited_and_right_ones_are_not",
);

/// Wrong resume tokens at once.
pub const WRONG_RESUMES_BURST: Budget = attempts(
    "auth.wrong_resumes.burst",
    100,
    None,
    "A school behind one address may come back with tokens that are void, each once.",
    "wrong_resume_tokens_are_limited_and_right_ones_are_not",
);

/// Guests, in the long run.
pub const GUESTS: Budget = attempts(
    "auth.guests",
    10,
    SECOND,
    "A guest costs a signature and no storage.",
    "a_school_of_guests_comes_in_at_once",
);

/// Guests at once.
pub const GUESTS_BURST: Budget = attempts(
    "auth.guests.burst",
    1_000,
    None,
    "A school of a thousand people behind one address comes within a minute.",
    "a_school_of_guests_comes_in_at_once",
);

/// New accounts, in the long run.
pub const REGISTRATIONS: Budget = attempts(
    "auth.registrations",
    4,
    MINUTE,
    "Each costs a run of Argon2 and a row that stays.",
    "making_accounts_is_limited",
);

/// New accounts at once.
pub const REGISTRATIONS_BURST: Budget = attempts(
    "auth.registrations.burst",
    60,
    None,
    "Two classes make their accounts in one lesson.",
    "making_accounts_is_limited",
);
