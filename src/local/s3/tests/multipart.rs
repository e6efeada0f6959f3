//! Uploads in parts.

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
    StorageClass,
};

use super::{BUCKET, Server, noise, refusal};

pub(super) const PART: usize = 5 * 1024 * 1024;

/// Uploads two parts and returns the upload and what would complete it.
pub(super) async fn started(
    server: &Server,
    algorithm: Option<ChecksumAlgorithm>,
    coverage: Option<ChecksumType>,
) -> (String, CompletedMultipartUpload) {
    // A client that chooses no algorithm must not slip in the SDK's own.
    let client = if algorithm.is_some() {
        server.client.clone()
    } else {
        server.plain_client()
    };
    let create = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .metadata("epoch", "3");
    let create = create
        .content_type("application/x-weights")
        .storage_class(StorageClass::StandardIa);
    let create = create
        .set_checksum_algorithm(algorithm.clone())
        .set_checksum_type(coverage);
    let upload = create.send().await.unwrap().upload_id.unwrap();
    let mut parts = CompletedMultipartUpload::builder();
    for (number, bytes) in [(1, noise(PART, 1)), (2, noise(1000, 2))] {
        let put = client
            .upload_part()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
            .part_number(number);
        let put = put
            .set_checksum_algorithm(algorithm.clone())
            .body(bytes.into())
            .send()
            .await
            .unwrap();
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(put.e_tag)
            .set_checksum_crc32(put.checksum_crc32)
            .set_checksum_crc32_c(put.checksum_crc32_c)
            .set_checksum_crc64_nvme(put.checksum_crc64_nvme)
            .set_checksum_sha1(put.checksum_sha1)
            .set_checksum_sha256(put.checksum_sha256);
        parts = parts.parts(part.build());
    }
    (upload, parts.build())
}

pub(super) async fn put_part(
    server: &Server,
    upload: &str,
    number: i32,
    bytes: Vec<u8>,
) -> CompletedPart {
    let put = server
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(upload)
        .part_number(number);
    let put = put.body(bytes.into()).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(put.e_tag)
        .build()
}

fn whole() -> Vec<u8> {
    [noise(PART, 1), noise(1000, 2)].concat()
}

/// Returns the checksum of the same bytes in a single upload.
async fn single_checksum(server: &Server, algorithm: Option<ChecksumAlgorithm>) -> String {
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("single")
        .body(whole().into());
    let put = put.checksum_algorithm(algorithm.unwrap_or(ChecksumAlgorithm::Crc64Nvme));
    let put = put.send().await.unwrap();
    put.checksum_crc32.or(put.checksum_crc64_nvme).unwrap()
}

#[tokio::test]
async fn each_algorithm_covers_the_object_in_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let (full, composite) = (ChecksumType::FullObject, ChecksumType::Composite);
    let (crc32, sha256) = (ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Sha256);
    for (algorithm, asked, coverage) in [
        (None, None, &full),
        (Some(ChecksumAlgorithm::Crc64Nvme), None, &full),
        (Some(crc32.clone()), None, &composite),
        (Some(crc32), Some(full.clone()), &full),
        (Some(ChecksumAlgorithm::Crc32C), None, &composite),
        (Some(sha256), None, &composite),
    ] {
        let (upload, parts) = started(&server, algorithm.clone(), asked).await;
        let complete = server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload);
        let done = complete.multipart_upload(parts).send().await.unwrap();
        assert_eq!(done.checksum_type(), Some(coverage), "{algorithm:?}");
        assert!(done.e_tag().unwrap().ends_with("-2\""));
        let value = [
            done.checksum_crc32(),
            done.checksum_crc32_c(),
            done.checksum_crc64_nvme(),
            done.checksum_sha256(),
        ];
        let value = value.into_iter().flatten().next().unwrap();
        assert_eq!(value.ends_with("-2"), *coverage == composite, "{value}");

        // A client that validates can read it, and headers came along.
        let get = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("a")
            .checksum_mode(ChecksumMode::Enabled);
        let get = get.send().await.unwrap();
        assert_eq!(get.metadata().unwrap()["epoch"], "3");
        assert_eq!(get.content_type(), Some("application/x-weights"));
        assert_eq!(get.storage_class(), Some(&StorageClass::StandardIa));
        assert!(get.body.collect().await.unwrap().to_vec() == whole());

        // A checksum of the whole is that of a single upload of the same bytes.
        if *coverage == full {
            assert_eq!(single_checksum(&server, algorithm).await, value);
        }
    }
    // What was replaced is gone: two contents of the one, one of the other.
    assert_eq!(
        std::fs::read_dir(folder.path().join("objects"))
            .unwrap()
            .count(),
        3
    );
}

