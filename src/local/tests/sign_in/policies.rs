use super::{ROLE, accepts, assume, refuses, sts};
use crate::local::tests::rig::{Answer, Rig};

/// A policy of one statement that allows these actions, with more keys of it.
fn allow(actions: &str, more: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"{more}}}]}}"#
    )
}

async fn assume_with(rig: &Rig, policy: &str) -> Answer {
    assume(rig, &[("Policy", policy)]).await
}

/// Calls with the session of a policy from now on.
async fn become_limited(rig: &mut Rig, policy: &str) {
    rig.become_key("AKIALOCAL");
    let opened = assume_with(rig, policy).await;
    accepts(&opened);
    rig.become_session(&opened);
}

/// A launch of one instance with these tags.
async fn launch(rig: &Rig, kind: &str, key: &str, value: &str) -> Answer {
    let fields = [
        ("TagSpecification.1.ResourceType", kind),
        ("TagSpecification.1.Tag.1.Key", key),
        ("TagSpecification.1.Tag.1.Value", value),
    ];
    rig.launch("1", &fields).await
}

#[tokio::test]
async fn a_policy_is_as_large_as_it_says() {
    let rig = Rig::new();
    let bare = allow("\"ec2:*\"", "");
    let padded = |length: usize| format!("{bare}{}", " ".repeat(length - bare.len()));
    for (length, percent) in [(1024, "50"), (1025, "51"), (2048, "100")] {
        let opened = assume_with(&rig, &padded(length)).await;
        assert_eq!(opened.one("PackedPolicySize"), percent, "{length}");
    }
    let long = assume_with(&rig, &padded(2049)).await;
    refuses(
        &long,
        "ValidationError",
        "length less than or equal to 2048",
    );
    let wide = allow(
        "\"ec2:*\"",
        &format!(r#","Sid":"{}""#, "\u{e9}".repeat(1900)),
    );
    assert!(wide.chars().count() <= 2048);
    let large = assume_with(&rig, &wide).await;
    refuses(&large, "PackedPolicyTooLarge", "of allotted space");
}

#[tokio::test]
async fn what_is_no_policy_opens_no_session() {
    let rig = Rig::new();
    refuses(&assume_with(&rig, "").await, "ValidationError", "policy");
    let strange = assume_with(&rig, &allow("\"ec2:*\"", r#","Sid":"→""#)).await;
    refuses(&strange, "ValidationError", "regular expression");
    for bad in ["{", "null", "no", r#"{"Version":"2012-10-17"}"#] {
        let answer = assume_with(&rig, bad).await;
        assert_eq!(answer.one("Code"), "MalformedPolicyDocument", "{bad}");
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn what_a_policy_does_not_allow_is_refused() {
    let mut rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let id = [("InstanceId.1", ids.first().expect("one").as_str())];
    become_limited(&mut rig, &allow(r#""ec2:Describe*""#, "")).await;
    rig.ok("DescribeInstances", &id).await;
    let refused = rig
        .refused("StopInstances", &id, "UnauthorizedOperation")
        .await;
    let words = "because no session policy allows the ec2:StopInstances action";
    refuses(&refused, "UnauthorizedOperation", words);
    assert_eq!(rig.states(&ids).await, ["running"]);
    accepts(&sts(&rig, "GetCallerIdentity", &[]).await);
    become_limited(&mut rig, &allow(r#"["ec2:Describe*","ec2:Stop*"]"#, "")).await;
    rig.ok("StopInstances", &id).await;
    become_limited(&mut rig, &allow(r#""ec2:Stop*""#, "")).await;
    rig.refused("DescribeInstances", &id, "UnauthorizedOperation")
        .await;
}

#[tokio::test]
async fn a_dry_run_tells_what_a_policy_does_not_allow() {
    let mut rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let fields = [("InstanceId.1", ids[0].as_str()), ("DryRun", "true")];
    become_limited(&mut rig, &allow(r#""ec2:Stop*""#, "")).await;
    rig.refused("StopInstances", &fields, "DryRunOperation")
        .await;
    rig.refused("TerminateInstances", &fields, "UnauthorizedOperation")
        .await;
}

#[tokio::test]
async fn a_policy_may_bind_what_is_made_to_its_tags() {
    let mut rig = Rig::new();
    let bound = r#","Condition":{"StringEquals":{"aws:RequestTag/environment":"alex"}}"#;
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}},
            {{"Effect":"Allow","Action":"ec2:RunInstances","Resource":[
                "arn:aws:ec2:eu-central-1:123456789012:volume/*",
                "arn:aws:ec2:eu-central-1:123456789012:network-interface/*",
                "arn:aws:ec2:eu-central-1::image/*"]}},
            {{"Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateTags"],
                "Resource":"arn:aws:ec2:eu-central-1:123456789012:instance/*"{bound}}}]}}"#
    );
    become_limited(&mut rig, &policy).await;
    accepts(&launch(&rig, "instance", "environment", "alex").await);
    for (kind, key, value) in [
        ("instance", "environment", "eva"),
        ("instance", "owner", "alex"),
        ("volume", "environment", "alex"),
    ] {
        let answer = launch(&rig, kind, key, value).await;
        refuses(&answer, "UnauthorizedOperation", "session policy");
    }
}

#[tokio::test]
async fn what_is_made_is_tagged_by_permission() {
    let mut rig = Rig::new();
    let policy = allow(r#"["ec2:Describe*","ec2:RunInstances"]"#, "");
    become_limited(&mut rig, &policy).await;
    accepts(&rig.launch("1", &[]).await);
    let answer = launch(&rig, "instance", "environment", "alex").await;
    refuses(&answer, "UnauthorizedOperation", "session policy");
}

#[tokio::test]
async fn tags_may_be_for_what_is_made_alone() {
    let mut rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let policy = |creating: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Action":["ec2:Describe*","ec2:RunInstances"],"Resource":"*"}},
                {{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*",
                    "Condition":{{"StringEquals":{{"ec2:CreateAction":"{creating}"}}}}}}]}}"#
        )
    };
    become_limited(&mut rig, &policy("CreateVolume")).await;
    let answer = launch(&rig, "instance", "environment", "alex").await;
    refuses(&answer, "UnauthorizedOperation", "session policy");
    become_limited(&mut rig, &policy("RunInstances")).await;
    accepts(&launch(&rig, "instance", "environment", "alex").await);
    let tag = [
        ("ResourceId.1", ids[0].as_str()),
        ("Tag.1.Key", "environment"),
        ("Tag.1.Value", "alex"),
    ];
    rig.refused("CreateTags", &tag, "UnauthorizedOperation")
        .await;
}

#[tokio::test]
async fn a_policy_may_bind_what_there_is_to_its_tags() {
    let mut rig = Rig::new();
    let mut ids = Vec::new();
    for environment in ["alex", "eva"] {
        let launched = launch(&rig, "instance", "environment", environment).await;
        ids.push(launched.one("instanceId").to_owned());
    }
    rig.settle();
    let bound = r#","Condition":{"StringEquals":{"ec2:ResourceTag/environment":"alex"}}"#;
    let policy = allow(r#"["ec2:TerminateInstances","ec2:DeleteTags"]"#, bound);
    become_limited(&mut rig, &policy).await;
    let both = [
        ("InstanceId.1", ids[0].as_str()),
        ("InstanceId.2", ids[1].as_str()),
    ];
    let none = [("InstanceId.1", "i-0123456789abcdef0")];
    for fields in [&both[..], &both[1..], &none] {
        rig.refused("TerminateInstances", fields, "UnauthorizedOperation")
            .await;
    }
    // The tag of the request is not the tag of the resource.
    let retag = [
        ("ResourceId.1", ids[1].as_str()),
        ("Tag.1.Key", "environment"),
        ("Tag.1.Value", "alex"),
    ];
    rig.refused("DeleteTags", &retag, "UnauthorizedOperation")
        .await;
    rig.ok("TerminateInstances", &both[..1]).await;
}

#[tokio::test]
async fn what_has_a_name_is_found_by_it() {
    let mut rig = Rig::new();
    for (name, environment) in [("ours", "alex"), ("theirs", "eva")] {
        let fields = [
            ("GroupName", name),
            ("Strategy", "cluster"),
            ("TagSpecification.1.ResourceType", "placement-group"),
            ("TagSpecification.1.Tag.1.Key", "environment"),
            ("TagSpecification.1.Tag.1.Value", environment),
        ];
        rig.ok("CreatePlacementGroup", &fields).await;
    }
    let bound = r#","Condition":{"StringEquals":{"aws:ResourceTag/environment":"alex"}}"#;
    become_limited(&mut rig, &allow(r#""ec2:DeletePlacementGroup""#, bound)).await;
    let action = "DeletePlacementGroup";
    rig.refused(action, &[("GroupName", "theirs")], "UnauthorizedOperation")
        .await;
    rig.ok(action, &[("GroupName", "ours")]).await;
}

#[tokio::test]
async fn a_policy_may_name_regions() {
    let mut rig = Rig::new();
    let bound = r#","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}"#;
    become_limited(&mut rig, &allow(r#""ec2:*""#, bound)).await;
    rig.ok("DescribeInstances", &[]).await;
    rig.move_to("us-east-1");
    rig.refused("DescribeInstances", &[], "UnauthorizedOperation")
        .await;
}

#[tokio::test]
async fn a_policy_may_name_the_roles_that_are_next() {
    let mut rig = Rig::new();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{ROLE}"}}}}"#
    );
    become_limited(&mut rig, &policy).await;
    let other = "arn:aws:iam::123456789012:role/other";
    let refused = assume(&rig, &[("RoleArn", other)]).await;
    refuses(&refused, "AccessDenied", "no session policy allows");
    let next = assume(&rig, &[]).await;
    // A policy is of its session and of none that follows.
    rig.become_session(&next);
    rig.ok("DescribeInstances", &[]).await;
}
