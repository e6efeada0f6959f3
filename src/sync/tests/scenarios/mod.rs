//! What a sync has to stand, scenario by scenario.

mod across;
mod limits;
mod resilience;
