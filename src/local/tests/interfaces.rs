use std::time::Duration;

use super::rig::Rig;
use crate::local::{Delays, Settings};

async fn group(rig: &Rig, name: &str) -> String {
    let fields = [("GroupName", name), ("GroupDescription", "in")];
    let made = rig.ok("CreateSecurityGroup", &fields).await;
    made.one("groupId").to_owned()
}

fn holding(group: &str) -> [(&str, &str); 2] {
    [("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group)]
}

#[tokio::test]
async fn an_interface_lingers_and_holds_its_group() {
    let rig = Rig::with(Settings {
        delays: Delays {
            interfaces: Duration::from_secs(30),
            ..Delays::default()
        },
        ..Settings::default()
    });
    let id = group(&rig, "ssh").await;
    let ids = rig.running("1", &[("SecurityGroupId.1", &id)]).await;
    let instance = ids.first().expect("one").as_str();
    rig.ok("TerminateInstances", &[("InstanceId.1", instance)])
        .await;
    rig.settle();
    assert_eq!(rig.states(&ids).await, ["terminated"]);
    let left = rig.ok("DescribeNetworkInterfaces", &holding(&id)).await;
    assert_eq!(left.one("instanceId"), instance);
    assert_eq!(left.one("requesterManaged"), "false");
    let delete = [("GroupId", id.as_str())];
    rig.refused("DeleteSecurityGroup", &delete, "DependencyViolation")
        .await;
    rig.pass(Duration::from_secs(30));
    let gone = rig.ok("DescribeNetworkInterfaces", &holding(&id)).await;
    assert!(gone.all("networkInterfaceId").is_empty());
    rig.ok("DeleteSecurityGroup", &delete).await;
}

#[tokio::test]
async fn an_interface_of_a_service_holds_a_group_until_it_is_taken_away() {
    let rig = Rig::new();
    let id = group(&rig, "ssh").await;
    let order = format!(r#"{{"group":"{id}","description":"AWS Lambda VPC ENI"}}"#);
    let made = rig.control("POST", "interfaces", &order).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let seen = rig.ok("DescribeNetworkInterfaces", &holding(&id)).await;
    assert!(made.body.contains(seen.one("networkInterfaceId")));
    assert_eq!(seen.one("description"), "AWS Lambda VPC ENI");
    assert_eq!(seen.one("status"), "in-use");
    assert_eq!(seen.one("requesterManaged"), "true");
    assert!(seen.all("instanceId").is_empty());
    let delete = [("GroupId", id.as_str())];
    rig.refused("DeleteSecurityGroup", &delete, "DependencyViolation")
        .await;
    rig.control("DELETE", "interfaces", "").await;
    rig.ok("DeleteSecurityGroup", &delete).await;
    let lost = rig.control("POST", "interfaces", &order).await;
    assert_eq!(lost.status, 400);
}

#[tokio::test]
async fn an_instance_has_five_groups_at_most() {
    let rig = Rig::new();
    let mut ids = Vec::new();
    for number in 1..=6 {
        ids.push(group(&rig, &format!("g{number}")).await);
    }
    let names: Vec<String> = (1..=6).map(|n| format!("SecurityGroupId.{n}")).collect();
    let fields: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(ids.iter().map(String::as_str))
        .collect();
    let code = "SecurityGroupsPerInterfaceLimitExceeded";
    let refused = rig.launch("1", &fields).await;
    assert_eq!(refused.one("Code"), code);
    let five = fields.get(..5).expect("five");
    let running = rig.running("1", five).await;
    let names: Vec<String> = (1..=6).map(|n| format!("GroupId.{n}")).collect();
    let mut all: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(ids.iter().map(String::as_str))
        .collect();
    all.push(("InstanceId", running.first().expect("one").as_str()));
    rig.refused("ModifyInstanceAttribute", &all, code).await;
}
