//! An S3 server in memory, on loopback, for measuring clients of S3.
//!
//! It checks no signature, keeps everything in memory and costs a client's cores as
//! little as it can: about 0.05 ms a request. It counts what it is asked, and can be
//! told to be slow or faulty: see [`control`].
//!
//! `memory-server [PORT] [--until-stdin-ends]` prints its address on the first line
//! of its output; port 0, the default, is any free one.

mod body;
mod buckets;
mod chunked;
mod clock;
mod connection;
mod content;
mod control;
mod error;
mod listing;
mod multipart;
mod objects;
mod operation;
mod query;
mod reply;
mod service;
mod statistics;
mod store;
mod xml;

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::service::Server;

/// A request head with 2 KiB of metadata fits many times; a body is read in pieces
/// of at most this size, which keeps the number of system calls low.
const READ_BUFFER: usize = 512 * 1024;

/// What the command line asks for.
struct Arguments {
    port: u16,
    until_stdin_ends: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        port: 0,
        until_stdin_ends: false,
    };
    for argument in std::env::args().skip(1) {
        if argument == "--until-stdin-ends" {
            parsed.until_stdin_ends = true;
        } else {
            parsed.port = argument
                .parse()
                .map_err(|_| format!("`{argument}` is no port and no flag"))?;
        }
    }
    Ok(parsed)
}

/// Resolves when standard input ends, which it does with the process that holds it:
/// a script that is killed leaves no server behind.
fn stdin_end() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        // What arrives means nothing, and an error is an end too.
        let _end = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        let _nobody_waits = sender.send(());
    });
    receiver
}

async fn converse(server: Arc<Server>, stream: TcpStream) {
    // Loopback has no use for Nagle's algorithm, and its delay would be measured.
    let _only_slower = stream.set_nodelay(true);
    server.statistics.connected();
    let connection = Connection::new(stream, Arc::clone(&server));
    let reset = connection.reset_switch();
    let service = service_fn(move |request| {
        service::answer(Arc::clone(&server), Arc::clone(&reset), request)
    });
    // An error here is a client that went away or a reset that was asked for.
    let _closed = http1::Builder::new()
        .max_buf_size(READ_BUFFER)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    let server = Arc::new(Server::default());
    loop {
        let (stream, _peer) = listener.accept().await?;
        tokio::spawn(converse(Arc::clone(&server), stream));
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    let mut output = io::stdout();
    writeln!(output, "http://{}", listener.local_addr()?)?;
    output.flush()?;
    if arguments.until_stdin_ends {
        tokio::select! {
            served = serve(listener) => served,
            _ended = stdin_end() => Ok(()),
        }
    } else {
        serve(listener).await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match arguments() {
        Ok(arguments) => run(arguments).await.map_err(|error| error.to_string()),
        Err(message) => Err(message),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _unseen = writeln!(io::stderr(), "memory-server: {message}");
            ExitCode::FAILURE
        }
    }
}
