//! A server: starting, restarting, killing, stopping one, and what there is to know about it.

use std::fmt;
use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::process::{Account, Guardian, PATIENCE, Process, tail, until};
use crate::sql::{PASSWORD, SUPERUSER};
use crate::{Error, Options, Tls, mariadb, postgres, template};

/// How often another port is tried when a free one was taken by somebody else meanwhile: ours.
const PORTS: usize = 5;

/// What a server says when its port is taken.
const PORT_TAKEN: &str = "Address already in use";

/// What PostgreSQL says when the last processes of a killed server have not ended yet.
const STILL_ENDING: &str = "shared memory block";

/// A kind of server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        })
    }
}

/// What is there before any server is.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) program: PathBuf,
    pub(crate) template: PathBuf,
    pub(crate) account: Option<Account>,
}

/// Where a server is to run.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) data: &'a Path,
    pub(crate) port: u16,
    pub(crate) serial: u32,
    pub(crate) tls: Option<TlsFiles>,
}

/// The files that a server shows and proves its name with.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// A server that listens on `127.0.0.1`. When it is dropped it ends at once, and its folder is removed.
pub struct Server {
    engine: Engine,
    options: Options,
    prepared: Prepared,
    port: u16,
    serial: u32,
    authority: Option<String>,
    /// `None` while nothing runs.
    process: Mutex<Option<Process>>,
    // Dropped in this order, after the process: the guardian removes the folder, and otherwise the folder itself.
    guardian: Mutex<Guardian>,
    folder: TempDir,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server")
            .field("engine", &self.engine)
            .field("port", &self.port)
            .field("folder", &self.folder.path())
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts PostgreSQL and waits until it answers.
    ///
    /// # Errors
    /// When its programs are not installed, or it does not start.
    pub fn postgres(options: &Options) -> Result<Self, Error> {
        let prepared = postgres::prepare(options.other_version)?;
        Self::start(Engine::Postgres, options, prepared)
    }

    /// Starts MariaDB and waits until it answers.
    ///
    /// # Errors
    /// When its programs are not installed, or it does not start.
    pub fn mariadb(options: &Options) -> Result<Self, Error> {
        let prepared = mariadb::prepare(options.other_version)?;
        Self::start(Engine::MariaDb, options, prepared)
    }

