//! Who may come in, with which key, over which address, and what is left of it in the end.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::spec::{SSM, keys};
use crate::support::{Lab, LocalCloud, Sandbox, Witness};

const HOME: &str = "203.0.113.7";
const CAFE: &str = "198.51.100.9";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEZ6aOZh7uR3OUHBY1GWpJNODo9xmXKh/FodoN1dC6B3 alex";
const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q bea";

/// A group with a name, and further keys, each as a line of its own.
fn group(name: &str, more: &str) -> String {
    let head = format!("  {name}:\n    type: t3.small\n    image: {{ssm: {SSM}}}\n");
    head + &keys(more)
}

fn trainer(more: &str) -> String {
    format!("instances:\n{}", group("trainer", more))
}

/// Applies from an address, and plans to nothing from there.
#[track_caller]
fn apply_from(lab: &Lab, address: &str) {
    lab.cloud.forget_requests();
    let apply = ["apply", "--yes", "--address", address];
    lab.run(&apply).expect(0);
    let plan = ["plan", "--detailed-exitcode", "--address", address];
    lab.run(&plan).expect(0);
}

fn own_groups(lab: &Lab) -> Value {
    lab.witness.ask("own_groups", &json!({}))
}

fn rules(lab: &Lab) -> Value {
    own_groups(lab)["trainyard-lab-trainer"]["rules"].clone()
}

/// Fails unless the first request of each of these came in this order.
#[track_caller]
fn in_order(lab: &Lab, actions: &[&str]) {
    let requests = lab.cloud.requests();
    let place = |action: &&str| {
        let wanted = format!("ec2 {action}");
        let place = requests.iter().position(|one| *one == wanted);
        place.unwrap_or_else(|| panic!("no {action} in {requests:#?}"))
    };
    let places: Vec<usize> = actions.iter().map(place).collect();
    assert!(places.is_sorted(), "{actions:?} in {requests:#?}");
}

#[test]
fn the_way_in_is_made_before_the_machine_and_follows_its_caller() {
    let lab = Lab::new();
    lab.witness.ask("group", &json!({"name": "training"}));
    lab.spec(&trainer("security_groups: [training]\nssh: {from: me}"));
    let planned = lab.run(&["plan", "--address", HOME]);
    planned.expect(0).says(&[
        "security group trainyard-lab-trainer",
        "+ tcp 22 from 203.0.113.7/32 (ssh for local)",
        "training, one of its own",
    ]);
    apply_from(&lab, HOME);
    in_order(
        &lab,
        &[
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
            "RunInstances",
        ],
    );
    assert_eq!(
        rules(&lab),
        json!(["tcp 22 from 203.0.113.7/32 (ssh for local)"])
    );
    let tags = &own_groups(&lab)["trainyard-lab-trainer"]["tags"];
    assert_eq!(tags["trainyard:environment"], "lab");
    let groups = json!(["training", "trainyard-lab-trainer"]);
    assert_eq!(lab.each("groups"), [groups]);
    let before = lab.each("id");

    // From elsewhere the rule follows; the new way is open before the old one is closed.
    let planned = lab.run(&["plan", "--detailed-exitcode", "--address", CAFE]);
    planned.expect(2).says(&[
        "+ tcp 22 from 198.51.100.9/32 (ssh for local)",
        "- tcp 22 from 203.0.113.7/32 (ssh for local)",
        "Plan: 0 to create, 1 to update, 0 to restart, 0 to replace, 0 to delete",
    ]);
    apply_from(&lab, CAFE);
    in_order(
        &lab,
        &[
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
        ],
    );
    assert_eq!(
        rules(&lab),
        json!(["tcp 22 from 198.51.100.9/32 (ssh for local)"])
    );
    assert_eq!(lab.each("id"), before);
    lab.end();
    in_order(&lab, &["TerminateInstances", "DeleteSecurityGroup"]);
}

