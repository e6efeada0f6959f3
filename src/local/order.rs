//! The orders of a test that change the world: what AWS or somebody else would do.

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::state::{Shortage, World};

/// An order, as the control endpoint takes it.
#[derive(Debug)]
pub(super) enum Order {
    /// Makes an instance profile known, as IAM would.
    Profile(String),
    /// Adds to what cannot be launched.
    Capacity(Vec<Shortage>),
    /// Makes everything launchable again.
    AllCapacity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
}

impl Order {
    /// Reads an order; nothing when there is none of this kind.
    pub(super) fn read(path: &str, method: &Method, body: &[u8]) -> Option<Result<Self, String>> {
        let order = match (path, method.as_str()) {
            ("profiles", "POST") => parse(body, |Profile { name }| Self::Profile(name)),
            ("capacity", "POST") => parse(body, Self::Capacity),
            ("capacity", "DELETE") => Ok(Self::AllCapacity),
            _ => return None,
        };
        Some(order)
    }

    /// Carries the order out, and gives its answer.
    pub(super) fn carry_out(self, world: &mut World) -> Result<Value, String> {
        match self {
            Self::Profile(name) => {
                world.profiles.insert(name);
            }
            Self::Capacity(shortages) => world.stage.capacity.extend(shortages),
            Self::AllCapacity => world.stage.capacity.clear(),
        }
        Ok(json!({}))
    }
}

fn parse<T: DeserializeOwned>(
    body: &[u8],
    order: impl FnOnce(T) -> Order,
) -> Result<Order, String> {
    let read = serde_json::from_slice(body);
    read.map(order).map_err(|error| error.to_string())
}
