//! What a sync has to stand, scenario by scenario.

mod across;
mod compare;
mod deletions;
mod filters;
mod names;
mod resilience;
