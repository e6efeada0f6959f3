//! A file's text, read within bounds and parsed once.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::diagnostic::{Code, Diagnostic};
use super::locate::locate;

/// The text of one spec file and what it parsed to.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file as the user named it.
    pub path: PathBuf,
    /// Its text, without a byte order mark and with plain line ends.
    pub text: String,
}

impl Source {
    /// The largest spec, in bytes: many times what a person would review.
    pub const LARGEST: u64 = 1 << 20;
    /// The deepest nesting that is looked into.
    const DEEPEST: usize = 32;

    /// Reads a file, refusing whatever is not a small regular file of text.
    ///
    /// # Errors
    ///
    /// One diagnostic that says why the file cannot be a spec.
    pub fn read(path: &Path) -> Result<Self, Box<(Self, Diagnostic)>> {
        let fail = |diagnostic: Diagnostic| {
            Box::new((
                Self {
                    path: path.to_owned(),
                    text: String::new(),
                },
                diagnostic,
            ))
        };
        // Looking before opening: opening a FIFO would wait for a writer.
        let metadata = std::fs::metadata(path).map_err(|error| {
            let summary = format!("cannot read the file: {}", plain(&error));
            let diagnostic = Diagnostic::of_file(Code::Unreadable, summary);
            fail(if error.kind() == std::io::ErrorKind::NotFound {
                diagnostic.help("check the path; `trainyard init` writes a first spec")
            } else {
                diagnostic
            })
        })?;
        if !metadata.is_file() {
            let summary = "this is no regular file";
            return Err(fail(
                Diagnostic::of_file(Code::NotAFile, summary)
                    .help("name a YAML file, or a folder that holds some"),
            ));
        }
        if metadata.len() > Self::LARGEST {
            return Err(fail(too_large(metadata.len())));
        }
        let bytes = std::fs::read(path).map_err(|error| {
            fail(Diagnostic::of_file(
                Code::Unreadable,
                format!("cannot read the file: {}", plain(&error)),
            ))
        })?;
        Self::from_bytes(path, bytes)
    }

    /// Takes a file's bytes as its text.
    ///
    /// # Errors
    ///
    /// One diagnostic that says which character cannot stand in a spec.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, Box<(Self, Diagnostic)>> {
        let source = |text: String| Self {
            path: path.to_owned(),
            text,
        };
        if bytes.len() as u64 > Self::LARGEST {
            return Err(Box::new((
                source(String::new()),
                too_large(bytes.len() as u64),
            )));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let (line, column) = position_of(&error.as_bytes()[..valid]);
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let diagnostic =
                    Diagnostic::of_file(Code::BadCharacter, "the file is not UTF-8 text")
                        .position(line, column)
                        .help("save it as UTF-8");
                return Err(Box::new((source(text), diagnostic)));
            }
        };
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(&text)
            .replace("\r\n", "\n");
        let bad = text
            .char_indices()
            .find(|(_, character)| is_hostile(*character));
        if let Some((index, character)) = bad {
            let (line, column) = position_of(&text.as_bytes()[..index]);
            let code_point = u32::from(character);
            let summary =
                format!("the invisible character U+{code_point:04X} must not stand in a spec");
            let diagnostic = Diagnostic::of_file(Code::BadCharacter, summary)
                .position(line, column)
                .help("delete it: it can make the text look different from what is read");
            return Err(Box::new((source(text), diagnostic)));
        }
        Ok(source(text))
    }

    /// Parses the text into a tree without repeated keys.
    ///
    /// # Errors
    ///
    /// One diagnostic with the parser's own position.
    pub fn parse(&self) -> Result<Value, Diagnostic> {
        if self.has_deep_brackets() {
            return Err(too_deep());
        }
        let mut documents = serde_yaml::Deserializer::from_str(&self.text);
        let Some(first) = documents.next() else {
            return Err(empty());
        };
        let value: Value =
            serde::Deserialize::deserialize(first).map_err(|error| self.syntax(&error))?;
        if documents.next().is_some() {
            return Err(Diagnostic::of_file(
                Code::ManyDocuments,
                "the file holds more than one YAML document",
            )
            .help("write one environment a file; remove the lines `---` between documents"));
        }
        if value.is_null() {
            return Err(empty());
        }
        if depth(&value) > Self::DEEPEST {
            return Err(too_deep());
        }
        Ok(value)
    }

    /// Whether more brackets are open at once than the parser gets through in a moment: with
    /// each of its words it looks at all of them.
    ///
    /// Those in texts and comments count as well, so this is far more than any spec has.
    fn has_deep_brackets(&self) -> bool {
        const MOST: usize = 1_000;
        let mut open = 0_usize;
        self.text.bytes().any(|byte| {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            open > MOST
        })
    }
}

