//! One page of a listing, whoever asked for it.
//!
//! A listing of many keys costs the processor more than everything else in a run that has
//! nothing to do. So a page is read in one pass, which also sees to it that it is whole:
//! what breaks off before its last tag is no page.

use std::borrow::Cow;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use super::list::timestamp;

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Page {
    /// Whether it names the bucket, as every page of S3 does.
    pub(super) is_named: bool,
    /// Whether its keys are encoded as in an address.
    pub(super) is_encoded: bool,
    pub(super) is_truncated: Option<bool>,
    /// What to ask for the next page with.
    pub(super) next: Option<String>,
    pub(super) entries: Vec<Entry>,
}

/// One object of a page, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub(super) key: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<Timestamp>,
    /// In quotes.
    pub(super) etag: Option<String>,
    pub(super) class: Option<String>,
}

impl From<ListObjectsV2Output> for Page {
    fn from(output: ListObjectsV2Output) -> Self {
        Self {
            is_named: output.name.is_some(),
            is_encoded: output.encoding_type == Some(EncodingType::Url),
            is_truncated: output.is_truncated,
            next: output.next_continuation_token,
            entries: output
                .contents
                .unwrap_or_default()
                .into_iter()
                .map(|object| Entry {
                    key: object.key,
                    size: object.size.and_then(|size| u64::try_from(size).ok()),
                    modified: object.last_modified.as_ref().and_then(timestamp),
                    etag: object.e_tag,
                    class: object.storage_class.map(|class| class.as_str().to_owned()),
                })
                .collect(),
        }
    }
}

impl Page {
    /// Reads a page; `None` when it is anything but a whole one.
    pub(super) fn read(document: &str) -> Option<Self> {
        let mut reader = Reader::from_str(document);
        let (mut page, mut path) = (Self::default(), Path::default());
        let mut text = Cow::Borrowed("");
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) => {
                    path.enter(tag.local_name().as_ref())?;
                    if path.is_entry() {
                        page.entries.push(Entry::default());
                    }
                    text = Cow::Borrowed("");
                }
                Event::Text(some) => append(&mut text, some.decode().ok()?),
                Event::GeneralRef(reference) => append(&mut text, resolved(&reference)?),
                Event::End(_) => {
                    page.take(&path, std::mem::take(&mut text).into_owned())?;
                    path.depth = path.depth.checked_sub(1)?;
                }
                Event::Empty(tag) => {
                    path.enter(tag.local_name().as_ref())?;
                    page.take(&path, String::new())?;
                    path.depth = path.depth.checked_sub(1)?;
                }
                Event::Eof => return path.is_closed().then_some(page),
                Event::Decl(_) | Event::Comment(_) => {}
                Event::CData(_) | Event::PI(_) | Event::DocType(_) => return None,
            }
        }
    }

    /// Takes what an element says.
    fn take(&mut self, path: &Path, text: String) -> Option<()> {
        let (Name::Contents, Some(entry)) = (path.above(), self.entries.last_mut()) else {
            match path.name() {
                Name::Bucket => self.is_named = true,
                Name::EncodingType => self.is_encoded = text == "url",
                Name::IsTruncated => self.is_truncated = Some(text == "true"),
                Name::Next => self.next = Some(text).filter(|text| !text.is_empty()),
                Name::Contents
                | Name::Key
                | Name::Size
                | Name::LastModified
                | Name::ETag
                | Name::StorageClass
                | Name::Root
                | Name::Other => {}
            }
            return Some(());
        };
        match path.name() {
            Name::Key => entry.key = Some(text),
            Name::Size => entry.size = Some(text.parse().ok()?),
            Name::LastModified => entry.modified = Some(text.parse().ok()?),
            Name::ETag => entry.etag = Some(text),
            Name::StorageClass => entry.class = Some(text),
            Name::Contents
            | Name::Bucket
            | Name::EncodingType
            | Name::IsTruncated
            | Name::Next
            | Name::Root
            | Name::Other => {}
        }
        Some(())
    }
}

fn append<'a>(text: &mut Cow<'a, str>, more: Cow<'a, str>) {
    if text.is_empty() {
        *text = more;
    } else {
        text.to_mut().push_str(&more);
    }
}

