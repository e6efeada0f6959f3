//! What is wrong with a spec, or of doubt: where, what, and what to do about it.

use std::fmt;

use serde::Serialize;

/// One step from a document's root towards a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Into a map, at the value of a key.
    Key(String),
    /// Into a list, counted from 0.
    Index(usize),
}

/// Where in a document something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SpecPath {
    /// From the root.
    pub segments: Vec<Segment>,
    /// Whether the last key itself is meant, not its value.
    pub at_key: bool,
}

impl SpecPath {
    /// The path of keys written with dots, none of which holds a dot.
    pub fn of_keys(keys: &[&str]) -> Self {
        let segments = keys
            .iter()
            .map(|key| Segment::Key((*key).to_owned()))
            .collect();
        Self {
            segments,
            at_key: false,
        }
    }

    /// Whether this is the value of a key of that name.
    pub fn is_key(&self, name: &str) -> bool {
        matches!(self.segments.last(), Some(Segment::Key(key)) if key == name)
    }

    /// The value of a key of this node.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.child(Segment::Key(key.to_owned()), false)
    }

    /// An item of this node.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.child(Segment::Index(index), false)
    }

    /// A key of this node, not its value.
    #[must_use]
    pub fn the_key(&self, key: &str) -> Self {
        self.child(Segment::Key(key.to_owned()), true)
    }

    fn child(&self, segment: Segment, at_key: bool) -> Self {
        let mut segments = self.segments.clone();
        segments.push(segment);
        Self { segments, at_key }
    }
}

impl fmt::Display for SpecPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for segment in &self.segments {
            match segment {
                Segment::Key(key) => write!(formatter, "{separator}{key}")?,
                Segment::Index(index) => write!(formatter, "[{index}]")?,
            }
            separator = ".";
        }
        Ok(())
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// What kind of mistake it is; the same mistake always has the same code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Such as `T101`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

codes! {
    /// The file cannot be read.
    Unreadable = "T001",
    /// It is not a regular file.
    NotAFile = "T002",
    /// It is too large to be a spec.
    TooLarge = "T003",
    /// It holds characters that a spec must not hold.
    BadCharacter = "T004",
    /// It is not YAML.
    Syntax = "T005",
    /// There is nothing in it.
    Empty = "T006",
    /// It holds more than one document.
    ManyDocuments = "T007",
    /// A key stands twice in one map.
    DuplicateKey = "T008",
    /// A key is not known here.
    UnknownKey = "T101",
    /// A value is of the wrong type.
    WrongType = "T102",
    /// A key is missing.
    MissingKey = "T103",
    /// A value is not one of those that are allowed.
    NotAllowed = "T104",
    /// A value is not written as it must be.
    BadForm = "T105",
    /// A value is too small or too large.
    OutOfRange = "T106",
    /// A name is not a valid name.
    BadName = "T107",
    /// Keys exclude or need each other.
    Combination = "T201",
    /// A tag is reserved, too long or one too many.
    BadTag = "T202",
    /// User data is too large or of an unknown kind.
    BadUserData = "T203",
    /// A disk's figures do not fit its type.
    BadDisk = "T204",
    /// A data entry's places or patterns cannot work.
    BadData = "T205",
    /// Two specs have one name.
    DuplicateName = "T206",
    /// The project's policy forbids it.
    Policy = "T207",
    /// AWS does not have what the spec names.
    NotFound = "T301",
    /// AWS has it, but it does not fit.
    DoesNotFit = "T302",
    /// What looks like a secret stands where others read it.
    Secret = "T401",
}

impl Code {
    /// Whether it is told and keeps nothing from being done.
    pub const fn is_warning(self) -> bool {
        matches!(self, Self::Secret)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub code: Code,
    /// Where it is, unless the whole file is meant.
    pub path: Option<SpecPath>,
    /// Where it is by line and column from 1, where the parser said so itself.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub summary: String,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake at a place in the document.
    pub fn at(path: SpecPath, code: Code, summary: impl Into<String>) -> Self {
        Self {
            code,
            path: Some(path),
            position: None,
            summary: summary.into(),
            help: None,
        }
    }

    /// A mistake of the whole file.
    pub fn of_file(code: Code, summary: impl Into<String>) -> Self {
        Self {
            code,
            path: None,
            position: None,
            summary: summary.into(),
            help: None,
        }
    }

    /// The same with a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same at a line and column, both from 1.
    #[must_use]
    pub fn position(mut self, line: usize, column: usize) -> Self {
        self.position = Some((line, column));
        self
    }
}
