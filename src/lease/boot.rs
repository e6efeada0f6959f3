//! The user data of an instance: the lease's timer first, then the user's own part.
//!
//! The parts of a MIME multipart archive reach cloud-init apart, so nothing of
//! the user's text is ever spliced into a script of ours.

use crate::resource::{Digest, Lease};

/// The most bytes of user data that EC2 takes, before base64 (EC2 user guide, user data).
pub const LARGEST_USER_DATA: usize = 16 * 1024;

/// The name of the user's part in the archive.
const USER_PART: &str = "part-002-user";

/// The user data of an instance with this lease and this script or cloud-config.
///
/// It depends on nothing else: a second launch with the same parameters must be
/// the same request to the last byte, or EC2 refuses the token.
pub fn boot_user_data(lease: Lease, user_data: Option<&str>) -> String {
    let timer = TIMER.replace("@SECONDS@", &lease.seconds().to_string());
    let digest = Digest::of_bytes(user_data.unwrap_or_default().as_bytes());
    let boundary = format!("==trainyard-{}==", digest.short());
    let mut archive =
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n");
    push_part(
        &mut archive,
        &boundary,
        &Part {
            kind: "cloud-boothook",
            name: "part-001-lease",
            text: &timer,
        },
    );
    if let Some(text) = user_data {
        let kind = if text.starts_with("#cloud-config") {
            "cloud-config"
        } else {
            "x-shellscript"
        };
        push_part(
            &mut archive,
            &boundary,
            &Part {
                kind,
                name: USER_PART,
                text,
            },
        );
    }
    archive.push_str("--");
    archive.push_str(&boundary);
    archive.push_str("--\n");
    archive
}

struct Part<'a> {
    kind: &'a str,
    name: &'a str,
    text: &'a str,
}

fn push_part(archive: &mut String, boundary: &str, part: &Part<'_>) {
    let Part { kind, name, text } = part;
    let header = format!(
        "--{boundary}\nContent-Type: text/{kind}; charset=\"utf-8\"\nMIME-Version: 1.0\nContent-Disposition: attachment; filename=\"{name}\"\n\n{text}"
    );
    archive.push_str(&header);
    if !text.ends_with('\n') {
        archive.push('\n');
    }
}

/// The user's own part of an instance's user data, with a final line break; nothing where there is none.
pub fn user_part(user_data: &str) -> Option<String> {
    let boundary = user_data
        .strip_prefix("Content-Type: multipart/mixed; boundary=\"")?
        .split('"')
        .next()?;
    let part = user_data
        .split(&format!("--{boundary}\n"))
        .find(|part| part.contains(&format!("filename=\"{USER_PART}\"")))?;
    let (_, text) = part.split_once("\n\n")?;
    let end = format!("--{boundary}--\n");
    Some(text.strip_suffix(&end).unwrap_or(text).to_owned())
}

/// Arms the deadline, at every boot and before anything of the user's runs.
///
/// cloud-init runs a boothook in its first stage, ahead of `bootcmd`, packages and
/// scripts (cloud-init documentation, user-data formats). `poweroff` and never
/// `halt`: a halted instance goes on running (EC2 user guide, shutdown behavior).
/// The deadline itself is kept in a file beside the id of the instance, so that a
/// restart neither extends nor forgets it, and an image that is made of the
/// instance does not hand it on.
const TIMER: &str = r#"#!/bin/sh
# Written by Trainyard: ends this instance when its lease does.
id=${INSTANCE_ID:-$(cat /var/lib/cloud/data/instance-id 2>/dev/null)}
file=/var/lib/trainyard/deadline
mkdir -p /var/lib/trainyard
read -r known deadline 2>/dev/null < "$file" || known=
if [ "$known" != "$id" ] || [ -z "$deadline" ]; then
  deadline=$(( $(date +%s) + @SECONDS@ ))
  echo "$id $deadline" > "$file"
fi
left=$(( deadline - $(date +%s) ))
[ "$left" -gt 0 ] || left=1
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  systemctl is-active --quiet trainyard-lease.timer && exit 0
  systemd-run --unit=trainyard-lease --on-active="${left}s" --timer-property=AccuracySec=1s poweroff && exit 0
fi
nohup setsid sh -c "sleep $left; poweroff" </dev/null >/dev/null 2>&1 &
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        "12h".parse().unwrap()
    }

    #[test]
    fn the_timer_comes_first_and_powers_off() {
        assert!(boot_user_data(lease(), None).contains("text/cloud-boothook"));
        let data = boot_user_data(lease(), Some("#!/bin/bash\necho hello\n"));
        let timer = data.find("systemd-run").unwrap();
        assert!(timer < data.find("echo hello").unwrap());
        assert!(data.contains("+ 43200"));
        assert!(data.contains("poweroff") && !data.contains("halt"));
    }

    #[test]
    fn the_users_part_comes_back_as_it_was() {
        for text in [
            "#!/bin/bash\necho \"$(id)\" '; rm -rf /'\n",
            "#cloud-config\npackages: [git]\n",
            "#!/bin/sh\n--==\n\n\n",
        ] {
            assert_eq!(
                user_part(&boot_user_data(lease(), Some(text))).as_deref(),
                Some(text)
            );
        }
        assert_eq!(user_part(&boot_user_data(lease(), None)), None);
        assert_eq!(user_part("#!/bin/sh\n"), None);
    }

    #[test]
    fn a_shell_takes_the_timer_script() {
        let script = TIMER.replace("@SECONDS@", "600");
        let status = std::process::Command::new("sh")
            .args(["-n", "-c", &script])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Runs the script with stand-ins for what it must not really call; what it would have armed.
    fn run(folder: &std::path::Path, instance: &str) -> String {
        let script = TIMER
            .replace("@SECONDS@", "600")
            .replace("/var/lib/trainyard", &folder.display().to_string())
            .replace("/run/systemd/system", "/nonexistent")
            .replace("nohup setsid sh -c", "true");
        let status = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("INSTANCE_ID", instance)
            .status()
            .unwrap();
        assert!(status.success());
        std::fs::read_to_string(folder.join("deadline")).unwrap()
    }

    #[test]
    fn a_restart_keeps_the_deadline_and_another_instance_gets_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(folder.path(), "i-1");
        assert!(first.starts_with("i-1 "), "{first}");
        std::fs::write(folder.path().join("deadline"), "i-1 99\n").unwrap();
        assert_eq!(run(folder.path(), "i-1"), "i-1 99\n");
        let other = run(folder.path(), "i-2");
        assert!(other.starts_with("i-2 ") && other != "i-2 99\n", "{other}");
        std::fs::write(folder.path().join("deadline"), "").unwrap();
        assert!(run(folder.path(), "i-1").starts_with("i-1 "));
    }

    #[test]
    fn the_same_parameters_give_the_same_bytes() {
        assert_eq!(
            boot_user_data(lease(), Some("#!x")),
            boot_user_data(lease(), Some("#!x"))
        );
    }
}