    /// The PostgreSQL that all tests of this process share, each with a database of its own. It has a valid certificate.
    ///
    /// # Panics
    /// When there is none.
    pub fn shared_postgres() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| shared(Self::postgres(&Options::default().tls(Tls::Valid))))
    }

    /// The MariaDB that all tests of this process share, each with a database of its own. It has a valid certificate.
    ///
    /// # Panics
    /// When there is none.
    pub fn shared_mariadb() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| shared(Self::mariadb(&Options::default().tls(Tls::Valid))))
    }

    fn start(engine: Engine, options: &Options, prepared: Prepared) -> Result<Self, Error> {
        let certificates = Certificates::make(options.tls)?;
        let folder = template::open_folder(&std::env::temp_dir(), "cutover-db-")?;
        let guardian = Guardian::of(folder.path(), signal_at_once(engine).0)?;
        let mut server = Self {
            engine,
            options: options.clone(),
            prepared,
            port: 0,
            serial: mariadb::next_serial(),
            authority: certificates.as_ref().map(|made| made.authority.clone()),
            process: Mutex::default(),
            guardian: Mutex::new(guardian),
            folder,
        };
        server.furnish(certificates.as_ref())?;
        for _ in 1..PORTS {
            server.port = free_port()?;
            match server.run() {
                Err(Error::Ended { log, .. }) if log.contains(PORT_TAKEN) => {}
                other => return other.map(|()| server),
            }
        }
        server.port = free_port()?;
        server.run().map(|()| server)
    }

    /// Which kind of server this is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The host that it listens on.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port that it listens on, the same for as long as it lives.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of the account that may do everything.
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    /// The password of the account that may do everything. It opens nothing but servers like this one.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The certificate, as PEM, of the authority that a client must trust; `None` where nothing is encrypted.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The data folder.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The id of its process; `None` while nothing runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process().as_ref().map(Process::id)
    }

    /// Ends the server, if it runs, as its administrator would; starts it on the same data and port; and waits until it
    /// answers. Works after [`Server::stop`] and [`Server::kill`] too.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn restart(&self) -> Result<(), Error> {
        self.stop();
        self.run()
    }

    /// Ends the server as its administrator would: open connections are closed, everything is written.
    pub fn stop(&self) {
        let signal = match self.engine {
            Engine::Postgres => Signal::INT, // "fast": it does not wait for clients
            Engine::MariaDb => Signal::TERM,
        };
        if let Some(process) = self.process().take() {
            process.end(signal, &mut self.guardian());
        }
    }

    /// Ends the server in the middle of what it does, without asking. What it has confirmed is there again after
    /// [`Server::restart`].
    pub fn kill(&self) {
        if let Some(process) = self.process().take() {
            process.kill(&mut self.guardian());
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guardian(&self) -> MutexGuard<'_, Guardian> {
        self.guardian.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn tls_files(&self) -> Option<TlsFiles> {
        (self.options.tls != Tls::Off).then(|| TlsFiles {
            certificate: self.folder.path().join("server.crt"),
            key: self.folder.path().join("server.key"),
        })
    }

    /// Puts into the folder what a server needs to start.
    fn furnish(&self, certificates: Option<&Certificates>) -> Result<(), Error> {
        let data = self.data_folder();
        let account = self.prepared.account;
        template::copy(&self.prepared.template.join("data"), &data, account)?;
        if let (Some(made), Some(files)) = (certificates, self.tls_files()) {
            fs::write(&files.certificate, &made.server)
                .and_then(|()| fs::write(&files.key, &made.server_key))
                // PostgreSQL refuses a key that others can read.
                .and_then(|()| fs::set_permissions(&files.key, Permissions::from_mode(0o600)))
                .and_then(|()| template::give(&files.key, account))
                .map_err(Error::system("write a certificate"))?;
        }
        Ok(())
    }

    /// Starts the process and waits until it answers.
    fn run(&self) -> Result<(), Error> {
        let started = until(|| match self.attempt() {
            Err(Error::Ended { log, .. }) if log.contains(STILL_ENDING) => None,
            other => Some(other),
        });
        started.unwrap_or(Err(Error::Late {
            what: "the processes of a killed server have not ended",
            waited: PATIENCE,
        }))
    }

    fn attempt(&self) -> Result<(), Error> {
        let mut process = Process::start(self.command()?, &self.log(), &mut self.guardian())?;
        let mut last = None;
        let answered = until(|| match self.is_itself() {
            Ok(true) => Some(true),
            _ if process.has_ended() => Some(false),
            // Somebody else listens there, and so this one is about to end.
            Ok(false) => None,
            Err(error) => {
                last = Some(error);
                None
            }
        });
        if answered == Some(true) {
            *self.process() = Some(process);
            return Ok(());
        }
        process.kill(&mut self.guardian());
        let (engine, log) = (self.engine, tail(&self.log()));
        Err(match answered {
            Some(_) => Error::Ended { engine, log },
            None => Error::Silent {
                engine,
                waited: PATIENCE,
                log,
                source: last,
            },
        })
    }

    fn command(&self) -> Result<Command, Error> {
        let at = Launch {
            folder: self.folder.path(),
            data: &self.data_folder(),
            port: self.port,
            serial: self.serial,
            tls: self.tls_files(),
        };
        match self.engine {
            Engine::Postgres => Ok(postgres::launch(&self.prepared, &self.options, &at)),
            Engine::MariaDb => mariadb::launch(&self.prepared, &self.options, &at),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = self.process().take() {
            process.end(signal_at_once(self.engine).1, &mut self.guardian());
        }
    }
}

/// The signal that ends a server without writing what it would need only for the next start. After it PostgreSQL ends its
/// own processes, and frees what the system would keep.
fn signal_at_once(engine: Engine) -> (&'static str, Signal) {
    match engine {
        Engine::Postgres => ("QUIT", Signal::QUIT),
        Engine::MariaDb => ("KILL", Signal::KILL),
    }
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::system("find a free port"))
}

fn shared(server: Result<Server, Error>) -> Server {
    match server {
        Ok(server) => server,
        Err(error) => panic!("the tests have no server to share: {}", in_full(&error)),
    }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
