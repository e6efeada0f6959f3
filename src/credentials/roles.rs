//! Taking on the roles of a chain.

use aws_credential_types::Credentials;

use super::chain::{Device, Hop};
use super::code::Tries;
use super::engine::{Engine, Mode, Opening, Renewal, Signed, expiry};
use super::error::SignInError;
use super::kept::Subject;
use super::sts::{Answer, Assumption, Shown};
use crate::resource::SessionLength;

/// Lengths that roles are commonly given; the default is the last.
const COMMON: [u32; 5] = [12, 8, 4, 2, 1];

/// The roles of a chain, and what they are reached from.
pub(super) struct Roles<'a> {
    pub(super) engine: &'a Engine,
    pub(super) base: &'a Credentials,
    pub(super) mode: Mode,
}

/// How the first role is reached.
struct First {
    credentials: Credentials,
    /// What shows a code with it, where no session stands for one.
    device: Option<Device>,
}

impl First {
    fn of(credentials: Credentials, device: Option<Device>) -> Self {
        Self {
            credentials,
            device,
        }
    }
}

impl Roles<'_> {
    /// Takes them on one after the other, the way around where the straight one is refused.
    pub(super) async fn take_on(
        &self,
        opening: Opening,
        tries: &mut Tries<'_>,
    ) -> Result<Signed, SignInError> {
        let chain = &self.engine.chain;
        let (first, session_ends, is_old) = match opening {
            Opening::None => (First::of(self.base.clone(), None), None, false),
            Opening::Session {
                credentials,
                is_new,
            } => {
                let ends = expiry(&credentials);
                (First::of(credentials, None), ends, !is_new)
            }
            Opening::WithRole(device) => (First::of(self.base.clone(), Some(device)), None, false),
        };
        let renewal = self.engine.renewal(session_ends);
        let straight = self.all(&chain.hops, &first, (renewal, tries)).await;
        let refused = match straight {
            Err(SignInError::Denied(refused)) => refused,
            other => return other,
        };
        if let Some(detour) = &chain.detour {
            return self.all(detour, &first, (renewal, tries)).await;
        }
        // A role may ask for a code that was shown a moment ago (aws:MultiFactorAuthAge).
        if let (true, Some(device), Mode::Ask) = (is_old, &chain.device, self.mode) {
            self.engine.may_ask(self.mode, device)?;
            let first = First::of(self.base.clone(), Some(device.clone()));
            let again = self.all(&chain.hops, &first, (Renewal::WithCode, tries));
            return again.await;
        }
        Err(SignInError::Denied(refused))
    }

    async fn all(
        &self,
        hops: &[Hop],
        first: &First,
        (renewal, tries): (Renewal, &mut Tries<'_>),
    ) -> Result<Signed, SignInError> {
        let mut credentials = first.credentials.clone();
        let mut notes = Vec::new();
        for (index, hop) in hops.iter().enumerate() {
            let step = Step {
                hop,
                device: first.device.as_ref().filter(|_| index == 0),
                is_chained: index > 0,
                policy: (self.engine.policy.as_deref()).filter(|_| index + 1 == hops.len()),
            };
            credentials = self.one(&credentials, &step, (&mut notes, tries)).await?;
        }
        if let [.., before, last] = hops {
            let then = match renewal {
                Renewal::ByItself | Renewal::ByItselfUntil(_) => "it is renewed by itself",
                Renewal::WithCode => "the next one needs another code",
                Renewal::NotAtAll => "nothing renews it",
            };
            notes.push(format!(
                "{} is taken on by {}: AWS ends such a session after an hour, and {then}",
                last.role.name(),
                before.role.name()
            ));
        }
        Ok(Signed {
            expires: expiry(&credentials),
            credentials,
            renewal,
            notes,
        })
    }

    /// Takes on one role, for as long as it allows.
    async fn one(
        &self,
        credentials: &Credentials,
        step: &Step<'_>,
        (notes, tries): (&mut Vec<String>, &mut Tries<'_>),
    ) -> Result<Credentials, SignInError> {
        let engine = self.engine;
        let known = Subject::of(&["longest", &engine.endpoint, step.hop.role.as_str()]);
        let longest = engine.kept.longest(&known, engine.clock.now());
        // What begins with a session may be a role already, and end after an hour for that.
        let is_telling = !step.is_chained && self.base.session_token().is_none();
        let longest = longest.filter(|_| is_telling);
        let mut rungs = lengths(step, longest).into_iter();
        let mut length = rungs.next().unwrap_or(SessionLength::CHAINED);
        let name = step.hop.session_name.as_deref();
        let mut code = None;
        loop {
            if let (Some(device), None) = (step.device, &code) {
                if !tries.has_unused() {
                    engine.may_ask(self.mode, device)?;
                }
                code = Some(tries.next().await?);
            }
            let wanted = Assumption {
                hop: step.hop,
                session_name: name.unwrap_or(&engine.session_name),
                shown: step
                    .device
                    .zip(code.as_ref())
                    .map(|(device, code)| Shown { device, code }),
                policy: step.policy,
            };
            match engine.sts.assume(credentials, &wanted, length).await? {
                Answer::Opened(opened) => {
                    if let Some(code) = code {
                        engine.took(&engine.of_user(self.base), tries.taken(code).at);
                    }
                    // A shorter one that somebody asked for tells nothing.
                    if is_telling && step.hop.length != Some(length) {
                        let now = engine.clock.now();
                        engine.kept.keep_longest(&known, length, now);
                    }
                    return Ok(*opened);
                }
                Answer::WrongCode(date) => {
                    tries.is_wrong(date);
                    code = None;
                }
                Answer::TooLong => {
                    let Some(shorter) = rungs.next() else {
                        return Err(SignInError::NothingGiven);
                    };
                    if step.hop.length == Some(length) {
                        notes.push(format!(
                            "{} allows no session of {length}",
                            step.hop.role.name()
                        ));
                    }
                    length = shorter;
                }
                Answer::Denied(error) => return Err(SignInError::Denied(error)),
            }
        }
    }
}

/// One role of a chain.
struct Step<'a> {
    hop: &'a Hop,
    device: Option<&'a Device>,
    /// Whether a role takes it on.
    is_chained: bool,
    policy: Option<&'a str>,
}

/// The lengths to ask for, the longest first.
fn lengths(step: &Step<'_>, known: Option<SessionLength>) -> Vec<SessionLength> {
    let most = if step.is_chained {
        SessionLength::CHAINED
    } else {
        SessionLength::LONGEST
    };
    let first = step.hop.length.or(known).unwrap_or(most).min(most);
    let common = COMMON.map(|hours| SessionLength::nearest(hours * 3600));
    let shorter = common.into_iter().filter(|length| *length < first);
    std::iter::once(first)
        .chain(shorter)
        // A role allows an hour at the least.
        .filter(|length| *length >= SessionLength::CHAINED || *length == first)
        .collect()
}
