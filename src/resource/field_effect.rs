//! What a change of one key of a spec does, as a value.

/// What a change of a key does to an environment that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldEffect {
    /// The instance goes on running.
    InPlace,
    /// The instance is stopped, changed and started.
    Restart,
    /// The instance is terminated and another one is launched.
    Replace,
    /// It holds for what is launched from now on.
    NewOnly,
    /// It cannot be changed: it names another environment.
    Another,
    /// It says how to reach AWS, or what to read; nothing of it is on AWS.
    Nothing,
    /// Files are transferred.
    Data,
    /// What is no longer asked for is terminated.
    Ends,
}

impl FieldEffect {
    /// Every effect, the mildest first.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::NewOnly,
        Self::InPlace,
        Self::Data,
        Self::Restart,
        Self::Replace,
        Self::Ends,
        Self::Another,
    ];

    /// The words in the table.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InPlace => "in place",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::NewOnly => "new only",
            Self::Another => "another",
            Self::Nothing => "nothing",
            Self::Data => "data",
            Self::Ends => "ends",
        }
    }

    /// What the words mean, as a sentence without its end.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::InPlace => "the instance goes on running",
            Self::Restart => {
                "stopped and started: minutes, another public address, instance store lost; \
                 a spot instance is replaced"
            }
            Self::Replace => "terminated and launched anew; the plan names the key that forces it",
            Self::NewOnly => "holds for what is launched from now on; what runs keeps what it has",
            Self::Another => "makes another environment; this one stays, and goes on costing money",
            Self::Nothing => "says how to reach AWS or what to read; nothing on AWS changes",
            Self::Data => "files are transferred",
            Self::Ends => "what is no longer asked for is terminated",
        }
    }
}

/// One key of a spec and what a change of it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldFact {
    /// The key with the keys that it stands below; `*` is any name.
    pub path: &'static str,
    /// What a change of it does.
    pub effect: FieldEffect,
    /// What the effect alone does not say.
    pub note: &'static str,
}
