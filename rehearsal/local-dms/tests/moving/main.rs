//! Rows that really move, between real servers.

mod back;
mod broken;
mod following;
mod loading;
mod world;
