//! What a test has set: it belongs to no account.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::derived_hex;

/// What a test has set for the whole cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Stage {
    /// What cannot be launched.
    pub(crate) capacity: Vec<Shortage>,
    /// Images beside those of the catalogue.
    pub(crate) images: Vec<Published>,
    /// The ids of images that are gone.
    pub(crate) deregistered: BTreeSet<String>,
    /// The values of public parameters, by name.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The zones that are impaired.
    pub(crate) impaired: BTreeSet<String>,
    /// The launches that fail on their way, the next one first.
    pub(crate) failing: Vec<Failing>,
}

/// A machine image that was published while the cloud ran, in every region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    pub(crate) name: String,
    pub(crate) created: String,
    #[serde(default = "available")]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) deprecated: Option<String>,
    #[serde(default)]
    pub(crate) owner: Owner,
    #[serde(default = "x86")]
    pub(crate) architecture: String,
}

fn available() -> String {
    "available".to_owned()
}

fn x86() -> String {
    "x86_64".to_owned()
}

impl Published {
    /// The id of the image, which follows from its name.
    pub(crate) fn id(&self) -> String {
        format!("ami-{}", derived_hex(&["published", &self.name], 17))
    }
}

/// Who owns a published image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Owner {
    #[default]
    Amazon,
    /// Every account that looks at it.
    #[serde(rename = "self")]
    Caller,
}

/// Launches that fail on their way from `pending` to `running`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failing {
    /// The code of the state reason.
    code: String,
    /// How many instances are to fail.
    #[serde(default = "once")]
    left: u32,
}

fn once() -> u32 {
    1
}

/// A lack of capacity. What it does not name is any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shortage {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    market: Option<Buying>,
    /// The code that a launch is refused with.
    #[serde(default = "insufficient")]
    pub(crate) code: Cow<'static, str>,
    /// How many instances can still be launched.
    #[serde(default)]
    pub(crate) left: u32,
    /// Whether it refuses only launches that name no zone.
    #[serde(default)]
    unpinned: bool,
}

fn insufficient() -> Cow<'static, str> {
    Cow::Borrowed("InsufficientInstanceCapacity")
}

/// How an instance is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Buying {
    OnDemand,
    Spot,
}

/// Where a launch wants capacity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) kind: &'a str,
    pub(crate) zone: &'a str,
    pub(crate) buying: Buying,
    /// Whether the launch names the zone.
    pub(crate) pinned: bool,
}

impl Shortage {
    fn concerns(&self, demand: &Demand) -> bool {
        let fits = |wanted: &Option<String>, is: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.as_str() == is)
        };
        fits(&self.kind, demand.kind)
            && fits(&self.zone, demand.zone)
            && self.market.is_none_or(|market| market == demand.buying)
            && !(self.unpinned && demand.pinned)
    }
}

impl Stage {
    /// Finds the tightest shortage that a demand meets.
    pub(crate) fn shortage(&self, demand: &Demand) -> Option<&Shortage> {
        let met = self.capacity.iter().filter(|one| one.concerns(demand));
        met.min_by_key(|one| one.left)
    }

    /// Tells for one more instance whether its launch fails, and with which code.
    pub(crate) fn fail_one(&mut self) -> Option<String> {
        let next = self.failing.iter_mut().find(|failing| failing.left > 0)?;
        next.left -= 1;
        Some(next.code.clone())
    }

    /// Takes launched instances from what is left.
    pub(crate) fn use_up(&mut self, demand: &Demand, count: u32) {
        for shortage in &mut self.capacity {
            if shortage.concerns(demand) {
                shortage.left = shortage.left.saturating_sub(count);
            }
        }
    }
}
