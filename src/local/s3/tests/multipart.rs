//! Uploads in parts.

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
    ObjectAttributes, StorageClass,
};

use super::{BUCKET, Server, noise, refusal};

const PART: usize = 5 * 1024 * 1024;

/// Uploads two parts and returns the upload and what would complete it.
async fn started(
    server: &Server,
    algorithm: Option<ChecksumAlgorithm>,
    coverage: Option<ChecksumType>,
) -> (String, CompletedMultipartUpload) {
    let create = server
        .plain_client()
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
        let put = server
            .plain_client()
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

async fn put_part(server: &Server, upload: &str, number: i32, bytes: Vec<u8>) -> CompletedPart {
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

#[tokio::test]
async fn each_algorithm_covers_the_object_in_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    for (algorithm, asked, coverage) in [
        (None, None, ChecksumType::FullObject),
        (
            Some(ChecksumAlgorithm::Crc64Nvme),
            None,
            ChecksumType::FullObject,
        ),
        (
            Some(ChecksumAlgorithm::Crc32),
            None,
            ChecksumType::Composite,
        ),
        (
            Some(ChecksumAlgorithm::Crc32),
            Some(ChecksumType::FullObject),
            ChecksumType::FullObject,
        ),
        (
            Some(ChecksumAlgorithm::Crc32C),
            None,
            ChecksumType::Composite,
        ),
        (
            Some(ChecksumAlgorithm::Sha256),
            None,
            ChecksumType::Composite,
        ),
    ] {
        let (upload, parts) = started(&server, algorithm.clone(), asked).await;
        let complete = server
            .client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload);
        let done = complete.multipart_upload(parts).send().await.unwrap();
        assert_eq!(done.checksum_type(), Some(&coverage), "{algorithm:?}");
        assert!(done.e_tag().unwrap().ends_with("-2\""));
        let value = [
            done.checksum_crc32(),
            done.checksum_crc32_c(),
            done.checksum_crc64_nvme(),
            done.checksum_sha256(),
        ];
        let value = value.into_iter().flatten().next().unwrap();
        assert_eq!(
            value.ends_with("-2"),
            coverage == ChecksumType::Composite,
            "{value}"
        );

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
        if coverage == ChecksumType::FullObject {
            let put = server
                .client
                .put_object()
                .bucket(BUCKET)
                .key("single")
                .body(whole().into());
            let algorithm = algorithm.unwrap_or(ChecksumAlgorithm::Crc64Nvme);
            let put = put.checksum_algorithm(algorithm).send().await.unwrap();
            assert_eq!(
                put.checksum_crc32().or(put.checksum_crc64_nvme()),
                Some(value)
            );
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

#[tokio::test]
async fn parts_can_be_listed_and_read_alone() {
    let server = Server::in_memory().await;
    let (upload, parts) = started(&server, Some(ChecksumAlgorithm::Crc32), None).await;
    let list = || {
        server
            .client
            .list_parts()
            .bucket(BUCKET)
            .key("a")
            .upload_id(&upload)
    };
    let first = list().max_parts(1).send().await.unwrap();
    assert_eq!((first.parts().len(), first.is_truncated()), (1, Some(true)));
    assert_eq!(first.parts()[0].e_tag(), parts.parts()[0].e_tag());
    let rest = list()
        .part_number_marker(first.next_part_number_marker().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (rest.parts()[0].part_number(), rest.parts()[0].size()),
        (Some(2), Some(1000))
    );

    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(&upload);
    complete
        .multipart_upload(parts.clone())
        .send()
        .await
        .unwrap();
    let second = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .part_number(2);
    let second = second
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert_eq!(second.parts_count(), Some(2));
    assert_eq!(
        second.content_range(),
        Some("bytes 5242880-5243879/5243880")
    );
    assert_eq!(second.checksum_crc32(), parts.parts()[1].checksum_crc32());
    assert_eq!(
        second.body.collect().await.unwrap().to_vec(),
        noise(1000, 2)
    );
    let third = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .part_number(3)
        .send()
        .await;
    assert_eq!(refusal(third), "416 InvalidPartNumber");

    let attributes = server
        .client
        .get_object_attributes()
        .bucket(BUCKET)
        .key("a");
    let attributes = attributes
        .object_attributes(ObjectAttributes::Checksum)
        .object_attributes(ObjectAttributes::ObjectParts)
        .object_attributes(ObjectAttributes::ObjectSize)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (attributes.object_size(), attributes.e_tag()),
        (Some(5_243_880), None)
    );
    assert_eq!(
        attributes.object_parts().unwrap().total_parts_count(),
        Some(2)
    );
    assert_eq!(
        attributes.object_parts().unwrap().parts()[1].size(),
        Some(1000)
    );
    assert!(
        !attributes
            .checksum()
            .unwrap()
            .checksum_crc32()
            .unwrap()
            .contains('-')
    );
}

#[tokio::test]
async fn parts_can_be_copied() {
    let server = Server::in_memory().await;
    server.put("source", noise(PART + 10, 5)).await;
    let create = server
        .plain_client()
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    let upload = create.upload_id().unwrap();
    let copy = |number: i32, range: &str| {
        let copy = server
            .client
            .upload_part_copy()
            .bucket(BUCKET)
            .key("a")
            .upload_id(upload)
            .part_number(number);
        copy.copy_source("training-data/source")
            .copy_source_range(range)
            .send()
    };
    let mut parts = CompletedMultipartUpload::builder();
    for (number, range) in [
        (1, format!("bytes=10-{}", PART + 9)),
        (2, "bytes=0-9".to_owned()),
    ] {
        let result = copy(number, &range)
            .await
            .unwrap()
            .copy_part_result
            .unwrap();
        parts = parts.parts(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(result.e_tag)
                .build(),
        );
    }
    assert_eq!(
        refusal(copy(3, &format!("bytes=0-{}", PART + 10)).await),
        "416 InvalidRange"
    );
    assert_eq!(refusal(copy(3, "bytes=0-").await), "400 InvalidArgument");
    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .upload_id(upload);
    complete
        .multipart_upload(parts.build())
        .send()
        .await
        .unwrap();
    let mut expected = noise(PART + 10, 5);
    expected.rotate_left(10);
    assert!(server.get("a").await == expected);
}

#[tokio::test]
async fn uploads_under_way_are_listed_and_aborted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let mut uploads = Vec::new();
    for key in ["a", "b/1", "b/2", "c", "c"] {
        let create = server
            .client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        uploads.push((key.to_owned(), create.upload_id.unwrap()));
    }
    let list = || server.client.list_multipart_uploads().bucket(BUCKET);
    let (mut key, mut id, mut seen) = (None, None, Vec::new());
    loop {
        let page = list()
            .max_uploads(2)
            .set_key_marker(key)
            .set_upload_id_marker(id)
            .send()
            .await
            .unwrap();
        let names = page
            .uploads()
            .iter()
            .map(|upload| (upload.key().unwrap(), upload.upload_id().unwrap()));
        seen.extend(names.map(|(key, id)| (key.to_owned(), id.to_owned())));
        if page.is_truncated() != Some(true) {
            break;
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
    assert_eq!(seen, uploads);
    let grouped = list().delimiter("/").send().await.unwrap();
    assert_eq!(
        (
            grouped.uploads().len(),
            grouped.common_prefixes()[0].prefix()
        ),
        (3, Some("b/"))
    );
    assert_eq!(list().prefix("b/").send().await.unwrap().uploads().len(), 2);

    put_part(&server, &uploads[0].1, 1, b"bytes".to_vec()).await;
    put_part(&server, &uploads[0].1, 1, b"again".to_vec()).await;
    let files = || {
        std::fs::read_dir(folder.path().join("objects"))
            .unwrap()
            .count()
    };
    assert_eq!(files(), 1);
    for (key, id) in &uploads {
        server
            .client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key(key)
            .upload_id(id)
            .send()
            .await
            .unwrap();
    }
    assert_eq!(files(), 0);
    assert!(list().send().await.unwrap().uploads().is_empty());
}
