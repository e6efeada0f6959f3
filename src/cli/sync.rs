//! `sync`: a folder and a bucket prefix, or two prefixes, are made the same.

mod arguments;
mod case;
mod choices;
mod clean;
mod objects;
mod words;

use std::path::Path;

use aws_sdk_s3::Client;

use super::arguments::Global;
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::keeper::Keeper;
use super::local::state_folder;
use super::meter::{LINE_EVERY, Meter};
use super::output::Output;
use super::session::{BucketSession, journals, s3_client};
use super::signals::{self, Known};
use crate::apply::Cancel;
use crate::resource::DeletionLimit;
use crate::sync::{
    Control, Deletion, Place, Request, Side, SkipReason, Skipped, SurveyError, SyncPlan,
    SyncReport, execute, survey,
};
use arguments::Style;
use case::Case;

pub(super) use arguments::{Sync, quoted, refuse_other_schemes};
pub(super) use objects::Objects;

pub(super) async fn run(global: &Global, arguments: &Sync, output: Output) -> CommandResult {
    if arguments.clean {
        return clean::run(global, arguments, output).await;
    }
    let request = request(global, arguments)?;
    let BucketSession { client, engine } =
        s3_client(global, arguments.region.as_deref(), output).await?;
    let plan = survey(&client, &request)
        .await
        .map_err(|error| unsurveyed(&error))?;
    let Sync {
        dry_run,
        detailed_exitcode,
        format,
        ..
    } = arguments;
    if *format == Style::Json {
        output.raw(&words::planned_event(&plan));
    } else {
        words::say_left_alone(&plan, arguments, output);
    }
    if *dry_run {
        if *format == Style::Json {
            words::list_events(&plan, output);
        } else {
            words::list(&plan, output);
            output.say(&words::summary(&plan));
            if let Some(text) = words::estimate(&plan) {
                output.say(&text);
            }
        }
        within_limit(&plan, arguments)?;
        return Ok(if *detailed_exitcode && !plan.is_empty() {
            ExitCode::Changes
        } else {
            ExitCode::Done
        });
    }
    within_limit(&plan, arguments)?;
    let resume = format!("trainyard sync{} {}", global.again(), arguments.again());
    let again = resume.clone();
    let cancel = signals::listen(&global.host, output, Known::default(), resume);
    let keeper = Keeper::begin(engine.as_ref(), &global.host.clock, &cancel, output);
    let with = (&cancel, request.journals.as_deref());
    let meter = meter(global, &plan, arguments, output);
    let report = carry_out(&client, &plan, arguments, with, &meter).await;
    let exit = exit_of(&plan, &report, is_told(arguments));
    if *format == Style::Json {
        output.raw(&words::refused_events(&plan));
        output.raw(&words::done_event(&plan, &report));
    } else {
        words::say_failures(&report, output);
        let rate = meter.rate(report.transferred.bytes);
        let verdict = words::verdict(&plan, &report, (exit, &rate));
        if exit == ExitCode::Done {
            output.say(&verdict);
        } else {
            output.insist(&verdict);
        }
    }
    if keeper.has_ended() {
        let login = format!("trainyard login{}", global.again());
        output.insist(&format!("to go on: {login}, then {again}"));
    }
    Ok(exit)
}

/// Whether something that is left alone is to be told of.
fn is_told(arguments: &Sync) -> impl Fn(&Skipped) -> bool {
    let is_silent = arguments.choices.ignore_glacier_warnings;
    move |skipped| !(is_silent && matches!(skipped.reason, SkipReason::Archived(_)))
}

