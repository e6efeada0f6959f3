//! What the server has been asked.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::operation::Operation;

/// Counters since the start or the last reset.
#[derive(Default)]
pub(crate) struct Statistics {
    operations: [AtomicU64; Operation::ALL.len()],
    connections: AtomicU64,
    in_flight: AtomicU64,
    peak_in_flight: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    faults: AtomicU64,
}

impl Statistics {
    /// Counts a connection.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request, which is in flight until [`Self::leave`].
    pub(crate) fn enter(&self, operation: Operation) {
        self.operations[operation as usize].fetch_add(1, Ordering::Relaxed);
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak_in_flight.fetch_max(in_flight, Ordering::Relaxed);
    }

    /// Lets a request be answered that is not counted.
    pub(crate) fn enter_uncounted(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request as answered to its last byte.
    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts bytes of objects that came in.
    pub(crate) fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes of a reply's body.
    pub(crate) fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a fault that was asked for.
    pub(crate) fn faulted(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// Starts anew; requests in flight stay so.
    pub(crate) fn reset(&self) {
        for counter in &self.operations {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in [&self.connections, &self.received, &self.sent, &self.faults] {
            counter.store(0, Ordering::Relaxed);
        }
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        self.peak_in_flight.store(in_flight, Ordering::Relaxed);
    }

    /// The counters as a JSON object.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::from("{\"operations\":{");
        let mut requests = 0;
        for operation in Operation::ALL {
            let count = self.operations[operation as usize].load(Ordering::Relaxed);
            if count > 0 {
                let comma = if requests > 0 { "," } else { "" };
                // Writing to a string does not fail.
                let _infallible = write!(json, "{comma}\"{operation:?}\":{count}");
                requests += count;
            }
        }
        json.push('}');
        for (name, value) in [
            ("requests", requests),
            ("connections", self.connections.load(Ordering::Relaxed)),
            (
                "peak_in_flight",
                self.peak_in_flight.load(Ordering::Relaxed),
            ),
            ("bytes_received", self.received.load(Ordering::Relaxed)),
            ("bytes_sent", self.sent.load(Ordering::Relaxed)),
            ("faults", self.faults.load(Ordering::Relaxed)),
        ] {
            let _infallible = write!(json, ",\"{name}\":{value}");
        }
        json.push('}');
        json
    }
}
