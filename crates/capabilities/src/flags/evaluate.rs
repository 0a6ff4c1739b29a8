//! Evaluation, step by step as the JavaScript SDK (`@growthbook/growthbook` 1.8, `src/core.ts`) does it.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::condition::Root;
use super::hash::{choose, in_range};
use super::payload::{Action, Arm, By, FeatureSet, Filter, Force, Rule, Split};
use super::sticky::Sticky;
use super::value::{NULL, Value};

/// Who is asked for.
#[derive(Debug)]
pub struct Subject<'a> {
    /// A map of attributes.
    pub attributes: &'a Value,
    /// Address of the page, for variants forced in its query.
    pub url: &'a str,
    /// Variants forced by experiment key: `{"checkout": 1}`.
    pub forced_variations: &'a Value,
    /// Values forced by feature key.
    pub forced_values: &'a Value,
    /// Splits answer only where they are forced.
    pub qa_mode: bool,
    /// False: no splits.
    pub enabled: bool,
    /// Where assignments are kept; `None` is no sticky bucketing.
    pub sticky: Option<&'a mut Sticky>,
}

impl<'a> Subject<'a> {
    /// Someone with attributes alone.
    pub fn new(attributes: &'a Value) -> Subject<'a> {
        Subject {
            attributes,
            url: "",
            forced_variations: &NULL,
            forced_values: &NULL,
            qa_mode: false,
            enabled: true,
            sticky: None,
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// No rule applied.
    Default,
    /// A rule's value.
    Force,
    /// A rule's split.
    Experiment,
    /// Forced by the subject.
    Override,
    /// A gate does not hold.
    Prerequisite,
    /// Prerequisites in a circle.
    CyclicPrerequisite,
    /// No such feature.
    UnknownFeature,
}

impl Source {
    /// The SDKs' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Default => "defaultValue",
            Source::Force => "force",
            Source::Experiment => "experiment",
            Source::Override => "override",
            Source::Prerequisite => "prerequisite",
            Source::CyclicPrerequisite => "cyclicPrerequisite",
            Source::UnknownFeature => "unknownFeature",
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    /// The value.
    pub value: &'a Value,
    /// Where it comes from.
    pub source: Source,
    /// The rule, if one answered and has a name.
    pub rule: &'a str,
    /// Its place among the feature's rules.
    pub number: Option<usize>,
    /// The assignment, if a split answered.
    pub assigned: Option<Assigned<'a>>,
}

/// A unit's variant.
#[derive(Clone, Debug)]
pub struct Assigned<'a> {
    /// Key of the experiment.
    pub experiment: &'a str,
    /// What the payload says of the experiment.
    pub definition: &'a Value,
    /// The feature through which it was assigned.
    pub feature: &'a str,
    /// Name of the variant.
    pub key: &'a str,
    /// Its title.
    pub name: Option<&'a str>,
    /// Its index.
    pub variation: usize,
    /// Its value.
    pub value: &'a Value,
    /// Attribute that was hashed.
    pub attribute: &'a str,
    /// Value that was hashed.
    pub unit: &'a Value,
    /// Whether the unit is in the experiment.
    pub in_experiment: bool,
    /// Whether the hash assigned it.
    pub hash_used: bool,
    /// The hash.
    pub bucket: Option<f64>,
    /// Whether an earlier assignment was kept.
    pub sticky: bool,
    /// Whether later rules go on.
    pub passthrough: bool,
}

/// Is told of what happens; evaluation pays nothing where nobody listens.
pub trait Observer<'a> {
    /// A unit was assigned by hash.
    fn viewed(&mut self, _assigned: &Assigned<'a>) {}
    /// A rule of a feature was passed over, and why.
    fn skipped(&mut self, _feature: &str, _rule: usize, _reason: &dyn Fn() -> String) {}
}

/// Nobody listens.
pub struct Silent;

impl Observer<'_> for Silent {}

/// Features being evaluated, outwards.
struct Chain<'c> {
    feature: usize,
    outer: Option<&'c Chain<'c>>,
}

impl Chain<'_> {
    fn holds(&self, feature: usize) -> bool {
        self.feature == feature || self.outer.is_some_and(|o| o.holds(feature))
    }
}

