use super::*;
use crate::resource::fixtures::{account, full, live, plain, region};

fn draft(instances: &[LiveInstance]) -> String {
    let draft = Draft {
        name: EnvironmentName::new("taken"),
        account: account(),
        region: region(),
        lease: "12h".parse().unwrap(),
        group: "trainer".to_owned(),
        instances: instances
            .iter()
            .map(|live| DraftInstance {
                live,
                protect: false,
                default_subnet: true,
            })
            .collect(),
    };
    draft.text()
}

#[test]
fn alike_instances_make_one_group_and_others_one_of_their_own() {
    let (one, other) = (live(&plain("a")), live(&full("b")));
    let mut twin = one.clone();
    twin.id = crate::resource::InstanceId::new("i-0123456789abcdef9");
    twin.tags.insert("Name".to_owned(), "another".to_owned());
    let text = draft(&[one, twin, other]);
    assert!(text.contains("count: 2"), "{text}");
    assert!(
        text.contains("  trainer:") && text.contains("  trainer-2:"),
        "{text}"
    );
    assert!(!text.contains("trainyard:"), "{text}");
    assert!(!text.contains("another"), "{text}");
}

#[test]
fn names_come_from_what_people_call_machines() {
    for (text, name) in [
        ("Alex Training 1", Some("alex-training-1")),
        ("42 is it", Some("is-it")),
        ("größe", Some("gr--e")),
        ("123", None),
        ("", None),
    ] {
        assert_eq!(name_from(text), name.map(EnvironmentName::new), "{text}");
    }
}
