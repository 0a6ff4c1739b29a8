//! The web UI: server-rendered, works without JavaScript, all state in the address.

pub(crate) mod assets;
mod bandit;
mod data;
mod dataset;
mod entities;
mod event;
mod experiment;
mod experiments;
mod flags;
mod home;
pub mod layout;
mod ledger;
mod lineage;
mod metrics;
mod models;
mod money;
mod objectives;
pub mod parts;
mod plan;
mod portfolio;
mod programme;
mod reports;
mod runs;
mod search;
mod team;
mod value;
mod why;

use axum::Router;
use axum::routing::{get, post};

use crate::State;

/// All pages.
pub fn router() -> Router<State> {
    Router::new()
        .route("/assets/{name}", get(assets::asset))
        .route("/", get(home::home))
        .route("/objectives", get(objectives::list))
        .route("/k/objective/{name}", get(objectives::show))
        .route("/portfolio", get(portfolio::show))
        .route("/value", get(value::show))
        .route("/value/bets.csv", get(value::csv))
        .route("/metrics", get(metrics::list))
        .route("/k/metric/{name}", get(metrics::show))
        .route("/experiments", get(experiments::list))
        .route("/k/experiment/{name}", get(experiment::show))
        .route("/k/experiment/{name}/decide", post(experiment::decide))
        .route("/k/experiment/{name}/{part}", get(experiment::power::show))
        .route("/programme", get(programme::page))
        .route("/programme.json", get(programme::json))
        .route("/programme.csv", get(programme::csv))
        .route("/data", get(data::list))
        .route("/k/dataset/{name}", get(dataset::show))
        .route("/k/dataset/{name}/check", post(dataset::check))
        .route("/k/initiative/{name}", get(entities::initiative))
        .route("/k/bet/{name}", get(entities::bet))
        .route("/k/semantic_model/{name}", get(entities::semantic_model))
        .route("/flags", get(flags::list))
        .route("/k/flag/{name}", get(flags::flag))
        .route("/k/flag/{name}/change", get(flags::plan))
        .route("/k/flag/{name}/apply", post(flags::apply))
        .route("/k/flag/{name}/resume", post(flags::resume))
        .route("/k/segment/{name}", get(flags::segment))
        .route("/k/layer/{name}", get(flags::layer))
        .route("/k/holdout/{name}", get(flags::holdout))
        .route("/money", get(money::show))
        .route("/k/bill/{name}", get(money::bill))
        .route("/k/budget/{name}", get(money::budget))
        .route("/k/contract/{name}", get(money::contract))
        .route("/calendar/contracts.ics", get(money::calendar))
        .route("/team", get(team::show))
        .route("/k/team/{name}", get(team::team))
        .route("/k/question/{name}", get(team::question))
        .route("/models", get(models::list))
        .route("/k/model/{name}", get(models::show))
        .route("/k/model/{name}/{version}", get(models::version))
        .route("/approvals", get(models::approvals))
        .route("/approvals/{id}", get(models::approval).post(models::answer))
        .route("/k/bandit/{name}", get(bandit::show))
        .route("/reports", get(reports::list))
        .route("/k/report/{name}", get(reports::show))
        .route("/k/report/{name}/build", post(reports::build))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/ledger", get(ledger::list))
        .route("/ledger/verify", post(ledger::verify))
        .route("/ledger/{sequence}", get(event::show))
        .route("/why/{evidence}", get(why::show))
        .route("/plan", get(plan::show).post(plan::apply))
        .route("/search", get(search::show))
        .route("/search.json", get(search::json))
        .layer(axum::middleware::from_fn(crate::error::for_programs))
}
