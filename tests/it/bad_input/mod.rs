//! Bad input: a clear message, the documented exit code, and nothing changed.

mod account;
mod characters;
mod command_line;
mod data;
mod endpoint;
mod files;
mod limits;
mod lookups;
mod scene;
mod secrets;
mod structure;
mod tags;
mod together;
mod user_data;
mod values;
