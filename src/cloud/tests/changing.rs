//! Changing instances that somebody else changes too.

use super::super::change::iam_profile;
use super::rig::Rig;

#[tokio::test]
async fn a_profile_that_is_gone_already_is_taken_away() {
    let rig = Rig::new().await;
    let [live] = &rig.running(1).await[..] else {
        panic!("not one");
    };
    assert_eq!(live.iam_profile, None);
    assert_eq!(iam_profile(&rig.clients, &live.id, None).await, Ok(()));
}
