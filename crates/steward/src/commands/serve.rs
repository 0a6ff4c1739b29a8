//! `serve`: the UI and the API.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use steward_capabilities::Context;
use steward_server::{Loader, State};

use crate::failure::{Failure, Outcome};
use crate::output;
use crate::workspace::{self, Definitions, FolderLoader};

/// Longest that running requests are waited for after SIGTERM.
const GRACE: Duration = Duration::from_secs(30);

/// `steward serve`. Definitions with errors are served too: the pages say what is wrong.
pub async fn serve(
    folder: &Path,
    listen: SocketAddr,
    hosts: &[String],
    allow_reset: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    let listener = steward_server::bind(listen).await?;
    let context = workspace::context(folder, Definitions::read(folder)?.project).await?;
    answer(listener, &context, hosts, allow_reset, json.then(|| json!({}))).await
}

/// Serves a context on a listener until SIGTERM or Ctrl-C, then lets running requests finish. Says when it is ready: in
/// a line, or by printing `document` with the address in it.
pub async fn answer(
    listener: tokio::net::TcpListener,
    context: &Context,
    hosts: &[String],
    allow_reset: bool,
    document: Option<Value>,
) -> Result<Outcome, Failure> {
    let address = listener
        .local_addr()
        .map_err(|e| Failure::world(format!("cannot tell the address: {e}")))?;
    let loader = Arc::new(FolderLoader::of(context));
    let loaded = loader.load().await.map_err(Failure::world)?;
    let state = State::new(loaded, loader).with_hosts(hosts).with_reset(allow_reset);
    if allow_reset {
        eprintln!(
            "{} whoever reaches this server can empty what runs logged and what was registered (--allow-reset)",
            output::yellow("warning:")
        );
    }
    if !address.ip().is_loopback() {
        eprintln!(
            "{} {address} can be reached from other machines and there is no log-in yet; put an authenticating proxy before it",
            output::yellow("warning:")
        );
    }
    let shutdown = shutdown()?;
    match document {
        None => output::text_line(&format!("listening on http://{address}"))?,
        Some(mut document) => {
            document["listening"] = format!("http://{address}").into();
            output::json(&document)?;
        }
    }
    let (asked, ending) = tokio::sync::oneshot::channel();
    let signal = async move {
        shutdown.await;
        // Nobody listens only when serving has ended already.
        let _ = asked.send(());
    };
    let patience = async {
        match ending.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = steward_server::serve(listener, state, signal) => served?,
        () = patience => eprintln!(
            "{} some requests did not end within {} s and were cut off",
            output::yellow("warning:"),
            GRACE.as_secs()
        ),
    }
    context.tracking.close().await;
    context.ledger.clone().close().await;
    Ok(Outcome::Done)
}

/// Resolves on SIGTERM or Ctrl-C. The signals are taken from the call on, not from the first poll: whoever reads that
/// the server is ready may end it at once.
fn shutdown() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let fail = |e: std::io::Error| Failure::world(format!("cannot take signals: {e}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c().map_err(fail)?;
        Ok(async move {
            interrupt.recv().await;
        })
    }
}