static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::text(""));

impl FeatureSet {
    /// The value of a feature for a subject.
    pub fn evaluate<'a>(&'a self, key: &str, subject: &mut Subject<'a>) -> Evaluation<'a> {
        self.observe(key, subject, &mut Silent)
    }

    /// The value of a feature for a subject; the observer is told how it came about.
    pub fn observe<'a, O: Observer<'a>>(
        &'a self,
        key: &str,
        subject: &mut Subject<'a>,
        observer: &mut O,
    ) -> Evaluation<'a> {
        self.feature(key, self.find(key), None, subject, observer)
    }

    /// As [`FeatureSet::observe`], for the feature at a place.
    pub(super) fn observe_at<'a, O: Observer<'a>>(
        &'a self,
        at: usize,
        subject: &mut Subject<'a>,
        observer: &mut O,
    ) -> Evaluation<'a> {
        let key = self.features.get(at).map_or("", |f| &*f.key);
        self.feature(key, Some(at), None, subject, observer)
    }

    fn feature<'a, O: Observer<'a>>(
        &'a self,
        key: &str,
        at: Option<usize>,
        outer: Option<&Chain<'_>>,
        subject: &mut Subject<'a>,
        observer: &mut O,
    ) -> Evaluation<'a> {
        let answer = |value, source| Evaluation {
            value,
            source,
            rule: "",
            number: None,
            assigned: None,
        };
        if at.is_some_and(|at| outer.is_some_and(|o| o.holds(at))) {
            return answer(&NULL, Source::CyclicPrerequisite);
        }
        if let Some(forced) = subject.forced_values.get(key) {
            return answer(forced, Source::Override);
        }
        let Some((at, feature)) = at.and_then(|at| Some((at, self.features.get(at)?))) else {
            return answer(&NULL, Source::UnknownFeature);
        };
        let chain = Chain { feature: at, outer };
        'rules: for (number, rule) in feature.rules.iter().enumerate() {
            for parent in &rule.parents {
                let found = self.feature(&parent.id, parent.feature, Some(&chain), subject, observer);
                if found.source == Source::CyclicPrerequisite {
                    return answer(&NULL, Source::CyclicPrerequisite);
                }
                if !parent.condition.holds(Root::Flag(found.value)) {
                    observer.skipped(&feature.key, number, &|| {
                        format!("the prerequisite `{}` is {}", parent.id, found.value.to_json())
                    });
                    if parent.gate {
                        return answer(&NULL, Source::Prerequisite);
                    }
                    continue 'rules;
                }
            }
            if let Some(filter) = rule.filters.iter().find(|f| !passes(f, subject)) {
                observer.skipped(&feature.key, number, &|| {
                    format!("the unit's `{}` is outside the slice", filter.attribute)
                });
                continue;
            }
            match &rule.action {
                Action::Nothing => observer.skipped(&feature.key, number, &|| "it serves nothing".to_owned()),
                Action::Force(force) => {
                    if !condition_holds(rule, subject) {
                        observer.skipped(&feature.key, number, &|| failing(rule, subject.attributes));
                        continue;
                    }
                    if !included(force, subject) {
                        observer.skipped(&feature.key, number, &|| outside(force, subject));
                        continue;
                    }
                    return Evaluation {
                        value: &force.value,
                        source: Source::Force,
                        rule: &rule.id,
                        number: Some(number),
                        assigned: None,
                    };
                }
                Action::Split(split) => {
                    let ran = run(split, rule, &feature.key, subject);
                    if ran.assigned.hash_used {
                        observer.viewed(&ran.assigned);
                    }
                    if ran.assigned.in_experiment && !ran.assigned.passthrough {
                        let value = ran.assigned.value;
                        return Evaluation {
                            value,
                            source: Source::Experiment,
                            rule: &rule.id,
                            number: Some(number),
                            assigned: Some(ran.assigned),
                        };
                    }
                    observer.skipped(&feature.key, number, &|| match ran.reason {
                        "" => failing(rule, subject.attributes),
                        reason => reason.to_owned(),
                    });
                }
            }
        }
        answer(&feature.default, Source::Default)
    }
}

