//! From resolved forecasts to what a stated probability has meant.

use std::collections::BTreeMap;

use serde_json::json;
use steward_compute::{Query, Rows};
use steward_definitions::{EstimateRecord, ForecastRecord};
use steward_stats::brier::{brier, coverage};
use steward_stats::recalibration::{recalibrate, shifts};
use steward_stats::{Estimate, NotEstimable, Reason};

use super::freeze::record;
use super::record::{Calibration, OwnScores, Scores, TeamScores};
use crate::metrics::ident;
use crate::{CapabilityError, Context, governance};

/// Coverage of intervals.
const LEVEL: f64 = 0.95;
/// Bins of the calibration curve.
const BINS: usize = 8;
/// Team of forecasters who have none.
const NO_TEAM: &str = "no team";

/// A resolved forecast.
struct Forecast {
    who: String,
    p: f64,
    y: bool,
}

/// Everything that was forecast.
#[derive(Default)]
struct Forecasts {
    resolved: Vec<Forecast>,
    unresolved: u64,
    left_out: u64,
}

impl Forecasts {
    fn add(&mut self, who: &str, p: Option<f64>, y: Option<bool>) {
        match (p.filter(|p| *p > 0.0 && *p < 1.0), y) {
            (None, _) => self.left_out += 1,
            (Some(_), None) => self.unresolved += 1,
            (Some(p), Some(y)) => self.resolved.push(Forecast {
                who: who.to_string(),
                p,
                y,
            }),
        }
    }
}

async fn rows(context: &Context, label: &str, dataset: &str, columns: &[&str]) -> Result<Rows, CapabilityError> {
    let columns: Vec<String> = columns.iter().map(|c| ident(c)).collect();
    let query = Query {
        label: label.into(),
        sql: format!("SELECT {} FROM {}", columns.join(", "), ident(dataset)),
        parameters: Vec::new(),
    };
    Ok(context.engine.run(&query, &context.control).await?)
}

async fn recorded(context: &Context, table: &ForecastRecord, all: &mut Forecasts) -> Result<String, CapabilityError> {
    let columns = [&table.forecaster, &table.probability, &table.outcome].map(String::as_str);
    let rows = rows(context, "resolved forecasts", &table.dataset, &columns).await?;
    let who = rows.strings(&table.forecaster)?;
    let p = rows.numbers(&table.probability)?;
    let y = rows.booleans(&table.outcome)?;
    for ((who, p), y) in who.iter().zip(p).zip(y) {
        all.add(who.as_deref().unwrap_or_default(), p, y);
    }
    Ok(rows.sql)
}

async fn ranges(context: &Context, table: &EstimateRecord) -> Result<(Vec<bool>, String), CapabilityError> {
    let columns = [&table.low, &table.high, &table.actual].map(String::as_str);
    let rows = rows(context, "stated ranges", &table.dataset, &columns).await?;
    let (low, high, actual) = (
        rows.numbers(&table.low)?,
        rows.numbers(&table.high)?,
        rows.numbers(&table.actual)?,
    );
    let held = low.iter().zip(high).zip(actual).filter_map(|((l, h), a)| {
        let (l, h, a) = (*(l.as_ref())?, h?, a?);
        Some(l <= a && a <= h)
    });
    Ok((held.collect(), rows.sql))
}

fn scores(forecasts: &[&Forecast]) -> Scores {
    let p: Vec<f64> = forecasts.iter().map(|f| f.p).collect();
    let y: Vec<bool> = forecasts.iter().map(|f| f.y).collect();
    let (scored, line) = (brier(&p, &y, BINS, LEVEL), recalibrate(&p, &y, LEVEL));
    Scores {
        refused: line.as_ref().err().or(scored.as_ref().err()).cloned(),
        brier: scored.ok(),
        line: line.ok(),
    }
}

