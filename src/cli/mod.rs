//! The command line: arguments, environment variables, prompts, one file a command.

mod adopt;
mod apply;
mod arguments;
mod caller;
mod clock;
mod completions;
mod demo;
mod destroy;
mod environment;
mod error;
mod exit;
mod guide;
mod host;
mod init;
mod local;
mod local_server;
mod main;
mod output;
mod plan;
mod progress;
mod prompt;
mod public_keys;
mod release;
mod schema;
mod session;
mod settled;
mod shared;
mod signals;
mod specs;
mod status;
mod targets;
mod validate;

pub use arguments::Arguments;
pub use exit::ExitCode;
pub use host::{Host, Kept, Streams};
pub use main::{main, run};
