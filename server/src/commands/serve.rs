//! `patchbay serve`.

use super::{Failure, say};
use crate::{config::Config, open, router};
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use leptos::prelude::{Env, LeptosOptions};
use secrecy::ExposeSecret as _;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

/// How long answers and checks that are under way may take after the server was told to stop. A check is a few requests of up to ten
/// seconds each; one that takes longer still is cut off, and made again when its lease has run out.
const FAREWELL: Duration = Duration::from_secs(40);

/// Serves until told to stop.
pub(crate) async fn run(config: &Config) -> Result<(), Failure> {
    let services = open::services(config).await?;
    let follow = match &config.audit_log {
        Some(sink) => Some(services.follow_audit(sink.clone()).await?),
        None => None,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(|reason| {
        format!(
            "cannot listen on {}: {reason}. Choose another address with --listen.",
            config.listen
        )
    })?;
    let address = listener.local_addr()?;
    let options = site(config, address)?;
    let app = router::router(services.clone(), config, options);

    if let Some(code) = services.access.issue_set_up_link().await? {
        // The one secret that is printed: without it nobody could come in, and it opens nothing once used.
        say(&format!(
            "\nPatchbay is not set up yet. Open this link, which works once, to make the first account:\n\n    {}setup/{}\n",
            config.public_url,
            code.expose_secret()
        ));
    }
    say(&format!("Patchbay serves {}", config.public_url));

    let service: IntoMakeServiceWithConnectInfo<_, SocketAddr> = app.into_make_service_with_connect_info();
    let (told, mut stop) = watch::channel(false);
    let mut background = JoinSet::new();
    let (sweep, sweep_stop) = (services.sweep.clone(), stop.clone());
    background.spawn(async move { sweep.run(sweep_stop).await });
    background.spawn(services.rotation.clone().run(stop.clone()));
    background.spawn(services.refresh.clone().run(stop.clone()));
    background.spawn(services.oauth.clone().run(stop.clone()));
    background.spawn(services.expiring.clone().run(stop.clone()));
    let follow = follow.map(|follow| tokio::spawn(follow.run(stop.clone())));
    background.spawn(services.notices.clone().run(stop.clone()));
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        wait_for_signal().await;
        tracing::info!("stopping: no new requests or checks, those under way are finished");
        told.send_replace(true);
    });
    let all = async {
        server.await?;
        while background.join_next().await.is_some() {}
        Ok::<_, std::io::Error>(())
    };
    tokio::select! {
        ended = all => ended?,
        () = async { let _ = stop.wait_for(|told| *told).await; tokio::time::sleep(FAREWELL).await } => {
            tracing::warn!("stopped with work unfinished after {} s", FAREWELL.as_secs());
        }
    }
    if let Some(follow) = follow {
        // What was recorded while the last requests were answered.
        follow.await?.write().await?;
    }
    services.close().await?;
    Ok(())
}

/// The folder of the browser's half, as Leptos wants it: names with the hashes that stand in `hash.txt` beside the binary.
fn site(config: &Config, address: SocketAddr) -> Result<LeptosOptions, Failure> {
    if !config.site_dir.join("pkg").is_dir() {
        return Err(format!(
            "the browser's half is not in {}: build it with `make build`, or name its folder with --site-dir.",
            config.site_dir.display()
        )
        .into());
    }
    // `cargo leptos watch` builds without hashes, since they break reloading.
    let has_hashes = std::env::current_exe()?.with_file_name("hash.txt").exists();
    Ok(LeptosOptions::builder()
        .output_name("patchbay")
        .site_root(config.site_dir.to_string_lossy())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .hash_files(has_hashes)
        .env(if std::env::var_os("LEPTOS_WATCH").is_some() {
            Env::DEV
        } else {
            Env::PROD
        })
        .build())
}

/// Waits for SIGTERM or SIGINT.
async fn wait_for_signal() {
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
        }
        _ => std::future::pending().await,
    }
}
