//! Histories drawn from seeds: any command after any other, in any weather.
//!
//! `TRAINYARD_HISTORIES=100000 cargo test --release --test it simulation::seeded` plays so
//! many, from `TRAINYARD_SEED` on. What breaks a law is shortened, and printed as one line
//! that `TRAINYARD_HISTORY='…' cargo test --test it simulation::seeded::replay -- --ignored`
//! plays again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::draw::draw;
use super::history::{SPEAK, variable};
use super::palette::Palette;
use super::report;
use super::story::Story;
use super::teller::tell;

/// How many histories are played when nobody says.
const HISTORIES: u64 = 2_000;
/// How many failing histories are shortened and shown.
const SHOWN: usize = 3;

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap())
}

#[test]
fn no_history_breaks_a_law() {
    let histories = number("TRAINYARD_HISTORIES").unwrap_or(HISTORIES);
    let first = number("TRAINYARD_SEED").unwrap_or_else(|| fastrand::u64(..u64::from(u32::MAX)));
    let next = AtomicU64::new(0);
    let broken = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let palette = Palette::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories || broken.lock().unwrap().len() >= SHOWN {
                        return;
                    }
                    let story = draw(first + number);
                    let laws = tell(&story, &palette);
                    if !laws.is_empty() {
                        let (story, laws) = shorten(story, laws, &palette);
                        broken.lock().unwrap().push((story, laws));
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    let line = format!(
        "histories from seed {first} on: {histories}, {} violations",
        broken.len()
    );
    report::line("seeded", &line);
    let shown: Vec<String> = broken
        .iter()
        .map(|(story, laws)| format!("TRAINYARD_HISTORY='{story}'\n  {}", laws.join("\n  ")))
        .collect();
    assert!(broken.is_empty(), "{line}\n{}", shown.join("\n"));
}

/// The shortest story that still breaks a law, however often a part is tried to be left out.
fn shorten(story: Story, laws: Vec<String>, palette: &Palette) -> (Story, Vec<String>) {
    let mut best = (story, laws);
    loop {
        let shorter = best.0.shorter().into_iter();
        let found = shorter
            .map(|story| {
                let laws = tell(&story, palette);
                (story, laws)
            })
            .find(|(_, laws)| !laws.is_empty());
        match found {
            Some(shorter) => best = shorter,
            None => return best,
        }
    }
}

#[test]
#[ignore = "plays the history in TRAINYARD_HISTORY"]
fn replay() {
    let line = variable("TRAINYARD_HISTORY").unwrap();
    let story: Story = line.parse().unwrap();
    SPEAK.set(true);
    let laws = tell(&story, &Palette::new());
    assert!(laws.is_empty(), "{}", laws.join("\n"));
}

#[test]
fn what_was_found_once_stays_mended() {
    let palette = Palette::new();
    let lines = include_str!("regressions.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let story: Story = line.parse().unwrap();
        let laws = tell(&story, &palette);
        assert!(laws.is_empty(), "{line}\n  {}", laws.join("\n  "));
    }
}

#[test]
fn a_history_is_its_line_and_its_line_is_the_history() {
    let palette = Palette::new();
    for seed in 0..200 {
        let story = draw(seed);
        let line = story.to_string();
        assert_eq!(line.parse(), Ok(story.clone()), "{line}");
        if seed % 20 == 0 {
            let told = |story: &Story| super::teller::told(story, &palette);
            assert_eq!(told(&story), told(&story), "{line}");
        }
    }
}
