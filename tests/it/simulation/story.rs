//! A history as data: drawn from a seed, written as one line, read back, and shortened.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use trainyard::local;

use super::fault::{Fault, all_faults, name_of};
use super::network::Moment;

/// What happens in a history, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) seed: u64,
    pub(super) events: Vec<Event>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// For so long at most a new instance is unknown, in seconds.
    Visibility(u64),
    /// For so long at most its tags are not found.
    Tags(u64),
    /// For so long at most listings show old states.
    States(u64),
    /// Listings forget for a moment what they have shown.
    Flaps,
    /// For so long at most a terminated instance keeps its tags.
    Fading(u64),
    /// AWS's buckets of requests.
    Buckets,
    /// Others have instances, too.
    Foreign,
    /// Nothing of this type is to be had.
    Shortage(&'static str),
    /// A run of a command.
    Run(Attempt),
    /// Time goes by, in seconds.
    Wait(u64),
    /// Somebody ends an instance of ours.
    Ends,
    /// A zone is impaired.
    Outage,
    /// It is well again.
    OutageOver,
    /// How the history is to end.
    Finally(Goal),
}

/// A run of a command and what goes wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) goal: Goal,
    pub(super) death: Option<(usize, Moment)>,
    pub(super) faults: Vec<(usize, Fault)>,
    /// For so many seconds from its beginning every call is refused as one too many.
    pub(super) storm: u64,
    pub(super) skew: i64,
    /// The call before which the user asks to stop.
    pub(super) stop: Option<usize>,
}

/// What a command is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Goal {
    /// A spec of the palette.
    Apply(&'static str),
    Destroy,
    /// Nobody comes back.
    Nothing,
}

/// The types that can be short.
const TYPES: [&str; 2] = ["p3.2xlarge", "g5.2xlarge"];

impl Story {
    /// The weather of its cloud.
    pub(super) fn weather(&self) -> local::Weather {
        let mut weather = local::Weather {
            seed: self.seed,
            dates: true,
            ..local::Weather::default()
        };
        for event in &self.events {
            match event {
                Event::Visibility(seconds) => weather.visibility = Duration::from_secs(*seconds),
                Event::Tags(seconds) => weather.tags = Duration::from_secs(*seconds),
                Event::States(seconds) => weather.states = Duration::from_secs(*seconds),
                Event::Flaps => weather.flaps = true,
                Event::Fading(seconds) => weather.fading = Some(Duration::from_secs(*seconds)),
                Event::Buckets => weather.buckets = true,
                Event::Foreign
                | Event::Shortage(_)
                | Event::Run(_)
                | Event::Wait(_)
                | Event::Ends
                | Event::Outage
                | Event::OutageOver
                | Event::Finally(_) => {}
            }
        }
        weather
    }

    /// Everything that the story is without one of its parts.
    pub(super) fn shorter(&self) -> Vec<Self> {
        let mut shorter = Vec::new();
        for (place, event) in self.events.iter().enumerate() {
            if !matches!(event, Event::Finally(_)) {
                let mut less = self.clone();
                less.events.remove(place);
                shorter.push(less);
            }
            if let Event::Run(attempt) = event {
                for easier in attempt.easier() {
                    let mut less = self.clone();
                    less.events[place] = Event::Run(easier);
                    shorter.push(less);
                }
            }
        }
        shorter
    }
}

impl Event {
    /// What a command of it is to reach.
    pub(super) fn goal(&self) -> Option<Goal> {
        match self {
            Self::Run(attempt) => Some(attempt.goal),
            Self::Finally(goal) => Some(*goal),
            Self::Visibility(_)
            | Self::Tags(_)
            | Self::States(_)
            | Self::Flaps
            | Self::Fading(_)
            | Self::Buckets
            | Self::Foreign
            | Self::Shortage(_)
            | Self::Wait(_)
            | Self::Ends
            | Self::Outage
            | Self::OutageOver => None,
        }
    }
}

impl Attempt {
    pub(super) fn calm(goal: Goal) -> Self {
        Self {
            goal,
            death: None,
            faults: Vec::new(),
            storm: 0,
            skew: 0,
            stop: None,
        }
    }

