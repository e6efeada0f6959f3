//! What an object is made of.

use s3s::dto::{
    Checksum, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    ObjectAttributes, ObjectPart,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{describe, read};
use crate::local::s3::checksum::{Coverage, set_checksum};
use crate::local::s3::record::ObjectRecord;
use crate::local::s3::store::Store;

pub(super) async fn get_object_attributes(
    store: &Store,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<GetObjectAttributesOutput> {
    let input = request.input;
    read::check_version(input.version_id.as_deref())?;
    let (record, _) = store.object(&input.bucket, &input.key)?;
    let known = [
        ObjectAttributes::CHECKSUM,
        ObjectAttributes::ETAG,
        ObjectAttributes::OBJECT_PARTS,
        ObjectAttributes::OBJECT_SIZE,
        ObjectAttributes::STORAGE_CLASS,
    ];
    // Clients give the names in a header each or all in one; the parser knows
    // the former only.
    let given = || {
        input
            .object_attributes
            .iter()
            .flat_map(|names| names.as_str().split(',').map(str::trim))
    };
    if given().any(|name| !known.contains(&name)) {
        return Err(s3_error!(
            InvalidArgument,
            "Invalid attribute name specified."
        ));
    }
    let wants = |name: &str| given().any(|given| given == name);
    let limit = describe::page_limit("max-parts", input.max_parts)?;
    let object_parts = (wants(ObjectAttributes::OBJECT_PARTS) && !record.parts.is_empty())
        .then(|| parts(&record, limit, input.part_number_marker.unwrap_or(0)));
    Ok(GetObjectAttributesOutput {
        checksum: wants(ObjectAttributes::CHECKSUM).then(|| checksum(&record)),
        e_tag: wants(ObjectAttributes::ETAG).then(|| describe::etag(&record.etag)),
        last_modified: Some(describe::header_time(record.modified)),
        object_parts,
        object_size: wants(ObjectAttributes::OBJECT_SIZE).then(|| describe::number(record.size)),
        storage_class: wants(ObjectAttributes::STORAGE_CLASS)
            .then(|| describe::storage_class(&record.headers)),
        ..Default::default()
    })
}

fn checksum(record: &ObjectRecord) -> Checksum {
    let mut checksum = Checksum {
        checksum_type: Some(describe::coverage(record.checksum.coverage)),
        ..Default::default()
    };
    // Here a composite checksum stands without the number of parts.
    let value = record.checksum.value.split('-').next().unwrap_or_default();
    set_checksum!(checksum, record.checksum.algorithm, value.to_owned());
    checksum
}

fn parts(record: &ObjectRecord, limit: usize, marker: i32) -> GetObjectAttributesParts {
    let mut after = record.parts.iter().filter(|part| part.number > marker);
    let page: Vec<ObjectPart> = after
        .by_ref()
        .take(limit)
        .map(|part| {
            let mut answer = ObjectPart {
                part_number: Some(part.number),
                size: Some(describe::number(part.size)),
                ..Default::default()
            };
            set_checksum!(answer, record.checksum.algorithm, part.checksum.clone());
            answer
        })
        .collect();
    // S3 lists the parts only when each has a checksum that counts by itself.
    let listed = record.checksum.coverage == Coverage::Composite;
    GetObjectAttributesParts {
        is_truncated: Some(limit > 0 && after.next().is_some()),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: page.last().and_then(|part| part.part_number),
        part_number_marker: Some(marker),
        parts: Some(page).filter(|_| listed),
        total_parts_count: i32::try_from(record.parts.len()).ok(),
    }
}
