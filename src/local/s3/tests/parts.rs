//! The parts of uploads.

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, ObjectAttributes,
};
use http::Request;
use s3s::Body;

use super::multipart::{PART, put_part, started};
use super::{BUCKET, Server, noise, refusal};

#[tokio::test]
async fn parts_can_be_listed() {
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
}

async fn finished(server: &Server) -> CompletedMultipartUpload {
    let (upload, parts) = started(server, Some(ChecksumAlgorithm::Crc32), None).await;
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
    parts
}

#[tokio::test]
async fn parts_can_be_read_alone() {
    let server = Server::in_memory().await;
    let parts = finished(&server).await;
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
}

#[tokio::test]
async fn an_object_tells_what_it_is_made_of() {
    let server = Server::in_memory().await;
    finished(&server).await;
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

    // Other clients give all names in one header.
    let request = Request::get("/training-data/a?attributes");
    let request = request.header("x-amz-object-attributes", "ETag,ObjectSize, StorageClass");
    let (status, _, body) = server.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<ObjectSize>5243880</ObjectSize>"), "{body}");
    assert!(
        body.contains("<ETag>") && body.contains("STANDARD_IA") && !body.contains("<Checksum>"),
        "{body}"
    );
    let request = Request::get("/training-data/a?attributes")
        .header("x-amz-object-attributes", "ETag,Colour");
    assert_eq!(
        server.raw(request.body(Body::empty()).unwrap()).await.0,
        400
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
