//! The codes of MFA devices.

use std::time::Duration;

use super::refusals::{constraint, denied};
use super::totp::{self, STEP};
use crate::local::cloud::Turn;
use crate::local::state::Device;
use crate::local::wire::{Node, Refusal, after};

/// For so long a code of a device that nobody registered is remembered as used: the
/// window that it is valid in, and one more on either side for the clock.
const MEMORY: Duration = Duration::from_secs(90);

/// The code that no such device ever shows, for tests of a wrong one.
const WRONG: &str = "000000";

/// A device and a code that is said to be on it.
pub(super) struct Attempt<'q> {
    serial: &'q str,
    code: &'q str,
}

/// Reads the device and its code, which come together or not at all.
pub(super) fn read<'q>(node: &Node<'q>) -> Result<Option<Attempt<'q>>, Refusal> {
    let (serial, code) = match (node.text("SerialNumber"), node.text("TokenCode")) {
        (None, None) => return Ok(None),
        (Some(serial), Some(code)) => (serial, code),
        (Some(_), None) | (None, Some(_)) => {
            return Err(denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one \
                 time pass code.",
            ));
        }
    };
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(constraint(
            code,
            "tokenCode",
            "satisfy regular expression pattern: [\\d]{6}",
        ));
    }
    Ok(Some(Attempt { serial, code }))
}

/// Uses a code up, or refuses it: a code works once.
pub(super) fn spend(turn: &mut Turn, attempt: &Attempt) -> Result<(), Refusal> {
    // Where devices are registered, there are no others.
    let devices = &turn.world.iam.devices;
    if !devices.is_empty() && !devices.contains_key(attempt.serial) {
        return Err(denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your \
             MFA serial number is valid and associated with this user.",
        ));
    }
    let now = u64::try_from(turn.now.as_second()).unwrap_or(0);
    let accepted = match turn.world.iam.devices.get_mut(attempt.serial) {
        Some(device) => spend_registered(device, attempt.code, now / STEP),
        None => spend_unregistered(turn, attempt),
    };
    if accepted {
        return Ok(());
    }
    // The same words for a code that is wrong, late or used: AWS does not tell.
    Err(denied(
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
    ))
}

/// A clock that is one step off is forgiven. After a step nothing up to it works any
/// more, or whoever reads a code over a shoulder had another minute for it.
fn spend_registered(device: &mut Device, code: &str, now: u64) -> bool {
    let mut window = now.saturating_sub(1)..=now.saturating_add(1);
    let step = window.find(|step| {
        device.spent.is_none_or(|spent| *step > spent)
            && totp::code(&device.seed, *step).is_some_and(|shown| shown == code)
    });
    device.spent = step.or(device.spent);
    step.is_some()
}

fn spend_unregistered(turn: &mut Turn, attempt: &Attempt) -> bool {
    let Attempt { serial, code } = attempt;
    let now = turn.now;
    let codes = &mut turn.world.codes;
    codes.retain(|_, used| after(*used, MEMORY) > now);
    *code != WRONG && codes.insert(format!("{serial} {code}"), now).is_none()
}