impl Source {
    /// Where a tab begins a line, the parser's own words do not say what to do.
    fn syntax(&self, error: &serde_yaml::Error) -> Diagnostic {
        let diagnostic = syntax(error);
        let indented_with_tab = error.location().is_some_and(|location| {
            let first = location.line().saturating_sub(2);
            let mut near = self.text.lines().skip(first).take(2);
            near.any(|line| line.trim_start_matches(' ').starts_with('\t'))
        });
        if indented_with_tab && diagnostic.code == Code::Syntax {
            diagnostic.help("indent with spaces: YAML takes no tabs there")
        } else {
            diagnostic
        }
    }

    /// Line and column from 1 of what a diagnostic means, unless it is the whole file.
    pub fn place(&self, diagnostic: &Diagnostic) -> Option<(usize, usize)> {
        diagnostic
            .position
            .or_else(|| locate(&self.text, diagnostic.path.as_ref()?))
            .filter(|_| !self.text.is_empty())
            .map(|place| self.inside(place))
    }

    /// The place itself, or the end of the text: the parser counts a line more where
    /// the last one is not ended.
    fn inside(&self, (line, column): (usize, usize)) -> (usize, usize) {
        let length = |text: &str| text.chars().count();
        match self.text.split('\n').nth(line.saturating_sub(1)) {
            Some(text) => (line.max(1), column.clamp(1, length(text) + 1)),
            None => position_of(self.text.as_bytes()),
        }
    }

    /// Line and column from 1 of a byte of the text.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        position_of(&self.text.as_bytes()[..at.min(self.text.len())])
    }

    /// The bytes of the word that stands at a line and column, both from 1.
    pub fn span(&self, line: usize, column: usize) -> Option<std::ops::Range<usize>> {
        let lines = self.text.split_inclusive('\n');
        let before: usize = lines.clone().take(line.checked_sub(1)?).map(str::len).sum();
        let text = lines.clone().nth(line - 1)?.trim_end_matches('\n');
        let offset = text
            .char_indices()
            .nth(column.checked_sub(1)?)
            .map_or(text.len(), |(at, _)| at);
        // What is no word is marked by its first character, of however many bytes.
        let first = text[offset..].chars().next().map_or(0, char::len_utf8);
        let word = word_length(&text[offset..]).max(first);
        Some(before + offset..before + offset + word)
    }
}

/// How many bytes belong to the word, the quoted text or the key at the beginning of `text`.
fn word_length(text: &str) -> usize {
    let quote = text
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quote
        && let Some(end) = text[1..].find(quote)
    {
        return end + 2;
    }
    let end = text
        .char_indices()
        .find(|(at, character)| match character {
            ',' | ']' | '}' => true,
            ':' => text[at + 1..].is_empty() || text[at + 1..].starts_with(' '),
            '#' => text[..*at].ends_with(' '),
            _ => false,
        })
        .map_or(text.len(), |(at, _)| at);
    text[..end].trim_end().len()
}

fn plain(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound {
        "there is no such file".to_owned()
    } else if error.kind() == std::io::ErrorKind::PermissionDenied {
        "permission denied".to_owned()
    } else {
        error.to_string()
    }
}

fn too_large(bytes: u64) -> Diagnostic {
    let summary = format!(
        "the file has {bytes} bytes; a spec has at most {}",
        Source::LARGEST
    );
    Diagnostic::of_file(Code::TooLarge, summary)
}

fn too_deep() -> Diagnostic {
    Diagnostic::of_file(Code::Syntax, "the file is nested too deeply to be a spec")
}

fn empty() -> Diagnostic {
    Diagnostic::of_file(Code::Empty, "the file holds no spec")
        .help("`trainyard init` writes a first one")
}

/// Control characters, and characters that reorder or hide text.
pub(super) fn is_hostile(character: char) -> bool {
    // U+0085 is one of them: YAML ends a line there, and nobody sees it.
    let control = character.is_control() && !matches!(character, '\n' | '\t');
    let invisible = matches!(character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    control || invisible
}

/// Line and column from 1 of the place after `before`.
fn position_of(before: &[u8]) -> (usize, usize) {
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |index| index + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    (line, column)
}

fn syntax(error: &serde_yaml::Error) -> Diagnostic {
    let text = error.to_string();
    let position = error
        .location()
        .map(|location| (location.line(), location.column()));
    // The parser appends its position, which is shown apart.
    let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let diagnostic = if what.contains("duplicate entry with key") {
        Diagnostic::of_file(
            Code::DuplicateKey,
            what.replace("duplicate entry with key", "this map has twice the key"),
        )
        .help("keep one of the two")
    } else if what.contains("repetition limit exceeded") {
        Diagnostic::of_file(
            Code::Syntax,
            "the file's aliases unfold to far more than a spec can hold",
        )
    } else if what.contains("as u128") || what.contains("as i128") {
        Diagnostic::of_file(
            Code::OutOfRange,
            "this number is larger than anything that a spec can mean",
        )
    } else if what.contains("recursion limit exceeded") {
        too_deep()
    } else {
        Diagnostic::of_file(Code::Syntax, format!("this is not YAML: {what}"))
    };
    match position {
        Some((line, column)) => diagnostic.position(line, column),
        None => diagnostic,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Mapping(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Tagged(tagged) => 1 + depth(&tagged.value),
    }
}
