//! Which machine, and how it is bought.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Digest, Need};

/// How a spec says which machine it wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineSelector {
    /// One of these types, in order of preference.
    Types(Vec<String>),
    /// Whatever type meets a need.
    Need(Need),
}

impl MachineSelector {
    /// The selector as it stands in the instance's tag, at most 255 characters.
    pub fn tag_value(&self) -> String {
        let text = self.to_string();
        if text.len() <= 255 && text.chars().all(|character| character.is_ascii_graphic()) {
            text
        } else {
            format!("digest:{}", Digest::of_bytes(text.as_bytes()))
        }
    }

    /// The types named, in order of preference; none where a need is stated.
    pub fn types(&self) -> &[String] {
        match self {
            Self::Types(types) => types,
            Self::Need(_) => &[],
        }
    }
}

impl fmt::Display for MachineSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Types(types) => formatter.write_str(&types.join(",")),
            Self::Need(need) => write!(formatter, "need:{need}"),
        }
    }
}

impl Serialize for MachineSelector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a spec wants its instances to be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Market {
    /// At the list price.
    OnDemand,
    /// At the spot price, and not at all where there is none.
    Spot,
    /// At the spot price, else at the list price.
    SpotThenOnDemand,
}

impl Market {
    /// The ways to buy, in the order in which they are tried.
    pub const fn purchases(self) -> &'static [Purchase] {
        match self {
            Self::OnDemand => &[Purchase::OnDemand],
            Self::Spot => &[Purchase::Spot],
            Self::SpotThenOnDemand => &[Purchase::Spot, Purchase::OnDemand],
        }
    }

    /// The word in a spec.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
            Self::SpotThenOnDemand => "spot-then-on-demand",
        }
    }
}

/// How one instance is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purchase {
    /// At the list price.
    OnDemand,
    /// At the spot price; AWS may want it back.
    Spot,
}

impl Purchase {
    /// The word for people and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        }
    }
}
