//! What more than one page uses.

pub(crate) mod actions;
pub(crate) mod bits;
pub(crate) mod blocks;
pub(crate) mod copy;
pub(crate) mod form;
pub(crate) mod icon;
pub(crate) mod list;
pub(crate) mod notice;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod sheet;
pub(crate) mod shell;
pub(crate) mod theme_switch;
pub(crate) mod words;
