//! What looks like a secret, by the form that its maker gives it.

use std::ops::Range;

/// What stands in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// Whose secret it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKind {
    /// The name of a key of AWS, of a user or of a session.
    AccessKey,
    /// The key that goes with it, or the token of a session, given to its usual name.
    SecretKey,
    /// A private key in its armour.
    PrivateKey,
    /// A token of GitHub.
    GitHub,
    /// A token of Hugging Face.
    HuggingFace,
}

impl SecretKind {
    /// What it looks like, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AccessKey => "an access key of AWS",
            Self::SecretKey => "a secret key of AWS",
            Self::PrivateKey => "a private key",
            Self::GitHub => "a token of GitHub",
            Self::HuggingFace => "a token of Hugging Face",
        }
    }
}

/// A place in a text that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it looks like.
    pub kind: SecretKind,
    /// The byte at which it begins, for whoever points at it.
    pub at: usize,
    /// The bytes that nobody should see.
    hidden: Range<usize>,
}

/// A text with all in it that looks like a secret.
#[derive(Debug)]
pub struct Secrets<'a> {
    text: &'a str,
    found: Vec<Secret>,
}

impl<'a> Secrets<'a> {
    /// Looks through a text.
    pub fn of(text: &'a str) -> Self {
        let mut all = private_keys(text);
        for form in &FORMS {
            all.extend(form.tokens(text));
        }
        all.extend(assignments(text));
        all.sort_by_key(|secret| (secret.hidden.start, secret.at));
        let mut found: Vec<Secret> = Vec::new();
        for secret in all {
            match found.last_mut() {
                Some(last) if secret.hidden.start < last.hidden.end => {
                    last.hidden.end = last.hidden.end.max(secret.hidden.end);
                }
                Some(_) | None => found.push(secret),
            }
        }
        Self { text, found }
    }

    /// What was found, in the order of the text.
    pub fn found(&self) -> &[Secret] {
        &self.found
    }

    /// The text with a word in the place of each secret, and on each line of one.
    pub fn hidden(&self) -> String {
        let mut at = 0;
        let lines = self.text.split_inclusive('\n');
        let hidden = lines.map(|line| {
            at += line.len();
            self.hidden_in(at - line.len()..at)
        });
        hidden.collect()
    }

    /// A part of the text, by its bytes, with a word in the place of what is hidden in it.
    pub fn hidden_in(&self, part: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = part.start;
        for Secret { hidden, .. } in &self.found {
            let (start, end) = (hidden.start.max(at), hidden.end.min(part.end));
            let secret = self.text.get(start..end).unwrap_or_default();
            if secret.trim().is_empty() {
                continue;
            }
            let start = end - secret.trim_start().len();
            shown.push_str(&self.text[at..start]);
            shown.push_str(HIDDEN);
            at = start + self.text[start..end].trim_end().len();
        }
        shown.push_str(&self.text[at..part.end]);
        shown
    }

    /// The text with a star for every byte of a secret: whatever else stands in it keeps
    /// its line and column, and each byte its place.
    pub fn masked(&self) -> String {
        let mut shown = String::with_capacity(self.text.len());
        let mut at = 0;
        for Secret { hidden, .. } in &self.found {
            shown.push_str(&self.text[at..hidden.start]);
            let star = |byte: u8| if byte == b'\n' { '\n' } else { '*' };
            shown.extend(self.text[hidden.clone()].bytes().map(star));
            at = hidden.end;
        }
        shown.push_str(&self.text[at..]);
        shown
    }
}

/// A text with a word in the place of all that looks like a secret.
pub fn hide_secrets(text: &str) -> String {
    Secrets::of(text).hidden()
}

/// A secret that is one word and begins as no other word does.
struct Form {
    kind: SecretKind,
    prefix: &'static str,
    /// How many bytes may follow the prefix.
    least: usize,
    most: usize,
    /// Whether a byte may be one of those.
    fits: fn(u8) -> bool,
}

