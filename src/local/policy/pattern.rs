//! Texts with wildcards.

/// A text in which `*` stands for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Option<Vec<Token>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Just(char),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// `${*}`, `${?}` and `${$}` are the characters themselves. All other variables have no
    /// value here, and what holds one matches nothing (IAM User Guide, policy variables).
    pub(super) fn wild(text: &str) -> Self {
        Self::read(text, true)
    }

    /// Reads a text that has variables and no wildcards.
    pub(super) fn plain(text: &str) -> Self {
        Self::read(text, false)
    }

    fn read(text: &str, wild: bool) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some(variable) = rest.strip_prefix("${") {
                let Some((name, after)) = variable.split_once('}') else {
                    return Self(None);
                };
                let ("*" | "?" | "$") = name else {
                    return Self(None);
                };
                tokens.extend(name.chars().map(Token::Just));
                rest = after;
                continue;
            }
            tokens.push(match character {
                '*' if wild => Token::Any,
                '?' if wild => Token::One,
                other => Token::Just(other),
            });
            rest = &rest[character.len_utf8()..];
        }
        Self(Some(tokens))
    }

    /// Whether all of a text is as the pattern says.
    ///
    /// Only the last `*` is ever gone back to, so that no text takes long.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some(tokens) = &self.0 else {
            return false;
        };
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut token) = (0, 0);
        // Where the last `*` stands, and up to where the text is its own.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match tokens.get(token) {
                Some(Token::Any) => {
                    star = Some((token, at));
                    token += 1;
                    continue;
                }
                Some(Token::One) => {}
                Some(Token::Just(character)) if *character == text[at] => {}
                Some(Token::Just(_)) | None => {
                    let Some((back, until)) = star else {
                        return false;
                    };
                    star = Some((back, until + 1));
                    (token, at) = (back + 1, until + 1);
                    continue;
                }
            }
            (token, at) = (token + 1, at + 1);
        }
        tokens[token..].iter().all(|token| *token == Token::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn wildcards_stand_for_what_they_stand_for() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("ec2:*instances", "ec2:runinstances", true),
            ("ec2:*instances", "ec2:runinstance", false),
            ("ec2:describe*", "ec2:describeimages", true),
            ("a*b*c", "a--b--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "ä", true),
            ("**x**", "x", true),
            ("a${*}c", "a*c", true),
            ("a${*}c", "abc", false),
            ("${$}{x}", "${x}", true),
            ("${aws:username}", "${aws:username}", false),
            ("${aws:username", "x", false),
        ] {
            assert_eq!(
                Pattern::wild(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(Pattern::plain("a*").matches("a*"));
        assert!(!Pattern::plain("a*").matches("ab"));
        assert!(Pattern::plain("a${*}").matches("a*"));
    }

    #[test]
    fn many_wildcards_take_no_time() {
        let pattern = "a*".repeat(500) + "b";
        assert!(!Pattern::wild(&pattern).matches(&"a".repeat(5_000)));
    }
}
