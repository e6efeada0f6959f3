//! How objects are stored, and who pays for asking.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What every request of a sync says beside what it moves.
///
/// Access is never said: a bucket's policy decides who may read an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ObjectOptions {
    /// The storage class of what is uploaded; S3's default is STANDARD.
    pub storage_class: Option<StorageClass>,
    /// What encrypts what is uploaded; without it the bucket decides.
    pub encryption: Option<Encryption>,
    /// Whether the caller agrees to pay for requests to a bucket that wants that.
    pub request_payer: bool,
}

/// A storage class that an object can be uploaded to (S3 API, `PutObject`), without those of
/// directory buckets, Outposts and Snow devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorageClass {
    /// For what is read often.
    Standard,
    /// For what is read seldom.
    StandardIa,
    /// For what is read seldom and can be made again: it is in one zone.
    OnezoneIa,
    /// Moved by S3 between the others.
    IntelligentTiering,
    /// An archive that is read at once.
    GlacierIr,
    /// An archive that has to be restored before it is read, in minutes or hours.
    Glacier,
    /// An archive that has to be restored before it is read, in hours or days.
    DeepArchive,
    /// For what can be made again; S3 advises against it.
    ReducedRedundancy,
}

impl StorageClass {
    /// Every class, the usual ones first.
    pub const ALL: [Self; 8] = [
        Self::Standard,
        Self::StandardIa,
        Self::OnezoneIa,
        Self::IntelligentTiering,
        Self::GlacierIr,
        Self::Glacier,
        Self::DeepArchive,
        Self::ReducedRedundancy,
    ];

    /// What S3 calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::StandardIa => "STANDARD_IA",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::GlacierIr => "GLACIER_IR",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
            Self::ReducedRedundancy => "REDUCED_REDUNDANCY",
        }
    }
}

impl fmt::Display for StorageClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for StorageClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|class| class.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("the storage classes are {names}")
        })
    }
}

/// What encrypts an object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// Keys of S3 itself.
    S3,
    /// A key of KMS: an id, an ARN or an alias; without one the account's key for S3.
    Kms(Option<KmsKey>),
}

/// A key of KMS as a request names it: an id, an ARN, or an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KmsKey(String);

/// Why a text names no key of KMS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no key of KMS: write its id, its ARN, or `alias/NAME`")]
pub struct KmsKeyError(String);

impl KmsKey {
    /// What names a key, as a regular expression, for schemas.
    pub const PATTERN: &'static str = "^[A-Za-z0-9:/_-]{1,2048}$";

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KmsKey {
    type Err = KmsKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
        let good = (1..=2048).contains(&text.len()) && text.bytes().all(is_plain);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(KmsKeyError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for KmsKey {
    type Error = KmsKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KmsKey> for String {
    fn from(key: KmsKey) -> Self {
        key.0
    }
}

impl fmt::Display for KmsKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_what_s3_calls_them() {
        for class in StorageClass::ALL {
            assert_eq!(class.name().parse(), Ok(class));
            let json = serde_json::to_string(&class).unwrap();
            assert_eq!(json, format!("\"{}\"", class.name()));
        }
        let error = "standard".parse::<StorageClass>().unwrap_err();
        assert!(error.contains("STANDARD_IA"), "{error}");
        assert!("EXPRESS_ONEZONE".parse::<StorageClass>().is_err());
    }

    #[test]
    fn a_key_is_an_id_an_arn_or_an_alias() {
        for good in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:eu-central-1:111122223333:key/mrk-1234",
            "alias/aws/s3",
        ] {
            assert_eq!(good.parse::<KmsKey>().unwrap().as_str(), good);
        }
        for wrong in ["", "a key", "a\nb", "é"] {
            let error = wrong.parse::<KmsKey>().unwrap_err().to_string();
            assert!(error.contains("alias/NAME"), "{error}");
        }
        let long = "k".repeat(2049);
        assert!(long.parse::<KmsKey>().is_err());
    }
}
