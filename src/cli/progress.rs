//! How far a plan is: drawn on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output::Output;
use super::signals::Known;
use crate::apply::{Event, Outcome, Sink};
use crate::plan::{Action, Plan, StepId};
use crate::render::{bad, bold, dim, escape, good, ordinals_of, warn};

/// Something that shows the events of a plan.
pub(super) fn sink(plan: &Plan, known: Known, output: Output) -> Sink {
    let names = plan
        .steps
        .iter()
        .map(|step| (step.id, name(&step.action)))
        .collect();
    let expected = plan
        .steps
        .iter()
        .map(|step| (step.id, expected(&step.action)))
        .collect();
    let display = Display {
        names,
        expected,
        output,
        bars: output.draws().then(Bars::default),
        known,
    };
    Arc::new(move |event| display.show(event))
}

/// What a step does, in a few words.
fn name(action: &Action) -> String {
    match action {
        Action::Launch(launch) => {
            let addresses: Vec<_> = launch.addresses().collect();
            format!("launch {}", ordinals_of(&addresses))
        }
        Action::Update(change) => format!("update {}", change.address),
        Action::Restart(change) => format!("restart {}", change.address),
        Action::Terminate(doomed) => {
            format!(
                "terminate {}",
                ordinals_of(doomed.iter().map(|one| &one.address))
            )
        }
        Action::DeleteVolumes(volumes) => {
            let names: Vec<String> = volumes.iter().map(ToString::to_string).collect();
            format!("delete {}", names.join(", "))
        }
        Action::Adopt(change) => format!("take over {}", change.address),
        Action::SecurityGroup(group) => match group.existing {
            None => format!("make {}", group.address),
            Some(_) => format!("update {}", group.address),
        },
        Action::KeyPair(key) => format!("import {}", key.address),
        Action::PlacementGroup(group) => format!("make {}", group.address),
        Action::Retag(object) => format!("update {}", object.address),
        Action::Introduce(introduction) => {
            format!("introduce the members of {}", introduction.group)
        }
        Action::DeleteNetwork(objects) => {
            let names: Vec<&str> = objects.iter().map(|one| one.name.as_str()).collect();
            format!("delete {}", names.join(", "))
        }
        Action::CancelSpot(requests) => format!("cancel {}", requests.join(", ")),
        Action::Sync { address, .. } => format!("transfer {address}"),
    }
}

/// What may exist as soon as a step has begun, for whoever leaves in a hurry.
fn expected(action: &Action) -> Vec<String> {
    match action {
        Action::Launch(launch) => launch
            .addresses()
            .map(|address| format!("{address} being launched"))
            .collect(),
        Action::Restart(change) => vec![format!("{} being restarted", change.before.id)],
        Action::Terminate(doomed) => doomed
            .iter()
            .map(|one| format!("{} being terminated", one.id))
            .collect(),
        Action::Update(_)
        | Action::DeleteVolumes(_)
        | Action::Adopt(_)
        | Action::SecurityGroup(_)
        | Action::KeyPair(_)
        | Action::PlacementGroup(_)
        | Action::Retag(_)
        | Action::Introduce(_)
        | Action::DeleteNetwork(_)
        | Action::CancelSpot(_)
        | Action::Sync { .. } => Vec::new(),
    }
}

#[derive(Default)]
struct Bars {
    all: MultiProgress,
    bars: Mutex<BTreeMap<StepId, ProgressBar>>,
}

struct Display {
    names: BTreeMap<StepId, String>,
    expected: BTreeMap<StepId, Vec<String>>,
    output: Output,
    bars: Option<Bars>,
    known: Known,
}

impl Display {
    fn show(&self, event: Event) {
        match event {
            Event::Started { step } => self.started(step),
            Event::Progress { step, text } => self.progress(step, &text),
            Event::Finished { step, outcome } => self.finished(step, &outcome),
        }
    }

    fn name(&self, step: StepId) -> &str {
        self.names.get(&step).map_or("step", String::as_str)
    }

    fn started(&self, step: StepId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(self.expected.get(&step).into_iter().flatten().cloned());
        drop(known);
        if let Some(Bars { all, bars }) = &self.bars {
            let bar = all.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("  {spinner} {prefix}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(self.name(step).to_owned());
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bars.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(step, bar);
        } else {
            self.output
                .say(&format!("  {} {}", dim("…"), self.name(step)));
        }
    }

    fn progress(&self, step: StepId, text: &str) {
        if let Some(Bars { all: _, bars }) = &self.bars {
            let bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bar) = bars.get(&step) {
                bar.set_message(escape(text));
            }
        }
    }

    fn finished(&self, step: StepId, outcome: &Outcome) {
        let name = bold(self.name(step));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // What the step leaves is known better now than when it began.
        let expected = self
            .expected
            .get(&step)
            .map(Vec::as_slice)
            .unwrap_or_default();
        known.retain(|line| !expected.contains(line));
        let line = match outcome {
            Outcome::Done(done) => {
                known.extend(
                    done.instances
                        .iter()
                        .map(|live| format!("{} {}", live.id, live.state)),
                );
                format!("  {} {name}  {}", good("✓"), escape(&done.text))
            }
            Outcome::Failed(error) => {
                known.extend(
                    error
                        .alive
                        .iter()
                        .map(|(id, state)| format!("{id} {state}")),
                );
                format!("  {} {name}  {}", bad("✗"), escape(&error.text))
            }
            Outcome::Skipped { because } => {
                format!(
                    "  {} {name}  not begun, because `{}` did not succeed",
                    warn("-"),
                    self.name(*because)
                )
            }
            Outcome::Cancelled => format!("  {} {name}  not begun", warn("-")),
        };
        drop(known);
        let help = match outcome {
            Outcome::Failed(error) => error.help.as_deref(),
            Outcome::Done(_) | Outcome::Skipped { .. } | Outcome::Cancelled => None,
        };
        let line = match help {
            Some(help) => format!("{line}\n      {} {}", bold("help:"), escape(help)),
            None => line,
        };
        if let Some(Bars { all, bars }) = &self.bars {
            if let Some(bar) = bars
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&step)
            {
                bar.finish_and_clear();
            }
            all.suspend(|| self.output.insist(&line));
        } else if matches!(outcome, Outcome::Done(_)) {
            self.output.say(&line);
        } else {
            self.output.insist(&line);
        }
    }
}
