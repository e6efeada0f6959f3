//! What happens to objects, as one word each, and what it adds up to.

/// What happens to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed while it runs.
    Update,
    /// It is stopped, changed and started.
    Restart,
    /// It is deleted and made anew.
    Replace,
    /// It is deleted.
    Delete,
    /// Its files are transferred.
    Sync,
}

impl Verb {
    /// The sign in front of a line.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update | Self::Sync => "~",
            Self::Restart => "⟳",
            Self::Replace => "-/+",
            Self::Delete => "-",
        }
    }

    /// The word in programs' output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Sync => "sync",
        }
    }
}

/// What a plan amounts to, in numbers of objects and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Summary {
    /// Objects to make.
    pub create: u64,
    /// Objects to change in place.
    pub update: u64,
    /// Instances to stop and start.
    pub restart: u64,
    /// Instances to replace.
    pub replace: u64,
    /// Objects to delete.
    pub delete: u64,
    /// Files to transfer.
    pub transfer_files: u64,
    /// Their bytes.
    pub transfer_bytes: u64,
    /// Files to delete.
    pub delete_files: u64,
    /// What is left alone although something about it is wrong.
    pub held: u64,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        let Self {
            create,
            update,
            restart,
            replace,
            delete,
            transfer_files,
            transfer_bytes,
            delete_files,
            held,
        } = other;
        self.create += create;
        self.update += update;
        self.restart += restart;
        self.replace += replace;
        self.delete += delete;
        self.transfer_files += transfer_files;
        self.transfer_bytes += transfer_bytes;
        self.delete_files += delete_files;
        self.held += held;
    }
}
