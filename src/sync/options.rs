//! The options of objects as the SDK and plain headers say them.

use aws_sdk_s3::types::{self, RequestPayer, ServerSideEncryption};

use super::direct::Headers;
use crate::resource::{Encryption, ObjectOptions};

/// The storage class to upload to.
pub(super) fn storage_class(options: &ObjectOptions) -> Option<types::StorageClass> {
    options.storage_class.map(|class| class.name().into())
}

/// The kind of encryption to ask for.
pub(super) fn encryption(options: &ObjectOptions) -> Option<ServerSideEncryption> {
    options
        .encryption
        .as_ref()
        .map(|encryption| match encryption {
            Encryption::S3 => ServerSideEncryption::Aes256,
            Encryption::Kms(_) => ServerSideEncryption::AwsKms,
        })
}

/// The key of KMS to encrypt with, where one is named.
pub(super) fn kms_key(options: &ObjectOptions) -> Option<String> {
    match &options.encryption {
        Some(Encryption::Kms(Some(key))) => Some(key.as_str().to_owned()),
        Some(Encryption::Kms(None) | Encryption::S3) | None => None,
    }
}

/// Who pays for a request.
pub(super) fn payer(options: &ObjectOptions) -> Option<RequestPayer> {
    options.request_payer.then_some(RequestPayer::Requester)
}

/// Who pays for a request, as a header.
pub(super) fn payer_header(options: &ObjectOptions) -> Option<(&'static str, String)> {
    let payer = payer(options)?;
    Some(("x-amz-request-payer", payer.as_str().to_owned()))
}

/// Everything that an upload in one request says, as headers (S3 API, `PutObject`).
pub(super) fn upload_headers(options: &ObjectOptions) -> Headers {
    let class = storage_class(options).map(|class| class.as_str().to_owned());
    let encryption = encryption(options).map(|encryption| encryption.as_str().to_owned());
    let headers = [
        ("x-amz-storage-class", class),
        ("x-amz-server-side-encryption", encryption),
        (
            "x-amz-server-side-encryption-aws-kms-key-id",
            kms_key(options),
        ),
    ];
    let said = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    said.chain(payer_header(options)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::StorageClass;

    #[test]
    fn headers_say_what_the_builders_say() {
        assert_eq!(upload_headers(&ObjectOptions::default()), []);
        let options = ObjectOptions {
            storage_class: Some(StorageClass::GlacierIr),
            encryption: Some(Encryption::Kms(Some("alias/mine".parse().unwrap()))),
            request_payer: true,
        };
        let said = |name, value: &str| (name, value.to_owned());
        assert_eq!(
            upload_headers(&options),
            [
                said("x-amz-storage-class", "GLACIER_IR"),
                said("x-amz-server-side-encryption", "aws:kms"),
                said("x-amz-server-side-encryption-aws-kms-key-id", "alias/mine"),
                said("x-amz-request-payer", "requester"),
            ]
        );
    }

    /// The SDK knows every class that we do.
    #[test]
    fn the_classes_are_those_of_the_sdk() {
        for class in StorageClass::ALL {
            let known = types::StorageClass::values().contains(&class.name());
            assert!(known, "{class}");
        }
    }
}
