//! A loopback proxy between the binary and a cloud, where things go wrong.

use std::io::{self, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::fault::{Fault, Pass, Reply, Then};
use super::wire::{Message, answer};

/// How long to wait for something that is certain to come; far longer than it takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long an answer is kept back that is late.
const LATE: Duration = Duration::from_millis(300);

/// A proxy that lives as long as this value.
pub(super) struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

/// What its connections have in common.
struct Shared {
    /// The cloud, as `host:port`.
    cloud: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    calls: Vec<String>,
    orders: Vec<Order>,
    /// What is written over in every answer, and by what.
    rewrites: Vec<(String, String)>,
    /// An action that is refused, and how.
    refusal: Option<(String, String)>,
    /// How many calls are held, or were since the last release.
    held: usize,
    /// How often everything that was held has been let go.
    releases: usize,
    over: bool,
}

/// A fault and the call that it is meant for.
struct Order {
    action: String,
    /// Which call of the action from now on, counted from 1; all of them where it is 0.
    nth: usize,
    fault: Fault,
    is_over: bool,
}

impl Proxy {
    /// Starts one in front of the cloud at `address`.
    pub(super) fn before(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            cloud: address.trim_start_matches("http://").to_owned(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if serving.state.lock().unwrap().over {
                    return;
                }
                let (client, shared) = (client.unwrap(), Arc::clone(&serving));
                // What a broken connection says is of no interest: breaking it is the aim.
                std::thread::spawn(move || shared.serve(client));
            }
        });
        Self {
            address: format!("http://{own}"),
            shared,
        }
    }

    /// Its address, such as `http://127.0.0.1:4000`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Lets a call go wrong: the nth of an action from now on, counted from 1, or all with 0.
    pub(super) fn order(&self, action: &str, nth: usize, fault: Fault) {
        let action = action.to_owned();
        let order = Order {
            action,
            nth,
            fault,
            is_over: false,
        };
        self.shared.state.lock().unwrap().orders.push(order);
    }

    /// Lets every call of an action be refused, in these words of XML, which are written
    /// over like those of any answer.
    pub(super) fn refuse(&self, action: &str, body: &str) {
        let mut state = self.shared.state.lock().unwrap();
        state.refusal = Some((action.to_owned(), body.to_owned()));
    }

    /// Writes something over in every answer from now on.
    pub(super) fn rewrite(&self, from: &str, to: &str) {
        let mut state = self.shared.state.lock().unwrap();
        state.rewrites.push((from.to_owned(), to.to_owned()));
    }

    /// Takes back what was ordered and did not happen.
    pub(super) fn no_faults(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.orders.clear();
        state.refusal = None;
    }

    /// The actions that were asked for since the last look, in their order.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.state.lock().unwrap().calls)
    }

    /// Waits until a call is held.
    #[track_caller]
    pub(super) fn holds(&self) {
        let state = self.shared.state.lock().unwrap();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, |state| state.held == 0);
        let (state, _) = waited.unwrap();
        assert!(state.held > 0, "no call came that was to be held");
    }

    /// Lets go of every call that is held: its connections close.
    pub(super) fn release(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.held = 0;
        state.releases += 1;
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().over = true;
        self.release();
        // Wakes the thread that waits for a client; without it only a thread is left.
        drop(TcpStream::connect(
            self.address.trim_start_matches("http://"),
        ));
    }
}

impl Shared {
    /// Passes the requests of one connection on until it ends, by itself or by a fault.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut incoming = BufReader::new(client.try_clone()?);
        while let Some(request) = Message::read(&mut incoming)? {
            match self.note(&request.action()) {
                None => client.write_all(&self.ask(&request)?.bytes)?,
                Some(Fault::Asking(pass, then)) => {
                    return self.break_request(&request, (pass, then), &client);
                }
                Some(Fault::Answering(pass, then)) => {
                    let answer = self.ask(&request)?;
                    client.write_all(pass.of(&answer.bytes))?;
                    return self.end(then, &[&client]);
                }
                Some(Fault::Instead(reply)) => return say(reply, &mut client),
                Some(Fault::Afterwards(reply)) => {
                    self.ask(&request)?;
                    return say(reply, &mut client);
                }
                Some(Fault::Shorter) => client.write_all(&self.ask(&request)?.shorter())?,
                Some(Fault::Twice) => {
                    self.ask(&request)?;
                    client.write_all(&self.ask(&request)?.bytes)?;
                }
                Some(Fault::Late) => {
                    let answer = self.ask(&request)?;
                    std::thread::sleep(LATE);
                    client.write_all(&answer.bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Notes a call, and gives the fault that was ordered for it.
    fn note(&self, action: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(action.to_owned());
        let mut ready = None;
        for order in state.orders.iter_mut().filter(|one| one.action == action) {
            if order.nth <= 1 {
                ready = ready.or(Some(order.fault));
            }
            // What has happened once must not happen again, and what happens always does.
            order.is_over = order.nth == 1;
            order.nth = order.nth.saturating_sub(1);
        }
        state.orders.retain(|order| !order.is_over);
        ready
    }

    /// The cloud's answer, over a connection of its own.
    fn ask(&self, request: &Message) -> io::Result<Message> {
        if let Some(refused) = self.refused(request) {
            return Ok(refused);
        }
        let mut cloud = TcpStream::connect(&self.cloud)?;
        cloud.set_nodelay(true)?;
        cloud.write_all(&request.bytes)?;
        let answer = Message::read(&mut BufReader::new(cloud))?;
        let answer = answer.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(answer.rewritten(&self.state.lock().unwrap().rewrites))
    }

    fn refused(&self, request: &Message) -> Option<Message> {
        let state = self.state.lock().unwrap();
        let (action, body) = state.refusal.as_ref()?;
        let refusal = answer("403 Forbidden", "text/xml", body.as_bytes());
        let refusal = Message::read(&mut refusal.as_slice()).unwrap().unwrap();
        (request.action() == *action).then(|| refusal.rewritten(&state.rewrites))
    }

    fn break_request(
        &self,
        request: &Message,
        (pass, then): (Pass, Then),
        client: &TcpStream,
    ) -> io::Result<()> {
        let mut cloud = TcpStream::connect(&self.cloud)?;
        cloud.set_nodelay(true)?;
        cloud.write_all(pass.of(&request.bytes))?;
        if pass == Pass::Everything {
            // The cloud has done what it was asked once it has answered.
            Message::read(&mut BufReader::new(&cloud))?;
        }
        self.end(then, &[client, &cloud])
    }

    /// Ends connections; those that are held end when the proxy is told so.
    fn end(&self, then: Then, streams: &[&TcpStream]) -> io::Result<()> {
        match then {
            Then::Close => {}
            Then::Reset => {
                for stream in streams {
                    reset_when_closed(stream)?;
                }
            }
            Then::Hold => {
                let mut state = self.state.lock().unwrap();
                state.held += 1;
                self.changed.notify_all();
                let now = state.releases;
                let over = |state: &mut State| state.releases == now && !state.over;
                drop(self.changed.wait_while(state, over).unwrap());
            }
        }
        Ok(())
    }
}

fn say(reply: Reply, client: &mut TcpStream) -> io::Result<()> {
    client.write_all(&reply.bytes())
}

/// Makes closing the socket a reset: the standard library cannot, and tokio can.
fn reset_when_closed(stream: &TcpStream) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _inside = runtime.enter();
    let stream = stream.try_clone()?;
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)?.set_zero_linger()
}
