//! A small XML writer; the one place where text is escaped.

use std::collections::BTreeMap;
use std::fmt::Display;

/// An XML fragment under construction.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// Appends `<name>value</name>`.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.open(name);
        escape_into(&mut self.0, &value.to_string());
        self.close(name);
        self
    }

    /// Appends `<name>value</name>` when there is a value.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    /// Appends an element whose content `fill` writes.
    pub(crate) fn node(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        fill(self);
        self.close(name);
        self
    }

    /// Appends an element that holds a finished fragment.
    pub(crate) fn append(&mut self, name: &str, content: &Self) -> &mut Self {
        self.node(name, |xml| xml.0.push_str(&content.0))
    }

    /// Appends a finished fragment.
    pub(crate) fn extend(&mut self, content: &Self) -> &mut Self {
        self.0.push_str(&content.0);
        self
    }

    /// Appends a list as EC2 writes it: one `item` element for each element.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.node("item", |xml| fill(xml, item));
            }
        })
    }

    /// Appends a list of plain values.
    pub(crate) fn values<T: Display>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.text("item", item);
            }
        })
    }

    /// Appends a `tagSet`, left out when there are no tags, as EC2 does.
    pub(crate) fn tags(&mut self, tags: Option<&BTreeMap<String, String>>) -> &mut Self {
        match tags {
            Some(tags) if !tags.is_empty() => self.list("tagSet", tags, |xml, (key, value)| {
                xml.text("key", key).text("value", value);
            }),
            Some(_) | None => self,
        }
    }

    /// Wraps the fragment in a root element with a namespace and a declaration.
    pub(crate) fn document(self, root: &str, namespace: Option<&str>) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        escape_into(&mut out, root);
        if let Some(namespace) = namespace {
            out.push_str(" xmlns=\"");
            escape_into(&mut out, namespace);
            out.push('"');
        }
        out.push('>');
        out.push_str(&self.0);
        out.push_str("</");
        escape_into(&mut out, root);
        out.push('>');
        out
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}

/// Escapes markup, and replaces what XML 1.0 cannot carry at all: a control
/// character in a tag value must not make a whole listing unreadable.
fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A literal carriage return would be read back as a line feed.
            '\r' => out.push_str("&#xD;"),
            '\n' | '\t' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control < ' ' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let mut xml = Xml::default();
        xml.text("v", "</v><w a=\"1\">&\u{1}\u{ffff}\r\n'");
        assert_eq!(
            xml.document("r", None),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r><v>&lt;/v&gt;&lt;w \
             a=&quot;1&quot;&gt;&amp;\u{fffd}\u{fffd}&#xD;\n&apos;</v></r>"
        );
    }
}
