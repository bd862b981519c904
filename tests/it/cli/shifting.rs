//! Shifts of traffic under the real engine: a program in TypeScript, the plugin and the SDK as users install them, and
//! AWS on loopback, where traffic runs in real time.
//!
//! Plans are scaled down: metrics of high resolution in periods of a second, bakes of some seconds, a TTL of one. What is
//! claimed is read from the router's history, from the stack's state, and from what the CLI has printed.

mod names;
mod world;

mod alb;
mod back;
mod example;
mod killed;
mod owned;
mod walked;
