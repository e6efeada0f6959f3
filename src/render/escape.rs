//! Makes foreign text harmless on a terminal.

/// Replaces control characters, and characters that reorder or hide text, by their code points.
///
/// A tag or an error message may hold escape sequences that rewrite what stands
/// on the screen already.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let invisible = matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if character.is_control() || invisible {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn terminals_are_safe() {
        assert_eq!(escape("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(escape("a\r\n\u{202e}b"), "a\\u{d}\\u{a}\\u{202e}b");
        assert_eq!(escape("größe ✓ 日本"), "größe ✓ 日本");
    }
}
