//! Going the way of a chain: with one code a day, and as seldom as possible.
//!
//! A session that `GetSessionToken` opens with a code lasts a day and opens sessions of
//! roles without another code, each as long as its role allows. Where STS gives none, the
//! code goes with `AssumeRole` itself, and the next one is needed when that session ends.
//! A role that is taken on by a role lasts an hour at most (IAM User Guide, "Role chaining").

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::Timestamp;

use super::chain::{Base, Chain, Device};
use super::code::{Codes, Tries, Used};
use super::error::SignInError;
use super::kept::{AHEAD, Kept, Subject};
use super::roles::Roles;
use super::sts::{Answer, Shown, Sts};
use crate::cloud::Clock;
use crate::resource::RoleArn;

/// How long a session of the user is to last, in seconds: a day.
const DAY: i32 = 24 * 60 * 60;

/// Whether somebody may be asked for a code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Ask,
    Silent,
}

/// Signs in by a chain, and again whenever that is needed.
pub(crate) struct Engine {
    pub(super) chain: Chain,
    pub(super) base: SharedCredentialsProvider,
    pub(super) sts: Sts,
    pub(super) kept: Arc<Kept>,
    pub(super) codes: Arc<Codes>,
    pub(super) clock: Clock,
    /// What sessions of roles are called, where no profile says it.
    pub(super) session_name: String,
    /// What the sessions are for: one that a test's cloud opened is of no use at AWS.
    pub(super) endpoint: String,
    /// What the last role's session is restricted to.
    pub(super) policy: Option<String>,
    pub(super) signed: Mutex<Option<Signed>>,
    pub(super) working: tokio::sync::Mutex<()>,
    /// Whether somebody is being asked for a code.
    pub(super) is_asking: AtomicBool,
}

/// Lasts while somebody is being asked, also where the question is given up.
struct Asking<'a>(&'a AtomicBool);

impl<'a> Asking<'a> {
    fn begin(flag: &'a AtomicBool, mode: Mode) -> Self {
        flag.store(mode == Mode::Ask, Ordering::SeqCst);
        Self(flag)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Engine")
    }
}

/// Credentials, and how it goes on with them.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) credentials: Credentials,
    /// When they end; never, where nothing is said.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) renewal: Renewal,
    /// What is worth knowing about how they came about.
    pub(crate) notes: Vec<String>,
}

/// What it takes to go on when a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// Nothing.
    ByItself,
    /// Nothing until then; a code after that.
    ByItselfUntil(Timestamp),
    /// A code.
    WithCode,
    /// Whoever has put it into the environment has to do that again.
    NotAtAll,
}

impl Signed {
    /// Until when nobody has to do anything; for ever where nothing is said.
    pub(crate) fn lasts(&self) -> Option<Timestamp> {
        match self.renewal {
            Renewal::ByItself => None,
            Renewal::ByItselfUntil(until) => Some(until.max(self.expires.unwrap_or(until))),
            Renewal::WithCode | Renewal::NotAtAll => self.expires,
        }
    }
}

/// A session of the user, or why there is none.
pub(super) enum Opening {
    /// There is no device: nobody asks for a code.
    None,
    /// One, and whether it was opened just now.
    Session {
        credentials: Credentials,
        is_new: bool,
    },
    /// The code goes with the first role.
    WithRole(Device),
}

impl Engine {
    /// Signs in, or says until when somebody is signed in already.
    ///
    /// # Errors
    ///
    /// When a code is needed and cannot be had, or AWS says no.
    pub(crate) async fn sign_in(&self, mode: Mode) -> Result<Signed, SignInError> {
        let _working = self.working.lock().await;
        if let Some(signed) = self.current().filter(|signed| self.is_good(signed)) {
            return Ok(signed);
        }
        let base = self.base().await?;
        let asking = Asking::begin(&self.is_asking, mode);
        let signed = self.go(&base, mode).await?;
        drop(asking);
        *self.state() = Some(signed.clone());
        Ok(signed)
    }

    /// The steps, in words.
    pub(crate) fn steps(&self) -> Vec<String> {
        let Chain {
            base,
            device,
            hops,
            detour,
        } = &self.chain;
        let mut lines = vec![match base {
            Base::Sdk => "begins with what the SDK finds".to_owned(),
            Base::Environment => "begins with the keys in the environment".to_owned(),
            Base::Profile(name) => format!("begins with what the profile `{name}` gives"),
            Base::Keys {
                profile,
                credentials,
            } => format!(
                "begins with the key {} of the profile `{profile}`",
                credentials.access_key_id()
            ),
        }];
        lines.extend(device.iter().map(|Device { serial, process }| {
            let by = process
                .as_ref()
                .map_or("", |_| ", by the profile's mfa_process");
            format!("opens a session with a code of {serial}{by}")
        }));
        lines.extend(hops.iter().map(|hop| {
            let length = hop
                .length
                .map_or_else(String::new, |length| format!(" for {length}"));
            format!("takes on {}{length}, named by {}", hop.role, hop.named_by)
        }));
        if let Some([.., around, _]) = detour.as_deref() {
            lines.push(format!("by way of {} where that is refused", around.role));
        }
        lines
    }

