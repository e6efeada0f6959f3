use super::rig::Rig;

#[tokio::test]
async fn an_elastic_address_outlives_the_instance_that_had_it() {
    let rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let instance = ids.first().expect("one").as_str();
    let made = rig.ok("AllocateAddress", &[("Domain", "vpc")]).await;
    let (id, address) = (made.one("allocationId"), made.one("publicIp"));
    let associate = [("AllocationId", id), ("InstanceId", instance)];
    rig.ok("AssociateAddress", &associate).await;
    rig.refused("AssociateAddress", &associate, "Resource.AlreadyAssociated")
        .await;

    let seen = rig
        .ok("DescribeInstances", &[("InstanceId.1", instance)])
        .await;
    assert_eq!(seen.one("ipAddress"), address);
    assert_eq!(
        seen.all("ipOwnerId"),
        ["123456789012"; 2],
        "not the account's"
    );
    let by_address = [
        ("Filter.1.Name", "public-ip"),
        ("Filter.1.Value.1", address),
    ];
    let held = rig.ok("DescribeAddresses", &by_address).await;
    assert_eq!(held.one("allocationId"), id);
    assert_eq!(held.one("instanceId"), instance);
    let release = [("AllocationId", id)];
    rig.refused("ReleaseAddress", &release, "InvalidIPAddress.InUse")
        .await;

    rig.ok("TerminateInstances", &[("InstanceId.1", instance)])
        .await;
    rig.settle();
    let left = rig.ok("DescribeAddresses", &[]).await;
    assert_eq!(left.one("publicIp"), address);
    assert!(left.all("instanceId").is_empty());
    rig.ok("ReleaseAddress", &release).await;
    rig.refused("ReleaseAddress", &release, "InvalidAllocationID.NotFound")
        .await;
}
