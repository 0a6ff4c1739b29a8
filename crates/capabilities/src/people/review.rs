//! What a person decided, answers for and plans, as a draft for a review: facts with their sources, no score.

use serde::{Deserialize, Serialize};
use steward_definitions::Kind;

use crate::governance::{self, Decision, DecisionFilter};
use crate::{CapabilityError, Context};

/// Evidence for a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Person.
    pub person: String,
    /// Decisions that they took, newest first.
    pub decisions: Vec<Decision>,
    /// Definitions that they answer for, `kind/name`.
    pub owns: Vec<String>,
    /// Initiatives that they work on.
    pub initiatives: Vec<String>,
    /// Skills that they are to grow in, with the level.
    pub growth: Vec<(String, u64)>,
}

/// Collects what is on record of a person since a moment (microseconds since 1970 UTC).
///
/// # Errors
/// If nobody of that name is known, or the ledger failed.
pub async fn review(context: &Context, person: &str, since_us: Option<i64>) -> Result<Review, CapabilityError> {
    let project = &context.project;
    let people = &project.settings.people;
    if !people.is_empty() && !people.iter().any(|p| p.name == person) {
        return Err(CapabilityError::Unknown {
            kind: "person".into(),
            name: person.into(),
            near: steward_definitions::nearest::nearest(person, people.iter().map(|p| p.name.as_str()))
                .map(str::to_owned),
        });
    }
    let all = governance::decisions(context, &DecisionFilter::default(), None).await?;
    let own = |d: &Decision| d.actor == person && since_us.is_none_or(|since| d.at_us >= since);
    let owned = project.definitions().into_iter().filter(|r| {
        !matches!(r.kind, Kind::Metric | Kind::SemanticModel) && project.meta(r).is_some_and(|m| m.owner == person)
    });
    Ok(Review {
        person: person.to_owned(),
        decisions: all.into_iter().filter(own).collect(),
        owns: owned.map(|r| r.to_string()).collect(),
        initiatives: project
            .initiatives
            .values()
            .filter(|i| i.team.iter().any(|p| p == person))
            .map(|i| i.meta.name.clone())
            .collect(),
        growth: project
            .teams
            .values()
            .flat_map(|t| &t.growth)
            .filter(|g| g.person == person)
            .map(|g| (g.skill.clone(), g.level))
            .collect(),
    })
}
