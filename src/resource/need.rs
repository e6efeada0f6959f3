//! Asking for a machine by what it must have instead of by its type's name.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{ParseUnitError, Range};

/// What a machine must have.
///
/// A part that is left out may be anything, except the GPU: where neither a GPU
/// nor its memory is asked for, only machines without one fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Need {
    /// The GPUs, any one of these alternatives; empty where none is asked for.
    pub gpu: Vec<GpuNeed>,
    /// The memory of each GPU, in MiB.
    #[serde(serialize_with = "as_sizes")]
    pub gpu_memory: Option<Range>,
    /// The virtual processors.
    #[serde(serialize_with = "as_numbers")]
    pub vcpus: Option<Range>,
    /// The main memory, in MiB.
    #[serde(serialize_with = "as_sizes")]
    pub memory: Option<Range>,
}

#[expect(clippy::ref_option, reason = "serde passes the field's reference")]
fn as_sizes<S: Serializer>(range: &Option<Range>, serializer: S) -> Result<S::Ok, S::Error> {
    range
        .map(|range| range.as_sizes().to_string())
        .serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde passes the field's reference")]
fn as_numbers<S: Serializer>(range: &Option<Range>, serializer: S) -> Result<S::Ok, S::Error> {
    range.map(|range| range.to_string()).serialize(serializer)
}

/// One kind of GPU and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GpuNeed {
    /// The name that EC2 gives the GPU, such as `V100`; see [`GpuNeed::is_called`].
    pub name: String,
    /// How many of them.
    pub count: Range,
}

impl GpuNeed {
    /// What the schema says of one GPU or several alternatives.
    pub const PATTERN: &str = r"^[A-Za-z0-9-]{1,24}(:([1-9][0-9]{0,5}(\.\.([1-9][0-9]{0,5})?)?|\.\.[1-9][0-9]{0,5}))?( *\| *[A-Za-z0-9-]{1,24}(:([1-9][0-9]{0,5}(\.\.([1-9][0-9]{0,5})?)?|\.\.[1-9][0-9]{0,5}))?)*$";

    /// Reads one GPU or several alternatives, such as `V100`, `A10G:1..4` or `V100:1 | A10G:1`.
    ///
    /// # Errors
    ///
    /// The text names no GPU, or its count is no range.
    pub fn parse_alternatives(text: &str) -> Result<Vec<Self>, ParseUnitError> {
        if text.trim_matches(' ') != text {
            return Err(ParseUnitError::new(
                "write the GPUs without spaces around them, such as `V100:1 | A10G:1`",
            ));
        }
        text.split('|')
            .map(|alternative| Self::parse_one(alternative.trim_matches(' ')))
            .collect()
    }

    fn parse_one(text: &str) -> Result<Self, ParseUnitError> {
        let (name, count) = match text.split_once(':') {
            Some((name, count)) => (name, Some(count)),
            None => (text, None),
        };
        let named = (1..=24).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !named {
            return Err(ParseUnitError::new(format!(
                "`{text}` names no GPU: write its name as EC2 has it, with a hyphen for a space, \
                 and how many, such as `V100`, `V100:1` or `A10G:1..4`"
            )));
        }
        let count = match count {
            None => Range::at_least(1),
            Some(count) => count.parse().map_err(|error: ParseUnitError| {
                ParseUnitError::new(format!("the number of `{name}` GPUs: {error}"))
            })?,
        };
        Ok(Self {
            name: name.to_owned(),
            count,
        })
    }

    /// Whether EC2's name of a GPU is the one asked for.
    ///
    /// Case makes no difference, and a hyphen stands for a space: EC2 API,
    /// `GpuDeviceInfo`, has names such as `Radeon Pro V520`.
    pub fn is_called(&self, name: &str) -> bool {
        let folded = |text: &str| text.replace(' ', "-").to_ascii_lowercase();
        folded(&self.name) == folded(name)
    }
}

impl fmt::Display for GpuNeed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if self.count == Range::at_least(1) {
            return Ok(());
        }
        write!(formatter, ":{}", self.count)
    }
}

impl Serialize for GpuNeed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Need {
    /// The alternatives as a spec writes them, such as `V100:1 | A10G:1`.
    pub fn gpu_text(&self) -> String {
        let each: Vec<String> = self.gpu.iter().map(ToString::to_string).collect();
        each.join(" | ")
    }
}

