//! An account of AWS for one test: moto's IAM and STS, behind a gate that notes every call.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::pulumi::{root, until};

/// The account of everybody whom moto does not know.
pub(crate) const ID: &str = "123456789012";

/// Longer than it takes to start a program and its plugin.
const CALL_MAX: Duration = Duration::from_mins(1);

/// The account. It ends with the test.
pub(crate) struct Account {
    moto: Child,
    server: SocketAddr,
    gate: SocketAddr,
    notes: Arc<Notes>,
}

/// What the gate knows.
#[derive(Default)]
struct Notes {
    calls: Mutex<Vec<String>>,
    /// The call whose answers are held back.
    held: Mutex<Option<String>>,
    released: Condvar,
    /// Whether the roles are shown as ones that have existed for long.
    aged: AtomicBool,
}

impl Account {
    pub(crate) fn open() -> Self {
        let (moto, server) = start_moto();
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let gate = listener.local_addr().expect("it is bound");
        let notes = Arc::new(Notes::default());
        let shared = Arc::clone(&notes);
        // It waits for callers until the process of the tests ends.
        thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                let notes = Arc::clone(&shared);
                thread::spawn(move || notes.pass(caller, server));
            }
        });
        Self {
            moto,
            server,
            gate,
            notes,
        }
    }

    /// Where the calls are to be sent.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.gate)
    }

    /// Returns the calls that were answered so far: each as its action and the role that it is about.
    pub(crate) fn calls(&self) -> Vec<String> {
        lock(&self.notes.calls).clone()
    }

    /// Returns the calls so far that have changed something.
    pub(crate) fn changes(&self) -> Vec<String> {
        let mut calls = self.calls();
        // The session of an assumed role is no change of the account.
        calls.retain(|call| {
            !["Get", "List", "AssumeRole"]
                .iter()
                .any(|verb| call.starts_with(verb))
        });
        calls
    }

    /// Waits until a call was answered so many times.
    #[track_caller]
    pub(crate) fn has_answered(&self, call: &str, times: usize) {
        until(CALL_MAX, call, || {
            let count = self.calls().iter().filter(|made| *made == call).count();
            (count >= times).then_some(())
        });
    }

    /// From now on a call takes effect and its answer stays away.
    pub(crate) fn hold(&self, call: &str) {
        *lock(&self.notes.held) = Some(call.to_owned());
    }

    /// Lets all answers through.
    pub(crate) fn release(&self) {
        *lock(&self.notes.held) = None;
        self.notes.released.notify_all();
    }

    /// Asks IAM beside the gate and returns its answer, as XML.
    pub(crate) fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        self.ask_in(ID, action, parameters)
    }

    /// Does the same in any account that can be reached from this one.
    pub(crate) fn ask_in(&self, id: &str, action: &str, parameters: &[(&str, &str)]) -> String {
        let parameters = parameters
            .iter()
            .map(|(name, value)| format!("&{name}={}", escaped(value)));
        let body = format!(
            "Action={action}&Version=2010-05-08{}",
            parameters.collect::<String>()
        );
        // The signature's scope is how moto knows which service is meant; it looks at nothing else of it.
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/iam/aws4_request, \
             SignedHeaders=host, Signature=0\r\nX-Moto-Account-Id: {id}\r\nContent-Length: {}\r\n\r\n{body}",
            self.server,
            body.len()
        );
        let answer = exchange(self.server, request.as_bytes()).expect("moto answers");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Makes a role by hand, with one of the policies that AWS manages, which a service may assume.
    pub(crate) fn add_role(&self, id: &str, name: &str, policy: &str, service: &str) {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let policy = format!("arn:aws:iam::aws:policy/service-role/{policy}");
        let role = ("RoleName", name);
        let made = self.ask_in(
            id,
            "CreateRole",
            &[role, ("AssumeRolePolicyDocument", &trust)],
        );
        assert!(made.contains("<Arn>"), "{made}");
        let attached = self.ask_in(id, "AttachRolePolicy", &[role, ("PolicyArn", &policy)]);
        assert!(!attached.contains("<Error>"), "{attached}");
    }

    /// Shows all roles as if they had existed for long, so that nobody waits for them to settle.
    pub(crate) fn is_old(&self) {
        self.notes.aged.store(true, Ordering::Relaxed);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.release();
        let _ = self.moto.kill();
        let _ = self.moto.wait();
    }
}