    /// Whether somebody can be asked for a code, now and later.
    pub(crate) fn can_ask(&self) -> bool {
        let device = self.chain.device.as_ref();
        device.is_some_and(|device| self.codes.can_be_had(device))
    }

    /// The same for sessions that can do no more than a policy says.
    pub(crate) fn with_policy(&self, policy: String) -> Self {
        let Self {
            chain,
            base,
            sts,
            kept,
            codes,
            clock,
            session_name,
            endpoint,
            policy: _,
            signed: _,
            working: _,
            is_asking: _,
        } = self;
        Self {
            chain: chain.clone(),
            base: base.clone(),
            sts: sts.clone(),
            kept: Arc::clone(kept),
            codes: Arc::clone(codes),
            clock: clock.clone(),
            session_name: session_name.clone(),
            endpoint: endpoint.clone(),
            policy: Some(policy),
            signed: Mutex::default(),
            working: tokio::sync::Mutex::default(),
            is_asking: AtomicBool::new(false),
        }
    }

    /// The role that it ends with.
    pub(crate) fn role(&self) -> Option<&RoleArn> {
        self.chain.hops.last().map(|hop| &hop.role)
    }

    /// What there is, good for a while yet or not.
    pub(crate) fn current(&self) -> Option<Signed> {
        self.state().clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<Signed>> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_good(&self, signed: &Signed) -> bool {
        let now = self.clock.now();
        signed
            .expires
            .is_none_or(|expires| expires.duration_since(now) > AHEAD)
    }

    /// The credentials that the chain begins with.
    pub(super) async fn base(&self) -> Result<Credentials, SignInError> {
        self.base.provide_credentials().await.map_err(|error| {
            let mut words = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                words = inner.to_string();
                source = inner.source();
            }
            SignInError::Base(format!("no credentials to begin with: {words}"))
        })
    }

    async fn go(&self, base: &Credentials, mode: Mode) -> Result<Signed, SignInError> {
        if self.is_role_already(base).await? {
            return Ok(self.as_they_are(base));
        }
        if let Some(signed) = self.found(base) {
            return Ok(signed);
        }
        let user = self.of_user(base);
        let _lock = match &self.chain.device {
            Some(_) if mode == Mode::Ask => {
                let codes = &self.codes;
                let wait = || codes.say("another trainyard is signing in; waiting for it");
                self.kept.lock(&user, wait).await
            }
            Some(_) | None => None,
        };
        if let Some(signed) = self.found(base) {
            return Ok(signed);
        }
        let last = self.last_use(&user);
        let no_device = Device::none();
        let device = self.chain.device.as_ref().unwrap_or(&no_device);
        let mut tries = Tries::new(&self.codes, device, &self.clock, last);
        let opening = self.open(base, (&user, mode), &mut tries).await?;
        if self.chain.hops.is_empty() {
            return Ok(match opening {
                Opening::Session { credentials, .. } => Signed {
                    expires: expiry(&credentials),
                    credentials,
                    renewal: Renewal::WithCode,
                    notes: Vec::new(),
                },
                Opening::None | Opening::WithRole(_) => self.as_they_are(base),
            });
        }
        let roles = Roles {
            engine: self,
            base,
            mode,
        };
        let signed = roles.take_on(opening, &mut tries).await?;
        if self.is_kept(base) {
            self.kept
                .keep_session(&self.of_role(base), &signed.credentials);
        }
        Ok(signed)
    }

    fn as_they_are(&self, base: &Credentials) -> Signed {
        let renewal = match &self.chain.base {
            Base::Environment => Renewal::NotAtAll,
            Base::Sdk | Base::Profile(_) | Base::Keys { .. } => Renewal::ByItself,
        };
        Signed {
            credentials: base.clone(),
            expires: expiry(base),
            renewal,
            notes: Vec::new(),
        }
    }

    /// Whether the base is a session of the wanted role: an exported one, or a machine's own.
    async fn is_role_already(&self, base: &Credentials) -> Result<bool, SignInError> {
        let ([hop], true) = (self.chain.hops.as_slice(), base.session_token().is_some()) else {
            return Ok(false);
        };
        if self.policy.is_some() {
            return Ok(false);
        }
        let identity = self.sts.whose(base).await.map_err(SignInError::Cloud)?;
        Ok(hop.role.is_of_session(&identity))
    }

