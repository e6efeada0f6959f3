//! The same stories on the embedded cloud and on moto, compared step by step.
//!
//! `both` plays each on a fresh pair of clouds. After every apply the plan is
//! empty; what was planned and what boto3 sees there must be equal on both.

mod change;
mod choice;
mod life;
mod spec;
