//! From bucket to bucket, and as one object.

use super::{BUCKET, Bench};

#[test]
fn from_bucket_to_bucket_no_byte_comes_here() {
    let bench = Bench::new();
    bench.cloud.make_bucket("other");
    bench.up(&[]).expect(0);
    let across = |more: &[&str]| bench.run(&[&[BUCKET, "s3://other/copy"], more].concat());
    let shown = across(&["--dry-run"]);
    shown.expect(0).says(&["3 files, 53 B to transfer"]);
    assert!(
        shown.stdout.starts_with("copy  images/one  19 B  new\n"),
        "{}",
        shown.stdout
    );
    across(&[])
        .expect(0)
        .says(&["✓ 3 files, 53 B transferred in "]);
    // Two pages, and a request for each copy.
    assert_eq!(bench.cloud.requests().len(), 5);
    across(&["--delete"])
        .expect(0)
        .says(&["✓ nothing to do, 3 files, 53 B the same"]);
    assert_eq!(bench.cloud.requests().len(), 2);
    let refused = bench.run(&[BUCKET, "s3://data/set/below", "--delete"]);
    refused
        .expect(64)
        .says(&["one of the two is in the other", "nothing was changed"]);
    assert_eq!(bench.cloud.requests().len(), 0);
}

#[test]
fn a_set_is_kept_as_one_object() {
    for kind in ["zip", "tar.zst"] {
        let bench = Bench::new();
        let archive = ["--archive", kind];
        let shown = bench.up(&["--archive", kind, "--dry-run", "--detailed-exitcode"]);
        shown.expect(2).says(&[
            "pack  images/one",
            "3 files, 53 B to transfer (3 new, 0 changed), 0 to delete, 0 the same",
            &format!("; all of set.{kind} is sent: 3 files, 53 B"),
        ]);
        assert_eq!(bench.asked("PUT"), 0);
        bench
            .up(&archive)
            .expect(0)
            .says(&["✓ 3 files, 53 B transferred in "]);
        assert_eq!(bench.asked("PUT"), 2, "the archive and its manifest");
        let same = "✓ nothing to do, 3 files, 53 B the same";
        bench.up(&archive).expect(0).says(&[same]);
        assert_eq!(bench.cloud.requests().len(), 2);
        let down = [BUCKET, "back", "--archive", kind];
        bench.run(&down).expect(0).says(&["✓ 3 files"]);
        for name in ["images/one", "images/two", "labels"] {
            let read = |folder: &str| std::fs::read(bench.sandbox.folder().join(folder).join(name));
            assert_eq!(read("set").unwrap(), read("back").unwrap());
        }
        bench.run(&down).expect(0).says(&[same]);

        std::fs::remove_dir_all(bench.sandbox.folder().join("set/images")).unwrap();
        bench.up(&archive).expect(4).says(&["--max-delete 2"]);
        bench
            .up(&["--archive", kind, "--max-delete", "2"])
            .expect(0)
            .says(&["✓ 1 file, 15 B transferred in ", ", 2 deleted"]);
        bench
            .run(&[
                BUCKET,
                "back",
                "--archive",
                kind,
                "--delete",
                "--max-delete",
                "2",
            ])
            .expect(0)
            .says(&[", 2 deleted"]);
    }
}

#[test]
fn an_archive_needs_a_name_and_has_to_be_there() {
    let bench = Bench::new();
    let nameless = bench.run(&["set", "s3://data", "--archive", "zip"]);
    nameless.expect(64).says(&["has no name", "NAME.zip"]);
    let missing = bench.run(&[BUCKET, "back", "--archive", "tar.zst", "--delete"]);
    missing.expect(1).says(&[
        "there is no archive s3://data/set.tar.zst",
        "nothing was changed",
    ]);
    bench
        .run(&["set", BUCKET, "--archive", "rar"])
        .says(&["zip", "tar.zst"]);
}