fn condition_holds(rule: &Rule, subject: &Subject<'_>) -> bool {
    rule.condition
        .as_ref()
        .is_none_or(|c| c.holds(Root::Attributes(subject.attributes)))
}

fn failing(rule: &Rule, attributes: &Value) -> String {
    let failing = rule
        .condition
        .as_ref()
        .and_then(|c| c.failing(Root::Attributes(attributes)));
    failing.unwrap_or_else(|| "its condition does not hold".to_owned())
}

/// The attribute that is hashed and its value; an empty text where there is none.
fn hashed<'a>(subject: &Subject<'a>, attribute: &'a str, fallback: Option<&'a str>) -> (&'a str, &'a Value) {
    let attributes: &'a Value = subject.attributes;
    let value = |name: &str| attributes.get(name).filter(|v| v.truthy());
    if let Some(found) = value(attribute) {
        return (attribute, found);
    }
    if let Some((name, found)) = fallback.and_then(|f| Some((f, value(f)?))) {
        return (name, found);
    }
    (attribute, &EMPTY)
}

fn hashed_by<'a>(by: &'a By, subject: &Subject<'a>) -> (&'a str, &'a Value) {
    let fallback = by.fallback.as_deref().filter(|_| subject.sticky.is_some() && by.sticky);
    hashed(subject, &by.attribute, fallback)
}

fn passes<'a>(filter: &'a Filter, subject: &Subject<'a>) -> bool {
    let (_, unit) = hashed(subject, &filter.attribute, None);
    unit.truthy()
        && filter
            .hasher
            .hash(unit)
            .is_some_and(|n| filter.ranges.iter().any(|r| in_range(n, r)))
}

fn included<'a>(force: &'a Force, subject: &Subject<'a>) -> bool {
    match (force.range, force.coverage) {
        (None, None) => return true,
        (None, Some(0.0)) => return false,
        _ => {}
    }
    let (_, unit) = hashed_by(&force.by, subject);
    if !unit.truthy() {
        return false;
    }
    match (force.hasher.hash(unit), force.range, force.coverage) {
        (None, _, _) => false,
        (Some(n), Some(range), _) => in_range(n, &range),
        (Some(n), None, Some(coverage)) => n <= coverage,
        (Some(_), None, None) => true,
    }
}

fn outside<'a>(force: &'a Force, subject: &Subject<'a>) -> String {
    let (attribute, unit) = hashed_by(&force.by, subject);
    if !unit.truthy() {
        return format!("there is no `{attribute}` to hash");
    }
    let n = force.hasher.hash(unit).unwrap_or(f64::NAN);
    match (force.range, force.coverage) {
        (Some([low, high]), _) => format!("`{attribute}` hashes to {n}, outside {low} to {high}"),
        (None, coverage) => format!(
            "`{attribute}` hashes to {n}, above the rollout of {}",
            coverage.unwrap_or(0.0)
        ),
    }
}

struct Ran<'a> {
    assigned: Assigned<'a>,
    /// Why the unit is not in the split; empty if the condition does not hold.
    reason: &'static str,
}