impl Notes {
    /// Passes one call on, notes it once it has taken effect, and then its answer, unless that is held back.
    fn pass(&self, mut caller: TcpStream, server: SocketAddr) {
        let Some(request) = read_request(&mut caller) else {
            return;
        };
        let Some(mut answer) = exchange(server, &request) else {
            return;
        };
        if self.aged.load(Ordering::Relaxed) {
            age(&mut answer);
        }
        let call = name_of(&request);
        lock(&self.calls).push(call.clone());
        let mut held = lock(&self.held);
        while held.as_ref() == Some(&call) {
            held = self
                .released
                .wait(held)
                .expect("nobody panics with the lock");
        }
        drop(held);
        // Whoever has called may be gone.
        let _ = caller.write_all(&answer);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with the lock")
}

/// Reads one request; the one after it gets a connection of its own.
fn read_request(caller: &mut TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(caller);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let end = line.trim().is_empty();
        if end {
            head.push_str("Connection: close\r\n");
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some((name, _)) if name.eq_ignore_ascii_case("connection") => continue,
            _ => {}
        }
        head.push_str(&line);
        if end {
            break;
        }
    }
    let mut request = head.into_bytes();
    let head = request.len();
    request.resize(head + length, 0);
    reader.read_exact(request.get_mut(head..)?).ok()?;
    Some(request)
}

/// Sends a request and returns everything that comes back until the server closes the connection.
fn exchange(server: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut connection = TcpStream::connect(server).ok()?;
    connection.write_all(request).ok()?;
    let mut answer = vec![];
    connection.read_to_end(&mut answer).ok()?;
    Some(answer)
}

/// Moves the date of making in an answer to an earlier century, which leaves the answer as long as it was.
fn age(answer: &mut [u8]) {
    const DATE: &[u8] = b"<CreateDate>";
    let date = answer
        .windows(DATE.len())
        .position(|window| window == DATE)
        .map(|start| start + DATE.len());
    if let Some(century) = date.and_then(|start| answer.get_mut(start..start + 2)) {
        century.copy_from_slice(b"19");
    }
}

/// Says what a request asks for: its action, and the role it is about.
fn name_of(request: &[u8]) -> String {
    let request = String::from_utf8_lossy(request);
    let (_, form) = request.rsplit_once("\r\n\r\n").unwrap_or_default();
    let field = |name: &str| {
        let mut fields = form.split('&').filter_map(|field| field.split_once('='));
        fields
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value)
    };
    let action = field("Action").unwrap_or("?");
    match field("RoleName") {
        Some(role) => format!("{action} {role}"),
        None => action.to_owned(),
    }
}

/// Writes a value as forms do.
fn escaped(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

fn start_moto() -> (Child, SocketAddr) {
    let said = Command::new(root().join("tools/moto"))
        .arg("--path")
        .output()
        .expect("`tools/moto` can be run");
    let program = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let mut moto = Command::new(&program)
        .args(["-H", "127.0.0.1", "-p", "0"])
        // Without it moto knows none of the policies that AWS manages.
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be started ({error}): run `make setup`"));
    let mut lines = BufReader::new(moto.stderr.take().expect("it is a pipe")).lines();
    let server = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("Running on http://")?.1.trim().parse().ok())
        .expect("moto says where it listens");
    // Its log is read on, since it would wait at a full pipe.
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    (moto, server)
}
