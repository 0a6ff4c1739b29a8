//! What do we do next with the people and the budget at hand, and by when is it done?
//!
//! Each initiative is worth its bets at corrected probabilities (debt: the interest that ends; a spike: the loss that it
//! may avert). A small integer program chooses a set under budget and capacities; redraws of what nobody knows say how
//! sure a place is. Dates come from throughput.

mod dates;
mod items;
mod optimise;
mod rank;
mod types;

pub use types::*;

use crate::{CapabilityError, Context};

/// Draws of what nobody knows: values, efforts, costs.
pub const REDRAWS: usize = 500;

/// Every initiative by RICE, WSJF, cost of delay and expected net value, side by side; best net value first.
pub async fn priorities(context: &Context) -> Result<Vec<Priority>, CapabilityError> {
    rank::priorities(context).await
}

/// The best portfolio of a scenario (the project's own budget and capacities without one).
pub async fn optimise(context: &Context, asked: &OptimiseOptions) -> Result<Portfolio, CapabilityError> {
    optimise::optimise(context, asked).await
}

/// The project's own portfolio and every scenario's, side by side.
pub async fn scenarios(context: &Context, redraws: usize) -> Result<Vec<Portfolio>, CapabilityError> {
    let mut all = Vec::new();
    let names = context.project.settings.portfolio.scenarios.keys().cloned();
    for scenario in std::iter::once(None).chain(names.map(Some)) {
        let asked = OptimiseOptions {
            scenario,
            redraws,
            frontier: false,
            ..OptimiseOptions::default()
        };
        all.push(optimise::optimise(context, &asked).await?);
    }
    Ok(all)
}

/// By when initiatives are done, with the achieved coverage of such dates in the past. `drop`: without these.
pub async fn forecast(context: &Context, drop: &[String]) -> Result<Forecast, CapabilityError> {
    dates::forecast(context, drop).await
}
