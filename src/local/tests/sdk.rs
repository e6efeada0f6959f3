//! The wire: the real SDK against the cloud on a socket.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Region};
use aws_sdk_ec2::error::ProvideErrorMetadata as _;
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, BlockDeviceMapping, EbsBlockDevice, Filter, InstanceStateName,
    InstanceType, ResourceType, SecureBlobAttributeValue, Tag, TagSpecification,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::rig::prompt;
use crate::local::{Clock, Cloud, Delays, Settings, serve};

pub(super) struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

pub(super) async fn start(idle: Option<Duration>) -> Server {
    let clock: Clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
    let settings = Settings {
        delays: Delays {
            pending: Duration::ZERO,
            shutting_down: Duration::ZERO,
            stopping: Duration::ZERO,
            ..prompt().delays
        },
        ..prompt()
    };
    let cloud = Arc::new(Cloud::open(settings, clock).expect("cloud"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _told = stopped.await;
    };
    let task = tokio::spawn(serve(listener, cloud, idle, shutdown));
    Server {
        address,
        stop,
        task,
    }
}

impl Server {
    pub(super) fn ec2(&self) -> aws_sdk_ec2::Client {
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", self.address))
            .credentials_provider(Credentials::for_tests())
            .region(Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_ec2::Client::from_conf(config)
    }

    async fn order(&self, order: &str) {
        let answer = self.control("POST", "faults", order).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    pub(super) async fn control(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connection");
        let length = body.len();
        let request = format!(
            "{method} /_trainyard/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    }

    pub(super) async fn end(self) {
        self.stop.send(()).expect("serving");
        self.task.await.expect("joined").expect("served");
    }
}

/// Launches two instances as an environment would, and gives the first's id.
async fn launch(ec2: &aws_sdk_ec2::Client) -> String {
    let images = ec2
        .describe_images()
        .owners("amazon")
        .send()
        .await
        .expect("images");
    let image = images
        .images()
        .iter()
        .find(|image| image.name().is_some_and(|name| name.contains("Version 61")))
        .expect("an image");
    let root = EbsBlockDevice::builder()
        .volume_size(150)
        .iops(4000)
        .delete_on_termination(true);
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Instance)
        .tags(Tag::builder().key("Name").value("alex & <sons>").build());
    let launched = ec2
        .run_instances()
        .image_id(image.image_id().expect("id"))
        .instance_type(InstanceType::P32xlarge)
        .min_count(2)
        .max_count(2)
        .user_data("aGVsbG8=")
        .iam_instance_profile(
            aws_sdk_ec2::types::IamInstanceProfileSpecification::builder()
                .name("trainer")
                .build(),
        )
        .block_device_mappings(
            BlockDeviceMapping::builder()
                .device_name("/dev/xvda")
                .ebs(root.build())
                .build(),
        )
        .tag_specifications(tags.build())
        .send()
        .await
        .expect("launched");
    let id = launched
        .instances()
        .first()
        .and_then(|instance| instance.instance_id())
        .expect("id");
    id.to_owned()
}

#[tokio::test]
async fn the_sdk_reads_what_it_launched() {
    let server = start(None).await;
    let ec2 = server.ec2();
    launch(&ec2).await;
    let filter = Filter::builder().name("tag:Name").values("alex*").build();
    let pages = ec2
        .describe_instances()
        .filters(filter)
        .into_paginator()
        .page_size(5)
        .send();
    let pages = pages.try_collect().await.expect("pages");
    let reservation = pages
        .first()
        .and_then(|page| page.reservations().first())
        .expect("one");
    let instance = reservation.instances().first().expect("one");
    let state = instance.state().and_then(|state| state.name());
    assert_eq!(state, Some(&InstanceStateName::Running));
    assert_eq!(
        instance.tags().first().and_then(Tag::value),
        Some("alex & <sons>")
    );
    assert!(instance.launch_time().is_some() && instance.public_ip_address().is_some());
    assert_eq!(instance.block_device_mappings().len(), 1);
    assert_eq!(instance.network_interfaces().len(), 1);
    let volumes = ec2.describe_volumes().send().await.expect("volumes");
    assert_eq!(
        volumes
            .volumes()
            .first()
            .and_then(aws_sdk_ec2::types::Volume::size),
        Some(150)
    );
    server.end().await;
}

#[tokio::test]
async fn the_sdk_changes_what_it_launched() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let id = launch(&ec2).await;
    ec2.modify_instance_attribute()
        .instance_id(&id)
        .disable_api_termination(AttributeBooleanValue::builder().value(true).build())
        .send()
        .await
        .expect("protected");
    let refused = ec2
        .terminate_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect_err("protected");
    assert_eq!(refused.code(), Some("OperationNotPermitted"));
    ec2.stop_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("stopped");
    let data = SecureBlobAttributeValue::builder().value(Blob::new("new"));
    ec2.modify_instance_attribute()
        .instance_id(&id)
        .user_data(data.build())
        .send()
        .await
        .expect("set");
    let seen = ec2
        .describe_instance_attribute()
        .instance_id(&id)
        .attribute(aws_sdk_ec2::types::InstanceAttributeName::UserData)
        .send()
        .await
        .expect("attribute");
    assert_eq!(seen.user_data().and_then(|data| data.value()), Some("bmV3"));
    server.end().await;
}

#[tokio::test]
async fn the_sdk_reads_every_listing() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let types = ec2.describe_instance_types().send().await.expect("types");
    assert!(types.instance_types().len() >= 20);
    let subnets = ec2.describe_subnets().send().await.expect("subnets");
    assert_eq!(subnets.subnets().len(), 3);
    let vpcs = ec2.describe_vpcs().send().await.expect("networks");
    assert_eq!(
        vpcs.vpcs()
            .first()
            .and_then(aws_sdk_ec2::types::Vpc::is_default),
        Some(true)
    );
    let zones = ec2
        .describe_availability_zones()
        .send()
        .await
        .expect("zones");
    assert_eq!(zones.availability_zones().len(), 3);
    let groups = ec2.describe_security_groups().send().await.expect("groups");
    assert_eq!(
        groups
            .security_groups()
            .first()
            .and_then(|g| g.group_name()),
        Some("default")
    );
    ec2.describe_network_interfaces()
        .send()
        .await
        .expect("interfaces");
    ec2.describe_spot_instance_requests()
        .send()
        .await
        .expect("spot requests");
    ec2.describe_iam_instance_profile_associations()
        .send()
        .await
        .expect("associations");
    ec2.describe_volumes_modifications()
        .send()
        .await
        .expect("modifications");
    ec2.describe_tags().send().await.expect("tags");
    ec2.describe_key_pairs().send().await.expect("keys");
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .endpoint_url(format!("http://{}", server.address))
        .credentials_provider(Credentials::for_tests())
        .region(aws_sdk_sts::config::Region::new("eu-central-1"))
        .build();
    let sts = aws_sdk_sts::Client::from_conf(config);
    let who = sts.get_caller_identity().send().await.expect("identity");
    assert_eq!(who.account(), Some("123456789012"));
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(aws_sdk_ssm::config::BehaviorVersion::latest())
        .endpoint_url(format!("http://{}", server.address))
        .credentials_provider(Credentials::for_tests())
        .region(aws_sdk_ssm::config::Region::new("eu-central-1"))
        .build();
    let ssm = aws_sdk_ssm::Client::from_conf(config);
    let refused = ssm
        .get_parameter()
        .name("/none")
        .send()
        .await
        .expect_err("none");
    assert!(refused.into_service_error().is_parameter_not_found());
    server.end().await;
}

#[tokio::test]
async fn a_dropped_reply_is_a_closed_connection_after_the_effect() {
    let server = start(None).await;
    let ec2 = server.ec2();
    let order = r#"[{"action":"ImportKeyPair","when":"after","do":"drop"}]"#;
    server.order(order).await;
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    let import = ec2
        .import_key_pair()
        .key_name("k")
        .public_key_material(Blob::new(key));
    let lost = import.send().await.expect_err("no reply");
    assert!(lost.as_service_error().is_none(), "{lost:?}");
    let keys = ec2
        .describe_key_pairs()
        .key_names("k")
        .send()
        .await
        .expect("keys");
    assert_eq!(keys.key_pairs().len(), 1);
    server.end().await;
}

#[tokio::test]
async fn a_stalled_request_does_not_hold_up_the_end() {
    let server = start(None).await;
    server
        .order(r#"[{"action":"DescribeVpcs","when":"before","do":"stall"}]"#)
        .await;
    let stalled = tokio::spawn(server.ec2().describe_vpcs().send());
    while !server
        .control("GET", "requests", "")
        .await
        .contains("DescribeVpcs")
    {
        tokio::task::yield_now().await;
    }
    server.end().await;
    stalled.await.expect("joined").expect_err("cut off");
}

#[tokio::test]
async fn an_idle_server_ends_by_itself() {
    let server = start(Some(Duration::from_millis(20))).await;
    server.task.await.expect("joined").expect("served");
    assert!(!server.stop.is_closed() || server.stop.send(()).is_err());
}
