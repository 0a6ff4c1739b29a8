//! Makes Larkspur and prints time and size: `generate DIR [SCALE [SEED [THREADS]]]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use steward_demo::{World, generate};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(dir) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: generate DIR [SCALE [SEED [THREADS]]]");
        return ExitCode::from(2);
    };
    let mut world = World::default();
    if let Some(scale) = arguments.next().and_then(|a| a.parse().ok()) {
        world.scale = scale;
    }
    if let Some(seed) = arguments.next().and_then(|a| a.parse().ok()) {
        world.seed = seed;
    }
    if let Some(threads) = arguments.next().and_then(|a| a.parse().ok()) {
        world.threads = threads;
    }
    let start = Instant::now();
    let made = generate(&world, &dir.join("data"), &dir.join("truth"), &|p| {
        eprintln!("{:>3}/{} {}", p.done, p.total, p.stage);
    });
    let summary = match made {
        Ok(summary) => summary,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(3);
        }
    };
    for table in &summary.tables {
        println!("{:<40} {:>10} rows {:>12} bytes", table.name, table.rows, table.bytes);
    }
    for (stage, time) in &summary.stages {
        println!("{stage:<20} {:.3} s", time.as_secs_f64());
    }
    println!("{:<20} {:.3} s", "all", start.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
