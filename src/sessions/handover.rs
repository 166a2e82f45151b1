//! A session on its way: from a socket that is lost to a task that keeps it, and from there to another socket.
//!
//! It has one owner at any time. A socket asks for it at its [door](super::door) and gets it from the present owner.

use super::live::{Instruction, Live};
use super::session::Resume;
use crate::network::Network;
use crate::supervise;

/// A session that is handed on. One that nobody takes is kept.
pub struct Handed(Option<Box<Live>>);

impl Handed {
    /// `session`, for the socket that takes it.
    pub fn new(session: Live) -> Self {
        Self(Some(Box::new(session)))
    }

    fn take(mut self) -> Option<Live> {
        self.0.take().map(|session| *session)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            keep(*session);
        }
    }
}

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handed")
    }
}

/// The session that a client takes up, in place of the one that its new socket began with. In a box: every socket has a
/// place for one, and few get any.
#[derive(Debug)]
pub struct Successor(Box<TakenUp>);

#[derive(Debug)]
struct TakenUp {
    session: Handed,
    resume: Resume,
    address: Network,
}

impl Successor {
    /// `session`, taken up by a client at `address`.
    pub fn new(session: Handed, resume: Resume, address: Network) -> Self {
        Self(Box::new(TakenUp {
            session,
            resume,
            address,
        }))
    }

    /// Takes the session up.
    pub fn take_up(self) -> Option<Live> {
        let TakenUp {
            session,
            resume,
            address,
        } = *self.0;
        let mut session = session.take()?;
        session.resume(resume, address);
        Some(session)
    }
}

/// Goes on with a session that has no socket, until another one takes it or it is over.
pub fn keep(session: Live) {
    // Outside of the runtime nobody can come back.
    if tokio::runtime::Handle::try_current().is_ok() {
        supervise::spawn("session", kept(session));
    }
}

async fn kept(mut session: Live) {
    session.wait_for_socket();
    loop {
        while let Some(instruction) = session.next_instruction() {
            match instruction {
                Instruction::Close(_) => return,
                Instruction::HandOver => match session.hand_over() {
                    Some(back) => session = back,
                    None => return,
                },
                // Nobody is there to be written to.
                Instruction::Write(_)
                | Instruction::Ping
                | Instruction::LetGo(_)
                | Instruction::Become(_) => {}
            }
        }
        session.progress().await;
    }
}
