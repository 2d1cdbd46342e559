//! What a client sees on the wire, asked by a client that hides nothing.

mod bitbucket_cloud;
mod bitbucket_data_center;
mod client;
mod control;
mod faults;
mod gerrit;
mod gitea;
mod gitlab;
mod oauth;
mod providers;
mod record;
mod repositories;
mod sign_in;
mod stage;
mod user;
