//! Why did this unit get this, and which flags should be gone?

use serde::Serialize;
use steward_ledger::Ledger;

use super::answer::Reason;
use super::evaluate::{Observer, Subject};
use super::live::{Live, RuleState};
use super::value::Value;
use crate::governance::{self, LastChange};
use crate::{CapabilityError, experiments};

/// How long a flag may give everyone the same value before it is called stale.
const SAME_FOR_DAYS: i64 = 30;
const DAY: i64 = 86_400_000_000;

/// What a unit gets, and how that came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// The flag.
    pub flag: String,
    /// What the unit gets.
    pub value: Value,
    /// Name of the value.
    pub variant: String,
    /// Why, in OpenFeature's words.
    pub reason: Reason,
    /// The rule that answered, if one did.
    pub rule: Option<String>,
    /// The experiment or split that assigned it.
    pub experiment: Option<String>,
    /// The hash, from 0 (inclusive) to 1 (exclusive), where one decided.
    pub bucket: Option<f64>,
    /// Rules passed over before, in the order in which they were tried; those of prerequisites as well.
    pub passed_over: Vec<PassedOver>,
}

/// A rule that did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// The flag, or a prerequisite of it.
    pub flag: String,
    /// The rule.
    pub rule: String,
    /// Why not.
    pub because: String,
}

struct Trace<'l> {
    live: &'l Live,
    all: Vec<PassedOver>,
}

impl Observer<'_> for Trace<'_> {
    fn skipped(&mut self, feature: &str, rule: usize, reason: &dyn Fn() -> String) {
        let known = self.live.flag(feature).and_then(|f| f.rules.get(rule));
        self.all.push(PassedOver {
            flag: feature.to_owned(),
            rule: known.map_or_else(|| (rule + 1).to_string(), |r| r.name.to_string()),
            because: reason(),
        });
    }
}

/// What a unit with these attributes gets of a flag, and why.
///
/// # Errors
/// An unknown flag; attributes that are no map.
pub fn explain(live: &Live, flag: &str, attributes: &Value) -> Result<Explained, CapabilityError> {
    if !matches!(attributes, Value::Map(_)) {
        return Err(CapabilityError::Invalid(
            "attributes are a JSON object, such as {\"id\": \"u1\", \"country\": \"DE\"}".into(),
        ));
    }
    let mut trace = Trace { live, all: Vec::new() };
    let answer = live
        .explain(flag, &mut Subject::new(attributes), &mut trace)
        .ok_or_else(|| live.unknown(flag))?;
    let assigned = answer.evaluation.assigned.as_ref();
    Ok(Explained {
        flag: flag.to_owned(),
        value: answer.value.clone(),
        variant: answer.variant.to_owned(),
        reason: answer.reason,
        rule: Some(answer.rule).filter(|r| !r.is_empty()).map(str::to_owned),
        experiment: assigned.map(|a| a.experiment.to_owned()),
        bucket: assigned.and_then(|a| a.bucket),
        passed_over: trace.all,
    })
}

/// A flag as it is served, for lists and pages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlagStatus {
    /// Name.
    pub flag: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// False is the kill switch.
    pub enabled: bool,
    /// What its values are: `boolean`, `string`, `integer`, `number`, `json`.
    pub value_type: steward_definitions::FlagType,
    /// What everyone gets whom no rule serves.
    pub default: Value,
    /// Where each rule stands.
    pub rules: Vec<RuleState>,
    /// Why it should be gone, if it should.
    pub stale: Option<String>,
    /// Who changed it last.
    pub changed: Option<LastChange>,
    /// Why, in their words; `None` if they were erased.
    pub because: Option<String>,
}

/// Every flag that is live with its state at a moment (microseconds since 1970 UTC).
pub async fn statuses(ledger: &Ledger, live: &Live, now_us: i64) -> Result<Vec<FlagStatus>, CapabilityError> {
    let mut changes = governance::last_changes(ledger).await?;
    let applications = governance::applications(ledger, None).await?;
    let zone = experiments::zone(&live.project().settings)?;
    let today = experiments::day(now_us, &zone).map_or_else(String::new, |d| d.to_string());
    let mut all = Vec::new();
    for (flag, state) in live.project().flags.values().zip(live.flags()) {
        let changed = changes.remove(&format!("flag/{}", flag.meta.name));
        let quiet = changed.as_ref().map_or(0, |c| (now_us - c.at_us) / DAY);
        let past = flag.stale_after.as_ref().filter(|day| **day < today);
        let same = state.rules.is_empty() && quiet >= SAME_FOR_DAYS;
        let stale = match past {
            Some(day) => Some(format!("it should have been gone after {day}")),
            None if same => Some(format!("everyone has been getting the default for {quiet} days")),
            None => None,
        };
        all.push(FlagStatus {
            flag: flag.meta.name.clone(),
            label: flag.meta.label.clone(),
            owner: flag.meta.owner.clone(),
            enabled: flag.enabled,
            value_type: flag.value_type,
            default: super::parse_json(&flag.default).unwrap_or(Value::Null),
            rules: state.states.clone(),
            stale,
            because: changed.as_ref().and_then(|c| {
                let application = applications.iter().find(|a| a.sequence == c.sequence)?;
                application.message.clone().filter(|m| !m.is_empty())
            }),
            changed,
        });
    }
    Ok(all)
}

/// One of [`statuses`].
pub async fn status(ledger: &Ledger, live: &Live, name: &str, now_us: i64) -> Result<FlagStatus, CapabilityError> {
    let all = statuses(ledger, live, now_us).await?;
    all.into_iter()
        .find(|s| s.flag == name)
        .ok_or_else(|| live.unknown(name))
}
