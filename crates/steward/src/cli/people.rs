//! What is asked of the team, its questions, requests and notes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Who;

/// About teams.
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// Skills, coverage and capacity over the next 26 weeks.
    Status {
        /// Team; all without.
        name: Option<String>,
        /// Weeks to look ahead; 2 plans a sprint against capacity.
        #[arg(long, default_value_t = 26, value_parser = clap::value_parser!(u32).range(1..=520))]
        weeks: u32,
    },
    /// What a person decided and answers for: facts for a review, no score.
    Review {
        /// Person.
        person: String,
        /// Only since a time (RFC 3339 or a date).
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
}

/// About questions.
#[derive(Debug, Subcommand)]
pub enum QuestionCommand {
    /// The queue: overdue first.
    List,
    /// Run the saved query of a question.
    Answer {
        /// Question.
        name: String,
    },
}

/// About intake.
#[derive(Debug, Subcommand)]
pub enum IntakeCommand {
    /// Write an initiative and its bet from a canvas; refused if `check` would find a problem.
    #[command(
        after_help = "Example:\n  steward intake new fewer_returns --problem 'One in five shoes comes back' --decision 'Whether sizes are advised' --metric returns --effort 4,8,14 --effect=-0.2,-0.1,-0.03 --kill 'No change after six weeks' --as mara"
    )]
    New {
        /// Name of the initiative.
        name: String,
        #[command(flatten)]
        canvas: CanvasArgs,
        #[command(flatten)]
        who: Who,
    },
    /// Show what a file of issues holds (Jira, Linear or GitHub; CSV or JSON), and write it as a table.
    #[command(
        after_help = "Fields: key, title, state, created, closed, initiative, link.\n\nExamples:\n  steward intake preview issues.json\n  steward intake preview jira.csv --map initiative='Epic Link' --out data/work_items.csv"
    )]
    Preview {
        /// File.
        file: PathBuf,
        /// Column of a field: FIELD=COLUMN.
        #[arg(long, value_name = "FIELD=COLUMN")]
        map: Vec<String>,
        /// Write the items as CSV.
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
}

/// A canvas.
#[derive(Debug, Args)]
pub struct CanvasArgs {
    /// Title; the name by default.
    #[arg(long)]
    pub title: Option<String>,
    /// The problem, in a sentence.
    #[arg(long)]
    pub problem: String,
    /// The decision that it changes.
    #[arg(long)]
    pub decision: String,
    /// The metric that would move.
    #[arg(long)]
    pub metric: String,
    /// Objective that it serves.
    #[arg(long)]
    pub objective: Vec<String>,
    /// Effort in person-weeks: 10th, 50th, 90th percentile.
    #[arg(long, value_delimiter = ',')]
    pub effort: Vec<f64>,
    /// Relative effect if it works: 10th, 50th, 90th percentile.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub effect: Vec<f64>,
    /// Probability that it works.
    #[arg(long, default_value_t = 0.3)]
    pub probability: f64,
    /// When it is stopped.
    #[arg(long)]
    pub kill: String,
}

/// About notes.
#[derive(Debug, Subcommand)]
pub enum NoteCommand {
    /// Keep a note; its text from standard input without TEXT.
    #[command(
        after_help = "Example:\n  steward note add --with ines --key env:NOTES_KEY --as tomas 'Wants to lead a study'"
    )]
    Add {
        /// The other person.
        #[arg(long)]
        with: String,
        /// Secret that the two share: env:NAME or file:PATH.
        #[arg(long)]
        key: String,
        /// What it says.
        text: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Read the notes with another person.
    #[command(after_help = "Example:\n  steward note list --with ines --key env:NOTES_KEY --as tomas")]
    List {
        /// The other person.
        #[arg(long)]
        with: String,
        /// Secret that the two share: env:NAME or file:PATH.
        #[arg(long)]
        key: String,
        #[command(flatten)]
        who: Who,
    },
}