fn run<'a>(split: &'a Split, rule: &'a Rule, feature: &'a str, subject: &mut Subject<'a>) -> Ran<'a> {
    static NOTHING: LazyLock<Arm> = LazyLock::new(|| Arm {
        value: Value::Null,
        key: "0".into(),
        named: false,
        name: None,
        passthrough: false,
    });
    let (attribute, unit) = hashed_by(&split.by, subject);
    let result = |variation: Option<usize>, hash_used: bool, bucket: Option<f64>, sticky: bool| {
        let found = variation.filter(|v| *v < split.arms.len());
        let index = found.unwrap_or(0);
        let arm = split.arms.get(index).unwrap_or(&NOTHING);
        Assigned {
            experiment: &split.key,
            definition: &split.experiment,
            feature,
            key: &arm.key,
            name: arm.name.as_deref(),
            variation: index,
            value: &arm.value,
            attribute,
            unit,
            in_experiment: found.is_some(),
            hash_used,
            bucket,
            sticky,
            passthrough: arm.passthrough,
        }
    };
    let out = |reason| Ran {
        assigned: result(None, false, None, false),
        reason,
    };
    if split.arms.len() < 2 {
        return out("it splits between fewer than two variants");
    }
    if !subject.enabled {
        return out("splits are disabled");
    }
    let forced = |v: usize| Ran {
        assigned: result(Some(v), false, None, false),
        reason: "forced to a variant that is not there",
    };
    if let Some(variation) = from_query(&split.key, subject.url, split.arms.len()) {
        return forced(variation);
    }
    if let Some(variation) = subject.forced_variations.get(&split.key) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = variation
            .as_number()
            .filter(|n| *n >= 0.0 && n.trunc() == *n)
            .map_or(usize::MAX, |n| n as usize);
        return forced(index);
    }
    if !unit.truthy() {
        return out("there is no attribute to hash");
    }
    let mut kept = None;
    let mut blocked = false;
    if let Some(sticky) = subject.sticky.as_deref().filter(|_| split.by.sticky) {
        // The SDK looks under `id` where no fallback is named.
        let other = hashed(subject, split.by.fallback.as_deref().unwrap_or("id"), None);
        let own = hashed(subject, &split.by.attribute, None);
        let units = [Some(own), Some(other).filter(|(_, v)| v.truthy())];
        match sticky.assigned(&units, &split.key, split.bucket_version, split.min_bucket_version) {
            Ok(name) => kept = name.and_then(|n| split.arms.iter().position(|a| a.named && *a.key == *n)),
            Err(()) => blocked = true,
        }
    }
    if kept.is_none() {
        if let Some((hasher, range)) = &split.namespace
            && !hasher.hash(unit).is_some_and(|n| in_range(n, range))
        {
            return out("the unit is outside the namespace");
        }
        if !condition_holds(rule, subject) {
            return out("");
        }
    }
    let Some(n) = split.hasher.hash(unit) else {
        return out("the version of its hash is unknown");
    };
    let assigned = kept.or_else(|| choose(n, &split.ranges));
    if blocked {
        return Ran {
            assigned: result(None, false, None, true),
            reason: "an older bucket version had assigned the unit",
        };
    }
    let Some(variation) = assigned else {
        return out("the unit is outside the share that is split");
    };
    if subject.qa_mode {
        return out("quality assurance: only forced variants");
    }
    let assigned = result(Some(variation), true, Some(n), kept.is_some());
    if split.by.sticky
        && let Some(sticky) = subject.sticky.as_deref_mut()
    {
        sticky.assign(attribute, unit, &split.key, split.bucket_version, assigned.key);
    }
    Ran {
        assigned,
        reason: "it passes units through",
    }
}

/// A variant forced by `?key=1` of the page's address.
pub(super) fn from_query(key: &str, url: &str, count: usize) -> Option<usize> {
    let search = url.split('?').nth(1)?;
    // `#.*` ends at a line end, as JavaScript's dot does.
    let search: Cow<'_, str> = match search.find('#') {
        Some(hash) => {
            let rest = search.get(hash..).unwrap_or_default();
            let line = rest
                .find(['\n', '\r', '\u{2028}', '\u{2029}'])
                .and_then(|at| rest.get(at..))
                .unwrap_or_default();
            Cow::Owned(format!("{}{line}", search.get(..hash).unwrap_or_default()))
        }
        None => Cow::Borrowed(search),
    };
    let first = search.split('&').find_map(|pair| {
        let mut parts = pair.split('=');
        (parts.next() == Some(key)).then(|| parts.next().map(str::to_owned))
    })??;
    let digits = first.trim_start();
    let unsigned = digits.strip_prefix('+').unwrap_or(digits);
    let hex = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let (body, radix) = hex.map_or((unsigned, 10), |h| (h, 16));
    let end = body.find(|c: char| !c.is_digit(radix)).unwrap_or(body.len());
    let number = usize::from_str_radix(body.get(..end)?, radix).ok()?;
    // `-0` is 0 too.
    (number < count).then_some(number)
}
