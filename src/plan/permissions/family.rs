//! Families of calls: those that one pattern names.

use super::grants::Actions;

/// A pattern, and the calls of ours that it stands for.
const FAMILIES: [(&str, &[&str]); 9] = [
    (
        "ec2:*Instances",
        &[
            "ec2:RunInstances",
            "ec2:StartInstances",
            "ec2:StopInstances",
            "ec2:TerminateInstances",
        ],
    ),
    (
        "ec2:ModifyInstance*",
        &[
            "ec2:ModifyInstanceAttribute",
            "ec2:ModifyInstanceMetadataOptions",
        ],
    ),
    (
        "ec2:*IamInstanceProfile*",
        &[
            "ec2:AssociateIamInstanceProfile",
            "ec2:DisassociateIamInstanceProfile",
            "ec2:ReplaceIamInstanceProfileAssociation",
        ],
    ),
    (
        "ec2:*SecurityGroup*",
        &[
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:RevokeSecurityGroupIngress",
        ],
    ),
    ("ec2:*Tags", &["ec2:CreateTags", "ec2:DeleteTags"]),
    ("ec2:*Volume", &["ec2:DeleteVolume", "ec2:ModifyVolume"]),
    (
        "s3:*Object",
        &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
    ),
    (
        "s3:*ObjectTagging",
        &["s3:GetObjectTagging", "s3:PutObjectTagging"],
    ),
    (
        "s3:*MultipartUpload*",
        &["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
    ),
];

/// The same calls, with a pattern where several are of one family.
pub(super) fn folded(actions: &Actions) -> Actions {
    let mut folded = actions.clone();
    for (pattern, members) in FAMILIES {
        let present = || members.iter().filter(|member| actions.contains(*member));
        if present().count() > 1 {
            present().for_each(|member| {
                folded.remove(member);
            });
            folded.insert(pattern);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, folded};

    #[test]
    fn a_single_call_stays_what_it_is() {
        let actions = ["ec2:CreateTags", "ec2:StopInstances", "ec2:StartInstances"];
        let expected = ["ec2:*Instances", "ec2:CreateTags"];
        assert_eq!(folded(&actions.into()), expected.into());
    }

    #[test]
    fn a_pattern_matches_all_of_its_family() {
        for (pattern, members) in FAMILIES {
            let parts: Vec<&str> = pattern.split('*').collect();
            for member in members {
                let mut rest = member.strip_prefix(parts[0]).unwrap();
                for part in &parts[1..] {
                    rest = &rest[rest.find(part).unwrap() + part.len()..];
                }
                assert!(pattern.ends_with('*') || rest.is_empty(), "{member}");
            }
        }
    }
}
