//! Writes and reads the few documents of S3.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::Event;

use crate::error::{MALFORMED_XML, S3Error};

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A document that grows.
pub(crate) struct Document {
    text: String,
    root: &'static str,
}

impl Document {
    /// A document with this root.
    pub(crate) fn new(root: &'static str) -> Self {
        Self {
            text: format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">"
            ),
            root,
        }
    }

    /// Adds an element with this text.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        self.open(name);
        self.text.push_str(&escape_all(text));
        self.close(name);
    }

    /// Begins an element.
    pub(crate) fn open(&mut self, name: &str) {
        self.text.extend(["<", name, ">"]);
    }

    /// Ends an element.
    pub(crate) fn close(&mut self, name: &str) {
        self.text.extend(["</", name, ">"]);
    }

    /// The whole document.
    pub(crate) fn finish(mut self) -> String {
        self.close(self.root);
        self.text
    }
}

/// Control characters are written as references, as S3 does: XML parsers that take
/// them at all take them so.
fn escape_all(text: &str) -> String {
    let escaped = escape(text);
    if !escaped.bytes().any(|byte| byte < b' ') {
        return escaped.into_owned();
    }
    let mut whole = String::with_capacity(escaped.len());
    for character in escaped.chars() {
        if character < ' ' {
            // Writing to a string does not fail.
            let _infallible = write!(whole, "&#{};", u32::from(character));
        } else {
            whole.push(character);
        }
    }
    whole
}

/// The texts of all elements of one name, with those of a second name inside the
/// same parent, which may be missing.
pub(crate) fn rows(
    document: &[u8],
    parent: &str,
    fields: [&str; 2],
) -> Result<Vec<[Option<String>; 2]>, S3Error> {
    let mut reader = Reader::from_reader(document);
    let mut rows = Vec::new();
    let mut row = [None, None];
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|_| MALFORMED_XML)? {
            Event::Start(_) => text.clear(),
            Event::Text(piece) => text.push_str(&piece.decode().map_err(|_| MALFORMED_XML)?),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|_| MALFORMED_XML)?;
                match reference.resolve_char_ref() {
                    Ok(Some(character)) => text.push(character),
                    Ok(None) | Err(_) => {
                        text.push_str(resolve_predefined_entity(&name).ok_or(MALFORMED_XML)?);
                    }
                }
            }
            Event::End(end) => {
                let name = end.local_name();
                if name.as_ref() == parent.as_bytes() {
                    rows.push(std::mem::take(&mut row));
                }
                for (field, value) in fields.iter().zip(&mut row) {
                    if name.as_ref() == field.as_bytes() {
                        *value = Some(std::mem::take(&mut text));
                    }
                }
            }
            Event::Eof => return Ok(rows),
            Event::Empty(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, rows};

    #[test]
    fn what_is_written_is_read_again() {
        let mut document = Document::new("Delete");
        for key in ["a&b <c>", "tab\t\u{1}", "ü"] {
            document.open("Object");
            document.add("Key", key);
            document.close("Object");
        }
        let found = rows(document.finish().as_bytes(), "Object", ["Key", "VersionId"]).unwrap();
        let keys: Vec<_> = found.into_iter().filter_map(|[key, _]| key).collect();
        assert_eq!(keys, ["a&b <c>", "tab\t\u{1}", "ü"]);
    }
}
