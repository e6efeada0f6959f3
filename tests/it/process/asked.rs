//! What changes while a question waits for its answer.

use serde_json::{Value, json};

use crate::support::{LAB, Lab, Talking, terminal};

const PATTERN: &str = "al2023-ami-2023*x86_64";

fn lab(more: &str) -> Lab {
    let lab = Lab::new();
    lab.spec(&format!(
        "instances:\n  trainer:\n    type: t3.small\n    image: {{name: \"{PATTERN}\", owner: amazon}}\n{more}"
    ));
    lab
}

/// Starts a command that asks, and waits until it has.
fn asking(lab: &Lab, arguments: &[&str]) -> Talking {
    let arguments = [arguments, &["--local", "--no-color"]].concat();
    let talking = Talking::of(&lab.sandbox, terminal(&lab.sandbox, 200, &arguments));
    talking.until_it_says("to go ahead");
    talking
}

/// F34: an image was shown, and the name means another one by the time of the answer.
#[test]
fn nothing_is_launched_of_an_image_that_was_not_shown() {
    let lab = lab("");
    let mut apply = asking(&lab, &["apply"]);
    let newer = json!({
        "name": "al2023-ami-2023.9.20260101.0-kernel-6.1-x86_64",
        "created": "2026-01-01T00:00:00.000Z",
    });
    let newer = lab.cloud.control("POST", "images", &newer.to_string());
    apply.answer("yes");
    let over = apply.end();
    over.expect(4).says(&[
        "lab changed while you were reading; nothing was changed by this command",
        "run it again to see what is different",
    ]);
    assert_eq!(lab.witness.instances(LAB), Vec::<Value>::new());

    let newer = newer["id"].as_str().unwrap();
    over.says_nothing_about(&[newer]);
    let mut apply = asking(&lab, &["apply"]);
    apply.answer("yes");
    apply.end().expect(0).says(&[newer]);
    assert_eq!(lab.each("image"), [newer]);
}

/// F49: somebody deletes a volume that a destroy has listed and not deleted yet.
#[test]
fn a_volume_that_vanishes_before_it_is_deleted_is_no_failure() {
    let disks = "    volumes:\n      /dev/sdf: {size: 10 GiB, keep: true}\n      /dev/sdg: {size: 10 GiB, keep: true}\n";
    let lab = lab(disks);
    lab.apply(&[]);
    lab.destroy(&[]).expect(0);
    let kept = lab.witness.volumes(LAB);
    let [first, second] = [0, 1].map(|one| kept[one]["id"].as_str().unwrap());

    let place = ["--region", "us-east-1", "--account", "123456789012"];
    let destroy = [&["destroy", LAB, "--delete-kept"][..], &place].concat();
    let mut destroy = asking(&lab, &destroy);
    lab.witness.ask("drop_volume", &json!({"id": first}));
    lab.cloud.forget_requests();
    destroy.answer(LAB);
    let over = destroy.end();
    over.expect(0).says(&[first, second, "2 volumes deleted"]);
    assert_eq!(lab.cloud.number_of("DeleteVolume"), 2);
    lab.expect_nothing();
}
