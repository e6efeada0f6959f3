//! Sessions as they begin.

use std::time::Duration;

use jiff::Timestamp;

use crate::local::cloud::Turn;
use crate::local::state::{Session, SessionKind};
use crate::local::wire::{Xml, after, aws_time};

/// For so long an expired session is still known to be one.
const MEMORY: Duration = Duration::from_hours(24 * 30);

/// Who a session is for, and what is remembered of it.
pub(super) struct Opening {
    pub(super) account: String,
    pub(super) arn: String,
    pub(super) user: String,
    pub(super) expires: Timestamp,
    pub(super) kind: SessionKind,
    pub(super) policy: Option<String>,
}

impl Opening {
    /// Keeps the session and writes its credentials.
    pub(super) fn open(self, turn: &mut Turn, xml: &mut Xml) {
        let now = turn.now;
        turn.world
            .sessions
            .retain(|_, known| after(known.expires, MEMORY) > now);
        turn.world.opened += 1;
        let Self {
            account,
            arn,
            user,
            expires,
            kind,
            policy,
        } = self;
        let session = Session {
            account,
            arn,
            user,
            expires,
            number: turn.world.opened,
            kind,
            policy,
        };
        xml.node("Credentials", |xml| {
            xml.text("AccessKeyId", session.key())
                .text("SecretAccessKey", session.secret())
                .text("SessionToken", session.token())
                .text("Expiration", aws_time(session.expires));
        });
        turn.world.sessions.insert(session.key(), session);
    }
}
