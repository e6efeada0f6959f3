//! An apply in a session that can do no more than its plan.

use super::place::{Place, ROLE};

#[test]
fn a_plan_is_applied_in_a_session_made_for_it() {
    let place = Place::new();
    place.sign_in();
    place.spec(&format!("{{profile: team, role_arn: \"{ROLE}\"}}"));
    let apply = ["apply", "--yes", "--settle", "1s", "--least-privilege"];
    place.run(&apply).expect(0).says(&[
        "lab is applied in a session that can do no more than that",
        "running",
    ]);
    place.run(&["plan", "--detailed-exitcode"]).expect(0);
    let text = std::fs::read_to_string(place.sandbox.folder().join("environments/lab.yaml"));
    let grown = text
        .unwrap()
        .replace("type: t3.small", "type: t3.medium\n    count: 2");
    place.sandbox.write("environments/lab.yaml", grown);
    place.run(&apply).expect(0);
    place.run(&["plan", "--detailed-exitcode"]).expect(0);
    place
        .run(&[
            "destroy",
            "environments/lab.yaml",
            "--yes",
            "--settle",
            "1s",
        ])
        .expect(0);
}

#[test]
fn who_has_no_role_is_told_so_before_anything_is_done() {
    let place = Place::new();
    let code = place.code(0);
    place.spec("{profile: team}");
    let apply = ["apply", "--yes", "--least-privilege", "-t", &code];
    place.run(&apply).expect(1).says(&[
        "only the session of a role can be restricted to a plan",
        "name one with `--role`",
    ]);
    place.cloud.expect_untouched_but(&["sts GetSessionToken"]);
}
