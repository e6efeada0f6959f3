//! Checksums of single objects.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};
use http::Request;
use s3s::Body;

use super::{BUCKET, Server, refusal};

#[tokio::test]
async fn each_algorithm_is_stored_and_returned() {
    let server = Server::in_memory().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload");
    std::fs::write(&path, b"123456789").unwrap();
    for (algorithm, value) in [
        (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
        (ChecksumAlgorithm::Crc32C, "4waSgw=="),
        (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
        (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (
            ChecksumAlgorithm::Sha256,
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        ),
    ] {
        // A file is sent in chunks with a trailer, bytes with a header.
        for body in [
            ByteStream::from_path(&path).await.unwrap(),
            b"123456789".to_vec().into(),
        ] {
            let put = server
                .client
                .put_object()
                .bucket(BUCKET)
                .key("a")
                .checksum_algorithm(algorithm.clone());
            let put = put.body(body).send().await.unwrap();
            assert_eq!(put.checksum_type(), Some(&ChecksumType::FullObject));
            let head = server
                .client
                .head_object()
                .bucket(BUCKET)
                .key("a")
                .checksum_mode(ChecksumMode::Enabled);
            let head = head.send().await.unwrap();
            let returned = [
                head.checksum_crc32(),
                head.checksum_crc32_c(),
                head.checksum_crc64_nvme(),
                head.checksum_sha1(),
                head.checksum_sha256(),
            ];
            assert_eq!(
                returned.into_iter().flatten().collect::<Vec<_>>(),
                [value],
                "{algorithm}"
            );
            assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
            // The client checks what it reads against the checksum.
            assert_eq!(server.get("a").await, b"123456789");
        }
    }
    let silent = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(silent.checksum_sha256(), None);
}

#[tokio::test]
async fn without_one_the_store_computes_its_own() {
    let server = Server::in_memory().await;
    let put = server
        .plain_client()
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(b"123456789".to_vec().into());
    let put = put.send().await.unwrap();
    assert_eq!(put.checksum_crc64_nvme(), Some("rosUhgp5mIg="));
    let range = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .range("bytes=0-3")
        .send()
        .await
        .unwrap();
    assert_eq!(range.checksum_crc64_nvme(), None);
}

#[tokio::test]
async fn a_wrong_one_is_refused() {
    let server = Server::in_memory().await;
    let put = || {
        server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .body(b"123456789".to_vec().into())
    };
    assert_eq!(
        refusal(put().checksum_crc32("AAAAAA==").send().await),
        "400 BadDigest"
    );
    assert_eq!(
        refusal(put().checksum_crc32_c("AAAAAA==").send().await),
        "400 BadDigest"
    );
    assert_eq!(
        refusal(put().checksum_crc64_nvme("AAAAAAAAAAA=").send().await),
        "400 BadDigest"
    );
    assert_eq!(
        refusal(
            put()
                .checksum_sha1("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
                .send()
                .await
        ),
        "400 BadDigest"
    );
    let sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(
        refusal(put().checksum_sha256(sha256).send().await),
        "400 BadDigest"
    );
    assert_eq!(
        refusal(put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await),
        "400 BadDigest"
    );
    assert_eq!(
        refusal(put().content_md5("short").send().await),
        "400 InvalidDigest"
    );
    assert_eq!(
        refusal(put().checksum_crc32("short").send().await),
        "400 InvalidRequest"
    );
    assert!(server.keys().await.is_empty());
}

fn chunked(trailer: &str) -> Request<Body> {
    let body = format!("9\r\n123456789\r\n0\r\n{trailer}\r\n");
    Request::put("/training-data/a")
        .header("content-length", body.len())
        .header("content-encoding", "aws-chunked")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("x-amz-decoded-content-length", "9")
        .header("x-amz-sdk-checksum-algorithm", "CRC32")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn a_trailer_is_verified() {
    let server = Server::in_memory().await;
    let (status, _, body) = server
        .raw(chunked("x-amz-checksum-crc32:AAAAAA==\r\n"))
        .await;
    assert!(status == 400 && body.contains("BadDigest"), "{body}");
    let (status, _, body) = server.raw(chunked("")).await;
    assert!(status == 400 && body.contains("InvalidRequest"), "{body}");
    assert!(server.keys().await.is_empty());
    let (status, headers, body) = server
        .raw(chunked("x-amz-checksum-crc32:y/Q5Jg==\r\n"))
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(headers["x-amz-checksum-crc32"], "y/Q5Jg==");
    // The form of the transfer is no property of the object.
    let head = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.content_length(), head.content_encoding()),
        (Some(9), None)
    );
}

#[tokio::test]
async fn an_algorithm_without_a_value_is_refused() {
    let server = Server::in_memory().await;
    let request = Request::put("/training-data/a").header("content-length", "1");
    let request = request.header("x-amz-sdk-checksum-algorithm", "CRC32");
    let (status, _, body) = server
        .raw(request.body(Body::from("x".to_owned())).unwrap())
        .await;
    assert!(status == 400 && body.contains("InvalidRequest"), "{body}");
}
