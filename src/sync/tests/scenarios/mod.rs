//! What a sync has to stand, scenario by scenario.

mod limits;
mod resilience;
