//! Buckets.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use http::Request;
use s3s::Body;

use super::{BUCKET, Server, refusal};

fn located(region: &str) -> CreateBucketConfiguration {
    CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region))
        .build()
}

#[tokio::test]
async fn the_life_of_a_bucket() {
    let server = Server::in_memory().await;
    let client = &server.client;
    let create = || {
        client
            .create_bucket()
            .bucket("second")
            .create_bucket_configuration(located("eu-central-1"))
    };
    create().send().await.unwrap();
    assert_eq!(
        refusal(create().send().await),
        "409 BucketAlreadyOwnedByYou"
    );
    // The oldest region forgives a repetition.
    client.create_bucket().bucket(BUCKET).send().await.unwrap();

    let head = client.head_bucket().bucket("second").send().await.unwrap();
    assert_eq!(head.bucket_region(), Some("eu-central-1"));
    let location = client
        .get_bucket_location()
        .bucket("second")
        .send()
        .await
        .unwrap();
    assert_eq!(
        location
            .location_constraint()
            .map(BucketLocationConstraint::as_str),
        Some("eu-central-1")
    );
    let location = client
        .get_bucket_location()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert_eq!(
        location
            .location_constraint()
            .map_or("", BucketLocationConstraint::as_str),
        ""
    );

    let listed = client.list_buckets().send().await.unwrap();
    let names: Vec<_> = listed
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .collect();
    assert_eq!(names, ["second", BUCKET]);

    server.put("key", "bytes").await;
    assert_eq!(
        refusal(client.delete_bucket().bucket(BUCKET).send().await),
        "409 BucketNotEmpty"
    );
    assert_eq!(server.get("key").await, b"bytes");
    client
        .delete_object()
        .bucket(BUCKET)
        .key("key")
        .send()
        .await
        .unwrap();
    client.delete_bucket().bucket(BUCKET).send().await.unwrap();
    assert_eq!(
        refusal(client.delete_bucket().bucket(BUCKET).send().await),
        "404 NoSuchBucket"
    );
    assert_eq!(
        refusal(client.head_bucket().bucket(BUCKET).send().await),
        "404 NotFound"
    );
}

#[tokio::test]
async fn names_have_rules() {
    let server = Server::in_memory().await;
    for name in [
        "ab",
        "Upper",
        "under_score",
        "-start",
        "two..dots",
        "10.0.0.1",
        "xn--a",
        "a-s3alias",
        "sthree-a",
    ] {
        let result = server.client.create_bucket().bucket(name).send().await;
        assert_eq!(refusal(result), "400 InvalidBucketName", "{name}");
    }
}

#[tokio::test]
async fn buckets_are_listed_in_pages() {
    let server = Server::in_memory().await;
    for name in ["alpha", "beta", "gamma"] {
        server
            .client
            .create_bucket()
            .bucket(name)
            .send()
            .await
            .unwrap();
    }
    let page = server
        .client
        .list_buckets()
        .max_buckets(2)
        .send()
        .await
        .unwrap();
    assert_eq!(page.buckets().len(), 2);
    let rest = server
        .client
        .list_buckets()
        .continuation_token(page.continuation_token().unwrap());
    let rest = rest.send().await.unwrap();
    assert_eq!(
        rest.buckets()
            .iter()
            .filter_map(|bucket| bucket.name())
            .collect::<Vec<_>>(),
        ["gamma", BUCKET]
    );
    assert_eq!(rest.continuation_token(), None);
}

#[tokio::test]
async fn forbidden_buckets_refuse_everything() {
    let server = Server::in_memory().await;
    let (client, bucket) = (&server.client, "forbidden-models");
    server.put("key", "bytes").await;
    assert_eq!(
        refusal(client.create_bucket().bucket(bucket).send().await),
        "403 AccessDenied"
    );
    assert_eq!(
        refusal(client.list_objects_v2().bucket(bucket).send().await),
        "403 AccessDenied"
    );
    assert_eq!(
        refusal(client.get_object().bucket(bucket).key("a").send().await),
        "403 AccessDenied"
    );
    assert_eq!(
        refusal(client.get_bucket_versioning().bucket(bucket).send().await),
        "403 AccessDenied"
    );
    let put = client
        .put_object()
        .bucket(bucket)
        .key("a")
        .body(b"bytes".to_vec().into());
    assert_eq!(refusal(put.send().await), "403 AccessDenied");
    let copy = client
        .copy_object()
        .bucket(BUCKET)
        .key("b")
        .copy_source("forbidden-models/a");
    assert_eq!(refusal(copy.send().await), "403 AccessDenied");
    let head = client
        .head_bucket()
        .bucket(bucket)
        .send()
        .await
        .unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn answers_have_their_outer_form() {
    let server = Server::in_memory().await;
    let request = Request::get("/training-data/missing")
        .body(Body::empty())
        .unwrap();
    let (status, headers, body) = server.raw(request).await;
    assert_eq!(status, 404);
    assert_eq!(headers["content-type"], "application/xml");
    assert_eq!(headers["x-amz-request-id"].len(), 16);
    assert!(body.contains("<Code>NoSuchKey</Code>"), "{body}");

    let request = Request::head("/training-data/missing")
        .body(Body::empty())
        .unwrap();
    let (status, headers, body) = server.raw(request).await;
    assert_eq!((status, body.as_str()), (404, ""));
    assert!(!headers.contains_key("content-type"));

    let request = Request::get("/training-data?versioning")
        .body(Body::empty())
        .unwrap();
    let (status, _, body) = server.raw(request).await;
    assert_eq!(status, 501, "{body}");
}
