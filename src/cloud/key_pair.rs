//! Key pairs of ours: public keys, imported.

use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{KeyPairInfo, ResourceType};

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::own_network::{same_claim, tagged};
use super::translate;
use crate::apply::StepError;
use crate::plan::KeyImport;

const OPERATION: &str = "import the public key";

/// Imports a public key and gives the id of the key pair; one that was imported before is
/// success.
///
/// # Errors
///
/// When EC2 refuses, or when the name belongs to another key or is not provably ours.
pub(super) async fn import(clients: &Clients, import: &KeyImport) -> Result<String, StepError> {
    let answer = clients
        .ec2
        .import_key_pair()
        .key_name(&import.name)
        .public_key_material(Blob::new(import.key.line.as_bytes()))
        .tag_specifications(tagged(ResourceType::KeyPair, &import.tags))
        .send()
        .await;
    let error = match answer {
        Ok(answer) => return Ok(answer.key_pair_id().unwrap_or_default().to_owned()),
        Err(error) => CloudError::from_sdk(OPERATION, &error),
    };
    if error.is_code("InvalidKeyPair.Duplicate") {
        return Ok(meet(clients, import).await?);
    }
    Err(error.into())
}

/// The call has no token (EC2 API idempotency): a run that was cut short may have imported
/// the key, or a request whose answer was lost.
async fn meet(clients: &Clients, import: &KeyImport) -> Result<String, CloudError> {
    let answer = clients
        .ec2
        .describe_key_pairs()
        .filters(translate::filter("key-name", [&import.name]))
        .include_public_key(true)
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("read the key pair", &error))?;
    let Some(found) = answer.key_pairs().first() else {
        let text = format!(
            "EC2 says that there is one named {} and does not show it; run the same command again",
            import.name
        );
        return Err(CloudError::of(OPERATION, CloudErrorKind::Ambiguous, text));
    };
    let problem = if !same_claim(&import.tags, &translate::tags(found.tags())) {
        "its tags do not prove it ours"
    } else if !is_same_key(found, &import.key.line) {
        "it holds another key"
    } else {
        return Ok(found.key_pair_id().unwrap_or_default().to_owned());
    };
    let text = format!(
        "there is a key pair named {} already and {problem}; rename or delete it, \
         or rename the group in the spec",
        import.name
    );
    Err(CloudError::of(OPERATION, CloudErrorKind::Rejected, text))
}

/// Whether EC2 shows our key, whatever comment it gives it.
fn is_same_key(found: &KeyPairInfo, line: &str) -> bool {
    found.public_key().is_none_or(|shown| {
        let words = shown.split_ascii_whitespace().take(2);
        words.eq(line.split_ascii_whitespace().take(2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_does_not_make_another_key() {
        let shown = |text: &str| KeyPairInfo::builder().public_key(text).build();
        let line = "ssh-ed25519 AAAA";
        assert!(is_same_key(
            &shown("ssh-ed25519 AAAA trainyard-demo\n"),
            line
        ));
        assert!(is_same_key(&shown("ssh-ed25519 AAAA"), line));
        assert!(!is_same_key(&shown("ssh-ed25519 BBBB"), line));
        assert!(is_same_key(&KeyPairInfo::builder().build(), line));
    }
}
