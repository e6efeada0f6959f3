//! What one run knows from another.

use std::fs::{self, File, FileTimes};
use std::time::Duration;

use super::world::{World, keys};
use crate::sync::{Control, Request, SyncPlan, execute};

/// A world whose runs remember, and the folder that they remember in.
pub(super) struct Remembering {
    pub(super) world: World,
    pub(super) journals: tempfile::TempDir,
}

impl Remembering {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        // What was modified in the future may be modified again without getting another time.
        world.server.state.lock().unwrap().clock = 1_600_000_000;
        Self {
            world,
            journals: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) async fn survey(&self, mut request: Request) -> SyncPlan {
        request.journals = Some(self.journals.path().to_owned());
        self.world.server.forget();
        self.world.survey(&request).await.unwrap()
    }

    pub(super) async fn run(&self, request: Request) -> SyncPlan {
        let plan = self.survey(request).await;
        let mut control = Control::new(&|_| {}, &|| false);
        control.journals = Some(self.journals.path());
        let report = execute(&self.world.client, &plan, &control).await;
        assert!(report.is_complete(), "{report:?}");
        plan
    }

    /// Writes a file that was modified so long ago.
    pub(super) fn write(&self, key: &str, text: &str, age: Duration) {
        self.world.write(key, text);
        let file = File::options()
            .write(true)
            .open(self.world.path(key))
            .unwrap();
        let then = file.metadata().unwrap().modified().unwrap() - age;
        file.set_times(FileTimes::new().set_modified(then)).unwrap();
    }
}

pub(super) const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_change_of_the_same_size_is_seen() {
    let test = Remembering::new().await;
    test.write("a", "first", HOUR);
    test.run(test.world.up()).await;
    test.world.server.put("data/a", b"other");
    assert_eq!(keys(&test.run(test.world.down()).await), ["a"]);
    assert_eq!(test.world.read("a"), b"other");
    assert!(test.survey(test.world.down()).await.is_empty());
}

/// Compare 9: nothing is sent of what was only touched.
#[tokio::test(flavor = "multi_thread")]
async fn up_touch_only_with_checksum() {
    let test = Remembering::new().await;
    test.write("a", "first", HOUR);
    test.run(test.world.up()).await;
    test.write("a", "first", HOUR / 2);
    assert!(test.survey(test.world.up()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_damaged_costs_nothing_but_time() {
    let test = Remembering::new().await;
    test.write("a", "first", HOUR);
    test.run(test.world.up()).await;
    for entry in fs::read_dir(test.journals.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert!(test.survey(test.world.up()).await.is_empty());
    test.write("a", "other", HOUR);
    assert_eq!(keys(&test.survey(test.world.up()).await), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_to_remember_in_everything_works() {
    let test = Remembering::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    test.write("a", "first", HOUR);
    for journals in ["/proc/nowhere".into(), file.path().join("below")] {
        let mut request = test.world.up();
        request.journals = Some(journals);
        let plan = test.world.survey(&request).await.unwrap();
        assert_eq!(keys(&plan), ["a"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_written_a_moment_ago_make_no_stretch_longer() {
    let test = Remembering::new().await;
    for number in 0..60 {
        let age = if number % 7 == 3 {
            Duration::ZERO
        } else {
            HOUR
        };
        test.write(&format!("{number:02}"), &format!("content {number}"), age);
    }
    test.world.server.state.lock().unwrap().page = 3;
    test.run(test.world.up()).await;
    assert!(test.survey(test.world.up()).await.is_empty());
    let pages = test.world.server.count(super::server::Seen::is_list);
    assert_eq!(pages, 20, "no page more than there are");
    // What is about to change is not known to be the same.
    for number in [3, 13, 14, 30] {
        test.write(&format!("{number:02}"), "another", HOUR);
    }
    test.run(test.world.up()).await;
    assert!(test.survey(test.world.up()).await.is_empty());
    let pages = test.world.server.count(super::server::Seen::is_list);
    assert_eq!(pages, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_bucket_is_listed_in_stretches_and_nothing_is_overlooked() {
    let test = Remembering::new().await;
    for number in 0..60 {
        let key = format!("{}/{number:02}", number / 7);
        test.write(&key, &format!("content {number}"), HOUR);
    }
    test.world.server.state.lock().unwrap().page = 3;
    let pages = || {
        test.world
            .server
            .count(|seen| seen.query.contains_key("list-type"))
    };
    let stretches = || {
        test.world
            .server
            .count(|seen| seen.query.contains_key("start-after"))
    };
    let first = test.run(test.world.up()).await;
    assert_eq!((first.transfers.len(), stretches()), (60, 0));
    let second = test.survey(test.world.up()).await;
    assert!(second.is_empty(), "{second:?}");
    assert_eq!(second.same.files, 60);
    assert_eq!(
        (pages(), stretches()),
        (20, 9),
        "no page more than there are"
    );
    // Whatever happens between two marks, at them and beside them.
    for gone in ["0/05", "1/11", "1/12", "8/59"] {
        test.world
            .server
            .state
            .lock()
            .unwrap()
            .objects
            .remove(&format!("data/{gone}"));
    }
    for new in [
        "0/", "0/00a", "0/05", "1/11a", "1/11b", "1/11c", "1/11d", "1/11e", "9", "a/b",
    ] {
        test.world
            .server
            .put(&format!("data/{new}"), new.as_bytes());
    }
    test.world.server.put("database", b"a neighbour");
    let mut request = super::world::with_deletion(test.world.up());
    let plan = test.survey(request.clone()).await;
    assert_eq!(keys(&plan), ["0/05", "1/11", "1/12", "8/59"]);
    let extra = [
        "0/00a", "1/11a", "1/11b", "1/11c", "1/11d", "1/11e", "9", "a/b",
    ];
    assert_eq!(super::world::deleted(&plan), extra);
    // Marks that are nonsense are none.
    for entry in fs::read_dir(test.journals.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with("-marks") {
            fs::write(path, r#"["b","a",""]"#).unwrap();
        }
    }
    request.exclude = vec!["1/".to_owned()];
    let plan = test.survey(request).await;
    assert_eq!(keys(&plan), ["0/05", "8/59"]);
    assert_eq!(stretches(), 0);
}
