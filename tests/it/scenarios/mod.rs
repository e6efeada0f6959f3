//! The same stories on the embedded cloud and on moto, compared step by step.
//!
//! `both` plays each on a fresh pair of clouds. After every apply the plan is
//! empty; what was planned and what boto3 sees there must be equal on both.
//! What moto cannot play, such as a lack of capacity, is played on the embedded
//! cloud alone, and boto3 looks at what came of it.

mod adopt;
mod adopt_refused;
mod adopt_terms;
mod again;
mod blind;
mod by_hand;
mod by_others;
mod capacity;
mod change;
mod choice;
mod disks;
mod fields;
mod groups;
mod images;
mod life;
mod names;
mod network;
mod spec;
mod spot;
mod targets;
