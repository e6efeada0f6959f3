//! The rules of IAM's language, one by one (IAM User Guide, policy elements and evaluation).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Policy, Request};

fn tags(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    of.iter().map(owned).collect()
}

fn policy(statements: &Value) -> Policy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Policy::parse(&text).unwrap()
}

/// Whether a policy allows an action on a thing.
fn allows(policy: &Policy, action: &str, resource: &str) -> bool {
    let none = BTreeMap::new();
    policy.allows(&Request {
        action,
        region: "eu-central-1",
        request_tags: &none,
        resource_tags: &none,
        resource,
    })
}

/// Whether a condition holds of a request with these tags, on something with those.
fn holds(condition: &Value, asked: &[(&str, &str)], has: &[(&str, &str)]) -> bool {
    let policy = policy(&json!([{
        "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition,
    }]));
    policy.allows(&Request {
        action: "ec2:CreateTags",
        region: "eu-central-1",
        request_tags: &tags(asked),
        resource_tags: &tags(has),
        resource: "*",
    })
}

const INSTANCE: &str = "arn:aws:ec2:eu-central-1:123456789012:instance/i-1";

#[test]
fn what_nobody_allows_is_denied_and_a_denial_wins() {
    let rules = policy(&json!([
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Deny", "Action": ["ec2:StopInstances"], "Resource": "*"},
    ]));
    assert!(allows(&rules, "ec2:StartInstances", INSTANCE));
    assert!(!allows(&rules, "ec2:StopInstances", INSTANCE));
    assert!(!allows(&rules, "s3:GetObject", "arn:aws:s3:::b/k"));
    let one = policy(&json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    assert!(!allows(&one, "ec2:StartInstances", INSTANCE));
}

#[test]
fn actions_have_wildcards_and_no_case() {
    for (pattern, action, expected) in [
        ("ec2:RunInstances", "ec2:RunInstances", true),
        ("EC2:runinstances", "ec2:RunInstances", true),
        ("ec2:*Instances", "ec2:StopInstances", true),
        ("ec2:*Instances", "ec2:DescribeInstanceStatus", false),
        ("ec2:Describe?ags", "ec2:DescribeTags", true),
        ("ec2:*", "ec2:CreateTags", true),
        ("*", "s3:PutObject", true),
        ("s3:*", "ec2:CreateTags", false),
    ] {
        let rules = policy(&json!([{"Effect": "Allow", "Action": pattern, "Resource": "*"}]));
        assert_eq!(allows(&rules, action, "*"), expected, "{pattern} {action}");
    }
}

#[test]
fn resources_are_matched_part_by_part() {
    for (pattern, resource, expected) in [
        ("*", INSTANCE, true),
        ("*", "*", true),
        ("arn:aws:ec2:*:*:instance/*", INSTANCE, true),
        ("arn:aws:ec2:*:*:instance/i-1", INSTANCE, true),
        ("arn:aws:ec2:*:*:instance/i-2", INSTANCE, false),
        ("arn:aws:ec2:*:*:volume/*", INSTANCE, false),
        ("arn:aws:ec2:*:*:*/i-1", INSTANCE, true),
        // A wildcard does not reach beyond its colon, but in the last part.
        ("arn:aws:ec2:*instance/i-1::", INSTANCE, false),
        (
            "arn:aws:ec2:*:*:image/*",
            "arn:aws:ec2:eu-central-1::image/ami-1",
            true,
        ),
        ("arn:aws:ec2:*:*:instance/*", "*", false),
        (
            "arn:aws:s3:::bucket/set/*",
            "arn:aws:s3:::bucket/set/a/b:c",
            true,
        ),
        (
            "arn:aws:s3:::bucket/set/*",
            "arn:aws:s3:::bucket/sets",
            false,
        ),
        ("arn:aws:s3:::bucket", "arn:aws:s3:::bucket/set", false),
        ("arn:aws:s3:::bucket/Set", "arn:aws:s3:::bucket/set", false),
        (
            "arn:aws:s3:::bucket/a${*}b",
            "arn:aws:s3:::bucket/a*b",
            true,
        ),
        (
            "arn:aws:s3:::bucket/a${*}b",
            "arn:aws:s3:::bucket/axb",
            false,
        ),
    ] {
        let rules = policy(&json!([{"Effect": "Allow", "Action": "*", "Resource": pattern}]));
        assert_eq!(
            allows(&rules, "ec2:X", resource),
            expected,
            "{pattern} {resource}"
        );
    }
}

#[test]
fn what_is_left_out_is_all_the_rest() {
    let rules = policy(&json!([
        {"Effect": "Allow", "NotAction": ["iam:*", "ec2:TerminateInstances"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::mine/*"},
    ]));
    assert!(allows(&rules, "ec2:StopInstances", INSTANCE));
    assert!(!allows(&rules, "ec2:TerminateInstances", INSTANCE));
    assert!(!allows(&rules, "iam:PassRole", "arn:aws:iam::1:role/r"));
    assert!(allows(&rules, "s3:GetObject", "arn:aws:s3:::mine/k"));
    assert!(!allows(&rules, "s3:GetObject", "arn:aws:s3:::theirs/k"));
}

#[test]
fn texts_are_compared_with_any_of_the_values() {
    let region = |operator: &str, values: Value| {
        holds(
            &json!({operator: {"aws:RequestedRegion": values}}),
            &[],
            &[],
        )
    };
    assert!(region("StringEquals", json!("eu-central-1")));
    assert!(region("stringequals", json!(["us-east-1", "eu-central-1"])));
    assert!(!region("StringEquals", json!("eu-*")));
    assert!(!region("StringEquals", json!("EU-CENTRAL-1")));
    assert!(region("StringEqualsIgnoreCase", json!("EU-CENTRAL-1")));
    assert!(region("StringLike", json!(["us-*", "eu-*-1"])));
    assert!(!region("StringNotLike", json!(["us-*", "eu-*-1"])));
    assert!(region("StringNotEquals", json!(["us-east-1", "us-west-2"])));
    assert!(!region(
        "StringNotEquals",
        json!(["us-east-1", "eu-central-1"])
    ));
}

#[test]
fn all_lines_of_a_block_must_hold() {
    let both = |name: &str| {
        json!({
            "StringEquals": {"aws:RequestedRegion": "eu-central-1", "aws:RequestTag/e": name},
            "StringLike": {"ec2:ResourceTag/e": "d*"},
        })
    };
    assert!(holds(&both("x"), &[("e", "x")], &[("e", "demo")]));
    assert!(!holds(&both("y"), &[("e", "x")], &[("e", "demo")]));
    assert!(!holds(&both("x"), &[("e", "x")], &[("e", "other")]));
}

#[test]
fn a_tag_that_is_not_there_equals_nothing() {
    for key in [
        "aws:ResourceTag/e",
        "ec2:ResourceTag/e",
        "EC2:resourcetag/E",
    ] {
        let line = |operator: &str| json!({operator: {key: "demo"}});
        let (ours, none, others) = ([("e", "demo")], [], [("e", "other")]);
        for (operator, expected) in [
            ("StringEquals", [true, false, false]),
            ("StringNotEquals", [false, true, true]),
            ("StringLike", [true, false, false]),
            ("StringEqualsIfExists", [true, true, false]),
            ("StringNotEqualsIfExists", [false, true, true]),
        ] {
            let held: [&[(&str, &str)]; 3] = [&ours, &none, &others];
            let found = held.map(|has| holds(&line(operator), &[], has));
            assert_eq!(found, expected, "{operator} {key}");
        }
    }
    let absent = json!({"Null": {"aws:ResourceTag/e": "true"}});
    assert!(holds(&absent, &[], &[]));
    assert!(!holds(&absent, &[], &[("e", "demo")]));
    let present = json!({"Null": {"aws:ResourceTag/e": false}});
    assert!(holds(&present, &[], &[("e", "demo")]));
}

#[test]
fn a_key_with_several_values_needs_a_word_on_how_many() {
    let line = |operator: &str| json!({operator: {"aws:TagKeys": ["e", "g"]}});
    let (few, more, none): (&[_], &[_], &[_]) =
        (&[("e", "1"), ("g", "2")], &[("e", "1"), ("x", "2")], &[]);
    for (operator, expected) in [
        ("ForAllValues:StringEquals", [true, false, true]),
        ("ForAnyValue:StringEquals", [true, true, false]),
        ("ForAllValues:StringLike", [true, false, true]),
        ("StringEquals", [false, false, false]),
    ] {
        let found = [few, more, none].map(|asked| holds(&line(operator), asked, &[]));
        assert_eq!(found, expected, "{operator}");
    }
}

#[test]
fn every_request_came_over_a_secure_way() {
    for (value, expected) in [
        (json!("true"), true),
        (json!(true), true),
        (json!("false"), false),
    ] {
        let line = json!({"Bool": {"aws:SecureTransport": value}});
        assert_eq!(holds(&line, &[], &[]), expected);
    }
}

#[test]
fn what_this_cloud_does_not_know_never_holds() {
    for line in [
        json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}),
        json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
        json!({"StringEqualsIfExists": {"ec2:Tenancy": "default"}}),
        json!({"Null": {"aws:MultiFactorAuthAge": "true"}}),
        json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
        json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}),
        json!({"ArnLike": {"aws:RequestedRegion": "*"}}),
    ] {
        assert!(!holds(&line, &[], &[]), "{line}");
    }
}

#[test]
fn tags_that_come_with_their_object_are_told_from_others() {
    let rules = policy(&json!([{
        "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
        "Condition": {"StringEquals": {"ec2:CreateAction": ["RunInstances", "CreateVolume"]}},
    }]));
    let none = BTreeMap::new();
    let request = Request {
        action: "ec2:CreateTags",
        region: "eu-central-1",
        request_tags: &none,
        resource_tags: &none,
        resource: INSTANCE,
    };
    assert!(!rules.allows(&request));
    assert!(rules.allows_while_creating(&request, "RunInstances"));
    assert!(!rules.allows_while_creating(&request, "CreateSecurityGroup"));
}

#[test]
fn roles_are_passed_to_ec2_and_to_nobody_else() {
    let rules = |service: &str| {
        policy(&json!([{
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": service}},
        }]))
    };
    let role = "arn:aws:iam::123456789012:role/trainer";
    assert!(allows(&rules("ec2.amazonaws.com"), "iam:PassRole", role));
    assert!(!allows(
        &rules("lambda.amazonaws.com"),
        "iam:PassRole",
        role
    ));
    assert!(!allows(
        &rules("ec2.amazonaws.com"),
        "ec2:RunInstances",
        INSTANCE
    ));
}

#[test]
fn what_is_malformed_is_refused_in_words() {
    let good = json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"});
    let with = |key: &str, value: Value| {
        let mut statement = good.clone();
        statement[key] = value;
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    };
    let without = |key: &str| {
        let mut statement = good.clone();
        statement.as_object_mut().unwrap().remove(key);
        json!({"Statement": [statement]}).to_string()
    };
    for (text, word) in [
        (String::new(), "no JSON"),
        ("[]".to_owned(), "the policy is no object"),
        (json!({}).to_string(), "there is no statement"),
        (
            json!({"Statement": []}).to_string(),
            "there is no statement",
        ),
        (
            json!({"Statement": ["x"]}).to_string(),
            "a statement is no object",
        ),
        (
            json!({"Version": "2026-01-01", "Statement": [good]}).to_string(),
            "no version",
        ),
        (
            json!({"Rules": [], "Statement": [good]}).to_string(),
            "`Rules` has no place",
        ),
        (with("Principal", json!("*")), "`Principal` has no place"),
        (
            with("Effect", json!("allow")),
            "`Effect` is `Allow` or `Deny`",
        ),
        (with("Action", json!("RunInstances")), "is no action"),
        (with("Action", json!([])), "`Action` names nothing"),
        (with("Action", json!({})), "`Action` is a text"),
        (
            with("NotAction", json!("ec2:*")),
            "one of `Action` and `NotAction`",
        ),
        (without("Action"), "one of `Action` and `NotAction`"),
        (without("Resource"), "one of `Resource` and `NotResource`"),
        (
            with("Resource", json!("instance/i-1")),
            "neither an ARN nor `*`",
        ),
        (
            with("Resource", json!("arn:aws:s3")),
            "neither an ARN nor `*`",
        ),
        (with("Condition", json!([])), "`Condition` is no object"),
        (
            with("Condition", json!({"StringIs": {}})),
            "`StringIs` is no condition operator",
        ),
        (
            with("Condition", json!({"NullIfExists": {}})),
            "is no condition operator",
        ),
        (
            with("Condition", json!({"ForSome:Bool": {}})),
            "is no condition operator",
        ),
        (
            with("Condition", json!({"Bool": "true"})),
            "Bool is no object",
        ),
        (
            with("Condition", json!({"Bool": {"aws:SecureTransport": null}})),
            "`aws:SecureTransport` is a text",
        ),
    ] {
        let error = Policy::parse(&text).unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }
    Policy::parse(&with("Sid", json!("Mine"))).unwrap();
}
