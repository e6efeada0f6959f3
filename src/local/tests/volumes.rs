use std::time::Duration;

use super::rig::Rig;

async fn volume(rig: &Rig, zone: &str) -> String {
    let fields = [
        ("AvailabilityZone", zone),
        ("Size", "10"),
        ("VolumeType", "gp3"),
    ];
    rig.ok("CreateVolume", &fields)
        .await
        .one("volumeId")
        .to_owned()
}

#[tokio::test]
async fn a_volume_in_use_is_not_deleted() {
    let rig = Rig::new();
    let ids = rig
        .running("1", &[("Placement.AvailabilityZone", "eu-central-1a")])
        .await;
    let instance = ("InstanceId", ids.first().expect("one").as_str());
    let far = volume(&rig, "eu-central-1b").await;
    let near = volume(&rig, "eu-central-1a").await;
    let device = ("Device", "/dev/sdf");
    rig.refused(
        "AttachVolume",
        &[instance, device, ("VolumeId", &far)],
        "InvalidVolume.ZoneMismatch",
    )
    .await;
    let at = [instance, device, ("VolumeId", near.as_str())];
    rig.ok("AttachVolume", &at).await;
    rig.refused("AttachVolume", &at, "VolumeInUse").await;
    rig.refused("DeleteVolume", &[("VolumeId", &near)], "VolumeInUse")
        .await;
    rig.ok("DetachVolume", &[("VolumeId", &near)]).await;
    rig.ok("AttachVolume", &at).await;

    rig.ok("TerminateInstances", &[("InstanceId.1", instance.1)])
        .await;
    rig.settle();
    let left = rig.ok("DescribeVolumes", &[("VolumeId.1", &near)]).await;
    assert_eq!(
        left.one("status"),
        "available",
        "what was attached later outlives"
    );
    rig.ok("DeleteVolume", &[("VolumeId", &near)]).await;
    rig.refused(
        "DeleteVolume",
        &[("VolumeId", &near)],
        "InvalidVolume.NotFound",
    )
    .await;
}

#[tokio::test]
async fn deletion_at_termination_can_be_changed() {
    let rig = Rig::new();
    let here = [("Placement.AvailabilityZone", "eu-central-1a")];
    let ids = rig.running("1", &here).await;
    let id = ids.first().expect("one").as_str();
    let late = volume(&rig, "eu-central-1a").await;
    let at = [
        ("InstanceId", id),
        ("Device", "/dev/sdf"),
        ("VolumeId", late.as_str()),
    ];
    rig.ok("AttachVolume", &at).await;
    let set = |device, value| {
        [
            ("InstanceId", id),
            ("BlockDeviceMapping.1.DeviceName", device),
            ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", value),
        ]
    };
    rig.ok("ModifyInstanceAttribute", &set("/dev/xvda", "false"))
        .await;
    rig.ok("StopInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    rig.ok("ModifyInstanceAttribute", &set("/dev/sdf", "true"))
        .await;
    let unknown = "InvalidInstanceAttributeValue";
    rig.refused("ModifyInstanceAttribute", &set("/dev/sdz", "true"), unknown)
        .await;
    let seen = rig.ok("DescribeInstances", &[("InstanceId.1", id)]).await;
    let devices = seen.one("blockDeviceMapping");
    let values: Vec<&str> = devices
        .split("<deleteOnTermination>")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    assert_eq!(values, ["false", "true"]);

    rig.ok("TerminateInstances", &[("InstanceId.1", id)]).await;
    rig.settle();
    let left = rig.ok("DescribeVolumes", &[]).await;
    assert_eq!(left.all("status"), ["available"]);
    assert_ne!(left.one("volumeId"), late);
}

#[tokio::test]
async fn a_volume_only_grows_and_not_all_the_time() {
    let rig = Rig::new();
    let id = volume(&rig, "eu-central-1a").await;
    let size = |size| [("VolumeId", id.as_str()), ("Size", size)];
    rig.refused("ModifyVolume", &size("9"), "InvalidParameterValue")
        .await;
    rig.refused(
        "DescribeVolumesModifications",
        &[("VolumeId.1", &id)],
        "InvalidVolumeModification.NotFound",
    )
    .await;
    let grown = rig.ok("ModifyVolume", &size("20")).await;
    assert_eq!(
        (grown.one("originalSize"), grown.one("targetSize")),
        ("10", "20")
    );
    rig.refused("ModifyVolume", &size("30"), "IncorrectModificationState")
        .await;
    rig.settle();
    let seen = rig
        .ok("DescribeVolumesModifications", &[("VolumeId.1", &id)])
        .await;
    assert_eq!(seen.one("modificationState"), "completed");
    for more in ["30", "40", "50"] {
        rig.ok("ModifyVolume", &size(more)).await;
        rig.settle();
    }
    rig.refused(
        "ModifyVolume",
        &size("60"),
        "VolumeModificationRateExceeded",
    )
    .await;
    rig.pass(Duration::from_hours(24));
    rig.ok("ModifyVolume", &size("60")).await;
    assert_eq!(rig.ok("DescribeVolumes", &[]).await.one("size"), "60");
}

#[tokio::test]
async fn shapes_that_do_not_exist_are_refused() {
    let rig = Rig::new();
    for (kind, more, code) in [
        ("gp9", ("Size", "10"), "InvalidParameterValue"),
        ("gp3", ("Size", "65537"), "InvalidParameterValue"),
        ("gp3", ("Size", "4294967296"), "InvalidParameterValue"),
        ("st1", ("Size", "10"), "InvalidParameterValue"),
        ("io2", ("Size", "10"), "MissingParameter"),
        ("gp3", ("Iops", "1"), "MissingParameter"),
    ] {
        let fields = [
            ("AvailabilityZone", "eu-central-1a"),
            ("VolumeType", kind),
            more,
        ];
        rig.refused("CreateVolume", &fields, code).await;
    }
    let zone = [("AvailabilityZone", "mars-1a"), ("Size", "1")];
    rig.refused("CreateVolume", &zone, "InvalidZone.NotFound")
        .await;
}

#[tokio::test]
async fn a_token_of_a_deleted_volume_makes_no_other_for_a_day() {
    let rig = Rig::new();
    let fields = [
        ("AvailabilityZone", "eu-central-1a"),
        ("Size", "10"),
        ("ClientToken", "v"),
    ];
    let made = rig.ok("CreateVolume", &fields).await;
    rig.ok("DeleteVolume", &[("VolumeId", made.one("volumeId"))])
        .await;
    rig.refused("CreateVolume", &fields, "IdempotentParameterMismatch")
        .await;
    rig.pass(Duration::from_hours(24));
    rig.ok("CreateVolume", &fields).await;
}
