//! What an initiative is worth, costs and needs, as ranges.

use std::collections::BTreeMap;

use steward_definitions::{Bet, Initiative, Work};
use steward_stats::Rng;
use steward_stats::three_point::ThreePoint;

use crate::value::{self, Calibration};
use crate::{CapabilityError, Context};

/// Weeks in a year and a month.
const YEAR: f64 = 365.0 / 7.0;
const MONTH: f64 = 365.0 / 12.0 / 7.0;

/// Value of a bet over the horizon.
#[derive(Clone, Debug)]
struct BetValue {
    stated: f64,
    corrected: f64,
    effect: ThreePoint,
    /// Money for a lift of 1 over the horizon.
    scale: f64,
    /// −1 where less of the metric is better.
    sign: f64,
}

/// Where the value comes from.
#[derive(Clone, Debug)]
enum Source {
    /// A bet on its effect.
    Bets(Vec<BetValue>),
    /// Interest that ends.
    Interest(f64),
    /// The loss that knowing averts: probability, value if it succeeds, cost, of the initiative it tells about.
    Option { p: f64, gain: f64, cost: f64 },
}

/// An initiative with numbers.
#[derive(Clone, Debug)]
pub struct Item {
    pub name: String,
    pub label: Option<String>,
    pub cost: ThreePoint,
    pub skills: BTreeMap<String, ThreePoint>,
    pub needs: Vec<String>,
    pub because: String,
    source: Source,
}

impl Item {
    /// Expected value over the horizon.
    pub fn value(&self) -> f64 {
        match &self.source {
            Source::Bets(bets) => bets
                .iter()
                .map(|b| b.corrected * b.sign * b.effect.mean() * b.scale)
                .sum(),
            Source::Interest(total) => *total,
            Source::Option { p, gain, cost } => averted(*p, *gain, *cost),
        }
    }

    /// Value less cost.
    pub fn net(&self) -> f64 {
        self.value() - self.cost.mean()
    }

    /// Stated and corrected probability of its first bet.
    pub fn probability(&self) -> Option<(f64, f64)> {
        match &self.source {
            Source::Bets(bets) => bets.first().map(|b| (b.stated, b.corrected)),
            _ => None,
        }
    }

    /// A world: net value and skills.
    pub fn draw(&self, rng: &mut Rng) -> (f64, f64, Vec<f64>) {
        let value = match &self.source {
            // A portfolio is chosen before anyone knows what succeeds: the chance counts, the size of the effect is drawn.
            Source::Bets(bets) => bets
                .iter()
                .map(|b| b.corrected * b.sign * b.effect.draw(rng) * b.scale)
                .sum(),
            Source::Interest(total) => total * (0.7 + 0.6 * rng.uniform()),
            Source::Option { p, gain, cost } => averted(*p, gain * (0.7 + 0.6 * rng.uniform()), *cost),
        };
        let cost = self.cost.draw(rng).max(0.0);
        let skills = self.skills.values().map(|s| s.draw(rng).max(0.0)).collect();
        (value - cost, cost, skills)
    }
}

/// Doing it only if the spike says so, less the better of doing it blindly and not at all.
fn averted(p: f64, gain: f64, cost: f64) -> f64 {
    p * (gain - cost).max(0.0) - (p * gain - cost).max(0.0)
}

/// Of one initiative: itself, or why it has no number.
pub type Found = Result<Item, String>;

/// Every initiative.
pub async fn items(context: &Context, calibration: &Calibration) -> Result<Vec<(Initiative, Found)>, CapabilityError> {
    let weeks = match context.project.settings.portfolio.horizon_weeks {
        w if w > 0.0 => w,
        _ => 52.0,
    };
    let cases = value::bets(context).await?;
    // Frozen bets count as they were approved last.
    let bets: Vec<Bet> = cases
        .into_iter()
        .filter(|c| c.defined.is_some())
        .filter_map(|mut c| c.versions.pop().map(|v| v.bet).or(c.defined))
        .collect();
    let mut values: BTreeMap<String, Result<Vec<BetValue>, String>> = BTreeMap::new();
    for name in context.project.initiatives.keys() {
        let mut own = Ok(Vec::new());
        for bet in bets.iter().filter(|b| b.initiative == *name) {
            let found = bet_value(context, calibration, bet, weeks).await?;
            own = match (own, found) {
                (Ok(mut all), Ok(one)) => {
                    all.push(one);
                    Ok(all)
                }
                (Err(e), _) | (_, Err(e)) => Err(e),
            };
        }
        values.insert(name.clone(), own);
    }
    let all = context.project.initiatives.iter().map(|(name, initiative)| {
        let currency = context.project.settings.currency.as_deref().unwrap_or_default();
        let found = source(initiative, name, &values, &bets, weeks, currency).map(|(source, because)| Item {
            name: name.clone(),
            label: initiative.meta.label.clone(),
            cost: cost(&bets, name),
            skills: initiative.skills.iter().map(|(s, r)| (s.clone(), three(*r))).collect(),
            needs: initiative.depends_on.clone(),
            because,
            source,
        });
        (initiative.clone(), found)
    });
    Ok(all.collect())
}