#[test]
fn blocks_and_anywhere_are_let_in_as_the_spec_says() {
    let lab = Lab::new();
    lab.spec(&trainer("ssh: {from: [203.0.113.0/24, 198.51.100.0/24]}"));
    lab.apply(&[]);
    let blocks = json!([
        "tcp 22 from 198.51.100.0/24 (ssh)",
        "tcp 22 from 203.0.113.0/24 (ssh)",
    ]);
    assert_eq!(rules(&lab), blocks);
    let before = lab.each("id");
    lab.spec(&trainer("ssh: {from: anywhere}"));
    lab.apply(&[]);
    let anywhere = json!(["tcp 22 from 0.0.0.0/0 (ssh)", "tcp 22 from ::/0 (ssh)"]);
    assert_eq!(rules(&lab), anywhere);
    assert_eq!(lab.each("id"), before);
    lab.end();
}

#[test]
fn two_callers_keep_both_their_ways_in() {
    let cloud = LocalCloud::start();
    let witness = Witness::of(cloud.address(), "us-east-1");
    let spec = trainer("ssh: {from: me}");
    let spec = format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\n{spec}"
    );
    let caller = |name: &str| {
        let keys = witness.ask("session", &json!({"role": "trainer", "name": name}));
        let mut sandbox = Sandbox::at(cloud.address());
        for (variable, key) in [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ] {
            sandbox.set(variable, keys[key].as_str().unwrap());
        }
        sandbox.write("environments/lab.yaml", &spec);
        sandbox
    };
    let (alex, bea) = (caller("alex"), caller("bea"));
    let from = |sandbox: &Sandbox, address: &str| {
        let place = ["--address", address, "--settle", "1s"];
        let apply = [&["apply", "--yes"][..], &place].concat();
        sandbox.run(&apply).expect(0);
        let plan = [&["plan", "--detailed-exitcode"][..], &place].concat();
        sandbox.run(&plan).expect(0);
        let groups = witness.ask("own_groups", &json!({}));
        groups["trainyard-lab-trainer"]["rules"].clone()
    };
    let of =
        |address: &str, name: &str| format!("tcp 22 from {address}/32 (ssh for trainer/{name})");
    assert_eq!(from(&alex, HOME), json!([of(HOME, "alex")]));
    assert_eq!(from(&bea, CAFE), json!([of(CAFE, "bea"), of(HOME, "alex")]));
    // The plan of the one is empty after the other has applied.
    let plan = ["plan", "--detailed-exitcode", "--address", HOME];
    alex.run(&plan).expect(0);
    // The one moves, and the other's rule stays.
    let moved = json!([of(CAFE, "bea"), of("203.0.113.200", "alex")]);
    assert_eq!(from(&alex, "203.0.113.200"), moved);
    assert_eq!(witness.instances("lab").len(), 1);
    let destroy = ["destroy", "lab", "--yes", "--settle", "1s"];
    bea.run(&destroy).expect(0);
    assert_eq!(witness.ask("own_groups", &json!({})), json!({}));
}

#[test]
fn a_caller_whose_sessions_have_no_name_has_one_way_in_all_the_same() {
    let cloud = LocalCloud::start();
    let witness = Witness::of(cloud.address(), "us-east-1");
    let mut sandbox = Sandbox::at(cloud.address());
    sandbox.set("USER", "alex");
    let profiles = "[profile lab]\nrole_arn = arn:aws:iam::123456789012:role/trainer\ncredential_source = Environment\n";
    sandbox.write("../home/.aws/config", profiles);
    let spec = trainer("ssh: {from: me}");
    let spec = format!(
        "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\n{spec}"
    );
    sandbox.write("environments/lab.yaml", spec);
    for address in [HOME, CAFE] {
        let place = ["--profile", "lab", "--address", address, "--settle", "1s"];
        let apply = [&["apply", "--yes"][..], &place].concat();
        sandbox.run(&apply).expect(0);
        let groups = witness.ask("own_groups", &json!({}));
        let rule = format!("tcp 22 from {address}/32 (ssh for trainer/alex)");
        assert_eq!(groups["trainyard-lab-trainer"]["rules"], json!([rule]));
    }
}

