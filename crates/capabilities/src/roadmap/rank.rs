//! Yardsticks side by side.

use std::collections::BTreeMap;

use super::items::items;
use super::types::Priority;
use crate::value;
use crate::{CapabilityError, Context};

/// Every initiative by every yardstick.
pub async fn priorities(context: &Context) -> Result<Vec<Priority>, CapabilityError> {
    let calibration = value::calibration(context, None).await?;
    let mut all: Vec<Priority> = items(context, &calibration)
        .await?
        .into_iter()
        .map(|(i, found)| {
            let weeks = i.effort_weeks.map(|e| e[1]).filter(|w| *w > 0.0);
            let item = found.as_ref().ok();
            Priority {
                initiative: i.meta.name.clone(),
                label: i.meta.label.clone(),
                work: i.work,
                rice: i.rice.zip(weeks).map(|(r, w)| r.reach * r.impact * r.confidence / w),
                wsjf: i.wsjf.zip(weeks).map(|(s, w)| (s.value + s.urgency + s.risk) / w),
                delay_per_week: i.delay_cost_minor.zip(weeks).map(|(c, w)| c as f64 / w),
                value: item.map(|i| i.value()),
                cost: item.map(|i| i.cost.mean()),
                net: item.map(|i| i.net()),
                stated: item.and_then(|i| i.probability()).map(|p| p.0),
                corrected: item.and_then(|i| i.probability()).map(|p| p.1),
                because: match &found {
                    Ok(item) => item.because.clone(),
                    Err(why) => why.clone(),
                },
                places: BTreeMap::new(),
            }
        })
        .collect();
    let yardsticks: [(&str, fn(&Priority) -> Option<f64>); 4] = [
        ("rice", |p| p.rice),
        ("wsjf", |p| p.wsjf),
        ("cost of delay", |p| p.delay_per_week),
        ("net value", |p| p.net),
    ];
    for (name, of) in yardsticks {
        let mut order: Vec<(f64, usize)> = all.iter().enumerate().filter_map(|(i, p)| Some((of(p)?, i))).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (place, (_, i)) in order.into_iter().enumerate() {
            if let Some(p) = all.get_mut(i) {
                p.places.insert(name.into(), place + 1);
            }
        }
    }
    all.sort_by(|a, b| {
        let net = |p: &Priority| p.net.unwrap_or(f64::NEG_INFINITY);
        net(b).total_cmp(&net(a)).then(a.initiative.cmp(&b.initiative))
    });
    Ok(all)
}
