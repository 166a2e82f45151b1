//! What may change of people, and by whom.

use super::*;

pub(super) fn roster(room: &mut Room) -> Vec<Participant> {
    match room.handle(Command::Roster, at(0)).reply {
        Ok(Reply::Roster(people)) => people,
        other => panic!("a roster, not {other:?}"),
    }
}

pub(super) fn find<'a>(people: &'a [Participant], id: &ParticipantId) -> Option<&'a Participant> {
    people.iter().find(|person| person.id == *id)
}

/// A host is less than the owner, and so on down.
pub(super) fn height(person: &Participant) -> u8 {
    match person.role {
        _ if person.user.id == user("ada").id => 3,
        Role::Host => 2,
        Role::Cohost => 1,
        Role::Member => 0,
    }
}

/// Nobody loses their role or place by the hand of their equals or of those below them.
pub(super) fn touched_by_who_may(
    command: &Command,
    before: &[Participant],
    after: &[Participant],
    context: &str,
) {
    let (Command::SetRole { by, whom, .. } | Command::Remove { by, whom, .. }) = command else {
        return;
    };
    let Some(target) = find(before, whom) else {
        return;
    };
    let is_touched = find(after, whom).is_none_or(|now| now.role != target.role);
    if is_touched && by != whom {
        let by = find(before, by).unwrap_or_else(|| panic!("{context}: by a stranger"));
        assert!(height(by) > height(target), "{context}");
    }
}

/// Where there was a host there still is one, if anybody with an account was in beside them.
pub(super) fn governed(before: &[Participant], after: &[Participant], context: &str) {
    let has_host = |people: &[Participant]| people.iter().any(|person| person.role == Role::Host);
    let is_account = |person: &Participant| person.user.kind == UserKind::Account;
    if has_host(before) && !has_host(after) {
        // Only who has just stepped down is passed over.
        // Nor does it fall to who came in just now, to the place that got free.
        let was_in = |person: &&Participant| find(before, &person.id).is_some();
        let left = after.iter().filter(was_in);
        let left: Vec<&Participant> = left.filter(|person| is_account(person)).collect();
        let stepped_down = |person: &&Participant| {
            find(before, &person.id).is_some_and(|was| was.role == Role::Host)
        };
        assert!(left.iter().all(stepped_down), "{context}: nobody governs");
    }
}
