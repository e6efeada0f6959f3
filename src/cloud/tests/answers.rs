//! Answers that were cut off.

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
use super::super::{Clients, identify, observe, spot_requests};
use crate::resource::InstanceId;
use crate::resource::fixtures::{account, region};

/// Answers every request with the same body.
#[derive(Debug)]
struct Parrot(String);

impl HttpConnector for Parrot {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let status = 200_u16.try_into().unwrap();
        let body = SdkBody::from(self.0.as_str());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

fn clients(body: &str) -> Clients {
    let connector = SharedHttpConnector::new(Parrot(body.to_owned()));
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

#[tokio::test(start_paused = true)]
async fn an_instance_that_was_not_asked_for_is_not_among_the_answers() {
    let instance = |id: &str| {
        format!(
            "<item><instanceId>{id}</instanceId>\
             <instanceState><code>16</code><name>running</name></instanceState>\
             <instanceType>t3.micro</instanceType>\
             <placement><availabilityZone>us-east-1a</availabilityZone></placement></item>"
        )
    };
    let asked = InstanceId::new("i-0123456789abcdef0");
    let other = InstanceId::new("i-0123456789abcdef1");
    let body = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet>{}{}</instancesSet>\
         </item></reservationSet></DescribeInstancesResponse>",
        instance(asked.as_str()),
        instance(other.as_str())
    );
    let clients = clients(&body);
    let seen = by_id(&clients, std::slice::from_ref(&asked)).await.unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&asked]);
    let both = by_id(&clients, &[asked, other]).await.unwrap();
    assert_eq!(both.len(), 2);
}
