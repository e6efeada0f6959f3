use super::rig::Rig;

const GROUP: &str = "Placement.GroupName";

async fn group(rig: &Rig, name: &str, strategy: &str) -> String {
    let fields = [
        ("GroupName", name),
        ("Strategy", strategy),
        ("TagSpecification.1.ResourceType", "placement-group"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", strategy),
    ];
    let made = rig.ok("CreatePlacementGroup", &fields).await;
    made.one("groupId").to_owned()
}

#[tokio::test]
async fn groups_are_made_found_and_deleted() {
    let rig = Rig::new();
    let id = group(&rig, "ring", "cluster").await;
    group(&rig, "wide", "spread").await;
    group(&rig, "parts", "partition").await;
    let again = [("GroupName", "ring"), ("Strategy", "cluster")];
    rig.refused(
        "CreatePlacementGroup",
        &again,
        "InvalidPlacementGroup.Duplicate",
    )
    .await;
    for (name, value) in [
        ("tag:env", "cluster"),
        ("group-name", "ring"),
        ("strategy", "cluster"),
    ] {
        let fields = [("Filter.1.Name", name), ("Filter.1.Value.1", value)];
        let found = rig.ok("DescribePlacementGroups", &fields).await;
        assert_eq!(found.all("groupName"), ["ring"], "{name}");
        assert_eq!(found.one("groupId"), id);
    }
    for (name, value) in [("tag-key", "env"), ("state", "available")] {
        let fields = [("Filter.1.Name", name), ("Filter.1.Value.1", value)];
        let found = rig.ok("DescribePlacementGroups", &fields).await;
        assert_eq!(found.all("groupName"), ["parts", "ring", "wide"], "{name}");
    }
    let nobody = [("GroupName.1", "nobody")];
    let unknown = "InvalidPlacementGroup.Unknown";
    rig.refused("DescribePlacementGroups", &nobody, unknown)
        .await;
    let name = [("GroupName", "ring")];
    rig.ok("DeletePlacementGroup", &name).await;
    rig.refused("DeletePlacementGroup", &name, unknown).await;
    let tags = rig.ok("DescribeTags", &[]).await;
    assert!(!tags.all("resourceId").contains(&id.as_str()));
}

#[tokio::test]
async fn a_group_is_tagged_like_anything_else() {
    let rig = Rig::new();
    let id = group(&rig, "ring", "cluster").await;
    let fields = [
        ("ResourceId.1", id.as_str()),
        ("Tag.1.Key", "team"),
        ("Tag.1.Value", "blue"),
    ];
    rig.ok("CreateTags", &fields).await;
    let by_tag = [("Filter.1.Name", "tag:team"), ("Filter.1.Value.1", "blue")];
    let found = rig.ok("DescribePlacementGroups", &by_tag).await;
    assert_eq!(found.all("groupName"), ["ring"]);
    let kind = [
        ("Filter.1.Name", "resource-type"),
        ("Filter.1.Value.1", "placement-group"),
    ];
    assert_eq!(rig.ok("DescribeTags", &kind).await.all("key").len(), 2);
}

#[tokio::test]
async fn a_group_lives_until_its_members_are_terminated() {
    let rig = Rig::new();
    group(&rig, "ring", "cluster").await;
    let member = [(GROUP, "ring"), ("InstanceType", "m5.large")];
    let ids = rig.running("1", &member).await;
    let by_group = [
        ("Filter.1.Name", "placement-group-name"),
        ("Filter.1.Value.1", "ring"),
    ];
    let seen = rig.ok("DescribeInstances", &by_group).await;
    assert_eq!(seen.one("instanceId"), ids.first().expect("one"));
    assert!(
        seen.one("placement")
            .contains("<groupName>ring</groupName>")
    );
    let name = [("GroupName", "ring")];
    let in_use = "InvalidPlacementGroup.InUse";
    rig.refused("DeletePlacementGroup", &name, in_use).await;
    let id = [("InstanceId.1", ids.first().expect("one").as_str())];
    rig.ok("TerminateInstances", &id).await;
    rig.refused("DeletePlacementGroup", &name, in_use).await;
    rig.settle();
    rig.ok("DeletePlacementGroup", &name).await;
}

#[tokio::test]
async fn a_cluster_keeps_to_the_zone_of_its_first_member() {
    let rig = Rig::new();
    group(&rig, "ring", "cluster").await;
    let member = [(GROUP, "ring"), ("InstanceType", "m5.large")];
    let first = rig.launch("1", &member).await;
    let zone = first.one("availabilityZone");
    for _ in 0..4 {
        let next = rig.launch("1", &member).await;
        assert_eq!(next.one("availabilityZone"), zone);
    }
    for other in ["eu-central-1a", "eu-central-1b", "eu-central-1c"] {
        let mut there = member.to_vec();
        there.push(("Placement.AvailabilityZone", other));
        let answer = rig.launch("1", &there).await;
        let expected = if other == zone { 200 } else { 400 };
        assert_eq!(answer.status, expected, "{other}");
    }
}

#[tokio::test]
async fn a_group_takes_only_what_it_can_hold() {
    let rig = Rig::new();
    let lost = rig.launch("1", &[(GROUP, "nobody")]).await;
    assert_eq!(lost.one("Code"), "InvalidPlacementGroup.Unknown");
    group(&rig, "ring", "cluster").await;
    let small = rig.launch("1", &[(GROUP, "ring")]).await;
    assert_eq!(small.one("Code"), "InvalidParameterValue");
    group(&rig, "wide", "spread").await;
    let here = [
        (GROUP, "wide"),
        ("Placement.AvailabilityZone", "eu-central-1a"),
    ];
    assert_eq!(rig.launch("7", &here).await.status, 200);
    let eighth = rig.launch("1", &here).await;
    assert_eq!(eighth.one("Code"), "InsufficientInstanceCapacity");
}
