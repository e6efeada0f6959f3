//! As whom AWS is reached.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::AccountId;
use super::units::{ParseUnitError, parse_duration};

/// As whom AWS is reached; the SDKs' own order where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SignIn {
    /// A profile of `~/.aws`.
    pub profile: Option<String>,
    /// The role to take on.
    pub role: Option<RoleName>,
    /// How long a session of the role shall last; as long as the role allows where nothing is said.
    pub duration: Option<SessionLength>,
    /// What the role's trust policy asks for in `sts:ExternalId`.
    pub external_id: Option<String>,
}

/// A role, as somebody writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum RoleName {
    /// Its ARN.
    Arn(RoleArn),
    /// A short name: that of a profile, or of a role of the account that is asked for.
    Short(String),
}

impl RoleName {
    /// Reads a role: an ARN, or any other word as a short name.
    ///
    /// # Errors
    ///
    /// When it begins like an ARN and is none of a role, or cannot be the name of one.
    pub fn read(text: &str) -> Result<Self, RoleError> {
        if text.starts_with("arn:") {
            return text.parse().map(Self::Arn);
        }
        if is_role_name(text) {
            Ok(Self::Short(text.to_owned()))
        } else {
            Err(RoleError::Name(text.to_owned()))
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arn(arn) => fmt::Display::fmt(arn, formatter),
            Self::Short(name) => formatter.write_str(name),
        }
    }
}

/// The ARN of a role (IAM User Guide, "IAM identifiers").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RoleArn(String);

impl RoleArn {
    /// What the schema says of the form.
    pub const PATTERN: &str = r"^arn:[a-z-]+:iam::[0-9]{12}:role/[!-~]{1,575}$";

    /// The role of that name, without a path, in an account of the region's partition.
    pub fn of_account(account: &AccountId, region: &str, name: &str) -> Self {
        Self(format!(
            "arn:{}:iam::{account}:role/{name}",
            partition(region)
        ))
    }

    /// The ARN as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account that the role belongs to.
    pub fn account(&self) -> AccountId {
        AccountId::new(self.0.split(':').nth(4).unwrap_or_default())
    }

    /// The role's name without its path, as it stands in the ARN of a session.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether an identity's ARN is that of a session of this role, whose path a session's ARN leaves out.
    pub fn is_of_session(&self, identity: &str) -> bool {
        let mut parts = identity.splitn(6, ':');
        let (Some(account), Some(tail)) = (parts.nth(4), parts.next()) else {
            return false;
        };
        let role = tail
            .strip_prefix("assumed-role/")
            .and_then(|tail| tail.split_once('/'));
        account == self.account().as_str() && role.is_some_and(|(role, _)| role == self.name())
    }
}

impl FromStr for RoleArn {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || RoleError::Arn(text.to_owned());
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [head, partition, service, region, account, tail] = parts.as_slice() else {
            return Err(wrong());
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_partition = partition.starts_with("aws")
            && partition
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let name = tail.strip_prefix("role/").filter(|path| {
            path.bytes().all(|byte| byte.is_ascii_graphic())
                && path.rsplit('/').next().is_some_and(is_role_name)
                && path.len() <= 575
        });
        if (*head, *service, *region) == ("arn", "iam", "")
            && is_account
            && is_partition
            && name.is_some()
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The partition that a region belongs to (AWS General Reference, "ARNs").
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Whether a word can be a role's name (IAM API, `CreateRole`).
fn is_role_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

/// Why a role cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// It begins like an ARN.
    #[error("`{0}` is no ARN of a role: write it as `arn:aws:iam::123456789012:role/NAME`")]
    Arn(String),
    /// It is a name.
    #[error(
        "`{0}` cannot be the name of a role: letters, digits and `_+=,.@-`, 64 at most; or write its ARN"
    )]
    Name(String),
}

/// How long a session of a role lasts (API STS, `AssumeRole`), in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SessionLength {
    seconds: u32,
}

