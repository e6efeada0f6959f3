//! Loops that only transfer: the limits that a sync engine is held against.
//!
//! `sdk` is the AWS SDK with payloads unsigned and checksums only where they are
//! required; `raw` is hyper with signatures of the fourth version and nothing else.
//! Neither compares, reports, resumes nor retries more than its client does by
//! itself. `survey` lists the bucket and walks the folder, one beside the other.

mod arguments;
mod loops;
mod raw;
mod sdk;
mod walk;
mod wire;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::arguments::{Arguments, Client, Work};
use crate::wire::{Failure, Wire};

async fn perform(wire: impl Wire, arguments: Arguments) -> Result<String, Failure> {
    match arguments.work {
        Work::Upload => loops::upload(wire, arguments).await,
        Work::Download => loops::download(wire, arguments).await,
        Work::Survey => loops::survey(wire, arguments).await,
    }
}

async fn run() -> Result<String, Failure> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    match arguments.client {
        Client::Sdk => perform(sdk::Sdk::new(&arguments), arguments).await,
        Client::Raw => perform(raw::Raw::new(&arguments), arguments).await,
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(summary) => {
            let _unseen = writeln!(io::stdout(), "{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _unseen = writeln!(io::stderr(), "bare-loop: {error}");
            ExitCode::FAILURE
        }
    }
}