    fn easier(&self) -> Vec<Self> {
        let mut easier = Vec::new();
        for place in 0..self.faults.len() {
            let mut less = self.clone();
            less.faults.remove(place);
            easier.push(less);
        }
        let without = [
            Self {
                death: None,
                ..self.clone()
            },
            Self {
                storm: 0,
                ..self.clone()
            },
            Self {
                skew: 0,
                ..self.clone()
            },
            Self {
                stop: None,
                ..self.clone()
            },
        ];
        easier.extend(without.into_iter().filter(|less| less != self));
        easier
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(spec) => write!(formatter, "apply {spec}"),
            Self::Destroy => formatter.write_str("destroy"),
            Self::Nothing => formatter.write_str("nothing"),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            goal,
            death,
            faults,
            storm,
            skew,
            stop,
        } = self;
        write!(formatter, "{goal}")?;
        if let Some((call, moment)) = death {
            write!(formatter, " dies {call} {moment:?}")?;
        }
        for (call, fault) in faults {
            write!(formatter, " fault {call} {}", name_of(*fault))?;
        }
        if *storm > 0 {
            write!(formatter, " storm {storm}")?;
        }
        if *skew != 0 {
            write!(formatter, " skew {skew}")?;
        }
        if let Some(call) = stop {
            write!(formatter, " stop {call}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visibility(seconds) => write!(formatter, "visibility {seconds}"),
            Self::Tags(seconds) => write!(formatter, "tags {seconds}"),
            Self::States(seconds) => write!(formatter, "states {seconds}"),
            Self::Flaps => formatter.write_str("flaps"),
            Self::Fading(seconds) => write!(formatter, "fading {seconds}"),
            Self::Buckets => formatter.write_str("buckets"),
            Self::Foreign => formatter.write_str("foreign"),
            Self::Shortage(kind) => write!(formatter, "shortage {kind}"),
            Self::Run(attempt) => write!(formatter, "{attempt}"),
            Self::Wait(seconds) => write!(formatter, "wait {seconds}"),
            Self::Ends => formatter.write_str("ends"),
            Self::Outage => formatter.write_str("outage"),
            Self::OutageOver => formatter.write_str("outage-over"),
            Self::Finally(goal) => write!(formatter, "finally {goal}"),
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}", self.seed)?;
        for event in &self.events {
            write!(formatter, " | {event}")?;
        }
        Ok(())
    }
}

impl FromStr for Story {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut parts = line.split('|').map(str::trim);
        let seed = parts.next().and_then(|part| part.strip_prefix("seed "));
        let seed = seed.and_then(|seed| seed.parse().ok());
        Ok(Self {
            seed: seed.ok_or("a history begins with `seed N`")?,
            events: parts.map(event).collect::<Result<_, _>>()?,
        })
    }
}

fn event(text: &str) -> Result<Event, String> {
    let wrong = || format!("{text:?} is no event");
    let words: Vec<&str> = text.split(' ').collect();
    let seconds = || {
        words
            .get(1)
            .and_then(|word| word.parse().ok())
            .ok_or_else(wrong)
    };
    Ok(match words[0] {
        "visibility" => Event::Visibility(seconds()?),
        "tags" => Event::Tags(seconds()?),
        "states" => Event::States(seconds()?),
        "flaps" => Event::Flaps,
        "fading" => Event::Fading(seconds()?),
        "buckets" => Event::Buckets,
        "foreign" => Event::Foreign,
        "shortage" => {
            let kind = TYPES.into_iter().find(|kind| words.get(1) == Some(kind));
            Event::Shortage(kind.ok_or_else(wrong)?)
        }
        "wait" => Event::Wait(seconds()?),
        "ends" => Event::Ends,
        "outage" => Event::Outage,
        "outage-over" => Event::OutageOver,
        "finally" => Event::Finally(goal(&words[1..]).ok_or_else(wrong)?.0),
        _ => Event::Run(attempt(&words).ok_or_else(wrong)?),
    })
}

fn goal(words: &[&str]) -> Option<(Goal, usize)> {
    match *words.first()? {
        "apply" => {
            let name = words.get(1)?;
            let spec = super::palette::NAMES.iter().find(|known| *known == name)?;
            Some((Goal::Apply(spec), 2))
        }
        "destroy" => Some((Goal::Destroy, 1)),
        "nothing" => Some((Goal::Nothing, 1)),
        _ => None,
    }
}

fn attempt(words: &[&str]) -> Option<Attempt> {
    let (goal, read) = goal(words)?;
    let mut attempt = Attempt::calm(goal);
    let mut rest = words[read..].iter();
    while let Some(word) = rest.next() {
        let first = rest.next()?;
        match *word {
            "dies" => {
                let moment = rest.next()?;
                let moment = Moment::ALL
                    .into_iter()
                    .find(|one| format!("{one:?}") == **moment);
                attempt.death = Some((first.parse().ok()?, moment?));
            }
            "fault" => {
                let name = rest.next()?;
                let fault = all_faults().find(|fault| name_of(*fault) == **name);
                attempt.faults.push((first.parse().ok()?, fault?));
            }
            "storm" => attempt.storm = first.parse().ok()?,
            "skew" => attempt.skew = first.parse().ok()?,
            "stop" => attempt.stop = Some(first.parse().ok()?),
            _ => return None,
        }
    }
    Some(attempt)
}
