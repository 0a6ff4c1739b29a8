//! What is asked of the demo.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// The demo.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder of the demo project; data lie in it, truths beside it.
    #[arg(long, default_value = "larkspur", value_name = "DIR")]
    pub dir: PathBuf,
    /// Seed of every draw.
    #[arg(long, default_value_t = 20_260_101)]
    pub seed: u64,
    /// Size of the company: 1 is 60,000 users.
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8111", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Make and evaluate, but do not serve.
    #[arg(long)]
    pub no_serve: bool,
}
