//! What `doctor` says of the chain, the clock and the permissions.

use super::place::{KEY, Place, ROLE, SERIAL};

#[test]
fn every_step_is_told_with_what_it_gave() {
    let place = Place::new();
    place.sign_in();
    place.spec(&format!(
        "{{profile: team, role_arn: \"{ROLE}\", duration: 8h}}"
    ));
    let doctor = place.run(&["doctor", "environments/lab.yaml"]);
    doctor.expect(0).says(&[
        "the profile `team` is named by the spec or trainyard.yaml",
        "any other account than 123456789012 is refused",
        &format!("begins with the key {KEY} of the profile `team`"),
        &format!("opens a session with a code of {SERIAL}"),
        &format!("takes on {ROLE} for 8h, named by `role`"),
        "no MFA code is needed until",
        "signed in to the account 123456789012 as arn:aws:sts::123456789012:assumed-role/play_trainer_v1/alex",
        "this machine's clock agrees with AWS's",
        "✓ ec2:RunInstances",
        "✓ ec2:TerminateInstances",
    ]);
    // Nothing of what it tried was done.
    let status = place.run(&["status", "environments/lab.yaml"]);
    status.expect(0).says(&["no instance of lab is there"]);
}

#[test]
fn what_stands_in_the_way_is_told_with_a_way_out() {
    let mut place = Place::new();
    let alone = place.run(&["doctor", "--profile", "team", "--role", ROLE]);
    alone.expect(1).says(&[
        "the profile `team` is named by --profile",
        "✗ an MFA code of",
        "-t CODE",
    ]);
    // Keys in the environment go before the profile that a spec names.
    place.sandbox.set("AWS_ACCESS_KEY_ID", "DENIED");
    place.sandbox.set("AWS_SECRET_ACCESS_KEY", "x");
    place.spec("{profile: team}");
    let denied = place.run(&["doctor", "environments/lab.yaml"]);
    denied.expect(1).says(&[
        "! the keys in AWS_ACCESS_KEY_ID go before the profile `team`",
        "✗ ec2:TerminateInstances is not allowed",
        "ask for it in the policy of arn:aws:iam::123456789012:user/local",
    ]);
}