/// What is asked of the engine.
fn request(global: &Global, arguments: &Sync) -> Result<Request, CommandError> {
    let Some(to) = arguments.to.as_ref().map(|to| to.0.clone()) else {
        let text = "a sync needs a target";
        return Err(CommandError::new(ExitCode::Usage, text).help("name it after the source"));
    };
    let from = arguments.from.0.clone();
    if global.local && arguments.delete_excluded && has_state(&to) {
        let text = format!("the state of the embedded cloud is in {to}, and would be deleted");
        return Err(CommandError::new(ExitCode::Usage, text)
            .help("sync into another folder, or leave `--delete-excluded` away"));
    }
    if let (Place::Folder(_), Place::Folder(_)) = (&from, &to) {
        let text = format!("cannot sync {from} to {to}: one of the two must be in a bucket");
        return Err(CommandError::new(ExitCode::Usage, text)
            .help("write what is in a bucket as s3://BUCKET/PREFIX"));
    }
    Ok(Request {
        from,
        to,
        include: arguments.include.clone(),
        exclude: exclude(global, arguments),
        delete: if arguments.delete {
            Deletion::Extra
        } else {
            Deletion::Never
        },
        archive: arguments.archive.map(Into::into),
        journals: journals(global),
        source_region: arguments.source_region.clone(),
        delete_excluded: arguments.delete_excluded,
        allow_empty_source: arguments.allow_empty_source,
        options: arguments.objects.options()?,
        case_conflict: arguments.case_conflict.map(Case::rule),
        policy: arguments.choices.policy(),
    })
}

/// Whether the embedded cloud keeps its state in a folder.
fn has_state(place: &Place) -> bool {
    let Place::Folder(folder) = place else {
        return false;
    };
    match (folder.canonicalize(), state_folder().canonicalize()) {
        (Ok(folder), Ok(state)) => state.starts_with(folder),
        (Ok(_) | Err(_), _) => false,
    }
}

/// What takes no part: the embedded cloud does not keep itself.
fn exclude(global: &Global, arguments: &Sync) -> Vec<String> {
    let mut patterns = arguments.exclude.clone();
    if global.local {
        patterns.push(format!("{}/", state_folder().display()));
    }
    patterns
}

fn unsurveyed(error: &SurveyError) -> CommandError {
    let exit = match error {
        SurveyError::EmptySource { .. } | SurveyError::Case(_) => ExitCode::Refused,
        SurveyError::Pattern(_)
        | SurveyError::NotAPair { .. }
        | SurveyError::NotInABucket(_)
        | SurveyError::Overlap { .. }
        | SurveyError::OpenPrefix(_)
        | SurveyError::DirectoryBucket(_)
        | SurveyError::ArchiveBetweenBuckets { .. }
        | SurveyError::NamelessArchive(_) => ExitCode::Usage,
        SurveyError::NoFolder(_)
        | SurveyError::NotAFolder(_)
        | SurveyError::Folder { .. }
        | SurveyError::Rules { .. }
        | SurveyError::Denied { .. }
        | SurveyError::Expired { .. }
        | SurveyError::NoSuchBucket { .. }
        | SurveyError::NoCredentials { .. }
        | SurveyError::Unreachable { .. }
        | SurveyError::Listing { .. }
        | SurveyError::Untrusted { .. }
        | SurveyError::NoArchive { .. }
        | SurveyError::Archive { .. }
        | SurveyError::WouldLose { .. }
        | SurveyError::Lost => ExitCode::Failed,
    };
    let mut shown = CommandError::new(exit, format!("{}; nothing was changed", error.in_full()));
    shown.help = error.help().map(str::to_owned);
    shown
}

/// Refuses a plan that would delete too much, before anything is done.
///
/// Whoever says that the source may be empty has said that everything may go.
fn within_limit(plan: &SyncPlan, arguments: &Sync) -> Result<(), CommandError> {
    // What was skipped there is there all the same.
    let hides_some = plan.skipped.iter().any(|one| one.side == Side::From);
    let is_empty = plan.transfers.is_empty() && plan.same.files == 0 && !hides_some;
    let default = if arguments.allow_empty_source && is_empty {
        DeletionLimit::Percent(100)
    } else {
        DeletionLimit::default()
    };
    let Some(excess) = plan.beyond(arguments.max_delete.unwrap_or(default)) else {
        return Ok(());
    };
    let text = format!("in {}, {excess}; nothing was changed", plan.to);
    let deletions = excess.deletions;
    let most = match arguments.max_delete {
        Some(_) => "",
        None => "half of the files is the most, unless something else is said; ",
    };
    let go = format!("{most}if they shall go, pass `--max-delete {deletions}`");
    let help = if arguments.dry_run {
        go
    } else {
        format!("look at them with `--dry-run`; {go}")
    };
    Err(CommandError::refused(text).help(help))
}

