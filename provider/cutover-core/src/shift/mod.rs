//! Moving live traffic from old to new, step by step, with proof at every step.
//!
//! | Module | Subject |
//! | --- | --- |
//! | [`spec`] | what is wished for, before and after it is checked |
//! | [`check`](mod@check) | refuses what cannot be kept, with property paths |
//! | [`preflight`] | refuses what surrounds it, before anything is written |
//! | [`problem`] | problems with their numbers and places |
//! | [`plan`](mod@plan) | the steps and when they happen |
//! | [`lint`](mod@lint) | looks at a plan that it did not make |
//! | [`render`] | a plan as text for people |
//! | [`forecast`] | what a plan costs, and what its bakes can tell |
//! | [`break_glass`] | the way back without this program, as one line |
//! | [`gates`] | what is watched, and the limits of the runbooks |
//! | [`assess`](mod@assess) | what the measurements say about the gates |
//! | [`compare`](mod@compare) | new against old, and what a bake can tell |
//! | [`records`], [`rules`] | the two routers, as they are read and changed |
//! | [`locks`] | the journal of a listener rule where a condition protects it |
//! | [`sources`] | where measurements and conditions come from |
//! | [`facts`] | what a shift asks for and is told |
//! | [`journal`] | what is kept in DNS beside the weights |
//! | [`events`] | what happened, for people |
//! | [`notice`] | events as messages and figures |
//! | [`budget`] | how many requests may be made, and which changes wait for each other |
//! | [`machine`] | what is next |
//! | [`operate`] | what a person is told who looks from outside |
//! | [`simulate`](mod@simulate) | what the gates would have said about the past |
//!
//! What always holds: no change makes both weights zero; after it is decided to go back no change raises the share; the
//! shares that the router sees are those of the plan, in order, and then zero; all names and types move together; what
//! nobody could judge is not credited to a bake.

pub mod assess;
pub mod break_glass;
pub mod budget;
pub mod check;
pub mod compare;
pub mod events;
pub mod facts;
pub mod forecast;
pub mod gates;
pub mod journal;
pub mod lint;
pub mod locks;
pub mod machine;
pub mod notice;
pub mod operate;
pub mod plan;
pub mod preflight;
pub mod problem;
pub mod records;
pub mod render;
pub mod rules;
pub mod simulate;
pub mod sources;
pub mod spec;
mod stats;

#[cfg(test)]
mod given;
