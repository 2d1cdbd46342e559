//! Runs the forge as a program of its own, for the browser tests and the demo.

use std::net::SocketAddr;

use clap::Parser;
use forge::Forge;

/// A stand-in for GitHub, GitLab, Bitbucket, Gitea, Forgejo and Gerrit: each at the paths of its API, GitHub also with its
/// web under `/`, and tests in charge under `/_control`.
///
/// Everything is in memory and gone when it ends. Do not put a real password or token in it.
#[derive(Debug, Parser)]
#[command(name = "forge", version)]
struct Arguments {
    /// Where to listen. Port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:4000",
        env = "FORGE_LISTEN"
    )]
    listen: SocketAddr,
    /// What the links in its answers begin with, when browsers and clients reach it under another address.
    #[arg(long, value_name = "URL", env = "FORGE_PUBLIC_URL")]
    public_url: Option<String>,
}

#[tokio::main]
#[expect(
    clippy::print_stdout,
    reason = "the line that tells a test runner that the forge is ready, and where"
)]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let forge = Forge::start_at(arguments.listen, arguments.public_url.as_deref()).await?;
    println!("forge listens on {} ({})", forge.address(), forge.url());
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal,
        () = forge.run() => Ok(()),
    }
}
