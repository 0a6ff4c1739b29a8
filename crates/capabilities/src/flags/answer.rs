//! An answer in the words of OpenFeature: value, variant, reason.

use serde::{Deserialize, Serialize};
use steward_definitions::{Flag, FlagType};

use super::evaluate::{Evaluation, Observer, Silent, Source, Subject};
use super::live::{Live, LiveFlag, Origin};
use super::value::Value;

/// Why a value is what it is, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// There are no rules.
    Static,
    /// No rule applied, or a prerequisite does not hold.
    Default,
    /// A rule applied to the unit's attributes.
    TargetingMatch,
    /// The unit's hash decided.
    Split,
    /// The kill switch.
    Disabled,
}

impl Reason {
    /// OpenFeature's word: `TARGETING_MATCH`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Static => "STATIC",
            Reason::Default => "DEFAULT",
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Disabled => "DISABLED",
        }
    }
}

/// What a unit gets.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// The value.
    pub value: &'a Value,
    /// Name of the value.
    pub variant: &'a str,
    /// Why.
    pub reason: Reason,
    /// The rule that answered: a name of the definition, `prerequisite/FLAG`, `forced/1`, `holdout/NAME`; empty if none.
    pub rule: &'a str,
    /// The flag.
    pub flag: &'a LiveFlag,
    /// The SDKs' view of the same: source, and assignment if a split answered.
    pub evaluation: Evaluation<'a>,
}

impl Live {
    /// What a unit gets of a flag; `None` if there is no such flag. Allocates nothing for attributes that
    /// are texts, numbers and booleans, without sticky buckets.
    pub fn answer<'a>(&'a self, flag: &str, subject: &mut Subject<'a>) -> Option<Answer<'a>> {
        self.explain(flag, subject, &mut Silent)
    }

    /// As [`Live::answer`]; the observer is told how it came about.
    pub fn explain<'a, O: Observer<'a>>(
        &'a self,
        flag: &str,
        subject: &mut Subject<'a>,
        observer: &mut O,
    ) -> Option<Answer<'a>> {
        let (at, known) = self.find(flag)?;
        let evaluation = self.features.observe_at(at, subject, observer);
        let rule = evaluation.number.and_then(|n| known.rules.get(n));
        let (variant, reason) = match (evaluation.source, rule) {
            (Source::Override, _) => ("override", Reason::TargetingMatch),
            (_, Some(rule)) => match &evaluation.assigned {
                Some(assigned) if rule.origin == Origin::Rule => (assigned.key, rule.reason),
                _ => (&*rule.variant, rule.reason),
            },
            (_, None) if !known.enabled => (&*known.default_variant, Reason::Disabled),
            (_, None) if known.rules.is_empty() => (&*known.default_variant, Reason::Static),
            (_, None) => (&*known.default_variant, Reason::Default),
        };
        Some(Answer {
            value: evaluation.value,
            variant,
            reason,
            rule: rule.map_or("", |r| &r.name),
            flag: known,
            evaluation,
        })
    }
}

/// The name of a value (JSON text), if the flag gives it one; a boolean flag has `on` and `off`.
pub(super) fn variant_of<'a>(flag: &'a Flag, value: &str) -> Option<&'a str> {
    let named = flag.variants.iter().find(|v| v.value == value);
    match named {
        Some(named) => Some(&named.name),
        None if flag.value_type == FlagType::Boolean && value == "true" => Some("on"),
        None if flag.value_type == FlagType::Boolean && value == "false" => Some("off"),
        None => None,
    }
}
