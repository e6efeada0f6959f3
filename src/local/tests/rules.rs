use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::rig::Rig;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@here";

#[tokio::test]
async fn a_group_lives_until_nobody_uses_it() {
    let rig = Rig::new();
    let fields = [("GroupName", "ssh"), ("GroupDescription", "in")];
    let group = rig.ok("CreateSecurityGroup", &fields).await;
    let id = ("GroupId", group.one("groupId"));
    rig.refused("CreateSecurityGroup", &fields, "InvalidGroup.Duplicate")
        .await;
    let ids = rig.running("1", &[("SecurityGroup.1", "ssh")]).await;
    rig.refused("DeleteSecurityGroup", &[id], "DependencyViolation")
        .await;
    rig.ok(
        "TerminateInstances",
        &[("InstanceId.1", ids.first().expect("one").as_str())],
    )
    .await;
    rig.refused("DeleteSecurityGroup", &[id], "DependencyViolation")
        .await;
    rig.settle();
    rig.ok("DeleteSecurityGroup", &[id]).await;
    rig.refused("DeleteSecurityGroup", &[id], "InvalidGroup.NotFound")
        .await;
    rig.refused(
        "DeleteSecurityGroup",
        &[("GroupName", "default")],
        "CannotDelete",
    )
    .await;
}

#[tokio::test]
async fn rules_are_neither_doubled_nor_missed() {
    let rig = Rig::new();
    let group = rig
        .ok(
            "CreateSecurityGroup",
            &[("GroupName", "ssh"), ("GroupDescription", "in")],
        )
        .await;
    let rule = [
        ("GroupId", group.one("groupId")),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "22"),
        ("IpPermissions.1.ToPort", "22"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "192.0.2.7/32"),
        ("IpPermissions.1.IpRanges.1.Description", "me & mine"),
    ];
    rig.ok("AuthorizeSecurityGroupIngress", &rule).await;
    rig.refused(
        "AuthorizeSecurityGroupIngress",
        &rule,
        "InvalidPermission.Duplicate",
    )
    .await;
    let by_range = [
        ("Filter.1.Name", "ip-permission.cidr"),
        ("Filter.1.Value.1", "192.0.2.7/32"),
    ];
    let seen = rig.ok("DescribeSecurityGroups", &by_range).await;
    assert_eq!(seen.all("groupName"), ["ssh"]);
    assert_eq!(seen.all("fromPort"), ["22"]);
    assert_eq!(seen.all("description"), ["me &amp; mine"]);
    rig.ok("RevokeSecurityGroupIngress", &rule).await;
    rig.refused(
        "RevokeSecurityGroupIngress",
        &rule,
        "InvalidPermission.NotFound",
    )
    .await;
    let mut bad = rule;
    bad[4].1 = "192.0.2.7/33";
    rig.refused(
        "AuthorizeSecurityGroupIngress",
        &bad,
        "InvalidParameterValue",
    )
    .await;
}

#[tokio::test]
async fn keys_are_imported_once() {
    let rig = Rig::new();
    let material = STANDARD.encode(ED25519);
    let fields = [("KeyName", "me"), ("PublicKeyMaterial", material.as_str())];
    rig.ok("ImportKeyPair", &fields).await;
    rig.refused("ImportKeyPair", &fields, "InvalidKeyPair.Duplicate")
        .await;
    let listed = rig
        .ok("DescribeKeyPairs", &[("IncludePublicKey", "true")])
        .await;
    assert_eq!(
        (listed.one("keyType"), listed.one("publicKey")),
        ("ed25519", ED25519)
    );
    rig.refused(
        "DescribeKeyPairs",
        &[("KeyName.1", "you")],
        "InvalidKeyPair.NotFound",
    )
    .await;
    assert_eq!(
        rig.launch("1", &[("KeyName", "me")]).await.one("keyName"),
        "me"
    );
    rig.ok("DeleteKeyPair", &[("KeyName", "me")]).await;
    rig.ok("DeleteKeyPair", &[("KeyName", "me")]).await;
    for bad in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "hello world"] {
        let material = STANDARD.encode(bad);
        let answer = rig
            .ec2(
                "ImportKeyPair",
                &[("KeyName", "x"), ("PublicKeyMaterial", &material)],
            )
            .await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn profiles_are_associated_replaced_and_taken_away() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let instance = ("InstanceId", ids.first().expect("one").as_str());
    let trainer = ("IamInstanceProfile.Name", "trainer");
    let first = rig
        .ok("AssociateIamInstanceProfile", &[instance, trainer])
        .await;
    rig.refused(
        "AssociateIamInstanceProfile",
        &[instance, trainer],
        "IncorrectState",
    )
    .await;
    let old = ("AssociationId", first.one("associationId"));
    let second = rig
        .ok(
            "ReplaceIamInstanceProfileAssociation",
            &[old, ("IamInstanceProfile.Name", "default")],
        )
        .await;
    rig.refused(
        "DisassociateIamInstanceProfile",
        &[old],
        "InvalidAssociationID.NotFound",
    )
    .await;
    let listed = rig.ok("DescribeIamInstanceProfileAssociations", &[]).await;
    assert!(listed.one("arn").ends_with("/default"));
    rig.ok(
        "DisassociateIamInstanceProfile",
        &[("AssociationId", second.one("associationId"))],
    )
    .await;
    let listed = rig.ok("DescribeIamInstanceProfileAssociations", &[]).await;
    assert!(listed.all("associationId").is_empty());
}

