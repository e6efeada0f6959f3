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
            kind: "x-shellscript",
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

/// Arms the deadline before anything else runs, and again at every boot.
///
/// `poweroff` and never `halt`: a halted instance goes on running (EC2 user
/// guide, shutdown behavior). The deadline itself is kept in a file, so that a
/// restart neither extends nor forgets it.
const TIMER: &str = r#"#!/bin/sh
# Written by Trainyard: ends this instance when its lease does.
mkdir -p /var/lib/trainyard /var/lib/cloud/scripts/per-boot
[ -s /var/lib/trainyard/deadline ] || echo $(( $(date +%s) + @SECONDS@ )) > /var/lib/trainyard/deadline
cat > /var/lib/cloud/scripts/per-boot/trainyard-lease <<'END'
#!/bin/sh
left=$(( $(cat /var/lib/trainyard/deadline) - $(date +%s) ))
[ "$left" -gt 0 ] || left=1
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  systemctl is-active --quiet trainyard-lease.timer && exit 0
  systemd-run --unit=trainyard-lease --on-active="${left}s" --timer-property=AccuracySec=1s poweroff && exit 0
fi
nohup setsid sh -c "sleep $left; poweroff" </dev/null >/dev/null 2>&1 &
END
chmod 755 /var/lib/cloud/scripts/per-boot/trainyard-lease
/var/lib/cloud/scripts/per-boot/trainyard-lease
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        "12h".parse().unwrap()
    }

    #[test]
    fn the_timer_comes_first_and_powers_off() {
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

    #[test]
    fn the_same_parameters_give_the_same_bytes() {
        assert_eq!(
            boot_user_data(lease(), Some("#!x")),
            boot_user_data(lease(), Some("#!x"))
        );
    }
}
