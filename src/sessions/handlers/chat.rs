//! Chat: stored first, then told.

use super::{asking, stored};
use crate::meeting::permissions::Action;
use crate::meeting::{Command, Reply};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::ids::{MAX_ID_BYTES, MessageId, ParticipantId};
use crate::protocol::object::Participant;
use crate::protocol::request::{ChatDelete, ChatHistory, ChatPage, ChatSend, Empty, MessageAnswer};
use crate::protocol::time::Timestamp;
use crate::sessions::handlers::room_view;
use crate::sessions::location::Membership;
use crate::sessions::state::Asker;
use crate::store::{ChatAuthor, Kept, Recipient, Store, StoredMessage};

/// The most messages of one page of history.
const MAX_PAGE: u32 = 200;

/// `chat.send`
pub async fn send(
    store: &Store,
    asker: Asker<'_>,
    data: ChatSend,
) -> Result<MessageAnswer, WireError> {
    let membership = asker.location.membership()?;
    let data = ChatSend {
        client_id: client_id(data.client_id)?,
        ..data
    };
    if let Some(id) = &data.client_id {
        let author = &asker.login.user.id;
        let sent = store.find_sent(membership.key, author, id).await;
        if let Some(sent) = sent.map_err(stored)? {
            return again(store, membership, &data, sent).await;
        }
    }
    let action = if data.to.is_some() {
        Action::PrivateChat
    } else {
        Action::Chat
    };
    let sender = asking::authorised(membership, action).await?;
    let recipient = match &data.to {
        Some(to) => Some(find(membership, to).await?),
        None => None,
    };
    let to = recipient.map(|person| Recipient {
        participant: person.id,
        user: person.user.id,
    });
    let message = StoredMessage {
        id: MessageId::random(),
        participant: sender.id,
        author: ChatAuthor {
            id: sender.user.id,
            kind: sender.user.kind,
            username: sender.user.username,
            display_name: sender.user.display_name,
        },
        display_name: sender.display_name,
        to,
        text: data.text,
        client_id: data.client_id,
        sent_at: Timestamp::now(),
    };
    let kept = store.insert_message(membership.key, &message).await;
    if let Kept::Known(sent) = kept.map_err(stored)? {
        return tell_again(store, membership, *sent).await;
    }
    let id = message.id.clone();
    let post = Command::Post(Box::new(room_view::post(message)));
    // The message is stored. So a busy room is waited for: its participants must not hear of the message later than
    // those who read the history.
    match membership.handle.call_surely(post).await {
        Ok(Reply::Message(message)) => Ok(MessageAnswer { message: *message }),
        Ok(_) => Err(ErrorCode::ServerInternal.into()),
        Err(refused) => {
            withdraw(store, membership, &id).await;
            Err(refused.into())
        }
    }
}

/// The client's own id for a message. An empty one counts as none, as it would be the same for all messages.
fn client_id(raw: Option<String>) -> Result<Option<String>, WireError> {
    let refused = |why: &str| Err(WireError::bad_field("data.client_id", why));
    match raw {
        Some(id) if id.len() > MAX_ID_BYTES => refused("must be at most 64 bytes long"),
        // Not every database keeps them.
        Some(id) if id.contains(char::is_control) => refused("must have no control characters"),
        id => Ok(id.filter(|id| !id.is_empty())),
    }
}

/// Gives a message that was sent before the same answer again.
async fn again(
    store: &Store,
    membership: &Membership,
    data: &ChatSend,
    sent: StoredMessage,
) -> Result<MessageAnswer, WireError> {
    let to = match &data.to {
        // The recipient may have left since. Then the kept message says which user that participant was.
        Some(to) => match find(membership, to).await {
            Ok(person) => Some(person.user.id),
            Err(error) => match &sent.to {
                Some(known) if known.participant == *to => Some(known.user.clone()),
                _ => return Err(error),
            },
        },
        None => None,
    };
    sent.check_is_again(&data.text, to.as_ref())
        .map_err(stored)?;
    tell_again(store, membership, sent).await
}

/// Answers a message that is kept already. The room tells nobody a second time. The exception is a commit that the
/// database answered too late: its author heard that it failed, and nobody was told.
async fn tell_again(
    store: &Store,
    membership: &Membership,
    sent: StoredMessage,
) -> Result<MessageAnswer, WireError> {
    let standing = store.find_message(membership.key, &sent.id).await;
    let post = room_view::post(sent);
    let message = post.message.clone();
    if standing.map_err(stored)?.is_some() {
        let post = Command::PostAgain(Box::new(post));
        membership.handle.call_surely(post).await?;
    }
    Ok(MessageAnswer { message })
}

/// Takes back a message that the room did not take: its author hears that it was not sent.
async fn withdraw(store: &Store, membership: &Membership, message: &MessageId) {
    if let Err(error) = store.withdraw_message(membership.key, message).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            room.id = %membership.room,
            "a message that was refused is kept"
        );
    }
}

/// `chat.history`
pub async fn history(
    store: &Store,
    asker: Asker<'_>,
    data: ChatHistory,
) -> Result<ChatPage, WireError> {
    let (login, membership) = (asker.login, asker.location.membership()?);
    if !(1..=MAX_PAGE).contains(&data.limit) {
        return Err(WireError::bad_field("data.limit", "must be from 1 to 200"));
    }
    let readable = Command::Readable {
        participant: membership.participant.clone(),
    };
    let since = match membership.handle.call(readable).await? {
        Reply::Since(since) => since,
        _ => return Err(ErrorCode::ServerInternal.into()),
    };
    let page = store.list_messages(
        membership.key,
        &login.user.id,
        data.before.as_ref(),
        since,
        data.limit,
    );
    let page = page.await.map_err(stored)?;
    Ok(ChatPage {
        messages: page
            .messages
            .into_iter()
            .map(|stored| room_view::post(stored).message)
            .collect(),
        more: page.more,
    })
}

/// `chat.delete`: an own message, or a message for everyone if the user keeps the meeting in order.
pub async fn delete(store: &Store, asker: Asker<'_>, data: ChatDelete) -> Result<Empty, WireError> {
    let (login, membership) = (asker.login, asker.location.membership()?);
    let message = store.find_message(membership.key, &data.message).await;
    let message = message.map_err(stored)?.filter(|message| {
        let is_recipient = |to: &Recipient| to.user == login.user.id;
        message.author.id == login.user.id || message.to.as_ref().is_none_or(is_recipient)
    });
    let Some(message) = message else {
        return Err(WireError::bad_field(
            "data.message",
            "is no message that you may read",
        ));
    };
    if message.author.id != login.user.id {
        asking::authorised(membership, Action::DeleteMessages).await?;
    }
    let deleted = store.delete_message(membership.key, &message.id, Timestamp::now());
    deleted.await.map_err(stored)?;
    let deleted = Command::Deleted {
        message: message.id,
        between: message.to.map(|to| (message.author.id, to.user)),
    };
    membership.handle.call_surely(deleted).await?;
    Ok(Empty {})
}

async fn find(membership: &Membership, id: &ParticipantId) -> Result<Participant, WireError> {
    match membership.handle.call(Command::Roster).await? {
        Reply::Roster(people) => people
            .into_iter()
            .find(|person| person.id == *id)
            .ok_or_else(|| ErrorCode::ParticipantNotFound.into()),
        _ => Err(ErrorCode::ServerInternal.into()),
    }
}