#[test]
fn public_keys_are_imported_for_each_group_and_end_with_it() {
    let lab = Lab::new();
    lab.sandbox
        .write("../home/.ssh/id_ed25519.pub", format!("{KEY}\n"));
    let trainer = "ssh: {from: me, public_key: ~/.ssh/id_ed25519.pub}";
    let other = format!("ssh:\n  from: 203.0.113.0/24\n  public_key: {OTHER_KEY}");
    lab.spec(&format!(
        "instances:\n{}{}",
        group("trainer", trainer),
        group("other", &other)
    ));
    apply_from(&lab, HOME);
    in_order(&lab, &["ImportKeyPair", "RunInstances"]);
    let keys = lab.witness.ask("own_keys", &json!({}));
    let mut names: Vec<&str> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names.len(), 2, "{keys:#}");
    let of = |group: &str| {
        let members = lab.witness.alive("lab");
        let is = |one: &&Value| one["tags"]["trainyard:group"] == group;
        members.iter().find(is).unwrap()["key"].clone()
    };
    assert!(names[0].starts_with("trainyard-lab-other-"), "{names:?}");
    assert!(names[1].starts_with("trainyard-lab-trainer-"), "{names:?}");
    assert_eq!(of("other"), names[0]);
    assert_eq!(of("trainer"), names[1]);
    let groups = own_groups(&lab);
    assert_eq!(groups.as_object().unwrap().len(), 2, "{groups:#}");

    // Another key holds for the next machine, and this one stays.
    lab.sandbox
        .write("../home/.ssh/id_ed25519.pub", format!("{OTHER_KEY}\n"));
    let plan = ["plan", "--detailed-exitcode", "--address", HOME];
    lab.run(&plan)
        .expect(0)
        .says(&["note: trainer[0]: launched with another public key than yours"]);
    lab.end();
    in_order(&lab, &["TerminateInstances", "DeleteSecurityGroup"]);
    in_order(&lab, &["TerminateInstances", "DeleteKeyPair"]);
}

#[test]
fn a_public_key_that_comes_or_goes_later_is_noted_and_replaces_nothing() {
    let lab = Lab::new();
    let with = trainer(&format!(
        "ssh: {{from: 203.0.113.0/24, public_key: {OTHER_KEY}}}"
    ));
    let without = trainer("ssh: {from: 203.0.113.0/24}");
    lab.spec(&without);
    lab.apply(&[]);
    lab.spec(&with);
    let launched_without = "note: trainer[0]: launched without a key";
    lab.run(&["plan"])
        .expect(0)
        .says(&[launched_without, "0 to replace"]);
    lab.end();

    lab.apply(&[]);
    lab.spec(&without);
    let gone = "launched with a public key that the spec does not name any more";
    lab.run(&["plan"]).expect(0).says(&[gone, "0 to replace"]);
    lab.end();
}

#[test]
fn a_private_key_is_never_sent_anywhere() {
    let lab = Lab::new();
    let private =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";
    lab.sandbox.write("../home/.ssh/id_ed25519", private);
    lab.spec(&trainer("ssh: {from: me, public_key: ~/.ssh/id_ed25519}"));
    lab.cloud.forget_requests();
    let applied = lab.run(&["apply", "--yes", "--address", HOME]);
    applied.expect(1).says(&["private key"]);
    applied.says_nothing_about(&["c2VjcmV0"]);
    lab.cloud.expect_untouched();
}

#[test]
fn what_holds_a_group_is_named_and_a_second_destroy_finishes() {
    let lab = Lab::new();
    lab.spec(&trainer("ssh: {from: 203.0.113.0/24}"));
    lab.apply(&[]);
    let group = own_groups(&lab)["trainyard-lab-trainer"]["id"].clone();
    let order = json!({"group": group, "description": "AWS Lambda VPC ENI-evaluate"});
    lab.cloud.control("POST", "interfaces", &order.to_string());
    let id = group.as_str().unwrap();
    let destroyed = lab.destroy(&[]);
    destroyed.expect(3).says(&[
        "lab is gone: 1 instance read back as terminated",
        "this is left, and costs nothing",
        id,
        "held by eni-",
        "(AWS Lambda VPC ENI-evaluate), which is not ours",
        "to go on: trainyard destroy lab",
    ]);
    lab.expect_no_instance();
    assert_eq!(own_groups(&lab).as_object().unwrap().len(), 1);

    lab.cloud.control("DELETE", "interfaces", "");
    lab.end();
}

