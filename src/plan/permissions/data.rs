//! What a transfer of files takes.

use super::grants::Grants;
use crate::sync::{Place, SyncPlan};

/// How the service that holds files names itself to KMS, in every region and partition.
const SERVICE: &str = "s3.*";

impl Grants {
    /// Listing both buckets, reading the source, and reading and writing the target.
    ///
    /// Uploads in parts are gone on with and given up. Copies take their tags along.
    pub(super) fn transfer(&mut self, files: &SyncPlan) {
        let SyncPlan {
            from,
            to,
            transfers: _,
            deletions,
            withheld: _,
            same: _,
            kept: _,
            skipped: _,
            leftovers: _,
            archive,
            options: _,
            case_conflicts: _,
            region: _,
        } = files;
        let archive = archive.as_ref().map(|packing| packing.key.as_str());
        let source = place(from, archive);
        let target = place(to, archive);
        let within = source.is_some() && target.is_some();
        if let Some((bucket, keys)) = source {
            self.files(bucket, &keys, "s3:GetObject");
            if within {
                self.files(bucket, &keys, "s3:GetObjectTagging");
            }
        }
        if let Some((bucket, keys)) = target {
            for action in [
                "s3:GetObject",
                "s3:PutObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ] {
                self.files(bucket, &keys, action);
            }
            if within {
                self.files(bucket, &keys, "s3:PutObjectTagging");
            }
            // What only an archive has is left out of the next one.
            if archive.is_none() && !deletions.is_empty() {
                self.files(bucket, &keys, "s3:DeleteObject");
            }
        }
        self.key_users.insert(SERVICE);
    }
}

/// The bucket of a place and the pattern of its keys.
///
/// An archive has a name of its own beside the prefix, and its manifest lies beside it.
fn place<'a>(place: &'a Place, archive: Option<&str>) -> Option<(&'a str, String)> {
    match place {
        Place::Folder(_) => None,
        Place::Prefix { bucket, prefix } => {
            let begin = archive.unwrap_or(prefix);
            Some((bucket, format!("{}*", literal(begin))))
        }
    }
}

/// A text of which a policy takes no character for a pattern.
///
/// What a session policy cannot hold, as nothing above U+00FF may stand in it (STS API,
/// `AssumeRole`), becomes a pattern.
fn literal(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '?' | '$' => written.extend(['$', '{', character, '}']),
            ' '..='\u{ff}' => written.push(character),
            _ => written.push('*'),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn no_key_is_a_pattern_but_where_a_policy_cannot_say_it() {
        assert_eq!(literal("data/set-1/"), "data/set-1/");
        assert_eq!(literal("a*b?c${d}"), "a${*}b${?}c${$}{d}");
        assert_eq!(literal("größe/日本/\t"), "größe/**/*");
    }
}
