//! What a destroy has proven, and its exit code.

use super::Former;
use super::work::Work;
use crate::cli::exit::ExitCode;
use crate::plan::{Held, Note, Plan, VolumeFacts};
use crate::render::{bad, escape, good, held_words, kept_words, plural, warn};

/// What the listings of a quiet watch have shown.
pub(super) struct Quiet {
    pub(super) looks: u64,
    pub(super) held: Vec<Held>,
    /// What is left under the name before.
    pub(super) former: Option<String>,
    /// What stays because its spec says so.
    pub(super) kept: Vec<VolumeFacts>,
}

impl Work<'_> {
    pub(super) fn verdict(&self, plan: &Plan, ended: usize, quiet: &Quiet) -> ExitCode {
        let Quiet {
            looks,
            held,
            former,
            kept,
        } = quiet;
        if !held.is_empty() {
            self.output
                .insist(&format!("{} left alone, and still there:", bad("error:")));
            let is_protected = |one: &Held| matches!(one, Held::Protected { .. });
            self.protected.set(held.iter().any(is_protected));
            for one in held {
                self.output
                    .insist(&format!("  {}", escape(&held_words(one))));
            }
            return ExitCode::Alive;
        }
        for note in kept_words(kept.iter().filter(|one| !self.told.contains(&one.id))) {
            self.output
                .insist(&format!("{} {}", warn("note:"), escape(&note)));
        }
        let proof = format!(
            "{} over {} s showed nothing of it",
            plural(*looks, "complete listing"),
            self.session.pace.settle.as_secs()
        );
        let blind = self.blind.borrow();
        if let Some(error) = &blind.spot {
            self.output.insist(&format!(
                "{} no instance of {} is listed, but whether a spot request of it is still open, and launches another one, is not known: {}",
                bad("error:"),
                self.environment,
                escape(error)
            ));
            return ExitCode::Alive;
        }
        let left_behind = self.former.zip(former.as_deref());
        let what = if let Some((Former { name, .. }, left)) = left_behind {
            format!(
                "nothing is left under the name {}: {proof}; under {name}, its name before, there still is: {left}",
                self.environment
            )
        } else if !blind.network.is_empty() {
            format!(
                "no instance of {} is left: {proof}; what goes with instances is not known",
                self.environment
            )
        } else if ended == 0 {
            format!("nothing of {} is there: {proof}", self.environment)
        } else {
            format!(
                "{} is gone: {} read back as terminated, and {proof}",
                self.environment,
                plural(ended as u64, "instance")
            )
        };
        self.output.data(&format!(
            "{} {what} (account {}, {})\n",
            good("✓"),
            plan.account,
            plan.region
        ));
        let code = self.verdict_on_the_rest();
        match left_behind {
            Some((Former { name, command }, left)) => {
                self.output.insist(&format!(
                    "{} what still has the name {name} was not ended: {left}; to end it: {command}",
                    bad("error:")
                ));
                ExitCode::Partly
            }
            None => code,
        }
    }

    /// The exit code once no instance is left: the rest costs nothing, and is named.
    fn verdict_on_the_rest(&self) -> ExitCode {
        let blind = self.blind.borrow();
        for error in &blind.network {
            self.output.insist(&format!(
                "{} {}: whether any of it is left is not known",
                warn("note:"),
                escape(error)
            ));
        }
        let left = self.left.borrow();
        if left.is_empty() {
            return if blind.network.is_empty() {
                ExitCode::Done
            } else {
                ExitCode::Partly
            };
        }
        self.output.insist(&format!(
            "{} this is left, and costs nothing:",
            warn("note:")
        ));
        for (id, state) in left.iter() {
            self.output
                .insist(&format!("  {}  {}", escape(id), escape(state)));
        }
        ExitCode::Partly
    }
}

/// The disk that stays, where that is what the note is about.
pub(super) fn kept_volume(note: &Note) -> Option<&VolumeFacts> {
    match note {
        Note::KeptVolume(facts) => Some(facts),
        Note::KeepsLease { .. }
        | Note::LooseVolume(_)
        | Note::VolumeGoes(_)
        | Note::DisksStay { .. }
        | Note::OthersDisk { .. }
        | Note::NewerImage { .. }
        | Note::ImageWarning { .. }
        | Note::FileSystem { .. }
        | Note::Fewer { .. }
        | Note::NothingRenamed { .. }
        | Note::OtherKey { .. }
        | Note::OnlyTargets { .. }
        | Note::DeletionsWithheld { .. }
        | Note::ArchiveFound { .. }
        | Note::CaseConflicts { .. }
        | Note::OtherRegion { .. }
        | Note::FilesSkipped { .. } => None,
    }
}
