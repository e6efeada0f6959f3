//! `cp`: one file, object or stream to another.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_sdk_s3::Client;
use clap::Args;

use super::arguments::Global;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::keeper::Keeper;
use super::meter::{LINE_EVERY, Meter};
use super::output::Output;
use super::session::{BucketSession, journals, s3_client};
use super::signals::{self, Known};
use super::sync::{Objects, quoted, refuse_other_schemes};
use crate::apply::Cancel;
use crate::render::{escape, good, warn};
use crate::resource::{ObjectOptions, human_bytes};
use crate::sync::{
    Control, Copied, End, FailureReason, NO_SUCH_OBJECT, Object, Pipes, Totals, copy,
};

/// What copies more than one thing.
const SYNC: &str = "`trainyard sync` copies a folder or a prefix with all that is in it";

/// Arguments of `cp`.
#[derive(Debug, Clone, Args)]
pub(super) struct Cp {
    /// A file, an object as `s3://BUCKET/KEY`, or `-` for the input
    #[arg(value_name = "SOURCE")]
    from: EndName,
    /// A file or folder, an object or a prefix with `/` at its end, or `-` for the output
    #[arg(value_name = "TARGET")]
    to: EndName,
    /// The bucket's region, or the target's [default: the environment's]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The source's region, from bucket to bucket [default: what the bucket says]
    #[arg(long, value_name = "REGION")]
    source_region: Option<String>,
    #[command(flatten)]
    objects: Objects,
    /// What others copy folders with.
    #[arg(short, long, hide = true)]
    recursive: bool,
}

/// One end as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EndName {
    text: String,
    end: End,
}

impl FromStr for EndName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let end = if text == "-" {
            End::Stream
        } else if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err("it names no bucket".to_owned());
            }
            End::Object(Object {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            })
        } else if text.is_empty() {
            return Err("name a file, s3://BUCKET/KEY, or - for a stream".to_owned());
        } else {
            refuse_other_schemes(text)?;
            End::File(PathBuf::from(text))
        };
        let text = text.to_owned();
        Ok(Self { text, end })
    }
}

impl Cp {
    /// The command that does it again.
    fn again(&self, global: &Global) -> String {
        let Self {
            from,
            to,
            region,
            source_region,
            objects,
            recursive: _,
        } = self;
        let (from, to) = (quoted(&from.text), quoted(&to.text));
        let mut text = format!("trainyard cp{} {from} {to}", global.again());
        for (flag, value) in [("--region", region), ("--source-region", source_region)] {
            if let Some(value) = value {
                text.extend([" ", flag, " ", quoted(value).as_str()]);
            }
        }
        for word in objects.again() {
            text.extend([" ", word.as_str()]);
        }
        text
    }
}

pub(super) async fn run(global: &Global, arguments: &Cp, output: Output) -> CommandResult {
    if arguments.recursive {
        return Err(CommandError::new(ExitCode::Usage, "cp copies one thing").help(SYNC));
    }
    let from = source(&arguments.from)?;
    let to = target(&from, &arguments.to)?;
    let options = arguments.objects.options()?;
    let size = match &from {
        End::File(path) => size_of(path)?,
        End::Object(_) | End::Stream => 0,
    };
    let BucketSession { client, engine } =
        s3_client(global, arguments.region.as_deref(), output).await?;
    let again = arguments.again(global);
    let cancel = signals::listen(&global.host, output, Known::default(), again);
    let _keeper = Keeper::begin(engine.as_ref(), &global.host.clock, &cancel, output);
    let total = Totals {
        files: 1,
        bytes: size,
    };
    let meter = if matches!(to, End::Stream) && super::output::is_shown() {
        // A bar would be drawn into it.
        Meter::plain(total, output)
    } else {
        Meter::new(total, false, output)
    };
    let journals = journals(global);
    let with = (&cancel, journals.as_deref());
    let region = arguments.source_region.as_deref();
    let ends = (&from, &to, &options);
    let copied = carry_out(&client, (ends, region), &meter, with).await?;
    meter.close();
    match copied {
        Ok(Copied::Whole(bytes)) => {
            let (size, rate) = (human_bytes(bytes), meter.rate(bytes));
            let place = match &to {
                End::Object(Object { bucket, key }) => format!(" to s3://{bucket}/{key}"),
                End::File(path) => format!(" to {}", path.display()),
                End::Stream => String::new(),
            };
            let place = escape(&place);
            output.say(&format!("{} {size} copied{place} in {rate}", good("✓")));
            Ok(ExitCode::Done)
        }
        Ok(Copied::Itself) => {
            let text = "nothing to do, the source is the target";
            output.say(&format!("{} {text}", good("✓")));
            Ok(ExitCode::Done)
        }
        Ok(Copied::Stopped) if matches!(to, End::Stream) => {
            output.insist(&format!("{} the output is not whole", warn("stopped:")));
            Ok(ExitCode::Interrupted)
        }
        Ok(Copied::Stopped) => {
            output.insist(&format!("{} nothing was left behind", warn("stopped:")));
            Ok(ExitCode::Interrupted)
        }
        Ok(Copied::Unfinished) => {
            let kept = "what was sent is kept in the bucket, and the same command goes on with it";
            output.insist(&format!("{} {kept}", warn("stopped:")));
            Ok(ExitCode::Interrupted)
        }
        Err(reason) => {
            let text = format!(
                "{} was not copied to {}: {reason}",
                arguments.from.text, arguments.to.text
            );
            let error = CommandError::failed(text);
            Err(if matches!(from, End::Object(_)) && is_missing(&reason) {
                error.help("`trainyard sync` copies all that is below a prefix")
            } else {
                error
            })
        }
    }
}

