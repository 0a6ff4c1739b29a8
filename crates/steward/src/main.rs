//! The roof: the command line, and the wiring of definitions, engine, ledger and doors.

mod cli;
mod commands;
mod examples;
mod failure;
mod folder;
mod git;
mod output;
mod progress;
mod secrets;
mod workspace;

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = examples::with(cli::Cli::command()).get_matches();
    let cli = match cli::Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(e) => e.exit(),
    };
    let json = cli.json;
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("STEWARD_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return failure::Failure::world(format!("cannot start threads: {e}")).print(),
    };
    let code = match runtime.block_on(commands::run(cli)) {
        Ok(outcome) => outcome.into(),
        Err(failure) => failure.tell(json),
    };
    // Tasks that outlive their command hold nothing that matters: what was acknowledged is on disk.
    runtime.shutdown_background();
    code
}