/// What shows how far it is; it names the files where more is to be said.
fn meter(global: &Global, plan: &SyncPlan, arguments: &Sync, output: Output) -> Meter {
    let meter = Meter::new(plan.carried(), arguments.format == Style::Json, output);
    if global.verbose > 0 {
        meter.naming(words::verb(plan).done)
    } else {
        meter
    }
}

/// Does what the plan says, and shows how far it is.
async fn carry_out(
    client: &Client,
    plan: &SyncPlan,
    arguments: &Sync,
    (cancel, journals): (&Cancel, Option<&Path>),
    meter: &Meter,
) -> SyncReport {
    let report = {
        let progress = |event| meter.take(&event);
        let cancelled = || cancel.is_asked();
        let mut control = Control::new(&progress, &cancelled);
        control.journals = journals;
        control.source_region = arguments.source_region.as_deref();
        if let Some(concurrency) = arguments.concurrency {
            control.concurrency = usize::from(concurrency);
        }
        let mut work = Box::pin(execute(client, plan, &control));
        loop {
            tokio::select! {
                report = &mut work => break report,
                () = tokio::time::sleep(LINE_EVERY) => meter.line(),
            }
        }
    };
    meter.close();
    report
}

fn exit_of(plan: &SyncPlan, report: &SyncReport, is_told: impl Fn(&Skipped) -> bool) -> ExitCode {
    let has_done = report.transferred.files > 0 || report.deleted > 0;
    let is_complete = words::is_complete(plan, report);
    // Links that are not to be followed are left alone as was asked.
    let counts = |skipped: &Skipped| is_told(skipped) && skipped.reason != SkipReason::NotFollowed;
    if report.cancelled {
        ExitCode::Interrupted
    } else if !is_complete && !has_done {
        ExitCode::Failed
    } else if !is_complete || plan.skipped.iter().any(counts) || plan.withheld.is_some() {
        ExitCode::Partly
    } else {
        ExitCode::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ObjectOptions;
    use crate::sync::{Side, Totals, Transfers};

    fn exit(reasons: &[SkipReason], transferred: u64, is_told: bool) -> ExitCode {
        let skipped = reasons.iter().map(|reason| Skipped {
            key: "key".to_owned(),
            side: Side::From,
            reason: reason.clone(),
        });
        let plan = SyncPlan {
            from: Place::Folder("data".into()),
            to: Place::prefix("bucket", ""),
            transfers: Transfers::new(),
            deletions: Vec::new(),
            withheld: None,
            same: Totals::default(),
            kept: Totals::default(),
            skipped: skipped.collect(),
            leftovers: Vec::new(),
            archive: None,
            options: ObjectOptions::default(),
            case_conflicts: Vec::new(),
            region: None,
        };
        let mut report = SyncReport::default();
        report.transferred.files = transferred;
        let archived = |skipped: &Skipped| matches!(skipped.reason, SkipReason::Archived(_));
        exit_of(&plan, &report, |skipped| is_told || !archived(skipped))
    }

    #[test]
    fn what_was_asked_to_be_left_alone_is_no_fault() {
        let archived = SkipReason::Archived("GLACIER".to_owned());
        let [archived, broken, link, immutable] = [
            archived,
            SkipReason::BrokenLink,
            SkipReason::NotFollowed,
            SkipReason::Immutable,
        ];
        assert_eq!(exit(&[], 0, true), ExitCode::Done);
        assert_eq!(exit(std::slice::from_ref(&link), 0, true), ExitCode::Done);
        assert_eq!(exit(&[broken, link], 1, true), ExitCode::Partly);
        let archived = std::slice::from_ref(&archived);
        assert_eq!(exit(archived, 1, true), ExitCode::Partly);
        assert_eq!(exit(archived, 1, false), ExitCode::Done);
        let immutable = std::slice::from_ref(&immutable);
        assert_eq!(exit(immutable, 0, true), ExitCode::Failed);
        assert_eq!(exit(immutable, 1, true), ExitCode::Partly);
    }
}