    /// What an earlier command has left.
    fn found(&self, base: &Credentials) -> Option<Signed> {
        if !self.is_kept(base) || self.chain.hops.is_empty() {
            return None;
        }
        let now = self.clock.now();
        let credentials = self.kept.session(&self.of_role(base), now)?;
        let session = self.kept.session(&self.of_user(base), now);
        Some(Signed {
            expires: expiry(&credentials),
            credentials,
            renewal: self.renewal(session.as_ref().and_then(expiry)),
            notes: Vec::new(),
        })
    }

    pub(super) fn renewal(&self, session_ends: Option<Timestamp>) -> Renewal {
        match (&self.chain.device, session_ends) {
            (None, _) => Renewal::ByItself,
            (Some(_), Some(until)) => Renewal::ByItselfUntil(until),
            (Some(_), None) => Renewal::WithCode,
        }
    }

    /// Opens a session of the user, where the chain has a device.
    async fn open(
        &self,
        base: &Credentials,
        (user, mode): (&Subject, Mode),
        tries: &mut Tries<'_>,
    ) -> Result<Opening, SignInError> {
        let Some(device) = &self.chain.device else {
            return Ok(Opening::None);
        };
        if let Some(credentials) = self.kept.session(user, self.clock.now()) {
            return Ok(Opening::Session {
                credentials,
                is_new: false,
            });
        }
        // STS opens a session with long-term keys only.
        if base.session_token().is_some() {
            return Ok(Opening::WithRole(device.clone()));
        }
        self.may_ask(mode, device)?;
        loop {
            let code = tries.next().await?;
            let shown = Shown {
                device,
                code: &code,
            };
            match self.sts.user_session(base, shown, DAY).await? {
                Answer::Opened(credentials) => {
                    self.took(user, tries.taken(code).at);
                    self.kept.keep_session(user, &credentials);
                    return Ok(Opening::Session {
                        credentials: *credentials,
                        is_new: true,
                    });
                }
                Answer::WrongCode(date) => tries.is_wrong(date),
                Answer::Denied(_) if !self.chain.hops.is_empty() => {
                    tries.give_back(code);
                    return Ok(Opening::WithRole(device.clone()));
                }
                Answer::Denied(error) => return Err(SignInError::Denied(error)),
                Answer::TooLong => return Err(SignInError::NothingGiven),
            }
        }
    }

    /// Whether a code can be had now.
    pub(super) fn may_ask(&self, mode: Mode, device: &Device) -> Result<(), SignInError> {
        match mode {
            Mode::Silent => Err(SignInError::Ended),
            Mode::Ask if self.codes.can_be_had(device) => Ok(()),
            Mode::Ask => Err(SignInError::NoTerminal(device.serial.clone())),
        }
    }

    fn last_use(&self, user: &Subject) -> Option<Used> {
        let at = self.kept.last_use(&use_of(user))?;
        Some(Used { at, code: None })
    }

    /// Takes note that a code was used.
    pub(super) fn took(&self, user: &Subject, at: Timestamp) {
        self.kept.keep_use(&use_of(user), at);
    }

    /// Whether sessions are kept: those of long-term keys, which stay the same.
    fn is_kept(&self, base: &Credentials) -> bool {
        base.session_token().is_none() && self.chain.device.is_some()
    }

    pub(super) fn of_user(&self, base: &Credentials) -> Subject {
        let serial = self.chain.device.as_ref();
        let serial = serial.map_or("", |device| device.serial.as_str());
        Subject::of(&["session", &self.endpoint, base.access_key_id(), serial])
    }

    fn of_role(&self, base: &Credentials) -> Subject {
        let serial = self.chain.device.as_ref();
        let mut parts = vec![
            "role",
            &self.endpoint,
            base.access_key_id(),
            serial.map_or("", |device| device.serial.as_str()),
            &self.session_name,
            self.policy.as_deref().unwrap_or_default(),
        ];
        let lengths: Vec<String> = (self.chain.hops.iter())
            .map(|hop| {
                hop.length
                    .map_or_else(String::new, |length| length.to_string())
            })
            .collect();
        for (hop, length) in self.chain.hops.iter().zip(&lengths) {
            parts.extend([
                hop.role.as_str(),
                hop.external_id.as_deref().unwrap_or_default(),
                hop.session_name.as_deref().unwrap_or_default(),
                length,
            ]);
        }
        Subject::of(&parts)
    }
}

fn use_of(user: &Subject) -> Subject {
    user.part("use")
}

/// When credentials end.
pub(super) fn expiry(credentials: &Credentials) -> Option<Timestamp> {
    credentials.expiry()?.try_into().ok()
}