const FORMS: [Form; 9] = [
    key("AKIA"),
    key("ASIA"),
    github("ghp_"),
    github("gho_"),
    github("ghu_"),
    github("ghs_"),
    github("ghr_"),
    Form {
        kind: SecretKind::GitHub,
        prefix: "github_pat_",
        least: 36,
        most: 255,
        fits: is_word,
    },
    Form {
        kind: SecretKind::HuggingFace,
        prefix: "hf_",
        least: 30,
        most: 64,
        fits: |byte| byte.is_ascii_alphanumeric(),
    },
];

/// The name of a key of AWS (IAM API, `AccessKey`).
const fn key(prefix: &'static str) -> Form {
    Form {
        kind: SecretKind::AccessKey,
        prefix,
        least: 16,
        most: 16,
        fits: |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit(),
    }
}

/// A token of GitHub, which says that it has at most 255 characters.
const fn github(prefix: &'static str) -> Form {
    Form {
        kind: SecretKind::GitHub,
        prefix,
        least: 36,
        most: 255,
        fits: |byte| byte.is_ascii_alphanumeric(),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl Form {
    fn tokens<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Secret> + 'a {
        text.match_indices(self.prefix).filter_map(|(at, prefix)| {
            let begins = !text[..at].bytes().next_back().is_some_and(is_word);
            let rest = &text[at + prefix.len()..];
            let rest = &rest.as_bytes()[..run(rest, is_word)];
            let fits = (self.least..=self.most).contains(&rest.len())
                && rest.iter().all(|byte| (self.fits)(*byte));
            (begins && fits).then(|| Secret {
                kind: self.kind,
                at,
                hidden: at..at + prefix.len() + rest.len(),
            })
        })
    }
}

/// How many bytes at the beginning of a text are of a kind.
fn run(text: &str, is_one: impl Fn(u8) -> bool) -> usize {
    let end = text.bytes().position(|byte| !is_one(byte));
    end.unwrap_or(text.len())
}

/// What has no form of its own, and stands behind the name that every tool gives it.
fn assignments(text: &str) -> Vec<Secret> {
    /// How long a secret key is (IAM API, `AccessKey`).
    const KEY: usize = 40;
    /// Less than this is a word, and no secret.
    const LEAST: usize = 16;
    let small = text.to_ascii_lowercase();
    let names = ["aws_secret_access_key", "aws_session_token"];
    let places = names.into_iter().flat_map(|name| small.match_indices(name));
    let found = places.filter_map(|(at, name)| {
        let rest = &text[at + name.len()..];
        let between = run(rest, |byte| b" \t=:\"'\\".contains(&byte));
        let value = &rest[between..];
        let length = run(value, |byte| {
            byte.is_ascii_alphanumeric() || b"/+=".contains(&byte)
        });
        // What begins with a slash is most often where a secret lies.
        let is_path = value.starts_with('/') && length != KEY;
        let start = at + name.len() + between;
        (between > 0 && length >= LEAST && !is_path).then(|| Secret {
            kind: SecretKind::SecretKey,
            at: start,
            hidden: start..start + length,
        })
    });
    found.collect()
}

/// Private keys, from behind the line that begins them to the line that ends them, or to the
/// end of the text where there is none.
fn private_keys(text: &str) -> Vec<Secret> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    const DASHES: &str = "-----";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(begin) = text[from..].find(BEGIN).map(|at| from + at) {
        from = begin + BEGIN.len();
        let line = text[from..].lines().next().unwrap_or_default();
        let Some(label) = line.find(DASHES).map(|end| &line[..end]) else {
            continue;
        };
        from += label.len() + DASHES.len();
        if label.contains("PRIVATE KEY") {
            let end = text[from..].find(END).map_or(text.len(), |end| from + end);
            found.push(Secret {
                kind: SecretKind::PrivateKey,
                at: begin,
                hidden: from..end,
            });
            from = end;
        }
    }
    found
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
