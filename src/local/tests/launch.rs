use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::rig::Rig;

#[tokio::test]
async fn a_launch_that_asks_for_what_is_not_there_is_refused() {
    let rig = Rig::new();
    let arm = rig.image("al2023*arm64").await;
    let cases = [
        ("ImageId", "ami-0123456789abcdef0", "InvalidAMIID.NotFound"),
        ("ImageId", "ami-*", "InvalidAMIID.Malformed"),
        ("ImageId", &arm, "InvalidParameterValue"),
        ("ImageId", "resolve:ssm:/none", "InvalidParameterValue"),
        ("InstanceType", "x9.huge", "InvalidParameterValue"),
        ("InstanceType", "t4g.small", "InvalidParameterValue"),
        ("KeyName", "nobody", "InvalidKeyPair.NotFound"),
        (
            "SubnetId",
            "subnet-0123456789abcdef0",
            "InvalidSubnetID.NotFound",
        ),
        (
            "Placement.AvailabilityZone",
            "eu-central-1z",
            "InvalidParameterValue",
        ),
        (
            "SecurityGroupId.1",
            "sg-0123456789abcdef0",
            "InvalidGroup.NotFound",
        ),
        ("SecurityGroup.1", "nobody", "InvalidGroup.NotFound"),
        ("IamInstanceProfile.Name", "nobody", "InvalidParameterValue"),
        (
            "IamInstanceProfile.Arn",
            "arn:aws:iam::1:x",
            "InvalidParameterValue",
        ),
        (
            "InstanceInitiatedShutdownBehavior",
            "explode",
            "InvalidParameterValue",
        ),
        (
            "MetadataOptions.HttpTokens",
            "maybe",
            "InvalidParameterValue",
        ),
        ("UserData", "not base64!", "InvalidParameterValue"),
        ("MinCount", "2", "InvalidParameterCombination"),
        ("MinCount", "0", "InvalidParameterValue"),
        ("MinCount", "x", "InvalidParameterValue"),
        ("MinCount", "", "MissingParameter"),
        (
            "LaunchTemplate.LaunchTemplateName",
            "x",
            "UnsupportedOperation",
        ),
        ("DisableApiStop", "perhaps", "InvalidParameterValue"),
    ];
    for (name, value, code) in cases {
        let answer = rig.launch("1", &[(name, value)]).await;
        assert_eq!(
            answer.all("Code"),
            [code],
            "{name}={value}: {}",
            answer.body
        );
    }
    rig.settle();
    assert!(rig.ok("DescribeInstances", &[]).await.states().is_empty());
    assert!(
        rig.ok("DescribeVolumes", &[])
            .await
            .all("volumeId")
            .is_empty()
    );
}

