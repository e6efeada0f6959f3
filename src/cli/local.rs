//! `local`: the embedded cloud, served on a loopback port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::{Global, Local, LocalCommand, Serve};
use super::clock;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::local_server;
use super::output::Output;
use super::session::{Destination, open};
use crate::cloud::CloudError;
use crate::local::s3::ObjectStore;
use crate::local::{Clock, Cloud, Settings, serve};
use crate::resource::SignIn;

pub(super) async fn run(global: &Global, arguments: &Local, output: Output) -> CommandResult {
    match &arguments.command {
        LocalCommand::Serve(arguments) => run_server(arguments, output).await,
        LocalCommand::MakeBucket { bucket } => make_bucket(global, bucket, output).await,
        LocalCommand::Stop => {
            let stopped = local_server::stop().await?;
            output.say(if stopped {
                "the embedded cloud has ended; its state stays in .trainyard/"
            } else {
                "no embedded cloud is running here"
            });
            Ok(ExitCode::Done)
        }
    }
}

async fn run_server(arguments: &Serve, output: Output) -> CommandResult {
    let Serve {
        port,
        folder,
        memory,
        account,
        idle,
        control,
    } = arguments;
    let failed = |text: String| CommandError::failed(text);
    let folder = (!memory).then(|| folder.clone());
    // Two servers over one folder would overwrite each other's state.
    let guard = folder
        .as_deref()
        .map(local_server::Guard::take)
        .transpose()?;
    let settings = Settings {
        folder: folder.as_deref().map(|folder| folder.join("cloud")),
        account: account.clone(),
        control: *control,
        ..Settings::default()
    };
    let clock: Clock = Arc::new(clock::now);
    let objects = ObjectStore::open(
        folder.as_deref().map(|folder| folder.join("objects")),
        Arc::clone(&clock),
    )
    .map_err(|error| failed(format!("cannot open the embedded S3: {error}")))?;
    let objects = objects.service();
    let cloud = Cloud::open(settings, clock)
        .map_err(|error| failed(format!("cannot open the embedded cloud: {error}")))?
        .with_objects(Arc::new(move |request| {
            let objects = objects.clone();
            Box::pin(async move { objects.call(request).await })
        }));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| failed(format!("cannot listen on {address}: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| failed(format!("cannot listen: {error}")))?;
    if let Some(guard) = &guard {
        guard.announce(address)?;
    }
    output.data(&format!("http://{address}\n"));
    output.say(&format!(
        "the embedded cloud plays account {account} on http://{address}; Ctrl-C ends it"
    ));
    output.say("it checks no signatures and is no sandbox: it listens on this machine only");
    serve(
        listener,
        Arc::new(cloud),
        idle.map(|idle| idle.0),
        asked_to_stop(),
    )
    .await
    .map_err(|error| failed(format!("the embedded cloud failed: {error}")))?;
    Ok(ExitCode::Done)
}

async fn asked_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn make_bucket(global: &Global, bucket: &str, output: Output) -> CommandResult {
    let mut global = global.clone();
    global.local = true;
    let destination = Destination {
        sign_in: SignIn::default(),
        account: None,
        region: None,
    };
    let session = open(&global, destination, output).await?;
    let s3 = &session.clients.s3;
    if s3.head_bucket().bucket(bucket).send().await.is_ok() {
        output.say(&format!("the embedded cloud has a bucket {bucket}"));
        return Ok(ExitCode::Done);
    }
    let answer = s3.create_bucket().bucket(bucket).send().await;
    answer.map_err(|error| CloudError::from_sdk(&format!("make the bucket {bucket}"), &error))?;
    output.say(&format!("made the bucket {bucket} on the embedded cloud"));
    Ok(ExitCode::Done)
}

/// The folder that `--local` keeps its state in.
pub(super) fn state_folder() -> &'static Path {
    Path::new(".trainyard")
}
