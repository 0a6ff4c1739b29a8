//! `serve`: the UI and the API.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use steward_capabilities::Context;
use steward_server::{Loader, State};

use crate::failure::{Failure, Outcome};
use crate::output;
use crate::workspace::{self, Definitions, FolderLoader};

/// `steward serve`. Definitions with errors are served too: the pages say what is wrong.
pub async fn serve(folder: &Path, listen: SocketAddr, hosts: &[String]) -> Result<Outcome, Failure> {
    let listener = steward_server::bind(listen).await?;
    let context = workspace::context(folder, Definitions::read(folder)?.project).await?;
    answer(listener, &context, hosts).await
}

/// Serves a context on a listener until SIGTERM or Ctrl-C, then lets running requests finish.
pub async fn answer(
    listener: tokio::net::TcpListener,
    context: &Context,
    hosts: &[String],
) -> Result<Outcome, Failure> {
    let address = listener
        .local_addr()
        .map_err(|e| Failure::world(format!("cannot tell the address: {e}")))?;
    let loader = Arc::new(FolderLoader::of(context));
    let loaded = loader.load().await.map_err(Failure::world)?;
    let state = State::new(loaded, loader).with_hosts(hosts);
    if !address.ip().is_loopback() {
        eprintln!(
            "{} {address} can be reached from other machines and there is no log-in yet; put an authenticating proxy before it",
            output::yellow("warning:")
        );
    }
    output::text_line(&format!("listening on http://{address}"))?;
    steward_server::serve(listener, state, shutdown()).await?;
    context.ledger.clone().close().await;
    Ok(Outcome::Done)
}

async fn shutdown() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
