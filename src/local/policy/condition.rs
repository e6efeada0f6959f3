//! Conditions of a statement.

use super::pattern::Pattern;
use super::{Asked, Request};

/// Who asks EC2 to hand roles to instances, to IAM.
const EC2: &str = "ec2.amazonaws.com";

/// One line of a condition block: a key, and what its value is compared with.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    pub(super) set: Option<Set>,
    pub(super) if_exists: bool,
    /// In lower case, but for the key of a tag.
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// By text.
    Text {
        /// Whether none of the values may be it.
        negated: bool,
        comparison: Comparison,
    },
    /// `true` or `false`.
    Bool,
    /// Whether the key is absent.
    Null,
    /// IAM knows it, and this cloud does not: it never holds.
    Other,
}

/// What counts as the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    EqualButCase,
    Like,
}

/// What must hold of the values of a key that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// Each of them is one of those of the policy; also where there are none.
    All,
    /// At least one is.
    Any,
}

/// What a request says of a key.
enum Found<'a> {
    /// This cloud does not know the key.
    Unknown,
    Absent,
    One(&'a str),
    /// A key that has several values by its nature.
    Several(Vec<&'a str>),
}

impl Condition {
    /// Whether it holds; what this cloud does not know never does.
    pub(super) fn holds(&self, asked: &Asked<'_>) -> bool {
        let found = find(&self.key, asked);
        match (self.operator, found) {
            (Operator::Other, _) | (_, Found::Unknown) => false,
            (Operator::Null, found) => {
                let absent = matches!(found, Found::Absent);
                self.values.iter().any(|value| is_word(value, absent))
            }
            (_, Found::Absent) if self.if_exists => true,
            (Operator::Bool, Found::One(value)) => {
                let same = |one: &String| one.eq_ignore_ascii_case(value);
                self.values.iter().any(same)
            }
            (Operator::Bool, Found::Absent | Found::Several(_)) => false,
            (
                Operator::Text {
                    negated,
                    comparison,
                },
                found,
            ) => {
                let is_so = |value: &&str| self.has(value, comparison) != negated;
                match (self.set, found) {
                    (Some(Set::All), Found::Absent) => true,
                    // What is not there is none of the values.
                    (None, Found::Absent) => negated,
                    (_, Found::One(value)) => is_so(&value),
                    (Some(Set::All), Found::Several(values)) => values.iter().all(is_so),
                    (Some(Set::Any), Found::Several(values)) => values.iter().any(is_so),
                    // Of several values IAM wants to know which is meant.
                    (Some(Set::Any), Found::Absent)
                    | (None, Found::Several(_))
                    | (_, Found::Unknown) => false,
                }
            }
        }
    }

    fn has(&self, value: &str, comparison: Comparison) -> bool {
        let lower = |text: &str| text.to_lowercase();
        self.values.iter().any(|wanted| match comparison {
            Comparison::Equal => Pattern::plain(wanted).matches(value),
            Comparison::EqualButCase => Pattern::plain(&lower(wanted)).matches(&lower(value)),
            Comparison::Like => Pattern::wild(wanted).matches(value),
        })
    }
}

fn is_word(text: &str, truth: bool) -> bool {
    text.eq_ignore_ascii_case(if truth { "true" } else { "false" })
}

/// A key as conditions keep it: only a tag's own key has a case that one may want to see.
pub(super) fn normal_key(key: &str) -> String {
    match key.split_once('/') {
        Some((name, tag)) => format!("{}/{tag}", name.to_ascii_lowercase()),
        None => key.to_ascii_lowercase(),
    }
}

fn find<'a>(key: &str, asked: &Asked<'a>) -> Found<'a> {
    let Asked { request, creating } = asked;
    let Request {
        action,
        region,
        request_tags,
        resource_tags,
        resource: _,
    } = request;
    let optional = |value: Option<&'a str>| value.map_or(Found::Absent, Found::One);
    if let Some((name, tag)) = key.split_once('/') {
        let tags = match name {
            "aws:requesttag" => request_tags,
            "aws:resourcetag" | "ec2:resourcetag" => resource_tags,
            _ => return Found::Unknown,
        };
        // The case of a tag's key does not count in the name of a condition's (IAM User
        // Guide, tags).
        let mut tags = tags.iter();
        let tag = tags.find(|(other, _)| other.eq_ignore_ascii_case(tag));
        return optional(tag.map(|(_, value)| value.as_str()));
    }
    match key {
        "aws:requestedregion" => Found::One(region),
        "aws:securetransport" => Found::One("true"),
        "aws:tagkeys" if request_tags.is_empty() => Found::Absent,
        "aws:tagkeys" => Found::Several(request_tags.keys().map(String::as_str).collect()),
        "ec2:createaction" => optional(*creating),
        "iam:passedtoservice" if is_pass_role(action) => Found::One(EC2),
        "iam:passedtoservice" => Found::Absent,
        _ => Found::Unknown,
    }
}

fn is_pass_role(action: &str) -> bool {
    action.eq_ignore_ascii_case("iam:PassRole")
}

/// The operator, the set and whether absence is enough, of a name such as
/// `ForAllValues:StringLikeIfExists`; `None` where IAM has no such operator.
pub(super) fn operator(name: &str) -> Option<(Operator, Option<Set>, bool)> {
    let lower = name.to_ascii_lowercase();
    let (set, rest) = match lower.split_once(':') {
        Some(("forallvalues", rest)) => (Some(Set::All), rest),
        Some(("foranyvalue", rest)) => (Some(Set::Any), rest),
        Some(_) => return None,
        None => (None, lower.as_str()),
    };
    let (rest, if_exists) = match rest.strip_suffix("ifexists") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let text = |negated, comparison| Operator::Text {
        negated,
        comparison,
    };
    let operator = match rest {
        "stringequals" => text(false, Comparison::Equal),
        "stringnotequals" => text(true, Comparison::Equal),
        "stringequalsignorecase" => text(false, Comparison::EqualButCase),
        "stringnotequalsignorecase" => text(true, Comparison::EqualButCase),
        "stringlike" => text(false, Comparison::Like),
        "stringnotlike" => text(true, Comparison::Like),
        "bool" => Operator::Bool,
        "null" if !if_exists => Operator::Null,
        other if OTHERS.contains(&other) => Operator::Other,
        _ => return None,
    };
    Some((operator, set, if_exists))
}

/// Operators of IAM's that this cloud takes and never finds to hold (IAM User Guide, condition
/// operators).
const OTHERS: [&str; 19] = [
    "arnequals",
    "arnlike",
    "arnnotequals",
    "arnnotlike",
    "binaryequals",
    "dateequals",
    "dategreaterthan",
    "dategreaterthanequals",
    "datelessthan",
    "datelessthanequals",
    "datenotequals",
    "ipaddress",
    "notipaddress",
    "numericequals",
    "numericgreaterthan",
    "numericgreaterthanequals",
    "numericlessthan",
    "numericlessthanequals",
    "numericnotequals",
];
