//! What `destroy` says where it could not list all that an environment may have.

use serde_json::{Value, json};

use super::spec::SSM;
use crate::support::Lab;

fn trainer() -> String {
    format!(
        "instances:\n  trainer:\n    type: t3.small\n    market: spot\n    image: {{ssm: {SSM}}}\n"
    )
}

/// Refuses an action so many times.
fn refused(action: &str, times: u32) -> Value {
    let refuse = |nth| {
        json!({"action": action, "nth": nth, "when": "before",
            "do": {"error": {"code": "UnauthorizedOperation", "status": 403, "message": "no"}}})
    };
    (1..=times).map(refuse).collect()
}

#[test]
fn spot_requests_that_cannot_be_listed_are_unknown_and_not_gone() {
    let lab = Lab::new();
    lab.spec(&trainer());
    lab.apply(&[]);
    lab.cloud
        .order(&refused("DescribeSpotInstanceRequests", 99));
    lab.destroy(&[])
        .expect(5)
        .says(&["whether a spot request of it is still open", "to go on:"])
        .says_nothing_about(&["is gone"]);
    lab.expect_no_instance();
    lab.cloud.no_faults();
    // One refusal is made up for by the next listing.
    lab.cloud.order(&refused("DescribeSpotInstanceRequests", 1));
    lab.destroy(&[]).expect(0);
    lab.cloud.no_faults();
    lab.end();
}

#[test]
fn what_goes_with_instances_and_cannot_be_listed_is_not_said_to_be_gone() {
    let lab = Lab::new();
    lab.spec(&trainer());
    lab.apply(&[]);
    lab.cloud.order(&refused("DescribeSecurityGroups", 99));
    lab.destroy(&[])
        .expect(3)
        .says(&["what goes with instances is not known", "to go on:"])
        .says_nothing_about(&["is gone"]);
    lab.cloud.no_faults();
    lab.end();
}
