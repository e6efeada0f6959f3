//! The script by which a member of a distributed group learns of the others.

/// Reads the members from the instance's own tags and writes what `torchrun` expects.
///
/// `torchrun` takes each of its options from an environment variable with the prefix
/// `PET_` (`PyTorch` documentation, `torchrun`), so `torchrun train.py` needs no option.
/// The tags come from the metadata service (EC2 user guide, instance tags in instance
/// metadata), so the machine needs no credentials. They are set once the whole group
/// is launched: until then the script waits. It stays on the machine, for a group
/// whose members have changed.
pub(super) const GROUP_SCRIPT: &str = r#"#!/bin/sh
# Written by Trainyard: tells this machine who its group is.
folder=${TRAINYARD_FOLDER:-/etc/trainyard}
mkdir -p "$folder"
cat > "$folder/group" <<'SCRIPT'
#!/bin/sh
# Run it again after the group has changed: it writes group.env anew.
folder=${TRAINYARD_FOLDER:-/etc/trainyard}
service=${TRAINYARD_METADATA:-http://169.254.169.254}
tries=${1:-1}
get() {
  token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/latest/api/token")
  curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$service/latest/meta-data/$1"
}
# Only addresses are taken from a tag: what is written below is run by a shell.
list() { told=$(get "tags/instance/$1") && echo "$told" | tr -cd '0-9.,'; }
own=$(get local-ipv4)
while :; do
  told=$(list trainyard:members)
  part=1
  while [ -n "$told" ] && more=$(list "trainyard:members.$part"); do
    told="$told,$more"
    part=$((part + 1))
  done
  # An address leaves out the leading parts that it shares with the one before.
  members=$(echo "$told" | awk -F, '{
    for (i = 1; i <= NF; i++) {
      n = split($i, own, ".")
      for (k = 1; k <= n; k++) at[4 - n + k] = own[k]
      printf "%s%s.%s.%s.%s", (i > 1 ? "," : ""), at[1], at[2], at[3], at[4]
    }
  }')
  [ -n "$told" ] && case ",$members," in *",$own,"*) break ;; esac
  tries=$((tries - 1))
  if [ "$tries" -le 0 ]; then
    echo "trainyard: this machine has not been told its group; run $folder/group later" >&2
    exit 1
  fi
  sleep 5
done
world=$(echo "$members" | tr ',' '\n' | wc -l | tr -d ' ')
rank=$(echo "$members" | tr ',' '\n' | grep -nxF "$own" | cut -d: -f1)
rank=$((rank - 1))
first=${members%%,*}
workers=$(nvidia-smi -L 2>/dev/null | wc -l | tr -d ' ')
[ "$workers" -gt 0 ] || workers=1
cat > "$folder/group.env.new" <<END
export TRAINYARD_MEMBERS=$members
export MASTER_ADDR=$first
export MASTER_PORT=29500
export NNODES=$world
export NODE_RANK=$rank
export WORLD_SIZE=$((world * workers))
export PET_NNODES=$world
export PET_NODE_RANK=$rank
export PET_NPROC_PER_NODE=$workers
export PET_MASTER_ADDR=$first
export PET_MASTER_PORT=29500
END
mv "$folder/group.env.new" "$folder/group.env"
SCRIPT
chmod 755 "$folder/group"
# Ten minutes: a group is told as soon as all of it has been launched.
"$folder/group" "${TRAINYARD_TRIES:-120}"
exit 0
"#;

#[cfg(test)]
#[path = "group_script_tests.rs"]
mod tests;
