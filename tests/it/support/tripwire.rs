//! An address that nobody may call.

use std::io::ErrorKind;
use std::net::TcpListener;

/// A loopback port that remembers whether anybody knocked.
pub(crate) struct Tripwire {
    listener: TcpListener,
}

impl Tripwire {
    /// Takes a free port.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    /// Its address, such as `http://127.0.0.1:4000`.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Fails if anybody connected since it was made.
    #[track_caller]
    pub(crate) fn expect_silence(&self) {
        let knock = self.listener.accept();
        let quiet = matches!(&knock, Err(error) if error.kind() == ErrorKind::WouldBlock);
        assert!(
            quiet,
            "nothing was to be asked of AWS, and somebody called: {knock:?}"
        );
    }
}
