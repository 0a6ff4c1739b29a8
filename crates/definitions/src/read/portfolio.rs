//! `portfolio:` of `steward.yaml`: budget, capacities, and the records that forecasts are judged by.

use std::collections::BTreeMap;

use super::bet::amount;
use super::initiative::not_negative;
use crate::decode::{MapReader, Target};
use crate::project::{Kind, Reference};
use crate::{EstimateRecord, ForecastRecord, PortfolioSettings, Scenario, Settings, WorkRecord};

/// Reads `portfolio:`; nothing without it. `settings` are those read so far: the currency counts.
pub(super) fn read(map: &mut MapReader<'_>, settings: &Settings) -> PortfolioSettings {
    let Some(mut inner) = map.map("portfolio") else {
        return PortfolioSettings::default();
    };
    inner.rename("`portfolio`");
    let mut found = PortfolioSettings {
        budget_minor: amount(&mut inner, "budget", settings),
        capacity: capacity(&mut inner),
        horizon_weeks: inner.number("horizon_weeks").unwrap_or(52.0),
        ..PortfolioSettings::default()
    };
    if !(found.horizon_weeks > 0.0 && found.horizon_weeks <= 520.0) {
        let message = format!("`horizon_weeks` is {}; give 1 to 520", found.horizon_weeks);
        inner.error("bad-value", "horizon_weeks", message);
        found.horizon_weeks = 52.0;
    }
    if let Some([dataset, forecaster, probability, outcome]) =
        record(&mut inner, "forecasts", ["forecaster", "probability", "outcome"])
    {
        found.forecasts = Some(ForecastRecord {
            dataset,
            forecaster,
            probability,
            outcome,
        });
    }
    if let Some([dataset, initiative, done, _]) = record(&mut inner, "throughput", ["initiative", "done", ""]) {
        found.throughput = Some(WorkRecord {
            dataset,
            initiative,
            done,
        });
    }
    if let Some([dataset, low, high, actual]) = record(&mut inner, "estimates", ["low", "high", "actual"]) {
        found.estimates = Some(EstimateRecord {
            dataset,
            low,
            high,
            actual,
        });
    }
    if let Some(mut all) = inner.map("scenarios") {
        let names: Vec<String> = all.node().entries().iter().map(|e| e.key.clone()).collect();
        for name in names {
            let Some(mut one) = all.map(&name) else { continue };
            one.rename(format!("the scenario `{name}`"));
            let scenario = Scenario {
                budget_minor: amount(&mut one, "budget", settings),
                capacity: capacity(&mut one),
                require: one.names_of("require", Kind::Initiative),
                exclude: one.names_of("exclude", Kind::Initiative),
            };
            if let Some(both) = scenario.require.iter().find(|r| scenario.exclude.contains(r)) {
                one.error(
                    "bad-value",
                    "exclude",
                    format!("`{both}` is both required and excluded"),
                );
            }
            one.finish();
            found.scenarios.insert(name, scenario);
        }
    }
    inner.finish();
    found
}

fn capacity(map: &mut MapReader<'_>) -> BTreeMap<String, f64> {
    let Some(mut inner) = map.map("capacity") else {
        return BTreeMap::new();
    };
    let names: Vec<String> = inner.node().entries().iter().map(|e| e.key.clone()).collect();
    names
        .into_iter()
        .filter_map(|name| Some((name.clone(), not_negative(&mut inner, &name)?)))
        .collect()
}

/// A dataset and columns of it: (dataset, then the columns under these keys), empty where a key is.
fn record(map: &mut MapReader<'_>, key: &str, columns: [&str; 3]) -> Option<[String; 4]> {
    let mut inner = map.map(key)?;
    inner.rename(format!("`{key}` of `portfolio`"));
    let dataset = inner.required_text("dataset");
    inner.mention(
        "dataset",
        Target::Definition(Reference::new(Kind::Dataset, dataset.as_str())),
    );
    let names = columns.map(|column| {
        if column.is_empty() {
            return String::new();
        }
        let name = inner.required_text(column);
        if !name.is_empty() {
            let target = Target::Column {
                dataset: dataset.clone(),
                column: name.clone(),
            };
            inner.mention(column, target);
        }
        name
    });
    inner.finish();
    let [a, b, c] = names;
    (!dataset.is_empty()).then_some([dataset, a, b, c])
}
