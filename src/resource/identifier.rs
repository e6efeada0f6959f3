//! Names that must not be mixed up.

use serde::Serialize;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Wraps text that is already known to be a valid `", stringify!($name), "`.")]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// An AWS account: twelve digits.
    AccountId
}
identifier! {
    /// An AWS region, such as `eu-central-1`.
    Region
}
identifier! {
    /// The name of an environment: `[a-z][a-z0-9-]{0,39}`, safe in tags, filters and paths.
    EnvironmentName
}
identifier! {
    /// The name of a group of equal instances within an environment.
    GroupName
}
identifier! {
    /// The id of an EC2 instance, `i-` and hexadecimal digits.
    InstanceId
}
identifier! {
    /// The id of an EBS volume, `vol-` and hexadecimal digits.
    VolumeId
}

impl EnvironmentName {
    /// Longest name, in characters: it goes into tags, filters, tokens and paths.
    pub const LONGEST: usize = 40;

    /// Whether `text` may name an environment or a group.
    ///
    /// EC2 tag filters treat `*` and `?` as wildcards (EC2 API filtering), so a
    /// name that held one would match other environments.
    pub fn is_valid(text: &str) -> bool {
        let mut characters = text.chars();
        text.len() <= Self::LONGEST
            && characters
                .next()
                .is_some_and(|first| first.is_ascii_lowercase())
            && characters
                .all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || other == '-')
    }
}