#[test]
fn an_instance_with_several_interfaces_has_its_groups_at_the_first() {
    let lab = Lab::new();
    lab.witness.ask("group", &json!({"name": "training"}));
    let other = lab.witness.ask("group", &json!({"name": "other"}));
    lab.spec(&trainer("security_groups: [training]"));
    lab.apply(&[]);
    let id = lab.each("id")[0].clone();
    let order = json!({"instance": id, "group": other});
    lab.cloud.control("POST", "attachments", &order.to_string());
    // What the other one wears is nobody's drift.
    lab.nothing_to_do(&[]);
    lab.spec(&trainer(
        "security_groups: [training]\nssh: {from: 203.0.113.0/24}",
    ));
    lab.apply(&["changed, and read back"]);
    assert_eq!(lab.each("id"), std::slice::from_ref(&id));
    let worn = json!(["other", "training", "trainyard-lab-trainer"]);
    assert_eq!(lab.each("groups"), [worn]);
    lab.end();
}

#[test]
fn without_ssh_the_ways_in_are_closed_and_the_machine_stays() {
    let lab = Lab::new();
    lab.witness.ask("group", &json!({"name": "training"}));
    for named in ["", "security_groups: [training]\n"] {
        let open = trainer(&format!("{named}ssh: {{from: 203.0.113.0/24}}"));
        let way_in = json!(["tcp 22 from 203.0.113.0/24 (ssh)"]);
        lab.spec(&open);
        lab.apply(&[]);
        assert_eq!(rules(&lab), way_in);
        let before = lab.each("id");
        lab.spec(&trainer(named));
        lab.plan(&["- tcp 22 from 203.0.113.0/24 (ssh)"]);
        lab.apply(&[]);
        assert_eq!(rules(&lab), json!([]));
        lab.spec(&open);
        lab.apply(&[]);
        assert_eq!(rules(&lab), way_in);
        assert_eq!(lab.each("id"), before);
        lab.end();
    }
}

#[test]
fn a_rule_that_somebody_added_is_taken_away_again() {
    let lab = Lab::new();
    lab.spec(&trainer("ssh: {from: 203.0.113.0/24}"));
    lab.apply(&[]);
    let group = own_groups(&lab)["trainyard-lab-trainer"]["id"].clone();
    let open = json!({"group": group, "port": 8888, "block": "0.0.0.0/0"});
    lab.witness.ask("let_in", &open);
    lab.plan(&["- tcp 8888 from 0.0.0.0/0"]);
    lab.apply(&[]);
    assert_eq!(rules(&lab), json!(["tcp 22 from 203.0.113.0/24 (ssh)"]));
    lab.end();
}

