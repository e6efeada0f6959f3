use proptest::prelude::*;

use super::*;

fn walk(root: &Path) -> Vec<Found> {
    let filter = Filter::new(&[], &[]).unwrap();
    Walk::new(root.to_owned(), filter, Links::Follow)
        .unwrap()
        .collect()
}

fn keys(found: &[Found]) -> Vec<&str> {
    found
        .iter()
        .map(|found| match found {
            Found::File(file) => file.key.as_str(),
            Found::Skipped { key, .. } => key.as_str(),
            Found::Rules(_) | Found::Fault(_) => panic!("{found:?}"),
        })
        .collect()
}

fn write(root: &Path, key: &str) {
    let path = root.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, key).unwrap();
}

#[test]
fn folders_are_ordered_with_their_slash() {
    let root = tempfile::tempdir().unwrap();
    for key in ["foo/in", "foo.txt", "foo0", "foo-bar/x", "fo", "foo/a/b"] {
        write(root.path(), key);
    }
    assert_eq!(
        keys(&walk(root.path())),
        ["fo", "foo-bar/x", "foo.txt", "foo/a/b", "foo/in", "foo0"]
    );
}

#[test]
fn our_temporary_files_and_excluded_folders_are_not_seen() {
    let root = tempfile::tempdir().unwrap();
    for key in [
        "a",
        ".a.XyZ012.trainyard-part",
        ".mine.trainyard-part",
        ".b.short.trainyard-part",
        "logs/deep/x",
        "keep/x",
    ] {
        write(root.path(), key);
    }
    // A folder that would be reported if anybody looked into it.
    std::os::unix::fs::symlink("nowhere", root.path().join("logs/broken")).unwrap();
    let filter = Filter::new(&[], &["logs".to_owned()]).unwrap();
    let found: Vec<_> = Walk::new(root.path().to_owned(), filter, Links::Follow)
        .unwrap()
        .collect();
    // What somebody else has named nearly so is theirs.
    let theirs = [".b.short.trainyard-part", ".mine.trainyard-part"];
    assert_eq!(keys(&found), [&theirs[..], &["a", "keep/x"]].concat());
}

#[test]
fn a_target_is_walked_without_following_links() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "real/x");
    std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
    let filter = Filter::new(&[], &[]).unwrap();
    let found: Vec<_> = Walk::new(root.path().to_owned(), filter, Links::Leave)
        .unwrap()
        .collect();
    assert_eq!(keys(&found), ["link", "real/x"]);
    assert!(matches!(&found[0], Found::File(file) if file.link));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_walk_is_in_byte_order_and_complete(
        names in proptest::collection::btree_set("[a-c!./é-]{1,6}(/[a-c!.-]{1,3}){0,3}", 1..30)
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut written = std::collections::BTreeSet::new();
        for name in names {
            let odd = |part: &str| part.is_empty() || part == "." || part == "..";
            if name.split('/').any(odd) {
                continue;
            }
            let path = root.path().join(&name);
            // A name that is a file already cannot be a folder, and the reverse.
            if fs::create_dir_all(path.parent().unwrap()).is_ok() && fs::write(&path, "").is_ok() {
                written.insert(name);
            }
        }
        let found = walk(root.path());
        let expected: Vec<&str> = written.iter().map(String::as_str).collect();
        prop_assert_eq!(keys(&found), expected);
    }
}
