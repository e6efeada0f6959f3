//! The wire of what surrounds instances: groups, types and interfaces.

use aws_sdk_ec2::error::ProvideErrorMetadata as _;
use aws_sdk_ec2::types::{
    Filter, InstanceType, Placement, PlacementGroupStrategy, PlacementStrategy, ResourceType, Tag,
    TagSpecification, UsageClassType,
};

use super::sdk::start;

fn named(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

async fn image(ec2: &aws_sdk_ec2::Client) -> String {
    let images = ec2
        .describe_images()
        .filters(named("name", "al2023*x86_64"))
        .send()
        .await
        .expect("images");
    let image = images.images().first().expect("an image");
    assert!(image.deprecation_time().is_none());
    image.image_id().expect("id").to_owned()
}

#[tokio::test]
async fn the_sdk_reads_placement_groups() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::PlacementGroup)
        .tags(Tag::builder().key("env").value("alex").build());
    let made = ec2
        .create_placement_group()
        .group_name("ring")
        .strategy(PlacementStrategy::Cluster)
        .tag_specifications(tags.build())
        .send()
        .await
        .expect("a group");
    let id = made.placement_group().and_then(|group| group.group_id());
    let listed = ec2
        .describe_placement_groups()
        .filters(named("tag:env", "alex"))
        .send()
        .await
        .expect("groups");
    let group = listed.placement_groups().first().expect("one");
    assert_eq!(group.group_id(), id);
    assert_eq!(group.strategy(), Some(&PlacementStrategy::Cluster));
    assert_eq!(group.tags().len(), 1);

    let launched = ec2
        .run_instances()
        .image_id(image(&ec2).await)
        .instance_type(InstanceType::M5Large)
        .min_count(1)
        .max_count(1)
        .placement(Placement::builder().group_name("ring").build())
        .send()
        .await
        .expect("an instance");
    let instance = launched.instances().first().expect("one");
    let placement = instance.placement().expect("a placement");
    assert_eq!(placement.group_name(), Some("ring"));
    let refused = ec2
        .delete_placement_group()
        .group_name("ring")
        .send()
        .await
        .expect_err("in use");
    assert_eq!(refused.code(), Some("InvalidPlacementGroup.InUse"));
    server.end().await;
}

#[tokio::test]
async fn the_sdk_reads_types_and_offerings() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let types = ec2
        .describe_instance_types()
        .instance_types(InstanceType::P4d24xlarge)
        .send()
        .await
        .expect("types");
    let kind = types.instance_types().first().expect("one");
    let storage = kind.instance_storage_info().expect("disks");
    assert_eq!(storage.total_size_in_gb(), Some(8000));
    assert_eq!(storage.disks().len(), 1);
    let groups = kind.placement_group_info().expect("strategies");
    assert!(
        groups
            .supported_strategies()
            .contains(&PlacementGroupStrategy::Cluster)
    );
    assert!(
        kind.supported_usage_classes()
            .contains(&UsageClassType::Spot)
    );
    server.end().await;
}

#[tokio::test]
async fn the_sdk_reads_interfaces_of_services() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let made = ec2
        .create_security_group()
        .group_name("ssh")
        .description("in")
        .send()
        .await
        .expect("a group");
    let group = made.group_id().expect("id");
    let order = format!(r#"{{"group":"{group}","description":"AWS Lambda VPC ENI"}}"#);
    let answer = server.control("POST", "interfaces", &order).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let listed = ec2
        .describe_network_interfaces()
        .filters(named("group-id", group))
        .send()
        .await
        .expect("interfaces");
    let interface = listed.network_interfaces().first().expect("one");
    assert_eq!(interface.requester_managed(), Some(true));
    assert_eq!(interface.description(), Some("AWS Lambda VPC ENI"));
    let attachment = interface.attachment().expect("an attachment");
    assert_eq!(attachment.instance_id(), None);
    server.end().await;
}

#[tokio::test]
async fn the_sdk_reads_a_lack_of_capacity() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let answer = server.control("POST", "capacity", "[{}]").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let refused = ec2
        .run_instances()
        .image_id(image(&ec2).await)
        .instance_type(InstanceType::T3Micro)
        .min_count(1)
        .max_count(1)
        .send()
        .await
        .expect_err("no capacity");
    assert_eq!(refused.code(), Some("InsufficientInstanceCapacity"));
    let status = refused.raw_response().map(|raw| raw.status().as_u16());
    assert_eq!(status, Some(500));
    server.end().await;
}
