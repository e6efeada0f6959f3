//! Answers that were cut off, and those that say more than was asked.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;

use super::super::error::{CloudError, CloudErrorKind};
use super::super::observe::by_id;
use super::super::{Clients, identify, observe, observe_instances_first, spot_requests};
use crate::resource::fixtures::{account, region};
use crate::resource::{InstanceId, InstanceState};

/// Answers each action with the bodies that begin with its name, in turn, and with the last
/// of them from then on; with any body where none does.
#[derive(Debug)]
struct Parrot {
    bodies: Vec<String>,
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Parrot {
    fn answer(&self, asked: &[u8]) -> &str {
        let action = form_urlencoded::parse(asked).find(|(name, _)| name == "Action");
        let action = action.map_or_else(String::new, |(_, action)| action.into_owned());
        let root = format!("<{action}Response");
        let meant: Vec<&String> = self
            .bodies
            .iter()
            .filter(|body| body.starts_with(&root))
            .collect();
        let mut asked = self.asked.lock().unwrap();
        let number = asked.entry(action).or_default();
        let body = meant.get(*number).or(meant.last());
        *number += 1;
        body.map_or(&self.bodies[0], |body| body)
    }
}

impl HttpConnector for Parrot {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let status = 200_u16.try_into().unwrap();
        let body = self.answer(request.body().bytes().unwrap_or_default());
        let body = SdkBody::from(body);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

fn clients(body: &str) -> Clients {
    clients_with(vec![body.to_owned()])
}

fn clients_with(bodies: Vec<String>) -> Clients {
    let asked = Mutex::default();
    let connector = SharedHttpConnector::new(Parrot { bodies, asked });
    let keys = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(SdkRegion::new(region().to_string()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Clients::of(&config, region(), true)
}

/// Every beginning of an answer, without its line end.
fn beginnings(whole: &str) -> impl Iterator<Item = &str> {
    (1..whole.len()).map(|end| &whole[..end])
}

fn assert_ambiguous<T: std::fmt::Debug>(answer: Result<T, CloudError>, body: &str) {
    let kind = answer.map_err(|error| error.kind);
    assert!(
        matches!(kind, Err(CloudErrorKind::Ambiguous)),
        "{kind:?} to {body}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_was_cut_off_is_an_error_and_no_shorter_one() {
    let whole = "<DescribeSpotInstanceRequestsResponse><requestId>r</requestId>\
        <spotInstanceRequestSet/></DescribeSpotInstanceRequestsResponse>";
    assert_eq!(spot_requests(&clients(whole)).await, Ok(Vec::new()));
    for body in beginnings(whole) {
        assert_ambiguous(spot_requests(&clients(body)).await, body);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_names_instances_and_breaks_off_leaves_none_out() {
    let body = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item>\
        <instanceId>i-0123456789abcdef0</instanceId></item></instancesSet></item>";
    assert_ambiguous(observe(&clients(body), &account()).await, body);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_identified_by_half_an_answer() {
    let body = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Account>123456789012</Account>";
    assert_ambiguous(
        identify(&clients(body), super::super::Patience::Brief).await,
        body,
    );
}

fn instance(id: &str, state: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId>\
         <instanceState><code>16</code><name>{state}</name></instanceState>\
         <instanceType>t3.micro</instanceType>\
         <placement><availabilityZone>us-east-1a</availabilityZone></placement>\
         <tagSet><item><key>trainyard:environment</key><value>lab</value></item></tagSet></item>"
    )
}

/// One page of a listing that goes on where `next` is a token.
fn page(instances: &str, next: &str) -> String {
    format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet>{instances}\
         </instancesSet></item></reservationSet>{next}</DescribeInstancesResponse>"
    )
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_on_two_pages_is_one_as_the_last_word_has_it() {
    let (id, other) = ("i-0123456789abcdef0", "i-0123456789abcdef1");
    let first = page(&instance(id, "pending"), "<nextToken>more</nextToken>");
    let second = [instance(id, "running"), instance(other, "running")].concat();
    let volumes = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>";
    let clients = clients_with(vec![first, page(&second, ""), volumes.to_owned()]);
    let (observed, _) = observe_instances_first(&clients, &account()).await.unwrap();
    let seen = observed.instances.iter();
    let seen: Vec<_> = seen.map(|live| (live.id.as_str(), live.state)).collect();
    let running = InstanceState::Running;
    assert_eq!(seen, [(id, running), (other, running)]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_was_not_asked_for_is_not_among_the_answers() {
    let asked = InstanceId::new("i-0123456789abcdef0");
    let other = InstanceId::new("i-0123456789abcdef1");
    let ids = [asked.as_str(), other.as_str()];
    let body = page(&ids.map(|id| instance(id, "running")).concat(), "");
    let clients = clients(&body);
    let seen = by_id(&clients, std::slice::from_ref(&asked)).await.unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&asked]);
    let both = by_id(&clients, &[asked, other]).await.unwrap();
    assert_eq!(both.len(), 2);
}