/// What a reference such as `&quot;` or `&#10;` stands for.
fn resolved(reference: &BytesRef<'_>) -> Option<Cow<'static, str>> {
    if let Some(letter) = reference.resolve_char_ref().ok()? {
        return Some(Cow::Owned(letter.to_string()));
    }
    let name = reference.decode().ok()?;
    resolve_predefined_entity(&name).map(Cow::Borrowed)
}

/// The elements of a page that say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Name {
    Root,
    Bucket,
    EncodingType,
    IsTruncated,
    Next,
    Contents,
    Key,
    Size,
    LastModified,
    ETag,
    StorageClass,
    #[default]
    Other,
}

/// How deep elements are nested at most in a page of S3.
const DEEPEST: usize = 8;

/// The elements that are open.
#[derive(Debug, Default)]
struct Path {
    names: [Name; DEEPEST],
    depth: usize,
    has_root: bool,
}

impl Path {
    fn enter(&mut self, name: &[u8]) -> Option<()> {
        let name = match (self.depth, name) {
            (0, b"ListBucketResult") if !self.has_root => Name::Root,
            // Something else, or something behind the end.
            (0, _) => return None,
            (1, b"Name") => Name::Bucket,
            (1, b"EncodingType") => Name::EncodingType,
            (1, b"IsTruncated") => Name::IsTruncated,
            (1, b"NextContinuationToken") => Name::Next,
            (1, b"Contents") => Name::Contents,
            (2, b"Key") => Name::Key,
            (2, b"Size") => Name::Size,
            (2, b"LastModified") => Name::LastModified,
            (2, b"ETag") => Name::ETag,
            (2, b"StorageClass") => Name::StorageClass,
            _ => Name::Other,
        };
        self.has_root = true;
        *self.names.get_mut(self.depth)? = name;
        self.depth += 1;
        Some(())
    }

    /// The innermost element.
    fn name(&self) -> Name {
        self.at(1)
    }

    /// The element that it stands in.
    fn above(&self) -> Name {
        self.at(2)
    }

    fn at(&self, from_end: usize) -> Name {
        let index = self.depth.checked_sub(from_end);
        let name = index.and_then(|index| self.names.get(index));
        name.copied().unwrap_or_default()
    }

    fn is_entry(&self) -> bool {
        self.depth == 2 && self.name() == Name::Contents
    }

    /// Whether the root was there and is closed.
    fn is_closed(&self) -> bool {
        self.has_root && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name>\
        <Prefix>set/</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys>\
        <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
        <NextContinuationToken>1/a&amp;b==</NextContinuationToken>\
        <Contents><Key>set/a%26b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>\
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>7</Size>\
        <Owner><ID>me</ID><Key>not this</Key></Owner>\
        <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><StorageClass>GLACIER</StorageClass></Contents>\
        <Contents><Key>set/b</Key><LastModified>2026-01-02T03:04:06.500Z</LastModified>\
        <ETag>\"x\"</ETag><Size>0</Size><StorageClass/></Contents>\
        </ListBucketResult>";

    #[test]
    fn a_page_is_read_as_it_stands_there() {
        let page = Page::read(PAGE).unwrap();
        assert!(page.is_named && page.is_encoded);
        assert_eq!(page.is_truncated, Some(true));
        assert_eq!(page.next.as_deref(), Some("1/a&b=="));
        let first = Entry {
            key: Some("set/a%26b".to_owned()),
            size: Some(7),
            modified: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            etag: Some("\"d41d8cd98f00b204e9800998ecf8427e\"".to_owned()),
            class: Some("GLACIER".to_owned()),
        };
        assert_eq!(page.entries[0], first);
        assert_eq!(page.entries[1].key.as_deref(), Some("set/b"));
        assert_eq!(page.entries[1].etag.as_deref(), Some("\"x\""));
        assert_eq!(page.entries.len(), 2);
    }

    #[test]
    fn what_is_not_a_whole_page_is_none() {
        for end in 0..PAGE.len() {
            assert_eq!(Page::read(&PAGE[..end]), None, "{}", &PAGE[..end]);
        }
        for other in [
            "<html><body>404</body></html>",
            "<Error><Code>SlowDown</Code></Error>",
            "<ListBucketResult/><ListBucketResult/>",
            "<ListBucketResult><Contents><Size>many</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Name>&unknown;</Name></ListBucketResult>",
            "<ListBucketResult><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></ListBucketResult>",
        ] {
            assert_eq!(Page::read(other), None, "{other}");
        }
        assert_eq!(
            Page::read("<ListBucketResult></ListBucketResult>"),
            Some(Page::default())
        );
    }
}
