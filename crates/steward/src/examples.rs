//! Examples under `--help` of commands that do not bring their own.

use clap::Command;

/// Path of a command, and calls worth trying.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("schema", &["steward schema --out .steward/schemas"]),
    ("metric list", &["steward metric list", "steward metric list --json"]),
    ("dataset list", &["steward dataset list"]),
    ("dataset history", &["steward dataset history orders"]),
    ("experiment list", &["steward experiment list"]),
    ("flag list", &["steward flag list", "steward flag list --json"]),
    ("flag show", &["steward flag show checkout"]),
    ("flag stale", &["steward flag stale"]),
    (
        "objective status",
        &[
            "steward objective status",
            "steward objective status grow_profitably --as-of 2025-11-01",
        ],
    ),
    ("bet list", &["steward bet list", "steward bet list --json"]),
    ("bet show", &["steward bet show checkout_lifts_orders"]),
    (
        "bet freeze",
        &["steward bet freeze checkout_lifts_orders --reason 'the case is sound' --as mara"],
    ),
    (
        "value realised",
        &["steward value realised", "steward value realised --json"],
    ),
    (
        "value calibration",
        &["steward value calibration", "steward value calibration --as tomas"],
    ),
    ("value progress", &["steward value progress grow_profitably"]),
    ("portfolio priorities", &["steward portfolio priorities"]),
    (
        "portfolio scenario",
        &["steward portfolio scenario", "steward portfolio scenario --redraws 500"],
    ),
    (
        "decisions",
        &[
            "steward decisions",
            "steward decisions --about experiment/checkout --as-of 2025-09-01",
        ],
    ),
    ("waiting", &["steward waiting", "steward waiting --json"]),
    ("why", &["steward why 3f2a9c01"]),
    (
        "lineage",
        &[
            "steward lineage metric/revenue",
            "steward lineage --json > lineage.json",
        ],
    ),
    ("report list", &["steward report list"]),
    (
        "report build",
        &[
            "steward report build monthly_business_review",
            "steward report build monthly_business_review --out pack.html",
        ],
    ),
    ("bill show", &["steward bill show", "steward bill show cloud --json"]),
    ("bill models", &["steward bill models"]),
    ("bill anomalies", &["steward bill anomalies"]),
    (
        "budget status",
        &["steward budget status", "steward budget status cloud_2025"],
    ),
    ("contract list", &["steward contract list"]),
    ("contract calendar", &["steward contract calendar --out contracts.ics"]),
    ("team status", &["steward team status"]),
    ("team review", &["steward team review ines --since 2025-07-01"]),
    ("question list", &["steward question list"]),
    ("question answer", &["steward question answer why_churn_rose"]),
    (
        "ledger log",
        &[
            "steward ledger log",
            "steward ledger log --about experiment/checkout --last 10",
        ],
    ),
    (
        "ledger erase",
        &["steward ledger erase 17 --reason 'asked to be forgotten' --as mara"],
    ),
    ("ledger rebuild", &["steward ledger rebuild"]),
    ("serve", &["steward serve", "steward serve --listen 127.0.0.1:9000"]),
    (
        "demo",
        &[
            "steward demo",
            "steward demo --dir /tmp/larkspur --scale 0.05 --no-serve",
        ],
    ),
    (
        "completions",
        &["steward completions bash > ~/.local/share/bash-completion/completions/steward"],
    ),
];

/// The command with examples on every subcommand.
pub fn with(command: Command) -> Command {
    under(command, "")
}

fn under(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path} {name}")
        };
        command.mut_subcommand(name, |sub| under(sub, &path))
    });
    let found = EXAMPLES.iter().find(|(of, _)| *of == path);
    match found {
        Some((_, calls)) if command.get_after_help().is_none() => {
            let title = if calls.len() == 1 { "Example" } else { "Examples" };
            let text = calls
                .iter()
                .fold(format!("{title}:"), |text, call| format!("{text}\n  {call}"));
            command.after_help(text)
        }
        _ => command,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn leaves(command: &Command, path: &str, found: &mut Vec<(String, String)>) {
        let subs: Vec<&Command> = command.get_subcommands().collect();
        for sub in &subs {
            leaves(sub, &format!("{path} {}", sub.get_name()), found);
        }
        if subs.is_empty() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            found.push((path.trim().to_owned(), help));
        }
    }

    #[test]
    fn every_command_shows_an_example_of_itself() {
        let mut found = Vec::new();
        leaves(&with(Cli::command()), "", &mut found);
        assert!(found.len() > 20, "{found:?}");
        for (path, help) in &found {
            let call = format!("steward {path}");
            assert!(help.contains("Example") && help.contains(&call), "{path}: {help:?}");
        }
        for (path, _) in EXAMPLES {
            assert!(found.iter().any(|(p, _)| p == path), "{path} is no command");
        }
    }

    /// Fails unless a line as typed into a shell is a call that parses.
    fn parses(place: &str, line: &str) {
        let call = line.split(['>', '#', '|']).next().unwrap_or_default();
        let mut words = vec!["steward".to_owned()];
        let mut quote = None;
        let mut word = String::new();
        for c in call.chars() {
            match (quote, c) {
                (Some(q), c) if c == q => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, ' ') => words.push(std::mem::take(&mut word)),
                _ => word.push(c),
            }
        }
        words.push(word);
        words.retain(|w| !w.is_empty());
        let read = Cli::command().try_get_matches_from(&words);
        assert!(read.is_ok(), "{place}: {line}: {:?}", read.err());
    }

    #[test]
    fn every_example_is_a_call_that_parses() {
        let mut found = Vec::new();
        leaves(&with(Cli::command()), "", &mut found);
        for (path, help) in found {
            for line in help.lines().filter_map(|l| l.trim().strip_prefix("steward ")) {
                parses(&path, line);
            }
        }
    }

    #[test]
    fn every_call_in_the_guide_parses() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let guide = std::fs::read_dir(root.join("docs/guide"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut seen = 0;
        for file in guide.chain([root.join("README.md")]) {
            let place = file.display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            for line in text.lines() {
                let call = line
                    .strip_prefix("$ steward ")
                    .or_else(|| line.strip_prefix("    steward "));
                if let Some(call) = call {
                    parses(&place, call);
                    seen += 1;
                }
            }
        }
        assert!(seen > 30, "only {seen} calls were found");
    }
}
