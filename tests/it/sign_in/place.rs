//! A user with an MFA device, roles, and a cloud that checks the codes.

use serde_json::{Value, json};

use crate::support::{LocalCloud, Run, Sandbox, Talking, terminal};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sign_in/totp.py");
const SEED: &str = "JBSWY3DPEHPK3PXP";
pub(super) const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alex";
pub(super) const USER: &str = "arn:aws:iam::123456789012:user/alex";
pub(super) const KEY: &str = "AKIAALEX000000000001";
/// What must not be found again anywhere.
pub(super) const SECRET: &str = "CanaryOfTheSecretKey0001";
pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/team/play_trainer_v1";

/// A cloud and a home whose profile `team` has keys and a device.
pub(super) struct Place {
    pub(super) cloud: LocalCloud,
    pub(super) sandbox: Sandbox,
}

impl Place {
    pub(super) fn new() -> Self {
        let cloud = LocalCloud::start();
        let mut sandbox = Sandbox::new();
        sandbox.set("AWS_ENDPOINT_URL", cloud.address());
        sandbox.set("AWS_REGION", "eu-central-1");
        sandbox.set("USER", "alex");
        // The keyring of this machine is nobody's to fill.
        sandbox.set("TRAINYARD_KEYRING", "off");
        let place = Self { cloud, sandbox };
        place.order("devices", &json!({"serial": SERIAL, "seed": SEED}));
        place.order("users", &json!({"key": KEY, "name": "alex"}));
        place.profiles("");
        place.role(&json!({}));
        place
    }

    pub(super) fn order(&self, what: &str, order: &Value) {
        self.cloud.control("POST", what, &order.to_string());
    }

    /// The role, which asks for MFA, with some things otherwise.
    pub(super) fn role(&self, but: &Value) {
        let mut role = json!({"arn": ROLE, "mfa": true, "trusts": [USER]});
        let but = but.as_object().unwrap().clone();
        role.as_object_mut().unwrap().extend(but);
        self.order("roles", &role);
    }

    /// Writes `~/.aws`: the profile `team`, and more.
    pub(super) fn profiles(&self, more: &str) {
        let keys = format!("[team]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
        self.sandbox.write("../home/.aws/credentials", keys);
        let config = format!("[profile team]\nmfa_serial = {SERIAL}\n{more}");
        self.sandbox.write("../home/.aws/config", config);
    }

    /// A code of the device, so many steps from now; one step is allowed either way.
    pub(super) fn code(&self, offset: i32) -> String {
        let printed = self
            .sandbox
            .python()
            .args([SCRIPT, SEED, &offset.to_string()])
            .output()
            .unwrap();
        String::from_utf8(printed.stdout).unwrap().trim().to_owned()
    }

    /// Six digits that the device does not show about now.
    pub(super) fn wrong_code(&self) -> String {
        let shown: Vec<String> = (-3..=3).map(|offset| self.code(offset)).collect();
        let mut wrong = (111_111..).map(|number: u32| number.to_string());
        wrong.find(|code| !shown.contains(code)).unwrap()
    }

    /// Runs a command that can ask nobody.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        self.sandbox.run(arguments)
    }

    /// Starts a command on a terminal.
    pub(super) fn talk(&self, arguments: &[&str]) -> Talking {
        Talking::of(&self.sandbox, terminal(&self.sandbox, 200, arguments))
    }

    /// Runs a command on a terminal, and answers its questions one after the other.
    pub(super) fn answered(&self, arguments: &[&str], codes: &[&str]) -> Run {
        let mut talking = self.talk(arguments);
        for (number, code) in codes.iter().enumerate() {
            talking.until_it_says_times("MFA code of", number + 1);
            talking.answer(code);
        }
        talking.end()
    }

    /// Signs in to the role without a terminal.
    pub(super) fn sign_in(&self) {
        let code = self.code(0);
        let role = ["login", "--profile", "team", "--role", ROLE, "-t", &code];
        self.run(&role).expect(0).says(&["signed in"]);
    }

    /// Signs in to the role again with a code that the device has not shown yet, where need be.
    pub(super) fn sign_in_again(&self) {
        let whoami = ["whoami", "--profile", "team", "--role", ROLE];
        if self.run(&whoami).code != Some(0) {
            // A device that was lost and found again knows no used codes.
            self.order("devices", &json!({"serial": SERIAL, "seed": SEED}));
            self.sign_in();
        }
    }

    /// How often STS was asked for something.
    pub(super) fn asked(&self, action: &str) -> usize {
        let wanted = format!("sts {action}");
        let requests = self.cloud.requests();
        requests.iter().filter(|one| **one == wanted).count()
    }

    /// A spec of that account, as whom, and the command that plans it.
    pub(super) fn spec(&self, credentials: &str) {
        let text = format!(
            "version: 1\nname: lab\naccount: \"123456789012\"\nregion: eu-central-1\nlease: 4h\ncredentials: {credentials}\ninstances:\n  trainer:\n    type: t3.small\n    image: {{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}\n"
        );
        self.sandbox.write("environments/lab.yaml", text);
    }
}