fn ssh_from<'a>(group: &'a str, list: &'a str, source: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "22"),
        ("IpPermissions.1.ToPort", "22"),
        (list, source),
    ]
}

#[tokio::test]
async fn a_group_may_let_itself_in() {
    let rig = Rig::new();
    let fields = [("GroupName", "ring"), ("GroupDescription", "in")];
    let made = rig.ok("CreateSecurityGroup", &fields).await;
    let id = made.one("groupId");
    let list = "IpPermissions.1.Groups.1.GroupId";
    let own = ssh_from(id, list, id);
    rig.ok("AuthorizeSecurityGroupIngress", &own).await;
    rig.refused(
        "AuthorizeSecurityGroupIngress",
        &own,
        "InvalidPermission.Duplicate",
    )
    .await;
    let by_group = [
        ("Filter.1.Name", "ip-permission.group-id"),
        ("Filter.1.Value.1", id),
    ];
    let seen = rig.ok("DescribeSecurityGroups", &by_group).await;
    assert_eq!(seen.one("userId"), "123456789012");
    assert!(seen.one("ipPermissionsEgress").contains("0.0.0.0/0"));
    rig.ok("RevokeSecurityGroupIngress", &own).await;
    rig.ok("AuthorizeSecurityGroupIngress", &own).await;
    rig.ok("DeleteSecurityGroup", &[("GroupId", id)]).await;
}

#[tokio::test]
async fn what_is_said_of_a_rule_can_be_changed() {
    let rig = Rig::new();
    let fields = [("GroupName", "ssh"), ("GroupDescription", "in")];
    let made = rig.ok("CreateSecurityGroup", &fields).await;
    let list = "IpPermissions.1.IpRanges.1.CidrIp";
    let mut rule = ssh_from(made.one("groupId"), list, "192.0.2.7/32");
    let update = "UpdateSecurityGroupRuleDescriptionsIngress";
    rig.refused(update, &rule, "InvalidPermission.NotFound")
        .await;
    rig.ok("AuthorizeSecurityGroupIngress", &rule).await;
    rule.push(("IpPermissions.1.IpRanges.1.Description", "mine"));
    rig.ok(update, &rule).await;
    let by_name = [("GroupName.1", "ssh")];
    let seen = rig.ok("DescribeSecurityGroups", &by_name).await;
    assert_eq!(seen.all("description"), ["mine"]);
}

#[tokio::test]
async fn what_goes_out_has_rules_too() {
    let rig = Rig::new();
    let fields = [("GroupName", "ssh"), ("GroupDescription", "in")];
    let made = rig.ok("CreateSecurityGroup", &fields).await;
    let all = [
        ("GroupId", made.one("groupId")),
        ("IpPermissions.1.IpProtocol", "-1"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    let duplicate = "InvalidPermission.Duplicate";
    rig.refused("AuthorizeSecurityGroupEgress", &all, duplicate)
        .await;
    rig.ok("RevokeSecurityGroupEgress", &all).await;
    rig.refused(
        "RevokeSecurityGroupEgress",
        &all,
        "InvalidPermission.NotFound",
    )
    .await;
    rig.ok("AuthorizeSecurityGroupEgress", &all).await;
}

#[tokio::test]
async fn a_group_has_sixty_rules_at_most() {
    let rig = Rig::new();
    let fields = [("GroupName", "ssh"), ("GroupDescription", "in")];
    let made = rig.ok("CreateSecurityGroup", &fields).await;
    let id = made.one("groupId");
    let list = "IpPermissions.1.IpRanges.1.CidrIp";
    for host in 1..=60 {
        let source = format!("192.0.2.{host}/32");
        rig.ok(
            "AuthorizeSecurityGroupIngress",
            &ssh_from(id, list, &source),
        )
        .await;
    }
    rig.refused(
        "AuthorizeSecurityGroupIngress",
        &ssh_from(id, list, "192.0.2.61/32"),
        "RulesPerSecurityGroupLimitExceeded",
    )
    .await;
    let other = "IpPermissions.1.Ipv6Ranges.1.CidrIpv6";
    rig.ok(
        "AuthorizeSecurityGroupIngress",
        &ssh_from(id, other, "2001:db8::1/128"),
    )
    .await;
}
