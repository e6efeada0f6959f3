//! What decides which of the files that take part are moved.

use serde::{Deserialize, Serialize};

use crate::resource::Compare;

/// What decides which of the files that take part are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// How two versions of a file are compared.
    pub compare: Compare,
    /// What happens to files that the target has in another version.
    pub existing: Existing,
    /// What happens to symbolic links at the source.
    pub links: SourceLinks,
    /// What happens to objects in storage classes that have to be restored before reading.
    pub archived: Archived,
}

/// What happens to files that the target has in another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// They are replaced.
    #[default]
    Replace,
    /// They are left as they are, and not even compared.
    Keep,
    /// They are left as they are, and each is a failure.
    Refuse,
}

/// What happens to symbolic links at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceLinks {
    /// They count as what they lead to.
    #[default]
    Follow,
    /// They are reported and left alone.
    Skip,
}

/// What happens to objects in storage classes that have to be restored before reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Archived {
    /// They are reported and left alone.
    #[default]
    Skip,
    /// They are asked for as the others are: they may have been restored.
    Transfer,
}
