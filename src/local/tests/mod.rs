//! Tests of the embedded cloud: its rules by requests of our own, its wire by
//! the SDK's.

mod addresses;
mod capacity;
mod catalogue;
mod dates;
mod folder;
mod guest;
mod identity;
mod interfaces;
mod launch;
mod lifecycle;
mod listing;
mod meddling;
mod orders;
mod parameters;
mod placement_groups;
mod rig;
mod rules;
mod sdk;
mod sdk_groups;
mod sign_in;
mod spot;
mod tags;
mod throttle;
mod tokens;
mod truth;
mod volumes;
mod weather;
