//! The policy that a session is opened with.

use super::refusals::constraint;
use crate::local::policy::Policy;
use crate::local::wire::{Node, Refusal};

/// The most characters of a policy (API reference, `AssumeRole`).
const LONGEST: usize = 2048;

/// A policy that was found to be one.
pub(super) struct SessionPolicy<'q> {
    pub(super) text: &'q str,
    /// How much it takes of what there is for it, in percent.
    pub(super) packed: usize,
}

/// Reads `Policy`, if it was sent.
pub(super) fn read<'q>(node: &Node<'q>) -> Result<Option<SessionPolicy<'q>>, Refusal> {
    let Some(text) = node.text("Policy") else {
        return Ok(None);
    };
    check_text(text)?;
    let packed = packed(text);
    if packed > 100 {
        return Err(Refusal::new(
            "PackedPolicyTooLarge",
            format!(
                "Packed policy consumes {packed}% of allotted space, please use smaller policy."
            ),
        ));
    }
    if let Err(why) = Policy::parse(text) {
        let message = format!("Syntax errors in policy. {why}");
        return Err(Refusal::new("MalformedPolicyDocument", message));
    }
    Ok(Some(SessionPolicy { text, packed }))
}

fn check_text(text: &str) -> Result<(), Refusal> {
    let refuse = |rule: &str| Err(constraint(text, "policy", rule));
    if text.is_empty() {
        return refuse("have length greater than or equal to 1");
    }
    if text.chars().count() > LONGEST {
        return refuse("have length less than or equal to 2048");
    }
    let fits = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    if !text.chars().all(fits) {
        return refuse(
            "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
        );
    }
    Ok(())
}

/// How AWS packs a policy is its secret. Here a byte takes as much as a character may,
/// so only a policy with letters of two bytes can be short enough and still too large.
fn packed(text: &str) -> usize {
    (text.len() * 100).div_ceil(LONGEST)
}
