//! Who can do what, will that be enough, and what were we asked?
//!
//! Skills, capacity and coverage of teams; never a score of a person.

mod demand;
mod intake;
mod notes;
mod questions;
mod review;
mod supply;
mod team;
mod types;

pub use intake::{Canvas, Preview, WorkItem, as_csv, preview, scope};
pub use notes::{Note, NoteKey, add_note, notes};
pub use questions::{Answer, QuestionState, QuestionStatus, answer, questions};
pub use review::{Review, review};
pub use team::{HORIZON_WEEKS, team, teams};
pub use types::*;