/// Scores everyone, teams, and the one who asks.
pub async fn calibration(context: &Context, person: Option<&str>) -> Result<Calibration, CapabilityError> {
    if let Some(name) = person {
        governance::accountable(&context.project, name, "asks for the own scores")?;
    }
    let settings = &context.project.settings.portfolio;
    let frozen = record(context).await?;
    let mut all = Forecasts::default();
    let mut sql = Vec::new();
    if let Some(table) = &settings.forecasts {
        sql.push(recorded(context, table, &mut all).await?);
    }
    // The first version is the promise; later ones know more.
    let mut resolved = BTreeMap::new();
    for (name, first) in frozen.0.iter().filter_map(|(n, v)| Some((n, v.first()?))) {
        let y = first.resolution.as_ref().map(|r| r.succeeded);
        resolved.insert(name.clone(), json!({ "sequence": first.sequence, "outcome": y }));
        all.add(&first.bet.meta.owner, Some(first.bet.probability), y);
    }
    let mut held = (Vec::new(), None);
    if let Some(table) = &settings.estimates {
        let (found, ran) = ranges(context, table).await?;
        held = (found, Some(()));
        sql.push(ran);
    }
    let tables: Vec<String> = [
        settings.forecasts.as_ref().map(|t| t.dataset.clone()),
        settings.estimates.as_ref().map(|t| t.dataset.clone()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let definitions = tables
        .iter()
        .filter_map(|t| {
            Some((
                format!("dataset/{t}"),
                context.project.datasets.get(t)?.meta.digest.clone(),
            ))
        })
        .collect();
    let teams: BTreeMap<&str, &str> = context
        .project
        .settings
        .people
        .iter()
        .filter_map(|p| Some((p.name.as_str(), p.team.as_deref()?)))
        .collect();
    let parameters = json!({ "bets": resolved, "teams": teams });
    let provenance = json!({ "engine": context.engine.name(), "sql": sql });
    let coverage = held.1.map(|()| coverage(&held.0, LEVEL));
    let mut concluded =
        crate::evidence::conclude(context, "calibration/all", definitions, &tables, parameters, || async {
            Ok((judge(&all, &teams, coverage), provenance))
        })
        .await?;
    concluded.value.evidence = concluded.evidence.id.clone();
    // A person's scores are computed for the person, and kept nowhere.
    concluded.value.own = person.map(|person| {
        let mine: Vec<&Forecast> = all.resolved.iter().filter(|f| f.who == person).collect();
        OwnScores {
            resolved: mine.len() as u64,
            scores: scores(&mine),
            person: person.to_string(),
        }
    });
    Ok(concluded.value)
}

fn judge(
    all: &Forecasts,
    teams: &BTreeMap<&str, &str>,
    coverage: Option<Result<Estimate, NotEstimable>>,
) -> Calibration {
    let everyone: Vec<&Forecast> = all.resolved.iter().collect();
    let scored = scores(&everyone);
    let mut by: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, f) in all.resolved.iter().enumerate() {
        by.entry(teams.get(f.who.as_str()).copied().unwrap_or(NO_TEAM))
            .or_default()
            .push(i);
    }
    let mut groups = vec![0; all.resolved.len()];
    for (g, members) in by.values().enumerate() {
        members.iter().for_each(|i| groups[*i] = g);
    }
    let p: Vec<f64> = all.resolved.iter().map(|f| f.p).collect();
    let y: Vec<bool> = all.resolved.iter().map(|f| f.y).collect();
    let shift = scored
        .line
        .as_ref()
        .and_then(|line| shifts(line, &p, &y, &groups, LEVEL).ok());
    let of = |(g, (team, members)): (usize, (&&str, &Vec<usize>))| {
        let own: Vec<&Forecast> = members.iter().filter_map(|i| all.resolved.get(*i)).collect();
        let alone = own
            .windows(2)
            .all(|pair| pair.first().map(|f| &f.who) == pair.last().map(|f| &f.who));
        // The score of a team of one is a person's.
        if alone {
            return TeamScores {
                team: team.to_string(),
                resolved: members.len() as u64,
                skill: None,
                shift: None,
                eighty: None,
                refused: Some(NotEstimable::new(
                    Reason::TooFew,
                    "one person alone forecast for this team",
                    "personal scores are for their owner: ask for your own",
                )),
            };
        }
        let own = scores(&own);
        let shift = shift.as_ref().and_then(|s| s.get(g)).copied();
        TeamScores {
            team: team.to_string(),
            resolved: members.len() as u64,
            skill: own.brier.map(|b| b.skill),
            eighty: shift.and_then(|s| Some(scored.line.as_ref()?.correct(0.8, s.point))),
            shift,
            refused: own.refused,
        }
    };
    let teams = by.iter().enumerate().map(of).collect();
    let (ranges, no_ranges) = match coverage {
        Some(Ok(e)) => (Some(e), None),
        Some(Err(e)) => (None, Some(e)),
        None => (
            None,
            Some(NotEstimable::new(
                Reason::TooFew,
                "no record of stated ranges is named",
                "name one under `portfolio: estimates:` of steward.yaml",
            )),
        ),
    };
    Calibration {
        summary: summary(all, &scored, ranges.as_ref()),
        resolved: all.resolved.len() as u64,
        unresolved: all.unresolved,
        left_out: all.left_out,
        all: scored,
        teams,
        ranges,
        no_ranges,
        own: None,
        evidence: String::new(),
    }
}

fn summary(all: &Forecasts, scored: &Scores, ranges: Option<&Estimate>) -> String {
    let n = all.resolved.len();
    let mut text = match (&scored.line, &scored.brier) {
        (Some(line), Some(b)) => {
            let (low, eighty, high) = line.corrected(0.8);
            let skill = if b.skill.low > 0.0 {
                "better than the base rate"
            } else if b.skill.high < 0.0 {
                "worse than the base rate"
            } else {
                "not clearly better than the base rate"
            };
            format!(
                "Of {n} resolved forecasts {:.0}% came true; they were {skill} (skill {:.2}, {:.2} to {:.2}). What was \
                 called 80% happened {:.0}% of the time ({:.0}% to {:.0}%).",
                100.0 * b.base_rate,
                b.skill.point,
                b.skill.low,
                b.skill.high,
                100.0 * eighty,
                100.0 * low,
                100.0 * high
            )
        }
        _ => match &scored.refused {
            Some(e) => format!("Calibration cannot be told: {}; {}.", e.detail, e.fix),
            None => "Nothing was forecast yet.".into(),
        },
    };
    if let Some(e) = ranges {
        text.push_str(&format!(
            " Stated 10% to 90% ranges held what came in {:.0}% of {} cases; 80% would be right.",
            100.0 * e.point,
            e.n
        ));
    }
    text
}
