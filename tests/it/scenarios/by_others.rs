//! What somebody attached by hand: it stays when an environment ends, and is named.

use serde_json::{Value, json};

use super::spec::{SSM, keys};
use crate::support::Lab;

fn lab(more: &str) -> Lab {
    let lab = Lab::new();
    lab.spec(&format!(
        "instances:\n  trainer:\n    type: t3.small\n    image: {{ssm: {SSM}}}\n    disk: {{size: 20 GiB}}\n{}",
        keys(more)
    ));
    lab.apply(&[]);
    lab
}

/// A volume and an elastic address that somebody attached; their ids.
fn attach(lab: &Lab) -> (String, String) {
    let instance = &lab.each("id")[0];
    let volume = json!({"instance": instance, "size": 7, "device": "/dev/sdz"});
    let volume = lab.witness.ask("attach_volume", &volume);
    let address = lab
        .witness
        .ask("attach_address", &json!({"instance": instance}));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&volume), text(&address["id"]))
}

fn volumes(lab: &Lab) -> Value {
    lab.witness.ask("all_volumes", &json!({}))
}

#[test]
fn what_others_attached_is_named_by_destroy_and_stays() {
    let lab = lab("volumes: {/dev/sdf: {size: 9 GiB, keep: true}}");
    let (volume, address) = attach(&lab);
    let instance = lab.each("id")[0].as_str().unwrap().to_owned();
    // They are nobody's drift.
    lab.nothing_to_do(&[]);
    let destroyed = lab.destroy(&["--delete-kept"]);
    destroyed.expect(0).says(&[
        &format!(
            "note: {volume} (7 GiB, /dev/sdz of trainer[0], {instance}) is not Trainyard's: it stays when the instance ends, and goes on costing money"
        ),
        &format!("`aws ec2 delete-volume --region us-east-1 --volume-id {volume}` deletes it"),
        &format!("{address} (of trainer[0], {instance}) is not Trainyard's"),
        &format!("`aws ec2 release-address --region us-east-1 --allocation-id {address}`"),
        "lab is gone: 1 instance read back as terminated",
    ]);
    // The kept disk is ours, and is no other's.
    let told = destroyed.to_string().matches("not Trainyard's").count();
    assert_eq!(told, 2, "{destroyed}");
    lab.expect_no_instance();
    assert_eq!(volumes(&lab).as_array().unwrap().len(), 1);
    let addresses = lab.witness.ask("addresses", &json!({}));
    assert_eq!(addresses, json!({address: null}));
}

#[test]
fn what_others_attached_is_named_without_the_permission_to_list_it() {
    let lab = lab("");
    let (volume, address) = attach(&lab);
    let refused = |action: &str, nth: u32| {
        let error = json!({"code": "UnauthorizedOperation", "status": 403, "message": "no"});
        json!({"action": action, "nth": nth, "when": "before", "do": {"error": error}})
    };
    // The first listing of volumes is that of our own.
    lab.cloud.order(&json!([
        refused("DescribeAddresses", 1),
        refused("DescribeVolumes", 2)
    ]));
    let destroyed = lab.destroy(&[]);
    lab.cloud.no_faults();
    destroyed.expect(0).says(&[
        "the volume that is /dev/sdz of trainer[0] (i-",
        "is not Trainyard's: it stays",
        "the elastic address 198.1",
        "`aws ec2 describe-addresses --region us-east-1 --public-ips 198.1",
    ]);
    destroyed.says_nothing_about(&[&volume, &address]);
    lab.expect_no_instance();
}

#[test]
fn where_nobody_attached_anything_nothing_is_asked_for_it() {
    let lab = lab("volumes: {/dev/sdf: {size: 9 GiB, keep: true}}");
    let destroyed = lab.destroy(&["--delete-kept"]);
    destroyed.expect(0).says_nothing_about(&["not Trainyard's"]);
    assert_eq!(lab.cloud.number_of("DescribeAddresses"), 0);
    lab.expect_nothing();
}