#[tokio::test]
async fn the_profile_is_named_as_aws_names_it() {
    let rig = Rig::new();
    let refused = rig
        .launch("1", &[("IamInstanceProfile.Name", "late")])
        .await;
    let message = "Value (late) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
    assert_eq!(refused.one("Message"), message);
    assert_eq!(
        rig.control("POST", "profiles", r#"{"name":"late"}"#)
            .await
            .status,
        200
    );
    let launched = rig
        .launch("1", &[("IamInstanceProfile.Name", "late")])
        .await;
    let arn = "<arn>arn:aws:iam::123456789012:instance-profile/late</arn>";
    assert!(launched.body.contains(arn), "{}", launched.body);
}

#[tokio::test]
async fn user_data_is_limited_before_base64_and_comes_back_as_sent() {
    let rig = Rig::new();
    let most = STANDARD.encode(vec![0xff; 16_384]);
    let ids = rig.running("1", &[("UserData", &most)]).await;
    let id = ids.first().expect("an instance").as_str();
    let fields = [("InstanceId", id), ("Attribute", "userData")];
    assert_eq!(
        rig.ok("DescribeInstanceAttribute", &fields)
            .await
            .one("value"),
        most
    );
    let more = STANDARD.encode(vec![0xff; 16_385]);
    let refused = rig.launch("1", &[("UserData", &more)]).await;
    assert_eq!(refused.one("Code"), "InvalidParameterValue");
}

#[tokio::test]
async fn every_instance_is_one_of_its_own() {
    let rig = Rig::new();
    rig.running("40", &[]).await;
    let listed = rig.ok("DescribeInstances", &[]).await;
    for name in [
        "instanceId",
        "networkInterfaceId",
        "ipAddress",
        "macAddress",
        "volumeId",
        "privateDnsName",
    ] {
        let mut all = listed.all(name);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        let repeats = if name == "privateDnsName" { 2 } else { 1 };
        assert_eq!((all.len(), count), (40, 40 * repeats), "{name}");
    }
    assert!(listed.one("instanceId").len() == 19);
}

#[tokio::test]
async fn runs_repeat_to_the_letter() {
    let (one, other) = (Rig::new(), Rig::new());
    for rig in [&one, &other] {
        rig.running("3", &[("ClientToken", "t")]).await;
    }
    let (one, other) = (
        one.ok("DescribeInstances", &[]).await,
        other.ok("DescribeInstances", &[]).await,
    );
    assert_eq!(one.body, other.body);
}

#[tokio::test]
async fn block_devices_are_the_root_and_what_is_mapped() {
    let rig = Rig::new();
    let small = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "7"),
    ];
    let refused = rig.launch("1", &small).await;
    assert_eq!(refused.one("Code"), "InvalidBlockDeviceMapping");

    let mapped = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/sdf"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "150"),
        ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
        ("BlockDeviceMapping.1.Ebs.Iops", "4000"),
        ("BlockDeviceMapping.1.Ebs.Throughput", "250"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "false"),
    ];
    let ids = rig.running("1", &mapped).await;
    let id = ids.first().expect("an instance").as_str();
    let of_instance = [
        ("Filter.1.Name", "attachment.instance-id"),
        ("Filter.1.Value.1", id),
    ];
    let volumes = rig.ok("DescribeVolumes", &of_instance).await;
    let mut shapes: Vec<(&str, &str, &str)> = volumes
        .all("iops")
        .into_iter()
        .zip(volumes.all("throughput"))
        .zip(volumes.all("encrypted"))
        .map(|((iops, throughput), encrypted)| (iops, throughput, encrypted))
        .collect();
    shapes.sort_unstable();
    assert_eq!(shapes, [("3000", "125", "false"), ("4000", "250", "true")]);

    rig.ok("TerminateInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    let left = rig.ok("DescribeVolumes", &[]).await;
    assert_eq!(left.all("size"), ["150"]);
    assert_eq!(left.all("status"), ["available"]);
}

#[tokio::test]
async fn a_dry_run_has_no_effect() {
    let rig = Rig::new();
    let dry = rig.launch("1", &[("DryRun", "true")]).await;
    assert_eq!((dry.status, dry.one("Code")), (412, "DryRunOperation"));
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("an instance").as_str();
    let fields = [("InstanceId.1", id), ("DryRun", "true")];
    rig.refused("TerminateInstances", &fields, "DryRunOperation")
        .await;
    assert_eq!(rig.states(&ids).await, ["running"]);
}

#[tokio::test]
async fn the_primary_interface_may_carry_the_network() {
    let rig = Rig::new();
    let zone = [
        ("Filter.1.Name", "availability-zone"),
        ("Filter.1.Value.1", "eu-central-1b"),
    ];
    let subnets = rig.ok("DescribeSubnets", &zone).await;
    let fields = [
        ("NetworkInterface.1.DeviceIndex", "0"),
        ("NetworkInterface.1.SubnetId", subnets.one("subnetId")),
        ("NetworkInterface.1.AssociatePublicIpAddress", "false"),
    ];
    let launched = rig.launch("1", &fields).await;
    assert_eq!(launched.one("availabilityZone"), "eu-central-1b");
    assert!(launched.all("ipAddress").is_empty());
    let both = [fields[0], ("SubnetId", subnets.one("subnetId"))];
    let refused = rig.launch("1", &both).await;
    assert_eq!(refused.one("Code"), "InvalidParameterCombination");
}