impl SessionLength {
    /// The shortest that STS gives.
    pub const SHORTEST: Self = Self { seconds: 900 };
    /// The longest that a role can allow.
    pub const LONGEST: Self = Self {
        seconds: 12 * 60 * 60,
    };
    /// The longest for a role that is assumed by another role.
    pub const CHAINED: Self = Self { seconds: 60 * 60 };

    /// So many seconds, as near as STS allows them.
    pub fn nearest(seconds: u32) -> Self {
        Self { seconds }.clamp(Self::SHORTEST, Self::LONGEST)
    }

    /// The length in seconds.
    pub const fn seconds(self) -> u32 {
        self.seconds
    }
}

impl FromStr for SessionLength {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = parse_duration(text)?;
        let range = u64::from(Self::SHORTEST.seconds)..=u64::from(Self::LONGEST.seconds);
        u32::try_from(seconds)
            .ok()
            .filter(|_| range.contains(&seconds))
            .map(|seconds| Self { seconds })
            .ok_or_else(|| ParseUnitError::new("a session of a role lasts from 15m to 12h"))
    }
}

impl fmt::Display for SessionLength {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.seconds / 60;
        match (minutes / 60, minutes % 60) {
            (0, minutes) => write!(formatter, "{minutes}m"),
            (hours, 0) => write!(formatter, "{hours}h"),
            (hours, minutes) => write!(formatter, "{hours}h{minutes}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_an_arn_or_a_name() {
        let arn = "arn:aws:iam::123456789012:role/team/play_trainer_v1";
        let RoleName::Arn(role) = RoleName::read(arn).unwrap() else {
            panic!("no ARN");
        };
        assert_eq!(role.account().as_str(), "123456789012");
        assert_eq!(role.name(), "play_trainer_v1");
        let short = RoleName::read("play_trainer_v1").unwrap();
        assert_eq!(short, RoleName::Short("play_trainer_v1".to_owned()));
        for bad in [
            "",
            "a b",
            "a/b",
            "arn:aws:iam::12:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a/",
            "arn:aws:iam:eu-west-1:123456789012:role/x",
            "arn:AWS:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:role/ä",
        ] {
            assert!(RoleName::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_session_is_told_by_its_arn() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/team/trainer"
            .parse()
            .unwrap();
        for (identity, expected) in [
            ("arn:aws:sts::123456789012:assumed-role/trainer/alex", true),
            (
                "arn:aws:sts::123456789012:assumed-role/trainers/alex",
                false,
            ),
            ("arn:aws:sts::999999999999:assumed-role/trainer/alex", false),
            ("arn:aws:iam::123456789012:role/team/trainer", false),
            ("arn:aws:iam::123456789012:user/trainer", false),
            ("", false),
        ] {
            assert_eq!(role.is_of_session(identity), expected, "{identity}");
        }
    }

    #[test]
    fn the_partition_follows_the_region() {
        let account = AccountId::new("123456789012");
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
        ] {
            let arn = RoleArn::of_account(&account, region, "x");
            assert_eq!(
                arn.as_str(),
                format!("arn:{partition}:iam::123456789012:role/x")
            );
        }
    }

    #[test]
    fn a_length_is_within_what_sts_gives() {
        for (text, expected) in [
            ("15m", Some(900)),
            ("12h", Some(43_200)),
            ("1h30m", Some(5400)),
            ("14m", None),
            ("12h1m", None),
            ("1d", None),
            ("3600", None),
        ] {
            let read = text.parse::<SessionLength>().ok();
            assert_eq!(read.map(SessionLength::seconds), expected, "{text}");
            if let Some(read) = read {
                assert_eq!(read.to_string(), text);
            }
        }
        assert_eq!(SessionLength::nearest(1), SessionLength::SHORTEST);
        assert_eq!(SessionLength::nearest(u32::MAX), SessionLength::LONGEST);
    }
}
