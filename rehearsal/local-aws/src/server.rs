//! Connections: who is let in, and how all of it ends.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_driver::Clock;
use cutover_sim::cloud::Cloud;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::endpoint;

/// How long an answer may take to be taken by the client after the stop: ours, far more than loopback takes.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait after a connection could not be accepted, which is when the process has too many files open: ours.
const PAUSE: Duration = Duration::from_millis(100);

/// How an endpoint behaves beyond the rules of the cloud.
#[derive(Clone, Default)]
pub struct Options {
    /// The port; 0 for one that is free.
    pub port: u16,
    /// The access keys that are known; `None`: any is.
    pub access_keys: Option<BTreeSet<String>>,
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.access_keys.as_ref().map(BTreeSet::len);
        out.debug_struct("Options")
            .field("port", &self.port)
            .field("access_keys", &keys)
            .finish()
    }
}

/// AWS's endpoints on loopback. When it is dropped its connections end; [`LocalAws::stop`] waits for that.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    account: Arc<Account>,
    running: JoinHandle<()>,
    stop: DropGuard,
}

/// What every connection reaches.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    cloud: Mutex<Cloud>,
    requests: AtomicU64,
    under_way: AtomicUsize,
    stop: CancellationToken,
}

/// Counts a call for as long as it is under way.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Account {
    /// Names a request. The names count, so that two runs of the same calls have the same.
    pub(crate) fn next_request_id(&self) -> String {
        let serial = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("10ca1a35-0000-4000-8000-{serial:012x}")
    }

    /// Counts a call until the guard is dropped.
    pub(crate) fn enter(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }

    /// Waits for something, but not beyond the end; `None` when that came first.
    pub(crate) async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        // Safe to drop: the call has not begun to take effect while it waits.
        self.stop.run_until_cancelled(wait).await
    }

    pub(crate) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalAws {
    /// Begins to answer on a port of `127.0.0.1`.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(cloud: Cloud, clock: Arc<dyn Clock>, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let account = Arc::new(Account {
            clock,
            options,
            cloud: Mutex::new(cloud),
            requests: AtomicU64::new(1),
            under_way: AtomicUsize::new(0),
            stop: stop.clone(),
        });
        let running = tokio::spawn(accept(listener, Arc::clone(&account)));
        Ok(Self {
            address,
            account,
            running,
            stop: stop.drop_guard(),
        })
    }

    /// Returns the address of every service.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives access to the cloud. Calls wait while it is held, so it must not be held across an await.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.account.cloud()
    }

    /// Returns how many calls have arrived and are not answered yet.
    pub fn calls_under_way(&self) -> usize {
        self.account.under_way.load(Ordering::Relaxed)
    }

    /// Answers what is being served, lets go of what hangs, and ends.
    pub async fn stop(self) {
        drop(self.stop);
        // A panic in there was a bug that a call has already reported by its connection's end.
        let _ = self.running.await;
    }
}

async fn accept(listener: TcpListener, account: Arc<Account>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Safe to drop: nobody is connected by an `accept` that has not returned.
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&account)));
                }
                Err(_) => account.clock.sleep_until(account.clock.now().after(PAUSE)).await,
            },
            // Safe to drop: what has ended is told of again.
            Some(_) = connections.join_next() => {}
            () = account.stop.cancelled() => break,
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, drained).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve(stream: TcpStream, account: Arc<Account>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let account = Arc::clone(&account);
        async move { endpoint::answer(request, &account).await }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    // An error here is a client that went away, or an answer that was lost on script.
    tokio::select! {
        _ = connection.as_mut() => {}
        // Safe: the connection is not dropped but asked to end after what is under way.
        () = account.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