fn three([p10, p50, p90]: [f64; 3]) -> ThreePoint {
    ThreePoint { p10, p50, p90 }
}

/// Stated costs of its bets together.
fn cost(bets: &[Bet], initiative: &str) -> ThreePoint {
    let costs = bets
        .iter()
        .filter(|b| b.initiative == initiative)
        .filter_map(|b| b.cost_minor);
    let (low, high) = costs.fold((0.0, 0.0), |(l, h), [low, high]| (l + low as f64, h + high as f64));
    three([low, 0.5 * (low + high), high])
}

fn source(
    initiative: &Initiative,
    name: &str,
    values: &BTreeMap<String, Result<Vec<BetValue>, String>>,
    bets: &[Bet],
    weeks: f64,
    currency: &str,
) -> Result<(Source, String), String> {
    match initiative.work {
        Work::Debt => {
            let monthly = initiative.interest.map(|i| i.monthly_minor()).unwrap_or_default();
            let total = monthly * weeks / MONTH;
            Ok((
                Source::Interest(total),
                format!("interest of {:.0} {currency} a month ends", monthly / 100.0),
            ))
        }
        Work::Spike => {
            let about = initiative.informs.as_deref().unwrap_or_default();
            let of = match values.get(about) {
                Some(Ok(all)) => all
                    .first()
                    .ok_or_else(|| format!("{about}, which it tells about, has no bet"))?,
                Some(Err(e)) => return Err(format!("{about}, which it tells about: {e}")),
                None => return Err(format!("{about}, which it tells about, is not defined")),
            };
            let gain = of.sign * of.effect.mean() * of.scale;
            let cost = cost(bets, about).mean();
            let because = format!(
                "tells whether {about} is worth its cost; ends on {} whatever it found",
                initiative.kill_by.as_deref().unwrap_or("its last day")
            );
            Ok((
                Source::Option {
                    p: of.corrected,
                    gain,
                    cost,
                },
                because,
            ))
        }
        Work::Feature => match values.get(name) {
            Some(Ok(all)) if !all.is_empty() => {
                let words: Vec<String> = all
                    .iter()
                    .map(|b| {
                        format!(
                            "{:.0}% (stated {:.0}%) of {:+.1}%",
                            100.0 * b.corrected,
                            100.0 * b.stated,
                            100.0 * b.effect.mean()
                        )
                    })
                    .collect();
                Ok((Source::Bets(all.clone()), words.join(", ")))
            }
            Some(Err(e)) => Err(e.clone()),
            _ => Err("no bet says what it is worth".into()),
        },
    }
}

async fn bet_value(
    context: &Context,
    calibration: &Calibration,
    bet: &Bet,
    weeks: f64,
) -> Result<Result<BetValue, String>, CapabilityError> {
    let name = &bet.meta.name;
    let Some(v) = bet.value.as_ref().filter(|v| v.signed_by.is_some()) else {
        return Ok(Err(format!("bet {name} has no signed value per unit")));
    };
    let yearly = match value::yearly_base(context, bet).await {
        Ok(base) => base,
        Err(e @ CapabilityError::Ledger(_)) => return Err(e),
        Err(e) => return Ok(Err(e.to_string())),
    };
    // Weeks that count, faded: a one-off is never annualised.
    let weeks = match (v.one_off_days, v.half_life_days) {
        (Some(days), _) => (days as f64 / 7.0).min(weeks),
        (_, Some(half)) => {
            let rate = std::f64::consts::LN_2 * 7.0 / half;
            (1.0 - (-rate * weeks).exp()) / rate
        }
        _ => weeks,
    };
    let team = context
        .project
        .settings
        .people
        .iter()
        .find(|p| p.name == bet.meta.owner);
    let less = context.project.metrics.get(&bet.metric).map(|m| m.experiment.direction);
    let [low, middle, high] = bet.effect;
    Ok(Ok(BetValue {
        stated: bet.probability,
        corrected: calibration.correct(bet.probability, team.and_then(|p| p.team.as_deref())),
        effect: three([low, middle, high]),
        scale: yearly / YEAR * weeks * v.per_unit_minor as f64 * v.margin,
        sign: if less == Some(steward_definitions::Direction::Decrease) {
            -1.0
        } else {
            1.0
        },
    }))
}
