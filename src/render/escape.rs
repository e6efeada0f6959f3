//! Makes foreign text harmless on a terminal.

use std::fmt::Write as _;

/// Replaces control characters, and characters that reorder or hide text, by their code points.
///
/// A tag or an error message may hold escape sequences that rewrite what stands
/// on the screen already.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_foreign(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Makes whole lines harmless: line breaks and our own styles stay, anything else is escaped.
///
/// It is the last gate before a terminal; values pass [`escape()`] on their own
/// before they come here.
pub fn gate(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = style_length(rest).unwrap_or(character.len_utf8());
        let (piece, tail) = rest.split_at(length);
        if character == '\n' || (character == '\u{1b}' && length > 1) {
            safe.push_str(piece);
        } else {
            safe.push_str(&escape(piece));
        }
        rest = tail;
    }
    safe
}

/// Makes a JSON document harmless on a terminal: a program reads the same out of it.
///
/// A serializer escapes what JSON does not allow. That leaves U+007F to U+009F, which
/// terminals obey, and the characters that reorder or hide text.
pub fn json_gate(document: &str) -> String {
    let mut safe = String::with_capacity(document.len());
    for character in document.chars() {
        // Outside of texts, JSON has line breaks and no other such character.
        if is_foreign(character) && character != '\n' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                write!(safe, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Control characters, and characters that reorder or hide text.
fn is_foreign(character: char) -> bool {
    let invisible = matches!(character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    character.is_control() || invisible
}

/// The length of the style that `text` begins with, such as a colour.
fn style_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix("\u{1b}[")?;
    let digits = body
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b';')
        .count();
    (body.as_bytes().get(digits) == Some(&b'm')).then_some(2 + digits + 1)
}

#[cfg(test)]
mod tests {
    use super::{escape, gate, json_gate};

    #[test]
    fn a_document_reads_the_same_and_sends_nothing_to_the_terminal() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{200b}\u{feff}\r\n\"é日";
        let document = format!("{:#}", serde_json::json!({"text": hostile}));
        let safe = json_gate(&document);
        assert_eq!(safe.lines().map(gate).collect::<Vec<_>>().join("\n"), safe);
        let back: serde_json::Value = serde_json::from_str(&safe).unwrap();
        assert_eq!(back["text"], hostile);
    }

    #[test]
    fn the_gate_lets_styles_and_lines_through() {
        assert_eq!(gate("a\u{1b}[1mb\u{1b}[0m\nc"), "a\u{1b}[1mb\u{1b}[0m\nc");
        assert_eq!(
            gate("\u{1b}]52;c;x\u{7}\r\u{1b}[2J\u{1b}"),
            "\\u{1b}]52;c;x\\u{7}\\u{d}\\u{1b}[2J\\u{1b}"
        );
    }

    #[test]
    fn terminals_are_safe() {
        assert_eq!(escape("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(escape("a\r\n\u{202e}b"), "a\\u{d}\\u{a}\\u{202e}b");
        assert_eq!(escape("größe ✓ 日本"), "größe ✓ 日本");
    }
}