#[test]
fn a_security_group_and_a_key_that_somebody_deleted_are_made_again() {
    let lab = Lab::new();
    let own = "trainyard-lab-trainer";
    let way_in = format!("ssh: {{from: 203.0.113.0/24, public_key: {OTHER_KEY}}}");
    let key_of = |lab: &Lab| lab.witness.ask("own_keys", &json!({}))[0]["name"].clone();
    lab.spec(&trainer(&way_in));
    lab.apply(&[]);
    let (instance, key) = (lab.each("id")[0].clone(), key_of(&lab));
    let group = own_groups(&lab)[own]["id"].clone();

    // EC2 keeps a group that is worn, so somebody takes it off first.
    let other = lab.witness.ask("group", &json!({"name": "other"}));
    let order = json!({"instance": instance, "groups": [other]});
    lab.witness.ask("wear", &order);
    let order = json!({"id": group, "wearers": []});
    lab.witness.ask("drop_group", &order);
    lab.plan(&[own, "+ tcp 22 from 203.0.113.0/24 (ssh)"]);
    lab.apply(&[]);
    assert_eq!(lab.each("id"), [instance]);
    assert_ne!(own_groups(&lab)[own]["id"], group);
    assert_eq!(rules(&lab), json!(["tcp 22 from 203.0.113.0/24 (ssh)"]));
    assert!(
        lab.each("groups")[0]
            .as_array()
            .unwrap()
            .contains(&json!(own))
    );

    // A machine that runs has its key inside; the next one needs it again.
    lab.witness.ask("drop_key", &json!({"name": key}));
    lab.nothing_to_do(&[]);
    lab.spec(&trainer(&format!("count: 2\n{way_in}")));
    lab.apply(&[]);
    assert_eq!(key_of(&lab), key);
    assert_eq!(lab.each("key"), [key.clone(), key]);

    // All of it at once.
    let ids = lab.each("id");
    lab.witness.ask("terminate", &json!({"ids": ids}));
    lab.witness.ask("drop_key", &json!({"name": key_of(&lab)}));
    let group = own_groups(&lab)[own]["id"].clone();
    let order = json!({"id": group, "wearers": ids});
    lab.witness.ask("drop_group", &order);
    lab.apply(&[]);
    assert_eq!(lab.members().len(), 2);
    lab.end();
}

#[test]
fn a_public_address_is_given_or_not_as_the_spec_says() {
    let lab = Lab::new();
    let group = |name: &str, public: bool| group(name, &format!("public_address: {public}"));
    lab.spec(&format!(
        "instances:\n{}{}",
        group("inside", false),
        group("outside", true)
    ));
    lab.apply(&[]);
    let all = lab.circumstances();
    for one in lab.witness.alive("lab") {
        let place = all.iter().find(|other| other["id"] == one["id"]).unwrap();
        let is_public = one["tags"]["trainyard:group"] == "outside";
        assert_eq!(place["public_address"].is_string(), is_public, "{place:#}");
    }
    lab.end();
}

/// The address of a service of this machine that answers everybody the same.
fn service(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut begin = [0; 512];
            let read = stream.read(&mut begin).unwrap();
            let length = answer.len();
            if read > 0 {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
                )
                .unwrap();
            }
        }
    });
    format!("http://{address}/")
}

#[test]
fn the_callers_address_is_asked_of_a_service() {
    let mut lab = Lab::new();
    lab.sandbox
        .set("TRAINYARD_ADDRESS_SERVICE", &service("203.0.113.7\n"));
    lab.spec(&trainer("ssh: {from: me}"));
    lab.apply(&[]);
    assert_eq!(
        rules(&lab),
        json!(["tcp 22 from 203.0.113.7/32 (ssh for local)"])
    );

    // Moved: the service says so, and nobody else has to.
    lab.sandbox
        .set("TRAINYARD_ADDRESS_SERVICE", &service("2001:db8::7"));
    lab.plan(&["+ tcp 22 from 2001:db8::7/128"]);
    lab.apply(&[]);
    assert_eq!(
        rules(&lab),
        json!(["tcp 22 from 2001:db8::7/128 (ssh for local)"])
    );
    lab.end();
}

#[test]
fn a_service_that_answers_nonsense_is_an_error_where_the_spec_says_me() {
    let mut lab = Lab::new();
    lab.sandbox.set(
        "TRAINYARD_ADDRESS_SERVICE",
        &service("<html>sign in</html>"),
    );
    lab.spec(&trainer("ssh: {from: me}"));
    lab.cloud.forget_requests();
    let applied = lab.run(&["apply", "--yes"]);
    applied.expect(1).says(&[
        "environments/lab.yaml:10:17",
        "your own address is not known",
        "answered \"<html>sign in</html>\", which is no address",
        "--address 203.0.113.7",
    ]);
    lab.cloud.expect_untouched();
    lab.run(&["apply", "--yes", "--address", HOME]).expect(0);
    lab.end();
}
