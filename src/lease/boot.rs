//! The user data of an instance: the lease's timer first, then the user's own part.
//!
//! The parts of a MIME multipart archive reach cloud-init apart, so nothing of
//! the user's text is ever spliced into a script of ours.

use super::group_script::GROUP_SCRIPT;
use crate::resource::Digest;

/// The most bytes of user data that EC2 takes, before base64 (EC2 user guide, user data).
pub const LARGEST_USER_DATA: usize = 16 * 1024;

/// The name of the user's part in the archive.
/// cloud-init runs scripts in the order of their names, so the group is known before it.
const USER_PART: &str = "part-003-user";

/// What the user data of an instance is made from.
#[derive(Debug, Clone, Copy)]
pub struct Boot<'a> {
    /// How long the instance may live, in seconds from its first boot.
    pub seconds: u64,
    /// Whether it is a member of a group that learns its members.
    pub distributed: bool,
    /// The user's own script or cloud-config.
    pub user_data: Option<&'a str>,
}

impl Boot<'_> {
    /// The user data.
    ///
    /// It depends on nothing else: a second launch with the same parameters must be
    /// the same request to the last byte, or EC2 refuses the token.
    pub fn user_data(&self) -> String {
        let Self {
            seconds,
            distributed,
            user_data,
        } = self;
        let timer = TIMER.replace("@SECONDS@", &seconds.to_string());
        let digest = Digest::of_bytes(user_data.unwrap_or_default().as_bytes());
        let boundary = format!("==trainyard-{}==", digest.short());
        let mut archive = format!(
            "Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n"
        );
        let mut parts = vec![Part {
            kind: "cloud-boothook",
            name: "part-001-lease",
            text: &timer,
        }];
        if *distributed {
            parts.push(Part {
                kind: "x-shellscript",
                name: "part-002-group",
                text: GROUP_SCRIPT,
            });
        }
        if let Some(text) = user_data {
            let config = text.starts_with("#cloud-config");
            parts.push(Part {
                kind: if config {
                    "cloud-config"
                } else {
                    "x-shellscript"
                },
                name: USER_PART,
                text,
            });
        }
        for part in &parts {
            push_part(&mut archive, &boundary, part);
        }
        archive.push_str("--");
        archive.push_str(&boundary);
        archive.push_str("--\n");
        archive
    }
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

    fn boot(user_data: Option<&str>) -> String {
        let boot = Boot {
            seconds: 43_200,
            distributed: false,
            user_data,
        };
        boot.user_data()
    }

    #[test]
    fn the_timer_comes_first_and_powers_off() {
        assert!(boot(None).contains("text/cloud-boothook"));
        let data = boot(Some("#!/bin/bash\necho hello\n"));
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
            assert_eq!(user_part(&boot(Some(text))).as_deref(), Some(text));
        }
        assert_eq!(user_part(&boot(None)), None);
        assert_eq!(user_part("#!/bin/sh\n"), None);
    }

    #[test]
    fn a_member_learns_its_group_before_the_users_script_runs() {
        let told = Boot {
            seconds: 600,
            distributed: true,
            user_data: Some("#!/bin/sh\necho mine\n"),
        };
        let data = told.user_data();
        let place = |words: &str| data.find(words).unwrap();
        assert!(place("part-001-lease") < place("part-002-group"));
        assert!(place("part-002-group") < place("part-003-user"));
        assert_eq!(user_part(&data).as_deref(), told.user_data);
        assert!(data.len() < LARGEST_USER_DATA / 2, "{}", data.len());
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
        assert_eq!(boot(Some("#!x")), boot(Some("#!x")));
    }
}
