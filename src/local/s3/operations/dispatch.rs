//! The table of operations.

use std::pin::Pin;
use std::sync::Arc;

use s3s::{S3, S3Request, S3Response, S3Result};

use super::{attributes, buckets, copy, list, multipart, parts, read, uploads, write};
use crate::local::s3::store::Store;

/// Implements the API over a store. What is not in the table answers
/// `501 NotImplemented`.
pub(in crate::local::s3) struct Operations {
    store: Arc<Store>,
}

impl Operations {
    pub(in crate::local::s3) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

/// Writes the trait's methods, which are what the `async_trait` attribute makes
/// of asynchronous functions.
macro_rules! operations {
    ($($module:ident :: $operation:ident ( $input:ident ) -> $output:ident;)*) => {
        impl S3 for Operations {
            $(
                fn $operation<'life0, 'async_trait>(
                    &'life0 self,
                    request: S3Request<s3s::dto::$input>,
                ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<s3s::dto::$output>>> + Send + 'async_trait>>
                where
                    'life0: 'async_trait,
                    Self: 'async_trait,
                {
                    Box::pin(async move { $module::$operation(&self.store, request).await.map(S3Response::new) })
                }
            )*
        }
    };
}

operations! {
    buckets::create_bucket(CreateBucketInput) -> CreateBucketOutput;
    buckets::delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    buckets::get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
    buckets::head_bucket(HeadBucketInput) -> HeadBucketOutput;
    buckets::list_buckets(ListBucketsInput) -> ListBucketsOutput;
    list::list_objects(ListObjectsInput) -> ListObjectsOutput;
    list::list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    read::get_object(GetObjectInput) -> GetObjectOutput;
    read::head_object(HeadObjectInput) -> HeadObjectOutput;
    attributes::get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput;
    write::put_object(PutObjectInput) -> PutObjectOutput;
    write::delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    write::delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    copy::copy_object(CopyObjectInput) -> CopyObjectOutput;
    copy::upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    parts::upload_part(UploadPartInput) -> UploadPartOutput;
    parts::list_parts(ListPartsInput) -> ListPartsOutput;
    multipart::create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    multipart::complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    multipart::abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    uploads::list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
}
