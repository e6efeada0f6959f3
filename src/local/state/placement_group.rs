//! Placement groups.

use serde::{Deserialize, Serialize};

/// How the members of a placement group are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strategy {
    Cluster,
    Partition,
    Spread,
}

impl Strategy {
    /// The name that EC2 gives the strategy.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Partition => "partition",
            Self::Spread => "spread",
        }
    }

    /// Finds a strategy by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Cluster, Self::Partition, Self::Spread]
            .into_iter()
            .find(|strategy| strategy.name() == name)
    }
}

/// A placement group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlacementGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) strategy: Strategy,
    /// For the strategy `partition` alone.
    pub(crate) partitions: Option<u32>,
}
