//! Who may come in, and that several people who share an environment do not lock one another out.

use super::*;
use crate::resource::fixtures::plain;

fn caller(name: &str, address: Option<&str>) -> Caller {
    Caller {
        name: name.to_owned(),
        address: address.map(|address| address.parse().unwrap()),
    }
}

fn open_to(sources: &[&str]) -> Instance {
    let mut instance = plain("trainer");
    let source = |text: &&str| match *text {
        "me" => SshSource::Me,
        block => SshSource::Block(block.parse().unwrap()),
    };
    instance.ssh = Some(super::super::Ssh {
        from: sources.iter().map(source).collect(),
        public_key: None,
    });
    instance
}

fn group(rules: BTreeSet<Rule>) -> OwnSecurityGroup {
    OwnSecurityGroup {
        id: "sg-1".to_owned(),
        name: "trainyard-demo-trainer".to_owned(),
        network: None,
        rules,
        tags: BTreeMap::new(),
    }
}

fn words(rules: &BTreeSet<Rule>) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

#[test]
fn a_caller_who_moves_takes_the_own_rule_along_and_no_other() {
    let open = open_to(&["me"]);
    let alex = caller("alex", Some("203.0.113.7"));
    let sam = caller("sam", Some("198.51.100.1"));
    let mut rules = wanted_rules(&open, &alex);
    assert_eq!(words(&rules), ["tcp 22 from 203.0.113.7/32 (ssh for alex)"]);
    let (add, remove) = group(rules.clone()).rule_changes(&open, &sam);
    assert_eq!(words(&add), ["tcp 22 from 198.51.100.1/32 (ssh for sam)"]);
    assert!(remove.is_empty());
    rules.extend(add);
    let moved = caller("alex", Some("203.0.113.99"));
    let (add, remove) = group(rules.clone()).rule_changes(&open, &moved);
    assert_eq!(words(&add), ["tcp 22 from 203.0.113.99/32 (ssh for alex)"]);
    assert_eq!(
        words(&remove),
        ["tcp 22 from 203.0.113.7/32 (ssh for alex)"]
    );
    // Without an address nothing can be said of the own rule.
    let (add, remove) = group(rules).rule_changes(&open, &caller("alex", None));
    assert!(add.is_empty() && remove.is_empty());
}

#[test]
fn two_callers_behind_one_address_share_a_rule() {
    let open = open_to(&["me"]);
    let there = wanted_rules(&open, &caller("alex", Some("203.0.113.7")));
    let (add, remove) = group(there).rule_changes(&open, &caller("sam", Some("203.0.113.7")));
    assert!(add.is_empty() && remove.is_empty(), "{add:?} {remove:?}");
}

#[test]
fn what_the_spec_no_longer_asks_for_is_closed() {
    let alex = caller("alex", Some("203.0.113.7"));
    let mut there = wanted_rules(&open_to(&["me", "10.0.0.0/8"]), &alex);
    there.extend(wanted_rules(
        &open_to(&["me"]),
        &caller("sam", Some("192.0.2.1")),
    ));
    let by_hand = Rule {
        protocol: "tcp".to_owned(),
        ports: Some((8_888, 8_888)),
        source: RuleSource::Block("0.0.0.0/0".parse().unwrap()),
        description: String::new(),
    };
    there.insert(by_hand.clone());
    let (add, remove) = group(there.clone()).rule_changes(&open_to(&["10.0.0.0/8"]), &alex);
    assert!(add.is_empty());
    assert_eq!(remove.len(), 3, "{remove:?}");
    assert!(remove.contains(&by_hand) && !by_hand.is_ours());
    let (add, remove) = group(there).rule_changes(&plain("trainer"), &alex);
    assert_eq!((add.len(), remove.len()), (0, 4));
}

#[test]
fn members_reach_one_another() {
    let mut instance = plain("trainer");
    instance.distributed = true;
    let rules = wanted_rules(&instance, &Caller::default());
    assert_eq!(
        words(&rules),
        ["everything from the group itself (members of the group)"]
    );
}

#[test]
fn a_name_that_is_taken_is_numbered() {
    let (environment, trainer) = (EnvironmentName::new("demo"), GroupName::new("trainer"));
    let mut taken = BTreeSet::new();
    for name in ["trainyard-demo-trainer", "trainyard-demo-trainer-2"] {
        assert_eq!(own_name(&environment, &trainer, &taken), name);
        taken.insert(name.to_owned());
    }
}

#[test]
fn a_description_holds_what_ec2_takes() {
    let hostile = caller("sam\u{1b}[31m<&>\"\'|", Some("192.0.2.1"));
    let rules = wanted_rules(&open_to(&["me"]), &hostile);
    let rule = rules.first().unwrap();
    assert_eq!(rule.description, "ssh for sam[31m&");
    assert!(rule.is_callers());
}