/// Shows the parts that are asked for: `GPU V100:1, GPU memory 16 GiB.., vCPUs 8..`.
impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gpu,
            gpu_memory,
            vcpus,
            memory,
        } = self;
        let mut parts = Vec::new();
        if !gpu.is_empty() {
            parts.push(format!("GPU {}", self.gpu_text()));
        }
        if let Some(range) = gpu_memory {
            parts.push(format!("GPU memory {}", range.as_sizes()));
        }
        if let Some(range) = vcpus {
            parts.push(format!("vCPUs {range}"));
        }
        if let Some(range) = memory {
            parts.push(format!("memory {}", range.as_sizes()));
        }
        if parts.is_empty() {
            return formatter.write_str("any machine without a GPU");
        }
        formatter.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Vec<(String, Range)> {
        GpuNeed::parse_alternatives(text)
            .unwrap()
            .into_iter()
            .map(|need| (need.name, need.count))
            .collect()
    }

    #[test]
    fn a_gpu_is_read_with_and_without_a_count() {
        assert_eq!(parse("V100"), [("V100".to_owned(), Range::at_least(1))]);
        assert_eq!(parse("V100:1"), [("V100".to_owned(), Range::exactly(1))]);
        let range = Range {
            least: 1,
            most: Some(4),
        };
        assert_eq!(parse("A10G:1..4"), [("A10G".to_owned(), range)]);
    }

    #[test]
    fn alternatives_keep_their_order() {
        for text in ["V100:1 | A10G:1", "V100:1|A10G:1", "V100:1  |  A10G:1"] {
            let names: Vec<String> = parse(text).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["V100", "A10G"], "{text}");
        }
    }

    #[test]
    fn what_names_no_gpu_is_refused_with_the_form_to_write() {
        for text in [
            "",
            " V100",
            "|",
            "V100 |",
            "V 100",
            "V100:",
            "V100:0",
            "V100:-1",
            "V100:x",
            "V100:1:2",
            "2 x V100",
            "a-name-of-twenty-five-bytes",
            "Vè100",
        ] {
            let error = GpuNeed::parse_alternatives(text).unwrap_err().to_string();
            assert!(error.contains("such as"), "{text}: {error}");
        }
    }

    #[test]
    fn names_are_compared_without_regard_to_case_and_with_hyphens_for_spaces() {
        for (asked, name, same) in [
            ("v100", "V100", true),
            ("t4G", "T4g", true),
            ("T4", "T4g", false),
            ("radeon-pro-v520", "Radeon Pro V520", true),
            ("Gaudi-HL-205", "Gaudi HL-205", true),
        ] {
            let need = GpuNeed {
                name: asked.to_owned(),
                count: Range::at_least(1),
            };
            assert_eq!(need.is_called(name), same, "{asked} and {name}");
        }
    }

    #[test]
    fn a_need_is_kept_as_the_text_that_a_spec_writes() {
        let need = Need {
            gpu: GpuNeed::parse_alternatives("V100:1|A10G").unwrap(),
            gpu_memory: Some(Range::parse_sizes("16 GiB..").unwrap()),
            vcpus: Some("8".parse().unwrap()),
            memory: None,
        };
        assert_eq!(
            serde_json::to_string(&need).unwrap(),
            r#"{"gpu":["V100:1","A10G"],"gpu_memory":"16 GiB..","vcpus":"8","memory":null}"#
        );
        assert_eq!(
            need.to_string(),
            "GPU V100:1 | A10G, GPU memory 16 GiB.., vCPUs 8"
        );
        assert_eq!(Need::default().to_string(), "any machine without a GPU");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(text in GpuNeed::PATTERN.trim_matches(['^', '$'])) {
            match GpuNeed::parse_alternatives(&text) {
                Ok(gpu) => {
                    let need = Need { gpu, ..Need::default() };
                    prop_assert_eq!(GpuNeed::parse_alternatives(&need.gpu_text()), Ok(need.gpu));
                }
                Err(error) => prop_assert!(error.to_string().contains("is empty"), "{}", error),
            }
        }
    }
}
