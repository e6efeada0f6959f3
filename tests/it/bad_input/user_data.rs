//! User data that EC2 or cloud-init would not take.

use super::scene::{accepted, refused};
use crate::support::good_with;

/// User data of so many bytes.
fn script(length: usize) -> String {
    let line = "x".repeat(length - "#!/bin/bash\n#\n".len());
    good_with(&format!("user_data: |\n  #!/bin/bash\n  #{line}"))
}

#[test]
fn over_sixteen_kilobytes_are_refused() {
    for length in [16_385, 20_000, 400_000] {
        refused(script(length)).says(&[
            "error[T203]: the user data has",
            "EC2 takes 16384",
            "keep the script in the bucket",
        ]);
    }
}

#[test]
fn room_for_the_timer_is_counted() {
    // Alone it would fit; the lease's timer goes with it.
    refused(script(16_384)).says(&["error[T203]", "together with the lease's timer"]);
    accepted(script(8_000));
}

#[test]
fn user_data_of_unknown_kind_is_refused() {
    for text in [
        "echo hello",
        "MIME-Version: 1.0",
        "\" #!/bin/bash\"",
        "\"\"",
        "# cloud-config",
    ] {
        refused(good_with(&format!("user_data: {text:?}"))).says(&[
            "error[T105]: `instances.trainer.user_data` cannot be",
            "begin with `#!`, such as `#!/bin/bash`, or with `#cloud-config`",
        ]);
    }
}

#[test]
fn a_cloud_config_is_accepted() {
    accepted(good_with(
        "user_data: |\n  #cloud-config\n  packages: [git]",
    ));
}

#[test]
fn user_data_that_is_no_text_is_refused() {
    refused(good_with("user_data: [a]")).says(&["error[T102]", "user_data` must be text"]);
    refused(good_with("user_data: 5")).says(&["error[T102]", "user_data` must be text"]);
}