fn is_missing(reason: &FailureReason) -> bool {
    matches!(reason, FailureReason::Remote { operation: _, detail } if detail == NO_SUCH_OBJECT)
}

/// Copies, and shows how far it is.
async fn carry_out(
    client: &Client,
    ((from, to, options), source_region): ((&End, &End, &ObjectOptions), Option<&str>),
    meter: &Meter,
    (cancel, journals): (&Cancel, Option<&Path>),
) -> Result<Result<Copied, FailureReason>, CommandError> {
    let progress = |event| meter.take(&event);
    let cancelled = || cancel.is_asked();
    let mut control = Control::new(&progress, &cancelled);
    control.journals = journals;
    control.source_region = source_region;
    let mut work = Box::pin(copy(client, (from, to), options, pipes()?, &control));
    loop {
        tokio::select! {
            copied = &mut work => return Ok(copied),
            () = tokio::time::sleep(LINE_EVERY) => meter.line(),
        }
    }
}

/// What is copied; it must be one thing.
fn source(name: &EndName) -> Result<End, CommandError> {
    let several = match &name.end {
        End::Object(object) => object.key.is_empty() || object.key.ends_with('/'),
        End::File(path) => path.is_dir(),
        End::Stream => false,
    };
    if several {
        let text = format!("{} is no single file", escape(&name.text));
        return Err(CommandError::new(ExitCode::Usage, text).help(SYNC));
    }
    Ok(name.end.clone())
}

/// Where it is copied to: in a folder, or below a prefix, under the name that it has.
fn target(from: &End, name: &EndName) -> Result<End, CommandError> {
    let into = match &name.end {
        End::Object(object) => object.key.is_empty() || object.key.ends_with('/'),
        End::File(path) => name.text.ends_with('/') || path.is_dir(),
        End::Stream => false,
    };
    let is_local = |end: &End| !matches!(end, End::Object(_));
    if is_local(from) && is_local(&name.end) {
        let text = "neither of the two is in a bucket";
        return Err(CommandError::new(ExitCode::Usage, text)
            .help("write what is in a bucket as s3://BUCKET/KEY"));
    }
    if !into {
        return Ok(name.end.clone());
    }
    let own = match from {
        End::File(path) => path.file_name().and_then(|name| name.to_str()),
        End::Object(object) => object.key.rsplit('/').next(),
        End::Stream => None,
    };
    let Some(own) = own else {
        let text = format!("{} does not say under which name", escape(&name.text));
        return Err(
            CommandError::new(ExitCode::Usage, text).help("name the file or the key in full")
        );
    };
    Ok(match &name.end {
        End::Object(object) => End::Object(Object {
            bucket: object.bucket.clone(),
            key: format!("{}{own}", object.key),
        }),
        End::File(path) => End::File(path.join(own)),
        End::Stream => End::Stream,
    })
}

fn size_of(path: &Path) -> Result<u64, CommandError> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        CommandError::failed(format!("{} cannot be read: {error}", path.display()))
    })?;
    if !metadata.is_file() {
        let text = format!("{} is no file", path.display());
        return Err(CommandError::new(ExitCode::Usage, text)
            .help("a pipe is read from the input: write `-`, and `< PIPE` behind the command"));
    }
    Ok(metadata.len())
}

/// The process's own input and output, unbuffered and without a lock.
fn pipes() -> Result<Pipes<tokio::fs::File, tokio::fs::File>, CommandError> {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let output = super::output::raw_output();
    let file = |end: std::io::Result<std::os::fd::OwnedFd>| {
        let end =
            end.map_err(|error| CommandError::failed(format!("cannot use a pipe: {error}")))?;
        Ok::<_, CommandError>(tokio::fs::File::from_std(std::fs::File::from(end)))
    };
    Ok(Pipes {
        input: file(input)?,
        output: file(output)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(from: &str, to: &str) -> Result<(End, End), CommandError> {
        let from = source(&from.parse().unwrap())?;
        let to = target(&from, &to.parse().unwrap())?;
        Ok((from, to))
    }

    fn object(bucket: &str, key: &str) -> End {
        End::Object(Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    #[test]
    fn a_target_that_is_a_place_takes_the_name_of_the_source() {
        let to = |from: &str, to: &str| ends(from, to).unwrap().1;
        assert_eq!(to("a/model.pt", "s3://b"), object("b", "model.pt"));
        assert_eq!(to("a/model.pt", "s3://b/run/"), object("b", "run/model.pt"));
        assert_eq!(to("a/model.pt", "s3://b/run"), object("b", "run"));
        assert_eq!(to("s3://b/run/x", "there/"), End::File("there/x".into()));
        assert_eq!(to("s3://b/run/x", "/tmp"), End::File("/tmp/x".into()));
        assert_eq!(to("s3://b/run/x", "-"), End::Stream);
        assert_eq!(to("s3://b/run/x", "s3://c/"), object("c", "x"));
    }

    #[test]
    fn what_is_no_single_file_is_a_mistake() {
        for (from, to) in [
            ("s3://b/run/", "x"),
            ("s3://b", "x"),
            ("/tmp", "s3://b/x"),
            ("-", "s3://b/run/"),
            ("a", "b"),
            ("-", "-"),
        ] {
            let error = ends(from, to).unwrap_err();
            assert_eq!(error.exit, ExitCode::Usage, "{from} {to}");
            assert!(error.help.is_some());
        }
    }
}
