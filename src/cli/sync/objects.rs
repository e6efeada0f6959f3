//! How objects are stored, as it is written after `trainyard sync` and `trainyard cp`.

use clap::Args;

use super::arguments::quoted;
use crate::cli::error::CommandError;
use crate::cli::exit::ExitCode;
use crate::resource::{Encryption, KmsKey, ObjectOptions, StorageClass};

/// What every request says beside what it moves.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Objects {
    /// The storage class of what is uploaded or copied, such as `STANDARD_IA`
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<StorageClass>,
    /// What encrypts what is uploaded or copied: AES256 or aws:kms [default: what the bucket says]
    #[arg(long, value_name = "KIND")]
    sse: Option<String>,
    /// The key for aws:kms: its id, its ARN or its alias [default: the account's key for S3]
    #[arg(long, value_name = "KEY")]
    sse_kms_key_id: Option<KmsKey>,
    /// Agree to pay for requests to a bucket whose owner does not
    #[arg(long)]
    request_payer: bool,
}

impl Objects {
    /// What it asks for.
    ///
    /// # Errors
    ///
    /// When the encryption is none that is offered, or does not go with the key.
    pub(in crate::cli) fn options(&self) -> Result<ObjectOptions, CommandError> {
        let wrong = |text: String, help: &str| {
            Err(CommandError::new(ExitCode::Usage, text).help(help.to_owned()))
        };
        let encryption = match (self.sse.as_deref(), &self.sse_kms_key_id) {
            (None, None) => None,
            (Some("AES256"), None) => Some(Encryption::S3),
            (Some("aws:kms") | None, key) => Some(Encryption::Kms(key.clone())),
            (Some("AES256"), Some(_)) => {
                let text = "a key of KMS does not go with --sse AES256".to_owned();
                return wrong(text, "pass `--sse aws:kms`, or leave --sse away");
            }
            (Some(other), _) => {
                let text = format!("--sse {other} is not offered");
                return wrong(
                    text,
                    "pass AES256 or aws:kms; keys that customers keep themselves are not supported",
                );
            }
        };
        Ok(ObjectOptions {
            storage_class: self.storage_class,
            encryption,
            request_payer: self.request_payer,
        })
    }

    /// The same as words of a command.
    pub(in crate::cli) fn again(&self) -> Vec<String> {
        let Self {
            storage_class,
            sse,
            sse_kms_key_id,
            request_payer,
        } = self;
        let values = [
            (
                "--storage-class",
                storage_class.map(|class| class.to_string()),
            ),
            ("--sse", sse.clone()),
            (
                "--sse-kms-key-id",
                sse_kms_key_id.as_ref().map(ToString::to_string),
            ),
        ];
        let mut words: Vec<String> = values
            .into_iter()
            .filter_map(|(flag, value)| Some(format!("{flag} {}", quoted(&value?))))
            .collect();
        words.extend(request_payer.then(|| "--request-payer".to_owned()));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(sse: Option<&str>, key: Option<&str>) -> Result<Option<Encryption>, CommandError> {
        let objects = Objects {
            sse: sse.map(str::to_owned),
            sse_kms_key_id: key.map(|key| key.parse().unwrap()),
            ..Objects::default()
        };
        objects.options().map(|options| options.encryption)
    }

    #[test]
    fn a_key_of_kms_needs_no_word_more() {
        let key = Encryption::Kms(Some("alias/mine".parse().unwrap()));
        assert_eq!(options(None, None).unwrap(), None);
        assert_eq!(options(Some("AES256"), None).unwrap(), Some(Encryption::S3));
        let own = Some(Encryption::Kms(None));
        assert_eq!(options(Some("aws:kms"), None).unwrap(), own);
        for sse in [None, Some("aws:kms")] {
            assert_eq!(options(sse, Some("alias/mine")).unwrap(), Some(key.clone()));
        }
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        for (sse, key) in [
            ("AES256", Some("alias/mine")),
            ("aws:kms:dsse", None),
            ("aws:kms:dsse", Some("alias/mine")),
            ("SSE-C", None),
            ("", None),
        ] {
            let error = options(Some(sse), key).unwrap_err();
            assert_eq!(error.exit, ExitCode::Usage, "{sse}");
            assert!(error.help.is_some());
        }
    }
}
