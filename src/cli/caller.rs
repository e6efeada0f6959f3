//! Who runs the command, by a name that stays the same from one session to the next.

/// How many digits at the end of a session's name are a time: seconds have ten.
const DIGITS_OF_A_TIME: usize = 10;

/// A name of the caller, out of an ARN.
///
/// A role's session has the name that somebody gave it, such as the user's own. An SDK
/// that is told none makes one up from the time, another for each run; then `user`, the
/// name on this machine, takes its place.
pub(super) fn caller_name(arn: &str, user: Option<&str>) -> String {
    // An assumed role's ARN is `…:assumed-role/ROLE/SESSION`, a user's `…:user/NAME`.
    let tail = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let name = tail.split_once('/').map_or(tail, |(_, name)| name);
    match (name.rsplit_once('/'), user) {
        (Some((role, session)), Some(user))
            if tail.starts_with("assumed-role/") && is_made_up(session) =>
        {
            format!("{role}/{user}")
        }
        _ => name.to_owned(),
    }
}

/// Whether a session's name ends with a time, such as `botocore-session-1700000000`.
fn is_made_up(session: &str) -> bool {
    let end = session.rsplit('-').next().unwrap_or_default();
    end.len() >= DIGITS_OF_A_TIME && end.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::caller_name;

    #[test]
    fn a_caller_keeps_a_name_from_session_to_session() {
        let name =
            |tail: &str| caller_name(&format!("arn:aws:iam::123456789012:{tail}"), Some("me"));
        for (tail, expected) in [
            ("user/alex", "alex"),
            ("user/1700000000", "1700000000"),
            ("user/team/alex-1700000000", "team/alex-1700000000"),
            ("assumed-role/trainer/alex", "trainer/alex"),
            (
                "assumed-role/trainer/i-0123456789abcdef0",
                "trainer/i-0123456789abcdef0",
            ),
            (
                "assumed-role/trainer/botocore-session-1700000000",
                "trainer/me",
            ),
            (
                "assumed-role/trainer/assume-role-from-profile-1700000000000",
                "trainer/me",
            ),
            ("assumed-role/trainer/1700000000000000000", "trainer/me"),
            ("root", "root"),
        ] {
            assert_eq!(name(tail), expected);
        }
        let nobody = caller_name("arn:aws:sts::1:assumed-role/a/s-1700000000", None);
        assert_eq!(nobody, "a/s-1700000000");
    }
}