#[tokio::test]
async fn impossible_checksums_are_refused() {
    let server = Server::in_memory().await;
    let create = |algorithm, coverage| {
        let create = server
            .client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key("a");
        create
            .checksum_algorithm(algorithm)
            .checksum_type(coverage)
            .send()
    };
    let refused = create(ChecksumAlgorithm::Sha256, ChecksumType::FullObject).await;
    assert_eq!(refusal(refused), "400 InvalidRequest");
    let refused = create(ChecksumAlgorithm::Crc64Nvme, ChecksumType::Composite).await;
    assert_eq!(refusal(refused), "400 InvalidRequest");

    let (upload, parts) = started(&server, Some(ChecksumAlgorithm::Crc32), None).await;
    let put = server
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .part_number(3);
    let put = put
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(b"x".to_vec().into());
    assert_eq!(refusal(put.send().await), "400 InvalidRequest");
    let put = server
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload)
        .part_number(3);
    assert_eq!(
        refusal(
            put.checksum_crc32("AAAAAA==")
                .body(b"x".to_vec().into())
                .send()
                .await
        ),
        "400 BadDigest"
    );

    // A composite checksum is made of what the client confirms of each part.
    let bare = |part: &CompletedPart| {
        CompletedPart::builder()
            .part_number(part.part_number().unwrap())
            .e_tag(part.e_tag().unwrap())
            .build()
    };
    let bare = CompletedMultipartUpload::builder()
        .set_parts(Some(parts.parts().iter().map(bare).collect()))
        .build();
    let complete = || {
        server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
    };
    assert_eq!(
        refusal(complete().multipart_upload(bare).send().await),
        "400 InvalidRequest"
    );
    let wrong = complete()
        .multipart_upload(parts.clone())
        .checksum_crc32("AAAAAA==-2");
    assert_eq!(refusal(wrong.send().await), "400 BadDigest");
    let wrong = complete()
        .multipart_upload(parts.clone())
        .mpu_object_size(7);
    assert_eq!(refusal(wrong.send().await), "400 InvalidRequest");
    complete().multipart_upload(parts).send().await.unwrap();
}

#[tokio::test]
async fn wrong_lists_of_parts_are_refused() {
    let server = Server::in_memory().await;
    let create = server
        .plain_client()
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    let upload = create.upload_id().unwrap();
    let small = put_part(&server, upload, 1, b"small".to_vec()).await;
    let last = put_part(&server, upload, 2, b"last".to_vec()).await;
    let complete = |parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let complete = server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(upload);
        complete.multipart_upload(parts).send()
    };
    let other = CompletedPart::builder()
        .part_number(1)
        .e_tag(last.e_tag().unwrap())
        .build();
    let missing = CompletedPart::builder()
        .part_number(7)
        .e_tag(last.e_tag().unwrap())
        .build();
    assert_eq!(refusal(complete(vec![other]).await), "400 InvalidPart");
    assert_eq!(refusal(complete(vec![missing]).await), "400 InvalidPart");
    assert_eq!(
        refusal(complete(vec![last.clone(), small.clone()]).await),
        "400 InvalidPartOrder"
    );
    assert_eq!(
        refusal(complete(vec![small.clone(), small.clone()]).await),
        "400 InvalidPartOrder"
    );
    assert_eq!(
        refusal(complete(vec![small, last.clone()]).await),
        "400 EntityTooSmall"
    );
    assert_eq!(refusal(complete(vec![]).await), "400 MalformedXML");
    // A refusal ends nothing, and a part may be left out.
    complete(vec![last.clone()]).await.unwrap();
    assert_eq!(server.get("a").await, b"last");
    assert_eq!(refusal(complete(vec![last]).await), "404 NoSuchUpload");
}

#[tokio::test]
async fn an_upload_that_is_not_there() {
    let server = Server::in_memory().await;
    let client = &server.client;
    let put = |number| {
        client
            .upload_part()
            .bucket(BUCKET)
            .key("a")
            .upload_id("other")
            .part_number(number)
    };
    assert_eq!(
        refusal(put(1).body(b"x".to_vec().into()).send().await),
        "404 NoSuchUpload"
    );
    assert_eq!(
        refusal(put(0).body(b"x".to_vec().into()).send().await),
        "400 InvalidArgument"
    );
    assert_eq!(
        refusal(put(10_001).body(b"x".to_vec().into()).send().await),
        "400 InvalidArgument"
    );
    let abort = client
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id("other");
    assert_eq!(refusal(abort.send().await), "404 NoSuchUpload");
    let list = client
        .list_parts()
        .bucket(BUCKET)
        .key("a")
        .upload_id("other");
    assert_eq!(refusal(list.send().await), "404 NoSuchUpload");
}

#[tokio::test]
async fn completing_can_expect_that_nothing_is_there() {
    let server = Server::in_memory().await;
    let (upload, parts) = started(&server, None, None).await;
    server.put("a", "first").await;
    let complete = || {
        server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
    };
    let refused = complete()
        .multipart_upload(parts.clone())
        .if_none_match("*")
        .send()
        .await;
    assert_eq!(refusal(refused), "412 PreconditionFailed");
    assert_eq!(server.get("a").await, b"first");
    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    complete()
        .multipart_upload(parts)
        .if_none_match("*")
        .send()
        .await
        .unwrap();
}
